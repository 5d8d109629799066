"""From the estimators' parameters to a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from actwise.activations import AnyActivation
from actwise.model.layers import Dense
from actwise.model.network import Network
from actwise.recipes.fitting import for_each

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
    activations = for_each("activation", activation, len(sizes))
    hidden = [Dense(units, each) for units, each in zip(sizes, activations, strict=True)]
    return Network([*hidden, Dense(n_outputs, output_activation)], n_inputs, dtype=dtype)
