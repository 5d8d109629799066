"""Writes a formula out as straight-line Python statements that Numba compiles.

Every distinct part is computed once into a variable of its own, both sides of a choice included, so
that the compiler sees selects instead of branches and can vectorise the loop around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from actwise.formula.dialects import PYTHON_TEMPLATES
from actwise.formula.expression import FUNCTIONS_OF_ONE, SYMBOL, Expression, symbols, walk

LARGEST_UNROLLED_POWER = 8  # beyond it, power() is as fast as a chain of products


@dataclass(frozen=True, slots=True)
class Statements:
    """A formula as Python statements.

    Parameters
    ----------
    lines : tuple of str
        Assignments, in order.
    results : tuple of str
        The variable or literal that holds each formula's value.
    functions : frozenset of str
        The functions that the lines call.
    """

    lines: tuple[str, ...]
    results: tuple[str, ...]
    functions: frozenset[str]


def statements(*expressions: Expression) -> Statements:
    """Write formulas as statements that share their common parts.

    Parameters
    ----------
    *expressions : Expression
        The formulas; symbols keep their names, temporaries are called ``t0``, ``t1``...

    Returns
    -------
    Statements
        The lines, the name of each result and the functions that are called.

    Examples
    --------
    >>> from actwise.formula.expression import symbol, exp
    >>> for line in statements(exp(symbol("x")) / (1 + exp(symbol("x")))).lines:
    ...     print(line)
    t0 = exp(x)
    t1 = 1.0 + t0
    t2 = t0 / t1
    """
    lines: list[str] = []
    functions: set[str] = set()
    names: dict[Expression, str] = {}
    taken = {name for each in expressions for name in symbols(each)}
    free = (name for name in map("t{}".format, count()) if name not in taken)
    for expression in expressions:
        for node in walk(expression):
            if node in names:
                continue
            if node.operation == SYMBOL:
                names[node] = node.name
            elif node.is_number:
                names[node] = _literal(node.number)
            else:
                text, called = _operation_text(node, names)
                functions |= called
                names[node] = next(free)
                lines.append(f"{names[node]} = {text}")
    return Statements(tuple(lines), tuple(names[each] for each in expressions), frozenset(functions))


def _literal(value: float) -> str:
    text = repr(value)
    return {"inf": "INFINITY", "-inf": "(-INFINITY)", "nan": "NAN"}.get(text, f"({text})" if value < 0 else text)


def _operation_text(node: Expression, names: dict[Expression, str]) -> tuple[str, set[str]]:
    arguments = [names[each] for each in node.arguments]
    operation = node.operation
    if operation == "power" and node.arguments[1].is_number:
        exponent = node.arguments[1].number
        if exponent == 0.5:
            return f"sqrt({arguments[0]})", {"sqrt"}
        if exponent.is_integer() and 2 <= exponent <= LARGEST_UNROLLED_POWER:
            return " * ".join([arguments[0]] * int(exponent)), set()
        if exponent.is_integer() and -LARGEST_UNROLLED_POWER <= exponent <= -1:
            return f"1.0 / ({' * '.join([arguments[0]] * int(-exponent))})", set()
    if operation == "absolute":
        return f"abs({arguments[0]})", set()
    if operation in FUNCTIONS_OF_ONE:
        return f"{operation}({arguments[0]})", {operation}
    called = {operation} if operation in {"power", "maximum", "minimum"} else set()
    return PYTHON_TEMPLATES[operation].format(*arguments), called
