"""Recognises functions that are written out in parts, and calls them by their name.

``1 - sigmoid(x)`` is 0 in float64 from x = 37 on, although it is never 0; ``sigmoid(-x)`` keeps every digit.
Such identities are found in sums and products. None needs a choice, so the result can be differentiated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

from actwise.formula.algebra import (
    HALF,
    UNIT,
    Factor,
    NotRepresentable,
    Product,
    assemble,
    assemble_sum,
    canonical,
    collected,
    constant_and_rest,
    partner_of,
    product,
    remember,
    scaled,
    square_root_of_square,
    terms,
    times,
)
from actwise.formula.expression import (
    Expression,
    asinh,
    cosh,
    erf,
    erfc,
    exp,
    expm1,
    log1p,
    normal_cdf,
    number,
    power,
    rebuild,
    sigmoid,
    sin,
    sinh,
    softplus,
    tanh,
    walk,
)
from actwise.formula.simplify import choice_takes_factors, function_of_one, sigmoid_mirrored

MOST_ROUNDS = 12
ROOT_HALF = 1 / math.sqrt(2)
_CLOSE = 1e-15  # a constant such as 0.7071067811865476 is recognised within a few units in the last place


@dataclass(frozen=True, slots=True)
class Pair:
    """The identity ``f(u)**exponent + constant == result(u)``, whose left side cancels for some u."""

    function: str
    exponent: int
    constant: Fraction
    result: Callable[[Expression], Expression]


_PAIRS = (
    Pair("sigmoid", 1, Fraction(-1), lambda u: -sigmoid(-u)),
    Pair("sigmoid", 1, -HALF, lambda u: tanh(times(u, HALF)) / 2),
    Pair("tanh", 2, Fraction(-1), lambda u: -power(1 / cosh(u), 2)),
    Pair("cosh", -2, Fraction(-1), lambda u: -power(tanh(u), 2)),
    Pair("tanh", 1, Fraction(1), lambda u: 2 * sigmoid(times(u, 2))),
    Pair("tanh", 1, Fraction(-1), lambda u: -2 * sigmoid(times(u, -2))),
    Pair("erf", 1, Fraction(1), lambda u: erfc(-u)),
    Pair("erf", 1, Fraction(-1), lambda u: -erfc(u)),
    Pair("erfc", 1, Fraction(-1), lambda u: -erf(u)),
    Pair("erfc", 1, Fraction(-2), lambda u: -erfc(-u)),
    Pair("normal_cdf", 1, Fraction(-1), lambda u: -normal_cdf(-u)),
    Pair("normal_cdf", 1, -HALF, lambda u: erf(ROOT_HALF * u) / 2),
    Pair("cos", 1, Fraction(-1), lambda u: -2 * power(sin(times(u, HALF)), 2)),
    Pair("cosh", 1, Fraction(-1), lambda u: 2 * power(sinh(times(u, HALF)), 2)),
    Pair("expm1", 1, Fraction(1), exp),
)


def recognise(expression: Expression) -> Expression:
    """Name the functions in a formula, without choices, so that the result can be differentiated.

    >>> from actwise.formula.expression import symbol
    >>> x = symbol("x")
    >>> recognise((exp(x) - exp(-x)) / (exp(x) + exp(-x)))
    tanh(x)
    """
    return rewritten(expression, _NAMING)


def rewritten(expression: Expression, rules: Rules) -> Expression:
    """Apply rules to every part of a formula until none applies."""
    for _ in range(MOST_ROUNDS):
        result = _rewritten_once(expression, rules)
        if result == expression:
            break
        expression = result
    return expression


def _rewritten_once(expression: Expression, rules: Rules) -> Expression:
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        result = rebuild(node, tuple(results[each] for each in node.arguments))
        for rule in rules.get(result.operation, ()):
            try:
                found = rule(result)
            except NotRepresentable:
                continue
            if found is not None:
                result = found
                break
        remember(result)
        results[node] = result
    return results[expression]


def as_product(expression: Expression) -> Product:
    """Make a product of one factor, without taking it apart."""
    return Product(UNIT, ((expression, UNIT),))


def _reduced(parts: Product, index: int, by: Fraction | int) -> Product:
    """Take some powers of one factor away."""
    base, exponent = parts.factors[index]
    rest = parts.without(index)
    return rest if exponent == by else rest.times(Product(UNIT, ((base, exponent - by),)))


def _cancelling_pair(node: Expression) -> Expression | None:
    """Replace two terms of a sum that cancel by the one that they make."""
    together = collected(terms(node))
    if len(together) < 2:
        return None
    for i, term in enumerate(together):
        for index, factor in enumerate(term.factors):
            for rest, constant, result in _identities(term, index, factor):
                j = partner_of(together, scaled(rest, constant))
                if j is not None and j != i:
                    others = [each for k, each in enumerate(together) if k not in (i, j)]
                    return assemble_sum([rest.times(product(result)), *others])
    return None


def _identities(term: Product, index: int, factor: Factor) -> list[tuple[Product, Fraction, Expression]]:
    """List (rest, c, result) for which ``term + c * rest == rest * result``."""
    base, exponent = factor
    if base.operation == "exp":
        u = times(base.arguments[0], exponent)
        return [(term.without(index), Fraction(-1), expm1(u))]
    whole = exponent.denominator == 1
    return [
        (_reduced(term, index, pair.exponent), pair.constant, pair.result(base.arguments[0]))
        for pair in _PAIRS
        if pair.function == base.operation and whole and exponent / pair.exponent >= 1
    ]


def _hyperbolic_sum(node: Expression) -> Expression | None:
    """Turn exp(u) + exp(-u) into 2 cosh(u), and the difference into 2 sinh(u)."""
    together = collected(terms(node))
    for i, term in enumerate(together):
        for index, (base, exponent) in enumerate(term.factors):
            if base.operation != "exp" or exponent <= 0:
                continue
            rest = term.without(index)
            mirrored = rest.times(Product(UNIT, ((base, -exponent),)))
            u = times(base.arguments[0], exponent)
            for side, result in ((1, 2 * cosh(u)), (-1, 2 * sinh(u))):
                j = partner_of(together, scaled(mirrored, side))
                if j is not None and j != i:
                    others = [each for k, each in enumerate(together) if k not in (i, j)]
                    return assemble_sum([rest.times(product(result)), *others])
    return None


def _softplus_minus_argument(node: Expression) -> Expression | None:
    """Turn softplus(u) - u into softplus(-u)."""
    together = collected(terms(node))
    for i, term in enumerate(together):
        for index, (base, exponent) in enumerate(term.factors):
            if base.operation == "softplus" and exponent == 1:
                rest, u = term.without(index), base.arguments[0]
                j = partner_of(together, scaled(rest.times(product(u)), -1))
                if j is not None:
                    others = [each for k, each in enumerate(together) if k not in (i, j)]
                    return assemble_sum([rest.times(as_product(softplus(-u))), *others])
    return None


def _mirrored_sigmoids(node: Expression) -> Expression | None:
    """Turn sigmoid(u) - sigmoid(-u) into tanh(u / 2)."""
    together = collected(terms(node))
    for i, term in enumerate(together):
        for index, (base, exponent) in enumerate(term.factors):
            if base.operation == "sigmoid" and exponent == 1:
                rest, u = term.without(index), base.arguments[0]
                j = partner_of(together, scaled(rest.times(as_product(sigmoid(-u))), -1))
                if j is not None:
                    others = [each for k, each in enumerate(together) if k not in (i, j)]
                    return assemble_sum([rest.times(product(tanh(times(u, HALF)))), *others])
    return None


def _logistic_product(node: Expression) -> Expression | None:
    """Turn 1 / (1 + exp(u)) into sigmoid(-u), and exp(-u) sigmoid(u) into sigmoid(-u)."""
    parts = product(node)
    for index, (base, exponent) in enumerate(parts.factors):
        split = constant_and_rest(base) if exponent < 0 and exponent.denominator == 1 else None
        if split is None or split[0] != 1:
            continue
        tail = product(split[1])
        if tail.coefficient == 1 and len(tail.factors) == 1 and tail.factors[0][0].operation == "exp":
            u = split[1].arguments[0]
            logistic = Product(UNIT, ((sigmoid(-u), -exponent),))
            return assemble(sigmoid_mirrored(parts.without(index).times(logistic)))
    mirrored = sigmoid_mirrored(parts)
    return assemble(mirrored) if mirrored is not parts else None


def _tangent_product(node: Expression) -> Expression | None:
    """Turn sinh / cosh, and expm1(u) sigmoid(-u), into tanh."""
    parts = product(node)
    for index, (base, exponent) in enumerate(parts.factors):
        whole = exponent.denominator == 1 and exponent > 0
        if base.operation == "sinh" and whole:
            below = cosh(base.arguments[0])
            if parts.exponent_of(below) <= -1:
                rest = _reduced(parts, index, 1).times(Product(UNIT, ((below, UNIT),)))
                return assemble(rest.times(as_product(tanh(base.arguments[0]))))
        if base.operation == "expm1" and whole:
            u = base.arguments[0]
            key = canonical(sigmoid(-u))
            for other, (factor, power_of_factor) in enumerate(parts.factors):
                if canonical(factor) == key and power_of_factor >= 1:
                    fewer = _reduced(parts, max(index, other), 1)
                    place = next(k for k, f in enumerate(fewer.factors) if f == parts.factors[min(index, other)])
                    half = assemble(scaled(product(u), HALF))
                    return assemble(_reduced(fewer, place, 1).times(as_product(tanh(half))))
    return None


def _normal_product(node: Expression) -> Expression | None:
    """Turn erfc(-u / sqrt(2)) / 2 into normal_cdf(u)."""
    parts = product(node)
    for index, (base, exponent) in enumerate(parts.factors):
        if base.operation != "erfc" or exponent != 1:
            continue
        inside = product(base.arguments[0])
        two = next((k for k, (b, _) in enumerate(inside.factors) if b == number(2)), None)
        scale = float(inside.coefficient)
        if two is not None and inside.factors[two][1] == -HALF:
            scale *= ROOT_HALF
            inside = inside.without(two)
        if abs(abs(scale) - ROOT_HALF) <= _CLOSE:
            u = assemble(replace(inside, coefficient=Fraction(-1 if scale > 0 else 1)))
            return assemble(scaled(parts.without(index), 2).times(as_product(normal_cdf(u))))
    return None


def _exponential_by_cosh(node: Expression) -> Expression | None:
    """Turn exp(u) / cosh(u) into 2 sigmoid(2 u)."""
    parts = product(node)
    for index, (base, exponent) in enumerate(parts.factors):
        if base.operation != "exp" or exponent <= 0:
            continue
        u = times(base.arguments[0], exponent)
        for other, (below, power_below) in enumerate(parts.factors):
            if below.operation != "cosh" or power_below > -1:
                continue
            if canonical(below.arguments[0]) in (canonical(u), canonical(-u)):
                rest = parts.without(index, other)
                if power_below < -1:
                    rest = rest.times(Product(UNIT, ((below, power_below + 1),)))
                return assemble(scaled(rest.times(as_product(sigmoid(times(u, 2)))), 2))
    return None


def _choice_product(node: Expression) -> Expression | None:
    """Turn u where(c, 1, 0) into where(c, u, 0), which is 0 also where u is infinite."""
    result = choice_takes_factors(node)
    return None if result == node else result


def _reciprocal_cosh(node: Expression) -> Expression | None:
    """Turn 1 / cosh(u)**n into (1 / cosh(u))**n: cosh(u)**2 overflows before its reciprocal is 0."""
    if node.operation != "divide":
        return None
    below = product(node.arguments[1])
    for index, (base, exponent) in enumerate(below.factors):
        if base.operation == "cosh" and exponent > 1:
            above = node.arguments[0] / assemble(below.without(index))
            return above * power(1 / base, float(exponent))
    return None


def _numbers_joined(node: Expression) -> Expression | None:
    """Turn 2 u / 2 into u: rewriting leaves such numbers behind."""
    chain, literals = [node], 0
    while chain:
        part = chain.pop()
        literals += part.is_number
        if part.operation in {"multiply", "divide"}:
            chain.extend(part.arguments)
    return assemble(product(node)) if literals > 1 else None


def _logarithm(node: Expression) -> Expression | None:
    """Rewrite logarithms of sums and of functions that overflow or underflow."""
    (inside,) = node.arguments
    if inside.operation == "sigmoid":
        return -softplus(-inside.arguments[0])
    if inside.operation == "exp":
        return inside.arguments[0]
    split = constant_and_rest(inside)
    if split is not None and split[0] == 1:
        w = split[1]
        return softplus(w.arguments[0]) if w.operation == "exp" else log1p(w)
    root = _log_of_root_sum(inside)
    return _log_of_product(inside) if root is None else root


def _log_of_product(inside: Expression) -> Expression | None:
    """Turn log(a**k * b**l) of exponentials, sigmoids and 1 + exp(u), whose quotients overflow, into a sum."""
    parts = product(inside)
    if parts.coefficient <= 0 or not parts.factors:
        return None
    logarithms = [_log_of_factor(base) for base, _ in parts.factors]
    if any(each is None for each in logarithms):
        return None
    total = number(math.log(parts.coefficient))
    for found, (_, exponent) in zip(logarithms, parts.factors, strict=True):
        assert found is not None
        total = total + times(found, exponent)
    return total


def _log_of_factor(base: Expression) -> Expression | None:
    if base.operation == "exp":
        return base.arguments[0]
    if base.operation == "sigmoid":
        return -softplus(-base.arguments[0])
    u = _one_plus_exp(base)
    return None if u is None else softplus(u)


def _one_plus_exp(base: Expression) -> Expression | None:
    """Return u if the base is 1 + exp(u)."""
    split = constant_and_rest(base)
    if split is None or split[0] != 1 or split[1].operation != "exp":
        return None
    return split[1].arguments[0]


def _power_of_exponential_sum(node: Expression) -> Expression | None:
    """Turn (1 + exp(u))**v, whose factors overflow against each other once it is differentiated, into one exp."""
    if node.operation != "power":
        return None
    base, exponent = node.arguments
    u = _one_plus_exp(base)
    if u is None or (exponent.is_number and exponent.number.is_integer()):
        return None
    return exp(exponent * softplus(u))


def _powers_of_numbers(node: Expression) -> Expression | None:
    """Turn 2**u in a sum, such as 1 / (1 + 2**-x), into exp(u log(2)), which is recognised."""
    found = {
        each: exp(math.log(each.arguments[0].number) * each.arguments[1])
        for term in node.arguments
        for each in walk(term)
        if each.operation == "power" and each.arguments[0].is_number and each.arguments[0].number > 0
        and not each.arguments[1].is_number
    }  # fmt: skip
    if not found:
        return None
    results: dict[Expression, Expression] = {}
    for each in walk(node):
        results[each] = found[each] if each in found else rebuild(each, tuple(results[a] for a in each.arguments))
    return results[node]


def _log_of_root_sum(inside: Expression) -> Expression | None:
    """Turn log(u + sqrt(1 + u**2)) into asinh(u)."""
    together = terms(inside) if inside.operation in {"add", "subtract"} else []
    if len(together) != 2:
        return None
    for term, other in (together, reversed(together)):
        if term.coefficient != 1 or len(term.factors) != 1 or term.factors[0][1] != HALF:
            continue
        split = constant_and_rest(term.factors[0][0])
        u = square_root_of_square(split[1]) if split is not None and split[0] == 1 else None
        if u is not None and other.key == product(u).key and abs(other.coefficient) == 1:
            return asinh(assemble(other))
    return None


def _log1p(node: Expression) -> Expression | None:
    (inside,) = node.arguments
    return softplus(inside.arguments[0]) if inside.operation == "exp" else None


def _exponential(node: Expression) -> Expression | None:
    """Turn exp(-softplus(u)) into sigmoid(-u)."""
    parts = product(node.arguments[0])
    if len(parts.factors) == 1 and parts.factors[0][1] == 1:
        base = parts.factors[0][0]
        if base.operation == "softplus" and parts.coefficient == -1:
            return sigmoid(-base.arguments[0])
        if base.operation == "log" and parts.coefficient == 1:
            return base.arguments[0]
    return None


def _symmetry(node: Expression) -> Expression | None:
    result = function_of_one(node)
    return None if result == node else result


_SUM_RULES = (_powers_of_numbers, _cancelling_pair, _hyperbolic_sum, _softplus_minus_argument, _mirrored_sigmoids)
Rules: TypeAlias = dict[str, tuple[Callable[[Expression], Expression | None], ...]]
_PRODUCT_RULES = (
    _power_of_exponential_sum,
    _logistic_product,
    _tangent_product,
    _exponential_by_cosh,
    _normal_product,
    _choice_product,
    _reciprocal_cosh,
    _numbers_joined,
)
_NAMING: Rules = {
    **dict.fromkeys(("add", "subtract"), _SUM_RULES),
    **dict.fromkeys(("multiply", "divide", "power"), _PRODUCT_RULES),
    **dict.fromkeys(("tanh", "sinh", "cosh", "erf", "sin", "cos"), (_symmetry,)),
    "erfc": (_normal_product,),
    "log": (_logarithm,),
    "log1p": (_log1p,),
    "exp": (_exponential,),
}
