"""Where an activation is tried: everywhere a little, and thoroughly where formulas go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import COMPARISONS, Expression, symbols, walk

FloatArray = npt.NDArray[np.floating[Any]]
NEAR_SWITCH = 3  # numbers on either side of a point at which a formula switches
NEAR_ROOT = 24  # numbers on either side of a root, where sums cancel
MOST_ROOTS = 6
EVERYDAY = 20.0  # half of the random points lie within it
# Where exponentials, error functions and their complements underflow, overflow or saturate in either type.
_THRESHOLDS = (
    1e-3, 0.5, 1.0, 2.0, 4.0, 5.93, 8.3, 9.01, 13.2, 14.4, 16.6, 17.4, 26.5, 36.8, 38.6, 44.0, 52.0, 87.4, 88.73,
    103.28, 103.98, 355.0, 709.0, 709.79, 745.14, 1e4, 1e8, 1e16, 2.0**64, 1.8e19, 1e30,
)  # fmt: skip


def hard_points(activation: Activation, dtype: npt.DTypeLike) -> FloatArray:
    """Return the arguments at which a formula is most likely to be wrong, sorted, NaN last.

    Result: special values, edges of the format, thresholds, switching points and roots, with
    neighbours.
    """
    kind = np.dtype(dtype)
    facts = np.finfo(kind)
    edges = [0.0, facts.smallest_subnormal, facts.smallest_normal, facts.max]
    powers = 2.0 ** np.arange(facts.minexp + 2, facts.maxexp, 9 if kind == np.float32 else 61)
    positive = np.concatenate([edges, _THRESHOLDS, powers]).astype(kind)
    special = np.array([np.inf, -np.inf, np.nan, -0.0], kind)
    near = neighbours(np.concatenate([positive, -positive]), 1)
    with np.errstate(over="ignore"):
        switches = neighbours(switching_points(activation).astype(kind), NEAR_SWITCH)
    roots = neighbours(roots_of(activation).astype(kind), NEAR_ROOT)
    return np.unique(np.concatenate([special, near, switches, roots]))


def random_points(count: int, dtype: npt.DTypeLike, rng: np.random.Generator) -> FloatArray:
    """Draw arguments: half of them as random bits, so that every exponent occurs, half within ±20."""
    kind = np.dtype(dtype)
    bits = np.dtype(f"uint{8 * kind.itemsize}")
    wild = rng.integers(0, np.iinfo(bits).max, count // 2, dtype=bits, endpoint=True).view(kind)
    everyday = rng.uniform(-EVERYDAY, EVERYDAY, count - count // 2).astype(kind)
    return np.concatenate([wild, everyday])


def scan(limit: float = 1e300) -> npt.NDArray[np.float64]:
    """Return sorted float64 numbers that cover all magnitudes, densely where activations bend."""
    sizes = np.concatenate([np.geomspace(1e-300, limit, 3000), np.linspace(0.0, 30.0, 6001), [5e-324]])
    return np.unique(np.concatenate([sizes, -sizes]))


def switching_points(activation: Activation) -> npt.NDArray[np.float64]:
    """Find the arguments at which a comparison inside the formulas changes its outcome."""
    found: list[float] = []
    seen: set[Expression] = set()
    for expression in (activation.expression, activation.derivative_expression, activation.defining_expression):
        for node in walk(expression):
            if node.operation in COMPARISONS and node not in seen and "x" in symbols(node):
                seen.add(node)
                found += _fewer(_changes(node, activation))
    return np.array(found)


def roots_of(activation: Activation) -> npt.NDArray[np.float64]:
    """Find the arguments within ±100 at which the function or its derivative changes its sign."""
    found: list[float] = []
    for expression in (activation.expression, activation.derivative_expression):
        found += _fewer([each for each in _changes(expression > 0, activation, 100.0) if each != 0])
    return np.array(found)


def _fewer(points: list[float]) -> list[float]:
    """Keep the points nearest to 0 and the farthest one, where a periodic function has very many."""
    ordered = sorted(points, key=abs)
    return ordered[:MOST_ROOTS] + ordered[MOST_ROOTS:][-1:]


def _changes(condition: Expression, activation: Activation, limit: float = 1e300) -> list[float]:
    def outcome(points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        with np.errstate(all="ignore"):
            values = {"x": points, **activation.values}
            return np.broadcast_to(np.asarray(evaluate(condition, values, numpy_table()), bool), points.shape)

    points = scan(limit)
    truth = outcome(points)
    at = np.flatnonzero(truth[1:] != truth[:-1])
    low, high = _ordered(points[at]), _ordered(points[at + 1])
    left = truth[at]
    for _ in range(64):
        middle = low + (high - low) // 2
        same = outcome(_from_ordered(middle, np.float64).astype(np.float64)) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [float(each) for each in _from_ordered(high, np.float64)]


def neighbours(points: FloatArray, count: int) -> FloatArray:
    """Return finite points together with the `count` next numbers on either side of each."""
    if not points.size:
        return points
    around = _ordered(points[np.isfinite(points)])[:, None] + np.arange(-count, count + 1)
    result = _from_ordered(around.ravel(), points.dtype)
    return result[np.isfinite(result)]


def _ordered(points: FloatArray) -> npt.NDArray[np.int64]:
    """Number the floats so that the order is the same and neighbours differ by 1."""
    bits = points.view(f"int{8 * points.dtype.itemsize}").astype(np.int64)
    lowest = np.int64(np.iinfo(f"int{8 * points.dtype.itemsize}").min)
    return np.where(bits < 0, lowest - bits, bits)


def _from_ordered(ordinals: npt.NDArray[np.int64], dtype: npt.DTypeLike) -> FloatArray:
    kind = np.dtype(dtype)
    integer = np.dtype(f"int{8 * kind.itemsize}")
    lowest = np.int64(np.iinfo(integer).min)
    return np.where(ordinals < 0, lowest - ordinals, ordinals).astype(integer).view(kind)
