"""Where a moment lies: days since 1970, and how far through its year, week and day."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Cycle = Literal["year", "week", "day"]
MICROSECONDS_PER_DAY = 86_400_000_000
DAYS_PER_YEAR = 366
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday, three days after a Monday


def days_since_epoch(moments: pl.Series) -> pl.Series:
    """Turn moments into days since 1970-01-01."""
    return moments.cast(pl.Int64).cast(pl.Float64) / MICROSECONDS_PER_DAY


def cycle_phase(moments: pl.Series, cycle: Cycle) -> NDArray[np.float64]:
    """Tell how far through a year, week or day each moment lies.

    `cycle`: which cycle; a week starts on Monday.
    Result: from 0 to less than 1; 0 where the moment is missing.
    """
    ticks: NDArray[np.int64] = moments.cast(pl.Int64).fill_null(0).to_numpy()
    day = ticks // MICROSECONDS_PER_DAY
    if cycle == "year":
        ordinal: NDArray[np.int64] = moments.dt.ordinal_day().cast(pl.Int64).fill_null(1).to_numpy()
        return (ordinal - 1) / DAYS_PER_YEAR
    if cycle == "week":
        return ((day + EPOCH_WEEKDAY) % 7) / 7
    return (ticks - day * MICROSECONDS_PER_DAY) / MICROSECONDS_PER_DAY
