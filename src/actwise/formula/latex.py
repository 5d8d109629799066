"""Writes formulas as LaTeX: the table of one more dialect of `actwise.formula.writing`."""

from __future__ import annotations

import math
import re

from actwise.formula.expression import Expression, rebuild, walk
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

_GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
})  # fmt: skip
_CONSTANTS = {
    math.pi: r"\pi", math.e: "e", math.sqrt(2): r"\sqrt{2}", 1 / math.sqrt(2): r"\tfrac{1}{\sqrt{2}}",
    math.sqrt(2 / math.pi): r"\sqrt{2/\pi}", 1 / math.sqrt(2 * math.pi): r"\tfrac{1}{\sqrt{2\pi}}",
    2 / math.sqrt(math.pi): r"\tfrac{2}{\sqrt{\pi}}", math.log(2): r"\ln 2",
}  # fmt: skip


def _number(value: float) -> str:
    if value in _CONSTANTS:
        return _CONSTANTS[value]
    text = str(int(value)) if value.is_integer() and value < 1e15 else repr(value)
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return mantissa
    tens = f"10^{{{int(exponent)}}}"
    return tens if mantissa == "1" else rf"{mantissa} \cdot {tens}"


def _symbol(name: str) -> str:
    stem, _, index = name.partition("_")
    if stem == "lambd":
        stem = "lambda"
    letters = re.fullmatch(r"([A-Za-z]+?)(\d*)", stem)
    if letters and letters[2] and not index:
        stem, index = letters[1], letters[2]
    if stem.lower() in _GREEK:
        stem = f"\\{stem}"
    elif len(stem) > 1:
        stem = rf"\mathrm{{{stem}}}"
    subscript = index.replace("_", r"\_")
    return f"{stem}_{{{subscript}}}" if index else stem


def _function(name: str) -> Template:
    return Template(rf"{name}\left({{0}}\right)")


def _infix(sign: str, binds: int, left: int, right: int) -> Template:
    return Template(f"{{0}} {sign} {{1}}", binds, (left, right))


LATEX = Dialect(
    {
        "negate": Template("-{0}", SIGN, (PRODUCT,)),
        "add": _infix("+", SUM, SUM, PRODUCT),
        "subtract": _infix("-", SUM, SUM, PRODUCT),
        "multiply": _infix(r"\,", PRODUCT, SIGN, PRODUCT),
        "multiply by number": _infix(r"\cdot", PRODUCT, SIGN, PRODUCT),
        "divide": Template(r"\frac{{{0}}}{{{1}}}", PRODUCT),
        "power": Template("{0}^{{{1}}}", POWER, (ATOM, CHOICE)),
        "absolute": Template(r"\left|{0}\right|"),
        "sqrt": Template(r"\sqrt{{{0}}}"),
        "floor": Template(r"\left\lfloor {0} \right\rfloor"),
        "exp": Template("e^{{{0}}}", POWER),
        "expm1": Template("e^{{{0}}} - 1", SUM),
        "log1p": Template(r"\ln\left(1 + {0}\right)", ATOM, (SUM,)),
        "sigmoid": _function(r"\sigma"),
        "normal_cdf": _function(r"\Phi"),
        **{name: _function(rf"\{name}") for name in ("sin", "cos", "sinh", "cosh", "tanh", "arctan")},
        "log": _function(r"\ln"),
        **{
            name: _function(rf"\operatorname{{{{{shown}}}}}")
            for name, shown in {
                "sign": "sign", "asinh": "arsinh", "softplus": "softplus", "erf": "erf", "erfc": "erfc",
                "row_sum": "sum", "row_max": "max",
            }.items()
        },
        "maximum": Template(r"\max\left({0}, {1}\right)"),
        "minimum": Template(r"\min\left({0}, {1}\right)"),
        "where": Template(
            r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}", CHOICE
        ),
        "less": _infix("<", COMPARISON, SUM, SUM),
        "less_equal": _infix(r"\le", COMPARISON, SUM, SUM),
        "greater": _infix(">", COMPARISON, SUM, SUM),
        "greater_equal": _infix(r"\ge", COMPARISON, SUM, SUM),
        "equal": _infix("=", COMPARISON, SUM, SUM),
        "not_equal": _infix(r"\ne", COMPARISON, SUM, SUM),
        "logical_and": _infix(r"\land", AND, AND, NOT),
        "logical_or": _infix(r"\lor", OR, OR, AND),
        "logical_not": Template(r"\lnot {0}", NOT, (ATOM,)),
    },
    number=_number,
    symbol=_symbol,
    brackets=r"\left({0}\right)",
    infinity=r"\infty",
    not_a_number=r"\mathrm{NaN}",
)  # fmt: skip


def to_latex(expression: Expression) -> str:
    r"""Write a formula as LaTeX, for use in math mode.

    >>> from actwise.formula.expression import exp, symbol
    >>> x = symbol("x")
    >>> print(to_latex(exp(-x) / (1 + exp(-x)) ** 2))
    \frac{e^{-x}}{\left(1 + e^{-x}\right)^{2}}
    """
    return write(_with_fractions_below(expression), LATEX)


def _with_fractions_below(expression: Expression) -> Expression:
    """Turn (1/u)**n, which is written so for accuracy, into 1/u**n, which reads better."""
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        shown = rebuild(node, tuple(results[each] for each in node.arguments))
        if shown.operation == "power" and shown.arguments[0].operation == "divide":
            above, below = shown.arguments[0].arguments
            if above.is_number and above.number == 1:
                shown = above / below ** shown.arguments[1]
        results[node] = shown
    return results[expression]
