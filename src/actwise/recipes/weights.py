"""The parameters of a fitted estimator: one array, of which `coefs_` and `intercepts_` are parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from operator import is_
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.model.engine import Predictor, engine
from actwise.model.network import Network

FloatArray = npt.NDArray[np.floating[Any]]


class Weights:
    """A network's layers and its parameters, ready to predict.

    Parameters
    ----------
    network : Network
        The layers, and the dtype.
    parameters : array_like of shape (n_parameters,)
        All parameters; they are copied.
    """

    def __init__(self, network: Network, parameters: npt.ArrayLike) -> None:
        self.network = network
        self.parameters = np.array(parameters, network.dtype)

    @cached_property
    def coefs(self) -> tuple[FloatArray, ...]:
        """The weights of each layer, shape (n_inputs, n_linear): what is written into them counts."""
        return tuple(
            self.parameters[s.weights_at : s.weights_at + s.n_inputs * s.n_linear].reshape(s.n_inputs, s.n_linear)
            for s in self.network.structure
        )

    @cached_property
    def intercepts(self) -> tuple[FloatArray, ...]:
        """The biases of each layer, shape (n_linear,): what is written into them counts."""
        return tuple(self.parameters[s.biases_at : s.biases_at + s.n_linear] for s in self.network.structure)

    @cached_property
    def _arrays(self) -> tuple[FloatArray, ...]:
        return (*self.coefs, *self.intercepts)

    @cached_property
    def _predictor(self) -> Predictor:
        return engine().predictor(self.network.structure, self.parameters)

    def with_arrays(self, coefs: Sequence[npt.ArrayLike], intercepts: Sequence[npt.ArrayLike]) -> Weights:
        """Return itself where these are its own arrays, otherwise a copy with what they hold."""
        given, own = (*coefs, *intercepts), self._arrays
        if len(given) == len(own) and all(map(is_, given, own)):
            return self
        shapes, wanted = [np.shape(each) for each in given], [each.shape for each in own]
        if shapes != wanted:
            raise InputError(f"coefs_ and intercepts_ have the shapes {shapes}, this network needs {wanted}")
        changed = Weights(self.network, self.parameters)
        for place, each in zip((*changed.coefs, *changed.intercepts), given, strict=True):
            place[...] = each
        return changed

    def outputs(self, X: FloatArray, threads: int | None) -> FloatArray:
        """Compute the outputs, shape (n_rows, n_outputs)."""
        return self._predictor(X, threads)

    def __getstate__(self) -> dict[str, Any]:
        # Parts of an array would be pickled as copies, and the predictor holds addresses of this process.
        return {"network": self.network, "parameters": self.parameters}
