"""Works a formula out for one number, step by step, as on paper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from actwise.formula.dialects import numpy_table
from actwise.formula.expression import SYMBOL, Expression, number, symbols

CUT_DECIMALS = 3  # that someone keeps who works by hand and cuts off the rest


@dataclass(frozen=True, slots=True)
class WorkedStep:
    """One step of a calculation.

    Parameters
    ----------
    part : Expression
        The part of the formula that is worked out.
    numbers : Expression
        The same operation with the numbers known so far in the place of its arguments.
    value : float or bool
        The result; true or false for a condition.
    """

    part: Expression
    numbers: Expression
    value: float | bool


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """A calculation.

    Parameters
    ----------
    steps : tuple of WorkedStep
        The steps, the whole formula last; branches that are not taken are left out.
    value : float
        The result.
    cut_value : float
        What comes out if each result on the way is cut to three decimals.
    """

    steps: tuple[WorkedStep, ...]
    value: float
    cut_value: float


def work_out(expression: Expression, values: Mapping[str, float]) -> WorkedExample:
    """Work a formula out step by step.

    Result: the steps, the result, and what rounding on the way would make of it.

    >>> from actwise.formula.parse import parse
    >>> example = work_out(parse("1 / (1 + exp(-x))"), {"x": 1.0})
    >>> [round(step.value, 4) for step in example.steps]
    [-1.0, 0.3679, 1.3679, 0.7311]
    >>> round(example.cut_value, 4)
    0.7315
    """
    steps: dict[Expression, WorkedStep] = {}
    value = _worked(expression, values, steps, cut=False)
    cut_value = _worked(expression, values, {}, cut=True)
    return WorkedExample(tuple(steps.values()), float(value), float(cut_value))


def _worked(node: Expression, values: Mapping[str, float], steps: dict[Expression, WorkedStep], *, cut: bool) -> Any:
    if node.operation == SYMBOL:
        return values[node.name]
    if node.is_number:
        return node.number
    if node in steps:
        return steps[node].value
    if node.operation == "where":
        condition, chosen, otherwise = node.arguments
        return _worked(chosen if _worked(condition, values, steps, cut=cut) else otherwise, values, steps, cut=cut)
    operands = [_worked(each, values, steps, cut=cut) for each in node.arguments]
    if cut:
        operands = [_cut(each) if part.arguments else each for part, each in zip(node.arguments, operands, strict=True)]
    with np.errstate(all="ignore"):
        result = numpy_table()[node.operation](*map(np.float64, operands)).item()
    if symbols(node):
        numbers = Expression(node.operation, tuple(number(float(f"{each:.6g}")) for each in operands), node.value)
        steps[node] = WorkedStep(node, numbers, result)
    return result


def _cut(value: float) -> float:
    scale = 10.0**CUT_DECIMALS
    return math.trunc(value * scale) / scale if math.isfinite(value) else value
