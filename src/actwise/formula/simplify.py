"""Simplifies formulas so that they read well, without changing their values.

A rewriting is taken only if the formula becomes shorter, so what a careful author wrote for accuracy
stays as it is written. Where both the formula and its simplified form are finite, they are equal up to
rounding. The simplified form may be finite where the formula was NaN: ``exp(x) / exp(x)`` becomes 1 also
where ``exp(x)`` overflows, and a choice between a term and a literal 0 is 0 whatever the term is.
Factors that can be zero are never cancelled; a parameter that divides is taken not to be zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from actwise.formula.algebra import (
    ODD_FUNCTIONS,
    ONE,
    UNIT,
    ZERO,
    NotRepresentable,
    Product,
    assemble,
    assemble_sum,
    canonical,
    collected,
    cost,
    product,
    remember,
    terms,
)
from actwise.formula.expression import (
    COMPARISONS,
    Expression,
    absolute,
    number,
    rebuild,
    sigmoid,
    walk,
    where,
)
from actwise.formula.signs import is_nonnegative

MOST_ROUNDS = 12  # each round shortens the formula; a handful is enough for every formula seen
_SUMS = frozenset({"add", "subtract"})
_PRODUCTS = frozenset({"negate", "multiply", "divide", "power", "sqrt"})
_EVEN = frozenset({"absolute", "cos", "cosh"})
_AT_ZERO = {
    "absolute": 0.0, "sign": 0.0, "sqrt": 0.0, "floor": 0.0, "exp": 1.0, "expm1": 0.0, "log1p": 0.0,
    "sin": 0.0, "cos": 1.0, "sinh": 0.0, "cosh": 1.0, "tanh": 0.0, "arctan": 0.0, "asinh": 0.0,
    "sigmoid": 0.5, "erf": 0.0, "erfc": 1.0, "normal_cdf": 0.5,
}  # fmt: skip
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "less": lambda u, v: u < v, "less_equal": lambda u, v: u <= v, "greater": lambda u, v: u > v,
    "greater_equal": lambda u, v: u >= v, "equal": lambda u, v: u == v, "not_equal": lambda u, v: u != v,
}  # fmt: skip
_NEGATED = {
    "less": "greater_equal", "less_equal": "greater", "greater": "less_equal", "greater_equal": "less",
}  # fmt: skip
_INVERSES = {("exp", "log"), ("expm1", "log1p"), ("log", "exp"), ("log1p", "expm1"), ("asinh", "sinh"),
             ("sinh", "asinh")}  # fmt: skip


def simplify(expression: Expression) -> Expression:
    """Make a formula shorter without changing its value.

    Result: A formula of equal value; simplifying it again changes nothing.

    >>> from actwise.formula.expression import symbol
    >>> x = symbol("x")
    >>> simplify(x * sigmoid(x) * (-1) * (-1) + x - x)
    multiply(x, sigmoid(x))
    >>> simplify(1 / (1 + abs(x)) - abs(x) / (1 + abs(x)) ** 2)
    divide(1, power(add(1, absolute(x)), 2))
    """
    for _ in range(MOST_ROUNDS):
        simpler = _simplify_once(expression)
        if simpler == expression:
            break
        expression = simpler
    return expression


def _simplify_once(expression: Expression) -> Expression:
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        best = rebuild(node, tuple(results[each] for each in node.arguments))
        if best.operation in _RULES:
            for rule in _RULES[best.operation]:
                try:
                    candidate = rule(best)
                except NotRepresentable:
                    continue
                if cost(candidate) < cost(best):
                    best = candidate
                    if best.operation not in _RULES:
                        break
        remember(best)
        results[node] = best
    return results[expression]


def _shorter_product(node: Expression) -> Expression:
    if node.operation not in _PRODUCTS:
        return node
    parts = product(node)
    for rule in (_signs_absorbed, sigmoid_mirrored):
        parts = rule(parts)
    return assemble(parts)


def _signs_absorbed(parts: Product) -> Product:
    """Turn sign(u) u into abs(u) and sign(u) abs(u) into u."""
    for index, (base, exponent) in enumerate(parts.factors):
        if base.operation != "sign" or exponent != 1:
            continue
        u = base.arguments[0]
        for wanted, result in ((u, absolute(u)), (absolute(u), u)):
            key = canonical(wanted)
            for other, (factor, power_of_factor) in enumerate(parts.factors):
                if canonical(factor) == key and power_of_factor.denominator == 1 and power_of_factor > 0:
                    rest = parts.without(index, other)
                    left_over = Product(UNIT, ((factor, power_of_factor - 1),)) if power_of_factor > 1 else ONE
                    return rest.times(left_over).times(product(result))
    return parts


def sigmoid_mirrored(parts: Product) -> Product:
    """Turn exp(-u) sigmoid(u) into sigmoid(-u)."""
    for index, (base, exponent) in enumerate(parts.factors):
        if base.operation != "sigmoid" or exponent.denominator != 1 or exponent < 1:
            continue
        u = base.arguments[0]
        needed = product(Expression("exp", (-u,)))
        ((exponential, wanted),) = needed.factors or ((u, ZERO),)
        if exponential.operation == "exp" and parts.exponent_of(exponential) == wanted:
            fewer = Product(UNIT, ((base, exponent - 1),)) if exponent > 1 else ONE
            return parts.without(index).times(fewer).times(needed.inverse()).times(product(sigmoid(-u)))
    return parts


def _multiplied_out(node: Expression) -> Expression:
    """Turn a (y / a + 1) into y + a."""
    if node.operation not in _PRODUCTS:
        return node
    parts = product(node)
    for index, (base, exponent) in enumerate(parts.factors):
        if exponent == 1 and base.operation in _SUMS:
            rest = parts.without(index)
            return assemble_sum(collected([rest.times(each) for each in terms(base)]))
    return node


def choice_takes_factors(node: Expression) -> Expression:
    """Turn u where(c, 0, 1) into where(c, 0, u): the literal 0 stands for a term that is not there."""
    if node.operation not in _PRODUCTS:
        return node
    parts = product(node)
    for index, (base, exponent) in enumerate(parts.factors):
        if base.operation == "where" and exponent == 1 and number(0) in base.arguments[1:]:
            condition, chosen, otherwise = base.arguments
            if otherwise == number(0) and condition.operation in _NEGATED:
                # A comparison with NaN is false: the side with the factor must be the one for false.
                condition = Expression(_NEGATED[condition.operation], condition.arguments)
                chosen, otherwise = otherwise, chosen
            rest = parts.without(index)
            return where(condition, assemble(rest.times(product(chosen))), assemble(rest.times(product(otherwise))))
    return node


def _shorter_sum(node: Expression) -> Expression:
    flat = terms(node)
    together = collected(flat)
    shorter = assemble_sum(together)
    return shorter if len(together) < len(flat) or cost(shorter) < cost(node) else node


def _common_factor(node: Expression) -> Expression:
    """Pull out what all terms share."""
    together = collected(terms(node))
    if len(together) < 2:
        return node
    common = ONE
    size = abs(together[0].coefficient)
    if size != 1 and all(abs(each.coefficient) == size for each in together):
        common = Product(size)
    for base, _ in together[0].factors:
        exponents = [each.exponent_of(base) for each in together]
        if all(e > 0 for e in exponents):
            common = common.times(Product(UNIT, ((base, min(exponents)),)))
        elif all(e < 0 for e in exponents):
            common = common.times(Product(UNIT, ((base, max(exponents)),)))
    return _pulled_out(common, together) if common != ONE else node


def _common_denominator(node: Expression) -> Expression:
    """Put terms over one denominator where something cancels, as in 1/v - b/v**2."""
    together = collected(terms(node))
    for base in dict.fromkeys(b for each in together for b, e in each.factors if e < 0):
        lowest = min(each.exponent_of(base) for each in together)
        raised = [_without_power(each, base, lowest) for each in together]
        inner = [part for each in raised for part in terms(assemble(each))]
        remaining = collected(inner)
        if len(remaining) < len(inner):
            total = product(assemble_sum(remaining)) if remaining else Product(ZERO)
            return assemble(total.times(Product(UNIT, ((base, lowest),))))
    return node


def _pulled_out(common: Product, together: list[Product]) -> Expression:
    inner = []
    for each in together:
        rest = replace(each, coefficient=each.coefficient / common.coefficient)
        for base, exponent in common.factors:
            rest = _without_power(rest, base, exponent)
        inner.append(rest)
    return assemble(common.times(Product(UNIT, ((assemble_sum(collected(inner)), UNIT),))))


def _without_power(parts: Product, base: Expression, exponent: Fraction) -> Product:
    """Divide by base**exponent, which may leave base in the numerator."""
    key = canonical(base)
    if sum(canonical(b) == key for b, _ in parts.factors) > 1:
        raise NotRepresentable  # base/base: it may be zero, and was kept apart for that
    kept = tuple((b, e) for b, e in parts.factors if canonical(b) != key)
    left = parts.exponent_of(base) - exponent
    result = Product(parts.coefficient, kept)
    return result.times(Product(UNIT, ((base, left),))) if left != 0 else result


def _choices_joined(node: Expression) -> Expression:
    """Turn where(c, a, b) + where(c, d, e) into where(c, a + d, b + e)."""
    together = terms(node)
    seen: dict[Expression, int] = {}
    for index, each in enumerate(together):
        if len(each.factors) != 1 or each.factors[0][1] != 1 or each.factors[0][0].operation != "where":
            continue
        condition, chosen, otherwise = each.factors[0][0].arguments
        if condition in seen:
            first = together[seen[condition]]
            _, first_chosen, first_otherwise = first.factors[0][0].arguments
            u, v = number(float(first.coefficient)), number(float(each.coefficient))
            joined = where(condition, u * first_chosen + v * chosen, u * first_otherwise + v * otherwise)
            rest = [part for i, part in enumerate(together) if i not in (index, seen[condition])]
            return assemble_sum([Product(UNIT, ((joined, UNIT),)), *rest])
        seen[condition] = index
    return node


def _choice(node: Expression) -> Expression:
    condition, chosen, otherwise = node.arguments
    if condition.operation == "logical_not":
        return where(condition.arguments[0], otherwise, chosen)
    if condition.operation in COMPARISONS and all(each.is_number for each in condition.arguments):
        left, right = (each.number for each in condition.arguments)
        return chosen if _COMPARE[condition.operation](left, right) else otherwise
    if chosen.operation == "where" and chosen.arguments[0] == condition:
        chosen = chosen.arguments[1]
    if otherwise.operation == "where" and otherwise.arguments[0] == condition:
        otherwise = otherwise.arguments[2]
    if otherwise.operation == "where" and otherwise.arguments[1] == chosen:
        return where(condition | otherwise.arguments[0], chosen, otherwise.arguments[2])
    return where(condition, chosen, otherwise)


def function_of_one(node: Expression) -> Expression:
    """Simplify a function by its symmetry, its inverse and its value at 0."""
    (u,) = node.arguments
    if u.is_number and u.number == 0 and node.operation in _AT_ZERO:
        return number(_AT_ZERO[node.operation])
    if (node.operation, u.operation) in _INVERSES:
        return u.arguments[0]
    if node.operation == "absolute" and is_nonnegative(u):
        return u
    if node.operation == "sqrt":
        return _root_of_square(node)
    if node.operation in ODD_FUNCTIONS | _EVEN:
        parts = product(u)
        if parts.coefficient < 0 and parts.factors:
            positive = assemble(replace(parts, coefficient=-parts.coefficient))
            mirrored = rebuild(node, (positive,))
            return -mirrored if node.operation in ODD_FUNCTIONS else mirrored
    return node


def _root_of_square(node: Expression) -> Expression:
    """Turn sqrt(4 u**2) into 2 abs(u), which does not overflow and has a slope at 0."""
    parts = product(node.arguments[0])
    size = parts.coefficient
    if size <= 0 or not parts.factors or any(exponent % 2 != 0 for _, exponent in parts.factors):
        return node
    root = Fraction(math.isqrt(size.numerator), math.isqrt(size.denominator))
    if root**2 != size:
        return node
    return assemble(Product(root, tuple((absolute(base), exponent / 2) for base, exponent in parts.factors)))


def _extreme(node: Expression) -> Expression:
    left, right = node.arguments
    if left == right:
        return left
    if left.is_number and right.is_number and not math.isnan(left.number + right.number):
        choose = max if node.operation == "maximum" else min
        return number(choose(left.number, right.number))
    return node


_RULES: dict[str, tuple[Callable[[Expression], Expression], ...]] = {
    **dict.fromkeys(_SUMS, (_shorter_sum, _choices_joined, _common_factor, _common_denominator)),
    **dict.fromkeys(_PRODUCTS, (_shorter_product, choice_takes_factors, _multiplied_out)),
    **dict.fromkeys(ODD_FUNCTIONS | _EVEN | set(_AT_ZERO) | {"log"}, (function_of_one,)),
    "exp": (function_of_one, _shorter_product),
    "sqrt": (function_of_one, _shorter_product),
    **dict.fromkeys(("maximum", "minimum"), (_extreme,)),
    "where": (_choice,),
}
