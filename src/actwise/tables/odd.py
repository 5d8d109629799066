"""Odd cells: present, but not what nearly all cells of their column are. They count as missing, and are told once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import ActwiseWarning
from actwise.persistence.records import shown

MOST_SHOWN = 3  # of the cells of a column
MOST_COLUMNS = 10


@dataclass(frozen=True)
class OddCells:
    """The odd cells of one column.

    Parameters
    ----------
    column : str
        Its name.
    kind : str
        What its other cells are.
    count : int
        How many there are.
    examples : tuple of str
        The first different ones, with their rows.
    """

    column: str
    kind: str
    count: int
    examples: tuple[str, ...]


def find_odd(
    column: pl.Series, strange: pl.Series | None, kind: str, numbers: NDArray[np.int64] | None = None
) -> OddCells | None:
    """List the odd cells of a column; None if there are none. `numbers` are those of the rows, from 1 if left out."""
    if strange is None or not strange.any():
        return None
    places = strange.arg_true()
    first: dict[str, int] = {}
    for place in places:
        first.setdefault(shown(column[place]), place)
        if len(first) > MOST_SHOWN:
            break
    examples = [
        f"{text} in row {place + 1 if numbers is None else numbers[place]}" for text, place in list(first.items())
    ]
    more = ("...",) if len(first) > MOST_SHOWN else ()
    return OddCells(column.name, kind, len(places), (*examples[:MOST_SHOWN], *more))


def tell_odd(found: Sequence[OddCells], *, learning: bool, stacklevel: int = 4) -> None:
    """Warn about all odd cells of a table at once."""
    if not found:
        return
    told = [
        f"{each.column!r} ({each.kind}): {each.count} cell{'s' * (each.count > 1)}, {', '.join(each.examples)}"
        for each in found[:MOST_COLUMNS]
    ]
    if len(found) > MOST_COLUMNS:
        told.append(f"and {len(found) - MOST_COLUMNS} more columns")
    step = "; say --type COLUMN=category if a column holds labels" if learning else ""
    warnings.warn(
        f"cells that do not fit their columns count as missing: {'; '.join(told)}{step}",
        ActwiseWarning,
        stacklevel=stacklevel,
    )
