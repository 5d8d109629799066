"""Networks: an immutable description of layers together with its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation, AnyActivation
from actwise.arrays import aligned, as_numbers
from actwise.errors import InputError
from actwise.model.engine import Predictor, engine
from actwise.model.initializers import initializer
from actwise.model.layers import ActivationLayer, BatchNorm, ComputedLayer, Dropout, Layer, LinearLayer
from actwise.model.program import ProgramLayer

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Network:
    """A feed-forward network.

    Parameters
    ----------
    layers : sequence of Dense, Maxout, ActivationLayer, BatchNorm or Dropout
        Input side first.
    n_inputs : int
        Number of input columns.
    parameters : ndarray of shape (n_parameters,), optional
        All weights, biases, trained activation parameters and averages of `BatchNorm` in one array; drawn
        with seed 0 where not given.
    dtype : str
        ``"float32"`` or ``"float64"``.

    Examples
    --------
    >>> from actwise.model.layers import Dense
    >>> net = Network([Dense(2, "tanh"), Dense(1, "sigmoid")], n_inputs=2)
    >>> net.n_parameters
    9
    >>> net.predict([[0.0, 0.0]]).shape
    (1, 1)
    """

    layers: Sequence[Layer]
    n_inputs: int
    parameters: FloatArray | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "dtype", np.dtype(self.dtype).name)
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"a network's dtype is 'float32' or 'float64', not {self.dtype!r}")
        if not isinstance(self.n_inputs, int | np.integer) or self.n_inputs < 1:
            raise InputError(f"n_inputs must be a positive whole number, not {self.n_inputs!r}")
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise InputError(
                    f"{layer!r} is not a layer; use aw.Dense, aw.Maxout, aw.ActivationLayer, aw.BatchNorm or aw.Dropout"
                )
        if not self.linear_layers or isinstance(self.layers[-1], Dropout):
            raise InputError("a network needs an aw.Dense or aw.Maxout layer, and its last layer cannot be aw.Dropout")
        self._hold(self.drawn(0) if self.parameters is None else self.parameters)

    def _hold(self, parameters: npt.ArrayLike) -> None:
        held = np.array(parameters, self.dtype)
        if held.shape != (self.n_parameters,):
            raise InputError(
                f"this network has {self.n_parameters} parameters, but an array of shape {held.shape} was given"
            )
        held.flags.writeable = False
        object.__setattr__(self, "parameters", held)

    def __repr__(self) -> str:
        shown = {id(layer): self._shown(index) for index, layer in enumerate(self.computed_layers)}
        inner = ", ".join(shown.get(id(layer), repr(layer)) for layer in self.layers)
        return f"Network([{inner}], n_inputs={self.n_inputs})"

    def _shown(self, index: int) -> str:
        """Write a layer with the parameters of its activation as training left them."""
        layer = self.computed_layers[index]
        if not isinstance(layer.activation, Activation):
            return repr(layer)
        return repr(layer).replace(repr(layer.activation), layer.activation.shown(self.activation_values(index)))

    @cached_property
    def linear_layers(self) -> tuple[LinearLayer, ...]:
        """The layers with weights."""
        return tuple(layer for layer in self.layers if isinstance(layer, LinearLayer))

    @cached_property
    def computed_layers(self) -> tuple[ComputedLayer, ...]:
        """All layers but dropout: one for each entry of `structure`."""
        return tuple(layer for layer in self.layers if not isinstance(layer, Dropout))

    @cached_property
    def structure(self) -> tuple[ProgramLayer, ...]:
        """The layers as an engine sees them."""
        found: list[ProgramLayer] = []
        width, at, dropout = self.n_inputs, 0, 0.0
        for layer in self.layers:
            if isinstance(layer, Dropout):
                dropout = 1 - (1 - dropout) * (1 - layer.rate)
                continue
            pieces = layer.formula.pieces
            if isinstance(layer, ActivationLayer) and width % pieces:
                raise InputError(f"{layer!r} splits its input into {pieces} equal parts, which {width} columns are not")
            units = layer.units if isinstance(layer, LinearLayer) else width // pieces
            entry = ProgramLayer(width, units, layer.formula, (), -1, -1, dropout=dropout)
            if isinstance(layer, BatchNorm):
                constants = (layer.momentum, layer.epsilon)
                entry = replace(entry, map="normalising", constants=constants, scale_at=at, biases_at=at + width)
                at += 2 * width
            elif isinstance(layer, ActivationLayer):
                entry = replace(entry, map="identity")
            else:
                entry = replace(entry, weights_at=at)
                at += entry.n_weights
                if layer.bias:
                    entry = replace(entry, biases_at=at)
                    at += entry.n_linear
            if layer.activation is not None and not isinstance(layer, BatchNorm):
                params, values = layer.activation.params, layer.activation.values
                trained = [index for index, param in enumerate(params.values()) if param.trained]
                places = tuple((index, at + i) for i, index in enumerate(trained))
                entry = replace(entry, constants=tuple(values.values()), trained_at=places)
                at += len(trained)
            found.append(entry)
            width, dropout = units, 0.0
        for index, entry in enumerate(found):
            if entry.n_statistics:
                found[index] = replace(entry, statistics_at=at)
                at += entry.n_statistics
        return tuple(found)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.structure[-1].n_units

    @cached_property
    def n_parameters(self) -> int:
        """Number of weights, biases, trained activation parameters and averages."""
        return sum(
            s.n_weights
            + (s.n_linear if s.biases_at >= 0 else 0)
            + (s.n_units if s.scale_at >= 0 else 0)
            + len(s.trained_at)
            + s.n_statistics
            for s in self.structure
        )

    @property
    def output_activation(self) -> AnyActivation | None:
        """The last layer's activation; None for maxout."""
        return self.computed_layers[-1].activation

    @property
    def values(self) -> FloatArray:
        """All parameters in one read-only array."""
        assert self.parameters is not None
        return self.parameters

    @property
    def weights(self) -> list[FloatArray]:
        """A weight matrix (n_inputs, n_units * pieces) per layer that has one, read-only."""
        return [
            self.values[s.weights_at : s.weights_at + s.n_weights].reshape(s.n_inputs, s.n_linear)
            for s in self.structure
            if s.n_weights
        ]

    @property
    def biases(self) -> list[FloatArray | None]:
        """A bias vector (n_units * pieces,) per layer with weights, read-only; None where there is none."""
        return [
            self.values[s.biases_at : s.biases_at + s.n_linear] if s.biases_at >= 0 else None
            for s in self.structure
            if s.n_weights
        ]

    def drawn(self, seed: int | None) -> FloatArray:
        """Draw initial parameters, shape (n_parameters,), with NumPy's generator; see `initialised`."""
        rng = np.random.default_rng(seed)
        parameters = np.zeros(self.n_parameters, self.dtype)
        last = max(index for index, shape in enumerate(self.structure) if shape.n_weights)
        for index, (layer, shape) in enumerate(zip(self.computed_layers, self.structure, strict=True)):
            if isinstance(layer, LinearLayer):
                # An output unit's pre-activation is what the loss sees: it starts with unit gain.
                gain = 1.0 if index == last else layer.gain
                fans = (float(shape.n_inputs), float(shape.n_units))
                size = (shape.n_inputs, shape.n_linear)
                weights = initializer(layer.init, gain).draw(size, fans, rng)
                parameters[shape.weights_at : shape.weights_at + weights.size] = weights.reshape(-1)
                if shape.biases_at >= 0:
                    biases = initializer(layer.bias_init, 1.0).draw((shape.n_linear,), fans, rng)
                    parameters[shape.biases_at : shape.biases_at + shape.n_linear] = biases
            if isinstance(layer, BatchNorm):
                parameters[shape.scale_at : shape.scale_at + shape.n_units] = 1
                variances_at = shape.statistics_at + shape.n_units
                parameters[variances_at : variances_at + shape.n_units] = 1
            for constant, place in shape.trained_at:
                parameters[place] = shape.constants[constant]
        parameters.flags.writeable = False
        return parameters

    def initialised(self, seed: int | None = None) -> Network:
        """Return the same network with newly drawn parameters.

        Parameters
        ----------
        seed : int, optional
            Seed of NumPy's generator; different at every call where not given.
        """
        return self.with_parameters(self.drawn(seed))

    def with_parameters(self, parameters: npt.ArrayLike) -> Network:
        """Return the same network with other parameters, shape (n_parameters,)."""
        twin = copy(self)  # what was worked out about the layers holds for both
        twin._hold(parameters)
        return twin

    def check_inputs(self, X: npt.ArrayLike) -> FloatArray:
        """Return X in the network's dtype, copied only where it must be.

        Raises
        ------
        InputError
            If X is not a table of numbers with `n_inputs` columns.
        """
        return aligned(self._numbers(X), np.dtype(self.dtype))

    def _numbers(self, X: npt.ArrayLike) -> FloatArray:
        array = as_numbers(X, self.dtype, "X")
        if array.ndim != 2 or array.shape[1] != self.n_inputs:
            raise InputError(f"X must have the shape (rows, {self.n_inputs}) for this network, not {array.shape}")
        return array

    def predict(self, X: npt.ArrayLike, threads: int | None = None) -> FloatArray:
        """Compute the outputs.

        Parameters
        ----------
        X : array_like of shape (n_rows, n_inputs)
            Inputs.
        threads : int, optional
            At most so many work on large inputs; as many as there are processors where not given.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            Outputs, in the network's dtype.
        """
        return self._predictor(self._numbers(X), threads)

    @cached_property
    def _predictor(self) -> Predictor:
        return engine().predictor(self.structure, self.values)

    def __getstate__(self) -> dict[str, Any]:
        # The predictor holds addresses of this process.
        return {name: value for name, value in self.__dict__.items() if name != "_predictor"}

    def activation_values(self, index: int) -> dict[str, float]:
        """Return the parameters of one layer's activation, trained ones as training left them."""
        layer, shape = self.computed_layers[index], self.structure[index]
        if not isinstance(layer.activation, Activation):
            return {}
        values = dict(layer.activation.values)
        for (constant, place), name in zip(
            shape.trained_at, [n for n, p in layer.activation.params.items() if p.trained], strict=True
        ):
            assert list(values)[constant] == name
            values[name] = float(self.values[place])
        return values
