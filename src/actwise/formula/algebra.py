"""Sums and products in a normal form, with exact coefficients.

A `Product` is a coefficient times powers of factors; a sum is a list of products. Both are taken apart
from an expression and put together again; in between, like factors and like terms meet. Coefficients
are fractions, so that nothing is rounded on the way: ``x / 3`` stays ``x / 3``.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from actwise.formula.expression import SYMBOL, Expression, add, exp, number, power, sqrt, subtract
from actwise.formula.signs import is_nonnegative, is_positive

ZERO, HALF, UNIT = Fraction(0), Fraction(1, 2), Fraction(1)
LARGEST_EXPANDED_EXPONENT = 32  # (2 x)**n becomes 2**n x**n up to here
LARGEST_EXACT_INTEGER = 2**53
MOST_TERMS = 60  # longer sums and products stay as they are written
_SUM_CHAIN = frozenset({"add", "subtract", "negate"})
_PRODUCT_CHAIN = frozenset({"multiply", "divide", "negate"})
ODD_FUNCTIONS = frozenset({"sign", "sin", "sinh", "tanh", "arctan", "asinh", "erf"})
_VARIABLES = frozenset({"x", "y"})
Factor: TypeAlias = tuple[Expression, Fraction]
Key: TypeAlias = frozenset[tuple[Factor, int]]


class NotRepresentable(ArithmeticError):  # noqa: N818 - a signal inside the simplifier, not an error
    """A coefficient left the range of float64, or a formula grew too long, while parts were collected."""


@dataclass(frozen=True, slots=True)
class Product:
    """A coefficient times powers of factors.

    Parameters
    ----------
    coefficient : Fraction
        The exact number in front.
    factors : tuple of (Expression, Fraction)
        Each base with its exponent, in order of appearance.
    """

    coefficient: Fraction
    factors: tuple[Factor, ...] = ()

    def times(self, other: Product) -> Product:
        """Multiply, collecting equal bases."""
        factors = list(self.factors)
        for base, exponent in other.factors:
            _collect(factors, base, exponent)
        if len(factors) > MOST_TERMS:
            raise NotRepresentable
        return Product(self.coefficient * other.coefficient, tuple(factors))

    def inverse(self) -> Product:
        """Return one over the product, whose coefficient must not be zero."""
        return Product(1 / self.coefficient, tuple((base, -exponent) for base, exponent in self.factors))

    def exponent_of(self, base: Expression) -> Fraction:
        """Return the exponent of a base, 0 where it does not occur."""
        key = canonical(base)
        return sum((exponent for each, exponent in self.factors if canonical(each) == key), ZERO)

    def without(self, *indices: int) -> Product:
        """Leave out some factors."""
        return replace(self, factors=tuple(f for i, f in enumerate(self.factors) if i not in indices))

    @property
    def key(self) -> Key:
        """What like terms have in common; sqrt(x) sqrt(x) is kept apart, so a factor may occur twice."""
        return frozenset(Counter((canonical(base), exponent) for base, exponent in self.factors).items())


ONE = Product(UNIT)


@lru_cache(maxsize=1 << 16)
def cost(node: Expression) -> int:
    """Return how long a formula is to read: its nodes, and a little more for an odd order.

    >>> from actwise.formula.expression import symbol
    >>> x = symbol("x")
    >>> cost(x - 1) < cost(x + -1), cost(2 * x) < cost(x * 2)
    (True, True)
    """
    own = 1
    if node.is_number:
        own = 2 if node.number < 0 else 1
    elif node.operation in ODD_FUNCTIONS:
        own += node.arguments[0].operation == "negate"
    elif node.operation == "add":
        own += node.arguments[0] == node.arguments[1]
    elif node.operation == "multiply":
        left, right = node.arguments
        own += right.is_number + (left.operation == "negate") + (right.operation == "negate")
        last = left.arguments[1] if left.operation == "multiply" else left
        own += right.operation == "multiply"
        own += not (last.is_number or right.is_number) and _rank(last) > _rank(right)
    return own + sum(cost(each) for each in node.arguments)


@lru_cache(maxsize=1 << 16)
def _has_symbols(node: Expression) -> bool:
    return node.operation == SYMBOL or any(map(_has_symbols, node.arguments))


def _rank(factor: Expression) -> int:
    """Say where a factor belongs: parameters, then the variable, then everything else."""
    base = factor.arguments[0] if factor.operation == "power" else factor
    if base.operation != SYMBOL:
        return 2 if _has_symbols(base) else 0
    return 1 if base.name in _VARIABLES else 0


@lru_cache(maxsize=1 << 16)
def canonical(node: Expression) -> Expression:
    """Return a form that is equal for formulas that differ in order only; it is never shown."""
    arguments = tuple(canonical(each) for each in node.arguments)
    if node.operation == "subtract":
        return _unordered("add", (arguments[0], Expression("negate", arguments[1:])))
    if node.operation in {"add", "multiply", "maximum", "minimum"}:
        return _unordered(node.operation, arguments)
    return replace(node, arguments=arguments) if arguments else node


def _unordered(operation: str, arguments: tuple[Expression, ...]) -> Expression:
    flat: list[Expression] = []
    for each in arguments:
        flat.extend(each.arguments if each.operation == operation else (each,))
    chosen = flat if len(flat) <= MOST_TERMS else list(arguments)
    return Expression(operation, tuple(sorted(chosen, key=hash)))


def product(node: Expression) -> Product:
    """Take a formula apart into factors.

    >>> from actwise.formula.expression import symbol
    >>> product(symbol("x") * 6 / (4 * symbol("x"))).coefficient
    Fraction(3, 2)
    """
    _refuse_long(node, _PRODUCT_CHAIN)
    return _product(node)


@lru_cache(maxsize=1 << 16)
def _product(node: Expression) -> Product:
    match node.operation:
        case "number" if math.isfinite(node.number):
            return Product(Fraction(node.number))
        case "negate":
            inner = _product(node.arguments[0])
            return replace(inner, coefficient=-inner.coefficient)
        case "multiply":
            return _product(node.arguments[0]).times(_product(node.arguments[1]))
        case "divide":
            below = _product(node.arguments[1])
            if below.coefficient == 0:
                below = Product(UNIT, ((node.arguments[1], UNIT),))
            return _product(node.arguments[0]).times(below.inverse())
        case "power" if node.arguments[1].is_number and math.isfinite(node.arguments[1].number):
            return _raised(node.arguments[0], Fraction(node.arguments[1].number))
        case "sqrt":
            return _raised(node.arguments[0], HALF)
        case "exp":
            # exp(-u) and exp(2 u) are powers of exp(u), so that they meet.
            inside = product(node.arguments[0])
            if inside.factors and abs(inside.coefficient) != 0:
                return Product(UNIT, ((exp(assemble(replace(inside, coefficient=UNIT))), inside.coefficient),))
    return Product(UNIT, ((node, UNIT),))


def _refuse_long(node: Expression, chain: frozenset[str]) -> None:
    """Stop before a sum or a product that is too long to be worth taking apart."""
    waiting, parts = [node], 0
    while waiting:
        part = waiting.pop()
        parts += 1
        if parts > 2 * MOST_TERMS:
            raise NotRepresentable
        if part.operation in chain:
            waiting.extend(part.arguments)


def remember(node: Expression) -> None:
    """Work out what is asked of every part; called on parts before wholes, it never recurses deeply."""
    for question in (cost, canonical, is_positive, is_nonnegative):
        question(node)


def _raised(base: Expression, exponent: Fraction) -> Product:
    inner = product(base)
    whole = exponent.denominator == 1 and abs(exponent) <= LARGEST_EXPANDED_EXPONENT
    # sqrt(u)**2 is u only where u is not negative; sqrt(u)**3 is a root as before.
    keeps_domain = all(
        e.denominator == 1 or (e * exponent).denominator > 1 or is_nonnegative(b) for b, e in inner.factors
    )
    if whole and keeps_domain and inner.coefficient != 0:
        raised = tuple((b, e * exponent) for b, e in inner.factors)
        return Product(inner.coefficient**exponent.numerator, ()).times(_even(raised))
    return Product(UNIT, ((base, exponent),))


def _even(factors: tuple[Factor, ...]) -> Product:
    """Collect factors; the absolute value in an even power goes."""
    collected: list[Factor] = []
    for base, exponent in factors:
        plain = base.operation == "absolute" and exponent % 2 == 0
        _collect(collected, base.arguments[0] if plain else base, exponent)
    return Product(UNIT, tuple(collected))


def _collect(factors: list[Factor], base: Expression, exponent: Fraction) -> None:
    """Multiply one factor in, where that keeps the value.

    x / x stays, since x may be 0; a parameter that divides is taken not to be.
    """
    key = canonical(base)
    for index, (other, present) in enumerate(factors):
        if canonical(other) != key:
            continue
        total = present + exponent
        same_direction = (present > 0) == (exponent > 0)
        whole = present.denominator == exponent.denominator == 1
        cancels = is_positive(base) or (base.operation == SYMBOL and base.name not in _VARIABLES)
        if cancels or (same_direction and (whole or is_nonnegative(base))):
            factors[index : index + 1] = [(other, total)] if total != 0 else []
            return
    factors.append((base, exponent))


def assemble(parts: Product) -> Expression:
    """Put a product together: coefficient and numerator over denominator.

    >>> from actwise.formula.expression import symbol
    >>> assemble(product(symbol("x") / 3 / symbol("a")))
    divide(x, multiply(3, a))
    """
    if parts.coefficient == 0:
        return number(0)
    over, under = _coefficient(abs(parts.coefficient))
    above: Expression | None = None if over == 1 else number(over)
    below: Expression | None = None if under == 1 else number(under)
    for base, exponent in sorted(parts.factors, key=lambda factor: _rank(factor[0])):
        is_exponential = base.operation == "exp"
        if exponent > 0 or is_exponential:
            above = _times(above, _power(base, exponent))
        else:
            below = _times(below, _power(base, -exponent))
    result = number(1) if above is None else above
    if below is not None:
        result = result / below
    return -result if parts.coefficient < 0 else result


def _times(left: Expression | None, right: Expression) -> Expression:
    return right if left is None else left * right


def _power(base: Expression, exponent: Fraction) -> Expression:
    if exponent == 1:
        return base
    if base.operation == "exp":
        inside = product(base.arguments[0])
        return exp(assemble(replace(inside, coefficient=inside.coefficient * exponent)))
    if exponent.denominator == 2:
        return power(sqrt(base), exponent.numerator)
    return power(base, float(exponent))


def _coefficient(value: Fraction) -> tuple[float, float]:
    """Write a positive coefficient as a float64 over a float64, exactly where that is possible."""
    try:
        nearest = float(value)
    except OverflowError:
        raise NotRepresentable from None
    if nearest == 0 or math.isinf(nearest):
        raise NotRepresentable
    if value.numerator <= LARGEST_EXACT_INTEGER and value.denominator <= LARGEST_EXACT_INTEGER:
        short_decimal = Fraction(nearest) == value and value.denominator > 64
        if not short_decimal:
            return float(value.numerator), float(value.denominator)
    return nearest, 1.0


def terms(node: Expression) -> list[Product]:
    """Take a formula apart into the terms of a sum, without collecting them.

    >>> from actwise.formula.expression import symbol
    >>> x = symbol("x")
    >>> [str(term.coefficient) for term in terms(x - (1 - 2 * x))]
    ['1', '-1', '2']
    """
    _refuse_long(node, _SUM_CHAIN)
    return _terms(node)


def _terms(node: Expression) -> list[Product]:
    match node.operation:
        case "add":
            found = _terms(node.arguments[0]) + _terms(node.arguments[1])
        case "subtract":
            found = _terms(node.arguments[0]) + _negated(_terms(node.arguments[1]))
        case "negate":
            found = _negated(_terms(node.arguments[0]))
        case _:
            parts = product(node)
            if len(parts.factors) == 1 and abs(parts.coefficient) == 1:
                base, exponent = parts.factors[0]
                if exponent == 1 and base.operation in {"add", "subtract"}:
                    inner = terms(base)
                    return inner if parts.coefficient == 1 else _negated(inner)
            found = [parts]
    if len(found) > MOST_TERMS:
        raise NotRepresentable
    return found


def _negated(products: list[Product]) -> list[Product]:
    return [replace(each, coefficient=-each.coefficient) for each in products]


def collected(products: list[Product]) -> list[Product]:
    """Add like terms up; terms that cancel go."""
    sums: dict[Key, Product] = {}
    for each in products:
        key = each.key
        earlier = sums.get(key)
        total = each.coefficient + (earlier.coefficient if earlier else 0)
        sums[key] = replace(earlier or each, coefficient=total)
    return [each for each in sums.values() if each.coefficient != 0]


def assemble_sum(products: list[Product]) -> Expression:
    """Put a sum together, beginning with a term that has no minus sign.

    >>> from actwise.formula.expression import symbol
    >>> assemble_sum(terms(-symbol("x") + 1))
    subtract(1, x)
    """
    first = next((index for index, each in enumerate(products) if each.coefficient > 0), 0)
    ordered = products[first : first + 1] + products[:first] + products[first + 1 :]
    total = number(0)
    for each in ordered:
        positive = assemble(replace(each, coefficient=abs(each.coefficient)))
        total = add(total, positive) if each.coefficient > 0 else subtract(total, positive)
    return total


def times(u: Expression, scale: Fraction | int) -> Expression:
    """Multiply a formula by an exact number."""
    return assemble(scaled(product(u), scale))


def scaled(parts: Product, by: Fraction | int) -> Product:
    """Multiply the coefficient of a product."""
    return replace(parts, coefficient=parts.coefficient * by)


def constant_and_rest(base: Expression) -> tuple[float, Expression] | None:
    """Split ``c + w`` with a positive number c."""
    if base.operation not in {"add", "subtract"}:
        return None
    together = collected(terms(base))
    constants = [each for each in together if not each.factors]
    rest = [each for each in together if each.factors]
    if len(constants) != 1 or not rest or constants[0].coefficient <= 0:
        return None
    return float(constants[0].coefficient), assemble_sum(rest)


def square_root_of_square(w: Expression) -> Expression | None:
    """Return u if w is ``u**2``."""
    parts = product(w)
    if parts.coefficient == 1 and len(parts.factors) == 1 and parts.factors[0][1] == 2:
        return parts.factors[0][0]
    return None


def partner_of(together: list[Product], wanted: Product) -> int | None:
    """Find a term among the terms of a sum."""
    key = wanted.key
    for index, each in enumerate(together):
        if each.coefficient == wanted.coefficient and each.key == key:
            return index
    return None
