"""Applies an activation's compiled kernels to whole arrays, on one thread or several.

This is what the training loop runs on each batch, made available for arrays of one's own: the same
kernels, the same bits.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.engines.numba.rendering import activation_kernels
from actwise.engines.threads import share
from actwise.errors import InputError
from actwise.model.program import Formula

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
SMALLEST_SHARE = 1 << 16  # elements per thread below which handing over costs more than it gains


@cache
def _callable(address: int) -> Any:
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 7)(address)


def value(
    formula: Formula,
    x: FloatArray,
    constants: tuple[float, ...] = (),
    *,
    threads: int = 1,
    out: FloatArray | None = None,
) -> FloatArray:
    """Apply a function of one number to every element."""
    source, result = _prepare(formula, x, out)
    function = _callable(activation_kernels(formula, source.dtype).forward)
    parameters = np.array([*constants, 0.0])

    def run(start: int, count: int) -> None:
        offset = start * source.itemsize
        function(source.ctypes.data + offset, result.ctypes.data + offset, 0, 0, 1, count, parameters.ctypes.data)

    share(run, source.size, threads, SMALLEST_SHARE)
    return result


def gradient(
    formula: Formula,
    x: FloatArray,
    upstream: FloatArray,
    constants: tuple[float, ...] = (),
    *,
    threads: int = 1,
    out: FloatArray | None = None,
) -> FloatArray:
    """Multiply an upstream gradient with the derivative at every element.

    `formula`: as for `value`; its gradient must not use the output ``y``.
    """
    source, result = _prepare(formula, x, out)
    if upstream.shape != x.shape or upstream.dtype != x.dtype:
        raise InputError(f"upstream must have the shape and dtype of x: {x.shape} {x.dtype}")
    given = np.ascontiguousarray(upstream)
    function = _callable(activation_kernels(formula, source.dtype).backward)
    parameters = np.array([*constants, 0.0])

    def run(start: int, count: int) -> None:
        offset = start * source.itemsize
        at = source.ctypes.data + offset
        function(at, at, given.ctypes.data + offset, result.ctypes.data + offset, 1, count, parameters.ctypes.data)

    share(run, source.size, threads, SMALLEST_SHARE)
    return result


def _prepare(formula: Formula, x: FloatArray, out: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    if formula.pieces != 1:
        raise InputError("a gated activation takes several pre-activations per unit and is not elementwise")
    if x.dtype not in (np.float32, np.float64):
        raise InputError(f"compiled kernels take float32 or float64 arrays, not {x.dtype}")
    result = np.empty(x.shape, x.dtype) if out is None else out
    if result.shape != x.shape or result.dtype != x.dtype or not result.flags.c_contiguous:
        raise InputError(f"out must be C-contiguous and have the shape and dtype of x: {x.shape} {x.dtype}")
    return np.ascontiguousarray(x), result
