"""How large a problem is, and what follows from that where nothing was asked for."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Regime: TypeAlias = Literal["tiny", "small", "large"]
TINY_WORK = 5_000  # distinct rows times parameters up to which restarts are the default
SMALL_WORK = 100_000  # and up to which L-BFGS is: a few milliseconds
RESTARTS_IF_TINY = 19  # a start that succeeds half the time then fails once in a million
SOLVED_SHARE = 0.01  # of the best constant's loss: below it no further start is tried


def regime_of(n_distinct: int, n_parameters: int) -> Regime:
    """Say how large a problem is: the rows that differ are what there is to do with all rows at once."""
    work = n_distinct * n_parameters
    return "tiny" if work <= TINY_WORK else "small" if work <= SMALL_WORK else "large"


def n_distinct(*columns: npt.NDArray[Any], most: int) -> int:
    """Count the rows of arrays (n_rows, ...) that differ; more than `most` rows are taken to differ."""
    together = np.hstack([each.reshape(len(each), -1) for each in columns])
    return len(together) if len(together) > most else len(np.unique(together, axis=0))
