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

The coefficients come from ``tools/elementary_coefficients.py``; a relative error of 2e-11 adds 0.0003 units in the
last place of float32. Results below 3.2e-308 may become 0, and above 8.9e307 infinite.
This file imports only its neighbours, because all are copied into the cache and compiled there.
"""

from math import copysign, inf, nan

from .circular import cos, near_cos, near_sin, sin
from .instructions import (
    bits_of,
    elementary,
    floor,
    from_bits,
    polynomial,
    sqrt,
)

__all__ = [
    "arctan", "asinh", "bits_of", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "from_bits", "log",
    "log1p", "log_sigmoid", "maximum", "minimum", "near_cos", "near_sin", "normal_cdf", "polynomial", "power",
    "sigmoid", "sign", "sin", "sinh", "softplus", "sqrt", "tanh",
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
_EXPONENT_ZERO = -1022.0  # half of the scale becomes 0 and the result with it
_EXPONENT_INFINITE = 1024.25  # from here on the result is infinite
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

# Made by tools/elementary_coefficients.py; the constant term comes first.
_EXP2 = (  # relative error 5e-12
    1.3862943611136598, 0.4804530139177697, 0.11100821812699592, 0.019236258270505437,
    0.0026666956883560403, 0.00030806950328853276, 3.0607421841140056e-05, 2.6501625180887727e-06,
)  # fmt: skip
_LOG = (  # relative error 2e-16
    2.0000000000000004, 0.6666666666655252, 0.40000000061919655, 0.2857141599205311,
    0.22223436663776253, 0.18121864107635674, 0.16838528948226264,
)  # fmt: skip
_LOG1P = (  # relative error 7e-14
    1.9999999999998737, 0.6666666668119934, 0.39999997264242493, 0.28571624027501186,
    0.22215400180111994, 0.1831004363876266, 0.1407075932464363, 0.20068155694850642,
)  # fmt: skip
_ARCTAN = (  # relative error 1e-11
    0.9999999999887381, -0.3333333295165722, 0.19999978336217084, -0.1428522560816021,
    0.11105306732424464, -0.09049179093720577, 0.07495262378099696, -0.06022196387937433,
    0.04364658944281667, -0.02600599597760862, 0.011427633277375594, -0.0031954252407363944,
    0.00041922786011272897,
)  # fmt: skip
_ERF_NUMERATOR = (  # relative error 2e-11
    1.1283791670998622, 0.21321462109178618, 0.06264936387715164, 0.0060020403247690425,
    0.0006815339153599036, 3.597654980793882e-05, 1.8951112676617597e-06, 2.8876216503803576e-08,
    3.894544622173807e-11,
)  # fmt: skip
_ERF_DENOMINATOR = (  # relative error 2e-11
    1.0, 0.5222898716913504, 0.12961817455834132, 0.020105774030222057,
    0.002149925708616745, 0.00016368439233647148, 8.691835863258844e-06, 2.939027726606454e-07,
    1.6102024049657756e-09,
)  # fmt: skip
_ERFCX = (  # relative error 1e-11
    1.0870555892535847, -0.9377997245026188, 0.6941136479000841, -0.43525602981707817,
    0.22573859085669168, -0.09231866700601478, 0.02651890814248816, -0.0031772472258824024,
    -0.0013066786934782422, 0.0007149074131319571, -3.881889685911257e-05, -7.477214185065607e-05,
    1.4445237611915463e-05, 6.396433757404485e-06, -8.206563640281904e-07,
)  # fmt: skip


# Exponential family


@elementary
def _parts_of_exponential(x):
    """Write exp(x) = h (2 + t); return h, half of a power of two, and t, which is expm1 where h is 1/2."""
    # The product is rounded, which changes exp(x) by up to 1e-16 times x: enough for float32.
    y = x * _LOG2_E
    y = _EXPONENT_INFINITE if y > _EXPONENT_INFINITE else y
    y = _EXPONENT_ZERO if y < _EXPONENT_ZERO else y
    # The low bits of the sum are the biased exponent of h; the shift drops the others.
    offset = _ROUNDER + (_EXPONENT_BIAS - 1)
    rounded = y + offset
    r = y - (rounded - offset)
    return from_bits(bits_of(rounded) << _MANTISSA_BITS), r * polynomial(r, _EXP2)


@elementary
def exp(x):
    """Exponential function."""
    h, t = _parts_of_exponential(x)
    return h * (t + 2.0)


@elementary
def expm1(x):
    """exp(x) - 1, with relative accuracy near 0."""
    h, t = _parts_of_exponential(x)
    y = h * t + (2.0 * h - 1.0)
    return x if abs(x) < _LINEAR else y


@elementary
def tanh(x):
    """Hyperbolic tangent."""
    h, t = _parts_of_exponential(-2.0 * abs(x))
    e = h * t + (2.0 * h - 1.0)
    return copysign(e / (2.0 + e), x)


@elementary
def sinh(x):
    """Hyperbolic sine."""
    # With w = expm1(|x| / 2), exp(|x|) - 1 = w (w + 2); half the argument overflows at twice the size.
    w = expm1(0.5 * abs(x))
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
    # The exponential is written as in the normal density, so that where both occur it is worked out once.
    tail = 0.5 * exp(-(x * x) / 2.0) * _scaled_erfc(_ROOT_HALF * abs(x))
    other = 1.0 - tail
    return other if x > 0.0 else tail


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
