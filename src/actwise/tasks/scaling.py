"""Standardised columns, and how a network that was trained on them is made one for the columns as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.model.network import Network

FloatArray = npt.NDArray[np.floating[Any]]
Wide = npt.NDArray[np.float64]

# Tails are heavy when a value lies more than 8 spreads from the median, a spread being the distance from the
# median to the 5 % or the 95 % quantile, whichever is farther. For a million normal values the farthest lies
# 3 spreads away, for exponential ones 6; log-normal ones (sigma = 1) pass 8 from some thousand rows on.
HEAVY_TAIL_SPREADS = 8.0
TAIL_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, eq=False)
class Scaling:
    """A centre and a scale for each of several columns.

    Parameters
    ----------
    centres, scales : array_like of float, shape (n_columns,)
        What is taken away, and what the rest is divided by; scales are not 0.

    Examples
    --------
    >>> scaling = Scaling([10.0], [2.0])
    >>> float(scaling.apply(np.array([[14.0]]))[0, 0]), float(scaling.undo(np.array([[2.0]]))[0, 0])
    (2.0, 14.0)
    """

    centres: Wide
    scales: Wide

    def __init__(self, centres: npt.ArrayLike, scales: npt.ArrayLike) -> None:
        centres, scales = np.array(centres, np.float64), np.array(scales, np.float64)
        if centres.ndim != 1 or centres.shape != scales.shape or not np.isfinite([centres, scales]).all():
            raise InputError("a scaling needs a finite centre and a finite scale for each number")
        if not scales.all():
            raise InputError("a scale of 0 cannot be divided by; use 1 for a constant number")
        object.__setattr__(self, "centres", centres)
        object.__setattr__(self, "scales", scales)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scaling):
            return NotImplemented
        return np.array_equal(self.centres, other.centres) and np.array_equal(self.scales, other.scales)

    def __hash__(self) -> int:
        return hash((self.centres.tobytes(), self.scales.tobytes()))

    def __len__(self) -> int:
        return len(self.centres)

    @classmethod
    def none(cls, n_columns: int) -> Scaling:
        """Leave columns as they are."""
        return cls(np.zeros(n_columns), np.ones(n_columns))

    @classmethod
    def learn(cls, rows: FloatArray, sample_weight: FloatArray | None = None, *, inputs: bool) -> Scaling:
        """Bring every column of training rows (n_rows, n_columns) to mean 0 and standard deviation 1.

        An input column of one value is divided by it, so that it acts as a bias instead of vanishing.
        """
        wide = np.ascontiguousarray(rows, np.float64)  # sums in one order, however the rows lie in memory
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
            mean = np.average(wide, axis=0, weights=sample_weight)
            spread = np.sqrt(np.average(np.square(wide - mean), axis=0, weights=sample_weight))
            # What rounding alone leaves of a column of one value.
            constant = spread <= 10 * len(wide) * np.finfo(np.float64).eps * np.abs(mean)
        if not inputs:
            return cls(mean, np.where(constant, 1.0, spread))
        size = np.where(mean == 0, 1.0, np.abs(mean))
        return cls(np.where(constant, 0.0, mean), np.where(constant, size, spread))

    @property
    def changes_nothing(self) -> bool:
        """Whether columns stay as they are."""
        return not np.any(self.centres) and bool(np.all(self.scales == 1))

    def apply(self, rows: npt.ArrayLike) -> Wide:
        """Centre and divide rows (n_rows, n_columns)."""
        return (np.asarray(rows, np.float64) - self.centres) / self.scales

    def undo(self, rows: npt.ArrayLike) -> Wide:
        """Multiply and shift rows (n_rows, n_columns) back."""
        return np.asarray(rows, np.float64) * self.scales + self.centres

    def scaled(self, rows: FloatArray, dtype: str) -> FloatArray:
        """Return the scaled rows in a dtype, computed in float64; rows that need nothing are not copied."""
        if self.changes_nothing:
            return np.asarray(rows, dtype)
        return self.apply(rows).astype(dtype, copy=False)


def has_heavy_tail(values: npt.NDArray[np.float64]) -> bool:
    """Tell whether a few numbers lie so far out, in spreads from the median, that they outweigh the others.

    >>> has_heavy_tail(np.arange(100.0)), has_heavy_tail(np.exp(np.arange(100.0)))
    (False, True)
    """
    small = values / (np.abs(values).max() or 1.0)  # so that no difference overflows
    low, median, high = np.quantile(small, TAIL_QUANTILES)
    # Where nine tenths of the values are equal, the quantiles say nothing; the standard deviation then does.
    spread = max(high - median, median - low) or small.std()
    farthest = max(small.max() - median, median - small.min())
    return bool(farthest > HEAVY_TAIL_SPREADS * spread)


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
    weights /= inputs.scales[:, None]
    biases -= inputs.centres @ weights
    weights, biases = _layer(folded, last)
    weights *= outputs.scales
    biases *= outputs.scales
    biases += outputs.centres
    return folded


def unfold(network: Network, parameters: FloatArray, inputs: Scaling, outputs: Scaling) -> Wide:
    """Undo `fold`."""
    unfolded = np.array(parameters, np.float64)
    first, last = network.structure[0], network.structure[-1]
    weights, biases = _layer(unfolded, last)
    biases -= outputs.centres
    biases /= outputs.scales
    weights /= outputs.scales
    weights, biases = _layer(unfolded, first)
    biases += inputs.centres @ weights
    weights *= inputs.scales[:, None]
    return unfolded


def _layer(parameters: Wide, layer: Any) -> tuple[Wide, Wide]:
    size = layer.n_inputs * layer.n_linear
    weights = parameters[layer.weights_at : layer.weights_at + size].reshape(layer.n_inputs, layer.n_linear)
    return weights, parameters[layer.biases_at : layer.biases_at + layer.n_linear]
