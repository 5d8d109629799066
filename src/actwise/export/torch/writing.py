"""Writes formulas as readable lines of PyTorch: what is used twice, or is long, gets a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import count

from actwise.formula.expression import Expression, symbol, symbols, walk
from actwise.formula.render import TORCH
from actwise.formula.writing import Template, write

LONGEST = 8  # so many operations are written in one line

# Functions that a file brings along where it needs them.
HELPERS: dict[str, str] = {
    "where": '''def where(condition, chosen, otherwise):
    """torch.where, of which two numbers make float64 and not the default type."""
    if not torch.is_tensor(chosen) and not torch.is_tensor(otherwise):
        chosen = torch.tensor(chosen, dtype=torch.float64, device=condition.device)
    return torch.where(condition, chosen, otherwise)
''',
    "softplus": '''def softplus(u):
    """log(1 + exp(u)); torch.nn.functional.softplus drops what is below 2e-9."""
    return torch.logaddexp(u, torch.zeros_like(u))
''',
}
_DIALECT = replace(
    TORCH,
    templates={**TORCH.templates, "where": Template("where({0}, {1}, {2})"), "softplus": Template("softplus({0})")},
)


def written_lines(
    expressions: Sequence[Expression], taken: Collection[str] = ()
) -> tuple[list[str], list[str], set[str]]:
    """Write formulas that share parts.

    >>> from actwise.formula.expression import exp, sigmoid
    >>> x = symbol("x")
    >>> written_lines([sigmoid(x) * (1 + x * sigmoid(-x)), sigmoid(x)])
    (['a = torch.sigmoid(x)'], ['a * (1.0 + x * torch.sigmoid(-x))', 'a'], set())
    """
    nodes = list(dict.fromkeys(node for each in expressions for node in walk(each)))
    uses = Counter(argument for node in nodes for argument in node.arguments)
    uses.update(expressions)
    used = {name for each in expressions for name in symbols(each)} | {*taken}
    names = (name for name in _names() if name not in used)
    lines: list[str] = []
    short: dict[Expression, Expression] = {}
    sizes: dict[Expression, int] = {}
    for node in nodes:
        short[node] = Expression(node.operation, tuple(short[each] for each in node.arguments), node.value)
        sizes[node] = sum(sizes[each] for each in node.arguments) + bool(node.arguments)
        is_cheap = not node.arguments or (node.operation == "negate" and not node.arguments[0].arguments)
        if not is_cheap and symbols(node) and (uses[node] > 1 or sizes[node] > LONGEST):
            name = next(names)
            lines.append(f"{name} = {write(short[node], _DIALECT)}")
            short[node], sizes[node] = symbol(name), 0
    called = {node.operation for node in nodes} & HELPERS.keys()
    return lines, [write(short[each], _DIALECT) for each in expressions], called


def _names() -> Iterator[str]:
    yield from "abcdehijkmnpqrsuvw"
    yield from map("a{}".format, count(1))
