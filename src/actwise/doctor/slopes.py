"""Derivatives of activations that are not the catalogue's: checked as training calls them, and put right."""

from __future__ import annotations

from dataclasses import replace

from actwise.activations import Activation, is_from_catalogue
from actwise.errors import InputError
from actwise.formula.stabilise import derivative
from actwise.handwritten import DerivativeReport, check_derivative
from actwise.model.layers import ActivationLayer, Dense, Layer
from actwise.model.network import Network

# The same few activations are asked about for every layer and every change.
_CHECKED: dict[object, DerivativeReport | None] = {}


def wrong_slope(activation: object) -> DerivativeReport | None:
    """Check an activation's derivatives, from the pre-activation and, where it is declared, from the output.

    Result: what is wrong; None where nothing is, or nothing can be said.
    """
    if not isinstance(activation, Activation) or is_from_catalogue(activation):
        return None
    key = (activation.expression, activation.derivative_expression, activation.derivative_from_output_expression,
           tuple(activation.values.items()))  # fmt: skip
    if key not in _CHECKED:
        _CHECKED[key] = _checked(activation)
    return _CHECKED[key]


def _checked(activation: Activation) -> DerivativeReport | None:
    try:
        report = check_derivative(activation, activation.derivative, "x")
        if report.correct and activation.derivative_from_output_expression is not None:
            report = check_derivative(activation, activation.derivative_from_output, "y")
    except InputError:
        return None  # too rough to be judged
    return None if report.correct else report


def wrong_slopes(network: Network) -> list[tuple[int, DerivativeReport]]:
    """Return the layers, counted from 1, whose activation has a wrong derivative, and what is wrong with it."""
    found = []
    for place, layer in enumerate(network.layers, 1):
        if isinstance(layer, Dense | ActivationLayer) and (report := wrong_slope(layer.activation)) is not None:
            found.append((place, report))
    return found


def with_right_slopes(network: Network) -> Network | None:
    """Return the network with derivatives that follow from the functions; None where none is wrong."""
    places = {place for place, _ in wrong_slopes(network)}

    def righted(layer: Layer) -> Layer:
        assert isinstance(layer, Dense | ActivationLayer)
        each = layer.activation
        assert isinstance(each, Activation)
        right = replace(each, df_x=derivative(each.expression), df_y=None)
        if isinstance(layer, ActivationLayer):
            return ActivationLayer(right)
        return Dense(layer.units, right, layer.bias, layer.init, layer.bias_init)

    layers = [righted(layer) if place in places else layer for place, layer in enumerate(network.layers, 1)]
    return Network(layers, network.n_inputs, dtype=network.dtype) if places else None
