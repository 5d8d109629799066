"""One answer to what is to be learned, for arrays, columns and labels; targets as numbers and back."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.doctor.targets import as_targets
from actwise.errors import InputError
from actwise.tables import find_target
from actwise.tasks import Task, find_task


@settings(deadline=None)
@given(st.lists(st.integers(-3, 25) | st.sampled_from([0.5, 1.5]), min_size=2, max_size=120))
def test_an_array_a_column_and_the_doctor_give_one_answer(values: list[float]) -> None:
    counts = {value: values.count(value) for value in values}
    values = [*values, *(value for value, n in counts.items() if n == 1)]  # a table refuses classes of one row
    if len(set(values)) < 2:
        return
    found = find_task(values)
    column = pl.Series("y", values, dtype=pl.Float64)
    assert find_task(column) == found
    in_table = find_target(pl.DataFrame([column]), "y").task
    assert (in_table.kind, in_table.n_outputs, in_table.labels) == (found.kind, found.n_outputs, found.labels)
    assert in_table.reason == f"target 'y' {found.reason}"
    assert as_targets(values).task == found


@pytest.mark.parametrize(
    ("y", "kind", "n_outputs", "labels"),
    [
        (["no", "yes"], "binary", 1, ("no", "yes")),
        ([True, False], "binary", 1, (False, True)),
        (np.repeat(np.arange(25), 40), "regression", 1, ()),  # 25 whole numbers in 1,000 rows
        (np.repeat(np.arange(20), 50), "multiclass", 20, tuple(range(20))),
        ([[0, 1], [1, 0]], "multiclass", 2, (0, 1)),
        ([[0, 1], [1, 1]], "multilabel", 2, ()),
        ([[0.5, 1], [1, 1]], "regression", 2, ()),
        ([np.nan, 1.0], "regression", 1, ()),
    ],
)
def test_what_is_to_be_learned(y, kind, n_outputs, labels) -> None:
    task = find_task(y)
    assert (task.kind, task.n_outputs, task.labels) == (kind, n_outputs, labels)


def test_what_is_asked_for_stands() -> None:
    assert find_task([0, 1], "regression").kind == "regression"
    assert find_task([0.5, 1.5, 2.5], "classification").labels == (0.5, 1.5, 2.5)
    assert find_task([[0, 1], [1, 0]], "multilabel").kind == "multilabel"
    with pytest.raises(InputError, match="did you mean 'classification'"):
        find_task([0, 1], "clasification")
    with pytest.raises(InputError, match="hold rows"):
        find_task(np.empty((0, 2)))
    with pytest.raises(InputError, match="3 columns are not one of two classes"):
        find_task(np.eye(3), "binary")


def test_classes_are_decided_and_come_back() -> None:
    several, two, one = Task.of_classes(("a", "b", "c")), Task.of_classes((3, 7)), Task.of_classes((5,))
    assert several.decode(several.encode(["c", "a"])).tolist() == ["c", "a"]
    assert several.decide(np.array([[0.1, 0.7, 0.2]])).tolist() == [1]
    assert several.indicators(["c"]).tolist() == [[0, 0, 1]]
    assert two.decode(two.decide(np.array([[0.4], [0.6]]))).tolist() == [3, 7]
    assert two.decide(np.array([[-0.1], [0.1]]), threshold=0.0).tolist() == [0, 1]
    assert one.decode(one.decide(np.array([[0.9]]))).tolist() == [5]
    answers = find_task([[0, 1], [1, 1]])
    assert answers.decide(np.array([[0.2, 0.8]])).tolist() == [[0, 1]]


def test_numbers_are_scaled_by_training_rows() -> None:
    task = find_task([0.5, 1.5, 3.5]).learn(np.array([[0.5], [1.5], [3.5]]))
    encoded = task.encode([0.5, 1.5, 3.5])
    assert encoded.dtype == np.float32
    np.testing.assert_allclose([encoded.mean(), encoded.std()], [0, 1], atol=1e-6)
    np.testing.assert_allclose(task.decode(encoded)[:, 0], [0.5, 1.5, 3.5], rtol=1e-6)
    huge = find_task([1e300, -1e300, 0.5e300]).learn(np.array([[1e300], [-1e300], [0.5e300]]))
    assert np.isfinite(huge.encode([1e300])).all()


@pytest.mark.parametrize("n", [2, 3])
def test_a_column_per_class_is_encoded_as_the_class_of_each_row(n):
    classes = np.array([0, 1, n - 1, 1, 0])
    columns = np.eye(n)[classes]
    task = find_task(columns)
    assert (task.kind, task.n_outputs) == ("multiclass", n)
    assert np.array_equal(task.encode(columns), classes)
    assert np.array_equal(task.indicators(columns), columns)


def test_two_columns_may_be_one_of_two_classes():
    columns = np.eye(2)[[0, 1, 1]]
    task = find_task(columns, "binary")
    assert (task.kind, task.n_outputs, task.encode(columns).tolist()) == ("binary", 1, [0, 1, 1])
    assert as_targets(columns, "binary").truth.tolist() == [0, 1, 1]
    with pytest.raises(InputError, match="3 columns are not one of two classes"):
        find_task(np.eye(3), "binary")
