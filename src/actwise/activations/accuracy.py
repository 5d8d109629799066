"""Where a formula's value or derivative is not to be trusted in float64, found by high-precision arithmetic.

A user's formula is rewritten into a stable one where a rule is known. Where none is, digits may be lost, and where
something is divided by 0 there may be no number at all; this module says on which arguments, how many digits, and
what would be right there, instead of being silently wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations.estimates import Gap, gaps
from actwise.activations.reference import Reference
from actwise.activations.spec import Activation, FloatArray

What: TypeAlias = Literal["value", "derivative"]
TRUSTED_ERROR = 2.0**-24  # half a unit in the last place of float32: what a float32 network can notice
FAR_FROM_LIMIT = 1e-6  # of the limit or of 1; limits are known to more digits
LEAST_RESULT, LARGEST_RESULT = 2.0**-149, 2.0**128  # beyond them float32 holds 0 or infinity anyway
_SIZES = np.concatenate(
    [
        np.geomspace(1e-12, 1e-2, 21),
        np.geomspace(0.02, 100.0, 60),
        np.geomspace(120.0, 3e3, 18),
        np.geomspace(3.2e3, 1e30, 22),
    ]
)
# The sizes are irregular on purpose: at round ones many formulas are exact by chance.
POINTS = np.concatenate([-_SIZES[::-1], _SIZES]) * 1.0371


@dataclass(frozen=True, slots=True)
class Inaccuracy:
    """An interval on which a result has lost digits or is no finite number, or a point at which it is not its limit.

    Parameters
    ----------
    what : {"value", "derivative"}
        Which result.
    low, high : float
        The outermost arguments that were tried and found wrong; equal for a single point.
    error : float
        The largest relative error; 1 or infinity where no digit is right.
    at : float
        Where that is.
    kind : {"digits", "overflow", "gap", "limit"}
        Whether digits are lost, there is no finite number although there should be, there is none in whatever
        arithmetic, or a finite one that is not the limit.
    limit : float or None
        What the result comes near to from both sides of a single point, where there is such a number.
    """

    what: What
    low: float
    high: float
    error: float
    at: float
    kind: Literal["digits", "overflow", "gap", "limit"] = "digits"
    limit: float | None = None

    def __str__(self) -> str:
        if self.kind != "digits":
            wrong = "off" if self.kind == "limit" else "not a finite number"
            limit = "" if self.limit is None else f", where its limit is {self.limit:.4g}"
            return f"its {self.what} is {wrong} {Gap(self.low, self.high)}{limit}"
        size = f"by up to {self.error:.1e} of its size" if self.error < 1 else "with no right digit"
        return f"its {self.what} is off {size} for x between {self.low:.3g} and {self.high:.3g} (at x = {self.at:.4g})"


def inaccuracies(activation: Activation) -> tuple[Inaccuracy, ...]:
    """Compare value and derivative, computed in float64, with the definition in high precision.

    Result: empty where all is well at the 242 arguments that are tried, from 1e-12 to 1e30 on both
    sides.

    >>> from actwise.activations.lookup import activation
    >>> inaccuracies(activation("x * tanh(log(1 + exp(x)))"))
    ()
    """
    points = POINTS[~np.isin(POINTS, activation.kinks)]
    functions: tuple[Callable[[Any], Any], ...] = (activation, activation.derivative)
    truth = Reference(activation).at(points.tolist())
    found: list[Inaccuracy] = []
    for index, function in enumerate(functions):
        what: What = ("value", "derivative")[index]
        undefined = points[[each is None for each in truth[index]]]
        errors = _relative_errors(function(points), truth[index])
        found += _overflows(what, function, points, errors)
        found += _intervals(what, points, np.where(np.isinf(errors), 0.0, errors))
        found += [each for each in _gaps(what, function, activation, undefined) if not _covers(found, each)]
        found += [each for each in _limits(what, function, activation) if not _covers(found, each)]
    return tuple(sorted(found, key=lambda each: (each.what == "derivative", each.kind == "digits")))


def _gaps(
    what: What, function: Callable[[Any], Any], activation: Activation, undefined: FloatArray
) -> list[Inaccuracy]:
    """List the intervals on which there is no number, in whatever arithmetic."""
    critical = tuple(each.at for each in activation.estimates.critical)
    found = []
    for gap in gaps(function, critical):
        inside = undefined[(undefined > gap.low) & (undefined < gap.high)]
        if inside.size:
            found.append(Inaccuracy(what, gap.low, gap.high, np.inf, float(inside[0]), "gap"))
    return found


def _limits(what: What, function: Callable[[Any], Any], activation: Activation) -> list[Inaccuracy]:
    """List the critical points at which there is no finite number, or not the limit."""
    found = []
    for point in activation.estimates.critical:
        limit = point.limits[what == "derivative"]
        got = float(function(point.at))
        if not np.isfinite(got):
            found.append(Inaccuracy(what, point.at, point.at, np.inf, point.at, "gap", limit))
        elif limit is not None and point.at not in activation.kinks:
            error = abs(got - limit) / max(1.0, abs(limit))
            if error > FAR_FROM_LIMIT:
                found.append(Inaccuracy(what, point.at, point.at, error, point.at, "limit", limit))
    return found


def _covers(found: list[Inaccuracy], other: Inaccuracy) -> bool:
    """Say whether an earlier gap says it all."""
    return any(each.kind in ("gap", "overflow") and each.low <= other.low and other.high <= each.high for each in found)


def advice(activation: Activation, found: Sequence[Inaccuracy]) -> str:
    """Say what to do about what is not accurate.

    >>> from actwise.activations.lookup import activation
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     made = activation("log(x)")
    >>> advice(made, inaccuracies(made))
    'say what it is there, such as where(x > 0, log(x), 0)'
    """
    holes = [each for each in found if each.kind in ("gap", "limit")]
    if not holes and any(each.kind == "overflow" for each in found):
        return "write it so that exp and powers are given no large number"
    if not holes:
        return "write it without differences of nearly equal numbers"
    low, high, text = holes[0].low, holes[0].high, activation.name
    if low == high:
        (near,) = (each for each in activation.estimates.critical if each.at == low)
        value, slope = near.limits
        moved = "x" if low == 0 else f"(x - {low:.9g})" if low > 0 else f"(x + {-low:.9g})"
        line = f"{value or 0.0:.9g}" + (f" + {slope:.9g} * {moved}" if slope else "")
        example = f"where(x == {low:.9g}, {line}, {text})"
    elif np.isinf(low) and np.isinf(high):
        return "write one that is a number somewhere"
    elif np.isinf(low):
        example = f"where(x > {high:.9g}, {text}, 0)"
    else:
        outside = f"x < {low:.9g}" if np.isinf(high) else f"(x < {low:.9g}) | (x > {high:.9g})"
        example = f"where({outside}, {text}, 0)"
    return f"say what it is there, such as {example}"


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


def _overflows(what: What, function: Callable[[Any], Any], points: FloatArray, errors: FloatArray) -> list[Inaccuracy]:
    """List the intervals on which the result is no finite number although there is one, with their ends."""
    found = []
    for start, stop in _runs(np.isinf(errors)):
        low = -np.inf if start == 0 else _edge(function, points[start - 1], points[start])
        high = np.inf if stop == len(points) else _edge(function, points[stop], points[stop - 1])
        found.append(Inaccuracy(what, low, high, np.inf, float(points[start]), "overflow"))
    return found


def _edge(function: Callable[[Any], Any], finite: float, infinite: float) -> float:
    """Halve the way between a finite result and one that is not."""
    for _ in range(60):
        middle = (finite + infinite) / 2
        finite, infinite = (middle, infinite) if np.isfinite(function(middle)) else (finite, middle)
    return float(finite)


def _runs(chosen: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _intervals(what: What, points: FloatArray, errors: FloatArray) -> list[Inaccuracy]:
    found = []
    for start, stop in _runs(errors > TRUSTED_ERROR):
        at = start + int(np.argmax(errors[start:stop]))
        found.append(
            Inaccuracy(what, float(points[start]), float(points[stop - 1]), float(errors[at]), float(points[at]))
        )
    return found
