"""Reads the layers of a network, and makes networks that differ from it in one thing; parameters are drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from actwise.activations import Activation, activation
from actwise.model.layers import ActivationLayer, Dense, Dropout, Layer, Maxout
from actwise.model.network import Network


def with_layers(network: Network, layers: Sequence[Layer]) -> Network:
    """Return a network of other layers."""
    return Network(layers, network.n_inputs, dtype=network.dtype)


def _output_index(network: Network) -> int:
    return max(index for index, layer in enumerate(network.layers) if isinstance(layer, Dense | Maxout))


def output_name(network: Network) -> str:
    """Return the name of the last activation."""
    return network.output_activation.name if network.output_activation is not None else "maxout"


def hidden_activations(network: Network) -> list[str]:
    """Return the names of the hidden layers' activations, input side first."""
    found = []
    for k, layer in enumerate(network.layers[: _output_index(network)]):
        if isinstance(layer, Dense | ActivationLayer) and not _has_activation_layer(network, k):
            found.append(layer.activation.name)
        if isinstance(layer, Maxout):
            found.append("maxout")
    return found


def hidden_units(network: Network) -> list[int]:
    """Return the units of each hidden layer."""
    before = network.layers[: _output_index(network)]
    return [layer.units for layer in before if isinstance(layer, Dense | Maxout)]


def has_dropout(network: Network) -> bool:
    """Whether anything is dropped in training."""
    return any(isinstance(layer, Dropout) and layer.rate > 0 for layer in network.layers)


def _has_activation_layer(network: Network, k: int) -> bool:
    """Whether layer k, a linear one, gets its nonlinearity from a layer of its own."""
    layer = network.layers[k]
    if not isinstance(layer, Dense) or layer.activation.name != "identity":
        return False
    following = (each for each in network.layers[k + 1 :] if isinstance(each, ActivationLayer | Dense | Maxout))
    return isinstance(next(following, None), ActivationLayer)


def with_output(network: Network, units: int, name: str) -> Network:
    """Give a network another last layer; layers without weights after it are left out."""
    at = _output_index(network)
    last = network.layers[at]
    assert isinstance(last, Dense | Maxout)
    return with_layers(network, [*network.layers[:at], Dense(units, name, init=last.init, bias_init=last.bias_init)])


def _with_hidden(network: Network, changed: Callable[[int, Layer], Layer]) -> Network:
    at = _output_index(network)
    return with_layers(network, [changed(k, each) if k < at else each for k, each in enumerate(network.layers)])


def with_hidden_activation(network: Network, name: str) -> Network:
    """Give all hidden layers another activation."""

    def changed(k: int, layer: Layer) -> Layer:
        if isinstance(layer, ActivationLayer) or (isinstance(layer, Dense) and not _has_activation_layer(network, k)):
            return replace(layer, activation=activation(name))
        return layer

    return _with_hidden(network, changed)


def wider(network: Network) -> Network:
    """Give each dense hidden layer twice as many units."""
    return _with_hidden(
        network, lambda _, layer: replace(layer, units=2 * layer.units) if isinstance(layer, Dense) else layer
    )


def deeper(network: Network, units: int) -> Network:
    """Put a hidden layer of ReLU units before the output layer."""
    at = _output_index(network)
    return with_layers(network, [*network.layers[:at], Dense(units, "relu", init="he_uniform"), *network.layers[at:]])


def with_two_hidden(network: Network) -> Network | None:
    """Leave out all hidden layers but two; None where there are no more."""
    places = [k for k, layer in enumerate(network.layers) if isinstance(layer, Dense | Maxout)]
    if len(places) <= 4:  # the output layer is one of them
        return None
    return with_layers(network, [*network.layers[: places[2]], *network.layers[places[-1] :]])


def without_dropout(network: Network) -> Network:
    """Leave out what drops outputs."""
    return with_layers(network, [layer for layer in network.layers if not isinstance(layer, Dropout)])


def with_biases(network: Network) -> Network | None:
    """Give every dense layer a bias; None where all have one."""
    if not any(isinstance(layer, Dense) and not layer.bias for layer in network.layers):
        return None
    return with_layers(
        network, [replace(layer, bias=True) if isinstance(layer, Dense) else layer for layer in network.layers]
    )


def reinitialised(network: Network) -> Network | None:
    """Draw weights by He's or Glorot's rule; None where every layer has a rule as good."""

    def changed(layer: Layer) -> Layer:
        if not isinstance(layer, Dense) or (layer.init == "auto" and layer.bias_init == "zeros"):
            return layer
        known = isinstance(layer.activation, Activation) and layer.activation.range[0] >= 0
        relu_like = known and not np.isfinite(layer.activation.range[1])
        return replace(layer, init="he_uniform" if relu_like else "glorot_uniform", bias_init="zeros")

    layers = [changed(layer) for layer in network.layers]
    same = all(
        (a.init, a.bias_init) == (b.init, b.bias_init)
        for a, b in zip(layers, network.layers, strict=True)
        if isinstance(a, Dense) and isinstance(b, Dense)
    )
    return None if same else with_layers(network, layers)
