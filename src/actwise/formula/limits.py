"""Arranges products so that they have their limit where a factor is infinite or overflows.

``x * sigmoid(x)`` is NaN at minus infinity, since it is infinity times 0; its limit is 0. A factor that
vanishes like an exponential wins over one that grows like a polynomial, and ``u / (1 + abs(u))`` is the
sign of ``u`` from ``2**54`` on: those two facts are all that this module uses.
"""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from functools import reduce

from actwise.formula.algebra import (
    HALF,
    UNIT,
    NotRepresentable,
    Product,
    assemble,
    canonical,
    collected,
    product,
    terms,
)
from actwise.formula.expression import (
    Expression,
    absolute,
    equal,
    log,
    number,
    rebuild,
    sign,
    symbols,
    walk,
    where,
)
from actwise.formula.signs import is_nonnegative

LARGE = 2.0**54  # 1 + LARGE is LARGE in float64
LARGE_SQUARE = 2.0**27  # 1 + LARGE_SQUARE**2 is LARGE_SQUARE**2
_VANISHING = frozenset({"exp", "sigmoid", "softplus", "normal_cdf", "erfc"})
_GROWING = frozenset({
    "symbol", "number", "negate", "add", "subtract", "multiply", "absolute", "maximum", "minimum", "where",
    "softplus", "log", "log1p", "sqrt", "asinh", "sigmoid", "tanh", "erf", "erfc", "normal_cdf", "arctan",
    "sin", "cos", "sign", "floor",
})  # fmt: skip
_ZERO_AT_ZERO = frozenset({"tanh", "sinh", "asinh", "erf", "arctan", "expm1", "log1p", "sin"})
_BOUNDED = frozenset({"sigmoid", "tanh", "erf", "erfc", "normal_cdf", "arctan", "sin", "cos", "sign"})


def keep_limits(expression: Expression, variable: str = "x") -> Expression:
    """Choose the limit of a product where computing it would give NaN or lose it to overflow.

    `variable`: the name of the variable; only it is expected to become infinite.

    >>> from actwise.formula.expression import sigmoid, symbol
    >>> x = symbol("x")
    >>> keep_limits(x * sigmoid(x))
    where(equal(sigmoid(x), 0), 0, multiply(x, sigmoid(x)))
    """
    results: dict[Expression, Expression] = {}
    for node in walk(expression):
        plain = rebuild(node, tuple(results[each] for each in node.arguments))
        try:
            results[node] = _without_repetition(_with_limits(node, plain, variable))
        except NotRepresentable:
            results[node] = plain
    return results[expression]


def _with_limits(node: Expression, plain: Expression, variable: str) -> Expression:
    found = None
    if node.operation in {"multiply", "divide", "sqrt"}:
        found = _saturating(node, variable)
    if node.operation == "log1p":
        found = _log_of_square(node)
    if found is None and node.operation in {"multiply", "divide"}:
        return _vanishing(node, plain, variable)
    return plain if found is None else found


def _without_repetition(node: Expression) -> Expression:
    if node.operation == "where" and node.arguments[2].operation == "where":
        condition, chosen, otherwise = node.arguments
        if otherwise.arguments[:2] == (condition, chosen):
            return otherwise
    return node


def _vanishing(node: Expression, result: Expression, variable: str) -> Expression:
    """Make infinity times 0 equal 0 where the 0 is an exponential that underflowed."""
    parts = product(node)
    bases = [(base, exponent) for base, exponent in parts.factors if variable in symbols(base)]
    # What vanishes like an exponential of an exponential wins over any exponential.
    strong = any(_is_double_exponential(base, exponent) for base, exponent in bases)
    zero: list[Expression] = []
    rising: list[Expression] = []
    grows = False
    for base, exponent in bases:
        vanishing = _vanishing_factor(base, exponent)
        if vanishing is not None:
            (rising if _may_rise(base, vanishing) and not strong else zero).append(vanishing)
            grows |= strong and base.operation == "exp"
            continue
        if not _grows_slowly(base, _GROWING if exponent > 0 else _GROWING - _VANISHING):
            return result
        grows |= exponent > 0 and base.operation not in _BOUNDED
    # Of exp(x) and another factor that vanishes either may win; only where exp is 0 is it sure.
    if len(rising) > 1 or not grows or not (zero or rising):
        return result
    inner = tuple(each.arguments[2] if _is_protected(each) else each for each in result.arguments)
    return where(reduce(operator.or_, [equal(each, 0) for each in rising or zero]), 0, rebuild(result, inner))


def _may_rise(base: Expression, vanishing: Expression) -> bool:
    return base.operation == "exp" and not is_nonnegative(-vanishing.arguments[0])


def _is_double_exponential(base: Expression, exponent: Fraction) -> bool:
    """Say whether a factor is the reciprocal of cosh of an exponential, or exp of minus one."""
    if base.operation == "cosh":
        return exponent < 0 and any(each.operation == "exp" for each in walk(base.arguments[0]))
    if base.operation != "exp" or not any(each.operation == "exp" for each in walk(base.arguments[0])):
        return False
    return is_nonnegative(-assemble(Product(UNIT, ((base, exponent),))).arguments[0])


def _vanishing_factor(base: Expression, exponent: Fraction) -> Expression | None:
    """Return what becomes 0 like an exponential somewhere, if the factor does."""
    if base.operation == "exp":
        return assemble(Product(UNIT, ((base, exponent),)))
    if base.operation == "cosh" and exponent < 0:
        return 1 / base
    return base if exponent > 0 and _vanishes(base) else None


def _vanishes(node: Expression) -> bool:
    while node.operation in _ZERO_AT_ZERO:
        node = node.arguments[0]
    return node.operation in _VANISHING


def _grows_slowly(base: Expression, operations: frozenset[str]) -> bool:
    """Say whether a factor grows like a polynomial at most."""
    return all(each.operation in operations or each.is_condition or _is_plain_power(each) for each in walk(base))


def _is_protected(node: Expression) -> bool:
    """Say whether a factor already is a product that this module protected."""
    if node.operation != "where":
        return False
    _, chosen, otherwise = node.arguments
    return chosen == number(0) and otherwise.operation in {"multiply", "divide"}


def _is_plain_power(node: Expression) -> bool:
    return node.operation == "power" and node.arguments[1].is_number and node.arguments[1].number > 0


def _saturating(node: Expression, variable: str) -> Expression | None:
    """Replace c + abs(u) and c + u**2 by what they are for large u, and cancel powers of u there."""
    parts = product(node)
    for index, (base, exponent) in enumerate(parts.factors):
        found = _growing_denominator(base) if variable in symbols(base) else None
        if found is None or (exponent > 0 and node.operation != "sqrt"):
            continue
        u, degree, bound = found
        key, key_of_size = canonical(u), canonical(absolute(u))
        signed = sum((e for b, e in parts.factors if canonical(b) == key and e > 0), Fraction(0))
        unsigned = sum((e for b, e in parts.factors if canonical(b) == key_of_size and e > 0), Fraction(0))
        left = signed + unsigned + degree * exponent
        if signed.denominator != 1:
            continue
        involved = [
            k for k, (b, e) in enumerate(parts.factors)
            if k == index or (canonical(b) in (key, key_of_size) and e > 0)
        ]  # fmt: skip
        core = Product(UNIT, tuple(parts.factors[k] for k in involved))
        rest = keep_limits(assemble(parts.without(*involved)), variable)
        far = assemble(Product(UNIT, ((absolute(u), left),) if left != 0 else ()))
        if signed % 2 == 1:
            far = sign(u) * far
        return rest * where(absolute(u) > bound, far, assemble(core))
    return None


def _log_of_square(node: Expression) -> Expression | None:
    """Turn log1p(u**2), whose square overflows, into 2 log(abs(u)) for large u."""
    parts = product(node.arguments[0])
    if parts.coefficient != 1 or len(parts.factors) != 1 or parts.factors[0][1] != 2:
        return None
    size = absolute(parts.factors[0][0])
    return where(size > LARGE_SQUARE, 2 * log(size), node)


def _growing_denominator(base: Expression) -> tuple[Expression, int, float] | None:
    """Recognise c + abs(u) and c + u**2: return u, the degree, and from where on c does not count."""
    if base.operation != "add":
        return None
    together = collected(terms(base))
    constants = [each for each in together if not each.factors]
    rest = [each for each in together if each.factors]
    if len(constants) != 1 or len(rest) != 1 or constants[0].coefficient <= 0:
        return None
    constant = max(float(constants[0].coefficient), 1.0)
    if rest[0].coefficient != 1 or len(rest[0].factors) != 1:
        return None
    factor, exponent = rest[0].factors[0]
    if exponent == HALF:  # c + sqrt(d + u**2)
        under_root = _growing_denominator(factor)
        return (under_root[0], 1, LARGE * constant) if under_root and under_root[1] == 2 else None
    if factor.operation == "absolute" and exponent == 1:
        return factor.arguments[0], 1, LARGE * constant
    if exponent == 2:
        return factor, 2, LARGE_SQUARE * math.sqrt(constant)
    return None
