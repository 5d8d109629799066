"""What a function is like for which nothing is declared: found by trying, above all where it may break.

A formula can have a kink, a jump, a pole or no value only where what stands under an absolute value, a root, a
logarithm, a fraction line... changes its sign. Those points are found first; high-precision arithmetic then tells
what happens beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from actwise.activations.reference import Reference
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import COMPARISONS, Expression, symbols, walk

if TYPE_CHECKING:
    from actwise.activations.spec import Activation

Array = npt.NDArray[np.float64]

SCAN = np.concatenate([-np.geomspace(1e3, 1e-3, 4000), [0.0], np.geomspace(1e-3, 1e3, 4000)])
_FAR = np.concatenate([-np.geomspace(1e6, 1.1e3, 90), np.geomspace(1.1e3, 1e6, 90)])
_FAR_ENDS = np.array([-np.inf, -1e300, 1e300, np.inf])
_GRID = np.unique(np.concatenate([SCAN, _FAR, np.linspace(-16.0, 16.0, 2049)]))
_DIGITS = 12
_HALF = 0.5  # tells whole numbers that a floor stands on from signs
_MOST, _NEAR = 24, 10.0  # of more critical points, as periodic functions have, those near 0 are looked at
_MOST_GAPS = 3
_SCALES = np.array([2.0**-20, 2.0**-30, 2.0**-40])
_SCALES_AT_ZERO = np.array([2.0**-20, 2.0**-40, 2.0**-80])
_CLOSE = 1e-3  # what has come so near at two scales has a limit
_JUMP = 1e-6
_GROWS = 1.4  # a slope that is so much larger at each finer scale has no bound
_HIGH = 1e3
_ROUNDING = 1e-9
_DECADES = (1.0, 1e2, 1e4)
_SLOWING = 0.5  # a logarithm grows by the same from 100 to 10,000 and on to a million; what has a limit does not
_NO_BOUND = 1e100  # what is larger is as good as infinite


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a function has no finite value.

    Parameters
    ----------
    low, high : float
        The ends; equal for a single point.
    limit : float or None
        What comes near to it from both sides of a single point, where there is such a number.
    """

    low: float
    high: float
    limit: float | None = None

    def __str__(self) -> str:
        if self.low == self.high:
            return f"at x = {self.low:.4g}"
        if np.isinf(self.low) and np.isinf(self.high):
            return "for any x"
        if np.isinf(self.low):
            return f"for x < {self.high:.4g}"
        return f"for x > {self.low:.4g}" if np.isinf(self.high) else f"for x between {self.low:.4g} and {self.high:.4g}"


@dataclass(frozen=True, slots=True)
class Beside:
    """A function and its slope beside a point, truly, at three finer and finer distances.

    Parameters
    ----------
    at : float
        The point.
    values, slopes : ndarray of shape (3, 2)
        On the left and on the right; NaN where there is none.
    """

    at: float
    values: Array
    slopes: Array

    @property
    def is_kink(self) -> bool:
        """Whether slope or function jump between one-sided limits of the function."""
        if not (_converges(self.values[:, 0]) and _converges(self.values[:, 1])):
            return False
        return _jumps(self.values) or _jumps(self.slopes)

    @property
    def is_steep(self) -> bool:
        """Whether the slope has no bound."""
        sizes = np.abs(self.slopes)
        grows = (sizes[1:] > _GROWS * sizes[:-1]).all(axis=0) & (sizes[-1] > 1)
        return bool(grows.any()) or (self.is_kink and _jumps(self.values))

    @property
    def is_pole(self) -> bool:
        """Whether the function itself has no bound."""
        sizes = np.abs(self.values)
        return bool(((sizes[1:] > _GROWS * sizes[:-1]).all(axis=0) & (sizes[-1] > _HIGH)).any())

    @property
    def one_sided(self) -> Array:
        """The values nearest to the point on both sides, infinite at a pole."""
        nearest = self.values[-1]
        infinite = self.is_pole & (np.abs(nearest) > _HIGH)
        return np.asarray(np.where(infinite, np.copysign(np.inf, nearest), nearest))

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The limits of function and slope, None where there is none."""
        return _limit(self.values), _limit(self.slopes)


def _converges(side: Array) -> bool:
    return bool(np.isfinite(side).all() and abs(side[2] - side[1]) <= _CLOSE * max(1.0, abs(side[2])))


def _jumps(table: Array) -> bool:
    sizes = np.abs(table[:, 0] - table[:, 1])
    return bool(sizes[2] > _JUMP * (1 + abs(table[2, 1])) and sizes[2] > sizes[1] / 2)


def _limit(table: Array) -> float | None:
    if not (_converges(table[:, 0]) and _converges(table[:, 1])) or _jumps(table):
        return None
    limit = float(table[2].mean())
    return float(f"{limit:.9g}") if abs(limit) > _ROUNDING else 0.0


def critical_points(activation: Activation) -> tuple[float, ...]:
    """Find where a formula may have a kink, a jump, a pole or the end of where it is defined.

    Result: rising; of more than 24, those within ±10.

    >>> from actwise.activations.lookup import activation
    >>> critical_points(activation("max(x, 2) + abs(x + 1)"))
    (-1.0, 2.0)
    """
    found: set[float] = set()
    with np.errstate(all="ignore"):
        for key in dict.fromkeys(_keys(activation.defining_expression)):
            found |= _changes(partial(key.at, values=activation.values))
    rising = sorted(found)
    return tuple(rising if len(rising) <= _MOST else [each for each in rising if abs(each) <= _NEAR])


@dataclass(frozen=True, slots=True)
class _Key:
    """What is the same on both sides of a point at which nothing happens: a sign, or a whole number."""

    left: Expression
    right: Expression | float
    is_floor: bool = False

    def at(self, x: Array, values: Any) -> Array:
        u, v = (
            each if isinstance(each, float) else evaluate(each, {"x": x, **values}, numpy_table())
            for each in (self.left, self.right)
        )
        # Not the difference, which is NaN for two infinities.
        return np.broadcast_to(
            np.floor(u) + _HALF if self.is_floor else np.where(u > v, 1.0, np.where(u < v, -1.0, 0.0)), x.shape
        )


def _keys(definition: Expression) -> list[_Key]:
    keys = []
    for node in walk(definition):
        if "x" not in symbols(node):
            continue
        match node.operation:
            case "absolute" | "sign" | "sqrt" | "log":
                keys.append(_Key(node.arguments[0], 0.0))
            case "log1p":
                keys.append(_Key(node.arguments[0], -1.0))
            case "divide":
                keys.append(_Key(node.arguments[1], 0.0))
            case "power":
                keys.append(_Key(node.arguments[0], 0.0))
            case "floor":
                keys.append(_Key(node.arguments[0], 0.0, is_floor=True))
            case operation if operation in COMPARISONS | {"maximum", "minimum"}:
                left, right = node.arguments
                keys.append(_Key(left, right))
    return keys


def _changes(key: Callable[[Array], Array]) -> set[float]:
    """Halve all intervals between whose ends the key changes, until none is left between."""
    low, high = _GRID[:-1], _GRID[1:]
    first, last = key(low), key(high)
    while True:
        changes = first != last
        low, high, first, last = low[changes], high[changes], first[changes], last[changes]
        middle = low + (high - low) / 2
        if not low.size or np.all((middle <= low) | (middle >= high)):
            break
        value = key(middle)
        to_left = value != first
        low, first = np.where(to_left, low, middle), np.where(to_left, first, value)
        high, last = np.where(to_left, middle, high), np.where(to_left, value, last)
    at = np.where(first == 0, low, high)
    # x**3 underflows and 1 + x is rounded: of a stretch of zeros the shortest number is meant.
    short = np.round(at, _DIGITS)
    there = key(short)
    is_meant = (there == 0) | ((there == last) & (last % 1 == _HALF))
    return {float(each) + 0.0 for each in np.where(is_meant, short, at)}


def beside(activation: Activation, at: float) -> Beside:
    """Look beside a point in high-precision arithmetic."""
    steps = _SCALES_AT_ZERO if at == 0 else _SCALES * abs(at)
    points = np.stack([at - steps, at + steps], axis=1)
    true = Reference(activation, declared_kinks=False).at(points.ravel().tolist())
    values, slopes = (np.array([np.nan if each is None else float(each) for each in part]) for part in true)
    return Beside(at, values.reshape(3, 2), slopes.reshape(3, 2))


def gaps(function: Callable[[Array], Array], critical: tuple[float, ...]) -> tuple[Gap, ...]:
    """Find where a function has no finite value: no number anywhere, or infinity at a critical point.

    >>> [str(each) for each in gaps(np.log, (0.0,))]
    ['for x < 0']
    """
    points = np.unique(np.concatenate([_GRID, critical]))
    is_critical = np.isin(points, critical)
    with np.errstate(all="ignore"):
        y = function(points)
    if not np.isfinite(y).any():
        return (Gap(-np.inf, np.inf),)
    bad = np.isnan(y) | (is_critical & ~np.isfinite(y))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(int)))
    found = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        first, last = start, stop - 1
        if first == last and is_critical[first]:
            found.append(Gap(float(points[first]), float(points[first])))
            continue
        first -= bool(first > 0 and not is_critical[first] and is_critical[first - 1])
        last += bool(last + 1 < len(points) and not is_critical[last] and is_critical[last + 1])
        low = -np.inf if start == 0 else float(points[first])
        found.append(Gap(low, np.inf if stop == len(points) else float(points[last])))
    if sum(each.low < each.high for each in found) > _MOST_GAPS:  # x**x, which is a number at whole x
        return (Gap(found[0].low, found[-1].high),)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Estimates:
    """What is found about a function: the fields of `Claims`, and more.

    Parameters
    ----------
    falling : bool
        Whether it never rises.
    gaps : tuple of Gap
        Where it has no finite value, poles included.
    critical : tuple of Beside
        What happens beside each critical point.
    """

    range: tuple[float, float]
    kinks: tuple[float, ...]
    monotonic: bool
    falling: bool
    odd: bool
    lipschitz: float
    gaps: tuple[Gap, ...]
    critical: tuple[Beside, ...]

    def is_defined(self, size: float = np.inf) -> bool:
        """Say whether all gaps up to a size are single points with a limit: what else is said can be trusted then."""
        return all(each.limit is not None or each.low > size or each.high < -size for each in self.gaps)


def estimate(activation: Activation) -> Estimates:
    """Find out about a function by trying.

    >>> from actwise.activations.lookup import activation
    >>> found = estimate(activation("abs(x) - 1"))
    >>> found.range, found.kinks, found.monotonic, found.lipschitz
    ((-1.0, inf), (0.0,), False, 1.0)
    """
    near = tuple(beside(activation, at) for at in critical_points(activation))
    critical = tuple(each.at for each in near)
    x = np.unique(np.concatenate([SCAN, _FAR, critical]))
    y, slopes = activation(x), activation.derivative(x)
    values = np.concatenate([y, activation(_FAR_ENDS), *(each.one_sided for each in near)])
    inner = float(np.nanmax(np.abs(slopes[np.abs(x) <= SCAN[-1]]), initial=0.0))
    outer = float(np.nanmax(np.abs(slopes), initial=0.0))
    sided = [float(each) for one in near for each in np.abs(one.slopes[-1]) if np.isfinite(each)]
    unbounded = outer > _GROWS * inner or any(each.is_steep for each in near)
    return Estimates(
        range=_unbounded(x, y, _bounds(values[~np.isnan(values)])),
        kinks=tuple(each.at for each in near if each.is_kink),
        monotonic=_never_falls(y) and not (slopes < -_ROUNDING).any(),
        falling=_never_falls(-y) and not (slopes > _ROUNDING).any(),
        odd=np.array_equal(activation(SCAN), -activation(-SCAN), equal_nan=True),
        lipschitz=np.inf if unbounded else _bounds(np.array([inner, *sided]))[1],
        gaps=_all_gaps(activation, near),
        critical=near,
    )


def _bounds(values: Array) -> tuple[float, float]:
    if not values.size:
        return -np.inf, np.inf
    low, high = (
        each if abs(each) < _NO_BOUND else math.copysign(math.inf, each)
        for each in (float(values.min()), float(values.max()))
    )
    return low, high


def _unbounded(x: Array, y: Array, bounds: tuple[float, float]) -> tuple[float, float]:
    """Replace a bound by infinity where the function still grows towards it, by as much as before, far out."""
    reached = []
    for sign, bound in ((-1.0, bounds[0]), (1.0, bounds[1])):
        for side in (x, -x):
            largest = [np.nanmax(sign * y[(side >= low) & (side <= 100 * low)], initial=-np.inf) for low in _DECADES]
            with np.errstate(invalid="ignore"):
                earlier, later = np.diff(largest)
            if later > _SLOWING * earlier > 0 and later > _CLOSE * abs(largest[-1]):
                bound = sign * math.inf
        reached.append(float(bound))
    return reached[0], reached[1]


def _never_falls(y: Array) -> bool:
    known = y[~np.isnan(y)]
    with np.errstate(invalid="ignore"):
        rises = (known[1:] >= known[:-1]) | (known[1:] >= known[:-1] - _ROUNDING * np.abs(known[:-1]))
    return bool(rises.all())


def _all_gaps(activation: Activation, near: tuple[Beside, ...]) -> tuple[Gap, ...]:
    """Gather the gaps, with their limits, and the poles whose argument no float64 is."""
    points = {each.at: each for each in near}
    found = [
        replace(each, limit=points[each.low].limits[0]) if each.low == each.high and each.low in points else each
        for each in gaps(activation, tuple(points))
    ]
    known = {each.low for each in found} | {each.high for each in found}
    poles = [Gap(each.at, each.at) for each in near if each.is_pole and each.at not in known]
    return tuple(sorted([*found, *poles], key=lambda each: each.low))
