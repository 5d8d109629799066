"""The true value and derivative of an activation, from its definition in high-precision arithmetic.

Nothing of the declared formulas enters: the definition is the textbook's formula as text, its derivative
comes from the symbolic rules, and both are evaluated with so many digits that cancellation does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from actwise.activations import Activation
from actwise.formula.dialects import Table, evaluate, mpmath_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression

# A result of 1e-45, the least of float32, or 1e-324, that of float64, must survive beside 1, squared at most;
# squares of the largest numbers need as much again. Far out, twice that.
_DIGITS_SINGLE = 180
_DIGITS_DOUBLE, _DIGITS_DOUBLE_FAR = 420, 1300
_FAR = 1e30
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
        value = self.activation.defining_expression
        return value, differentiate(value)

    def at(self, points: Iterable[float], *, single: bool) -> tuple[list[Any], list[Any]]:
        """Return values and derivatives as mpmath numbers.

        Parameters
        ----------
        points : iterable of float
            Arguments, infinities and NaN included.
        single : bool
            Whether results are wanted to the accuracy of float32 only, which takes fewer digits.

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
            with mp.workdps(_digits(x, single)):
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

        constants = {name: mp.mpf(value) for name, value in self.activation.values.items()}
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


def _digits(x: float, single: bool) -> int:
    if np.isinf(x):
        return _LIMIT_DIGITS
    if single:
        return _DIGITS_SINGLE
    return _DIGITS_DOUBLE if 1 / _FAR < abs(x) < _FAR else _DIGITS_DOUBLE_FAR


def _limit(near: Any, far: Any) -> Any:
    import mpmath as mp

    if abs(far) > 1 / _ZERO_LIMIT:
        return mp.inf if far > 0 else -mp.inf
    if abs(near - far) > _ZERO_LIMIT:
        return None  # it goes up and down for ever
    return mp.mpf(0) if abs(far) < _ZERO_LIMIT else far
