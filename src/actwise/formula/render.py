"""Writes formulas for people and for other languages: one table a dialect."""

from __future__ import annotations

import math
from collections.abc import Mapping

from actwise.errors import InputError
from actwise.formula.differentiate import Step, derivation
from actwise.formula.expression import SYMBOL, Expression, number, symbols
from actwise.formula.latex import to_latex
from actwise.formula.output_form import OUTPUT, express_in_output
from actwise.formula.simplify import simplify
from actwise.formula.stabilise import derivative as stable_derivative
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
    "derivation_text",
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
        "normal_cdf": Template("torch.special.ndtr({0})"),
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

    Parameters
    ----------
    expression : Expression
        The formula; infinities and NaN can be written but not read back.

    Returns
    -------
    str
        Its text, with the fewest brackets.

    Examples
    --------
    >>> from actwise.formula.expression import exp, symbol
    >>> x = symbol("x")
    >>> to_text(exp(-x) / (1 + exp(-x)) ** 2)
    'exp(-x) / (1 + exp(-x))**2'
    """
    return write(expression, TEXT)


def to_javascript(expression: Expression) -> str:
    """Write a formula as a JavaScript expression.

    Parameters
    ----------
    expression : Expression
        The formula.

    Returns
    -------
    str
        Its text; the functions that JavaScript lacks are in `JAVASCRIPT_HELPERS`.

    Examples
    --------
    >>> from actwise.formula.expression import symbol, where
    >>> x = symbol("x")
    >>> to_javascript(where(x > 0, x, 0.1 * x**2))
    'x > 0 ? x : 0.1 * Math.pow(x, 2)'
    """
    return write(expression, JAVASCRIPT)


def to_torch(expression: Expression) -> str:
    """Write a formula as PyTorch source text.

    Parameters
    ----------
    expression : Expression
        The formula; its symbols stand for tensors.

    Returns
    -------
    str
        A Python expression over tensors.

    Examples
    --------
    >>> from actwise.formula.expression import sigmoid, symbol
    >>> x = symbol("x")
    >>> to_torch(x * sigmoid(symbol("beta") * x))
    'x * torch.sigmoid(beta * x)'
    """
    return write(expression, TORCH)


def derivation_text(expression: Expression, variable: str = "x", *, style: str = "text") -> list[str]:
    """Write a derivation as a textbook does, one step a line.

    Parameters
    ----------
    expression : Expression
        The formula.
    variable : str
        The name of the symbol to differentiate by.
    style : {"text", "latex"}
        How formulas are written.

    Returns
    -------
    list of str
        The formula, the derivative of each part with the rule that gives it, the derivative, and then,
        where they are known, its form that keeps all digits and its form in the output y.

    Examples
    --------
    >>> from actwise.formula.expression import exp, symbol
    >>> for line in derivation_text(1 / (1 + exp(-symbol("x")))):
    ...     print(line)
    f(x) = 1 / (1 + exp(-x))
    d/dx [-x] = -1  (constant factor rule)
    d/dx [exp(-x)] = -exp(-x)  (derivative of exp, then chain rule)
    d/dx [1 + exp(-x)] = -exp(-x)  (sum rule)
    f'(x) = exp(-x) / (1 + exp(-x))**2  (quotient rule)
    f'(x) = sigmoid(x) * sigmoid(-x)  (keeps its digits)
    f'(x) = y * (1 - y) with y = f(x)
    """
    if style not in ("text", "latex"):
        raise InputError(f"style is {style!r}; it must be 'text' or 'latex'")
    show = to_text if style == "text" else to_latex
    part, function, slope, note = _STYLES[style]
    of_variable = {"variable": variable}
    lines = [f"{function.format(**of_variable)} = {show(expression)}"]
    *parts, last = derivation(expression, variable) or (Step(expression, number(0), "a constant has slope 0"),)
    for step in parts:
        if step.expression.operation != SYMBOL:
            left = part.format(show(step.expression), **of_variable)
            lines.append(f"{left} = {show(simplify(step.derivative))}{note.format(step.rule)}")
    left = slope.format(**of_variable)
    plain = simplify(last.derivative)
    lines.append(f"{left} = {show(plain)}{note.format(last.rule)}")
    stable = stable_derivative(expression, variable)
    if stable != plain:
        lines.append(f"{left} = {show(stable)}{note.format('keeps its digits')}")
    in_output = express_in_output(stable, expression, variable=variable)
    if in_output is not None and OUTPUT in symbols(in_output):
        given = _WITH_OUTPUT[style].format(**of_variable)
        lines.append(f"{left} = {show(in_output)}{given}")
    return lines


# How a part's derivative, the function, its derivative and a remark are written.
_STYLES = {
    "text": ("d/d{variable} [{0}]", "f({variable})", "f'({variable})", "  ({0})"),
    "latex": (
        r"\frac{{d}}{{d{variable}}} \left[{0}\right]",
        "f({variable})",
        "f'({variable})",
        r" \quad \text{{({0})}}",
    ),
}
_WITH_OUTPUT = {"text": " with y = f({variable})", "latex": r" \quad \text{{with }} y = f({variable})"}
