"""Writes a formula out as straight-line Python statements that Numba compiles.

Every distinct part is computed once into a variable of its own, both sides of a choice included, so
that the compiler sees selects instead of branches and can vectorise the loop around them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from actwise.formula.dialects import PYTHON_TEMPLATES
from actwise.formula.expression import FUNCTIONS_OF_ONE, SYMBOL, Expression, symbols, walk

SHORTEST_POLYNOMIAL = 4  # coefficients from which a chain of products and sums is handed to polynomial()
LARGEST_UNROLLED_POWER = 8  # beyond it, power() is as fast as a chain of products


CALLED = frozenset(
    {"power", "maximum", "minimum", "sum_error", "product_error", "scaled_erfc", "scaled_erfc_error", "tanh_rest"}
)  # fmt: skip


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


def statements(*expressions: Expression, renamed: Mapping[str, str] | None = None) -> Statements:
    """Write formulas as statements that share their common parts.

    Each formula is computed by the very statements, with the very bits, that it would get alone.

    `*expressions`: the formulas; symbols keep their names, temporaries are called ``t0``, ``t1``.
    Result: the lines, the name of each result and the functions that are called.

    >>> from actwise.formula.expression import symbol, exp
    >>> for line in statements(exp(symbol("x")) / (1 + exp(symbol("x")))).lines:
    ...     print(line)
    t0 = exp(x)
    t1 = 1.0 + t0
    t2 = t0 / t1
    """
    lines: list[str] = []
    results: list[str] = []
    functions: set[str] = set()
    known: dict[str, str] = {}  # what the formulas before compute, and where it stands
    taken = {name for each in expressions for name in symbols(each)}
    free = (name for name in map("t{}".format, count()) if name not in taken)
    for expression in expressions:
        names: dict[Expression, str] = {}
        own: dict[str, str] = {}
        polynomials = _polynomials(expression)
        for node in walk(expression):
            if node in names or node in polynomials.inside:
                continue
            if node.operation == SYMBOL:
                names[node] = node.name
            elif node.is_number:
                names[node] = _literal(node.number)
            else:
                if node in polynomials.whole:
                    variable, coefficients = polynomials.whole[node]
                    written = ", ".join(map(_literal, coefficients))
                    text, called = f"polynomial({names[variable]}, ({written}))", {"polynomial"}
                else:
                    text, called = _operation_text(node, names, renamed or {})
                functions |= called
                if text in known:
                    names[node] = known[text]
                else:
                    names[node] = own[text] = next(free)
                    lines.append(f"{names[node]} = {text}")
        known |= own
        results.append(names[expression])
    return Statements(tuple(lines), tuple(results), frozenset(functions))


@dataclass(frozen=True, slots=True)
class _Polynomials:
    """Polynomials in Horner's form, with their variables and coefficients, and the nodes that they swallow."""

    whole: dict[Expression, tuple[Expression, tuple[float, ...]]]
    inside: set[Expression]


def _polynomials(expression: Expression) -> _Polynomials:
    """Find chains such as ``(c2 * x + c1) * x + c0`` whose inner parts nobody else uses."""
    nodes = dict.fromkeys(walk(expression))
    uses = Counter(argument for node in nodes for argument in node.arguments)
    found = _Polynomials({}, set())
    for node in reversed(nodes):
        if node in found.inside:
            continue
        coefficients: list[float] = []
        swallowed: list[Expression] = []
        each, variable = node, None
        while each.operation == "add" and each.arguments[1].is_number:
            product = each.arguments[0]
            if product.operation != "multiply" or variable not in (None, product.arguments[1]):
                break
            if (coefficients and uses[each] > 1) or uses[product] > 1:
                break
            coefficients.append(each.arguments[1].number)
            swallowed += [each, product]
            each, variable = product.arguments
        if variable is not None and each.is_number and len(coefficients) + 1 >= SHORTEST_POLYNOMIAL:
            found.whole[node] = variable, (*coefficients, each.number)
            found.inside.update(swallowed[1:])
    return found


def _literal(value: float) -> str:
    text = repr(value)
    return {"inf": "INFINITY", "-inf": "(-INFINITY)", "nan": "NAN"}.get(text, f"({text})" if value < 0 else text)


def _operation_text(node: Expression, names: dict[Expression, str], renamed: Mapping[str, str]) -> tuple[str, set[str]]:
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
        name = renamed.get(operation, operation)
        return f"{name}({arguments[0]})", {name}
    called = {operation} if operation in CALLED else set()
    return PYTHON_TEMPLATES[operation].format(*arguments), called
