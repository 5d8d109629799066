"""Rewrites formulas that lose digits into equal ones that do not.

What can be named is named by `actwise.formula.recognise`. What is left are differences for which no
single formula is good everywhere: they become a choice between two.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from actwise.formula.algebra import (
    HALF,
    UNIT,
    Factor,
    Product,
    assemble,
    assemble_sum,
    canonical,
    collected,
    constant_and_rest,
    partner_of,
    product,
    scaled,
    square_root_of_square,
    terms,
    times,
)
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import (
    Expression,
    absolute,
    cosh,
    exp,
    log,
    log1p,
    normal_cdf,
    number,
    power,
    sign,
    sinh,
    softplus,
    sqrt,
    where,
)
from actwise.formula.limits import keep_limits
from actwise.formula.recognise import (
    Rules,
    as_product,
    recognise,
    rewritten,
)
from actwise.formula.removable import without_holes
from actwise.formula.simplify import simplify

TERMS_OF_TANH_SHRINK = 10  # 2 k / (2 k + 1)! is below one unit in the last place from k = 9 on, for u < 1


def stabilise(expression: Expression, variable: str = "x") -> Expression:
    """Rewrite a formula so that it keeps its digits in the tails and its limits at infinity.

    Differentiate before, with `derivative`: a choice that protects a limit has a slope of its own.

    `variable`: the name of the variable; only it is expected to become infinite.

    >>> from actwise.formula.expression import sigmoid, symbol
    >>> x = symbol("x")
    >>> stabilise(1 - sigmoid(x))
    sigmoid(negate(x))
    >>> stabilise(log(1 + exp(x)))
    softplus(x)
    """
    return keep_limits(rewritten(recognise(expression), _BY_CASES), variable)


def derivative(expression: Expression, variable: str = "x") -> Expression:
    """Differentiate a formula into a form that reads well and keeps its digits.

    Result: the derivative; `stabilise` makes it ready for infinite arguments.

    >>> from actwise.formula.expression import symbol
    >>> derivative(1 / (1 + exp(-symbol("x"))))
    multiply(sigmoid(x), sigmoid(negate(x)))
    """
    slope = differentiate(simplify(recognise(expression)), variable)
    return simplify(recognise(without_holes(simplify(slope))))


def _root_sum(node: Expression) -> Expression | None:
    """Rewrite differences of roots and what is nearly equal, such as sqrt(u**2 + 1) - u."""
    together = collected(terms(node))
    for i, term in enumerate(together):
        for index, (base, exponent) in enumerate(term.factors):
            for rest, partner, result in _conjugates(term, index, base, exponent):
                j = partner_of(together, partner)
                if j is not None:
                    others = [each for k, each in enumerate(together) if k not in (i, j)]
                    return assemble_sum([rest.times(as_product(result)), *others])
    return None


def _conjugates(
    term: Product, index: int, base: Expression, exponent: Fraction
) -> list[tuple[Product, Product, Expression]]:
    """List (rest, partner, result) for which ``term + partner == rest * result``."""
    split = constant_and_rest(base) if abs(exponent) == HALF else None
    if split is None:
        return []
    rest, (constant, w) = term.without(index), split
    root, u = sqrt(base), square_root_of_square(w)
    found = []
    if exponent > 0:
        if constant == 1:
            found.append((rest, scaled(rest, -1), w / (1 + root)))
        if u is not None:
            # Written with abs(u), so that neither side is taken for the same pattern again.
            far = root + absolute(u)
            moved = rest.times(product(u))
            found.append((rest, scaled(moved, -1), where(u > 0, constant / far, far)))
            found.append((rest, moved, where(u < 0, constant / far, far)))
    elif u is not None and rest.exponent_of(u) == 1:
        rest = rest.without(*(k for k, (b, _) in enumerate(rest.factors) if canonical(b) == canonical(u)))
        near, far = constant / root / (root + absolute(u)), 1 + absolute(u) / root
        found.append((rest, scaled(rest, -1), where(u > 0, -near, -far)))
        found.append((rest, rest, where(u < 0, near, far)))
    return found


def _tanh_shrink(node: Expression) -> Expression | None:
    """Turn u - tanh(u) into (u cosh(u) - sinh(u)) / cosh(u), whose numerator is a short series."""
    together = collected(terms(node))
    for i, term in enumerate(together):
        for index, (base, exponent) in enumerate(term.factors):
            if base.operation == "tanh" and exponent == 1:
                rest, u = term.without(index), base.arguments[0]
                j = partner_of(together, scaled(rest.times(product(u)), -1))
                if j is not None:
                    others = [each for k, each in enumerate(together) if k not in (i, j)]
                    square = u * u
                    series = number(0)
                    for k in range(TERMS_OF_TANH_SHRINK, 0, -1):
                        series = series * square + 2 * k / math.factorial(2 * k + 1)
                    near = u * square * series / cosh(u)
                    # Written with absolute values, so that it is not taken for the same pattern again.
                    far = absolute(u) - abs(base)
                    result = -where(absolute(u) < 1, near, sign(u) * far)
                    return assemble_sum([rest.times(product(result)), *others])
    return None


def _logarithm_by_cases(node: Expression) -> Expression | None:
    """Rewrite log(c cosh(u)), which overflows, and log(1 - exp(u)) and log(normal_cdf(u)), which need two forms."""
    parts = product(node.arguments[0])
    if len(parts.factors) != 1 or parts.factors[0][1] != 1:
        return None
    base = parts.factors[0][0]
    u = base.arguments[0] if base.arguments else base
    if base.operation == "cosh" and parts.coefficient > 0:
        return number(math.log(parts.coefficient)) + _log_cosh(u)
    if base.operation == "expm1" and parts.coefficient == -1 and node.operation == "log":
        # The sum is -expm1(u) by now; the choice keeps it from being found again.
        return where(u > -math.log(2), log(absolute(base)), log1p(-exp(u)))
    if base.operation == "normal_cdf" and parts.coefficient == 1 and node.operation == "log":
        return where(u > 0, log1p(-normal_cdf(-u)), log(absolute(base)))
    return None


def _log_cosh(u: Expression) -> Expression:
    # Near 0 the first form keeps the digits of u**2 / 2, and the second does not overflow.
    size = absolute(u)
    near = log1p(2 * power(sinh(times(u, HALF)), 2))
    return where(size < 2, near, size + softplus(-2 * size) - math.log(2))


def _exponential_quotient(node: Expression) -> Expression | None:
    """Divide sums of exponentials, as in exp(u) / (exp(u) + 3), by their largest term on each side of u = 0."""
    parts = product(node)
    sums = [(base, exponent) for base, exponent in parts.factors if base.operation in {"add", "subtract"}]
    if not any(exponent < 0 for _, exponent in sums):
        return None
    found = [(_exponents(base), exponent) for base, exponent in sums]
    found = [(each, exponent) for each, exponent in found if len(each[0]) > 1]
    single = [_exponent(as_product(base)) for base, exponent in parts.factors if base.operation == "exp"]
    scales = {u for (table, _), _ in found for _, u in table if u is not None} | {u for _, u in single if u is not None}
    if len(scales) != 1 or (u := next(iter(scales))).operation == "absolute" or not any(e < 0 for _, e in found):
        return None
    others = [each for each in parts.factors if each[0].operation != "exp" and all(each[0] is not b for b, _ in sums)]
    others += [each for each, (table, _) in zip(sums, map(_exponents_of, sums), strict=True) if len(table) < 2]
    sides = []
    for choose, sign_of in ((max, 1), (min, -1)):
        power_of_exp = sum((k * e for (k, _), (_, e) in zip(single, _exps(parts), strict=True)), Fraction(0))
        result = assemble(replace(parts, factors=tuple(others)))
        for (table, rests), exponent in found:
            largest = choose(k for k, _ in table)
            power_of_exp += largest * exponent
            inner = number(0)
            for (k, _), rest in zip(table, rests, strict=True):
                inner = inner + (rest if k == largest else rest * exp(times(absolute(u), -abs(k - largest))))
            result = result * power(inner, float(exponent))
        sides.append(result * exp(times(absolute(u), sign_of * power_of_exp)) if power_of_exp else result)
    return where(u > 0, *sides)


def _exps(parts: Product) -> list[Factor]:
    return [each for each in parts.factors if each[0].operation == "exp"]


def _exponents_of(factor: Factor) -> tuple[list[tuple[Fraction, Expression | None]], list[Expression]]:
    return _exponents(factor[0])


def _exponents(base: Expression) -> tuple[list[tuple[Fraction, Expression | None]], list[Expression]]:
    """The exponentials k u in the terms of a sum, and what each is multiplied by; empty where none has one."""
    together = collected(terms(base))
    table = [_exponent(each) for each in together]
    if all(u is None for _, u in table):
        return [], []
    rests = [
        assemble(each.without(*(k for k, (b, _) in enumerate(each.factors) if b.operation == "exp")))
        for each in together
    ]
    return table, rests


def _exponent(term: Product) -> tuple[Fraction, Expression | None]:
    """The k and u of exp(k u) in a product; no u where there is none."""
    exps = [(base.arguments[0], exponent) for base, exponent in term.factors if base.operation == "exp"]
    if not exps:
        return Fraction(0), None
    inside = product(assemble_sum([scaled(product(u), exponent) for u, exponent in exps]))
    return inside.coefficient, assemble(Product(UNIT, inside.factors))


_BY_CASES: Rules = {
    **dict.fromkeys(("multiply", "divide", "power"), (_exponential_quotient,)),
    **dict.fromkeys(("add", "subtract"), (_root_sum, _tanh_shrink)),
    "log": (_logarithm_by_cases,),
}
