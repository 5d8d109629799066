"""What a plot of an activation shows, as numbers: curves, kinks, asymptotes and saturation zones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation, AnyActivation, GatedActivation, RowActivation, facts
from actwise.errors import InputError

FloatArray: TypeAlias = npt.NDArray[np.float64]
Interval: TypeAlias = tuple[float, float]

WIDEST_DEFAULT = 10.0  # half the width of a plot whose range nobody chose
NARROWEST_DEFAULT = 5.0
_FAR = 1e7 * np.array([1.0, 1.37, 2.11, 3.3]) + np.array([0.13, 0.41, 0.77, 0.92])  # no period divides the distances
_FARTHEST = 1e300
_STRAIGHT = 1e-6  # a slope that differs by less between far points is that of an asymptote
_NEAR = 2.5  # where smooth functions still differ from their asymptotes
_SAME = 1e-9
_JUMP = 1e-9  # a larger difference, relative to the value or to 1, between neighbouring numbers is a jump


@dataclass(frozen=True, slots=True)
class Asymptote:
    """A straight line that a curve comes near to.

    Parameters
    ----------
    slope, intercept : float
        The line ``slope * x + intercept``.
    left, right : bool
        Whether the curve comes near to it for x towards minus infinity, and towards infinity.
    """

    slope: float
    intercept: float
    left: bool
    right: bool

    @property
    def label(self) -> str:
        """The line's equation."""
        constant = f"{abs(self.intercept):.4g}"
        if self.slope == 0:
            return f"y = {self.intercept:.4g}"
        factor = {1.0: "", -1.0: "-"}.get(self.slope, f"{self.slope:.4g} ")
        sign = "+" if self.intercept > 0 else "-"
        return f"y = {factor}x" + (f" {sign} {constant}" if self.intercept else "")


@dataclass(frozen=True, slots=True)
class KinkMark:
    """A place where the slope jumps, and perhaps the function too.

    Parameters
    ----------
    at : float
        The pre-activation.
    values : tuple of float
        The function just left of it, there, and just right of it.
    slopes : tuple of float
        The slope just left of it, the one that is taken there, and the one just right of it.
    """

    at: float
    values: tuple[float, float, float]
    slopes: tuple[float, float, float]

    @property
    def is_jump(self) -> bool:
        """Whether the function itself jumps."""
        left, _, right = self.values
        return abs(right - left) > _JUMP * max(1.0, abs(left), abs(right))


@dataclass(frozen=True)
class Curve:
    """A function of one number with what is remarkable about it.

    Parameters
    ----------
    label : str
        What it is called in a legend.
    value, derivative : callable
        Arrays of pre-activations to arrays of the same shape.
    kinks : tuple of KinkMark
        Where its slope jumps.
    asymptotes : tuple of Asymptote
        Lines that it comes near to.
    saturated : tuple of (low, high)
        Where its slope is less than a thousandth of the largest one.
    """

    label: str
    value: Callable[[FloatArray], FloatArray]
    derivative: Callable[[FloatArray], FloatArray]
    kinks: tuple[KinkMark, ...] = ()
    asymptotes: tuple[Asymptote, ...] = ()
    saturated: tuple[Interval, ...] = ()


def curves(activation: AnyActivation) -> tuple[Curve, ...]:
    """Make the curves that show an activation.

    `activation`: the activation. One that couples the entries of a row is shown for a row of two, ``(x,
    0)``; a gated one along each of its pre-activations, with the others held at 1.

    >>> import actwise as aw
    >>> (curve,) = curves(aw.activation("relu"))
    >>> curve.kinks[0].at, curve.saturated
    (0.0, ((-inf, 0.0),))
    """
    match activation:
        case Activation():
            return (_scalar_curve(activation),)
        case RowActivation():
            return (_row_curve(activation),)
        case GatedActivation():
            return _gated_curves(activation)


def _scalar_curve(activation: Activation) -> Curve:
    about = facts(activation)
    kinks = []
    for kink in about.kinks:
        left, middle, right = map(float, activation(np.nextafter(kink.at, [-np.inf, kink.at, np.inf])))
        kinks.append(KinkMark(kink.at, (left, middle, right), (kink.left, kink.slope, kink.right)))
    saturated = []
    if about.saturates_below is not None:
        saturated.append((-math.inf, about.saturates_below))
    if about.saturates_above is not None:
        saturated.append((about.saturates_above, math.inf))
    return Curve(
        _label(activation),
        activation,
        activation.derivative,
        tuple(kinks),
        _asymptotes(activation),
        tuple(saturated),
    )


def _label(activation: Activation) -> str:
    changed = {name: value for name, value in activation.values.items() if value != activation.params[name].default}
    given = ", ".join(f"{name} = {value:.4g}" for name, value in changed.items())
    return f"{activation.name} ({given})" if given else activation.name


def _row_curve(activation: RowActivation) -> Curve:
    def rows(x: FloatArray) -> FloatArray:
        return np.stack([np.asarray(x, float), np.zeros_like(x, float)], axis=-1)

    def value(x: FloatArray) -> FloatArray:
        return np.asarray(activation(rows(x))[..., 0], float)

    def derivative(x: FloatArray) -> FloatArray:
        first = np.zeros((*np.shape(x), 2))
        first[..., 0] = 1.0
        return np.asarray(activation.vector_jacobian_product(rows(x), first)[..., 0], float)

    label = f"{activation.name} of (x, 0), first entry"
    return Curve(label, value, derivative, asymptotes=_asymptotes(value))


def _gated_curves(activation: GatedActivation) -> tuple[Curve, ...]:
    found: list[Curve] = []
    sample = np.linspace(-3.0, 3.0, 13)
    for moving in range(activation.pieces):
        curve = _gated_curve(activation, moving)
        if not any(np.array_equal(curve.value(sample), each.value(sample)) for each in found):
            found.append(curve)
    return tuple(found)


def _gated_curve(activation: GatedActivation, moving: int) -> Curve:
    pieces = activation.pieces

    def inputs(x: FloatArray) -> FloatArray:
        given = np.ones((*np.shape(x), pieces))
        given[..., moving] = x
        return given

    def value(x: FloatArray) -> FloatArray:
        return np.asarray(activation(inputs(x))[..., 0], float)

    def derivative(x: FloatArray) -> FloatArray:
        gradient = activation.vector_jacobian_product(inputs(x), np.ones((*np.shape(x), 1)))
        return np.asarray(gradient[..., moving], float)

    shown = ", ".join("x" if k == moving else "1" for k in range(pieces))
    return Curve(f"{activation.name}({shown})", value, derivative, asymptotes=_asymptotes(value))


def _asymptotes(value: Callable[[Any], Any]) -> tuple[Asymptote, ...]:
    left, right = _line_at(value, -_FAR, -_NEAR), _line_at(value, _FAR, _NEAR)
    if left is not None and left == right:
        return (Asymptote(*left, left=True, right=True),)
    found = []
    if left is not None:
        found.append(Asymptote(*left, left=True, right=False))
    if right is not None:
        found.append(Asymptote(*right, left=False, right=True))
    return tuple(found)


def _line_at(value: Callable[[Any], Any], points: FloatArray, near: float) -> tuple[float, float] | None:
    """Return slope and intercept of the line on which far points lie, if they do.

    A slanting line that is the function itself, as the identity is for ReLU, is no asymptote worth drawing.
    """
    with np.errstate(all="ignore"):
        y = np.asarray(value(points), float)
    if not np.isfinite(y).all():
        return None
    slopes = np.diff(y) / np.diff(points)
    if np.ptp(slopes) > _STRAIGHT:
        return None
    slope = _rounded(float(slopes[0]))
    intercepts = y - slope * points
    if np.ptp(intercepts) > _STRAIGHT:
        return None
    intercept = _rounded(float(np.median(intercepts)))
    with np.errstate(all="ignore"):
        last = float(value(np.array([math.copysign(_FARTHEST, near)]))[0])
    if slope == 0 and abs(last - intercept) > _STRAIGHT:
        return None  # it goes on, so slowly that it looked flat
    is_itself = abs(float(value(np.array([near]))[0]) - slope * near - intercept) < _SAME
    return None if slope != 0 and is_itself else (slope, intercept)


def _rounded(value: float) -> float:
    """Take away what is left of the distance and of rounding: 0.9999999 is 1."""
    near = round(value, 5)
    return (near if abs(value - near) < 2e-7 else value) + 0.0


def domain_of(shown: Sequence[Curve]) -> Interval:
    """Choose a range of x that shows what is remarkable about some curves.

    Result: symmetric about 0, from ±5 to ±10, and wider where a kink lies outside.
    """
    places = [abs(kink.at) for curve in shown for kink in curve.kinks]
    edges = [abs(edge) for curve in shown for zone in curve.saturated for edge in zone if math.isfinite(edge)]
    wanted = max([NARROWEST_DEFAULT, *(1.15 * edge for edge in edges)])
    half = max([min(wanted, WIDEST_DEFAULT), *(1.25 * place for place in places)])
    return -float(math.ceil(half)), float(math.ceil(half))


def checked_domain(domain: Interval | None, shown: Sequence[Curve]) -> Interval:
    """Return the range that somebody chose, or one that suits the curves."""
    if domain is None:
        return domain_of(shown)
    low, high = map(float, domain)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"the range of x runs from {low:g} to {high:g}: give a smaller and a larger finite number")
    return low, high


def sampled(curve: Curve, domain: Interval, points: int) -> list[FloatArray]:
    """Choose where to evaluate a curve: pieces between kinks, so that no line crosses a jump of the slope.

    `domain`: from where to where.
    Result: rising arguments of each piece; the pieces end just beside the kinks.
    """
    low, high = domain
    inside = sorted(kink.at for kink in curve.kinks if low < kink.at < high)
    pieces = []
    for left, right in pairwise([low, *inside, high]):
        count = max(2, math.ceil(points * (right - left) / (high - low)) + 1)
        piece = np.linspace(left, right, count)
        if left in inside:
            piece[0] = np.nextafter(left, math.inf)
        if right in inside:
            piece[-1] = np.nextafter(right, -math.inf)
        pieces.append(piece)
    return pieces
