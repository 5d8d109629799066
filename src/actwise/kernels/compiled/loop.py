"""The training loop: many steps, whole epochs and many epochs without Python in between.

The loop can stop after any number of steps and go on later from what its arrays hold, so that the
caller can show progress, look at the clock and answer Ctrl-C without the result depending on when.
"""

from typing import NamedTuple

import numpy as np
from numba import carray, njit  # type: ignore[attr-defined]  # Numba lists it in no __all__

from .calls import pointer
from .passes import (
    N_INPUTS,
    N_LINEAR,
    N_UNITS,
    OUTPUT_AT,
    WEIGHTS,
    backward,
    forward,
    loss_and_delta,
)
from .randomness import shuffle
from .updates import update

# Columns of a history row.
TRAINING_LOSS, VALIDATION_LOSS, LEARNING_RATE, GRADIENT_NORM = range(4)
# Entries of the integer state.
POSITION, EPOCH, STEP, BEST_EPOCH, STALE_EPOCHS, HISTORY_ROW = range(6)
# Entries of the float state.
LOSS_SUM, WEIGHT_SUM, BEST_LOSS, NORM_SUM = range(4)
# What a call of `run_steps` ended with.
PAUSED, EPOCHS_DONE, STALE, NOT_FINITE = range(4)


class Rows(NamedTuple):
    """Rows to learn from or to judge by; the inputs stay where they are and are read by address."""

    inputs: int  # address of the first element
    row_stride: int  # in elements
    column_stride: int
    targets: np.ndarray  # flat (n_rows * n_targets,)
    weights: np.ndarray  # (n_rows,)
    n_rows: int


class Settings(NamedTuple):
    """What the loop does."""

    rule: int
    rule_constants: np.ndarray
    rates: np.ndarray  # learning rate of each step in this call
    batch_size: int
    epochs: int
    shuffled: bool
    l2: float
    largest_norm: float  # gradients are scaled down to this norm; infinity: never
    patience: int  # epochs without improvement before stopping; 0: never stop
    tolerance: float  # an improvement must be larger than this
    max_steps: int


class State(NamedTuple):
    """Everything that changes."""

    parameters: np.ndarray
    gradients: np.ndarray
    first: np.ndarray
    second: np.ndarray
    best: np.ndarray
    work: np.ndarray
    batch_targets: np.ndarray
    batch_weights: np.ndarray
    order: np.ndarray
    random: np.ndarray  # uint64 (4,)
    integers: np.ndarray
    floats: np.ndarray
    history: np.ndarray  # float64 (rows, 4)


@njit(error_model="numpy")
def gather(rows, order, start, count, n_inputs, n_targets, work, batch_targets, batch_weights):
    """Copy the chosen rows to where the passes read them; return the sum of their weights."""
    inputs = carray(
        pointer(rows.inputs, work[0]),
        (rows.n_rows - 1) * rows.row_stride + (n_inputs - 1) * rows.column_stride + 1,
    )
    total = 0.0
    for i in range(count):
        row = order[start + i]
        base = row * rows.row_stride
        if rows.column_stride == 1:
            for j in range(n_inputs):
                work[i * n_inputs + j] = inputs[base + j]
        else:
            for j in range(n_inputs):
                work[i * n_inputs + j] = inputs[base + j * rows.column_stride]
        for j in range(n_targets):
            batch_targets[i * n_targets + j] = rows.targets[row * n_targets + j]
        batch_weights[i] = rows.weights[row]
        total += rows.weights[row]
    return total


@njit(error_model="numpy", nogil=True, cache=True)
def mean_loss(plan, rows, state, in_order, batch_size):
    """Return the weighted mean loss over rows, without dropout; `in_order` is 0, 1, 2..."""
    n_inputs = plan.layers[0, N_INPUTS]
    total, weight = 0.0, 0.0
    for start in range(0, rows.n_rows, batch_size):
        count = min(batch_size, rows.n_rows - start)
        weight += gather(
            rows, in_order, start, count, n_inputs, plan.n_targets,
            state.work, state.batch_targets, state.batch_weights,
        )  # fmt: skip
        forward(plan, state.parameters, state.work, count, state.random, False, True)
        total += loss_and_delta(plan, state.work, state.batch_targets, state.batch_weights, count)
    return total / weight


@njit(error_model="numpy")
def finish_gradient(plan, settings, state, weight):
    """Turn sums over the batch into means, add L2, clip; return the norm before clipping."""
    number = state.parameters.dtype.type
    gradients = state.gradients
    inverse = number(1.0 / weight) if weight > 0.0 else number(0)
    for i in range(gradients.size):
        gradients[i] *= inverse
    if settings.l2 > 0.0:
        l2 = number(settings.l2)
        for index in range(plan.layers.shape[0]):
            at = plan.layers[index, WEIGHTS]
            for i in range(at, at + plan.layers[index, N_INPUTS] * plan.layers[index, N_LINEAR]):
                gradients[i] += l2 * state.parameters[i]
    if settings.largest_norm == np.inf:
        return 0.0
    squares = 0.0
    for i in range(gradients.size):
        squares += np.float64(gradients[i]) * np.float64(gradients[i])
    norm = np.sqrt(squares)
    if norm > settings.largest_norm:
        factor = number(settings.largest_norm / norm)
        for i in range(gradients.size):
            gradients[i] *= factor
    return norm


@njit(error_model="numpy")
def batch_gradient(plan, settings, rows, state, order, start, count):
    """Compute loss and gradient of the chosen rows; return loss sum, weight sum and gradient norm."""
    weight = gather(
        rows, order, start, count, plan.layers[0, N_INPUTS], plan.n_targets,
        state.work, state.batch_targets, state.batch_weights,
    )  # fmt: skip
    forward(plan, state.parameters, state.work, count, state.random, True, True)
    loss = loss_and_delta(plan, state.work, state.batch_targets, state.batch_weights, count)
    backward(plan, state.parameters, state.gradients, state.work, count)
    norm = finish_gradient(plan, settings, state, weight)
    return loss, weight, norm


@njit(error_model="numpy")
def close_epoch(plan, settings, validation, state, in_order):
    """Write the epoch's history row, keep the best parameters; return how it ended."""
    integers, floats = state.integers, state.floats
    row = integers[HISTORY_ROW]
    loss = floats[LOSS_SUM] / floats[WEIGHT_SUM] if floats[WEIGHT_SUM] > 0.0 else 0.0
    judged = loss
    state.history[row, TRAINING_LOSS] = loss
    state.history[row, VALIDATION_LOSS] = np.nan
    if validation.n_rows > 0:
        judged = mean_loss(plan, validation, state, in_order, settings.batch_size)
        state.history[row, VALIDATION_LOSS] = judged
    state.history[row, GRADIENT_NORM] = floats[NORM_SUM]
    integers[HISTORY_ROW] = row + 1
    integers[EPOCH] += 1
    floats[LOSS_SUM] = 0.0
    floats[WEIGHT_SUM] = 0.0
    floats[NORM_SUM] = 0.0
    if not (np.isfinite(loss) and np.isfinite(judged)):
        return NOT_FINITE
    integers[STALE_EPOCHS] += 1
    if judged < floats[BEST_LOSS] - settings.tolerance:
        integers[STALE_EPOCHS] = 0
    if judged < floats[BEST_LOSS]:
        floats[BEST_LOSS] = judged
        integers[BEST_EPOCH] = integers[EPOCH]
        for i in range(state.parameters.size):
            state.best[i] = state.parameters[i]
    if settings.patience > 0 and integers[STALE_EPOCHS] >= settings.patience:
        return STALE
    return EPOCHS_DONE if integers[EPOCH] >= settings.epochs else PAUSED


@njit(error_model="numpy", nogil=True, cache=True)
def run_steps(plan, settings, rows, validation, state, in_order):
    """Train for at most ``settings.max_steps`` steps; return what it ended with."""
    integers, floats = state.integers, state.floats
    for step in range(settings.max_steps):
        if integers[POSITION] == 0 and settings.shuffled:
            shuffle(state.order, state.random)
        start = integers[POSITION]
        count = min(settings.batch_size, rows.n_rows - start)
        loss, weight, norm = batch_gradient(plan, settings, rows, state, state.order, start, count)
        if not np.isfinite(loss):
            floats[LOSS_SUM] = loss
            floats[WEIGHT_SUM] = 1.0
            state.history[integers[HISTORY_ROW], LEARNING_RATE] = settings.rates[step]
            close_epoch(plan, settings, validation, state, in_order)
            return NOT_FINITE
        integers[STEP] += 1
        update(
            settings.rule, settings.rule_constants, state.parameters, state.gradients,
            state.first, state.second, integers[STEP], settings.rates[step],
        )  # fmt: skip
        floats[LOSS_SUM] += loss
        floats[WEIGHT_SUM] += weight
        floats[NORM_SUM] = max(floats[NORM_SUM], norm)
        integers[POSITION] = start + count
        if integers[POSITION] >= rows.n_rows:
            integers[POSITION] = 0
            state.history[integers[HISTORY_ROW], LEARNING_RATE] = settings.rates[step]
            ended = close_epoch(plan, settings, validation, state, in_order)
            if ended != PAUSED:
                return ended
    return PAUSED


@njit(error_model="numpy", nogil=True, cache=True)
def loss_and_gradient(plan, settings, rows, state, in_order):
    """Fill the gradient of the mean loss over all rows (L2 included); return the mean loss.

    ``state.first`` holds the sum over batches meanwhile.
    """
    total = state.first
    for i in range(total.size):
        total[i] = 0
    loss_sum, weight_sum = 0.0, 0.0
    n_inputs = plan.layers[0, N_INPUTS]
    for start in range(0, rows.n_rows, settings.batch_size):
        count = min(settings.batch_size, rows.n_rows - start)
        weight_sum += gather(
            rows, in_order, start, count, n_inputs, plan.n_targets,
            state.work, state.batch_targets, state.batch_weights,
        )  # fmt: skip
        forward(plan, state.parameters, state.work, count, state.random, True, True)
        loss_sum += loss_and_delta(plan, state.work, state.batch_targets, state.batch_weights, count)
        backward(plan, state.parameters, state.gradients, state.work, count)
        for i in range(total.size):
            total[i] += state.gradients[i]
    for i in range(total.size):
        state.gradients[i] = total[i]
    finish_gradient(plan, settings, state, weight_sum)
    return loss_sum / weight_sum


@njit(error_model="numpy", nogil=True, cache=True)
def predict(plan, rows, parameters, work, batch_size, outputs):
    """Write the network's outputs for all rows into a flat array."""
    n_inputs = plan.layers[0, N_INPUTS]
    last = plan.layers[plan.layers.shape[0] - 1]
    unused = np.zeros(4, np.uint64)
    n_units = last[N_UNITS]
    source = last[OUTPUT_AT]
    inputs = carray(
        pointer(rows.inputs, work[0]),
        (rows.n_rows - 1) * rows.row_stride + (n_inputs - 1) * rows.column_stride + 1,
    )
    for start in range(0, rows.n_rows, batch_size):
        count = min(batch_size, rows.n_rows - start)
        for i in range(count):
            base = (start + i) * rows.row_stride
            for j in range(n_inputs):
                work[i * n_inputs + j] = inputs[base + j * rows.column_stride]
        forward(plan, parameters, work, count, unused, False, False)
        for i in range(count * n_units):
            outputs[start * n_units + i] = work[source + i]
