"""Notice columns that as a whole are not what they were in training, although each cell can be encoded."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import ActwiseWarning, TableError
from actwise.tables import cells
from actwise.tables.columns import CategoryColumn, Column, DroppedColumn
from actwise.tables.refusals import refuse_strange

# In a column that had gaps or rare labels in training, fewer rows than these with nothing else are no surprise.
FEWEST_ROWS = 10
KINDS = {"number": "numbers", "boolean": "truth values", "date": "dates"}


def check_changes(column: Column, given: pl.Series, encoded: NDArray[np.float32]) -> None:
    """Compare a whole column of new rows with what it held in training.

    Shapes: `encoded` (n_rows, n_outputs).
    """
    if not len(given) or isinstance(column, DroppedColumn):
        return
    if isinstance(column, CategoryColumn):
        if encoded[:, : len(column.categories)].any():
            return
    elif (encoded != encoded[0]).any():
        return  # cells that differ hold values, so most columns need no second reading
    values, odd = column.read(given)
    present = values.drop_nulls()
    if len(present):
        if isinstance(column, CategoryColumn):
            _refuse_numbers(column, present)
            _warn_unseen(column, present)
    elif odd.sum() >= FEWEST_ROWS:
        refuse_strange(given, odd, np.arange(1, len(given) + 1), KINDS[column.kind])
    elif not odd.any() and (not column.n_missing or len(given) >= FEWEST_ROWS):
        _warn(
            f"column {column.name!r} has no value in {_count(len(given), 'row')}: look whether it was lost on the way"
        )


def _refuse_numbers(column: CategoryColumn, present: pl.Series) -> None:
    known = cells.read_numbers(pl.Series(column.categories))
    if known.values.count() or cells.read_numbers(present).strange.any():
        return
    raise TableError(
        f"column {column.name!r} held text such as {column.categories[0]!r} in training, but all of its "
        f"{_count(len(present), 'value')} are numbers now, such as {present[0]}: hand in the same kind of labels"
    )


def _warn_unseen(column: CategoryColumn, present: pl.Series) -> None:
    if column.n_others and len(present) < FEWEST_ROWS:
        return
    # Labels that shared an output in training are not remembered, so they cannot be told from new ones.
    seen = f"is among the {len(column.categories)} labels kept from" if column.n_others else "was seen in"
    shown = ", ".join(map(repr, column.categories[:5])) + (", ..." if len(column.categories) > 5 else "")
    _warn(f"column {column.name!r}: of {_count(len(present), 'value')} none {seen} training, which had {shown}")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}s" if n != 1 else f"1 {noun}"


def _warn(sentence: str) -> None:
    warnings.warn(sentence, ActwiseWarning, stacklevel=4)
