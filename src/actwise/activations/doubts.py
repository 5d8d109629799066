"""Where a formula's value or derivative is not to be trusted in float64, found by high-precision arithmetic.

A user's formula is rewritten into a stable one where a rule is known. Where none is, digits may be lost; this
module says on which arguments and how many, instead of being silently wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from actwise.activations.reference import Reference
from actwise.activations.spec import Activation, FloatArray

TRUSTED_ERROR = 2.0**-24  # half a unit in the last place of float32: what a float32 network can notice
LEAST_RESULT, LARGEST_RESULT = 2.0**-149, 2.0**128  # beyond them float32 holds 0 or infinity anyway
_SIZES = np.concatenate([np.geomspace(1e-12, 1e-2, 21), np.geomspace(0.02, 100.0, 60), np.geomspace(200.0, 1e30, 24)])
# The sizes are irregular on purpose: at round ones many formulas are exact by chance.
POINTS = np.concatenate([-_SIZES[::-1], _SIZES]) * 1.0371


@dataclass(frozen=True, slots=True)
class Doubt:
    """An interval on which a result has lost digits.

    Parameters
    ----------
    what : {"value", "derivative"}
        Which result.
    low, high : float
        The outermost arguments that were tried and found wrong.
    error : float
        The largest relative error; 1 or infinity where no digit is right.
    at : float
        Where that is.
    """

    what: Literal["value", "derivative"]
    low: float
    high: float
    error: float
    at: float

    def __str__(self) -> str:
        size = f"by up to {self.error:.1e} of its size" if self.error < 1 else "with no right digit"
        return f"its {self.what} is off {size} for x between {self.low:.3g} and {self.high:.3g} (at x = {self.at:.4g})"


def doubts(activation: Activation) -> tuple[Doubt, ...]:
    """Compare value and derivative, computed in float64, with the definition in high precision.

    Parameters
    ----------
    activation : Activation
        With its parameter values.

    Returns
    -------
    tuple of Doubt
        Empty where all is well at the 210 arguments that are tried, from 1e-12 to 1e30 on both sides.

    Examples
    --------
    >>> from actwise.activations.lookup import activation
    >>> doubts(activation("x * tanh(log(1 + exp(x)))"))
    ()
    """
    points = POINTS[~np.isin(POINTS, activation.kinks)]
    found = (activation(points), activation.derivative(points))
    truth = Reference(activation).at(points.tolist())
    names: tuple[Literal["value", "derivative"], ...] = ("value", "derivative")
    return tuple(
        doubt
        for what, computed, true in zip(names, found, truth, strict=True)
        for doubt in _intervals(what, points, _relative_errors(computed, true))
    )


def _relative_errors(computed: FloatArray, true: list[Any]) -> FloatArray:
    import mpmath as mp

    errors = np.zeros(len(computed))
    for i, (got, wanted) in enumerate(zip(computed.tolist(), true, strict=True)):
        if wanted is None:
            continue  # not a real number there, or not a known one: nothing to compare with
        size = abs(wanted)
        if (size < LEAST_RESULT and abs(got) < LEAST_RESULT) or (size > LARGEST_RESULT and abs(got) > LARGEST_RESULT):
            continue
        errors[i] = float(abs(mp.mpf(got) - wanted) / max(size, LEAST_RESULT)) if np.isfinite(got) else np.inf
    return errors


def _intervals(what: Literal["value", "derivative"], points: FloatArray, errors: FloatArray) -> list[Doubt]:
    wrong = errors > TRUSTED_ERROR
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wrong, [False]]).astype(int)))
    found = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        at = start + int(np.argmax(errors[start:stop]))
        found.append(Doubt(what, float(points[start]), float(points[stop - 1]), float(errors[at]), float(points[at])))
    return found
