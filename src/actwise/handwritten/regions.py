"""Where a derivative is wrong that is right elsewhere: intervals with their ends located."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.reference import ERROR_MARGIN, BoolArray, Claim, Reference, slopes_at

Interval = tuple[float, float]

MIN_RUN = 3
"""Neighbouring points that agree by accident are fewer."""
N_BISECTIONS = 24
EDGE_DISTANCE = 0.1
"""How far into the wrong side of an end the error must have grown, at most."""
EDGE_SHARE = 1 / 8
"""The same as a part of the width of the right side: where two curves only touch, the error grows little over it."""
EDGE_GROWTH = 30.0
"""By how much, in units of the tolerance: an error that merely fades away grows little over this distance."""
SHORT_DECIMALS, LONG_DECIMALS = 2, 4
SNAP = 1e-3
"""An end this near to a number with two decimals is that number: the error may set in slowly."""


def wrong_intervals(claim: Claim, reference: Reference) -> tuple[tuple[Interval, ...], BoolArray]:
    """Find the intervals on which a derivative is wrong, if it is right on others.

    A derivative that only approaches the right one far out is wrong there too.

    Shapes: `wrong` (n,).
    """
    judged = np.flatnonzero(reference.judged)
    right = reference.right(claim.values, claim.noise)[judged]
    right &= ~reference.kinked[judged] | _has_right_neighbour(right)
    _drop(right, [run for run in _runs(right) if run[1] - run[0] < MIN_RUN])
    ends: dict[int, float] = {}
    sharp: dict[int, bool] = {}
    changes = (np.flatnonzero(right[1:] != right[:-1]) + 1).tolist()
    if changes:
        located = _locate_ends(claim, reference, judged, right, np.array(changes))
        ends = dict(zip(changes, located[0].tolist(), strict=True))
        sharp = dict(zip(changes, located[1].tolist(), strict=True))
    fading = [(start, stop) for start, stop in _runs(right) if not (sharp.get(start) or sharp.get(stop))]
    if len(right) and not right.all():
        _drop(right, fading)
    wrong = np.zeros(len(reference.points), bool)
    wrong[judged[~right]] = True
    if not right.any():
        return (), wrong
    intervals = [(ends.get(start, -math.inf), ends.get(stop, math.inf)) for start, stop in _runs(~right)]
    return tuple(intervals), wrong


def _locate_ends(
    claim: Claim, reference: Reference, judged: NDArray[np.intp], right: BoolArray, changes: NDArray[np.intp]
) -> tuple[FloatArray, BoolArray]:
    """Bisect between each wrong point and its right neighbour; say whether the error sets in at once."""
    points = reference.points[judged]
    left_is_right = right[changes - 1]
    good = np.where(left_is_right, points[changes - 1], points[changes])
    bad = np.where(left_is_right, points[changes], points[changes - 1])
    tolerance = np.minimum(reference.tolerance[judged[changes - 1]], reference.tolerance[judged[changes]])
    for _ in range(N_BISECTIONS):
        middle = (good + bad) / 2
        agrees = _error_at(claim, reference, middle) <= tolerance
        good, bad = np.where(agrees, middle, good), np.where(agrees, bad, middle)
    edges = np.concatenate([[0], changes, [len(points)]])
    width_before = points[edges[1:-1] - 1] - points[edges[:-2]]
    width_after = points[edges[2:] - 1] - points[edges[1:-1]]
    right_width = np.where(left_is_right, width_before, width_after)
    wrong_width = np.where(left_is_right, width_after, width_before)
    distance = np.minimum(EDGE_DISTANCE, np.minimum(EDGE_SHARE * right_width, wrong_width / 2))
    inside = bad + np.where(left_is_right, distance, -distance)
    sharp = ~(_error_at(claim, reference, inside) <= EDGE_GROWTH * tolerance)
    short = bad.round(SHORT_DECIMALS)
    return np.where(np.abs(short - bad) <= SNAP, short, bad.round(LONG_DECIMALS)) + 0.0, sharp


def _error_at(claim: Claim, reference: Reference, points: FloatArray) -> FloatArray:
    slopes = slopes_at(reference.f, points, noise_spacing=0.0)
    values = claim.at(points, reference.f)
    outside = np.maximum(np.maximum(slopes.lower - values, values - slopes.upper), 0.0)
    return np.maximum(outside - ERROR_MARGIN * slopes.error, 0.0)


def _has_right_neighbour(right: BoolArray) -> BoolArray:
    """At a kink almost anything counts as right; it is evidence only beside a point that is."""
    padded = np.concatenate([np.array([False]), right, np.array([False])])
    return np.asarray(padded[2:] | padded[:-2])


def _drop(chosen: BoolArray, runs: list[tuple[int, int]]) -> None:
    for start, stop in runs:
        chosen[start:stop] = False


def _runs(chosen: BoolArray) -> list[tuple[int, int]]:
    changes = np.diff(np.concatenate([[False], chosen, [False]]).astype(int))
    return list(zip(np.flatnonzero(changes == 1).tolist(), np.flatnonzero(changes == -1).tolist(), strict=True))
