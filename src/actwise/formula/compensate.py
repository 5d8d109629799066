"""Carries the rounding errors of float64 arithmetic along and adds them to the result.

Plain float64 arithmetic rounds at every step. Most of that does no harm, but where an exponential has a rounded
argument, the result is off by as many units in the last place as the argument is large, and in longer formulas
roundings add up. The error of a sum, a product, a quotient or a square root is itself a float64 number, though, and
what becomes of it later is told by the derivative. So a formula can be rewritten into one that computes, beside every
part, a small correction to it: the first-order ("automatic linear") correction of Langlois, with the error-free
transformations of Dekker and Knuth. Functions that are made of an exponential are put in those terms first.

References
----------
Langlois 2001, Automatic linear correction of rounding errors, BIT 41; Ogita, Rump and Oishi 2005, Accurate sum and dot
product, SIAM J. Sci. Comput. 26.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from actwise.formula.constants import ROOT_HALF, TWO_OVER_ROOT_PI, rest_of
from actwise.formula.expression import (
    CONDITIONS,
    FUNCTIONS_OF_ONE,
    REDUCTIONS,
    SYMBOL,
    Expression,
    absolute,
    equal,
    exp,
    log1p,
    number,
    rebuild,
    sqrt,
    walk,
    where,
)
from actwise.formula.operations import OPERATIONS

MOST_ROUNDINGS = 3.0  # so many may add up before corrections are carried along
LARGEST_POWER = 8
SMALL_ANGLE = 2.0**-20
# The operations of this module: what float64 arithmetic loses in a sum and in a product, and exp(u**2) erfc(u) with
# what it loses; and u - tanh(u) for small u.
SUM_ERROR, PRODUCT_ERROR = "sum_error", "product_error"
SCALED_ERFC, SCALED_ERFC_ERROR = "scaled_erfc", "scaled_erfc_error"
TANH_REST = "tanh_rest"
_TANH_NEAR = 0.5
_FAR = 64.0  # exp(-64**2 / 2) is 0 in float64
# A rounded argument changes the result of these by no more units than it is off itself.
_FORGIVING = frozenset({"absolute", "sign", "floor", "sqrt", "log", "log1p", "tanh", "arctan", "asinh", "erf"})
_IN_LIBRARIES = {"sigmoid": 3.0, "softplus": 2.0}  # roundings in functions of several steps
_ALWAYS = frozenset({"tanh", "erfc", "normal_cdf"})  # these are off by two units and more in common libraries
_EXACT = frozenset({"negate", "absolute", "sign", "floor", "maximum", "minimum", "where", *CONDITIONS})


@cache
def compensated(expression: Expression) -> Expression:
    """Rewrite a formula so that it is nearly as exact as float64 allows.

    Result: the formula itself where few roundings add up, else one with corrections. It may use the
    operations of this module, which have no derivative and exist in NumPy and compiled float64 code
    only.

    The true value is 1.02907038136889821e-278.

    >>> import numpy as np
    >>> from actwise.formula.dialects import evaluate, numpy_table
    >>> from actwise.formula.expression import symbol
    >>> bell = exp(-(symbol("x") * symbol("x")))
    >>> float(evaluate(bell, {"x": np.float64(25.3)}, numpy_table()))
    1.0290703813689025e-278
    >>> float(evaluate(compensated(bell), {"x": np.float64(25.3)}, numpy_table()))
    1.0290703813688983e-278
    """
    if any(node.operation in REDUCTIONS for node in walk(expression)) or _roundings(expression) <= MOST_ROUNDINGS:
        return expression
    parts: dict[Expression, _Part] = {}
    for node in walk(_in_exponentials(expression)):
        parts[node] = _part(node, [parts[each] for each in node.arguments])
    value, error = parts[node].value, parts[node].error
    if error is None:
        return value
    size = absolute(error)  # 0 would turn -0 into 0; infinite or NaN where an inner part overflows
    return where((size > 0) & (size < math.inf), Expression("add", (value, error)), value)


def _roundings(expression: Expression) -> float:
    """Count how many roundings may add up in the result, infinitely many where an exponential magnifies them."""
    counts: dict[Expression, float] = {}
    for node in walk(expression):
        inner = [counts[each] for each in node.arguments]
        if not inner or node.is_condition:
            counts[node] = 1.0 if node.is_number and rest_of(node.number) else 0.0
        elif node.operation in _EXACT or _scales(node):
            counts[node] = max(inner)
        elif node.operation in {"add", "subtract"}:
            counts[node] = max(inner) + 1
        elif node.operation in {"multiply", "divide"}:
            counts[node] = sum(inner) + 1
        elif node.operation in _ALWAYS or (max(inner) and node.operation not in _FORGIVING):
            counts[node] = math.inf
        else:
            counts[node] = max(inner) + _IN_LIBRARIES.get(node.operation, 1.0)
    return counts[expression]


def _is_power_of_two(node: Expression) -> bool:
    return node.is_number and 0.0 < abs(node.number) < math.inf and math.frexp(abs(node.number))[0] == 0.5


def _scales(node: Expression) -> bool:
    """Whether a node multiplies with a power of two, or divides by one, which is exact."""
    if node.operation == "multiply":
        return any(map(_is_power_of_two, node.arguments))
    return node.operation == "divide" and _is_power_of_two(node.arguments[1])


def _in_exponentials(expression: Expression) -> Expression:
    result: dict[Expression, Expression] = {}
    for node in walk(expression):
        arguments = tuple(result[each] for each in node.arguments)
        expanded = _EXPANDED.get(node.operation)
        result[node] = expanded(*arguments) if expanded else rebuild(node, arguments)
    return result[expression]


def _size(u: Expression) -> Expression:
    """Return the absolute value, written the same for every sign: a value and its slope then share exponentials."""
    while u.operation in {"negate", "absolute"}:
        (u,) = u.arguments
    return absolute(u)


def _sigmoid(u: Expression) -> Expression:
    t = exp(-_size(u))
    return where(u >= 0, 1, t) / (1 + t)


def _softplus(u: Expression) -> Expression:
    return where(u > 0, u, 0) + log1p(exp(-_size(u)))


def _tanh(u: Expression) -> Expression:
    # Near 0, the difference from u is small beside u, and so is what is lost in it. Farther out the exponential is
    # small beside 1.
    near = u - Expression(TANH_REST, (u,))
    t = exp(-_size(2 * u))
    size = (1 - t) / (1 + t)
    away = where(absolute(u) < _TANH_NEAR, near, where(u > 0, size, -size))
    return where(equal(u, 0), u, away)  # -0 stays


def _half_erfc(size: Expression, square: Expression) -> Expression:
    return exp(-square) * Expression(SCALED_ERFC, (size,)) / 2


def _erfc(u: Expression) -> Expression:
    tail = 2 * _half_erfc(absolute(u), u * u)
    return where(u < 0, 2 - tail, tail)


def _normal_cdf(u: Expression) -> Expression:
    size = where(absolute(u) > _FAR, _FAR, absolute(u))
    tail = _half_erfc(size * ROOT_HALF, u * u / 2)
    return where(u > 0, 1 - tail, tail)


_EXPANDED: dict[str, Callable[..., Expression]] = {
    "sigmoid": _sigmoid, "softplus": _softplus, "tanh": _tanh, "erfc": _erfc, "normal_cdf": _normal_cdf,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Part:
    """What plain arithmetic computes of a part, and what is to be added; None where that is exact."""

    value: Expression
    error: Expression | None = None


def _total(*errors: Expression | None) -> Expression | None:
    total = None
    for each in errors:
        if each is not None:
            total = each if total is None else Expression("add", (total, each))
    return total


def _times(error: Expression | None, factor: Expression) -> Expression | None:
    return None if error is None else error * factor


def _part(node: Expression, parts: list[_Part]) -> _Part:
    values = tuple(each.value for each in parts)
    errors = [each.error for each in parts]
    value = rebuild(node, values)
    if node.is_number and (rest := rest_of(node.number)):
        return _Part(value, number(rest))
    if node.operation == SYMBOL or node.is_number or node.is_condition:
        return _Part(value)
    if _scales(value) and node.operation in {"multiply", "divide"}:
        by = 1 if node.operation == "divide" or _is_power_of_two(values[1]) else 0
        error = errors[1 - by]
        return _Part(value, None if error is None else rebuild(value, (error, values[1]) if by else (values[0], error)))
    if node.operation in _RULES:
        return _RULES[node.operation](value, values, errors)
    if node.operation == "power" and values[1].is_number and errors[1] is None:
        return _power(parts[0], values[1].number, value)
    # A function: what its arguments are off by is carried through by the derivative.
    own = Expression(SCALED_ERFC_ERROR, values) if node.operation == SCALED_ERFC else None
    if node.operation in {"sin", "cos"} and errors[0] is not None:
        # The rounding of a huge angle may be many turns, of which a derivative knows nothing.
        errors = [where(absolute(errors[0]) < SMALL_ANGLE, errors[0], 0)]
    carried = [
        _times(error, partial(*values)) for error, partial in zip(errors, _partials(node.operation), strict=True)
    ]
    return _Part(value, _total(own, *carried))


def _partials(operation: str) -> tuple[Callable[..., Expression], ...]:
    if operation == SCALED_ERFC:
        return (lambda u: 2 * u * Expression(SCALED_ERFC, (u,)) - TWO_OVER_ROOT_PI,)
    if operation == TANH_REST:
        return (lambda u: (u - Expression(TANH_REST, (u,))) ** 2,)
    return OPERATIONS[operation].partials


def _negate(value: Expression, values: tuple[Expression, ...], errors: list[Expression | None]) -> _Part:
    return _Part(value, None if errors[0] is None else -errors[0])


def _sum(value: Expression, values: tuple[Expression, ...], errors: list[Expression | None]) -> _Part:
    return _Part(value, _total(Expression(SUM_ERROR, values), *errors))


def _difference(value: Expression, values: tuple[Expression, ...], errors: list[Expression | None]) -> _Part:
    u, v = values
    negative = None if errors[1] is None else -errors[1]
    return _Part(value, _total(Expression(SUM_ERROR, (u, -v)), errors[0], negative))


def _product(value: Expression, values: tuple[Expression, ...], errors: list[Expression | None]) -> _Part:
    u, v = values
    return _Part(value, _total(Expression(PRODUCT_ERROR, values), _times(errors[1], u), _times(errors[0], v)))


def _quotient(value: Expression, values: tuple[Expression, ...], errors: list[Expression | None]) -> _Part:
    u, v = values
    # The remainder of the division is a float64 number, and so is its first part.
    rest = (u - value * v) - Expression(PRODUCT_ERROR, (value, v))
    of_divisor = None if errors[1] is None else -(value * errors[1])
    total = _total(rest, errors[0], of_divisor)
    return _Part(value, None if total is None else total / v)


def _root(value: Expression, values: tuple[Expression, ...], errors: list[Expression | None]) -> _Part:
    rest = (values[0] - value * value) - Expression(PRODUCT_ERROR, (value, value))
    total = _total(rest, errors[0])
    return _Part(value, None if total is None else total / (2 * value))


def _choice(value: Expression, values: tuple[Expression, ...], errors: list[Expression | None]) -> _Part:
    if errors[1] is None and errors[2] is None:
        return _Part(value)
    chosen, otherwise = (number(0) if each is None else each for each in errors[1:])
    return _Part(value, where(values[0], chosen, otherwise))


def _power(base: _Part, exponent: float, value: Expression) -> _Part:
    if not (2 * exponent).is_integer() or not 0.5 <= abs(exponent) <= LARGEST_POWER:
        slope = OPERATIONS["power"].partials[0](base.value, number(exponent))
        return _Part(value, _times(base.error, slope))
    root = _root(sqrt(base.value), (base.value,), [base.error])
    factors = [base] * int(abs(exponent)) + ([] if exponent.is_integer() else [root])
    result = factors[0]
    for each in factors[1:]:
        result = _product(result.value * each.value, (result.value, each.value), [result.error, each.error])
    if exponent > 0:
        return result
    return _quotient(1 / result.value, (number(1), result.value), [None, result.error])


_Rule = Callable[[Expression, tuple[Expression, ...], list[Expression | None]], _Part]
_RULES: dict[str, _Rule] = {
    "negate": _negate, "add": _sum, "subtract": _difference, "multiply": _product, "divide": _quotient,
    "sqrt": _root, "where": _choice,
}  # fmt: skip
assert set(_EXPANDED) <= set(FUNCTIONS_OF_ONE)
