"""Standardised columns, and how a network that was trained on them is made one for the columns as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.model.network import Network

FloatArray = npt.NDArray[np.floating[Any]]
Wide = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """A shift and a divisor for each column.

    Parameters
    ----------
    mean : ndarray of shape (n_columns,)
        Taken off first.
    scale : ndarray of shape (n_columns,)
        Divides the rest.
    """

    mean: Wide
    scale: Wide

    @classmethod
    def none(cls, n_columns: int) -> Scaling:
        """Leave columns as they are."""
        return cls(np.zeros(n_columns), np.ones(n_columns))

    @classmethod
    def learn(cls, rows: FloatArray, sample_weight: FloatArray | None, *, inputs: bool) -> Scaling:
        """Bring every column to mean 0 and standard deviation 1.

        An input column of one value is divided by it, so that it acts as a bias instead of vanishing.

        Shapes: `rows` (n_rows, n_columns), `sample_weight` (n_rows,).
        """
        wide = np.ascontiguousarray(rows, np.float64)  # sums in one order, however the rows lie in memory
        with np.errstate(over="ignore", invalid="ignore"):  # the caller refuses what is not finite
            mean = np.average(wide, axis=0, weights=sample_weight)
            spread = np.sqrt(np.average(np.square(wide - mean), axis=0, weights=sample_weight))
            # What rounding alone leaves of a column of one value.
            constant = spread <= 10 * len(wide) * np.finfo(np.float64).eps * np.abs(mean)
        if not inputs:
            return cls(mean, np.where(constant, 1.0, spread))
        size = np.where(mean == 0, 1.0, np.abs(mean))
        return cls(np.where(constant, 0.0, mean), np.where(constant, size, spread))

    @property
    def is_finite(self) -> bool:
        """Whether no column overflowed."""
        return bool(np.all(np.isfinite(self.mean)) and np.all(np.isfinite(self.scale)))

    def apply(self, rows: FloatArray, dtype: str) -> FloatArray:
        """Return the scaled rows, computed in float64."""
        if not np.any(self.mean) and np.all(self.scale == 1):
            return np.asarray(rows, dtype)
        return ((np.asarray(rows, np.float64) - self.mean) / self.scale).astype(dtype, copy=False)


def fold(network: Network, parameters: FloatArray, inputs: Scaling, outputs: Scaling) -> Wide:
    """Turn parameters for scaled columns into those that compute the same from the columns as they are.

    The first layer takes over the scaling of the inputs and the last, whose activation must be the identity
    if there is anything to undo, that of the outputs.

    Shapes: `parameters` (n_parameters,), the result (n_parameters,).
    `network`: the layers; each has biases.
    """
    folded = np.array(parameters, np.float64)
    first, last = network.structure[0], network.structure[-1]
    weights, biases = _layer(folded, first)
    weights /= inputs.scale[:, None]
    biases -= inputs.mean @ weights
    weights, biases = _layer(folded, last)
    weights *= outputs.scale
    biases *= outputs.scale
    biases += outputs.mean
    return folded


def unfold(network: Network, parameters: FloatArray, inputs: Scaling, outputs: Scaling) -> Wide:
    """Undo `fold`."""
    unfolded = np.array(parameters, np.float64)
    first, last = network.structure[0], network.structure[-1]
    weights, biases = _layer(unfolded, last)
    biases -= outputs.mean
    biases /= outputs.scale
    weights /= outputs.scale
    weights, biases = _layer(unfolded, first)
    biases += inputs.mean @ weights
    weights *= inputs.scale[:, None]
    return unfolded


def _layer(parameters: Wide, layer: Any) -> tuple[Wide, Wide]:
    size = layer.n_inputs * layer.n_linear
    weights = parameters[layer.weights_at : layer.weights_at + size].reshape(layer.n_inputs, layer.n_linear)
    return weights, parameters[layer.biases_at : layer.biases_at + layer.n_linear]
