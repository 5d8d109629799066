"""From a description of layers to compiled calls: the bridge between Python and `kernels.compiled`."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.kernels import build
from actwise.kernels.rendering import Formula, LossFormula, activation_kernels, loss_kernel

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
PREDICTION_BATCH = 256  # rows: keeps the work arrays of medium networks inside the L2 cache
# What SciPy's cython_blas must look like for the call in `calls.call_gemm` to be right.
_GEMM_SIGNATURE = "void (char *, char *, int *, int *, int *, {0} *, {0} *, int *, {0} *, int *, {0} *, {0} *, int *)"


@dataclass(frozen=True, slots=True)
class LinearLayer:
    """A linear map and the activation after it, as the compiled passes see it.

    Parameters
    ----------
    n_inputs, n_units : int
        Widths of input and output.
    formula : Formula
        The activation; the linear map's width is ``n_units * formula.pieces``.
    constants : tuple of float
        Values of the activation's parameters.
    weights_at, biases_at : int
        Where weights, shape (n_inputs, n_units * pieces), and biases begin in the parameter array;
        -1 for no bias.
    trained_at : tuple of (int, int)
        For each trained activation parameter its index in `constants` and in the parameter array.
    dropout : float
        Share of the inputs that is dropped in training.
    """

    n_inputs: int
    n_units: int
    formula: Formula
    constants: tuple[float, ...]
    weights_at: int
    biases_at: int
    trained_at: tuple[tuple[int, int], ...] = ()
    dropout: float = 0.0

    @property
    def n_linear(self) -> int:
        """Width of the linear map."""
        return self.n_units * self.formula.pieces


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss for the compiled passes: its formula, parameter values and whether it takes logits."""

    formula: LossFormula
    constants: tuple[float, ...]
    on_pre_activation: bool
    n_targets: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan for the compiled passes and the size of the work array that it needs."""

    plan: Any
    work_size: int
    batch_size: int


@cache
def gemm_address(dtype_name: str) -> int:
    """Return the address of BLAS ``sgemm`` or ``dgemm`` in the library that SciPy ships."""
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__["sgemm" if dtype_name == "float32" else "dgemm"]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    name = get_name(capsule)
    letter = "s" if dtype_name == "float32" else "d"
    expected = _GEMM_SIGNATURE.format(f"__pyx_t_5scipy_6linalg_11cython_blas_{letter}")
    if name is None or name.decode() != expected:
        raise RuntimeError(f"SciPy's gemm has the signature {name!r}, not the expected {expected!r}")
    return int(get_pointer(capsule, name))


def prepare(
    layers: Sequence[LinearLayer], dtype: np.dtype[np.floating], batch_size: int, loss: Loss | None = None
) -> Prepared:
    """Lay out the work array, compile what is missing and fill in the table of layers.

    Parameters
    ----------
    layers : sequence of LinearLayer
        The network, input side first.
    dtype : numpy.dtype
        float32 or float64: type of parameters, inputs and work arrays.
    batch_size : int
        The largest number of rows that is processed at once.
    loss : Loss, optional
        Needed for training.

    Returns
    -------
    Prepared
        The plan.
    """
    passes = build.compiled("passes")
    table = np.zeros((len(layers), passes.COLUMNS), np.int64)
    at = batch_size * layers[0].n_inputs  # the batch itself lies first
    constants: list[float] = []
    trained: list[tuple[int, int]] = []

    def reserve(width: int) -> int:
        nonlocal at
        at += batch_size * width
        return at - batch_size * width

    for row, layer in zip(table, layers, strict=True):
        kernels = activation_kernels(layer.formula, dtype)
        row[passes.N_INPUTS], row[passes.N_LINEAR] = layer.n_inputs, layer.n_linear
        row[passes.N_UNITS] = layer.n_units
        row[passes.WEIGHTS], row[passes.BIASES] = layer.weights_at, layer.biases_at
        row[passes.FORWARD], row[passes.BACKWARD] = kernels.forward, kernels.backward
        row[passes.PARAMETER_GRADIENT] = kernels.parameter_gradient
        row[passes.CONSTANTS], row[passes.N_CONSTANTS] = len(constants), len(layer.constants)
        trained += [(len(constants) + index, place) for index, place in layer.trained_at]
        constants += layer.constants
        row[passes.MASK_AT] = reserve(layer.n_inputs) if layer.dropout else -1
        row[passes.INPUT_AT] = reserve(layer.n_inputs) if layer.dropout else -1
        row[passes.PRE_ACTIVATION_AT] = reserve(layer.n_linear)
        row[passes.OUTPUT_AT] = reserve(layer.n_units)
    delta_at = reserve(max(max(layer.n_inputs, layer.n_units) for layer in layers))
    delta_linear_at = reserve(max(layer.n_linear for layer in layers))
    values = np.array([*constants, 0.0])  # never empty, so that it always has an address
    plan = passes.Plan(
        layers=table,
        dropout=np.array([layer.dropout for layer in layers]),
        constants=values,
        constant_gradients=np.zeros_like(values),
        trained=np.array(trained, np.int64).reshape(-1, 2),
        loss=loss_kernel(loss.formula, dtype) if loss else 0,
        loss_constants=np.array([*loss.constants, 0.0] if loss else [0.0]),
        loss_on_pre_activation=bool(loss and loss.on_pre_activation),
        n_targets=loss.n_targets if loss else 0,
        gemm=gemm_address(dtype.name),
        delta_at=delta_at,
        delta_linear_at=delta_linear_at,
    )
    return Prepared(plan, at, batch_size)


def as_inputs(X: npt.ArrayLike, dtype: np.dtype[np.floating]) -> FloatArray:
    """Return X as an aligned 2-d array of `dtype` with positive strides, copied only where it must be."""
    array = np.asarray(X, dtype)
    regular = all(stride > 0 and stride % array.itemsize == 0 for stride in array.strides)
    return array if regular and array.flags.aligned else np.ascontiguousarray(array)


def rows_of(X: FloatArray, targets: FloatArray | None = None, weights: FloatArray | None = None) -> Any:
    """Describe rows for compiled code; the caller keeps `X` alive while they are used.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_inputs)
        From `as_inputs`.
    targets : ndarray of shape (n_rows, n_targets), optional
        Of the same dtype.
    weights : ndarray of shape (n_rows,), optional
        Of the same dtype; ones where not given.
    """
    flat = np.empty(0, X.dtype) if targets is None else np.ascontiguousarray(targets, X.dtype).reshape(-1)
    if weights is None:
        weights = np.ones(len(X) if targets is not None else 0, X.dtype)
    return build.compiled("loop").Rows(
        inputs=X.ctypes.data,
        row_stride=X.strides[0] // X.itemsize,
        column_stride=X.strides[1] // X.itemsize,
        targets=flat.copy() if not flat.flags.writeable else flat,
        weights=np.ascontiguousarray(weights, X.dtype).copy(),
        n_rows=len(X),
    )


def no_rows(dtype: np.dtype[np.floating]) -> Any:
    """Describe an empty set of rows."""
    return build.compiled("loop").Rows(0, 1, 1, np.empty(0, dtype), np.empty(0, dtype), 0)


def predict(prepared: Prepared, parameters: FloatArray, X: FloatArray, n_outputs: int) -> FloatArray:
    """Compute the network's outputs.

    Parameters
    ----------
    prepared : Prepared
        From `prepare`, without a loss.
    parameters : ndarray of shape (n_parameters,)
        The network's parameters.
    X : ndarray of shape (n_rows, n_inputs)
        From `as_inputs`, of the parameters' dtype.
    n_outputs : int
        Units of the last layer.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        The outputs.
    """
    outputs = np.empty(len(X) * n_outputs, X.dtype)
    if len(X):
        work = np.empty(prepared.work_size, X.dtype)
        build.compiled("loop").predict(prepared.plan, rows_of(X), parameters, work, prepared.batch_size, outputs)
    return outputs.reshape(len(X), n_outputs)
