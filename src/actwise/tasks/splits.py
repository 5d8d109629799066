"""Split rows into those for training, validation and test, or into folds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actwise.errors import InputError, TableError

FEWEST_TO_JUDGE = 30  # with fewer test rows a score is mostly noise
MOST_COMPARED, MOST_COLUMNS = 20_000, 16  # rows and columns that can be a whole truth table


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the rows of each part; the parts do not overlap and together hold every row.

    Parameters
    ----------
    train, validation, test : ndarray of int64
        Sorted positions.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(
    n_rows: int,
    *,
    classes: ArrayLike | None = None,
    test_size: float = 0.2,
    validation_size: float = 0.2,
    seed: int = 0,
) -> Split:
    """Split rows at random; where they have classes, each part gets its share of every class.

    Shapes: `classes` (n_rows,).
    `test_size`, `validation_size`: A fraction of all rows below 1, or a number of rows; 0 for none.
    Result: the positions, from 0 to ``n_rows - 1``.

    >>> split = split_rows(8, classes=[0, 0, 0, 0, 1, 1, 1, 1], test_size=2, validation_size=0.25)
    >>> len(split.train), len(split.validation), len(split.test)
    (4, 2, 2)
    """
    n_test = _rows_asked_for(test_size, n_rows, "test_size")
    n_validation = _rows_asked_for(validation_size, n_rows, "validation_size")
    groups = np.zeros(n_rows, np.intp) if classes is None else np.unique(classes, return_inverse=True)[1]
    sizes = np.bincount(groups)
    least_for_training = max(len(sizes), 1)
    needed = least_for_training + n_test + n_validation
    if n_rows < needed:
        what = f"{least_for_training} for training" + (", one of each class" if classes is not None else "")
        raise TableError(
            f"{n_rows} rows are too few: {what}, {n_validation} for validation and {n_test} for the test "
            f"make {needed}; add rows or make these parts smaller"
        )
    random = np.random.default_rng(seed)
    for_test = _shares(sizes, n_test, random)
    for_validation = _shares(sizes - for_test, n_validation, random)
    parts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    shuffled = random.permutation(n_rows)
    by_group = shuffled[np.argsort(groups[shuffled], kind="stable")]
    for rows, test, validation in zip(np.split(by_group, np.cumsum(sizes)[:-1]), for_test, for_validation, strict=True):
        for part, chosen in zip(parts, np.split(rows, [len(rows) - test - validation, len(rows) - test]), strict=True):
            part.append(chosen)
    train, validation_rows, test_rows = (np.sort(np.concatenate(part)).astype(np.int64) for part in parts)
    return Split(train, validation_rows, test_rows)


def split_groups(groups: ArrayLike, *, test_size: float = 0.2, validation_size: float = 0.2, seed: int = 0) -> Split:
    """Split rows so that those of a group, of which `groups` (n_rows,) names each one's, stay together.

    >>> split = split_groups(["a", "a", "b", "b", "c", "c", "d"], test_size=2, validation_size=0, seed=1)
    >>> len(split.train), len(split.test)
    (5, 2)
    """
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    sizes = np.bincount(codes)
    n_test = _rows_asked_for(test_size, len(codes), "test_size")
    n_validation = _rows_asked_for(validation_size, len(codes), "validation_size")
    n_parts = 1 + (n_test > 0) + (n_validation > 0)
    if len(sizes) < n_parts:
        raise TableError(f"{len(sizes)} groups are too few to be split into {n_parts} parts: name another column")
    order = np.random.default_rng(seed).permutation(len(sizes))
    part_of = np.zeros(len(sizes), np.intp)
    taken = 0
    for part, wanted in ((2, n_test), (1, n_validation)):
        n_rows = 0
        # Each other part gets a group at least.
        while n_rows < wanted and taken < len(sizes) - (1 + (part == 2 and n_validation > 0)):
            part_of[order[taken]] = part
            n_rows += int(sizes[order[taken]])
            taken += 1
    parts = [np.flatnonzero(part_of[codes] == part).astype(np.int64) for part in range(3)]
    return Split(*parts)


def split_in_order(times: ArrayLike, *, test_size: float = 0.2, validation_size: float = 0.2) -> Split:
    """Split rows so that the last ones by `times` (n_rows,) are for the test, and those before for validation.

    >>> split_in_order([5, 1, 4, 2, 3], test_size=1, validation_size=1).test
    array([0])
    """
    order = np.argsort(np.asarray(times), kind="stable").astype(np.int64)
    n_test = _rows_asked_for(test_size, len(order), "test_size")
    n_validation = _rows_asked_for(validation_size, len(order), "validation_size")
    n_train = len(order) - n_test - n_validation
    if n_train < 1:
        raise TableError(
            f"{len(order)} rows are too few: none is left for training beside {n_validation} for validation and "
            f"{n_test} for the test; add rows or make these parts smaller"
        )
    parts = np.split(order, [n_train, n_train + n_validation])
    return Split(*(np.sort(part) for part in parts))


def fold_of_rows(n_rows: int, n_folds: int, *, classes: ArrayLike | None = None, seed: int = 0) -> NDArray[np.int64]:
    """Say in which fold each row is left out, shape (n_rows,); each fold gets its share of every class.

    >>> np.bincount(fold_of_rows(10, 5, classes=[0] * 5 + [1] * 5)).tolist()
    [2, 2, 2, 2, 2]
    """
    shuffled = np.random.default_rng(seed).permutation(n_rows)
    if classes is not None:
        shuffled = shuffled[np.argsort(np.asarray(classes)[shuffled], kind="stable")]
    folds = np.empty(n_rows, np.int64)
    folds[shuffled] = np.arange(n_rows) % n_folds
    return folds


def is_complete(columns: NDArray[Any]) -> bool:
    """Whether every combination of the columns' values is a row of (n_rows, n_columns), as in a truth table."""
    if len(columns) > MOST_COMPARED or not 1 < columns.shape[1] <= MOST_COLUMNS or not np.isfinite(columns).all():
        return False
    counts = [len(np.unique(column)) for column in columns.T]
    return int(np.prod(counts, dtype=float)) == len(np.unique(columns, axis=0))


def _rows_asked_for(size: float, n_rows: int, name: str) -> int:
    """Turn a size into a number of rows; a fraction above 0 asks for one row at least."""
    if isinstance(size, bool) or not math.isfinite(size) or size < 0 or (size >= 1 and size != int(size)):
        raise InputError(f"must be a fraction from 0 to 1 or a whole number of rows, not {size}", name)
    return int(size) if size >= 1 or size == 0 else max(1, round(size * n_rows))


def _shares(sizes: NDArray[np.int64], n_wanted: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Share out rows among groups in proportion to their sizes, by largest remainders.

    Every group keeps a row for itself. Ties are broken at random, so that rare classes of equal size are
    not always served in the order of their names.
    """
    ideal = sizes * (n_wanted / max(int(sizes.sum()), 1))
    most = np.maximum(sizes - 1, 0)
    shares: NDArray[np.int64] = np.minimum(np.floor(ideal).astype(np.int64), most)
    while (n_short := n_wanted - int(shares.sum())) > 0:
        lag = np.where(shares < most, ideal - shares, -np.inf)
        order = np.lexsort((random.random(len(sizes)), -lag))
        served = order[np.isfinite(lag[order])][:n_short]
        shares[served] += 1
    return shares
