"""Derivatives of a function that can only be called, each with a bound on its error.

Difference quotients at a ladder of halved steps are extrapolated to step zero (Richardson), from both
sides and from each side alone. The spread within the extrapolation table and the rounding noise of the
function itself bound the error, so that noise is never mistaken for a wrong derivative and a kink shows
as two one-sided derivatives that differ.

Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering
Software 4 (1982) 75-76; the noise estimate by differences is that of J. J. Moré and S. M. Wild,
"Estimating computational noise", SIAM J. Sci. Comput. 33 (2011) 1292-1314.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BFLOAT16_BITS, FLOAT16_BITS, FLOAT32_BITS = 8, 11, 24
MIN_VALUES = 32
"""So many different values tell a number format."""
FIRST_STEP = 1 / math.e
"""Not a round number, so that no step of the ladder is a period of a function with a round period."""
N_STEPS = 16
"""Halvings: the last step, 1e-5, still resolves a kink at a distance of 1e-4."""
N_COLUMNS = 6
"""Columns of the extrapolation table; more only amplify rounding."""
NOISE_SPACING = FIRST_STEP * 2.0**-19
"""Wide enough to see the grain of float32, narrow enough that neither curvature nor a near kink counts as noise."""
AMPLIFICATION = 8.0
"""Bound on the growth of rounding errors in the table: the product of (2**j + 1) / (2**j - 1) over j."""
N_COARSE = 5
"""Steps down to 0.02 see through the grain of a table of values or of rounded numbers."""
LARGEST_GRAIN = 1e-2
"""Relative difference of the coarse derivative and the fine one that still counts as grain."""
DIVERGENCE = 0.1
"""Relative error from which on a one-sided derivative is not one."""
KINK_MARGIN = 5.0
"""The one-sided derivatives differ when they do so by this many times their error bounds."""


@dataclass(frozen=True)
class Slopes:
    """Derivatives at a set of points.

    Attributes
    ----------
    value : array
        The function itself at the points.
    slope : array, same shape
        The two-sided derivative; at a kink the mean of the one-sided ones.
    lower, upper : array, same shape
        The smallest and the largest one-sided derivative; both equal `slope` where there is no kink.
    error : array, same shape
        Bound on the error of the three, infinite where no derivative was found.
    kinked : boolean array, same shape
        Where the one-sided derivatives differ.
    resolution : float
        Relative spacing of the function's values, that of a floating-point format.
    """

    value: FloatArray
    slope: FloatArray
    lower: FloatArray
    upper: FloatArray
    error: FloatArray
    kinked: NDArray[np.bool_]
    resolution: float


def differentiate(
    sample: Callable[[FloatArray], NDArray[np.floating]],
    *,
    first_step: float = FIRST_STEP,
    n_steps: int = N_STEPS,
    noise_spacing: float = NOISE_SPACING,
) -> Slopes:
    """Differentiate along one direction at many points at once.

    `sample`: takes offsets from the points, shape (n_offsets,), and returns the function's values
    there, shape (n_offsets, ...); NaN and infinities stand for "not defined".
    `noise_spacing`: distance of the values by which the function's noise is measured; 0 to trust its
    values to their last bit, which shows kinks nearer by.
    Result: arrays of the shape behind the first axis of what `sample` returns.

    >>> points = np.array([-1.0, 0.0, 2.0])
    >>> found = differentiate(lambda offsets: np.abs(points + offsets[:, None]))
    >>> found.slope.round(6), found.kinked
    (array([-1.,  0.,  1.]), array([False,  True, False]))
    """
    steps = first_step * 0.5 ** np.arange(n_steps)
    grain = noise_spacing * np.arange(-3.0, 4.0)
    raw = sample(np.concatenate([[0.0], steps, -steps, grain]))
    resolution = resolution_of(raw)
    values = np.asarray(raw, np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    centre, after, before = values[0], values[1 : n_steps + 1], values[n_steps + 1 : 2 * n_steps + 1]
    noise = np.fmax(
        2 * resolution * np.fmax(np.abs(centre), np.fmax(np.abs(after), np.abs(before))),
        noise_of(values[-len(grain) :]),
    )
    spans = steps.reshape(-1, *[1] * centre.ndim)
    rounding = AMPLIFICATION * noise / spans
    quotients = (after - before) / (2 * spans)
    both, both_error = _extrapolate(quotients, rounding, power=2)
    both_error = both_error + _grain(both, quotients[:N_COARSE], rounding[:N_COARSE])
    right, right_error = _extrapolate((after - centre) / spans, rounding, power=1)
    left, left_error = _extrapolate((centre - before) / spans, rounding, power=1)
    one_sided_error = np.maximum(left_error, right_error)
    # At a cusp the two sides diverge and cancel: the quotient of both sides converges to nothing that exists.
    diverging = one_sided_error > DIVERGENCE * np.maximum(np.abs(left), np.abs(right))
    both_error = np.where(diverging, np.maximum(both_error, one_sided_error), both_error)
    with np.errstate(invalid="ignore"):
        kinked = np.abs(right - left) > KINK_MARGIN * (left_error + right_error)
    return Slopes(
        value=centre,
        slope=np.where(kinked, (left + right) / 2, both),
        lower=np.where(kinked, np.minimum(left, right), both),
        upper=np.where(kinked, np.maximum(left, right), both),
        error=np.where(kinked, one_sided_error, both_error),
        kinked=kinked,
        resolution=resolution,
    )


def resolution_of(values: NDArray[np.floating]) -> float:
    """Relative spacing of the values: that of their dtype, or of a coarser format that holds all of them exactly.

    Code that computes in bfloat16, float16 or float32 inside and hands out float64 is found this way.

    >>> resolution_of(np.sin(np.arange(9.0)).astype(np.float32).astype(float))
    1.1920928955078125e-07
    """
    own = float(np.finfo(values.dtype).eps)
    finite = np.asarray(values[np.isfinite(values)], np.float64)
    mantissas = np.frexp(finite)[0]
    several = len(np.unique(mantissas)) >= MIN_VALUES
    for bits in (BFLOAT16_BITS, FLOAT16_BITS, FLOAT32_BITS):
        held = np.array_equal(np.round(mantissas * 2.0**bits), mantissas * 2.0**bits)
        # Few values, as those of a step, are short in any format.
        if held and (several or bits == FLOAT32_BITS):
            return max(own, 2.0 ** (1 - bits))
    return own


def noise_of(values: FloatArray) -> FloatArray:
    """Size of the noise in values at equally spaced arguments, shape (n, ...) to (...).

    The third differences of a smooth function vanish; independent errors of size s grow to s * sqrt(20).
    """
    thirds = np.abs(np.diff(values, n=3, axis=0)) / math.sqrt(20)
    return np.asarray(np.nan_to_num(np.max(thirds, axis=0), nan=0.0, posinf=0.0), np.float64)


def _grain(fine: FloatArray, quotients: FloatArray, rounding: FloatArray) -> FloatArray:
    """How far a little fine structure moves the derivative: that of a table read by linear interpolation, say."""
    coarse, coarse_error = _extrapolate(quotients, rounding, power=2)
    difference = np.abs(coarse - fine)
    known = coarse_error <= LARGEST_GRAIN * np.abs(coarse)
    grained = known & (difference > coarse_error) & (difference <= LARGEST_GRAIN * np.abs(coarse))
    return np.where(grained, difference, 0.0)


def _extrapolate(quotients: FloatArray, rounding: FloatArray, power: int) -> tuple[FloatArray, FloatArray]:
    """Richardson extrapolation of quotients at halved steps; the entry with the smallest error bound."""
    best = np.full(quotients.shape[1:], np.nan)
    best_error = np.full(quotients.shape[1:], np.inf)
    column = quotients
    for order in range(1, min(N_COLUMNS, len(quotients) - 1) + 1):
        refined = column[1:] + (column[1:] - column[:-1]) / (2.0 ** (power * order) - 1)
        spread = np.maximum(np.abs(refined - column[1:]), np.abs(refined - column[:-1]))
        error = np.nan_to_num(spread + rounding[order:], nan=np.inf)
        row = np.argmin(error, axis=0, keepdims=True)
        row_error = np.take_along_axis(error, row, axis=0)[0]
        better = row_error < best_error
        best = np.where(better, np.take_along_axis(refined, row, axis=0)[0], best)
        best_error = np.where(better, row_error, best_error)
        column = refined
    return best, best_error
