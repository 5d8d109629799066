"""The one function that writes formulas in every text dialect, and what a dialect is.

A dialect is a table of templates. Each says how an operation is written, how tightly it binds, and how
tightly each argument must bind to do without brackets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from actwise.formula.dialects import numpy_table
from actwise.formula.expression import SYMBOL, Expression, walk

# How tightly an operation binds, loosest first.
CHOICE, OR, AND, NOT, COMPARISON, SUM, SIGN, PRODUCT, POWER, ATOM = range(10)


@dataclass(frozen=True, slots=True)
class Template:
    """How one operation is written.

    Parameters
    ----------
    text : str
        A format string over the arguments.
    binds : int
        How tightly the written operation binds.
    needs : tuple of int
        How tightly each argument must bind to stand without brackets; the last one repeats.
    """

    text: str
    binds: int = ATOM
    needs: tuple[int, ...] = (CHOICE,)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How formulas are written in one language.

    Parameters
    ----------
    templates : mapping of str to Template
        One for each operation.
    brackets : str
        A format string that puts brackets around its argument.
    number : callable
        Writes a finite number that is zero or above.
    symbol : callable
        Writes the name of a symbol.
    infinity, not_a_number : str
        The literals for these.
    folds_constants : bool
        Whether parts without symbols are written as one number.
    """

    templates: Mapping[str, Template]
    number: Callable[[float], str]
    symbol: Callable[[str], str] = str
    brackets: str = "({0})"
    infinity: str = "inf"
    not_a_number: str = "nan"
    folds_constants: bool = False


def write(expression: Expression, dialect: Dialect) -> str:
    """Write a formula in a dialect, with the fewest brackets."""
    constants = _constants(expression) if dialect.folds_constants else {}
    written: dict[Expression, tuple[str, int]] = {}
    for node in walk(expression):
        if node.operation == SYMBOL:
            written[node] = dialect.symbol(node.name), ATOM
        elif node.is_number:
            written[node] = _number(node.number, dialect)
        elif node in constants and not node.is_condition:
            written[node] = _number(float(constants[node]), dialect)
        elif node.operation == "where" and node.arguments[0] in constants:
            written[node] = written[node.arguments[1 if constants[node.arguments[0]] else 2]]
        else:
            written[node] = _operation(node, dialect, written)
    return written[expression][0]


def _constants(expression: Expression) -> dict[Expression, Any]:
    """Compute the parts in which no symbol occurs."""
    table = numpy_table()
    values: dict[Expression, Any] = {}
    with np.errstate(all="ignore"):
        for node in walk(expression):
            if node.is_number:
                values[node] = table["number"](node.number)
            elif node.operation != SYMBOL and all(each in values for each in node.arguments):
                values[node] = table[node.operation](*(values[each] for each in node.arguments))
    return values


def _number(value: float, dialect: Dialect) -> tuple[str, int]:
    if math.isnan(value):
        return dialect.not_a_number, ATOM
    size = dialect.infinity if math.isinf(value) else dialect.number(abs(value))
    return (f"-{size}", SIGN) if math.copysign(1, value) < 0 else (size, ATOM)


def _operation(node: Expression, dialect: Dialect, written: Mapping[Expression, tuple[str, int]]) -> tuple[str, int]:
    template = _special_template(node, dialect) or dialect.templates[node.operation]
    parts = []
    for index, argument in enumerate(node.arguments):
        text, binds = written[argument]
        needed = template.needs[min(index, len(template.needs) - 1)]
        # a - -b and a * -b are hard to read, and --b is no negation in JavaScript.
        signs_meet = text.startswith("-") and (
            template.binds == SIGN or (index > 0 and template.binds in (SUM, PRODUCT) and template.needs != (CHOICE,))
        )
        parts.append(text if binds >= needed and not signs_meet else dialect.brackets.format(text))
    return template.text.format(*parts), template.binds


def _special_template(node: Expression, dialect: Dialect) -> Template | None:
    """Choose among the ways to write one operation by the kind of its arguments."""
    if node.operation in {"maximum", "minimum"}:
        for index in (0, 1):
            if node.arguments[index].is_number:
                return dialect.templates.get(f"{node.operation} with number {'second' if index else 'first'}")
    if node.operation == "multiply":
        leftmost = node.arguments[1]
        while leftmost.operation in {"multiply", "power"}:
            leftmost = leftmost.arguments[0]
        if leftmost.is_number:
            return dialect.templates.get("multiply by number")
    return None
