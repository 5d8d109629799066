"""Takes away the holes that differentiation tears at single points.

The slope of ``sign(x) * log(1 + abs(x))`` comes out as ``sign(x)**2 / (1 + abs(x))``, which is 0 at 0 and near to 1
beside it. A slope is a limit: what makes a difference at single points only does not belong to it.
"""

from __future__ import annotations

from functools import lru_cache

from actwise.formula.algebra import ZERO, Factor, NotRepresentable, Product, assemble, canonical, product
from actwise.formula.expression import Expression, rebuild, walk

_PRODUCTS = frozenset({"multiply", "divide", "power"})
# A function of these that is 0 on an interval is 0 everywhere; abs(x) - x is not made of them.
_ANALYTIC = frozenset({
    "number", "symbol", "negate", "add", "subtract", "multiply", "divide", "exp", "expm1", "log1p", "sin", "cos",
    "sinh", "cosh", "tanh", "arctan", "asinh", "sigmoid", "softplus", "erf", "erfc", "normal_cdf",
})  # fmt: skip


@lru_cache(maxsize=1 << 12)
def has_isolated_zeros(node: Expression) -> bool:
    """Say whether a formula that is not 0 everywhere is certainly 0 at single points only.

    >>> from actwise.formula.expression import maximum, symbol
    >>> x = symbol("x")
    >>> has_isolated_zeros(abs(x)), has_isolated_zeros(abs(x) - x), has_isolated_zeros(maximum(x, 0))
    (True, False, False)
    """
    if node.operation in {"absolute", "sign", "sqrt"}:
        return has_isolated_zeros(node.arguments[0])
    if node.operation == "power":
        return node.arguments[1].is_number and has_isolated_zeros(node.arguments[0])
    return all(
        each.operation in _ANALYTIC or (each.operation == "power" and _is_whole(each.arguments[1]))
        for each in walk(node)
    )


def _is_whole(node: Expression) -> bool:
    return node.is_number and node.number.is_integer()


def without_holes(slope: Expression) -> Expression:
    """Let ``sign(u)**2`` be 1 and ``u / u`` too, where u is 0 at single points only.

    `slope`: A derivative; a formula for values says itself what it is at every point.
    Result: A formula with the same values but for single points, at which it has its limit more often.

    >>> from actwise.formula.expression import sign, symbol
    >>> x = symbol("x")
    >>> without_holes(sign(x) ** 2 / (1 + abs(x)))
    divide(1, add(1, absolute(x)))
    """
    results: dict[Expression, Expression] = {}
    for node in walk(slope):
        found = rebuild(node, tuple(results[each] for each in node.arguments))
        if found.operation in _PRODUCTS:
            try:
                parts = product(found)
                fewer = _cancelled(parts)
                found = found if fewer == parts else assemble(fewer)
            except NotRepresentable:
                pass
        results[node] = found
    return results[slope]


def _cancelled(parts: Product) -> Product:
    """Add up the exponents of each base with isolated zeros; that of a sign is even or odd, no more."""
    factors: dict[Expression | int, Factor] = {}
    for index, (base, exponent) in enumerate(parts.factors):
        if exponent.denominator != 1 or not has_isolated_zeros(base):
            factors[index] = (base, exponent)
            continue
        first, present = factors.get(canonical(base), (base, ZERO))
        total = present + exponent
        factors[canonical(base)] = (first, total % 2 if base.operation == "sign" else total)
    return Product(parts.coefficient, tuple(each for each in factors.values() if each[1] != 0))
