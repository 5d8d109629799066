"""Forward and backward passes of one batch over flat arrays, driven by a table with a row per layer.

The columns of the layer table are named below. All offsets count elements: those of weights, biases
and trained activation parameters into the parameter array, the others into the work array.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from .calls import call_activation, call_loss
from .matrix import address_of, backward_product, forward_product, weight_gradient
from .randomness import next_unit

(
    N_INPUTS,  # width of the layer's input
    N_LINEAR,  # width of the linear map: units times pieces
    N_UNITS,  # width of the output
    WEIGHTS,
    BIASES,  # -1: no bias
    FORWARD,  # address of the activation's kernel
    BACKWARD,
    PARAMETER_GRADIENT,  # address, or 0: the activation has no trained parameters
    CONSTANTS,  # where the activation's parameters begin in Plan.constants
    N_CONSTANTS,
    INPUT_AT,  # where the layer reads its input
    PRE_ACTIVATION_AT,
    OUTPUT_AT,
    MASK_AT,  # -1: no dropout before this layer
    COLUMNS,
) = range(15)


class Plan(NamedTuple):
    """What is computed: the network, the loss, and where BLAS is."""

    layers: np.ndarray  # int64 (n_layers, COLUMNS)
    dropout: np.ndarray  # float64 (n_layers,): share of the layer's inputs that is dropped
    constants: np.ndarray  # float64: parameters of the activations
    constant_gradients: np.ndarray  # float64, same length
    trained: np.ndarray  # int64 (n, 2): position in constants, position among the parameters
    loss: int  # address of the loss kernel
    loss_constants: np.ndarray  # float64
    loss_on_pre_activation: bool  # the loss kernel takes logits and the last activation is left out
    n_targets: int
    gemm: int  # address of BLAS gemm for the element type
    delta_at: int  # where the gradient with respect to an output is kept
    delta_linear_at: int  # the same with respect to a pre-activation


@njit(error_model="numpy")
def load_constants(plan, parameters):
    """Copy the trained activation parameters to where the kernels read them."""
    for i in range(plan.trained.shape[0]):
        plan.constants[plan.trained[i, 0]] = parameters[plan.trained[i, 1]]


@njit(error_model="numpy")
def _drop(work, source_at, target_at, mask_at, count, share, state):
    scale = work.dtype.type(1.0 / (1.0 - share))
    for i in range(count):
        kept = scale if next_unit(state) >= share else work.dtype.type(0)
        work[mask_at + i] = kept
        work[target_at + i] = work[source_at + i] * kept


@njit(error_model="numpy")
def forward(plan, parameters, work, rows, state, training, for_loss):
    """Compute all layers for `rows` rows that lie at the start of `work`.

    `training` switches dropout on; `for_loss` leaves out an output activation that the loss includes.
    """
    load_constants(plan, parameters)
    n_layers = plan.layers.shape[0]
    previous = 0
    for index in range(n_layers):
        layer = plan.layers[index]
        n_inputs, n_linear = layer[N_INPUTS], layer[N_LINEAR]
        source = previous
        if training and layer[MASK_AT] >= 0:
            source = layer[INPUT_AT]
            _drop(work, previous, source, layer[MASK_AT], rows * n_inputs, plan.dropout[index], state)
        at = layer[PRE_ACTIVATION_AT]
        bias = layer[BIASES]
        for row in range(rows):
            start = at + row * n_linear
            if bias >= 0:
                for j in range(n_linear):
                    work[start + j] = parameters[bias + j]
            else:
                for j in range(n_linear):
                    work[start + j] = 0
        forward_product(plan.gemm, work, source, parameters, layer[WEIGHTS], work, at, rows, n_inputs, n_linear)
        if not (for_loss and plan.loss_on_pre_activation and index == n_layers - 1):
            call_activation(
                layer[FORWARD], address_of(work, at), address_of(work, layer[OUTPUT_AT]), 0, 0,
                rows, layer[N_UNITS], address_of(plan.constants, layer[CONSTANTS]),
            )  # fmt: skip
        previous = layer[OUTPUT_AT]


@njit(error_model="numpy")
def loss_and_delta(plan, work, targets, weights, rows):
    """Return the weighted sum of the rows' losses; leave its gradient where `backward` looks for it."""
    last = plan.layers[plan.layers.shape[0] - 1]
    source = last[PRE_ACTIVATION_AT] if plan.loss_on_pre_activation else last[OUTPUT_AT]
    target = plan.delta_linear_at if plan.loss_on_pre_activation else plan.delta_at
    return call_loss(
        plan.loss, address_of(work, source), address_of(targets, 0), address_of(weights, 0),
        address_of(work, target), rows, last[N_UNITS], address_of(plan.loss_constants, 0),
    )  # fmt: skip


@njit(error_model="numpy")
def backward(plan, parameters, gradients, work, rows):
    """Fill `gradients` from the gradient that `loss_and_delta` left; `forward` must have run in training."""
    n_layers = plan.layers.shape[0]
    for index in range(n_layers - 1, -1, -1):
        layer = plan.layers[index]
        n_inputs, n_linear = layer[N_INPUTS], layer[N_LINEAR]
        before, after = layer[PRE_ACTIVATION_AT], layer[OUTPUT_AT]
        constants = address_of(plan.constants, layer[CONSTANTS])
        if not (plan.loss_on_pre_activation and index == n_layers - 1):
            if layer[PARAMETER_GRADIENT] != 0:
                call_activation(
                    layer[PARAMETER_GRADIENT], address_of(work, before), address_of(work, after),
                    address_of(work, plan.delta_at), address_of(plan.constant_gradients, layer[CONSTANTS]),
                    rows, layer[N_UNITS], constants,
                )  # fmt: skip
            call_activation(
                layer[BACKWARD], address_of(work, before), address_of(work, after),
                address_of(work, plan.delta_at), address_of(work, plan.delta_linear_at),
                rows, layer[N_UNITS], constants,
            )  # fmt: skip
        if layer[MASK_AT] >= 0:
            source = layer[INPUT_AT]
        else:
            source = plan.layers[index - 1, OUTPUT_AT] if index > 0 else 0
        delta = plan.delta_linear_at
        weight_gradient(plan.gemm, work, source, work, delta, gradients, layer[WEIGHTS], rows, n_inputs, n_linear)
        bias = layer[BIASES]
        if bias >= 0:
            for j in range(n_linear):
                gradients[bias + j] = 0
            for row in range(rows):
                for j in range(n_linear):
                    gradients[bias + j] += work[delta + row * n_linear + j]
        if index > 0:
            backward_product(
                plan.gemm, work, delta, parameters, layer[WEIGHTS], work, plan.delta_at,
                rows, n_inputs, n_linear,
            )  # fmt: skip
            if layer[MASK_AT] >= 0:
                for i in range(rows * n_inputs):
                    work[plan.delta_at + i] *= work[layer[MASK_AT] + i]
    for i in range(plan.trained.shape[0]):
        gradients[plan.trained[i, 1]] = plan.constant_gradients[plan.trained[i, 0]]
