"""Rows at the end of a table that sum up the others: no examples to learn from."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl

from actwise.errors import ActwiseWarning
from actwise.persistence.records import shown
from actwise.tables import cells

FEWEST_ROWS = 3  # above a row of totals
TOLERANCE = 1e-3  # sums are often printed rounded


def without_totals(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out the last rows, up to three, that hold sums or means of all rows above, aloud.

    >>> frame = pl.DataFrame({"shop": ["a", "b", "c", "d", "all"], "sales": [3.0, 5.0, 9.0, 2.5, 19.5]})
    >>> with warnings.catch_warnings(record=True):
    ...     without_totals(frame).height
    4
    """
    texts = [each for each in frame.columns if cells.is_text(frame[each])]
    if not texts or frame.height <= FEWEST_ROWS:
        return frame
    # Only a row whose text, or lack of text, sets it off can be one; most tables end here.
    last = [frame.height - k for k in (1, 2, 3) if frame.height - k >= FEWEST_ROWS]
    numbers = {name: cells.read_numbers(frame[name]) for name in frame.columns}
    used = {
        name: read.values.to_numpy()
        for name, read in numbers.items()
        if read.values.head(last[-1]).count() > 0.9 * last[-1] and read.values.head(last[-1]).n_unique() > 2
    }
    labels = [name for name in frame.columns if name not in used]
    totals: list[int] = []
    for row in last:
        stands_out = all(_is_new(frame[name], row) for name in labels)
        if not (labels and stands_out and _sums_up(used, row, row if not totals else totals[-1])):
            break
        totals.append(row)
    if not totals:
        return frame
    said = next((str(frame[name][totals[-1]]) for name in labels if frame[name][totals[-1]] is not None), "no label")
    rows = "row" if len(totals) == 1 else f"{len(totals)} rows"
    warnings.warn(
        f"left out the last {rows} ({shown(said)}), with sums or means of the others: "
        "put another row behind them if that is wrong",
        ActwiseWarning,
        stacklevel=3,
    )
    return frame.head(totals[-1])


def _is_new(column: pl.Series, row: int) -> bool:
    """Tell whether the cell is empty, or holds what no row above does."""
    return column[row] is None or not (column.head(row) == column[row]).any()


def _sums_up(used: dict[str, np.ndarray], row: int, stop: int) -> bool:
    """Tell whether each number of the row is the sum, or each is the mean, of those above."""
    found = []
    for values in used.values():
        above, value = values[:row], values[row]
        if np.isnan(value):
            continue
        size = TOLERANCE * np.nanmax(np.abs(above))
        found.append((abs(value - np.nansum(above)) <= size, abs(value - np.nanmean(above)) <= size * 0.1))
    return bool(found) and any(all(each[k] for each in found) for k in (0, 1))
