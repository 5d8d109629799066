"""The baselines: what they answer, from how many rows, and in silence."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from actwise.tasks import baselines
from actwise.tasks.baselines import Rows, baseline_predictions, constant_prediction


@pytest.fixture
def classes():
    random = np.random.default_rng(0)
    X = random.normal(size=(90, 3)).astype(np.float32)
    return Rows(X, (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 1))


def test_the_constant_is_the_shares_of_the_classes():
    train = Rows(np.zeros((4, 1), np.float32), np.array([0, 0, 2, 0]))
    assert constant_prediction(train, 3, 2).tolist() == [[0.75, 0, 0.25]] * 2


def test_the_constant_is_the_mean_of_numbers():
    train = Rows(np.zeros((2, 1), np.float32), np.array([[1, 10], [3, 20]], np.float32))
    assert constant_prediction(train, 0, 3).tolist() == [[2, 15]] * 3


def test_classifiers_give_probabilities_of_all_classes(classes):
    found = dict(baseline_predictions(classes, classes, classes.X, n_classes=4, seed=0))
    assert list(found) == ["linear", "boosting"]
    for probabilities in found.values():
        assert probabilities.shape == (90, 4)
        assert probabilities.sum(axis=1) == pytest.approx(1)
        assert not probabilities[:, 3].any(), "a class that no training row has"
        assert (probabilities.argmax(axis=1) == classes.y).mean() > 0.8


def test_numbers_come_for_each_output(classes):
    targets = classes.X[:, :2] * np.array([1, -2], np.float32)
    for _, found in baseline_predictions(Rows(classes.X, targets), None, classes.X, n_classes=0, seed=0):
        assert found.shape == (90, 2)
        assert np.corrcoef(found[:, 1], targets[:, 1])[0, 1] > 0.9


def test_large_tables_get_a_sample(classes, monkeypatch):
    sizes = []
    fit = LogisticRegression.fit
    monkeypatch.setattr(baselines, "MOST_ROWS", 50)
    monkeypatch.setattr(
        LogisticRegression, "fit", lambda self, X, y: (sizes.append(len(np.unique(X, axis=0))), fit(self, X, y))[1]
    )
    next(baseline_predictions(classes, classes, classes.X, n_classes=3, seed=0))
    assert sizes == [50], "different rows, so none is drawn twice"


def test_what_scikit_learn_warns_of_stays_there(classes, monkeypatch):
    monkeypatch.setattr(baselines, "LINEAR_ITERATIONS", 1)
    assert len(list(baseline_predictions(classes, None, classes.X, n_classes=3, seed=0))) == 2
