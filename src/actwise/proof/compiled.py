"""An activation's compiled kernels as functions of arrays, as the training loop calls them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.engines.numba.build import arithmetic_digest
from actwise.engines.numba.rendering import activation_kernels, activation_source
from actwise.formula.expression import symbol
from actwise.model.program import Formula

FloatArray = npt.NDArray[np.floating[Any]]
ValueAndDerivative: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
_KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 7)


def _formula(activation: Activation) -> Formula:
    slope = activation.derivative_expression * symbol("g")
    return Formula(activation.expression, (slope,), tuple(activation.params))


def kernel_digest(activation: Activation, dtype: npt.DTypeLike) -> str:
    """Return a hash of all code that decides what `compiled` computes."""
    element = np.dtype(dtype).name
    return arithmetic_digest(activation_source(_formula(activation), element), element)


def compiled(activation: Activation, dtype: npt.DTypeLike, plain: bool = False) -> ValueAndDerivative:
    """Compile an activation.

    Shapes: the result (n,).
    Result: takes an array of this type, shape (n,), and returns values and derivatives. It may be
    called from several threads at once.
    """
    kind = np.dtype(dtype)
    kernels = activation_kernels(_formula(activation), kind, plain)
    forward, backward = _KERNEL(kernels.forward), _KERNEL(kernels.backward)
    constants = np.array([*activation.values.values(), 0.0])

    def value_and_derivative(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        arguments = np.ascontiguousarray(x, kind)
        values, derivatives, ones = np.empty_like(arguments), np.empty_like(arguments), np.ones_like(arguments)
        at_x, at_values = arguments.ctypes.data, values.ctypes.data
        forward(at_x, at_values, 0, 0, 1, len(arguments), constants.ctypes.data)
        backward(at_x, at_values, ones.ctypes.data, derivatives.ctypes.data, 1, len(arguments), constants.ctypes.data)
        return values, derivatives

    return value_and_derivative
