"""From the estimators' parameters to a network, and how it is laid out for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from actwise.activations import AnyActivation
from actwise.errors import InputError
from actwise.model.initializers import Constant, Scaled
from actwise.model.layers import Dense, Dropout, Layer
from actwise.model.network import Network

# How scikit-learn calls two of the activations that it uses for outputs.
SKLEARN_NAMES = {"sigmoid": "logistic", "exponential": "exp"}


def hidden_sizes(given: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers; scikit-learn's error if one is not positive."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    if any(not isinstance(size, int | np.integer) or size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return tuple(int(size) for size in sizes)


def build(
    n_inputs: int,
    sizes: Sequence[int],
    activation: str | AnyActivation | Sequence[str | AnyActivation],
    n_outputs: int,
    output_activation: str | AnyActivation,
    dtype: str,
) -> Network:
    """Make the network."""
    activations = _for_each("activation", activation, len(sizes))
    hidden = [Dense(units, each) for units, each in zip(sizes, activations, strict=True)]
    return Network([*hidden, Dense(n_outputs, output_activation)], n_inputs, dtype=dtype)


def for_training(
    network: Network,
    dtype: str,
    output_gain: float,
    output_biases: Sequence[float] | None,
    dropout: float | Sequence[float],
) -> Network:
    """Return the network as it is trained; its parameters lie as before.

    `output_biases`: its initial biases; None: 0.
    """
    *hidden, last = network.layers
    rates = _for_each("dropout", dropout, len(hidden))
    layers: list[Layer] = []
    for layer, rate in zip(hidden, rates, strict=True):
        layers += [layer, Dropout(rate)] if rate else [layer]
    if isinstance(last, Dense):
        init = last.init if output_gain == 1.0 else Scaled(output_gain**2)
        biases = last.bias_init if output_biases is None else Constant(tuple(output_biases))
        last = Dense(last.units, last.activation, init=init, bias_init=biases)
    return Network([*layers, last], network.n_inputs, dtype=dtype)


def up_to_logits(network: Network) -> Network:
    """Return the network without its output activation; its parameters lie as before."""
    *before, _ = network.layers
    return Network([*before, Dense(network.n_outputs)], network.n_inputs, dtype=network.dtype)


def _for_each(name: str, given: Any, n_layers: int) -> list[Any]:
    if not isinstance(given, list | tuple | np.ndarray):
        return [given] * n_layers
    if len(given) != n_layers:
        raise InputError(f"{name} has {len(given)} entries for {n_layers} hidden layers: give one, or one per layer")
    return list(given)
