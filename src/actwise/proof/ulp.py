"""Errors in units in the last place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
DOUBLE_LEAST_EXPONENT = -1008
FloatArray = npt.NDArray[np.floating[Any]]


def error_against_float64(computed: npt.NDArray[np.float32], true: Float64Array) -> Float64Array:
    """Return the errors of float32 numbers against float64 ones.

    Result: errors in ulp; infinite where one of the two is NaN.

    >>> one = np.float32(1)
    >>> error_against_float64(np.array([np.nextafter(one, np.float32(2))]), np.array([1.0]))
    array([1.])
    """
    top = 2.0**128
    with np.errstate(all="ignore"):
        wanted = np.clip(true, -top, top)
        found = np.clip(computed.astype(np.float64), -top, top)
        exponents = np.where(wanted == 0, -125, np.frexp(wanted)[1])
        # The largest finite float32 has the exponent 128; one beyond counts in the same units.
        last_place = np.ldexp(1.0, np.clip(exponents, -125, 128) - 24)
        errors = np.abs(found - wanted) / last_place
    errors = np.where(np.isnan(found) & np.isnan(wanted), 0.0, errors)
    return np.where(np.isnan(errors), np.inf, errors)


def error_against_exact(computed: FloatArray, true: Sequence[Any]) -> Float64Array:
    """Return the errors of float32 or float64 numbers against mpmath ones; None stands for NaN.

    In float64, results below 1e-304 count as if they were as large: there a factor of a product may be
    subnormal, and has fewer digits than its product.
    """
    import mpmath as mp

    kind = np.finfo(computed.dtype)
    digits, most = kind.nmant + 1, int(kind.maxexp)
    least = int(kind.minexp) if computed.dtype == np.float32 else DOUBLE_LEAST_EXPONENT
    top = mp.ldexp(1, most)
    errors = np.empty(len(computed))
    for i, (result, exact) in enumerate(zip(computed.tolist(), true, strict=True)):
        if exact is None or result != result:
            errors[i] = 0.0 if exact is None and result != result else np.inf
            continue
        wanted = max(min(exact, top), -top)
        found = max(min(mp.mpf(result), top), -top)
        exponent = mp.frexp(wanted)[1] if wanted else least + 1
        last_place = mp.ldexp(1, int(min(max(exponent, least + 1), most)) - digits)
        errors[i] = float(abs(found - wanted) / last_place)
    return errors
