"""What several declarations need to keep their digits and their limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from actwise.formula.expression import Expression, Operand, absolute, as_expression, equal, number, where

INFINITY = math.inf
ALL_THE_WAY = 50.0  # exp(-50) is nothing beside 1 in float64
FAR = 1000.0  # exp(-1000) is 0 in float64: beyond it a factor that decays has decided a product
HUGE = 2.0**60  # 1 + HUGE is HUGE in float64, and so is sqrt(1 + HUGE**2)
ROOT_RADIUS = 0.5  # so far from a root its expansion is used


def unless_nan(x: Expression, value: Operand) -> Expression:
    """Give a value that does not depend on x, but NaN for NaN."""
    return where(equal(x, x), value, x)


def far_limits(x: Expression, value: Expression, *, below: float, above: float, above_from: float = FAR) -> Expression:
    """Put limits in place of a value that would be 0 times infinity far out; NaN stays NaN."""
    return where(x < -FAR, below, where(x > above_from, above, value))


def between(x: Expression, low: Operand, high: Operand, inside: Operand, outside: Operand) -> Expression:
    """Choose by whether x lies strictly between two bounds; NaN stays NaN."""
    return where((x > low) & (x < high), inside, unless_nan(x, outside))


def reciprocal_square_plus_one(x: Expression) -> Expression:
    """Make 1 / (1 + x**2), which neither overflows nor underflows too early."""
    return where(absolute(x) > HUGE, (1 / x) * (1 / x), 1 / (1 + x * x))


@dataclass(frozen=True, slots=True)
class Root:
    """Where a derivative is 0, and the derivative divided by the distance from there.

    A sum that is 0 loses its digits around that point; the product of a distance and a polynomial does not.

    Parameters
    ----------
    high, low : float
        The root as the sum of two numbers, right to 32 digits.
    coefficients : tuple of float
        The polynomial in the distance, constant term first; right from `ROOT_RADIUS` below the root to `above`.
    above : float
        How far above the root the polynomial is used.
    """

    high: float
    low: float
    coefficients: tuple[float, ...]
    above: float = ROOT_RADIUS

    def distance(self, x: Expression) -> Expression:
        """Make the distance from the root."""
        return (x - self.high) - self.low

    def is_near(self, x: Expression) -> Expression:
        """Make the condition that the polynomial is right at x."""
        middle, half = (self.above - ROOT_RADIUS) / 2, (self.above + ROOT_RADIUS) / 2
        return absolute(self.distance(x) - middle) < half


def near_root(x: Expression, root: Root, otherwise: Expression) -> Expression:
    """Use the expansion of a derivative near its root, and another form elsewhere."""
    distance = root.distance(x)
    return where(root.is_near(x), distance * polynomial(distance, root.coefficients), otherwise)


@dataclass(frozen=True, slots=True)
class ExponentialRoot:
    """Where a derivative is 0 that is made of the argument and its exponential, and the exponential there.

    With d the distance from the root, exp(x) = exp(root) (1 + expm1(d)). Put into such a derivative, what cancels
    at the root drops out, and terms of one sign are left.

    Parameters
    ----------
    high, low : float
        The root as the sum of two numbers, right to 32 digits.
    exp_high, exp_low : float
        The exponential of the root (or of what the declaration exponentiates) in the same way.
    """

    high: float
    low: float
    exp_high: float
    exp_low: float

    def distance(self, x: Expression) -> Expression:
        """Make the distance from the root."""
        return (x - self.high) - self.low

    def times_exp(self, u: Expression) -> Expression:
        """Multiply with the exponential of the root."""
        return u * self.exp_high + u * self.exp_low


def polynomial(x: Expression, coefficients: Sequence[float]) -> Expression:
    """Make a polynomial by Horner's rule, constant term first."""
    result = as_expression(coefficients[-1])
    for each in reversed(coefficients[:-1]):
        result = result * x + number(each)
    return result
