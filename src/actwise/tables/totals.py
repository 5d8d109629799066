"""Rows at the end of a table that sum up the others: no examples to learn from."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import ActwiseWarning
from actwise.persistence.records import shown
from actwise.tables import cells

FEWEST_ROWS = 3  # above a row of totals
MOSTLY = 0.9  # of the cells of a column of numbers
TOLERANCE = 1e-3  # sums are often printed rounded


def without_totals(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out the last rows, up to three, that hold sums or means of all rows above, aloud.

    >>> frame = pl.DataFrame({"shop": ["a", "b", "c", "d", "all"], "sales": [3.0, 5.0, 9.0, 2.5, 19.5]})
    >>> with warnings.catch_warnings(record=True, action="always"):
    ...     without_totals(frame).height
    4
    """
    if frame.height <= FEWEST_ROWS or not any(map(cells.is_text, frame)):
        return frame
    last = [frame.height - k for k in (1, 2, 3) if frame.height - k >= FEWEST_ROWS]
    used: dict[str, NDArray[np.float64]] = {}
    labels = []
    for column in cells.with_plain_numbers(frame, frame.columns):
        values = cells.read_numbers(column).values.to_numpy()
        above = values[: last[-1]][~np.isnan(values[: last[-1]])]
        if len(above) <= MOSTLY * last[-1]:
            labels.append(column.name)
        elif above.min() < above.max():
            used[column.name] = values
    if not labels:
        return frame
    totals = next(
        (
            range(first, frame.height)
            for first in reversed(last)
            if _sums_up(used, first, first)
            and all(
                all(_is_new(frame[name], row) for name in labels) and _sums_up(used, row, first) is not False
                for row in range(first, frame.height)
            )
        ),
        None,
    )
    if totals is None:
        return frame
    said = next((str(frame[name][totals[0]]) for name in labels if frame[name][totals[0]] is not None), "no label")
    rows = "row" if len(totals) == 1 else f"{len(totals)} rows"
    warnings.warn(
        f"left out the last {rows} ({shown(said)}), with sums or means of the others: "
        "put another row behind them if that is wrong",
        ActwiseWarning,
        stacklevel=3,
    )
    return frame.head(totals[0])


def _is_new(column: pl.Series, row: int) -> bool:
    """Tell whether the cell is empty, or holds what no row above does."""
    return column[row] is None or not (column.head(row) == column[row]).any()


def _sums_up(used: dict[str, NDArray[np.float64]], row: int, first: int) -> bool | None:
    """Tell whether each number of the row is the sum, or the mean, of those before the first; None without numbers."""
    found = []
    for values in used.values():
        above, value = values[:first], values[row]
        if np.isnan(value):
            continue
        size = TOLERANCE * np.nanmax(np.abs(above))
        found.append((abs(value - np.nansum(above)) <= size, abs(value - np.nanmean(above)) <= size * 0.1))
    return any(all(each[k] for each in found) for k in (0, 1)) if found else None
