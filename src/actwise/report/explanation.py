"""Explains an activation in formulas: the derivation of its derivative, and a worked example."""

from __future__ import annotations

from collections.abc import Mapping

from actwise.activations import Activation, AnyActivation, GatedActivation, RowActivation
from actwise.errors import FormulaError, InputError
from actwise.formula.derivation import Style, derive, to_line
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression, number, rebuild, row_max, row_sum, substitute, symbol, symbols, walk
from actwise.formula.latex import to_latex
from actwise.formula.parse import parse
from actwise.formula.readable import readable
from actwise.formula.render import to_text
from actwise.formula.simplify import simplify
from actwise.formula.textbook import primitive_of
from actwise.formula.worked import CUT_DECIMALS, WorkedStep, work_out

GRADIENT_NOTE = "g is the gradient with respect to the output y, and the result the one with respect to x"


def derivation_lines(activation: AnyActivation, style: Style = "text", width: int | None = None) -> list[str]:
    """Derive the derivative of an activation line by line.

    `activation`: the activation; one with several arguments is derived by each.
    Result: the lines; those in LaTeX form one ``align*`` environment.

    >>> import actwise as aw
    >>> for line in derivation_lines(aw.activation("exponential")):
    ...     print(line)
    f(x) = exp(x)
    f'(x) = exp(x)  (derivative of exp)
    f'(x) = y, where y = f(x)
    """
    if style == "latex":
        width = None
    match activation:
        case Activation():
            lines = _scalar(activation, style, width)
        case GatedActivation():
            lines = _gated(activation, style, width)
        case RowActivation():
            lines = _row(activation, style)
    if style == "latex":
        return [r"\begin{align*}", *(rf"{line} \\" for line in lines[:-1]), lines[-1], r"\end{align*}"]
    return lines


def textbook_expression(activation: Activation) -> Expression:
    """Return the function as a person wrote it: the definition, or a user's formula before it was stabilised.

    Result: the formula; the activation's own expression where nobody wrote another.

    >>> import actwise as aw
    >>> textbook_expression(aw.activation("log(1 + exp(x))"))
    log(add(1, exp(x)))
    """
    try:
        return parse(activation.definition or activation.name, parameters=activation.params)
    except FormulaError:  # a name, or a formula that uses other activations
        return activation.expression


def _scalar(activation: Activation, style: Style, width: int | None) -> list[str]:
    declared = parse(activation.derivative_formula, require_variable=False) if activation.kinks else None
    derived = derive(
        textbook_expression(activation),
        declared=declared,
        in_output=activation.derivative_from_output_expression,
    )
    return [to_line(line, style=style, width=width) for line in derived]


def _gated(activation: GatedActivation, style: Style, width: int | None) -> list[str]:
    variables = activation.arguments
    formula = parse(activation.formula, require_variable=False)
    lines: list[str] = []
    for variable in variables:
        for line in derive(formula, variable):
            written = to_line(line, variables, variable, style, width)
            if written not in lines and line.kind not in ("relation", "output"):
                lines.append(written)
    return lines


def _row(activation: RowActivation, style: Style) -> list[str]:
    """Derive the derivative by another entry through the sum S over the row."""
    show, is_latex = (to_latex, True) if style == "latex" else (to_text, False)
    equals, (opening, closing) = ("&=", (r"\text{", "}")) if is_latex else ("=", ("", ""))
    product = f"{show(symbol('g_x'))} {equals} {show(activation.vjp_expression)}"
    ending = [product, f"{'& ' if is_latex else ''}{opening}{GRADIENT_NOTE}{closing}"]
    try:
        formula = parse(activation.formula, functions={"row_sum": row_sum, "row_max": row_max})
    except FormulaError:  # the definition is in words
        note = f"f is {activation.formula}"
        return [f"{'& ' if is_latex else ''}{opening}{note}{closing}", *ending]
    sums = dict.fromkeys(node for node in walk(formula) if node.operation == "row_sum")
    if len(sums) != 1:
        return [f"f(x) {equals} {show(formula)}", *ending]
    (total,) = sums
    (summand,) = total.arguments
    outer = _replaced(formula, {total: symbol("S")})
    own = simplify(differentiate(outer, "x"))
    through = simplify(differentiate(outer, "S") * substitute(differentiate(summand, "x"), {"x": symbol("x_j")}))
    at_i = {"x": symbol("x_i")}
    own, through, outer = (substitute(each, at_i) for each in (own, through, outer))
    same = simplify(own + substitute(through, {"x_j": symbol("x_i")}))
    left = r"\frac{\partial f_i}{\partial x_{%s}}" if is_latex else "df_i/dx_%s"
    note = rf" && {opening}(%s){closing}" if is_latex else "  (%s)"
    return [
        f"{show(symbol('f_i'))} {equals} {show(outer)}, {opening}where {closing}S = {show(total)}",
        f"{left % 'j'} {equals} {show(through)}{note % 'another entry, i and j differ: only S changes'}",
        f"{left % 'i'} {equals} {show(same)}{note % 'the entry itself: it changes, and S with it'}",
        *ending,
    ]


def _replaced(expression: Expression, known: Mapping[Expression, Expression]) -> Expression:
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        replaced = rebuild(node, tuple(results[each] for each in node.arguments))
        results[node] = known.get(node, replaced)
    return results[expression]


def worked_lines(activation: AnyActivation, x: float) -> list[str]:
    """Work an activation out for one number, step by step.

    Result: A line for each step, the value, the derivative, and what rounding on the way would have
    done.

    >>> import actwise as aw
    >>> for line in worked_lines(aw.activation("sigmoid"), 1.0):
    ...     print(line)
    f(x) = 1 / (1 + exp(-x)) at x = 1
    -x = -1
    exp(-x) = exp(-1) = 0.367879
    1 + exp(-x) = 1 + 0.367879 = 1.36788
    f(1) = 1 / 1.36788 = 0.731059
    f'(1) = y * (1 - y) = 0.731059 * (1 - 0.731059) = 0.196612
    If every step were cut to 3 decimals, f(1) would come out as 0.7315 instead of 0.7311.
    """
    if not isinstance(activation, Activation):
        raise InputError(
            f"{activation.name} takes more than one number, so there is no worked example for one; "
            "'--derive' shows its derivative"
        )
    formula = textbook_expression(activation)
    primitive = primitive_of(formula)
    if primitive is not None and len(symbols(formula)) == 1:
        formula = primitive.written(primitive.definition.formula)
    example = work_out(formula, {"x": x, **activation.values})
    at = f"{x:.6g}"
    given = "".join(f", {name} = {value:.6g}" for name, value in activation.values.items())
    lines = [f"f(x) = {to_text(readable(formula))} at x = {at}{given}"]
    steps = list(example.steps)
    is_last = bool(steps) and steps[-1].part == formula
    lines.extend(_step_line(step) for step in (steps[:-1] if is_last else steps))
    lines.append(f"f({at}) = " + _calculation(steps[-1] if is_last else None, example.value))
    lines.append(f"f'({at}) = {_slope_calculation(activation, x)}")
    if f"{example.value:.{CUT_DECIMALS}f}" != f"{example.cut_value:.{CUT_DECIMALS}f}":
        lines.append(
            f"If every step were cut to {CUT_DECIMALS} decimals, f({at}) would come out as {example.cut_value:.4f} "
            f"instead of {example.value:.4f}."
        )
    return lines


def _step_line(step: WorkedStep) -> str:
    part = to_text(readable(step.part))
    if isinstance(step.value, bool):
        return f"{part} is {'true' if step.value else 'false'}"
    return f"{part} = {_calculation(step, step.value)}"


def _calculation(step: WorkedStep | None, value: float) -> str:
    result = f"{value:.6g}"
    if step is None:
        return result
    numbers = to_text(step.numbers)
    return result if numbers == result else f"{numbers} = {result}"


def _slope_calculation(activation: Activation, x: float) -> str:
    result = f"{float(activation.derivative(x)):.6g}"
    in_output = activation.derivative_from_output_expression
    known = {name: number(value) for name, value in activation.values.items()}
    if in_output is None or "where(" in to_text(in_output):
        return f"{readable_formula(activation.derivative_formula)} = {result}"
    y = number(float(f"{float(activation(x)):.6g}"))
    return f"{to_text(in_output)} = {to_text(_as_written(in_output, {**known, 'y': y}))} = {result}"


def readable_formula(text: str) -> str:
    """Write a formula with its constants as a reader knows them; a text that is no formula stays as it is.

    >>> readable_formula("0.3989422804014327 * exp(-x**2 / 2)")
    '1 / sqrt(2 * pi) * exp(-x**2 / 2)'
    """
    try:
        return to_text(readable(parse(text, require_variable=False)))
    except FormulaError:
        return text


def _as_written(expression: Expression, numbers: Mapping[str, Expression]) -> Expression:
    """Put numbers in the place of symbols without working anything out."""
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        if node.operation == "symbol":
            results[node] = numbers.get(node.name, node)
        else:
            results[node] = Expression(node.operation, tuple(results[each] for each in node.arguments), node.value)
    return results[expression]
