"""Targets: the task and its reason, labels in their own type, and back to the user's units."""

from __future__ import annotations

import datetime
import json
import math
import re
import warnings
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actwise.errors import ActwiseWarning, InputError, ModelError, TableError
from actwise.tables import ReadOptions, Target, find_target, read_table
from actwise.tasks import Task

BINARY, MANY = "binary_classification", "multiclass_classification"


@pytest.mark.parametrize(
    ("cells", "kind", "labels", "reason"),
    [
        (["no", "yes"] * 3, BINARY, ("no", "yes"), "2 different texts: classification"),
        (["b", "a", "c"] * 3, MANY, ("a", "b", "c"), "3 different texts: classification"),
        ([True, False] * 3, BINARY, (False, True), "truth values"),
        ([0, 1, 1, 0], BINARY, (0, 1), "2 different whole numbers, which are taken for classes"),
        (["0", "1", "1", "0"], BINARY, (0, 1), "2 different whole numbers"),
        ([0.0, 1.0, 1.0, 0.0], BINARY, (0.0, 1.0), "2 different whole numbers"),
        (["0.0", "1.0", "1.0", "0.0"], BINARY, (0.0, 1.0), "2 different whole numbers"),
        (["01", "02", "02", "01"], BINARY, ("01", "02"), "2 different whole numbers"),
        ([1, 2, 3] * 10, MANY, (1, 2, 3), "3 different whole numbers"),
        (list(range(10)), "regression", (), "10 different whole numbers, too many for classes of 10 rows"),
        (list(range(21)) * 100, "regression", (), "21 different whole numbers, too many"),
        (list(range(20)) * 100, MANY, tuple(range(20)), "20 different whole numbers"),
        ([0.5, 1.5, 0.5, 1.5], "regression", (), "2 different numbers, not all of them whole: regression"),
        (["+", "-", "+", "-"], BINARY, ("+", "-"), "2 different texts"),
    ],
)
def test_the_task_is_found_with_its_reason(cells: list[Any], kind: str, labels: tuple, reason: str) -> None:
    target = find_target(pl.DataFrame({"y": cells}), "y")
    assert target.kind == kind
    assert target.labels == labels
    assert [type(label) for label in target.labels] == [type(label) for label in labels]
    assert reason in target.task.reason
    assert target.describe() == [target.task.reason]


@pytest.mark.parametrize(
    ("sample", "kind"),
    [("breast_cancer", BINARY), ("iris", MANY), ("wine", MANY), ("digits", MANY), ("diabetes", "regression")],
)
def test_the_bundled_samples_are_recognised(sample: str, kind: str) -> None:
    frame = read_table(f"sample:{sample}")
    assert find_target(frame, frame.columns[-1]).kind == kind


def test_the_task_can_be_asked_for() -> None:
    frame = pl.DataFrame({"y": [0, 1, 1, 0], "z": [0.5, 1.5, 0.5, 1.5]})
    assert find_target(frame, "y", task="regression").kind == "regression"
    assert find_target(frame, "z", task="classification").labels == (0.5, 1.5)
    with pytest.raises(InputError, match="task 'guess' is unknown"):
        find_target(frame, "y", task="guess")


LABELS = st.one_of(
    st.lists(st.text("abcxyz ", min_size=1, max_size=4).filter(lambda s: s == s.strip()), min_size=2, unique=True),
    st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=20, unique=True),
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20, unique=True),
    st.just([False, True]),
)


@pytest.mark.filterwarnings("ignore:.*differ by case or blanks only")
@settings(max_examples=200, deadline=None)
@given(labels=LABELS, data=st.data())
def test_classes_come_back_as_they_were(labels: list[Any], data: st.DataObject) -> None:
    cells = labels * 2 + data.draw(st.lists(st.sampled_from(labels), max_size=20))
    cells = data.draw(st.permutations(cells))
    frame = pl.DataFrame({"y": cells})
    target = find_target(frame, "y", task="classification")
    assert list(target.labels) == sorted(labels)
    codes = target.encode(frame)
    assert codes.dtype == np.int64
    assert codes.tolist() == [sorted(labels).index(cell) for cell in cells]
    assert target.decode(codes).tolist() == cells
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.tuples(st.floats(-1e300, 1e300), st.integers(-99, 99)), min_size=4, max_size=30),
    other=st.floats(-1e300, 1e300),
)
def test_quantities_are_standardised_by_training_rows_and_come_back(
    values: list[tuple[float, int]], other: float
) -> None:
    frame = pl.DataFrame(values, schema=["a", "b"], orient="row")
    training = np.arange(len(values) - 1)
    seen = frame[training]
    spread = [seen[name].max() - seen[name].min() for name in seen.columns]
    assume(all(each > 1e-6 * max(1, seen[name].abs().max()) for each, name in zip(spread, seen.columns, strict=True)))
    assume(frame["a"].n_unique() > 1)
    target = find_target(frame, ["a", "b"]).learn(frame, training)
    assert target.kind == "multi_output_regression"
    changed = frame.with_columns(a=frame["a"].scatter(len(values) - 1, other))
    assert find_target(changed, ["a", "b"]).learn(changed, training) == target
    encoded = target.encode(frame, training)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(encoded.std(axis=0), 1, rtol=1e-3)
    back = target.decode(encoded)
    np.testing.assert_allclose(back, seen.to_numpy(), rtol=1e-5, atol=1e-5 * max(target.task.scaling.scales))
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target


def test_one_quantity_decodes_flat_and_needs_learning_first() -> None:
    frame = pl.DataFrame({"y": ["10.5", "20", None, "30"]})
    target = find_target(frame, "y")
    rows = target.labelled_rows(frame)
    with pytest.raises(InputError, match="after learn"):
        target.encode(frame, rows)
    with pytest.raises(InputError, match="after learn"):
        target.decode([0.0])
    learned = target.learn(frame, rows)
    assert learned.encode(frame, rows).shape == (3, 1)
    np.testing.assert_allclose(learned.decode(learned.encode(frame, rows)), [10.5, 20, 30], rtol=1e-6)
    np.testing.assert_allclose(learned.decode(np.zeros(1)), [np.mean([10.5, 20, 30])])
    np.testing.assert_array_equal(learned.values(frame, rows), [[10.5], [20], [30]])


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    frame = pl.DataFrame({"y": ["a", None, "b", "NA", "a", "b", ""], "z": [1, 2, None, 4, 5, 6, 7]})
    target = find_target(frame, "y")
    assert target.labelled_rows(frame).tolist() == [0, 2, 4, 5]
    assert target.describe()[1] == "3 rows are left out: no value in 'y'"
    numbers = pl.DataFrame({"y": [1.5, math.nan, 2.5, 0.1], "z": [1, 2, None, 4]})
    both = find_target(numbers, ["y", "z"])
    assert both.labelled_rows(numbers).tolist() == [0, 3]
    assert both.describe()[1] == "2 rows are left out: no value in 'y' or 'z'"
    with pytest.raises(TableError, match="target 'y' is missing in row 2"):
        target.encode(frame)
    with pytest.raises(TableError, match="target 'y' is missing in row 2"):
        both.learn(numbers, [0, 1, 3])


@pytest.mark.parametrize(
    ("cells", "task", "problem"),
    [
        ([None, "", "?"], "auto", "no row has a value in 'y'"),
        (["a", "a", "a"], "auto", "target 'y' is 'a' in every row"),
        ([1.5, 1.5, None], "auto", "target 'y' is 1.5 in every row: there is nothing to predict"),
        ([3, 3, 3], "auto", "target 'y' is 3.* in every row"),
        (["a", "a", "b"], "auto", "has one row only of 'b', .* drop such rows or merge the class with another$"),
        ([1, 1, 2], "auto", "has one row only of 2, .* or ask for task 'regression'"),
        ([1.5, math.inf, 2], "auto", "column 'y' holds an infinite number in row 2"),
        (
            ["a", "b", "c", "2", "3"],
            "regression",
            "target 'y' should hold numbers for a regression, but row 1 holds 'a'",
        ),
        ([f"name {i}" for i in range(50)], "auto", "holds 50 different values in 50 rows, most of them once"),
        ([datetime.date(2024, 1, 1 + i) for i in range(30)], "auto", "most of .* so choose another target column$"),
        ([[1], [2], [1]], "auto", "cells: choose a column of single values"),
        ([[1], [2], [1]], "regression", "cells: choose a column of single values"),
    ],
)
def test_targets_that_cannot_be_predicted_say_why(cells: list[Any], task: str, problem: str) -> None:
    with pytest.raises(TableError, match=problem) as caught:
        find_target(pl.DataFrame({"y": cells}, strict=False), "y", task)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["None", "NA", "N/A", "n/a", "NULL", "null", "NaN", "?"])
def test_words_for_missing_are_classes_where_nothing_says_that_they_are_missing(word: str) -> None:
    frame = pl.DataFrame({"x": ["1", "2", "", "4"] * 3, "y": [word, "Minor", word, "Major"] * 3})
    with pytest.warns(ActwiseWarning, match=f"target 'y': '{re.escape(word)}' is taken for a class, of 6 rows: .*--na"):
        target = find_target(frame, "y")
    assert set(target.labels) == {word, "Minor", "Major"}
    assert target.n_missing == 0
    assert target.decode(target.encode(frame)).tolist() == frame["y"].to_list()
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_target(frame, "y", options=ReadOptions(present=(word,))) == target
        said = find_target(frame, "y", options=ReadOptions(missing=(word,)))
        assert (said.labels, said.n_missing) == (("Major", "Minor"), 6)
        # It is the table's word for missing: it stands among the numbers of another column.
        used = frame.with_columns(x=pl.Series(["1", "2", word, "4"] * 3))
        assert find_target(used, "y").n_missing == 6
        assert find_target(frame.with_columns(y=pl.Series([word, "yes", "no", "yes"] * 3)), "y").n_missing == 3


def test_a_class_of_one_row_is_left_out_aloud() -> None:
    frame = pl.DataFrame({"y": ["D", "R"] * 60 + ["L", "W"] + ["G"] * 3})
    target = find_target(frame, "y")
    assert target.labels == ("D", "G", "R")
    assert target.labelled_rows(frame).tolist() == [*range(120), 122, 123, 124]
    assert target.describe()[1:] == [
        "2 rows are left out, each the only one of its class: 'L', 'W'",
        "too rare for a test to say much about: 'G' (3 rows)",
    ]


def test_grades_with_rare_values_are_quantities() -> None:
    grades = [k % 12 for k in range(400)] + [0, 19, 20]
    for cells in (grades, list(map(str, grades))):
        target = find_target(pl.DataFrame({"y": cells}), "y")
        assert target.kind == "regression"
        assert "14 different numbers, some of them once: regression" in target.task.reason
    assert find_target(pl.DataFrame({"y": grades}), "y", "classification").labels == tuple(range(12))


def test_odd_cells_of_a_target_are_left_out_aloud() -> None:
    frame = pl.DataFrame({"y": [*(f"{k},{k:03}.5 kg" for k in range(1, 60)), "many", "-"]})
    with pytest.warns(ActwiseWarning, match=r"'y' \(number\): 1 cell, 'many' in row 60"):
        target = find_target(frame, "y")
    assert (target.kind, target.n_missing, target.written_unit) == ("regression", 2, "kg")
    rows = target.labelled_rows(frame)
    assert rows.tolist() == list(range(59))
    assert target.values(frame, rows)[:2, 0].tolist() == [1001.5, 2002.5]
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target


def test_the_type_of_a_target_can_be_said() -> None:
    frame = pl.DataFrame({"y": [1, 2, 3, -9] * 10})
    assert find_target(frame, "y").labels == (-9, 1, 2, 3)
    said = find_target(frame, "y", options=ReadOptions(types=("y=number",), missing=("-9",)))
    assert (said.kind, said.n_missing) == ("regression", 10)
    assert find_target(frame, "y", options=ReadOptions(missing=("-9",))).labels == (1, 2, 3)


NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / 60) for i in range(60)])
LONG = np.exp(3 * NORMAL)  # positive, with a tail that a logarithm cures


def test_a_positive_target_with_a_long_tail_is_learned_as_its_logarithm() -> None:
    frame = pl.DataFrame({"y": LONG})
    target = find_target(frame, "y").learn(frame, np.arange(60))
    assert target.task.transform == "log"
    assert target.task.reason.endswith(
        "not all of them whole: regression; its logarithm is learned, since it is positive and its tail is long"
    )
    encoded = target.encode(frame)
    np.testing.assert_allclose(encoded[:, 0], NORMAL / NORMAL.std(), rtol=1e-5)
    np.testing.assert_allclose(target.decode(encoded), LONG, rtol=1e-5)
    # A later value that is not positive is a low one; a prediction is positive and finite.
    assert target.encode(pl.DataFrame({"y": [0.0, -5.0, 1e-300]})).tolist() == [[-10.0]] * 3
    assert np.isfinite(target.decode([-1e4, 1e4])).all()
    plain = json.loads(json.dumps(target.to_dict()))
    assert Target.from_dict(plain) == target
    with pytest.raises(ModelError, match="no logarithm is learned for a multi_output_regression"):
        Target.from_dict(
            plain
            | {"kind": "multi_output_regression", "names": ["y", "z"], "centres": [0.0, 0.0], "scales": [1.0, 1.0]}
        )


def test_targets_saved_before_logarithms_are_none() -> None:
    frame = pl.DataFrame({"y": [1.5, 2.0, 4.0]})
    target = find_target(frame, "y").learn(frame, np.arange(3))
    old = target.to_dict()
    assert old.pop("transform") == "none"
    assert Target.from_dict(old) == target


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.linspace(1.5, 99, 60), "regression$"),
        (np.concatenate([[-1.0], LONG]), "their errors outweigh all others$"),
        (np.concatenate([[0.0], LONG]), "their errors outweigh all others$"),
        (np.concatenate([1.5 + np.arange(60) / 60, [1e300]]), "their errors outweigh all others$"),
    ],
)
def test_other_targets_are_learned_as_they_are(values: np.ndarray, said: str) -> None:
    frame = pl.DataFrame({"y": values})
    target = find_target(frame, "y").learn(frame, np.arange(frame.height))
    assert target.task.transform == "none"
    assert re.search(said, target.task.reason)
    if values.min() > 0:
        both = frame.with_columns(z="y")
        assert find_target(both, ["y", "z"]).learn(both, np.arange(60)).task.transform == "none"


def test_classes_that_differ_by_case_or_blanks_only_are_announced() -> None:
    said = "target 'y': the classes 'New York' and 'NewYork' and 'new  york' differ by case or blanks only"
    with pytest.warns(ActwiseWarning, match=said):
        labels = find_target(pl.DataFrame({"y": ["new  york", "Bern", "NewYork", "New York"] * 2}), "y").labels
    assert labels == ("Bern", "New York", "NewYork", "new  york")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_target(pl.DataFrame({"y": ["yes", "no", "maybe"] * 2}), "y")


def test_wrong_names_and_combinations_say_why() -> None:
    frame = pl.DataFrame({"species": ["a", "b"], "width": [1.0, 2.0], "height": [2.0, 3.0]})
    with pytest.raises(TableError, match=r"no target column 'specis': did you mean 'species'\?"):
        find_target(frame, "specis")
    with pytest.raises(TableError, match="does the file lack a first line with names"):
        find_target(pl.DataFrame({"5.1": [4.9], "3.5": [3.0], "setosa": ["setosa"]}), "species")
    with pytest.raises(TableError, match="name a target column"):
        find_target(frame, [])
    with pytest.raises(TableError, match="named once"):
        find_target(frame, ["width", "width"])
    with pytest.raises(TableError, match="2 targets cannot be classes"):
        find_target(frame, ["width", "height"], task="classification")
    with pytest.raises(TableError, match="target 'species' should hold numbers for a regression, but row 1 holds 'a'"):
        find_target(frame, ["width", "species"])


def test_new_rows_are_held_to_the_classes() -> None:
    target = find_target(pl.DataFrame({"y": [1, 2, 1, 2]}), "y")
    assert target.encode(pl.DataFrame({"y": ["2", "1.0"]})).tolist() == [1, 0]
    with pytest.raises(TableError, match="column 'y' held one of the classes in training, but row 2 holds 3"):
        target.encode(pl.DataFrame({"y": [1, 3]}))
    with pytest.raises(TableError, match="but row 1 holds 'two'"):
        target.encode(pl.DataFrame({"y": ["two"]}))
    with pytest.raises(TableError, match="no target column 'y'"):
        target.encode(pl.DataFrame({"x": [1]}))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "clustering"}, "target.kind is the unknown 'clustering'"),
        ({"kind": MANY}, "2 classes do not make a multiclass_classification"),
        ({"kind": "regression"}, "2 classes do not make a regression"),
        ({"labels": ["b", "a"]}, "sorted, each one once"),
        ({"labels": ["a", "a"]}, "sorted, each one once"),
        ({"labels": ["a", 1]}, "of one type"),
        ({"labels": [[], "a"]}, r"target.labels\[0\] must be a text or"),
        ({"labels": [0.0, math.nan]}, "finite"),
        ({"names": []}, "each one once"),
        ({"names": ["y", "z"]}, "2 target columns do not make"),
        ({"scales": [1.0]}, "a centre and a scale per output"),
        ({"n_missing": -1}, "cannot lack"),
        ({"extra": 1}, "unknown field 'extra'"),
    ],
)
def test_tampered_targets_are_refused(change: dict[str, Any], problem: str) -> None:
    good = find_target(pl.DataFrame({"y": ["a", "b", "a", "b"]}), "y").to_dict()
    with pytest.raises(ModelError, match=problem):
        Target.from_dict({**good, **change})


def test_negative_scales_are_refused() -> None:
    frame = pl.DataFrame({"y": [0.5, 1.5, 3.0]})
    plain = find_target(frame, "y").learn(frame, [0, 1, 2]).to_dict()
    with pytest.raises(ModelError, match="scales of a target should be positive"):
        Target.from_dict({**plain, "scales": [-1.0]})


def test_a_target_constant_in_training_rows_is_refused() -> None:
    frame = pl.DataFrame({"y": [1.5, 1.5, 2.5]})
    with pytest.raises(TableError, match=r"^1 training row is too few .*--test-size"):
        Target(("y",), Task("regression", 1)).learn(pl.DataFrame({"y": [1.5, 1.5, 2.5]}), [0])
    with pytest.raises(TableError, match="only one row has a value in 'y': add rows"):
        find_target(pl.DataFrame({"y": [0.64, None]}), "y")
    with pytest.raises(TableError, match=r"target 'y' is 1.5 in every training row"):
        find_target(frame, "y").learn(frame, [0, 1])


def test_a_truth_table_may_have_one_row_of_a_class() -> None:
    gate = pl.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "y": [0, 0, 0, 1]})
    target = find_target(gate, "y")
    assert target.labels == (0, 1)
    assert target.remarks == ()
    with pytest.raises(TableError, match="one row only of 1"):
        find_target(gate.with_columns(b=pl.Series([0, 1, 0, 0])), "y")
