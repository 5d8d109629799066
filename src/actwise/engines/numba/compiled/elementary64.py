"""Elementary functions for float64 kernels: libm where it has them, stable compositions where not.

The names are those of `elementary`, so that one rendered text serves both.
"""

import math
from math import asinh, cos, cosh, erf, erfc, exp, expm1, floor, log, log1p, sin, sinh, sqrt, tanh  # noqa: F401
from math import atan as arctan  # noqa: F401

from numba import njit

from .instructions import polynomial, strict
from .instructions import product_error as _product_error
from .scaled_erfc import scaled_erfc, scaled_erfc_error  # noqa: F401

near_sin, near_cos = sin, cos  # libm looks by itself whether an angle is large
_ROOT_HALF = math.sqrt(0.5)


@njit(error_model="numpy")
def sigmoid(u):
    """Logistic function; relative accuracy in the negative tail."""
    t = exp(-abs(u))
    return (1.0 if u >= 0.0 else t) / (1.0 + t) if u == u else u


@njit(error_model="numpy")
def softplus(u):
    """log(1 + exp(u)) without overflow."""
    return (u if u > 0.0 else 0.0) + log1p(exp(-abs(u))) if u == u else u


@njit(error_model="numpy")
def normal_cdf(u):
    """Distribution function of the standard normal; relative accuracy in the negative tail."""
    return 0.5 * erfc(-u * _ROOT_HALF)


@njit(error_model="numpy")
def sign(u):
    """-1, 0 or 1; NaN for NaN."""
    return 1.0 if u > 0.0 else (-1.0 if u < 0.0 else u)


@njit(error_model="numpy")
def power(u, v):
    """Raise u to the power v."""
    return u**v


@njit(error_model="numpy")
def maximum(u, v):
    """Return the larger one; NaN if either is NaN."""
    larger = u if u > v else v
    return u if u != u else larger


@njit(error_model="numpy")
def minimum(u, v):
    """Return the smaller one; NaN if either is NaN."""
    smaller = u if u < v else v
    return u if u != u else smaller


@strict
def sum_error(u, v):
    """U + v without rounding, less u + v rounded (Knuth)."""
    total = u + v
    part = total - u
    return (u - (total - part)) + (v - part)


@strict
def product_error(u, v):
    """U * v without rounding, less u * v rounded."""
    return _product_error(u, v, u * v)


# u cosh(u) - sinh(u) is the sum of 2 k u**(2 k + 1) / (2 k + 1)!; up to 1/2 the ninth term is 1e-19 of u.
_TANH_REST = tuple(2 * k / math.factorial(2 * k + 1) for k in range(1, 9))


@njit(error_model="numpy")
def tanh_rest(u):
    """U - tanh(u) for u up to 1/2 in size; relative accuracy."""
    square = u * u
    return u * square * polynomial(square, _TANH_REST) / cosh(u)
