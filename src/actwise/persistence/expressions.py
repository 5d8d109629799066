"""Formulas as data: a list of lines, each a node that refers to earlier lines by number.

``x * sigmoid(x)`` is written as::

    ["symbol x", "sigmoid 0", "multiply 0 1"]

Text in the usual notation would not do: it has no infinities, and reading it may simplify. Here every node
comes back as it was, however often it is shared, and nothing is ever evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from actwise.errors import InputError, ModelError, suggest
from actwise.formula.expression import (
    COMPARISONS,
    CONDITIONS,
    NUMBER,
    REDUCTIONS,
    SYMBOL,
    Expression,
    number,
    symbol,
    walk,
)
from actwise.formula.operations import OPERATIONS

LARGEST_WRITTEN_OUT = 1_000_000  # nodes
_ARITIES = (
    {name: row.arity for name, row in OPERATIONS.items()}
    | dict.fromkeys(COMPARISONS | {"logical_and", "logical_or"}, 2)
    | dict.fromkeys(REDUCTIONS | {"logical_not"}, 1)
    | {"where": 3}
)


def expression_to_lines(expression: Expression) -> tuple[str, ...]:
    """Write a formula as lines.

    >>> from actwise.formula.expression import sigmoid
    >>> x = symbol("x")
    >>> expression_to_lines(x * sigmoid(x))
    ('symbol x', 'sigmoid 0', 'multiply 0 1')
    """
    lines: list[str] = []
    places: dict[Expression, int] = {}
    for node in walk(expression):
        places[node] = len(lines)
        if node.operation == NUMBER:
            lines.append(f"{NUMBER} {node.number!r}")
        elif node.operation == SYMBOL:
            lines.append(f"{SYMBOL} {node.name}")
        else:
            lines.append(" ".join([node.operation, *(str(places[each]) for each in node.arguments)]))
    return tuple(lines)


def refuse_too_large(expression: Expression) -> None:
    """Refuse a formula that no memory would hold as text, where shared parts are repeated."""
    sizes: dict[Expression, int] = {}
    for node in walk(expression):
        sizes[node] = 1 + sum(sizes[each] for each in node.arguments)
    if sizes[expression] > LARGEST_WRITTEN_OUT:
        raise InputError(f"a formula has more than {LARGEST_WRITTEN_OUT:,} parts when it is written out")


def expression_from_lines(
    lines: Sequence[str], symbols: Collection[str], where: str, *, is_row: bool = False
) -> Expression:
    """Read a formula that `expression_to_lines` wrote."""
    if not lines:
        raise ModelError(f"{where} must be a list of lines that make a formula")
    nodes: list[Expression] = []
    for index, line in enumerate(lines):
        place = f"{where}[{index}]"
        operation, *words = line.split(" ")
        if operation == NUMBER and len(words) == 1:
            nodes.append(number(_read_number(words[0], place)))
        elif operation == SYMBOL and len(words) == 1:
            if words[0] not in symbols:
                hint = suggest(words[0][:60], symbols, noun="its symbols")
                raise ModelError(f"{place} has the unknown symbol {words[0]!r:.60}; {hint}")
            nodes.append(symbol(words[0]))
        else:
            arguments = _read_places(operation, words, index, place)
            if operation in REDUCTIONS and not is_row:
                raise ModelError(f"{place} reduces over a row in an activation of one number")
            nodes.append(_operation(operation, tuple(nodes[each] for each in arguments), place))
    if nodes[-1].is_condition:
        raise ModelError(f"{where} is a condition and not a formula of numbers")
    return nodes[-1]


def _read_number(word: str, place: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if repr(value) != word:
        raise ModelError(f"{place} must be 'number' and a number in its shortest form")
    return value


def _read_places(operation: str, words: list[str], index: int, place: str) -> list[int]:
    if operation not in _ARITIES:
        hint = suggest(operation[:60], _ARITIES, noun="operations")
        raise ModelError(f"{place} has the unknown operation {operation!r:.60}; {hint}")
    arguments = [int(each) for each in words if each.isascii() and each.isdecimal() and len(each) < 10]
    if len(arguments) != len(words) or len(words) != _ARITIES[operation] or max(arguments) >= index:
        raise ModelError(f"{place} must be {operation!r} and the numbers of {_ARITIES[operation]} earlier lines")
    return arguments


def _operation(operation: str, arguments: tuple[Expression, ...], place: str) -> Expression:
    """Make a node whose arguments are of the kinds it takes: conditions or numbers."""
    if operation.startswith("logical_"):
        wanted = [True] * len(arguments)
    else:
        wanted = [operation == "where" and index == 0 for index in range(len(arguments))]
    if [each.operation in CONDITIONS for each in arguments] != wanted:
        raise ModelError(f"{place} takes a condition for a number, or a number for a condition")
    return Expression(operation, arguments)
