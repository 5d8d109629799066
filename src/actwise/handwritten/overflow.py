"""Finds where a derivative, or the function itself, is no number in float64 or float32, or has lost its meaning."""

from __future__ import annotations

import numpy as np

from actwise.handwritten.calls import UserFunction
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
MEANINGLESS = 0.1
"""What is off by so much of its size in float32 has not lost digits, but all meaning."""
N_BISECTIONS = 40
WHOLE = np.arange(-OVERFLOW_LIMIT, OVERFLOW_LIMIT + 1.0)


def overflow_points(claim: Claim, reference: Reference) -> FloatArray:
    """Points up to |x| = 100 at which a derivative that is right elsewhere is no use, nearest to 0 first.

    Both float64 and float32 are tried. A point at which the true value nears the largest float32 does not count, and
    neither does a derivative that is wrong in the ordinary range: it has another cause.
    """
    wrong = reference.judged & ~reference.right(claim.values, claim.noise)
    holes = ~np.isfinite(claim.values) & reference.judged
    # Far out a formula may lose all its digits before it turns into NaN: exp(x) * (1 - sigmoid(x)).
    wrong_elsewhere = wrong & ~holes & (np.abs(reference.points) <= FAR)
    if wrong_elsewhere.any() or (holes & (np.abs(reference.points) <= CORE)).sum() > MAX_HOLES:
        return np.empty(0)
    points = np.union1d(WHOLE, reference.points)
    double, single = (_values(claim, reference.f, points, kind) for kind in (np.float64, np.float32))
    broken = np.isin(points, function_overflow(reference.f))
    suspected = _no_number(double) | _no_number(single) | (_off(points, single, double) & ~broken)
    suspects = points[suspected]
    if not len(suspects):
        return suspects
    truth = slopes_at(reference.f, suspects)
    size = np.maximum(np.abs(truth.lower), np.abs(truth.upper))
    ordinary = (
        (size < LARGEST_ORDINARY)
        & (np.abs(truth.value) < LARGEST_ORDINARY)
        & (truth.error <= JUDGED_ERROR * np.maximum(size, 1))
    )
    typical = float(np.max(np.abs(reference.slope[reference.judged & (np.abs(reference.points) <= FAR)]), initial=0.0))
    values = single[suspected]
    outside = np.maximum(np.maximum(truth.lower - values, values - truth.upper), 0.0)
    far_off = ~np.isfinite(double[suspected]) | ~(outside <= MEANINGLESS * np.maximum(size, typical))
    # Where f itself overflows there is nothing to compare with, but a derivative that is no number is none.
    nothing = broken[suspected] & (_no_number(single) | _no_number(double))[suspected]
    return _nearest_first(suspects[(ordinary & far_off) | nothing])


def function_overflow(f: UserFunction) -> FloatArray:
    """Whole numbers up to 100 at which `f` overflows inside although its value is ordinary, nearest to 0 first.

    A function that is not defined there, as a logarithm of a negative number, or that grows beyond the largest
    number, does not overflow inside.
    """
    double, single = (_values_of(f, WHOLE, kind) for kind in (np.float64, np.float32))
    found = _off(WHOLE, single, double) | (
        _no_number(single) & np.isfinite(double) & (np.abs(double) < LARGEST_ORDINARY)
    )
    for side in (1, -1):
        outward = np.arange(OVERFLOW_LIMIT + 1.0) * side
        finite = np.isfinite(_values_of(f, outward, np.float64))
        if finite.all() or not finite[: int(FAR) + 1].any() or np.argmin(finite[1:]) + 1 <= FAR:
            continue
        first = int(np.argmin(finite[1:])) + 1
        if not finite[first:].any() and _last_value(f, outward[first - 1], outward[first]) < LARGEST_ORDINARY:
            found |= np.isin(WHOLE, outward[first:])
    return _nearest_first(WHOLE[found])


def _last_value(f: UserFunction, finite: float, infinite: float) -> float:
    """The size of the last value before there is none."""
    for _ in range(N_BISECTIONS):
        middle = (finite + infinite) / 2
        if np.isfinite(f(np.array([middle]))[0]):
            finite = middle
        else:
            infinite = middle
    return float(abs(f(np.array([finite]))[0]))


def _values(claim: Claim, f: UserFunction, points: FloatArray, kind: type[np.floating]) -> FloatArray:
    x = points.astype(kind)
    return np.asarray(claim.derivative(x if claim.called_with == "x" else f(x)), np.float64)


def _values_of(f: UserFunction, points: FloatArray, kind: type[np.floating]) -> FloatArray:
    return np.asarray(f(points.astype(kind)), np.float64)


def _no_number(values: FloatArray) -> BoolArray:
    found = ~np.isfinite(values)
    # Code that cannot take this dtype at all raises everywhere, which says nothing about overflow.
    return np.asarray(found & ~found.all())


def _off(points: FloatArray, single: FloatArray, double: FloatArray) -> BoolArray:
    """Where float32 has not even the size of what float64 has."""
    known = np.isfinite(single) & np.isfinite(double) & (np.abs(double) < LARGEST_ORDINARY)
    typical = float(np.max(np.abs(double[known & (np.abs(points) <= CORE)]), initial=0.0))
    with np.errstate(invalid="ignore"):
        return np.asarray(known & (np.abs(single - double) > MEANINGLESS * np.maximum(np.abs(double), typical)))


def _nearest_first(points: FloatArray) -> FloatArray:
    return points[np.lexsort((-points, np.abs(points)))]
