"""Splits: every row once, classes in equal shares, sizes as asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.errors import InputError, TableError
from actwise.tasks import split_rows
from actwise.tasks.splits import fold_of_rows, is_complete, split_groups, split_in_order


@settings(max_examples=300, deadline=None)
@given(
    classes=st.lists(st.integers(0, 4), min_size=1, max_size=80),
    test_size=st.integers(0, 30) | st.floats(0, 0.9),
    validation_size=st.integers(0, 30) | st.floats(0, 0.9),
    seed=st.integers(0, 5),
    stratify=st.booleans(),
)
def test_parts_are_a_partition_in_the_sizes_asked_for(
    classes: list[int], test_size: float, validation_size: float, seed: int, stratify: bool
) -> None:
    n = len(classes)
    asked = [int(s) if s >= 1 or s == 0 else max(1, round(s * n)) for s in (validation_size, test_size)]
    least = len(set(classes)) if stratify else 1

    def split():
        return split_rows(
            n,
            classes=classes if stratify else None,
            test_size=test_size,
            validation_size=validation_size,
            seed=seed,
        )

    if n < least + sum(asked):
        with pytest.raises(TableError, match=f"{n} rows are too few: .* make {least + sum(asked)}"):
            split()
        return
    parts = split()
    assert [len(parts.validation), len(parts.test)] == asked
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(n))
    for part in (parts.train, parts.validation, parts.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    again = split()
    assert parts.train.tolist() == again.train.tolist()
    if stratify:
        assert {classes[i] for i in parts.train} == set(classes)


def test_classes_get_their_shares_of_each_part() -> None:
    classes = np.repeat(["a", "b", "c"], [600, 300, 100])
    split = split_rows(1000, classes=classes, test_size=0.2, validation_size=0.1, seed=3)
    for part, share in ((split.train, 0.7), (split.validation, 0.1), (split.test, 0.2)):
        names, counts = np.unique(classes[part], return_counts=True)
        assert dict(zip(names, counts, strict=True)) == {"a": 600 * share, "b": 300 * share, "c": 100 * share}


def test_the_seed_decides() -> None:
    one, other = split_rows(100, seed=0), split_rows(100, seed=1)
    assert one.test.tolist() != other.test.tolist()
    # No row is favoured: over many seeds each one is tested about as often.
    times = np.zeros(20)
    for seed in range(500):
        times[split_rows(20, test_size=5, seed=seed).test] += 1
    assert abs(times / 500 - 0.25).max() < 0.08


@pytest.mark.parametrize("size", [-0.1, -3, 1.5, float("nan"), float("inf"), True])
def test_senseless_sizes_are_refused(size: float) -> None:
    with pytest.raises(InputError, match="test_size must be a fraction from 0 to 1 or a whole number of rows"):
        split_rows(10, test_size=size)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=5, max_size=60), st.integers(2, 5), st.integers(0, 5))
def test_folds_are_of_equal_size_and_share_the_classes(classes: list[int], n_folds: int, seed: int) -> None:
    folds = fold_of_rows(len(classes), n_folds, classes=classes, seed=seed)
    sizes = np.bincount(folds, minlength=n_folds)
    assert sizes.sum() == len(classes)
    assert sizes.max() - sizes.min() <= 1
    for label in set(classes):
        of_label = np.bincount(folds[np.array(classes) == label], minlength=n_folds)
        assert of_label.max() - of_label.min() <= 1
    assert folds.tolist() == fold_of_rows(len(classes), n_folds, classes=classes, seed=seed).tolist()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0, 0], [0, 1], [1, 0], [1, 1]], True),
        ([[0, 0], [0, 1], [1, 0], [1, 1]] * 5, True),
        ([[0, 0], [0, 1], [1, 0]], False),
        ([[0], [1]], False),
        ([[0, 1.5], [1, 2.5], [2, 3.5]], False),
        ([[0, np.nan], [0, 1], [1, np.nan], [1, 1]], False),
    ],
)
def test_truth_tables_are_complete(rows: list[list[float]], expected: bool) -> None:
    assert is_complete(np.array(rows, float)) is expected


@settings(max_examples=100, deadline=None)
@given(
    groups=st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=60).filter(lambda each: len(set(each)) > 2),
    test_size=st.sampled_from([0.2, 1, 0.5]),
    validation_size=st.sampled_from([0, 0.15, 1]),
    seed=st.integers(0, 5),
)
def test_groups_stay_together(groups: list[str], test_size: float, validation_size: float, seed: int) -> None:
    split = split_groups(groups, test_size=test_size, validation_size=validation_size, seed=seed)
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    names = [{groups[row] for row in part} for part in parts]
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    assert len(split.train)
    assert len(split.test)
    assert bool(len(split.validation)) == bool(validation_size)


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(TableError, match="2 groups are too few to be split into 3 parts"):
        split_groups(["a", "b", "a"], test_size=1, validation_size=1)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40))
def test_the_last_rows_are_tested(times: list[float]) -> None:
    split = split_in_order(times, test_size=1, validation_size=1)
    values = np.array(times)
    assert values[split.train].max() <= values[split.validation].min() <= values[split.test].min()
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(times)))
    with pytest.raises(TableError, match="rows are too few: none is left for training"):
        split_in_order(times, test_size=len(times), validation_size=0)
