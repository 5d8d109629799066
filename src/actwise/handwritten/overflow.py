"""Finds where a derivative turns into infinity or NaN although the true one is an ordinary number."""

from __future__ import annotations

import numpy as np

from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.reference import (
    CORE,
    FAR,
    JUDGED_ERROR,
    BoolArray,
    Claim,
    Reference,
    slopes_at,
)

OVERFLOW_LIMIT = 100
"""Pre-activations up to here must stay finite; exp overflows in float32 from 88.8 on, its square from 44.4 on."""
LARGEST_ORDINARY = 1e30
"""Near the largest float32, 3e38, no formula can be asked to stay finite."""
MAX_HOLES = 3
"""With more points in [-5, 5] that have no finite derivative, the formula does not hold there."""


def overflow_points(claim: Claim, reference: Reference) -> FloatArray:
    """Points up to |x| = 100 at which a derivative that is right elsewhere is not finite, nearest to 0 first.

    Both float64 and float32 are tried. A point at which the true value nears the largest float32 does not count, and
    neither does a derivative that is wrong in the ordinary range: it has another cause.
    """
    wrong = reference.judged & ~reference.right(claim.values, claim.noise)
    holes = ~np.isfinite(claim.values) & reference.judged
    # Far out a formula may lose all its digits before it turns into NaN: exp(x) * (1 - sigmoid(x)).
    wrong_elsewhere = wrong & ~holes & (np.abs(reference.points) <= FAR)
    if wrong_elsewhere.any() or (holes & (np.abs(reference.points) <= CORE)).sum() > MAX_HOLES:
        return np.empty(0)
    whole = np.arange(-OVERFLOW_LIMIT, OVERFLOW_LIMIT + 1.0)
    points = np.union1d(whole, reference.points)
    suspects = points[
        _non_finite(claim, reference, points, np.float64) | _non_finite(claim, reference, points, np.float32)
    ]
    if not len(suspects):
        return suspects
    truth = slopes_at(reference.f, suspects)
    size = np.maximum(np.abs(truth.lower), np.abs(truth.upper))
    ordinary = (
        (size < LARGEST_ORDINARY)
        & (np.abs(truth.value) < LARGEST_ORDINARY)
        & (truth.error <= JUDGED_ERROR * np.maximum(size, 1))
    )
    found = suspects[ordinary]
    return found[np.lexsort((-found, np.abs(found)))]


def _non_finite(claim: Claim, reference: Reference, points: FloatArray, dtype: type[np.floating]) -> BoolArray:
    x = points.astype(dtype)
    values = claim.derivative(x if claim.called_with == "x" else reference.f(x))
    found = ~np.isfinite(values)
    # Code that cannot take this dtype at all raises everywhere, which says nothing about overflow.
    return found & ~found.all()
