"""Functions that move in steps: rounded ones, fixed point, thresholds and staircases.

Their derivative is 0 between the steps, and nobody means that. Where the steps are small, a derivative is that of the
function that is meant if it rises as the function does, up to a step. Where they are large, what stands in the place of
the derivative is a surrogate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actwise.handwritten.calls import UserFunction
from actwise.handwritten.causes import Diagnosis
from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.reference import Claim

REACH = 8.0
N_TRIED = 2000
TINY = 1e-9
"""Values this far apart lie on the same step nearly always."""
FLAT_SHARE = 0.99
LARGE = 0.02
"""A step of so much of the function's rise is a threshold, not rounding."""
FLOAT32 = 1e-6
"""Steps below it are those of a number format."""
QUADRATURE = 1e-5
"""Relative to the rise: what the sum of the derivative loses."""
N_CELLS, PER_CELL = 64, 64


@dataclass(frozen=True)
class Steps:
    """The height of the steps, and whether they are large."""

    height: float
    large: bool


def steps_of(f: UserFunction) -> Steps | None:
    """Find out whether a function is flat but for steps; None if it is smooth or constant."""
    x = np.random.default_rng(0).uniform(-REACH, REACH, N_TRIED)
    values, beside = f(x), f(x + TINY)
    known = np.isfinite(values) & np.isfinite(beside)
    if values.dtype.itemsize < np.dtype(np.float64).itemsize or not known.any():
        return None
    levels = np.unique(np.asarray(values[known], np.float64))
    if len(levels) < 2 or np.mean(values[known] == beside[known]) < FLAT_SHARE:
        return None
    heights, rise = np.diff(levels), float(np.ptp(levels))
    height = float(np.min(heights)) if len(levels) > 1 / LARGE else float(np.max(heights))
    if height < FLOAT32 * rise and np.array_equal(levels.astype(np.float32), levels):
        return None
    # Flat for most of its length and sloped for the rest, as a clipped line, is no staircase.
    on_a_grid = np.max(np.abs(heights / height - np.round(heights / height))) < LARGE
    return Steps(height, height > LARGE * rise) if on_a_grid or len(levels) <= 1 / LARGE else None


def judge_rounded(claim: Claim, other: Claim, f: UserFunction, steps: Steps) -> tuple[Diagnosis, float, float, float]:
    """Compare how far a rounded function rises over small intervals with the sum of its derivative.

    Result: the diagnosis, and the middle of the worst interval with the slope of f and of the claim there.
    """
    # Nobody puts a threshold on the ends of these cells.
    edges = np.linspace(-REACH, REACH, N_CELLS + 1) + 1 / np.e
    inner = edges[:-1, None] + (np.arange(PER_CELL) + 0.5) / PER_CELL * np.diff(edges)[:, None]
    values = f(edges)
    rises = np.diff(values)
    slack = QUADRATURE * float(np.ptp(values)) + 2 * steps.height
    own, swapped = (_summed(each, f, inner, edges, steps.height) for each in (claim, other))

    def agrees(summed: tuple[FloatArray, float], factor: float = 1.0) -> bool:
        total = np.cumsum(factor * summed[0] - rises)
        return bool(np.ptp(np.concatenate([[0.0], total])) <= slack + abs(factor) * summed[1])

    total = np.abs(own[0] - rises)
    worst = int(np.argmax(np.where(np.isfinite(total), total, np.inf)))
    width = float(edges[1] - edges[0])
    numbers = float(edges[worst] + edges[worst + 1]) / 2, float(rises[worst]) / width, float(own[0][worst]) / width
    factor = float(own[0] @ rises / (own[0] @ own[0])) if own[0].any() and np.isfinite(own[0]).all() else 0.0
    if agrees(own) or not own[0].any():  # between the steps the derivative is 0 indeed
        return Diagnosis("correct"), *numbers
    if agrees(swapped):
        x_given = claim.called_with == "x"
        cause = "wrong_convention_expects_y_given_x" if x_given else "wrong_convention_expects_x_given_y"
        return Diagnosis(cause), *numbers  # type: ignore[arg-type]
    if factor and agrees(own, factor):
        sign = agrees(own, -1.0)
        return Diagnosis("wrong_sign" if sign else "missing_factor", factor=-1.0 if sign else factor), *numbers
    return Diagnosis("wrong_formula"), *numbers


def _summed(
    claim: Claim, f: UserFunction, inner: FloatArray, edges: FloatArray, height: float
) -> tuple[FloatArray, float]:
    """The derivative summed over each cell, and what the rounding of its argument may add to all of them."""
    width = float(edges[1] - edges[0])

    def sums(moved: float) -> FloatArray:
        x = inner.ravel()
        given = x if claim.called_with == "x" else np.asarray(f(x), np.float64) + moved
        values = np.asarray(claim.derivative(given), np.float64).reshape(inner.shape)
        return np.asarray(values.mean(axis=1) * width)

    here = sums(0.0)
    if claim.called_with == "x":
        return here, 0.0
    return here, float(np.nansum(np.minimum(np.abs(sums(height) - here), np.abs(sums(-height) - here))))
