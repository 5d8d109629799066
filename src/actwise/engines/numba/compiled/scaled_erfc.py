"""exp(x * x) * erfc(x) to the last place of float64, for kernels that work in float64.

Libraries give erfc with several wrong units in the last place. This one is a Taylor polynomial around the nearest
multiple of 1/4. The coefficients are worked out in integer arithmetic when the module is loaded, from the differential
equation w' = 2 x w - 2 / sqrt(pi), which is stable towards smaller x. Compiled as its neighbours are.
"""

from math import isqrt, ldexp

import numpy as np

from .circular import _two_over_pi
from .instructions import polynomial, strict

_PER_UNIT = 4  # centres in an interval of length 1
_END = 28  # exp(-28**2) is below every float64 number
_DEGREE = 14  # the next term is below 2e-18
_BITS = 512  # of the integers; 200 of them are lost on the way
_STEP_TERMS = 100  # of a Taylor series from one centre to the next
_ASYMPTOTIC_TERMS = 40  # at the end of the range the last one is below 1e-60


def _table():
    """Return a row for each centre: the constant term in two parts, then the other coefficients."""
    slope_at_zero = isqrt(_two_over_pi(_BITS) << (_BITS + 1))  # 2 / sqrt(pi)
    # erfcx(x) is 1 / (sqrt(pi) x) times the sum of (-1)**n (2 n - 1)!! / (2 x**2)**n.
    term = total = slope_at_zero // (2 * _END)
    for n in range(1, _ASYMPTOTIC_TERMS):
        term = -term * (2 * n - 1) // (2 * _END**2)
        total += term
    table = np.empty((_END * _PER_UNIT + 1, _DEGREE + 2))
    for k in range(_END * _PER_UNIT, -1, -1):
        series = [total, 2 * k * total // _PER_UNIT - slope_at_zero]
        for n in range(1, _STEP_TERMS):
            series.append((2 * k * series[n] // _PER_UNIT + 2 * series[n - 1]) // (n + 1))
        high = ldexp(series[0], -_BITS)
        low = ldexp(series[0] - int(ldexp(high, _BITS)), -_BITS)
        table[k] = [high, low, *(ldexp(each, -_BITS) for each in series[1 : _DEGREE + 1])]
        total = sum(each // (-_PER_UNIT) ** n for n, each in enumerate(series))
    return table


_TABLE = _table()


@strict
def _in_two_parts(x):
    near = x if x < _END else float(_END)
    k = int(_PER_UNIT * near + 0.5)
    d = 0.0 if x > _END else x - k / _PER_UNIT
    row = _TABLE[k]
    others = polynomial(
        d,
        (
            row[2], row[3], row[4], row[5], row[6], row[7], row[8],
            row[9], row[10], row[11], row[12], row[13], row[14], row[15],
        ),
    )  # fmt: skip
    return row[0], row[1] + d * others


@strict
def scaled_erfc(x):
    """exp(x * x) * erfc(x) for x >= 0; beyond 28 any positive number."""
    constant, others = _in_two_parts(x)
    return constant + others


@strict
def scaled_erfc_error(x):
    """What the last rounding of `scaled_erfc` loses (Dekker)."""
    constant, others = _in_two_parts(x)
    return (constant - (constant + others)) + others
