"""Writes formulas for people and for other languages: one table a dialect."""

from __future__ import annotations

import math
from collections.abc import Mapping

from actwise.formula.expression import Expression
from actwise.formula.latex import to_latex
from actwise.formula.writing import (
    AND,
    ATOM,
    CHOICE,
    COMPARISON,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Dialect,
    Template,
    write,
)

__all__ = [
    "JAVASCRIPT", "JAVASCRIPT_HELPERS", "TEXT", "TORCH",
    "to_javascript", "to_latex", "to_text", "to_torch",
]  # fmt: skip


def _shortest(value: float) -> str:
    """Write a number with the fewest digits that read back the same."""
    return str(int(value)) if value.is_integer() and value < 1e15 else repr(value)


def _functions(pattern: str, names: Mapping[str, str]) -> dict[str, Template]:
    return {operation: Template(pattern.replace("NAME", name)) for operation, name in names.items()}


_ARITHMETIC = {
    "negate": Template("-{0}", SIGN, (PRODUCT,)),
    "add": Template("{0} + {1}", SUM, (SUM, PRODUCT)),
    "subtract": Template("{0} - {1}", SUM, (SUM, PRODUCT)),
    "multiply": Template("{0} * {1}", PRODUCT, (SIGN, POWER)),
    "divide": Template("{0} / {1}", PRODUCT, (SIGN, POWER)),
    "power": Template("{0}**{1}", POWER, (ATOM, POWER)),
    **{
        operation: Template(f"{{0}} {sign} {{1}}", COMPARISON, (SUM, SUM))
        for operation, sign in {
            "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=",
            "equal": "==", "not_equal": "!=",
        }.items()
    },
}  # fmt: skip
_SAME_NAME = {
    name: name
    for name in (
        "sign", "sqrt", "floor", "exp", "expm1", "log", "log1p", "sin", "cos", "sinh", "cosh", "tanh",
        "arctan", "asinh", "sigmoid", "softplus", "erf", "erfc", "normal_cdf",
    )
}  # fmt: skip

TEXT = Dialect(
    {
        **_ARITHMETIC,
        **_functions("NAME({0})", {**_SAME_NAME, "absolute": "abs", "row_sum": "row_sum", "row_max": "row_max"}),
        **_functions("NAME({0}, {1})", {"maximum": "max", "minimum": "min"}),
        "where": Template("where({0}, {1}, {2})"),
        "logical_and": Template("{0} and {1}", AND, (AND, NOT)),
        "logical_or": Template("{0} or {1}", OR, (OR, AND)),
        "logical_not": Template("not {0}", NOT, (NOT,)),
    },
    number=lambda value: {math.pi: "pi", math.e: "e"}.get(value, _shortest(value)),
)

JAVASCRIPT = Dialect(
    {
        **_ARITHMETIC,
        **_functions("Math.NAME({0})", {**_SAME_NAME, "absolute": "abs", "arctan": "atan"}),
        **_functions("NAME({0})", {"sigmoid": "sigmoid", "softplus": "softplus", "erf": "erf", "erfc": "erfc"}),
        **_functions("Math.NAME({0}, {1})", {"maximum": "max", "minimum": "min", "power": "pow"}),
        "normal_cdf": Template("normalCdf({0})"),
        "row_sum": Template("rowSum({0})"),
        "row_max": Template("rowMax({0})"),
        "equal": Template("{0} === {1}", COMPARISON, (SUM, SUM)),
        "not_equal": Template("{0} !== {1}", COMPARISON, (SUM, SUM)),
        "where": Template("{0} ? {1} : {2}", CHOICE, (OR, OR, CHOICE)),
        "logical_and": Template("{0} && {1}", AND, (AND, COMPARISON)),
        "logical_or": Template("{0} || {1}", OR, (OR, AND)),
        "logical_not": Template("!{0}", ATOM, (ATOM,)),
    },
    number=lambda value: {math.pi: "Math.PI", math.e: "Math.E"}.get(value, _shortest(value)),
    infinity="Infinity",
    not_a_number="NaN",
)

# The functions that JavaScript lacks. erf sums a series of positive terms, erfc a continued fraction.
JAVASCRIPT_HELPERS: dict[str, str] = {
    "sigmoid": "const sigmoid = u => u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u));",
    "softplus": "const softplus = u => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));",
    "erf": """const erf = u => {
  if (Math.abs(u) > 2) return Math.sign(u) * (1 - erfc(Math.abs(u)));
  let term = 2 * u / Math.sqrt(Math.PI) * Math.exp(-u * u), sum = term;
  for (let n = 1; n < 60; n++) { term *= 2 * u * u / (2 * n + 1); sum += term; }
  return sum;
};""",
    "erfc": """const erfc = u => {
  if (u < 2) return u < -2 ? 2 - erfc(-u) : 1 - erf(u);
  let tail = u;
  for (let n = 120; n > 0; n--) tail = u + n / 2 / tail;
  return u > 27 ? 0 : Math.exp(-u * u) / tail / Math.sqrt(Math.PI);
};""",
    "normalCdf": "const normalCdf = u => erfc(-u / Math.SQRT2) / 2;",
    "rowSum": "const rowSum = row => row.reduce((sum, u) => sum + u, 0);",
    "rowMax": "const rowMax = row => row.reduce((largest, u) => Math.max(largest, u), -Infinity);",
}

TORCH = Dialect(
    {
        **_ARITHMETIC,
        **_functions("torch.NAME({0})", {**_SAME_NAME, "absolute": "abs", "arctan": "atan"}),
        **_functions("torch.NAME({0}, {1})", {"maximum": "maximum", "minimum": "minimum"}),
        # torch.nn.functional.softplus drops everything below 2e-9 from 20 on; logaddexp keeps it.
        "softplus": Template("torch.logaddexp({0}, torch.zeros_like({0}))"),
        # torch.special.ndtr is 0 below -9, where the true value is 1e-19; erfc keeps every digit.
        "normal_cdf": Template("torch.erfc({0} / -1.4142135623730951) / 2", PRODUCT, (SIGN,)),
        "row_sum": Template("torch.sum({0}, dim=-1, keepdim=True)"),
        "row_max": Template("torch.amax({0}, dim=-1, keepdim=True)"),
        "maximum with number first": Template("torch.clamp({1}, min={0})"),
        "maximum with number second": Template("torch.clamp({0}, min={1})"),
        "minimum with number first": Template("torch.clamp({1}, max={0})"),
        "minimum with number second": Template("torch.clamp({0}, max={1})"),
        "where": Template("torch.where({0}, {1}, {2})"),
        "logical_and": Template("({0}) & ({1})", SUM, (CHOICE,)),
        "logical_or": Template("({0}) | ({1})", SUM, (CHOICE,)),
        "logical_not": Template("~({0})", POWER, (CHOICE,)),
    },
    number=lambda value: {math.pi: "torch.pi", math.e: "torch.e"}.get(value, repr(value)),
    infinity="torch.inf",
    not_a_number="torch.nan",
    folds_constants=True,
)


def to_text(expression: Expression) -> str:
    """Write a formula as `actwise.formula.parse.parse` reads it.

    `expression`: the formula; infinities and NaN can be written but not read back.

    >>> from actwise.formula.expression import exp, symbol
    >>> x = symbol("x")
    >>> to_text(exp(-x) / (1 + exp(-x)) ** 2)
    'exp(-x) / (1 + exp(-x))**2'
    """
    return write(expression, TEXT)


def to_javascript(expression: Expression) -> str:
    """Write a formula as a JavaScript expression.

    Result: its text; the functions that JavaScript lacks are in `JAVASCRIPT_HELPERS`.

    >>> from actwise.formula.expression import symbol, where
    >>> x = symbol("x")
    >>> to_javascript(where(x > 0, x, 0.1 * x**2))
    'x > 0 ? x : 0.1 * Math.pow(x, 2)'
    """
    return write(expression, JAVASCRIPT)


def to_torch(expression: Expression) -> str:
    """Write a formula as PyTorch source text.

    `expression`: the formula; its symbols stand for tensors.

    >>> from actwise.formula.expression import sigmoid, symbol
    >>> x = symbol("x")
    >>> to_torch(x * sigmoid(symbol("beta") * x))
    'x * torch.sigmoid(beta * x)'
    """
    return write(expression, TORCH)
