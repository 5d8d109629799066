"""What is to be learned is recognised, and outputs are scored as scikit-learn scores them."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score

from actwise.doctor.targets import as_targets
from actwise.errors import InputError

RNG = np.random.default_rng(3)
ROWS = np.arange(60)


@pytest.mark.parametrize(
    ("y", "kind", "n_outputs"),
    [
        (RNG.normal(size=60), "regression", 1),
        (RNG.normal(size=(60, 3)), "regression", 3),
        (RNG.integers(0, 2, 60), "binary", 1),
        (RNG.choice([-1, 1], 60), "binary", 1),
        (RNG.integers(0, 4, 60), "multiclass", 4),
        (np.eye(3)[RNG.integers(0, 3, 60)], "multiclass", 3),
        (np.vstack([[1, 1], [0, 0], RNG.integers(0, 2, (58, 2))]), "multilabel", 2),
        (np.arange(60), "regression", 1),
    ],
)
def test_the_task_is_recognised(y, kind, n_outputs):
    task = as_targets(y)
    assert task.kind == kind
    assert task.n_outputs == n_outputs


def test_numbers_are_scored_by_r2():
    y, said = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2))
    assert as_targets(y).score(said, ROWS) == pytest.approx(max(-1, r2_score(y, said)))
    close = y + 0.1 * said
    assert as_targets(y).score(close, ROWS) == pytest.approx(r2_score(y, close))
    assert as_targets(y).score(y * 1e9, ROWS) == -1
    assert as_targets(y).score(np.full((60, 2), np.nan), ROWS) == -1


def test_the_mean_of_the_rows_errors_is_what_r2_lacks():
    y, said = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2))
    assert as_targets(y).row_errors(said, ROWS).mean() == pytest.approx(1 - r2_score(y, said))
    assert as_targets(RNG.integers(0, 2, 60)).row_errors(said, ROWS) is None


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1), (1, 2)])
def test_one_output_is_cut_between_two_labels(labels):
    y, said = RNG.choice(labels, 60), RNG.uniform(-1, 2, 60)
    expected = balanced_accuracy_score(y, np.where(said > np.mean(labels), labels[1], labels[0]))
    assert as_targets(y).score(said.reshape(-1, 1), ROWS) == pytest.approx(expected)


def test_several_outputs_name_the_class_by_the_largest():
    y, said = RNG.integers(0, 4, 60), RNG.normal(size=(60, 4))
    assert as_targets(y).score(said, ROWS) == pytest.approx(balanced_accuracy_score(y, said.argmax(axis=1)))
    rounded = np.clip(np.rint(said[:, 0] + 1), 0, 3)
    assert as_targets(y).score(said[:, :1] + 1, ROWS) == pytest.approx(balanced_accuracy_score(y, rounded))


def test_what_cannot_be_a_task_is_refused():
    with pytest.raises(InputError, match="unknown task 'clasification'"):
        as_targets([0, 1], "clasification")
    with pytest.raises(InputError, match="hold rows"):
        as_targets(np.empty((0, 2)))
