"""Two things that were measured on the same rows, or with the same seeds, compared by their differences."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.floating[Any]]


def paired_difference(one: Numbers, other: Numbers) -> tuple[float, float]:
    """Return the mean of one minus the other, shapes (n,), and its standard error.

    >>> paired_difference(np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    (2.0, 0.5773502691896258)
    """
    differences = np.asarray(one, np.float64) - other
    return float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
