"""Writes the derivation of a derivative as a textbook does: one rule a line, applied and then tidied up.

The steps come from `actwise.formula.differentiate`; here each rule is written out before anything is
simplified, so that a reader sees the quotient rule as a quotient rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actwise.errors import InputError
from actwise.formula.differentiate import derivation
from actwise.formula.expression import (
    SYMBOL,
    Expression,
    number,
    power,
    sigmoid,
    sqrt,
    symbol,
    symbols,
    tanh,
    walk,
    where,
)
from actwise.formula.latex import to_latex
from actwise.formula.operations import OPERATIONS
from actwise.formula.output_form import express_in_output
from actwise.formula.parse import parse
from actwise.formula.readable import readable
from actwise.formula.render import to_text
from actwise.formula.simplify import simplify
from actwise.formula.stabilise import derivative as stable_derivative
from actwise.formula.textbook import ARGUMENT, DEFINITIONS, OUTPUT, primitive_of

Style: TypeAlias = Literal["text", "latex"]
Kind: TypeAlias = Literal["function", "meaning", "part", "slope", "relation", "output"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a derivation.

    Parameters
    ----------
    kind : {"function", "meaning", "part", "slope", "relation", "output"}
        The function itself, what a name in it stands for, the derivative of a part, the derivative of the
        whole, a relation between the output and the variable, or the derivative in terms of the output.
    left : Expression
        What stands to the left of the equals sign; for "slope" and "output" lines it is the function, whose
        derivative is meant.
    forms : tuple of Expression
        Equal formulas, to be joined by equals signs.
    note : str
        The rule, or what the line is for.
    """

    kind: Kind
    left: Expression
    forms: tuple[Expression, ...]
    note: str = ""


def derive(
    expression: Expression,
    variable: str = "x",
    *,
    declared: Expression | None = None,
    in_output: Expression | None = None,
) -> tuple[Line, ...]:
    """Derive the derivative of a formula line by line.

    `expression`: the formula, best as a textbook writes it; a sole sigmoid, tanh... is written out
    first.
    `in_output`: the derivative as a formula in the output ``y``, where that is known; looked for
    otherwise.
    Result: the function, each part with its rule, the derivative, and its form in the output where
    there is one.

    >>> for line in derive(parse("sigmoid(x)")):
    ...     print(to_line(line))
    f(x) = sigmoid(x) = 1 / (1 + exp(-x))
    d/dx [-x] = -1  (constant factor rule)
    d/dx [exp(-x)] = exp(-x) * (-1) = -exp(-x)  (derivative of exp, then chain rule)
    d/dx [1 + exp(-x)] = -exp(-x)  (sum rule)
    f'(x) = (0 * (1 + exp(-x)) - 1 * (-exp(-x))) / (1 + exp(-x))**2 = exp(-x) / (1 + exp(-x))**2  (quotient rule)
    1 - y = exp(-x) / (1 + exp(-x)), where y = f(x)
    f'(x) = y * (1 - y), where y = f(x)
    """
    primitive = primitive_of(expression, variable)
    names: tuple[Expression, ...] = (expression,)
    if primitive is not None:
        written = primitive.written(primitive.definition.formula)
        names = (Expression(primitive.name, (primitive.argument,)), written)
        if expression not in names:
            written, names = expression, (expression,)
        expression = written
    lines = [Line("function", symbol(variable), names), *_meanings(expression)]
    slopes: dict[Expression, Expression] = {}
    steps = {step.expression: step.rule for step in derivation(expression, variable)}
    for node in walk(expression):
        applied = _rule_applied(node, variable, slopes)
        slopes[node] = simplify(applied)
        if node in steps and not node.is_condition and node.operation != SYMBOL and node != expression:
            lines.append(Line("part", node, _distinct(applied, slopes[node]), steps[node]))
    applied, slope = _rule_applied(expression, variable, slopes), slopes[expression]
    if primitive is not None and primitive.definition.slope:
        slope = primitive.written(primitive.definition.slope)
    rule = steps.get(expression, "a constant has slope 0")
    lines.append(Line("slope", expression, _distinct(applied, slope), rule))
    if declared is not None and declared != slope:
        lines.append(Line("slope", expression, (declared,), "with the slope that is taken at each kink"))
    if in_output is None:
        in_output = express_in_output(stable_derivative(expression, variable), expression, variable=variable)
    if in_output is not None and OUTPUT in symbols(in_output):
        if primitive is not None and primitive.definition.relation:
            left, right = map(primitive.written, primitive.definition.relation)
            lines.append(Line("relation", left, (right,)))
        lines.append(Line("output", expression, (in_output,)))
    return tuple(lines)


def _meanings(expression: Expression) -> list[Line]:
    """Say what the named functions in a formula stand for."""
    found = dict.fromkeys(node.operation for node in walk(expression) if node.operation in DEFINITIONS)
    argument = symbol(ARGUMENT)
    return [
        Line("meaning", Expression(name, (argument,)), (parse(DEFINITIONS[name].formula, variable=ARGUMENT),))
        for name in found
    ]


def _distinct(*forms: Expression) -> tuple[Expression, ...]:
    """Leave out a form that is written like the one before it, and one that is harder to read than that."""
    kept: list[Expression] = []
    for form in forms:
        if not kept or len(to_text(form)) <= len(to_text(kept[-1])):
            if kept and to_text(form) == to_text(kept[-1]):
                continue
            kept.append(form)
    return tuple(kept)


# The slopes of functions as a reader knows them; the engine's own forms keep more digits.
_KNOWN_SLOPES: dict[str, Callable[[Expression], Expression]] = {
    "tanh": lambda u: 1 - tanh(u) ** 2,
    "sigmoid": lambda u: sigmoid(u) * (1 - sigmoid(u)),
    "arctan": lambda u: 1 / (1 + u**2),
    "asinh": lambda u: 1 / sqrt(1 + u**2),
}


def _as_written(operation: str, *operands: Expression) -> Expression:
    """Make a node without the identities that building applies, so that ``0 * u`` stays to be seen."""
    return Expression(operation, operands)


def _rule_applied(node: Expression, variable: str, slopes: dict[Expression, Expression]) -> Expression:
    """Apply the rule of one node to the slopes of its arguments, without tidying up."""
    if node.operation == SYMBOL:
        return number(1 if node.name == variable else 0)
    moving = [each for each in node.arguments if slopes[each] != number(0)]
    if not moving or node.is_condition:
        return number(0)
    du, *_ = inner = [slopes[each] for each in node.arguments]
    u = node.arguments[0]
    match node.operation:
        case "where":
            return where(u, inner[1], inner[2])
        case "maximum":
            return where(u > node.arguments[1], du, inner[1])
        case "minimum":
            return where(u < node.arguments[1], du, inner[1])
        case "multiply" if len(moving) == 2:
            v, dv = node.arguments[1], inner[1]
            return _as_written("add", _as_written("multiply", du, v), _as_written("multiply", u, dv))
        case "divide" if node.arguments[1] in moving:
            v, dv = node.arguments[1], inner[1]
            left, right = _as_written("multiply", du, v), _as_written("multiply", u, dv)
            return _as_written("divide", _as_written("subtract", left, right), power(v, 2))
        case "divide":
            return _as_written("divide", du, node.arguments[1])
        case "add" | "subtract":
            return simplify(Expression(node.operation, tuple(inner)))
        case "power" if moving == [u]:
            exponent = node.arguments[1]
            return _chained(exponent * power(u, exponent - 1), u, du, variable)
    if len(node.arguments) == 1 and node.operation != "negate":
        outer = _KNOWN_SLOPES.get(node.operation, OPERATIONS[node.operation].partials[0])(u)
        return _chained(outer, u, du, variable)
    total = number(0)
    for partial, each in zip(OPERATIONS[node.operation].partials, node.arguments, strict=True):
        if each in moving:
            total = total + partial(*node.arguments) * slopes[each]
    return total


def _chained(outer: Expression, u: Expression, du: Expression, variable: str) -> Expression:
    return simplify(outer) if u == symbol(variable) else _as_written("multiply", outer, du)


def to_line(
    line: Line,
    variables: tuple[str, ...] = ("x",),
    variable: str = "x",
    style: Style = "text",
    width: int | None = None,
) -> str:
    """Write one line of a derivation.

    Result: the line; in LaTeX with ``&`` before the first equals sign, for an ``align*`` environment.
    """
    if style not in ("text", "latex"):
        raise InputError(f"style is {style!r}; it must be 'text' or 'latex'")
    write, words = (to_text, _TEXT) if style == "text" else (to_latex, _LATEX)

    def show(formula: Expression) -> str:
        return write(readable(formula))

    function = f"f({', '.join(show(symbol(each)) for each in variables)})"
    by = show(symbol(variable))
    if line.kind in ("slope", "output"):
        left = f"f'({by})" if len(variables) == 1 else words.partial.format(by)
    else:
        left = {
            "function": function,
            "part": words.part.format(by, show(line.left)),
            "meaning": words.where.format(show(line.left)),
            "relation": show(line.left),
        }[line.kind]
    ending = words.output.format(function) if line.kind in ("relation", "output") else ""
    note = words.note.format(line.note) if line.note else ""
    written = f"{left} {words.equals} {' = '.join(map(show, line.forms))}{ending}{note}"
    if width is None or len(written) <= width:
        return written
    return f"{left}{note}" + "".join(f"\n    = {show(form)}" for form in line.forms) + ending


@dataclass(frozen=True, slots=True)
class _Words:
    part: str
    partial: str
    where: str
    output: str
    note: str
    equals: str


_TEXT = _Words("d/d{0} [{1}]", "df/d{0}", "where {0}", ", where y = {0}", "  ({0})", "=")
_LATEX = _Words(
    r"\frac{{d}}{{d{0}}} \left[{1}\right]",
    r"\frac{{\partial f}}{{\partial {0}}}",
    r"\text{{where }} {0}",
    r", \quad y = {0}",
    r" && \text{{({0})}}",
    "&=",
)
