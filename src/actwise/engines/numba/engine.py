"""From a description of layers to compiled calls: the bridge between Python and `engines.numba.compiled`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.engines.numba import build
from actwise.engines.numba.rendering import layer_kernels, loss_kernel
from actwise.model.program import ProgramLayer, ProgramLoss

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
Stage: TypeAlias = Callable[[int, int, int, int], int]
PREDICTION_BATCH = 256  # rows; more do not make a product faster
# What SciPy's cython_blas must look like for the call in `calls.call_gemm` to be right.
_GEMM_SIGNATURE = "void (char *, char *, int *, int *, int *, {0} *, {0} *, int *, {0} *, int *, {0} *, {0} *, int *)"


def stage(module: str, function: str, element: str) -> Stage:
    """Compile a stage of the sources, or load it from the cache, for calls from Python."""
    found: Stage = build.stage(module, function, element).ctypes
    return found


@cache
def training_stage(address: int, element: str) -> Stage:
    """Make a stage callable from Python whose arithmetic takes subnormal numbers for 0, as all training does."""
    around = stage("modes", "without_subnormals", element)
    return lambda context_at, first, second, _: around(address, context_at, first, second)


class Context:
    """What the compiled stages work on: named integers and floats, and the arrays whose addresses they hold.

    Parameters
    ----------
    dtype : numpy.dtype
        float32 or float64: the elements' type.
    """

    def __init__(self, dtype: np.dtype[np.floating[Any]]) -> None:
        names = build.compiled("context", dtype.name)
        self.dtype = dtype
        self.integers = np.zeros(names.N_INTEGERS, np.int64)
        self.floats = np.zeros(names.N_FLOATS)
        self._places = {name: i for i, name in enumerate(names.INTEGER_NAMES)}
        self._float_places = {name: i for i, name in enumerate(names.FLOAT_NAMES)}
        self._kept: dict[str, npt.NDArray[Any]] = {}
        self.hold("FLOATS", self.floats)

    def set(self, **values: float) -> None:
        """Set integers and floats by their names in `engines.numba.compiled.context`."""
        for name, value in values.items():
            if name in self._places:
                self.integers[self._places[name]] = value
            else:
                self.floats[self._float_places[name]] = value

    def place(self, name: str) -> int:
        """Say where an integer stands."""
        return self._places[name]

    def get(self, name: str) -> int:
        """Read an integer."""
        return int(self.integers[self._places[name]])

    def float(self, name: str) -> float:
        """Read a float."""
        return float(self.floats[self._float_places[name]])

    def hold(self, name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Keep an array alive and give its address to the stages; return it."""
        self._kept[name] = array
        self.integers[self._places[name]] = array.ctypes.data
        return array

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._kept[name]

    def run(self, module: str, function: str, first: int = 0) -> int:
        """Run a stage of training; the GIL is free meanwhile."""
        address = build.stage(module, function, self.dtype.name).address
        return self.call(training_stage(address, self.dtype.name), first)

    def call(self, compiled_stage: Stage, first: int = 0) -> int:
        """Run a stage that is at hand; the GIL is free meanwhile."""
        return compiled_stage(self.integers.ctypes.data, first, 0, 0)


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
    layers: Sequence[ProgramLayer], dtype: np.dtype[np.floating[Any]], batch_size: int, loss: ProgramLoss | None = None
) -> Context:
    """Make a context for a network: lay out the work array, compile what is missing, fill the table of layers.

    Result: still without parameters and rows: `set_parameters` and `set_rows` add them.
    """
    context = Context(dtype)
    names = build.compiled("context", dtype.name)
    table = np.zeros((len(layers), names.COLUMNS), np.int64)
    at = batch_size * layers[0].n_inputs  # the batch itself lies first
    constants: list[float] = []
    trained: list[tuple[int, int]] = []

    def reserve(width: int) -> int:
        nonlocal at
        at += batch_size * width
        return at - batch_size * width

    for row, layer in zip(table, layers, strict=True):
        kernels = layer_kernels(layer.formula, dtype)
        row[names.N_INPUTS], row[names.N_LINEAR], row[names.N_UNITS] = layer.n_inputs, layer.n_linear, layer.n_units
        row[names.WEIGHTS_AT], row[names.BIASES_AT] = layer.weights_at, layer.biases_at
        row[names.FORWARD], row[names.LEARNING] = kernels.forward, kernels.learning
        row[names.BACKWARD] = kernels.backward
        row[names.PARAMETER_GRADIENT] = kernels.parameter_gradient
        row[names.CONSTANTS_AT] = len(constants)
        trained += [(len(constants) + index, place) for index, place in layer.trained_at]
        constants += layer.constants
        row[names.MASK_AT] = reserve(layer.n_inputs) if layer.dropout else -1
        row[names.INPUT_AT] = reserve(layer.n_inputs) if layer.dropout else -1
        row[names.PRE_ACTIVATION_AT] = reserve(layer.n_linear)
        row[names.OUTPUT_AT] = reserve(layer.n_units)
        row[names.MAP] = {"linear": names.LINEAR, "identity": names.IDENTITY, "normalising": names.NORMALISING}[
            layer.map
        ]
        row[names.SCALE_AT], row[names.STATISTICS_AT] = layer.scale_at, layer.statistics_at
        # Normalised values of each row, and one more row for the inverse deviations.
        row[names.SAVED_AT] = reserve(layer.n_units) if layer.map == "normalising" else -1
        at += layer.n_units if layer.map == "normalising" else 0
    context.set(
        N_LAYERS=len(layers),
        N_CONSTANTS=len(constants),
        N_TRAINED=len(trained),
        N_STATISTICS=sum(layer.n_statistics for layer in layers),
        DELTA_AT=reserve(max(max(layer.n_inputs, layer.n_units) for layer in layers)),
        DELTA_LINEAR_AT=reserve(max(layer.n_linear for layer in layers)),
        WORK_SIZE=at,
        BATCH_SIZE=batch_size,
        GEMM=gemm_address(dtype.name),
        PRODUCT=build.product(dtype.name).address,
        FORWARD_STAGE=build.stage("passes", "forward", dtype.name).address,
    )
    if any(layer.dropout for layer in layers):
        context.set(DROP_STAGE=build.stage("passes", "drop", dtype.name).address)
    if any(layer.map != "linear" for layer in layers):
        context.set(
            MAP_STAGE=build.stage("maps", "forward", dtype.name).address,
            MAP_BACKWARD_STAGE=build.stage("maps", "backward", dtype.name).address,
        )
    context.hold("LAYERS", table)
    context.hold("DROPOUT", np.array([layer.dropout for layer in layers]))
    context.hold("CONSTANTS", np.array(constants))
    context.hold("CONSTANT_GRADIENTS", np.zeros(len(constants)))
    context.hold("TRAINED", np.array(trained, np.int64).reshape(-1, 2))
    context.hold("WORK", np.zeros(at, dtype))
    if loss is not None:
        context.set(
            LOSS=loss_kernel(loss.formula, dtype),
            LOSS_ON_PRE_ACTIVATION=loss.on_pre_activation,
            N_TARGETS=loss.n_targets,
            BACKWARD_STAGE=build.stage("passes", "backward", dtype.name).address,
            BATCH_STAGE=build.stage("loop", "batch_loss", dtype.name).address,
            EPOCH_STAGE=build.stage("loop", "close_epoch", dtype.name).address,
        )
        context.hold("LOSS_CONSTANTS", np.array(loss.constants, np.float64))
        context.hold("BATCH_TARGETS", np.zeros(batch_size * loss.n_targets, dtype))
        context.hold("BATCH_WEIGHTS", np.zeros(batch_size, dtype))
    return context


def set_parameters(context: Context, parameters: FloatArray) -> None:
    """Give a context its parameters and averages, shape (n_parameters,); training changes the array in place."""
    context.hold("PARAMETERS", parameters)
    context.set(N_PARAMETERS=parameters.size - context.get("N_STATISTICS"))
    if context.get("BACKWARD_STAGE"):
        context.hold("TRANSPOSED", np.empty_like(parameters))


def set_rows(
    context: Context,
    X: FloatArray,
    targets: FloatArray | None = None,
    weights: FloatArray | None = None,
    *,
    judged: bool = False,
) -> None:
    """Give a context the rows to learn from, or to judge by.

    Shapes: `targets` (n_rows, n_targets).
    `X` of shape (n_rows, n_inputs): from `aligned`; read where it lies.
    `weights` of shape (n_rows,): ones where not given.
    """
    prefix = "JUDGED_" if judged else ""
    context.hold(f"{prefix}INPUTS", X)
    context.set(
        **{
            f"{prefix}ROW_STRIDE": X.strides[0] // X.itemsize,
            f"{prefix}COLUMN_STRIDE": X.strides[1] // X.itemsize,
            "N_JUDGED" if judged else "N_ROWS": len(X),
        }
    )
    if targets is not None:
        context.hold(f"{prefix}TARGETS", np.ascontiguousarray(targets, context.dtype))
        ones = np.ones(len(X), context.dtype) if weights is None else weights
        context.hold(f"{prefix}WEIGHTS", np.ascontiguousarray(ones, context.dtype))
        context.hold(f"{prefix}ORDER", np.arange(len(X)))
        if not judged:
            context.set(MEAN_WEIGHT=float(np.mean(ones, dtype=np.float64)))


def random_state(seed: int) -> npt.NDArray[np.uint64]:
    """Spread a seed over the four words of the compiled generator's state, by SplitMix64.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA.
    """
    mask, words = (1 << 64) - 1, []
    word = seed & mask
    for _ in range(4):
        word = (word + 0x9E3779B97F4A7C15) & mask
        mixed = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        words.append(mixed ^ (mixed >> 31))
    return np.array(words, np.uint64)
