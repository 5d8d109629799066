"""Elementary functions that vectorise: float64 in, float64 out, exact enough for a correct float32 result.

float32 kernels do their arithmetic in float64 with these functions. They hold their relative error over
the whole range of float64, tiny results included, so that a formula built from them is right within
0.51 ulp in float32. libm's functions are calls, which stop LLVM from vectorising the loop around them;
these are straight-line code instead. Three rules keep them so:

- A choice is ``a if condition else b`` between variables that are already computed: LLVM makes a select
  of it, not a branch. All comparisons are false for NaN, so a NaN passes through every function.
- Exponents are read and set in the bits of the number, by `bits_of` and `from_bits`.
- Products and sums may contract to fused multiply-adds (``contract``), but nothing else is relaxed,
  since infinities, NaN and the sign of zero matter. Steps that rely on rounding are marked ``strict``.

The coefficients come from ``tools/elementary_coefficients.py``. Results below 3.2e-308 may become 0.
This file imports only its neighbour, because both are copied into the cache and compiled there.
"""

from math import copysign, inf, ldexp, nan

import numpy as np

from .instructions import (
    bits_of,
    elementary,
    floor,
    from_bits,
    polynomial,
    product_error,
    round_to_integer,
    sqrt,
    strict,
)

__all__ = [
    "arctan", "asinh", "bits_of", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "from_bits", "log",
    "log1p", "log_sigmoid", "maximum", "minimum", "normal_cdf", "power", "sigmoid", "sign", "sin", "sinh",
    "softplus", "sqrt", "tanh",
]  # fmt: skip

# 1.5 * 2**52: a number added to it is rounded to an integer, which then stands in the low bits of the sum.
_ROUNDER = 6755399441055744.0
_MANTISSA_BITS = 52
_EXPONENT_MASK = 0x7FF
_EXPONENT_BIAS = 1023
_LOG2_E = 1.4426950408889634
_LN2 = 0.6931471805599453
# log 2 in two parts; the first ends in zeros, so that its product with an exponent is exact (fdlibm).
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_EXP_ZERO = -708.4  # the exponent here is -1022: the scale becomes 0 and the result with it
_EXP_INFINITE = 710.0  # exp is above the largest float64
_ROOT_HALF = 0.7071067811865476
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_ONE_BITS = 0x3FF0000000000000
_FOUR_BITS = 0x4010000000000000
_TWO_TO_52_BITS = 0x4330000000000000
_TWO_TO_52 = 4503599627370496.0
_LEAST_NORMAL = 2.2250738585072014e-308
_TWO_TO_54 = 18014398509481984.0
_LINEAR = 1e-150  # an odd function with slope 1 at 0 is the identity below; keeps -0 and subnormals
_SQUARE_OVERFLOWS = 1e150
_ERF_ONE = 6.0  # erf is 1 in float64 from 5.93 on; the approximation holds to a little beyond
_ERFCX_CENTRE = 3.5
_HALF_PI = 1.5707963267948966
_FIRST_REDUCED = 1077  # biased exponent of the first angles whose last bit is worth 4

# Made by tools/elementary_coefficients.py; the constant term comes first.
_EXPM1 = (  # relative error 2e-15
    1.0000000000000013, 0.5000000000000001, 0.16666666666615607, 0.04166666666662413,
    0.008333333367332009, 0.0013888888917213717, 0.0001984119061583585, 2.4801521295954376e-05,
    2.763265575933203e-06, 2.7620088445409746e-07,
)  # fmt: skip
_LOG = (  # relative error 2e-16
    2.0000000000000004, 0.6666666666655252, 0.40000000061919655, 0.2857141599205311,
    0.22223436663776253, 0.18121864107635674, 0.16838528948226264,
)  # fmt: skip
_LOG1P = (  # relative error 2e-15
    2.000000000000003, 0.6666666666618257, 0.4000000011581452, 0.2857141793475505,
    0.22222709754719172, 0.18169333991893807, 0.1557070720148144, 0.11744977819559474,
    0.18758019601047687,
)  # fmt: skip
_ARCTAN = (  # relative error 8e-15
    0.9999999999999925, -0.3333333333289398, 0.19999999957481826, -0.142857126460504,
    0.11111077584971772, -0.09090489647799033, 0.07688811662401294, -0.06646145790221254,
    0.05794192316881845, -0.04977996675955047, 0.04051778977125066, -0.029589012194344372,
    0.018198570485395787, -0.008792435542217635, 0.0030659957028108006, -0.0006774105399645076,
    7.063142635888046e-05,
)  # fmt: skip
_ERF_NUMERATOR = (  # relative error 4e-14
    1.1283791670954908, 0.21756759978374024, 0.06468674077985759, 0.0065357506400229816,
    0.0007826139537025918, 4.838463864097467e-05, 3.017575366404859e-06, 1.0784056388633233e-07,
    3.2773907956208627e-09, 3.2133780991668625e-11, 3.078568829253992e-14,
)  # fmt: skip
_ERF_DENOMINATOR = (  # relative error 4e-14
    1.0, 0.5261475983666188, 0.13270966419980587, 0.021223476853886786,
    0.0023947936615936146, 0.00020025767164716528, 1.2630891722969128e-05, 5.948889181730921e-07,
    1.988492947284421e-08, 4.004943826741337e-10, 1.4982075598476962e-12,
)  # fmt: skip
_ERFCX = (  # relative error 4e-14
    1.0870555892622709, -0.9377997245668813, 0.694113646632631, -0.4352560267352051,
    0.22573862170507225, -0.09231870621080408, 0.026518619333951145, -0.0031770548365744554,
    -0.0013053531124148743, 0.0007145566359387759, -4.205698428506748e-05, -7.485473694057173e-05,
    1.8600600865050188e-05, 7.377674025568499e-06, -3.266125567682116e-06, -9.070806627052912e-07,
    3.929695267558766e-07, 1.341391550801672e-07,
)  # fmt: skip
_SIN = (  # relative error 4e-17
    1.5707963267948966, -0.6459640975062443, 0.07969262624604276, -0.004681754132336218,
    0.00016044115070141775, -3.59864319355575e-06, 5.633910598053464e-08,
)  # fmt: skip
_COS = (  # relative error 2e-17
    1.0, -1.2337005501361697, 0.2536695079010467, -0.020863480763311126,
    0.000919260274182107, -2.520203676375042e-05, 4.710609515348118e-07, -6.321230856185146e-09,
)  # fmt: skip


# Exponential family


@elementary
def _reduce_exponent(x):
    """Write exp(x) = 2 s exp(r); return s, a power of two, and r, at most log(2) / 2 in size."""
    x = _EXP_INFINITE if x > _EXP_INFINITE else x
    x = _EXP_ZERO if x < _EXP_ZERO else x
    # The low bits of the sum are the biased exponent of s; the shift drops the others.
    offset = _ROUNDER + (_EXPONENT_BIAS - 1)
    rounded = x * _LOG2_E + offset
    exponent = rounded - offset
    r = (x - exponent * _LN2_HIGH) - exponent * _LN2_LOW
    return from_bits(bits_of(rounded) << _MANTISSA_BITS), r


@elementary
def exp(x):
    """Exponential function."""
    s, r = _reduce_exponent(x)
    q = r * polynomial(r, _EXPM1)
    return 2.0 * (s * q + s)


@elementary
def _half_expm1(x):
    """(exp(x) - 1) / 2, which is exact in relative terms near 0 and does not overflow before exp does."""
    s, r = _reduce_exponent(x)
    q = r * polynomial(r, _EXPM1)
    return s * q + (s - 0.5)


@elementary
def expm1(x):
    """exp(x) - 1, with relative accuracy near 0."""
    y = 2.0 * _half_expm1(x)
    return x if abs(x) < _LINEAR else y


@elementary
def tanh(x):
    """Hyperbolic tangent."""
    h = _half_expm1(-2.0 * abs(x))
    return copysign(h / (1.0 + h), x)


@elementary
def sinh(x):
    """Hyperbolic sine."""
    # With w = expm1(|x| / 2), exp(|x|) - 1 = w (w + 2); half the argument overflows at twice the size.
    w = 2.0 * _half_expm1(0.5 * abs(x))
    e = w + 1.0
    y = copysign((0.5 * w) * (w + 2.0) * (1.0 + 1.0 / (e * e)), x)
    return x if abs(x) < _LINEAR else y


@elementary
def cosh(x):
    """Hyperbolic cosine."""
    e = exp(0.5 * abs(x))
    return (0.5 * e) * e + 0.5 / (e * e)


@elementary
def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x)), with relative accuracy in the negative tail."""
    return 1.0 / (1.0 + exp(-x))


# Logarithm family


@elementary
def _split_exponent(x):
    """Return e with x / 2**e between sqrt(1/2) and sqrt(2): in the place of exponent bits, and as a float."""
    bits = bits_of(x) + (_ONE_BITS - _ROOT_HALF_BITS)
    biased = (bits >> _MANTISSA_BITS) & _EXPONENT_MASK
    # An integer below 2**52 in the low bits of 2**52 makes a float64 of it without a conversion,
    # which AVX2 does not have.
    e = from_bits(biased | _TWO_TO_52_BITS) - (_TWO_TO_52 + _EXPONENT_BIAS)
    return (biased << _MANTISSA_BITS) - _ONE_BITS, e


@elementary
def log(x):
    """Natural logarithm; -inf at 0, NaN below."""
    small = x < _LEAST_NORMAL
    scaled = x * _TWO_TO_54
    normal = scaled if small else x
    shift = 54.0 if small else 0.0
    exponent_bits, e = _split_exponent(normal)
    m = from_bits(bits_of(normal) - exponent_bits)
    s = (m - 1.0) / (m + 1.0)
    y = (e - shift) * _LN2 + s * polynomial(s * s, _LOG)
    at_end = x if x > 0.0 else nan
    at_end = -inf if x == 0.0 else at_end
    return y if (x > 0.0) & (x < inf) else at_end


@elementary
def log1p(x):
    """log(1 + x), with relative accuracy near 0; -inf at -1, NaN below."""
    exponent_bits, e = _split_exponent(1.0 + x)
    # With t = 4 / 2**e, f = 4 ((1 + x) / 2**e - 1) = x t + (t - 4), and the rounding of 1 + x plays no part.
    t = from_bits(_FOUR_BITS - exponent_bits)
    f = x * t + (t - 4.0)
    s = f / (f + 8.0)
    y = e * _LN2 + s * polynomial(s * s, _LOG)
    at_end = x if x > 0.0 else nan
    at_end = -inf if x == -1.0 else at_end
    y = y if (x > -1.0) & (x < inf) else at_end
    return x if abs(x) < _LINEAR else y


@elementary
def softplus(x):
    """log(1 + exp(x)), with relative accuracy in the negative tail."""
    e = exp(-abs(x))
    s = e / (2.0 + e)  # at most 1/3, so that log1p needs no reduction
    positive_part = x if x > 0.0 else 0.0
    return positive_part + s * polynomial(s * s, _LOG1P)


@elementary
def log_sigmoid(x):
    """log(sigmoid(x)), with relative accuracy in the positive tail."""
    return -softplus(-x)


@elementary
def asinh(x):
    """Inverse hyperbolic sine."""
    a = abs(x)
    square = a * a
    small = a + square / (1.0 + sqrt(1.0 + square))
    large = a > _SQUARE_OVERFLOWS
    u = a if large else small
    shift = _LN2 if large else 0.0
    return copysign(log1p(u) + shift, x)


@elementary
def power(x, y):
    """Power of x with exponent y, as C's pow: NaN for a negative x unless y is an integer."""
    a = abs(x)
    magnitude = exp(y * log(a))
    integer = floor(y) == y
    half = 0.5 * y
    odd = integer & (floor(half) != half)
    signed = copysign(magnitude, x) if odd else magnitude
    result = nan if (x < 0.0) & (not integer) & (a < inf) else signed
    one = (y == 0.0) | (x == 1.0) | ((x == -1.0) & (abs(y) == inf))
    return 1.0 if one else result


# Error function family


@elementary
def erf(x):
    """Error function."""
    a = abs(x)
    a = _ERF_ONE if a > _ERF_ONE else a
    z = a * a
    y = a * (polynomial(z, _ERF_NUMERATOR) / polynomial(z, _ERF_DENOMINATOR))
    return copysign(1.0 if y > 1.0 else y, x)


@elementary
def _scaled_erfc(x):
    """exp(x * x) * erfc(x) for x >= 0."""
    reciprocal = 1.0 / (x + _ERFCX_CENTRE)
    t = 1.0 - (2.0 * _ERFCX_CENTRE) * reciprocal
    return reciprocal * polynomial(t, _ERFCX)


@elementary
def erfc(x):
    """1 - erf(x), with relative accuracy in the positive tail."""
    a = abs(x)
    tail = exp(-a * a) * _scaled_erfc(a)
    other = 2.0 - tail
    return other if x < 0.0 else tail


@elementary
def normal_cdf(x):
    """Distribution function of the standard normal, with relative accuracy in the negative tail."""
    tail = 0.5 * exp(-0.5 * x * x) * _scaled_erfc(_ROOT_HALF * abs(x))
    other = 1.0 - tail
    return other if x > 0.0 else tail


# Circular functions


@elementary
def arctan(x):
    """Inverse tangent."""
    a = abs(x)
    inverse = 1.0 / a
    large = a > 1.0
    t = inverse if large else a
    y = t * polynomial(t * t, _ARCTAN)
    complement = _HALF_PI - y
    y = complement if large else y
    return copysign(y, x)


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


# Comparisons


@elementary
def sign(x):
    """-1, 0 or 1; NaN for NaN."""
    y = 1.0 if x > 0.0 else x
    return -1.0 if x < 0.0 else y


@elementary
def maximum(x, y):
    """Larger one of two; NaN if either is NaN."""
    return x if (x >= y) | (x != x) else y


@elementary
def minimum(x, y):
    """Smaller one of two; NaN if either is NaN."""
    return x if (x <= y) | (x != x) else y
