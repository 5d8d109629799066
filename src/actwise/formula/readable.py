"""Rewrites formulas for readers: what only the computer needs is left out."""

from __future__ import annotations

import math
from fractions import Fraction

from actwise.formula.expression import Expression, number, rebuild, sqrt, walk

_MOST_DIGITS = 12  # significant ones that a reader is shown; float64's last ones are rounding errors
_LARGEST_DENOMINATOR = 100
_ONE, _TWO, _PI = number(1), number(2), number(math.pi)


def _quotient(above: Expression, below: Expression) -> Expression:
    """Make a quotient that stays one, unlike that of the operator."""
    return Expression("divide", (above, below))


_CONSTANTS = {
    1 / math.sqrt(2 * math.pi): _quotient(_ONE, sqrt(Expression("multiply", (_TWO, _PI)))),
    2 / math.sqrt(math.pi): _quotient(_TWO, sqrt(_PI)),
    1 / math.sqrt(2): _quotient(_ONE, sqrt(_TWO)),
    math.sqrt(2): sqrt(_TWO),
    2 / math.pi: _quotient(_TWO, _PI),
    math.pi: _PI,
    math.e: number(math.e),
}


def readable(expression: Expression) -> Expression:
    """Rewrite a formula for a reader: without guards against NaN, and with constants by their origin.

    Long decimals become what they came from, such as 1/sqrt(2 pi) or a fraction, or get fewer digits.

    Result: A formula to be shown: equal up to 12 digits, and not to be simplified, which would undo it.

    >>> from actwise.formula.expression import symbol
    >>> readable(symbol("x") * (1 / 3))
    multiply(x, divide(1, 3))
    """
    plain = without_nan_guards(expression)
    results: dict[Expression, Expression] = {}
    for node in walk(plain):
        if node.is_number:
            results[node] = _readable_number(node)
        else:
            results[node] = Expression(node.operation, tuple(results[each] for each in node.arguments), node.value)
    return results[plain]


def without_nan_guards(expression: Expression) -> Expression:
    """Replace where(u == u, a, b), whose second choice is for NaN only, by a."""
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        if _tells_nan(node):
            results[node] = results[node.arguments[1]]
        else:
            results[node] = rebuild(node, tuple(results[each] for each in node.arguments))
    return results[expression]


def _tells_nan(node: Expression) -> bool:
    """Recognise where(u == u, a, b): the second choice is for NaN only, which differs from itself."""
    if node.operation != "where":
        return False
    condition = node.arguments[0]
    return condition.operation == "equal" and condition.arguments[0] == condition.arguments[1]


def _readable_number(node: Expression) -> Expression:
    value = node.number
    if value in _CONSTANTS:
        return _CONSTANTS[value]
    if not math.isfinite(value) or float(f"{value:.{_MOST_DIGITS}g}") == value:
        return node
    fraction = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    if float(fraction) == value:
        return _quotient(number(fraction.numerator), number(fraction.denominator))
    return number(float(f"{value:.{_MOST_DIGITS}g}"))
