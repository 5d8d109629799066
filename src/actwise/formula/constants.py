"""Numbers that no float64 holds: the nearest one, what is missing, and the number itself.

Where such a constant stands in a formula, its expression holds the nearest float64. Those who need more digits ask
here: `rest_of` for what compensated arithmetic adds, `exact` for what arithmetic of many digits takes instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

ROOT_HALF = math.sqrt(0.5)
TWO_OVER_PI = 2 / math.pi
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)  # the factor in the definition of erf
ONE_OVER_ROOT_TWO_PI = 1 / math.sqrt(2 * math.pi)  # the factor in the density of the normal distribution


class Constant(NamedTuple):
    """What a float64 that stands for a constant is short of, and the constant itself."""

    rest: float
    of: Callable[[Any], Any]  # from mpmath, at the precision that it works with


KNOWN: dict[float, Constant] = {
    math.pi: Constant(1.2246467991473532e-16, lambda mp: +mp.pi),
    math.e: Constant(1.4456468917292502e-16, lambda mp: +mp.e),
    math.log(2): Constant(2.3190468138462996e-17, lambda mp: +mp.ln2),
    math.log(10): Constant(-2.1707562233822494e-16, lambda mp: +mp.ln10),
    ROOT_HALF: Constant(-4.833646656726457e-17, lambda mp: 1 / mp.sqrt(2)),
    TWO_OVER_PI: Constant(-3.935735335036497e-17, lambda mp: 2 / mp.pi),
    TWO_OVER_ROOT_PI: Constant(1.533545961316588e-17, lambda mp: 2 / mp.sqrt(mp.pi)),
    ONE_OVER_ROOT_TWO_PI: Constant(-2.49232720227773e-17, lambda mp: 1 / mp.sqrt(2 * mp.pi)),
}


def rest_of(value: float) -> float:
    """Say what is missing where a float64 stands for one of these constants or its negative; else 0.

    >>> rest_of(-math.pi), rest_of(0.5)
    (-1.2246467991473532e-16, 0.0)
    """
    constant = KNOWN.get(abs(value))
    return math.copysign(1.0, value) * constant.rest if constant else 0.0


def exact(value: float) -> Any:
    """Return the number that a float64 stands for, with as many digits as mpmath works with.

    >>> print(exact(math.pi) * 10**15)
    3.14159265358979e+15
    """
    import mpmath as mp

    constant = KNOWN.get(abs(value))
    return mp.sign(value) * constant.of(mp) if constant else mp.mpf(value)
