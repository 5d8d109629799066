"""Networks that are ready to predict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from actwise.kernels.engine import (
    PREDICTION_BATCH,
    Context,
    FloatArray,
    LinearLayer,
    prepare,
    set_parameters,
    stage,
)
from actwise.kernels.sharing import share

PREDICTION_WORK = 2**17  # elements of work arrays, which then stay inside the L2 cache, if at least so many rows do:
FEWEST_AT_ONCE = 16
WORK_PER_THREAD = 2**21  # rows times parameters from which another thread pays: about 0.1 ms


class Predictor:
    """A network that is ready to predict: its arrays are laid out once, and any thread may call it.

    Parameters
    ----------
    layers : sequence of LinearLayer
        The network.
    parameters : ndarray of shape (n_parameters,)
        Its parameters.
    """

    def __init__(self, layers: Sequence[LinearLayer], parameters: FloatArray) -> None:
        self._layers, self._parameters = layers, parameters
        widths = sum(layer.n_inputs + layer.n_linear + layer.n_units for layer in layers)
        self._batch_size = int(np.clip(PREDICTION_WORK // widths, FEWEST_AT_ONCE, PREDICTION_BATCH))
        self._stage = stage("loop", "predict", parameters.dtype.name)
        self._free = [self._prepared()]
        places = ("INPUTS", "OUTPUTS", "ROW_STRIDE", "COLUMN_STRIDE", "N_ROWS")
        self._places = [self._free[0].place(name) for name in places]

    def _prepared(self) -> Context:
        context = prepare(self._layers, self._parameters.dtype, self._batch_size)
        set_parameters(context, self._parameters)
        return context

    def __call__(self, X: FloatArray, threads: int = 1) -> FloatArray:
        """Compute the outputs.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_inputs)
            From `as_inputs`, of the parameters' dtype.
        threads : int
            How many share the rows, where they are worth it.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            The outputs; their bits do not depend on the other rows or on the threads.
        """
        outputs = np.empty((len(X), self._layers[-1].n_units), X.dtype)

        def run(first: int, count: int) -> None:
            self._predict(X[first : first + count], outputs[first : first + count])

        share(run, len(X), threads, max(1, WORK_PER_THREAD // self._parameters.size))
        return outputs

    def _predict(self, X: FloatArray, outputs: FloatArray) -> None:
        if not len(X):
            return
        try:
            context = self._free.pop()  # one thread gets it: lists do this at a stroke
        except IndexError:
            context = self._prepared()
        inputs, results, row_stride, column_stride, n_rows = self._places
        integers, (by_row, by_column) = context.integers, X.strides
        integers[inputs] = X.ctypes.data
        integers[results] = outputs.ctypes.data
        integers[row_stride], integers[column_stride] = by_row // X.itemsize, by_column // X.itemsize
        integers[n_rows] = len(X)
        self._stage(integers.ctypes.data, 0, 0, 0)
        self._free.append(context)


def predict(layers: Sequence[LinearLayer], parameters: FloatArray, X: FloatArray) -> FloatArray:
    """Compute the outputs of a network that predicts once; see `Predictor`."""
    return Predictor(layers, parameters)(X)
