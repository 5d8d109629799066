"""The slow, obvious twin of the compiled passes: NumPy in float64, one layer at a time.

This is the oracle that the compiled kernels are compared with; it shares no code with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.formula.dialects import evaluate, numpy_table
from actwise.model.program import ProgramLayer, ProgramLoss

Array = npt.NDArray[np.float64]


def _split(layer: ProgramLayer, parameters: Array) -> tuple[Array, Array, dict[str, Any]]:
    if layer.map == "linear":
        weights = parameters[layer.weights_at : layer.weights_at + layer.n_weights]
    else:
        weights = np.eye(layer.n_inputs)
    biases = np.zeros(layer.n_linear)
    if layer.map == "linear" and layer.biases_at >= 0:
        biases = parameters[layer.biases_at : layer.biases_at + layer.n_linear]
    constants = list(layer.constants) if layer.map != "normalising" else []
    for index, place in layer.trained_at:
        constants[index] = parameters[place]
    matrix = weights.reshape(layer.n_inputs, layer.n_linear)
    return matrix, biases, dict(zip(layer.formula.parameters, constants, strict=True))


def _normalise(layer: ProgramLayer, parameters: Array, inputs: Array, learns: bool) -> tuple[Array, Array]:
    """Return normalised inputs, and those scaled and shifted."""
    n, at = layer.n_units, layer.statistics_at
    mean, variance = parameters[at : at + n], parameters[at + n : at + 2 * n]
    if learns:
        mean, variance = inputs.mean(axis=0), inputs.var(axis=0)
    normal = (inputs - mean) / np.sqrt(variance + layer.constants[1])
    scale, shift = parameters[layer.scale_at :][:n], parameters[layer.biases_at :][:n]
    return normal, normal * scale + shift


def _pieces(layer: ProgramLayer, pre_activations: Array) -> dict[str, Array]:
    if layer.formula.pieces == 1:
        return {"x": pre_activations}
    parts = np.split(pre_activations, layer.formula.pieces, axis=1)
    return {f"x{k}": part for k, part in enumerate(parts)}


def forward(
    layers: Sequence[ProgramLayer], parameters: Array, X: Array, learns: bool = False
) -> list[tuple[Array, Array, Array]]:
    """Return (input, pre-activation, output) of each layer, without dropout.

    Shapes: `parameters` (n_parameters,), `X` (n_rows, n_inputs).
    """
    passed = []
    inputs = X
    for layer in layers:
        weights, biases, constants = _split(layer, parameters)
        pre_activations = inputs @ weights + biases
        if layer.map == "normalising":
            _, pre_activations = _normalise(layer, parameters, inputs, learns)
        with np.errstate(all="ignore"):
            values = _pieces(layer, pre_activations) | constants
            outputs = evaluate(layer.formula.value, values, numpy_table())
        outputs = np.broadcast_to(outputs, (len(X), layer.n_units)).astype(np.float64)
        passed.append((inputs, pre_activations, outputs))
        inputs = outputs
    return passed


def loss_and_gradient(
    layers: Sequence[ProgramLayer],
    parameters: Array,
    X: Array,
    targets: Array,
    loss: ProgramLoss,
    weights: Array | None = None,
) -> tuple[float, Array]:
    """Return the weighted mean loss and its gradient with respect to all parameters, by the chain rule.

    Shapes: `targets` (n_rows, n_targets), `weights` (n_rows,).
    """
    rows = np.ones(len(X)) if weights is None else weights
    passed = forward(layers, parameters, X, learns=True)
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
        if layer.map == "linear":
            gradient[layer.weights_at : layer.weights_at + layer.n_weights] = (inputs.T @ delta_linear).reshape(-1)
        if layer.biases_at >= 0:
            gradient[layer.biases_at : layer.biases_at + layer.n_linear] = delta_linear.sum(axis=0)
        upstream = delta_linear @ matrix.T
        if layer.map == "normalising":
            normal, _ = _normalise(layer, parameters, inputs, learns=True)
            gradient[layer.scale_at :][: layer.n_units] = (delta_linear * normal).sum(axis=0)
            by_normal = delta_linear * parameters[layer.scale_at :][: layer.n_units]
            centred = by_normal - by_normal.mean(axis=0) - normal * (by_normal * normal).mean(axis=0)
            upstream = centred / np.sqrt(inputs.var(axis=0) + layer.constants[1])
    return float(np.sum(each * share)), gradient
