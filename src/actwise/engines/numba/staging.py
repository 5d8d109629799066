"""Expressions cut into the lines of loops: what is read, what is summed over a row first, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from actwise.formula.emit import Statements, statements
from actwise.formula.expression import REDUCTIONS, Expression, rebuild, symbol, walk

NEAR_FUNCTIONS = {"sin": "near_sin", "cos": "near_cos"}


def indent(lines: Sequence[str], levels: int) -> list[str]:
    """Indent lines by so many levels."""
    return ["    " * levels + line for line in lines]


def by_lanes(
    staged: Staged, results: Mapping[str, str], steps: Sequence[str] = (), after: Sequence[str] = ()
) -> list[str]:
    """Loop over blocks of rows, over the columns, and over the rows of a block in the innermost place.

    The rows of a block lie in the lanes of vector registers: each has its own sums, in the order of its columns,
    so that neither short rows nor sums keep the loop from being vectorised. What lies apart in memory is copied
    beside each other first, and back afterwards.
    """
    reductions = staged.reductions
    starts = {each.target: each.start for each in reductions} | ({"losses": "0.0"} if after else {})
    every = {name for loads in (*(each.loads for each in reductions), staged.loads) for name in loads}
    rooms = [*starts, *(f"{name}_of" for name in sorted(every)), *(f"result_{k}" for k in range(len(results)))]
    known: list[str] = []
    # Unsigned, since Numba would otherwise allow for a negative index.
    place = ["row = uint64(first + lane)", "i = row * uint64(units) + uint64(column)"]

    def over_lanes(body: Sequence[str]) -> list[str]:
        return ["for lane in range(count):", *indent(body, 1)]

    def over_columns(loads: Mapping[str, str], body: Sequence[str], copied: Sequence[str] = ()) -> list[str]:
        gathered = [f"{name}_of[lane] = {source}" for name, source in loads.items()]
        read = [f"{name} = {name}_of[lane]" for name in loads] + [f"{name}_here = {name}[lane]" for name in known]
        parts = [*over_lanes([*place, *gathered]), *over_lanes([*read, *body])]
        return ["for column in range(units):", *indent(parts + (over_lanes([*place, *copied]) if copied else []), 1)]

    block = over_lanes([f"{name}[lane] = {start}" for name, start in starts.items()])
    for each in reductions:
        target = each.target
        accumulated = [f"{target}_here = {target}[lane]", each.step, f"{target}[lane] = {target}_here"]
        block += over_columns(each.loads, [*each.lines, *accumulated])
        known.append(target)
    kept = [f"result_{k}[lane] = {value}" for k, value in enumerate(results.values())]
    copied = [f"{at} = result_{k}[lane]" for k, at in enumerate(results)]
    block += over_columns(staged.loads, [*staged.own_lines, *steps, *kept], copied)
    return [
        *(f"{name} = carray(pointer(lanes(), float64(0)), LANES)" for name in rooms),
        "for first in range(0, rows, LANES):",
        "    count = min(LANES, rows - first)",
        *indent([*block, *after], 1),
    ]


@dataclass(frozen=True, slots=True)
class Staged:
    """Expressions cut at their reductions, and what is left of them."""

    reductions: tuple[Reduction, ...]
    loads: dict[str, str]
    own_lines: list[str]
    results: tuple[str, ...]
    functions: frozenset[str]

    @property
    def lines(self) -> list[str]:
        """Loads and statements, where every element is read in its turn."""
        return [*(f"{name} = {source}" for name, source in self.loads.items()), *self.own_lines]


@dataclass(frozen=True, slots=True)
class Reduction:
    """A sum or maximum over a row: what it starts from, what an element needs, and how it is accumulated."""

    target: str
    start: str
    loads: dict[str, str]
    lines: list[str]
    step: str


def angles_in(expressions: tuple[Expression, ...]) -> list[Expression]:
    """Return what the formulas take the sine or cosine of."""
    found = (node for each in expressions for node in walk(each) if node.operation in NEAR_FUNCTIONS)
    return list(dict.fromkeys(node.arguments[0] for node in found))


def stage(
    expressions: tuple[Expression, ...],
    loads: Callable[[set[str]], dict[str, str]],
    renamed: Mapping[str, str] | None = None,
) -> Staged:
    """Cut expressions at their reductions."""
    found: dict[Expression, Expression] = {}
    reductions: list[Reduction] = []
    functions: set[str] = set()

    def body(parts: tuple[Expression, ...]) -> tuple[dict[str, str], Statements]:
        needed = {node.name for part in parts for node in walk(part) if node.operation == "symbol"}
        return loads(needed), statements(*parts, renamed=renamed)

    def cut(expression: Expression) -> Expression:
        """Replace every reduction, innermost first, by the variable that will hold it."""
        for node in walk(expression):
            if node.operation in REDUCTIONS and node not in found:
                argument = _replace(node.arguments[0], found)
                needed, written = body((argument,))
                functions.update(written.functions)
                name, (value,) = f"r{len(found)}", written.results
                here = f"{name}_here"
                step = (
                    f"{here} += {value}"
                    if node.operation == "row_sum"
                    else f"{here} = {value} if ({value} > {here}) | ({value} != {value}) else {here}"
                )
                start = "0.0" if node.operation == "row_sum" else "-INFINITY"
                reductions.append(Reduction(name, start, needed, [*written.lines], step))
                found[node] = symbol(here)
        return _replace(expression, found)

    parts = tuple(cut(each) for each in expressions)
    needed, written = body(parts)
    called = frozenset(functions | written.functions)
    return Staged(tuple(reductions), needed, [*written.lines], written.results, called)


def _replace(expression: Expression, replacements: dict[Expression, Expression]) -> Expression:
    result: dict[Expression, Expression] = {}
    for node in walk(expression):
        if node in replacements:
            result[node] = replacements[node]
        else:
            result[node] = rebuild(node, tuple(result[each] for each in node.arguments))
    return result[expression]
