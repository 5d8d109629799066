"""What users hand in, turned into arrays and numbers, or refused in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError

_NO_NUMBERS = {
    "c": "complex numbers; make real and imaginary part columns of their own",
    "M": "dates; turn them into numbers first, days since one of them for example",
    "m": "time spans; turn them into numbers first, seconds for example",
}


def as_numbers(values: npt.ArrayLike, dtype: npt.DTypeLike, what: str) -> npt.NDArray[Any]:
    """Return values as an array of numbers of a type, copied only where the type differs.

    >>> as_numbers([[1, 2]], "float32", "X")
    array([[1., 2.]], dtype=float32)
    """
    wanted = np.dtype(dtype)
    if type(values) is np.ndarray and values.dtype == wanted:
        return values
    if hasattr(values, "toarray"):
        raise InputError(f"{what} is a sparse matrix; make it dense with .toarray() first")
    if np.ma.is_masked(values):
        raise InputError(f"{what} has masked entries; fill or drop them first")
    try:
        given = np.asarray(values)
        if given.dtype.kind in _NO_NUMBERS:
            raise InputError(f"{what} holds {_NO_NUMBERS[given.dtype.kind]}")
        with np.errstate(over="raise"):
            return given.astype(wanted, copy=False)
    except InputError:
        raise
    except (FloatingPointError, OverflowError) as error:
        largest = f"{np.finfo(wanted).max:.2g}"
        raise InputError(f"{what} holds a number beyond {largest}, the largest {wanted}; scale it down") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{what} cannot be turned into an array of numbers ({error})") from error


def aligned(X: npt.ArrayLike, dtype: np.dtype[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """Return X as an aligned array of `dtype` with positive strides, copied only where it must be."""
    array = np.asarray(X, dtype)
    regular = all(stride > 0 and stride % array.itemsize == 0 for stride in array.strides)
    return array if regular and array.flags.aligned else np.ascontiguousarray(array)


def check_whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number that is large enough, as an int.

    >>> check_whole("epochs", 2.5)
    Traceback (most recent call last):
        ...
    actwise.errors.InputError: epochs must be a positive whole number, not 2.5
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        described = "a positive whole number" if least == 1 else f"a whole number, {least} or larger"
        raise InputError(f"must be {described}, not {value!r}", name)
    return int(value)


def check_number(name: str, value: Any, *, zero: bool = False, infinite: bool = False, below: float = np.inf) -> float:
    """Return a positive number, or 0 or infinity where that is allowed.

    >>> check_number("l2", "much", zero=True)
    Traceback (most recent call last):
        ...
    actwise.errors.InputError: l2 must be 0 or a positive number, not 'much'
    """
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    low_enough = real and (value < below or (infinite and value == np.inf))
    if not low_enough or not (value > 0 or (zero and value == 0)):
        bound = f" below {below:g}" if np.isfinite(below) else ""
        raise InputError(f"must be {'0 or ' if zero else ''}a positive number{bound}, not {value!r}", name)
    return float(value)
