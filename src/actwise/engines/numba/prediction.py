"""Networks that are ready to predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from actwise.arrays import aligned
from actwise.engines.numba.engine import (
    PREDICTION_BATCH,
    Context,
    prepare,
    set_parameters,
    stage,
)
from actwise.engines.threads import processors, share
from actwise.model.engine import FloatArray
from actwise.model.program import ProgramLayer

PREDICTION_WORK = 2**17  # elements of work arrays, which then stay inside the L2 cache, if at least so many rows do:
FEWEST_AT_ONCE = 16
WORK_PER_THREAD = 2**21  # rows times parameters from which another thread pays: about 0.1 ms


class _OneRow(NamedTuple):
    """A context with a row and its outputs in arrays of its own, so that a call need not ask where any lie."""

    context: Context
    address: int
    row: FloatArray
    outputs: FloatArray


class Predictor:
    """A network that is ready to predict: its arrays are laid out once, and any thread may call it.

    Parameters
    ----------
    layers : sequence of ProgramLayer
        The network.
    parameters : ndarray of shape (n_parameters,)
        Its parameters.
    """

    def __init__(self, layers: Sequence[ProgramLayer], parameters: FloatArray) -> None:
        self._layers, self._parameters = layers, parameters
        widths = sum(layer.n_inputs + layer.n_linear + layer.n_units for layer in layers)
        self._batch_size = int(np.clip(PREDICTION_WORK // widths, FEWEST_AT_ONCE, PREDICTION_BATCH))
        self._stage = stage("loop", "predict", parameters.dtype.name)
        self._free: list[Context] = []
        self._free_for_one: list[_OneRow] = []

    def _prepared(self, batch_size: int) -> Context:
        context = prepare(self._layers, self._parameters.dtype, batch_size)
        set_parameters(context, self._parameters)
        return context

    def _prepared_for_one(self) -> _OneRow:
        context, dtype = self._prepared(1), self._parameters.dtype
        row = context.hold("INPUTS", np.empty((1, self._layers[0].n_inputs), dtype))
        outputs = context.hold("OUTPUTS", np.empty((1, self._layers[-1].n_units), dtype))
        context.set(ROW_STRIDE=row.size, COLUMN_STRIDE=1, N_ROWS=1)
        return _OneRow(context, context.integers.ctypes.data, row, outputs)

    def __call__(self, X: FloatArray, threads: int | None = None) -> FloatArray:
        """Compute the outputs.

        Shapes: `X` (n_rows, n_inputs), the result (n_rows, n_outputs).
        `threads`: how many share the rows, where they are worth it; all processors where not given.
        Result: the outputs; their bits do not depend on the other rows or on the threads.
        """
        if len(X) == 1:
            return self._predict_one(X)
        X = aligned(X, self._parameters.dtype)
        outputs = np.empty((len(X), self._layers[-1].n_units), X.dtype)

        def run(first: int, count: int) -> None:
            self._predict(X[first : first + count], outputs[first : first + count])

        share(run, len(X), threads or processors(), max(1, WORK_PER_THREAD // self._parameters.size))
        return outputs

    def _predict_one(self, X: FloatArray) -> FloatArray:
        try:
            one = self._free_for_one.pop()  # one thread gets it: lists do this at a stroke
        except IndexError:
            one = self._prepared_for_one()
        one.row[...] = X
        self._stage(one.address, 0, 0, 0)
        outputs: FloatArray = one.outputs.copy()
        self._free_for_one.append(one)
        return outputs

    def _predict(self, X: FloatArray, outputs: FloatArray) -> None:
        if not len(X):
            return
        try:
            context = self._free.pop()
        except IndexError:
            context = self._prepared(self._batch_size)
        by_row, by_column = (stride // X.itemsize for stride in X.strides)
        # The addresses alone, as a network that is kept must not keep the rows that it was given.
        context.set(INPUTS=X.ctypes.data, OUTPUTS=outputs.ctypes.data)
        context.set(ROW_STRIDE=by_row, COLUMN_STRIDE=by_column, N_ROWS=len(X))
        context.call(self._stage)
        self._free.append(context)
