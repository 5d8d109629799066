"""Expresses a derivative through the output, as y (1 - y) for the sigmoid.

Each rule says what becomes of the parts of a derivative once one function's value is known. A result
is checked numerically before it is returned, so that a rule can only fail to help, never mislead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actwise.formula.algebra import HALF, UNIT, Product, assemble, assemble_sum, canonical, terms
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import (
    SYMBOL,
    Expression,
    absolute,
    cos,
    cosh,
    exp,
    expm1,
    power,
    rebuild,
    sigmoid,
    sinh,
    sqrt,
    substitute,
    symbol,
    symbols,
    walk,
    where,
)
from actwise.formula.recognise import recognise
from actwise.formula.simplify import simplify

OUTPUT = "y"
_TOLERANCE = 1e-9  # relative; at moderate arguments rounding stays far below it
_POINTS = np.concatenate([np.linspace(-5.0, 5.0, 41), [0.37, -0.61, 1e-3, -1e-3, 12.0, -12.0]])
_TRIAL_PARAMETERS = (0.73, 1.31)  # values with which parameters are tried that the caller left open


def express_in_output(
    derivative: Expression,
    formula: Expression,
    *,
    variable: str = "x",
    parameters: Mapping[str, float] | None = None,
) -> Expression | None:
    """Write a derivative as a formula in the output ``y``.

    `parameters`: values of the parameters for the numerical check; others are tried at positive values.
    Result: the derivative in ``y``; None if the rules do not lead there or the check fails, as for
    functions that take one value in several places.

    >>> from actwise.formula.expression import tanh
    >>> x = symbol("x")
    >>> express_in_output(sigmoid(x) * sigmoid(-x), sigmoid(x))
    multiply(y, subtract(1, y))
    >>> express_in_output(power(1 / cosh(x), 2), tanh(x))
    subtract(1, power(y, 2))
    """
    f, slope = simplify(recognise(formula)), simplify(recognise(derivative))
    result = _in_output(f, slope, variable)
    if result is None or not _agrees(result, slope, f, variable, parameters or {}):
        return None
    return result


def _in_output(f: Expression, slope: Expression, variable: str) -> Expression | None:
    if variable not in symbols(slope):
        return slope
    if f.operation == "where":
        return _choice_in_output(f, slope, variable)
    moving = [each for each in terms(f) if _depends(each, variable)]
    if len(moving) != 1:
        return None
    constant = assemble_sum([each for each in terms(f) if not _depends(each, variable)])
    inner = Product(UNIT, tuple(each for each in moving[0].factors if variable in symbols(each[0])))
    scale = Product(
        moving[0].coefficient, tuple(each for each in moving[0].factors if variable not in symbols(each[0]))
    )
    value = (symbol(OUTPUT) - constant) / assemble(scale)
    known = {canonical(part): result for part, result in _consequences(inner, value)}
    result = simplify(_replaced(slope, known))
    return None if variable in symbols(result) else result


def _depends(parts: Product, variable: str) -> bool:
    return any(variable in symbols(base) for base, _ in parts.factors)


def _choice_in_output(f: Expression, slope: Expression, variable: str) -> Expression | None:
    condition, chosen, otherwise = f.arguments
    if len(condition.arguments) != 2:
        return None
    left, right = condition.arguments
    if left.operation != SYMBOL or variable in symbols(right):
        return None
    same = slope.operation == "where" and slope.arguments[0] == condition
    slopes = slope.arguments[1:] if same else (slope, slope)
    results = [_in_output(each, d, variable) for each, d in zip((chosen, otherwise), slopes, strict=True)]
    if results[0] is None or results[1] is None:
        return None
    boundary = simplify(substitute(chosen, {variable: right}))
    in_output = Expression(condition.operation, (symbol(OUTPUT), boundary))
    return simplify(where(in_output, results[0], results[1]))


def _consequences(inner: Product, y: Expression) -> list[tuple[Expression, Expression]]:
    """List what is known of other parts once the product `inner` equals y."""
    whole = assemble(inner)
    if whole.operation == SYMBOL:
        return [(whole, y)]
    if len(inner.factors) == 2:
        return _of_quotient(inner, whole, y)
    if len(whole.arguments) != 1:
        return []
    (u,) = whole.arguments
    root = sqrt(1 + power(u, 2))
    match whole.operation:
        case "sigmoid":
            return [(whole, y), (sigmoid(-u), 1 - y)]
        case "tanh":
            slope = 1 - power(y, 2)
            return [(whole, y), (power(1 / cosh(u), 2), slope), (power(cosh(u), 2), 1 / slope)]
        case "exp":
            return [(whole, y), (exp(-u), 1 / y)]
        case "expm1":
            return [(whole, y), (exp(u), y + 1)]
        case "softplus":
            return [(whole, y), (sigmoid(u), -expm1(-y)), (sigmoid(-u), exp(-y))]
        case "log":
            return [(whole, y), (u, exp(y)), (1 / u, exp(-y))]
        case "log1p":
            return [(whole, y), (1 / (1 + u), exp(-y)), (u, expm1(y))]
        case "sqrt":
            return [(whole, y), (u, power(y, 2))]
        case "arctan":
            return [(1 / (1 + u * u), power(cos(y), 2)), (1 / (1 + power(u, 2)), power(cos(y), 2))]
        case "asinh":
            return [(root, cosh(y)), (sqrt(1 + u * u), cosh(y)), (u, sinh(y))]
    return []


def _of_quotient(inner: Product, whole: Expression, y: Expression) -> list[tuple[Expression, Expression]]:
    """Invert x / (1 + abs(x)) and x / sqrt(1 + x**2)."""
    (u, _), (below, exponent) = inner.factors
    if canonical(below) == canonical(1 + absolute(u)) and exponent == -1:
        return [(whole, y), (below, 1 / (1 - absolute(y)))]
    if canonical(below) == canonical(1 + power(u, 2)) and exponent == -HALF:
        return [(whole, y), (sqrt(below), 1 / sqrt(1 - power(y, 2)))]
    return []


def _replaced(expression: Expression, known: Mapping[Expression, Expression]) -> Expression:
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        found = known.get(canonical(node))
        results[node] = found if found is not None else rebuild(node, tuple(results[each] for each in node.arguments))
    return results[expression]


def _agrees(
    result: Expression, derivative: Expression, formula: Expression, variable: str, given: Mapping[str, float]
) -> bool:
    """Compare the derivative in y with the one in x where both are defined."""
    names = (symbols(formula) | symbols(derivative) | symbols(result)) - {variable, OUTPUT}
    points = _points(formula)

    def at(expression: Expression, values: Mapping[str, Any]) -> NDArray[np.float64]:
        return np.broadcast_to(evaluate(expression, values, numpy_table()), points.shape)

    for trial in _TRIAL_PARAMETERS:
        values = {name: np.float64(given.get(name, trial)) for name in names}
        at_x = {**values, variable: points}
        with np.errstate(all="ignore"):
            wanted, output = at(derivative, at_x), at(formula, at_x)
            found = at(result, {**values, OUTPUT: output})
        defined = np.isfinite(wanted) & np.isfinite(output)
        if not defined.any() or not np.allclose(
            found[defined], wanted[defined], rtol=_TOLERANCE, atol=_TOLERANCE * 1e-3
        ):
            return False
    return True


def _points(formula: Expression) -> NDArray[np.float64]:
    """Choose where to compare: around 0, and at and around every bound that a choice names."""
    bounds = {each.number for node in walk(formula) if node.is_condition for each in node.arguments if each.is_number}
    near = [bound + step for bound in sorted(bounds) for step in (-1.0, 0.0, 1.0)]
    return np.concatenate([_POINTS, near])
