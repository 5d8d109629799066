"""What each operation of a formula is in ONNX: one table.

Most operations are an operator of their own. What ONNX lacks, and what onnxruntime computes with too few
digits, is rewritten as a formula of operators that exist and keep theirs; the rewritten formula can also be
computed in NumPy, which is how `enough_in_float32` judges it before anything is written.

Graphs compute in float32. A formula that loses digits there or overflows where Actwise's own kernels (which
compute in float64 inside) do not, is computed in float64 between two casts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from actwise.formula.dialects import Table, evaluate, numpy_table
from actwise.formula.expression import (
    Expression,
    absolute,
    as_expression,
    equal,
    exp,
    log,
    maximum,
    number,
    rebuild,
    sign,
    sqrt,
    substitute,
    tanh,
    walk,
    where,
)
from actwise.formula.folding import fold_constants

LARGEST_UNROLLED_POWER = 8  # up to here a whole power is a chain of products, as in Actwise's kernels
TOLERANCE = 1e-5  # by how much an exported activation may differ, relative to max(1, |value|)

# Press et al., Numerical Recipes in C, 2nd edition, section 6.2: erfc with a relative error below 1.2e-7 everywhere.
_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
)  # fmt: skip
_LARGE = 2.0**30  # 1 + u * u is u * u in float64, and its square does not overflow in float32


@dataclass(frozen=True, slots=True)
class Operator:
    """What an operation is in ONNX.

    Parameters
    ----------
    name : str
        The operator.
    float64 : bool
        Whether onnxruntime has it in float64 on the CPU.
    negated : bool
        Whether the answer is the opposite (there is no NotEqual).
    """

    name: str
    float64: bool = True
    negated: bool = False


OPERATORS: dict[str, Operator] = {
    "negate": Operator("Neg"), "add": Operator("Add"), "subtract": Operator("Sub"), "multiply": Operator("Mul"),
    "divide": Operator("Div"), "power": Operator("Pow"),
    "absolute": Operator("Abs"), "sign": Operator("Sign"), "floor": Operator("Floor"), "sqrt": Operator("Sqrt"),
    "exp": Operator("Exp"), "log": Operator("Log"), "sin": Operator("Sin"), "cos": Operator("Cos"),
    "tanh": Operator("Tanh"),
    "sinh": Operator("Sinh", float64=False), "cosh": Operator("Cosh", float64=False),
    "asinh": Operator("Asinh", float64=False), "arctan": Operator("Atan", float64=False),
    "erf": Operator("Erf", float64=False),
    "maximum": Operator("Max"), "minimum": Operator("Min"), "where": Operator("Where"),
    "row_sum": Operator("ReduceSum"), "row_max": Operator("ReduceMax"),
    "less": Operator("Less"), "less_equal": Operator("LessOrEqual"),
    "greater": Operator("Greater"), "greater_equal": Operator("GreaterOrEqual"),
    "equal": Operator("Equal"), "not_equal": Operator("Equal", negated=True),
    "logical_and": Operator("And"), "logical_or": Operator("Or"), "logical_not": Operator("Not"),
}  # fmt: skip


def _expm1(u: Expression) -> Expression:
    # Near 0 the difference would cancel; tanh keeps its digits there.
    t = tanh(u / 2)
    return where(absolute(u) < 1, 2 * t / (1 - t), exp(u) - 1)


def _log1p(u: Expression) -> Expression:
    # Kahan's: what rounding took from 1 + u is given back by the quotient. Above 1 nothing is lost, and the
    # quotient would be infinity by infinity.
    total = 1 + u
    return where(u > 1, log(total), where(equal(total, 1), u, log(total) * (u / (total - 1))))


def _sigmoid(u: Expression) -> Expression:
    # onnxruntime's own is 0 from -17 on, where a product with a large number still counts.
    t = exp(-absolute(u))
    return where(u >= 0, 1, t) / (1 + t)


def _softplus(u: Expression) -> Expression:
    return maximum(u, 0) + _log1p(exp(-absolute(u)))


def _erfc(u: Expression) -> Expression:
    size = absolute(u)
    t = 1 / (1 + size / 2)
    polynomial: Expression = number(_ERFC[-1])
    for coefficient in reversed(_ERFC[:-1]):
        polynomial = polynomial * t + coefficient
    tail = t * exp(polynomial - size * size)
    return where(u >= 0, tail, 2 - tail)


def _normal_cdf(u: Expression) -> Expression:
    return _erfc(-u / np.sqrt(2)) / 2


def _sinh(u: Expression) -> Expression:
    e = _expm1(absolute(u))
    # e / (e + 1), written so that it is 1 for infinity.
    return sign(u) * (e / 2 + 1 / (1 + 1 / e) / 2)


def _cosh(u: Expression) -> Expression:
    e = exp(absolute(u))
    return e / 2 + 1 / (2 * e)


def _asinh(u: Expression) -> Expression:
    size = absolute(u)
    near = _log1p(size + size * size / (1 + sqrt(1 + size * size)))
    return sign(u) * where(size > _LARGE, log(size) + np.log(2), near)


# What has no operator, or none that keeps its digits.
COMPOSED: dict[str, Callable[[Expression], Expression]] = {
    "expm1": _expm1, "log1p": _log1p, "sigmoid": _sigmoid, "softplus": _softplus, "erfc": _erfc,
    "normal_cdf": _normal_cdf,
}  # fmt: skip
# What has no operator in float64; the rest of those is computed in float32 between two casts.
COMPOSED_FLOAT64 = COMPOSED | {"sinh": _sinh, "cosh": _cosh, "asinh": _asinh}


def in_operators(expression: Expression, *, float64: bool = False) -> Expression:
    """Rewrite a formula so that each of its operations is in `OPERATORS`.

    >>> from actwise.formula.expression import sigmoid, symbol
    >>> in_operators(sigmoid(symbol("x")))
    divide(where(greater_equal(x, 0), 1, exp(negate(absolute(x)))), add(1, exp(negate(absolute(x)))))
    """
    compositions = COMPOSED_FLOAT64 if float64 else COMPOSED
    folded = fold_constants(expression)
    rewritten: dict[Expression, Expression] = {}
    for node in walk(folded):
        arguments = tuple(rewritten[each] for each in node.arguments)
        if node.operation == "power" and node.arguments[1].is_number:
            rewritten[node] = _power(arguments[0], node.arguments[1].number)
        elif node.operation in compositions:
            rewritten[node] = compositions[node.operation](*arguments)
        else:
            rewritten[node] = rebuild(node, arguments)
    # Compositions bring constants of their own.
    return fold_constants(rewritten[folded])


def _power(base: Expression, exponent: float) -> Expression:
    if exponent == 0.5:
        return sqrt(base)
    if exponent.is_integer() and 1 <= abs(exponent) <= LARGEST_UNROLLED_POWER:
        product = base
        for _ in range(int(abs(exponent)) - 1):
            product = product * base
        return product if exponent > 0 else 1 / product
    return base ** number(exponent)


@cache
def _float32_table() -> Table:
    """Return the NumPy dialect with literals in float32, so that float32 arguments give float32 results."""
    return {**numpy_table(), "number": np.float32}


def enough_in_float32(expression: Expression, points: Iterable[Mapping[str, npt.NDArray[np.float64]]]) -> bool:
    """Tell whether a formula keeps its digits in float32.

    Result: whether at all points its value in float32 is finite where the true one is (and float32 can
    hold it) and differs from it by no more than a fifth of `TOLERANCE`, relative to max(1, |value|).

    >>> from actwise.formula.expression import symbol
    >>> x = symbol("x")
    >>> there = [{"x": np.array([0.0, 100.0])}]
    >>> enough_in_float32(exp(-x), there), enough_in_float32(log(2 + exp(x)), there)
    (True, False)
    """
    rewritten = in_operators(expression)
    with np.errstate(all="ignore"):
        for point in points:
            exact = np.asarray(evaluate(expression, dict(point), numpy_table()))
            narrow = {name: values.astype(np.float32) for name, values in point.items()}
            found = np.asarray(evaluate(rewritten, narrow, _float32_table())).astype(np.float64)
            counts = np.isfinite(exact) & (np.abs(exact) < np.finfo(np.float32).max)
            error = np.abs(found - exact) / np.maximum(1, np.abs(exact))
            if not np.all(error[counts] <= TOLERANCE / 5):
                return False
    return True


def with_values(expression: Expression, values: Mapping[str, float]) -> Expression:
    """Put numbers in the place of parameters.

    >>> from actwise.formula.expression import symbol
    >>> with_values(symbol("x") * symbol("beta"), {"beta": 2.0})
    multiply(x, 2)
    """
    return substitute(expression, {name: as_expression(value) for name, value in values.items()})
