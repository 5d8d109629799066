"""Derivatives of activations that are not the catalogue's: checked as training calls them, and corrected."""

from __future__ import annotations

from dataclasses import replace

from actwise.activations import Activation, is_from_catalogue
from actwise.doctor.architecture import with_layers
from actwise.errors import InputError
from actwise.formula.stabilise import derivative
from actwise.handwritten import DerivativeReport, check_derivative
from actwise.model.layers import ActivationLayer, Dense
from actwise.model.network import Network

# The same few activations are asked about for every layer and every change.
_CHECKED: dict[object, DerivativeReport | None] = {}


def wrong_derivative(activation: object) -> DerivativeReport | None:
    """Check an activation's derivatives, from the pre-activation and, where it is declared, from the output.

    None where nothing is wrong, or the function is too rough to tell.
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
        return None
    return None if report.correct else report


def wrong_derivatives(network: Network) -> list[tuple[int, DerivativeReport]]:
    """Return the layers, counted from 1, whose activation has a wrong derivative, and what is wrong with it."""
    return [
        (place, report)
        for place, layer in enumerate(network.layers, 1)
        if isinstance(layer, Dense | ActivationLayer) and (report := wrong_derivative(layer.activation)) is not None
    ]


def with_right_derivatives(network: Network) -> Network | None:
    """Return the network with derivatives that follow from the functions; None where none is wrong."""
    layers = list(network.layers)
    wrong = wrong_derivatives(network)
    for place, _ in wrong:
        layer = layers[place - 1]
        assert isinstance(layer, Dense | ActivationLayer)
        assert isinstance(layer.activation, Activation)
        right = replace(layer.activation, df_x=derivative(layer.activation.expression), df_y=None)
        layers[place - 1] = replace(layer, activation=right)
    return with_layers(network, layers) if wrong else None
