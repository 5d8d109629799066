"""Sine and cosine that vectorise, as in `elementary`: for angles of any size, and cheaper ones for those at hand.

This file imports only its neighbour, because both are copied into the cache and compiled there.
"""

from math import copysign, inf, ldexp, nan

import numpy as np

from .instructions import bits_of, elementary, from_bits, polynomial, product_error, round_to_integer, strict

_ROUNDER = 6755399441055744.0  # as in `elementary`
_MANTISSA_BITS = 52
_EXPONENT_MASK = 0x7FF
_LINEAR = 1e-150  # the sine is the identity below; keeps -0 and subnormals
# pi / 2 in two parts, each rounded to float64.
_HALF_PI_HIGH = 1.5707963267948966
_HALF_PI_LOW = 6.123233995736766e-17
_TWO_OVER_PI_HIGH = 0.6366197723675814
_FIRST_REDUCED = 1077  # biased exponent of the first angles whose last bit is worth 4

# Made by tools/elementary_coefficients.py; the constant term comes first.
_SIN = (  # relative error 5e-12
    1.5707963267880862, -0.6459640961446242, 0.07969258267354878, -0.004681265867999628,
    0.0001582054153418526,
)  # fmt: skip
_COS = (  # relative error 8e-14
    0.9999999999999443, -1.2337005501201272, 0.2536695071525108, -0.0208634679869731,
    0.0009191616584395563, -2.485082381773045e-05,
)  # fmt: skip


def _two_over_pi(bits):
    """Return 2**bits * 2 / pi as an integer, with pi by Machin's formula."""
    one = 1 << (bits + 32)  # 32 bits more than asked for take up the roundings

    def inverse_arctan(n):
        term, total, k = one // n, 0, 1
        while term:
            total += term // k if k % 4 == 1 else -(term // k)
            term //= n * n
            k += 2
        return total

    pi = 4 * (4 * inverse_arctan(5) - inverse_arctan(239))
    return (one << (bits + 1)) // pi


def _reduction_table():
    """Return the fractional part of 2**k * 2 / pi for every k, as a sum of three float64 numbers."""
    rows = _EXPONENT_MASK - _FIRST_REDUCED + 1
    bits = rows + 3 * (_MANTISSA_BITS + 1) + 32
    digits = _two_over_pi(bits)
    table = np.empty((rows, 3))
    for k in range(rows):
        left = (digits << k) % (1 << bits)
        for part in range(3):
            dropped = left.bit_length() - (_MANTISSA_BITS + 1)
            leading = left >> dropped
            table[k, part] = ldexp(leading, dropped - bits)
            left -= leading << dropped
    return table


_TWO_OVER_PI = _reduction_table()


@strict
def _reduce_angle(a):
    """Return, for an angle a >= 0, its quarter turns, modulo 4 in the lowest bits, and the rest of one.

    Payne and Hanek 1983: where the last bit of a is 2**(k + 2), a * 2 / pi differs by a multiple of 4 from
    a / 2**k times the fractional part of 2**k * 2 / pi; and that product is worked out to 100 binary places.
    """
    k = (bits_of(a) >> _MANTISSA_BITS) - _FIRST_REDUCED
    k = k if k > 0 else 0
    a = from_bits(bits_of(a) - (k << _MANTISSA_BITS))
    first = a * _TWO_OVER_PI[k, 0]
    first_low = product_error(a, _TWO_OVER_PI[k, 0], first)
    second = a * _TWO_OVER_PI[k, 1]
    second_low = product_error(a, _TWO_OVER_PI[k, 1], second)
    first = first - 4.0 * round_to_integer(0.25 * first)
    high, high_low = _two_sum(first, first_low)
    total, total_low = _two_sum(high, second)
    rounded = total + _ROUNDER
    low = (high_low + total_low) + (second_low + a * _TWO_OVER_PI[k, 2])
    return bits_of(rounded), (total - (rounded - _ROUNDER)) + low


@strict
def _two_sum(x, y):
    """Return x + y and its rounding error (Knuth)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


@elementary
def _sine_of_quarters(quarters, rest):
    """sin(pi / 2 * (quarters + rest))."""
    square = rest * rest
    sine = rest * polynomial(square, _SIN)
    cosine = polynomial(square, _COS)
    y = cosine if quarters & 1 else sine
    return -y if quarters & 2 else y


@strict
def _reduce_near_angle(x):
    """As `_reduce_angle`, for an angle of either sign, at most 2**20 in size (Cody and Waite 1980).

    A float32 number is never nearer to a multiple of pi / 2 than 1e-9, and the product with the low part is right
    to 1e-27 there. Where two numbers cancel, the fused operation makes no rounding error.
    """
    rounded = x * _TWO_OVER_PI_HIGH + _ROUNDER
    quarters = rounded - _ROUNDER
    rest = -product_error(quarters, _HALF_PI_HIGH, x)
    rest = -product_error(quarters, _HALF_PI_LOW, rest)
    return bits_of(rounded), rest * _TWO_OVER_PI_HIGH


@elementary
def near_sin(x):
    """Sine, for angles up to 2**20 that are float32 numbers or not much nearer to a root than those."""
    quarters, rest = _reduce_near_angle(x)
    return _sine_of_quarters(quarters, rest)


@elementary
def near_cos(x):
    """Cosine, for the angles of `near_sin`."""
    quarters, rest = _reduce_near_angle(x)
    return _sine_of_quarters(quarters + 1, rest)


@elementary
def sin(x):
    """Sine, for angles of any size."""
    a = abs(x)
    quarters, rest = _reduce_angle(a)
    y = copysign(1.0, x) * _sine_of_quarters(quarters, rest)
    y = y if a < inf else nan
    return x if a < _LINEAR else y


@elementary
def cos(x):
    """Cosine, for angles of any size."""
    a = abs(x)
    quarters, rest = _reduce_angle(a)
    y = _sine_of_quarters(quarters + 1, rest)
    return y if a < inf else nan
