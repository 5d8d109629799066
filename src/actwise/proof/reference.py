"""The true value and derivative of an activation, from its definition in high-precision arithmetic.

Nothing of the declared formulas enters: the definition is the textbook's formula as text, its derivative
comes from the symbolic rules, and both are evaluated with so many digits that cancellation does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from actwise.activations import Activation
from actwise.formula.dialects import Table, evaluate, mpmath_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression, rebuild, symbol, walk

# Digits that are wanted, and those that cancel: exponentials of x and x**2 beside 1, down to the least result
# that float64 holds, and powers of x beside each other.
_WANTED_DIGITS = 50
_DIGITS_PER_SQUARE = 0.9  # a little more than 2 / log(10), since exponentials may be squared
_LARGEST_SQUARE = 800.0  # exp(-800) is 0 in float64, squared or not
_DIGITS_PER_DIGIT = 2.2
_ERFC_SATURATED = 1e6  # erfc is below exp(-1e12) or that near to 2; mpmath cannot work it out for the largest numbers
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
    def _expressions(self) -> tuple[Expression, Expression]:
        # With its numbers as symbols, so that the symbolic rules do not round them.
        value, _ = self._definition
        return value, differentiate(value)

    @cached_property
    def _definition(self) -> tuple[Expression, dict[str, float]]:
        numbers: dict[Expression, str] = {}
        result: dict[Expression, Expression] = {}
        for node in walk(self.activation.defining_expression):
            if node.is_number:
                result[node] = symbol(numbers.setdefault(node, f"number{len(numbers)}"))
            else:
                result[node] = rebuild(node, tuple(result[each] for each in node.arguments))
        named = {name: node.number for node, name in numbers.items()}
        return result[self.activation.defining_expression], named

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
                values.append(self._one(self._expressions[0], x))
                if x in kinks:
                    derivatives.append(mp.mpf(float(self.activation.derivative(x))))
                else:
                    derivatives.append(self._one(self._expressions[1], x))
        return values, derivatives

    def _one(self, expression: Expression, x: float) -> Any:
        import mpmath as mp

        if x != x:
            return None
        if np.isinf(x):
            near, far = (self._evaluated(expression, mp.mpf(each) * (1 if x > 0 else -1)) for each in _LIMIT_POINTS)
            return _limit(near, far)
        return self._evaluated(expression, mp.mpf(x))

    def _evaluated(self, expression: Expression, x: Any) -> Any:
        import mpmath as mp

        named = {**self.activation.values, **self._definition[1]}
        constants = {name: mp.mpf(value) for name, value in named.items()}
        return evaluate(expression, {"x": x, **constants}, high_precision_table())


@cache
def high_precision_table() -> Table:
    """Return the mpmath dialect, with error functions that also take the largest numbers of float64."""
    import mpmath as mp

    def erfc(u: Any) -> Any:
        if abs(u) < _ERFC_SATURATED:
            return mp.erfc(u)
        return mp.mpf(0 if u > 0 else 2)

    return {
        **mpmath_table(),
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
