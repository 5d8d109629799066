"""Refuse cells that cannot be used, in one sentence that names the column, the row and the next step."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import TableError, suggest
from actwise.persistence import records


def refuse_strange(column: pl.Series, strange: pl.Series, numbers: NDArray[np.int64], what: str) -> None:
    """Refuse a cell that is not what its column held in training."""
    if strange.any():
        first = strange.arg_max() or 0
        shown = records.shown(column[first])
        more = int(strange.sum()) - 1
        others = f" ({more} more do not fit)" if more else ""
        raise TableError(
            f"column {column.name!r} held {what} in training, but row {numbers[first]} holds {shown}{others}"
            ": correct the cell or leave it empty"
        )


def refuse_infinite(name: str, values: NDArray[np.float64], numbers: NDArray[np.int64]) -> None:
    """Refuse an infinite number.

    `values`: its numbers; NaN is let pass.
    """
    infinite = np.isinf(values)
    if infinite.any():
        first = int(infinite.argmax())
        raise TableError(
            f"column {name!r} holds an infinite number in row {numbers[first]}: "
            "correct the cell, or leave it empty so that it counts as missing"
        )


def refuse_missing(name: str, missing: pl.Series, numbers: NDArray[np.int64]) -> None:
    """Refuse a missing target."""
    if missing.any():
        raise TableError(f"target {name!r} is missing in row {numbers[missing.arg_max() or 0]}: leave out such rows")


def refuse_bad_targets(frame: pl.DataFrame, names: tuple[str, ...]) -> None:
    """Refuse target columns that are not there, or named twice."""
    if not names:
        raise TableError(f"name a target column; {suggest('', frame.columns, noun='columns')}")
    for name in names:
        if name not in frame.columns:
            near = suggest(name, frame.columns, noun="columns")
            numeric = pl.Series(frame.columns).cast(pl.Float64, strict=False)
            lost = "; the column names are numbers: does the file lack a first line with names?"
            raise TableError(f"no target column {name!r}: {near}" + lost * (numeric.count() > frame.width / 2))
    if len(set(names)) < len(names):
        raise TableError(f"each target column should be named once, not {', '.join(map(repr, names))}")


def refuse_nested_target(column: pl.Series) -> None:
    """Refuse a target whose cells hold several values."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise TableError(f"target {column.name!r} holds {column.dtype} cells: choose a column of single values")
