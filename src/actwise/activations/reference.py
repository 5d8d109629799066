"""The true value and derivative of an activation, from its definition in high-precision arithmetic.

Nothing of the declared formulas enters: the definition is the textbook's formula as text, its derivative
comes from the symbolic rules, and both are evaluated with so many digits that cancellation does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from actwise.formula.precise import Precise, exact_functions

if TYPE_CHECKING:
    from actwise.activations.spec import Activation

# Digits that are wanted, and those that cancel: exponentials of x and x**2 beside 1, down to the least result
# that float64 holds, and powers of x beside each other.
_WANTED_DIGITS = 50
_DIGITS_PER_SQUARE = 0.9  # a little more than 2 / log(10), since exponentials may be squared
_LARGEST_SQUARE = 800.0  # exp(-800) is 0 in float64, squared or not
_DIGITS_PER_DIGIT = 2.2
_LIMIT_POINTS = ("1e30", "1e60")  # two arguments from which a limit at infinity is told
_LIMIT_DIGITS = 400
_ZERO_LIMIT = 1e-15


@dataclass(frozen=True, eq=False)
class Reference:
    """The truth about one activation, with its parameter values.

    `declared_kinks`: whether the slope at a kink is the declared one; a formula has none declared.
    """

    activation: Activation
    declared_kinks: bool = True

    @cached_property
    def _functions(self) -> tuple[Precise, Precise]:
        return exact_functions(self.activation.defining_expression, self.activation.values)

    def at(self, points: Iterable[float]) -> tuple[list[Any], list[Any]]:
        """Return values and derivatives as mpmath numbers.

        Result: none stands for NaN, or for a limit that does not exist. Limits may be infinite. At a kink
        the derivative is the declared one, since the definition has none there.
        """
        import mpmath as mp

        values, derivatives = [], []
        kinks = set(self.activation.kinks) if self.declared_kinks else set()
        for x in points:
            with mp.workdps(_digits(x)):
                values.append(_one(self._functions[0], x))
                if x in kinks:
                    derivatives.append(mp.mpf(float(self.activation.derivative(x))))
                else:
                    derivatives.append(_one(self._functions[1], x))
        return values, derivatives


def _one(program: Precise, x: float) -> Any:
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
