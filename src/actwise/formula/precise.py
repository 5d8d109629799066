"""A formula as a function of numbers with many digits, for comparing with.

Its numbers, and those that the symbolic rules bring in, are taken for what they stand for: pi is pi, not a float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from actwise.formula.constants import exact
from actwise.formula.dialects import Table, mpmath_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import SYMBOL, Expression, rebuild, symbol, walk

_EXP_MODERATE = 1e4
_EXPONENT_BITS = 1100  # no float64 has more than 1024: what comes out of numbers beyond is infinite, 0 or not known
_ERFC_SATURATED = 40.0  # from here on erfc is below 1e-690, less than any number is told apart by, or that near to 2
Precise: TypeAlias = Callable[[Any], Any]


def exact_functions(definition: Expression, values: Mapping[str, float]) -> tuple[Precise, Precise]:
    """Make a function and its derivative for arguments and results of many digits.

    Result: from one mpmath number to another, with as many digits as mpmath works with.
    """
    # With its numbers as symbols, so that the symbolic rules do not round them.
    numbers: dict[Expression, str] = {}
    result: dict[Expression, Expression] = {}
    for node in walk(definition):
        if node.is_number:
            result[node] = symbol(numbers.setdefault(node, f"number{len(numbers)}"))
        else:
            result[node] = rebuild(node, tuple(result[each] for each in node.arguments))
    named = {name: node.number for node, name in numbers.items()} | dict(values)
    value = result[definition]
    return _Program.of(value, named), _Program.of(differentiate(value), named)


@dataclass(frozen=True, slots=True)
class _Call:
    function: Callable[..., Any]
    places: tuple[int, ...]
    decides: bool  # a choice or a comparison, for which NaN is an argument like any other


@dataclass(frozen=True, slots=True)
class _Program:
    """An expression as a list of operations on places, which is walked once and not for every argument."""

    steps: tuple[_Call | float | None, ...]

    @classmethod
    def of(cls, expression: Expression, named: Mapping[str, float]) -> _Program:
        places: dict[Expression, int] = {}
        steps: list[_Call | float | None] = []
        for node in walk(expression):
            places[node] = len(steps)
            if node.operation == SYMBOL:
                steps.append(named.get(node.name))  # None for x
            elif node.is_number:
                steps.append(node.number)
            else:
                function = high_precision_table()[node.operation]
                decides = node.operation == "where" or node.is_condition
                steps.append(_Call(function, tuple(places[each] for each in node.arguments), decides))
        return cls(tuple(steps))

    def __call__(self, x: Any) -> Any:
        import mpmath as mp

        results: list[Any] = []
        for step in self.steps:
            if isinstance(step, _Call):
                given = [results[place] for place in step.places]
                known = step.decides or all(each == each for each in given)
                found = step.function(*given) if known else mp.nan
                results.append(mp.nan if isinstance(found, mp.mpc) else found)  # no real number there
            else:
                results.append(x if step is None else exact(step))
        return results[-1]


@cache
def high_precision_table() -> Table:
    """Return the mpmath dialect, with functions that take the largest numbers of float64 in reasonable time.

    Numbers beyond those, such as exp(x) where x is large, would take for ever as arguments of an exponential.
    """
    import mpmath as mp

    def is_beyond(u: Any) -> bool:
        return bool(mp.isfinite(u) and mp.mag(u) > _EXPONENT_BITS)

    def exp(u: Any) -> Any:
        if is_beyond(u):
            return mp.inf if u > 0 else mp.mpf(0)
        # mpmath multiplies e with itself where the argument is a whole number, a thousand times for 1e300.
        if abs(u) < _EXP_MODERATE or not mp.isfinite(u):
            return mp.exp(u)
        with mp.extraprec(mp.mag(u) + 10):
            exponent = mp.floor(u / mp.ln2)
            rest = mp.exp(u - exponent * mp.ln2)
        return mp.ldexp(rest, int(exponent))

    def cosh(u: Any) -> Any:
        return mp.cosh(u) if abs(u) < _EXP_MODERATE else exp(abs(u)) / 2

    def sigmoid(u: Any) -> Any:
        return 1 / (1 + exp(-u))

    def power(u: Any, v: Any) -> Any:
        if not is_beyond(v):
            return u**v
        if abs(u) == 1:
            return abs(u)
        return mp.inf if (abs(u) > 1) == (v > 0) else mp.mpf(0)

    def wave(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda u: mp.nan if is_beyond(u) else function(u)

    def erfc(u: Any) -> Any:
        if abs(u) < _ERFC_SATURATED:
            return mp.erfc(u)
        return mp.mpf(0 if u > 0 else 2)

    return {
        **mpmath_table(),
        "exp": exp,
        "power": power,
        "sin": wave(mp.sin),
        "cos": wave(mp.cos),
        "tanh": lambda u: mp.sign(u) if is_beyond(u) else mp.tanh(u),
        "expm1": lambda u: mp.expm1(u) if abs(u) < _EXP_MODERATE else exp(u) - 1,
        "cosh": cosh,
        "sinh": lambda u: mp.sinh(u) if abs(u) < _EXP_MODERATE else mp.sign(u) * cosh(u),
        "sigmoid": sigmoid,
        "softplus": lambda u: max(u, 0) + mp.log1p(exp(-abs(u))),
        "erfc": erfc,
        "erf": lambda u: mp.erf(u) if abs(u) < _ERFC_SATURATED else mp.sign(u),
        "normal_cdf": lambda u: erfc(-u / mp.sqrt(2)) / 2,
    }
