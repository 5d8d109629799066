"""What each operation means in each dialect: one table a dialect.

Two kinds of dialect exist. *Callable* ones (NumPy, mpmath, PyTorch) are evaluated node by node by
`evaluate`. *Text* ones (Python for Numba, LaTeX, JavaScript) are written out by
`actwise.formula.emit`. Every table names every operation; a test holds them to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from actwise.formula.expression import SYMBOL, Expression, walk

_SPLITTER = 2.0**27 + 1  # takes a float64 number apart into two halves of its digits
Table: TypeAlias = Mapping[str, Callable[..., Any]]


def evaluate(expression: Expression, values: Mapping[str, Any], table: Table) -> Any:
    """Evaluate a formula in a callable dialect.

    `table`: the dialect; ``table["number"]`` turns a literal into the dialect's kind of number.

    >>> from actwise.formula.expression import symbol, exp
    >>> evaluate(exp(symbol("x")) + 1, {"x": 0.0}, numpy_table())
    np.float64(2.0)
    """
    results: dict[Expression, Any] = {}
    for node in walk(expression):
        if node.operation == SYMBOL:
            results[node] = values[node.name]
        elif node.is_number:
            results[node] = table["number"](node.number)
        else:
            results[node] = table[node.operation](*(results[each] for each in node.arguments))
    return results[expression]


@cache
def numpy_table() -> Table:
    """Return the float64 NumPy dialect; SciPy supplies the functions that NumPy lacks."""
    import numpy as np
    from scipy import special

    return {
        "number": np.float64,
        "negate": np.negative, "add": np.add, "subtract": np.subtract, "multiply": np.multiply,
        "divide": np.divide, "power": np.power,
        "absolute": np.abs, "sign": np.sign, "floor": np.floor, "sqrt": np.sqrt,
        "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p,
        "sin": np.sin, "cos": np.cos, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
        "arctan": np.arctan, "asinh": np.arcsinh,
        "sigmoid": special.expit, "softplus": lambda u: np.logaddexp(0.0, u),
        "erf": special.erf, "erfc": special.erfc, "normal_cdf": special.ndtr,
        "maximum": np.maximum, "minimum": np.minimum, "where": np.where,
        "row_sum": lambda u: np.sum(u, axis=-1, keepdims=True),
        "row_max": lambda u: np.max(u, axis=-1, keepdims=True),
        "less": np.less, "less_equal": np.less_equal, "greater": np.greater,
        "greater_equal": np.greater_equal, "equal": np.equal, "not_equal": np.not_equal,
        "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not,
        "tanh_rest": _tanh_rest, "sum_error": _sum_error, "product_error": _product_error, "scaled_erfc": special.erfcx,
        "scaled_erfc_error": lambda u: 0.0 * u,  # SciPy does not tell
    }  # fmt: skip


def _tanh_rest(u: Any) -> Any:
    """Return u - tanh(u) for u up to 1/2 in size: the sum of 2 k u**(2 k + 1) / (2 k + 1)!, over cosh(u)."""
    import numpy as np

    series = 0.0
    for k in range(8, 0, -1):
        series = series * (u * u) + 2 * k / math.factorial(2 * k + 1)
    return u * (u * u) * series / np.cosh(u)


def _sum_error(u: Any, v: Any) -> Any:
    """Return what a sum loses in rounding (Knuth)."""
    total = u + v
    part = total - u
    return (u - (total - part)) + (v - part)


def _product_error(u: Any, v: Any) -> Any:
    """Return what a product loses in rounding (Dekker); NaN beyond 1e300, where splitting overflows."""

    def split(w: Any) -> tuple[Any, Any]:
        scaled = _SPLITTER * w
        high = scaled - (scaled - w)
        return high, w - high

    (u_high, u_low), (v_high, v_low) = split(u), split(v)
    return ((u_high * v_high - u * v) + u_high * v_low + u_low * v_high) + u_low * v_low


@cache
def mpmath_table() -> Table:
    """Return the mpmath dialect: scalars of the precision that is set when it is used."""
    import mpmath as mp

    def sigmoid(u: Any) -> Any:
        return 1 / (1 + mp.exp(-u)) if u >= 0 else mp.exp(u) / (1 + mp.exp(u))

    def softplus(u: Any) -> Any:
        return (u if u > 0 else mp.mpf(0)) + mp.log1p(mp.exp(-abs(u)))

    def normal_cdf(u: Any) -> Any:
        return mp.erfc(-u / mp.sqrt(2)) / 2

    return {
        "number": mp.mpf,
        "negate": lambda u: -u, "add": lambda u, v: u + v, "subtract": lambda u, v: u - v,
        "multiply": lambda u, v: u * v, "divide": lambda u, v: u / v, "power": lambda u, v: u**v,
        "absolute": abs, "sign": mp.sign, "floor": mp.floor, "sqrt": mp.sqrt,
        "exp": mp.exp, "expm1": mp.expm1, "log": mp.log, "log1p": mp.log1p,
        "sin": mp.sin, "cos": mp.cos, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh,
        "arctan": mp.atan, "asinh": mp.asinh,
        "sigmoid": sigmoid, "softplus": softplus,
        "erf": mp.erf, "erfc": mp.erfc, "normal_cdf": normal_cdf,
        "maximum": lambda u, v: u if u >= v else v, "minimum": lambda u, v: u if u <= v else v,
        "where": lambda condition, chosen, otherwise: chosen if condition else otherwise,
        "less": lambda u, v: u < v, "less_equal": lambda u, v: u <= v,
        "greater": lambda u, v: u > v, "greater_equal": lambda u, v: u >= v,
        "equal": lambda u, v: u == v, "not_equal": lambda u, v: u != v,
        "logical_and": lambda u, v: u and v, "logical_or": lambda u, v: u or v,
        "logical_not": lambda u: not u,
    }  # fmt: skip


# Statements for Numba. Functions of one argument are called by their own name: the rendered file
# imports them either from the vectorising float64 routines (float32 kernels) or from libm (float64).
PYTHON_TEMPLATES: dict[str, str] = {
    "negate": "-{0}", "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}",
    "divide": "{0} / {1}", "power": "power({0}, {1})",
    "less": "{0} < {1}", "less_equal": "{0} <= {1}", "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}", "equal": "{0} == {1}", "not_equal": "{0} != {1}",
    "logical_and": "{0} & {1}", "logical_or": "{0} | {1}", "logical_not": "not {0}",
    "where": "{1} if {0} else {2}",
    "maximum": "maximum({0}, {1})", "minimum": "minimum({0}, {1})",
    "tanh_rest": "tanh_rest({0})", "sum_error": "sum_error({0}, {1})", "product_error": "product_error({0}, {1})",
    "scaled_erfc": "scaled_erfc({0})", "scaled_erfc_error": "scaled_erfc_error({0})",
}  # fmt: skip
