"""The true value and derivative of an activation, from its definition in high-precision arithmetic.

Nothing of the declared formulas enters: the definition is the textbook's formula as text, its derivative
comes from the symbolic rules, and both are evaluated with so many digits that cancellation does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from actwise.activations.spec import Activation
from actwise.formula.dialects import Table, mpmath_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import SYMBOL, Expression, rebuild, symbol, walk

# Digits that are wanted, and those that cancel: exponentials of x and x**2 beside 1, down to the least result
# that float64 holds, and powers of x beside each other.
_WANTED_DIGITS = 50
_DIGITS_PER_SQUARE = 0.9  # a little more than 2 / log(10), since exponentials may be squared
_LARGEST_SQUARE = 800.0  # exp(-800) is 0 in float64, squared or not
_DIGITS_PER_DIGIT = 2.2
_EXP_MODERATE = 1e4
_EXPONENT_BITS = 1100  # no float64 has more than 1024: what comes out of numbers beyond is infinite, 0 or not known
_ERFC_SATURATED = 40.0  # from here on erfc is below 1e-690, less than any number is told apart by, or that near to 2
_LIMIT_POINTS = ("1e30", "1e60")  # two arguments from which a limit at infinity is told
_LIMIT_DIGITS = 400
_ZERO_LIMIT = 1e-15


@dataclass(frozen=True, eq=False)
class Reference:
    """The truth about one activation.

    Parameters
    ----------
    activation : Activation
        With its parameter values.
    """

    activation: Activation

    @cached_property
    def _programs(self) -> tuple[_Program, _Program]:
        # With its numbers as symbols, so that the symbolic rules do not round them.
        numbers: dict[Expression, str] = {}
        result: dict[Expression, Expression] = {}
        definition = self.activation.defining_expression
        for node in walk(definition):
            if node.is_number:
                result[node] = symbol(numbers.setdefault(node, f"number{len(numbers)}"))
            else:
                result[node] = rebuild(node, tuple(result[each] for each in node.arguments))
        named = {name: node.number for node, name in numbers.items()} | dict(self.activation.values)
        value = result[definition]
        return _Program.of(value, named), _Program.of(differentiate(value), named)

    def at(self, points: Iterable[float]) -> tuple[list[Any], list[Any]]:
        """Return values and derivatives as mpmath numbers.

        Parameters
        ----------
        points : iterable of float
            Arguments, infinities and NaN included.

        Returns
        -------
        values, derivatives : list of mpf or None
            None stands for NaN, or for a limit that does not exist. Limits may be infinite. At a kink the
            derivative is the declared one, since the definition has none there.
        """
        import mpmath as mp

        values, derivatives = [], []
        kinks = set(self.activation.kinks)
        for x in points:
            with mp.workdps(_digits(x)):
                values.append(_one(self._programs[0], x))
                if x in kinks:
                    derivatives.append(mp.mpf(float(self.activation.derivative(x))))
                else:
                    derivatives.append(_one(self._programs[1], x))
        return values, derivatives


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
                results.append(x if step is None else mp.mpf(step))
        return results[-1]


def _one(program: _Program, x: float) -> Any:
    import mpmath as mp

    if x != x:
        return None
    try:
        if np.isinf(x):
            near, far = (program(mp.mpf(each) * (1 if x > 0 else -1)) for each in _LIMIT_POINTS)
            found = _limit(near, far) if near == near and far == far else None
        else:
            found = program(mp.mpf(x))
        return found if found == found else None  # NaN, the only number that is not itself
    except ZeroDivisionError:
        return None  # a pole, or what is 0 in the numbers above: there is nothing to compare with


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


def _digits(x: float) -> int:
    if not np.isfinite(x) or x == 0:
        return _LIMIT_DIGITS
    exponential = _DIGITS_PER_SQUARE * min(x * x, _LARGEST_SQUARE) if abs(x) < _LARGEST_SQUARE else 0
    return int(_WANTED_DIGITS + exponential + _DIGITS_PER_DIGIT * abs(math.log10(abs(x))))


def _limit(near: Any, far: Any) -> Any:
    import mpmath as mp

    if abs(far) > 1 / _ZERO_LIMIT:
        return mp.inf if far > 0 else -mp.inf
    if abs(near - far) > _ZERO_LIMIT:
        return None  # it goes up and down for ever
    return mp.mpf(0) if abs(far) < _ZERO_LIMIT else far
