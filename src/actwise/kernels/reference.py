"""The slow, obvious twin of the compiled passes: NumPy in float64, one layer at a time.

This is the oracle that the compiled kernels are compared with; it shares no code with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.formula.dialects import evaluate, numpy_table
from actwise.kernels.engine import LinearLayer, Loss

Array = npt.NDArray[np.float64]


def _split(layer: LinearLayer, parameters: Array) -> tuple[Array, Array, dict[str, Any]]:
    size = layer.n_inputs * layer.n_linear
    weights = parameters[layer.weights_at : layer.weights_at + size].reshape(layer.n_inputs, layer.n_linear)
    biases = np.zeros(layer.n_linear)
    if layer.biases_at >= 0:
        biases = parameters[layer.biases_at : layer.biases_at + layer.n_linear]
    constants = list(layer.constants)
    for index, place in layer.trained_at:
        constants[index] = parameters[place]
    return weights, biases, dict(zip(layer.formula.parameters, constants, strict=True))


def _pieces(layer: LinearLayer, pre_activations: Array) -> dict[str, Array]:
    if layer.formula.pieces == 1:
        return {"x": pre_activations}
    parts = np.split(pre_activations, layer.formula.pieces, axis=1)
    return {f"x{k}": part for k, part in enumerate(parts)}


def forward(layers: Sequence[LinearLayer], parameters: Array, X: Array) -> list[tuple[Array, Array, Array]]:
    """Return (input, pre-activation, output) of each layer, without dropout.

    Parameters
    ----------
    layers : sequence of LinearLayer
        The network.
    parameters : ndarray of shape (n_parameters,)
        Float64.
    X : ndarray of shape (n_rows, n_inputs)
        Float64.
    """
    passed = []
    inputs = X
    for layer in layers:
        weights, biases, constants = _split(layer, parameters)
        pre_activations = inputs @ weights + biases
        with np.errstate(all="ignore"):
            values = _pieces(layer, pre_activations) | constants
            outputs = evaluate(layer.formula.value, values, numpy_table())
        outputs = np.broadcast_to(outputs, (len(X), layer.n_units)).astype(np.float64)
        passed.append((inputs, pre_activations, outputs))
        inputs = outputs
    return passed


def loss_and_gradient(
    layers: Sequence[LinearLayer],
    parameters: Array,
    X: Array,
    targets: Array,
    loss: Loss,
    weights: Array | None = None,
) -> tuple[float, Array]:
    """Return the weighted mean loss and its gradient with respect to all parameters, by the chain rule.

    Parameters
    ----------
    layers, parameters, X
        As for `forward`.
    targets : ndarray of shape (n_rows, n_targets)
        Values, or class indices.
    loss : Loss
        The loss.
    weights : ndarray of shape (n_rows,), optional
        Row weights.
    """
    rows = np.ones(len(X)) if weights is None else weights
    passed = forward(layers, parameters, X)
    _, pre_activations, outputs = passed[-1]
    x = pre_activations if loss.on_pre_activation else outputs
    t = targets
    if loss.formula.target == "class":
        t = (targets == np.arange(x.shape[1])).astype(np.float64)
    values = {"x": x, "t": t} | dict(zip(loss.formula.parameters, loss.constants, strict=True))
    with np.errstate(all="ignore"):
        each = np.broadcast_to(evaluate(loss.formula.value, values, numpy_table()), x.shape)
        delta = evaluate(loss.formula.gradient, values, numpy_table())
    share = rows[:, None] / rows.sum()
    upstream = np.broadcast_to(delta, x.shape) * share
    gradient = np.zeros_like(parameters)
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        inputs, pre_activations, outputs = passed[index]
        matrix, _, constants = _split(layer, parameters)
        if index == len(layers) - 1 and loss.on_pre_activation:
            delta_linear = upstream
        else:
            known = _pieces(layer, pre_activations) | {"y": outputs, "g": upstream} | constants
            with np.errstate(all="ignore"):
                parts = [evaluate(part, known, numpy_table()) for part in layer.formula.gradients]
                for k, place in layer.trained_at:
                    trained = evaluate(layer.formula.parameter_gradients[k], known, numpy_table())
                    gradient[place] = np.sum(np.broadcast_to(trained, outputs.shape))
            delta_linear = np.concatenate([np.broadcast_to(p, outputs.shape) for p in parts], axis=1)
        size = layer.n_inputs * layer.n_linear
        gradient[layer.weights_at : layer.weights_at + size] = (inputs.T @ delta_linear).reshape(-1)
        if layer.biases_at >= 0:
            gradient[layer.biases_at : layer.biases_at + layer.n_linear] = delta_linear.sum(axis=0)
        upstream = delta_linear @ matrix.T
    return float(np.sum(each * share)), gradient
