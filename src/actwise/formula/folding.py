"""Computes the parts of a formula in which no symbol occurs."""

from __future__ import annotations

from typing import Any

import numpy as np

from actwise.formula.dialects import numpy_table
from actwise.formula.expression import SYMBOL, Expression, number, rebuild, walk


def fold_constants(expression: Expression) -> Expression:
    """Replace the parts in which no symbol occurs by their values.

    Result: the same function; choices whose condition has no symbol are made. Values are those of NumPy
    in float64, infinities and NaN included.

    >>> from actwise.formula.expression import exp, symbol
    >>> fold_constants(symbol("x") * exp(0))
    x
    """
    table = numpy_table()
    results: dict[Expression, Expression] = {}
    values: dict[Expression, Any] = {}
    with np.errstate(all="ignore"):
        for node in walk(expression):
            if node.is_number:
                values[node] = np.float64(node.number)
            elif node.arguments and all(each in values for each in node.arguments):
                values[node] = table[node.operation](*(values[each] for each in node.arguments))
            if node in values:
                # A condition without a symbol stays one: it decides between two constants or two formulas.
                kept = rebuild(node, tuple(results[each] for each in node.arguments)) if node.is_condition else None
                results[node] = number(float(values[node])) if kept is None else kept
            elif node.operation == "where" and node.arguments[0] in values:
                results[node] = results[node.arguments[1 if values[node.arguments[0]] else 2]]
            elif node.operation == SYMBOL:
                results[node] = node
            else:
                results[node] = rebuild(node, tuple(results[each] for each in node.arguments))
    return results[expression]
