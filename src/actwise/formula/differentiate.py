"""Symbolic differentiation, with the rule named at each step.

The rules are the rows of `actwise.formula.operations`; this module only applies the chain rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from actwise.formula.expression import REDUCTIONS, SYMBOL, Expression, equal, number, walk, where
from actwise.formula.operations import OPERATIONS


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a derivation.

    Parameters
    ----------
    expression : Expression
        The part that was differentiated.
    derivative : Expression
        Its derivative.
    rule : str
        The rule that was applied.
    """

    expression: Expression
    derivative: Expression
    rule: str


def derivation(expression: Expression, variable: str = "x") -> tuple[Step, ...]:
    """Differentiate step by step, innermost parts first.

    Result: one step for each distinct part that depends on the variable; the last one is the formula
    itself.

    >>> from actwise.formula.expression import symbol, exp
    >>> [step.rule for step in derivation(exp(-symbol("x")))]
    ['derivative of x is 1', 'constant factor rule', 'derivative of exp, then chain rule']
    """
    derivatives: dict[Expression, Expression] = {}
    steps: list[Step] = []
    for node in walk(expression):
        derivatives[node] = slope = _derivative_of_node(node, variable, derivatives)
        if node.operation == SYMBOL and node.name == variable:
            steps.append(Step(node, slope, f"derivative of {variable} is 1"))
        elif any(derivatives[each] != number(0) for each in node.arguments):
            steps.append(Step(node, slope, _rule_of_node(node, variable, derivatives)))
    return tuple(steps)


def differentiate(expression: Expression, variable: str = "x") -> Expression:
    """Return the derivative of a formula with respect to one symbol.

    >>> from actwise.formula.expression import symbol, exp
    >>> differentiate(exp(symbol("x") * 2))
    multiply(exp(multiply(x, 2)), 2)
    """
    derivatives: dict[Expression, Expression] = {}
    for node in walk(expression):
        derivatives[node] = _derivative_of_node(node, variable, derivatives)
    return derivatives[expression]


def _derivative_of_node(node: Expression, variable: str, derivatives: dict[Expression, Expression]) -> Expression:
    if node.operation == SYMBOL:
        return number(1 if node.name == variable else 0)
    if node.operation == "where":
        condition, chosen, otherwise = node.arguments
        return where(condition, derivatives[chosen], derivatives[otherwise])
    if node.operation in REDUCTIONS:
        raise ValueError(f"{node.operation} couples the entries of a row and has no elementwise derivative")
    total = number(0)
    if node.is_number or node.is_condition:
        return total
    for partial, argument in zip(OPERATIONS[node.operation].partials, node.arguments, strict=True):
        if derivatives[argument] != number(0):
            total = total + partial(*node.arguments) * derivatives[argument]
    return total


def _rule_of_node(node: Expression, variable: str, derivatives: dict[Expression, Expression]) -> str:
    rule = OPERATIONS[node.operation].rule
    inner = node.arguments[0]
    is_function = len(node.arguments) == 1 and node.operation != "negate"
    chained = is_function and not (inner.operation == SYMBOL and inner.name == variable)
    moving = [each for each in node.arguments if derivatives[each] != number(0)]
    if node.operation == "multiply" and len(moving) == 1:
        rule = "constant factor rule"
    if node.operation == "divide" and moving == [inner]:
        rule = "constant factor rule"
    if node.operation == "power":
        if moving != [inner]:
            return "derivative of exp(v * log(u)), which is u**v"
        chained = inner.operation != SYMBOL
    return f"{rule}, then chain rule" if chained else rule


def times_upstream(slope: Expression, upstream: Expression) -> Expression:
    """Multiply a derivative by the gradient that arrives from above.

    Result: the product. Where the derivative only chooses between 0, 1 and -1, the choice is between 0
    and the upstream gradient or its opposite, which needs no arithmetic, and no infinite gradient
    passes a slope of 0.

    >>> from actwise.formula.expression import symbol
    >>> x, g = symbol("x"), symbol("g")
    >>> times_upstream(where(x > 0, 1, 0), g)
    where(greater(x, 0), g, 0)
    >>> times_upstream(2 * x, g)
    multiply(multiply(2, x), g)
    """
    choice = _chosen(slope, upstream)
    return slope * upstream if choice is None else choice


def _chosen(slope: Expression, upstream: Expression) -> Expression | None:
    if slope.is_number:
        return {1.0: upstream, 0.0: number(0), -1.0: -upstream}.get(slope.number)
    if slope.operation != "where":
        return None
    condition, chosen, otherwise = slope.arguments
    first = _chosen(chosen, upstream)
    only_for_nan = condition == equal(otherwise, otherwise)
    second = otherwise if only_for_nan else _chosen(otherwise, upstream)
    return None if first is None or second is None else where(condition, first, second)
