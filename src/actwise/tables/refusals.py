"""Refuse cells that cannot be used, in one sentence that names the column, the row and the next step."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import TableError
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
