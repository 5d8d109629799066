"""The training loop: many steps, whole epochs and many epochs without Python in between.

The loop can stop after any number of steps and go on later from what its context holds, so that the caller
can show progress, look at the clock and answer Ctrl-C without the result depending on when.
"""

import numpy as np
from numba import njit

from .calls import call_loss, call_stage, prefetch
from .context import (
    BACKWARD_STAGE,
    BATCH_LOSS,
    BATCH_SIZE,
    BATCH_STAGE,
    BATCH_TARGETS,
    BATCH_WEIGHTS,
    BEST,
    BEST_EPOCH,
    BEST_LOSS,
    COLUMN_STRIDE,
    COLUMNS,
    DELTA_AT,
    DELTA_LINEAR_AT,
    EPOCH,
    EPOCH_STAGE,
    EPOCHS,
    FIRST,
    FLOATS,
    FORWARD_STAGE,
    GRADIENT_NORM,
    GRADIENTS,
    HALVES_STAGE,
    HISTORY,
    HISTORY_COLUMNS,
    HISTORY_ROW,
    HISTORY_SIZE,
    INPUTS,
    JUDGED_INPUTS,
    L2,
    LARGEST_NORM,
    LARGEST_NORM_SEEN,
    LAYERS,
    LEARNING_RATE,
    LINEAR,
    LOSS,
    LOSS_CONSTANTS,
    LOSS_ON_PRE_ACTIVATION,
    LOSS_SUM,
    MAP,
    MEAN_WEIGHT,
    N_FLOATS,
    N_INPUTS,
    N_INTEGERS,
    N_JUDGED,
    N_LAYERS,
    N_LINEAR,
    N_PARAMETERS,
    N_ROWS,
    N_STATISTICS,
    N_TARGETS,
    N_UNITS,
    NORM,
    ORDER,
    OUTPUT_AT,
    OUTPUTS,
    PARAMETERS,
    PATIENCE,
    POSITION,
    PRE_ACTIVATION_AT,
    RANDOM,
    RATE,
    RATES,
    ROW_STRIDE,
    SHUFFLED,
    STALE_EPOCHS,
    STEP,
    TARGETS,
    TOLERANCE,
    TRAINING_LOSS,
    UPDATE_STAGE,
    VALIDATION_LOSS,
    WEIGHT_SUM,
    WEIGHTS,
    WEIGHTS_AT,
    WORK,
    WORK_SIZE,
    doubles,
    elements,
    integers,
    words,
)
from .element import ELEMENT
from .matrix import address_of
from .passes import FOR_LOSS, LEARNS
from .randomness import shuffle
from .tiles import SIZE, copy_elements

PAUSED, EPOCHS_DONE, STALE, NOT_FINITE = range(4)  # what a call of `run_steps` ends with
CACHE_LINE = 64  # bytes
MOST_LINES = 8  # of a row that are asked for ahead; the processor sees by itself where a longer one goes on
NEAR_BYTES = 2**18  # rows that are fewer stay in the second-level cache
LEARNED, JUDGED = 0, JUDGED_INPUTS - INPUTS  # which rows: the offset of their entries in the context


@njit(error_model="numpy")
def _copy_row(inputs, at, column_stride, work, to, n_inputs):
    """Copy a row of inputs to where the passes read it."""
    if column_stride == 1:
        copy_elements(address_of(inputs, at), address_of(work, to), n_inputs)
    else:
        for j in range(n_inputs):
            work[to + j] = inputs[at + j * column_stride]


@njit(error_model="numpy")
def _gather(context, which, start, count):
    """Copy rows to where the passes read them; return the sum of their weights."""
    n_rows, n_targets = context[which + N_ROWS], context[N_TARGETS]
    n_inputs = integers(context[LAYERS], COLUMNS)[N_INPUTS]
    row_stride, column_stride = context[which + ROW_STRIDE], context[which + COLUMN_STRIDE]
    inputs = elements(context[which + INPUTS], (n_rows - 1) * row_stride + (n_inputs - 1) * column_stride + 1)
    targets = elements(context[which + TARGETS], n_rows * n_targets)
    weights = elements(context[which + WEIGHTS], n_rows)
    order = integers(context[which + ORDER], n_rows)
    work = elements(context[WORK], context[WORK_SIZE])
    batch_targets = elements(context[BATCH_TARGETS], context[BATCH_SIZE] * n_targets)
    batch_weights = elements(context[BATCH_WEIGHTS], context[BATCH_SIZE])
    total = 0.0
    for i in range(count):
        row = order[start + i]
        _copy_row(inputs, row * row_stride, column_stride, work, i * n_inputs, n_inputs)
        for j in range(n_targets):
            batch_targets[i * n_targets + j] = targets[row * n_targets + j]
        batch_weights[i] = weights[row]
        total += weights[row]
    _ask_for_rows(context, which, start + count, min(start + 2 * count, n_rows))
    return total


@njit(error_model="numpy")
def _ask_for_rows(context, which, start, stop):
    """Have rows of the next batch brought into the cache while this one is worked on."""
    n_inputs, n_targets = integers(context[LAYERS], COLUMNS)[N_INPUTS], context[N_TARGETS]
    order = integers(context[which + ORDER], context[which + N_ROWS])
    row_bytes = n_inputs * SIZE
    if context[which + COLUMN_STRIDE] != 1 or context[which + N_ROWS] * row_bytes < NEAR_BYTES:
        return
    for i in range(start, stop):
        row = order[i]
        at = context[which + INPUTS] + row * context[which + ROW_STRIDE] * SIZE
        for line in range(0, min(row_bytes, MOST_LINES * CACHE_LINE), CACHE_LINE):
            prefetch(at + line)
        prefetch(at + row_bytes - SIZE)
        prefetch(context[which + TARGETS] + row * n_targets * SIZE)
        prefetch(context[which + WEIGHTS] + row * SIZE)


def batch_loss(context_at, which, start, mode):
    """Run the forward pass and the loss of the batch that starts at a row; return how many rows it has."""
    context = integers(context_at, N_INTEGERS)
    count = min(context[BATCH_SIZE], context[which + N_ROWS] - start)
    floats = doubles(context[FLOATS], N_FLOATS)
    weight = _gather(context, which, start, count)
    call_stage(context[FORWARD_STAGE], context_at, count, mode, 0)
    last = integers(context[LAYERS] + (context[N_LAYERS] - 1) * COLUMNS * 8, COLUMNS)  # 8 bytes an int64
    source, target = last[OUTPUT_AT], context[DELTA_AT]
    if context[LOSS_ON_PRE_ACTIVATION]:
        source, target = last[PRE_ACTIVATION_AT], context[DELTA_LINEAR_AT]
    loss = call_loss(
        context[LOSS], context[WORK] + source * SIZE, context[BATCH_TARGETS], context[BATCH_WEIGHTS],
        context[WORK] + target * SIZE, count, last[N_UNITS], context[LOSS_CONSTANTS],
    )  # fmt: skip
    floats[BATCH_LOSS] = loss
    floats[LOSS_SUM] += loss
    floats[WEIGHT_SUM] += weight
    return count


@njit(error_model="numpy")
def _mean_loss(context_at, context, which):
    """Mean loss over rows in order, without dropout; uses up the sums in the context."""
    floats = doubles(context[FLOATS], N_FLOATS)
    floats[LOSS_SUM] = 0.0
    floats[WEIGHT_SUM] = 0.0
    for start in range(0, context[which + N_ROWS], context[BATCH_SIZE]):
        call_stage(context[BATCH_STAGE], context_at, which, start, FOR_LOSS)
    return floats[LOSS_SUM] / floats[WEIGHT_SUM]


@njit(error_model="numpy")
def _finish_gradient(context, weight):
    """Turn sums over rows into means, add L2, clip; note the norm before clipping."""
    floats = doubles(context[FLOATS], N_FLOATS)
    gradients = elements(context[GRADIENTS], context[N_PARAMETERS])
    parameters = elements(context[PARAMETERS], context[N_PARAMETERS])
    inverse = ELEMENT(1.0 / weight) if weight > 0.0 else ELEMENT(0)
    for i in range(gradients.size):
        gradients[i] *= inverse
    if floats[L2] > 0.0:
        l2 = ELEMENT(floats[L2])
        layers = integers(context[LAYERS], context[N_LAYERS] * COLUMNS)
        for index in range(context[N_LAYERS]):
            if layers[index * COLUMNS + MAP] != LINEAR:
                continue
            at = layers[index * COLUMNS + WEIGHTS_AT]
            size = layers[index * COLUMNS + N_INPUTS] * layers[index * COLUMNS + N_LINEAR]
            for i in range(at, at + size):
                gradients[i] += l2 * parameters[i]
    if floats[LARGEST_NORM] < np.inf:
        squares = 0.0
        for i in range(gradients.size):
            squares += np.float64(gradients[i]) * np.float64(gradients[i])
        floats[NORM] = np.sqrt(squares)
        if floats[NORM] > floats[LARGEST_NORM]:
            factor = ELEMENT(floats[LARGEST_NORM] / floats[NORM])
            for i in range(gradients.size):
                gradients[i] *= factor


def close_epoch(context_at, unused_1, unused_2, unused_3):
    """Write the epoch's history row, keep the best parameters; return how it ended."""
    context = integers(context_at, N_INTEGERS)
    floats = doubles(context[FLOATS], N_FLOATS)
    history = doubles(context[HISTORY], context[HISTORY_SIZE])
    row = context[HISTORY_ROW] * HISTORY_COLUMNS
    loss = floats[LOSS_SUM] / floats[WEIGHT_SUM] if floats[WEIGHT_SUM] > 0.0 else 0.0
    judged = loss
    history[row + TRAINING_LOSS] = loss
    history[row + VALIDATION_LOSS] = np.nan
    history[row + LEARNING_RATE] = floats[RATE]
    history[row + GRADIENT_NORM] = floats[LARGEST_NORM_SEEN]
    if context[N_JUDGED] > 0:
        judged = _mean_loss(context_at, context, JUDGED)
        history[row + VALIDATION_LOSS] = judged
    context[HISTORY_ROW] += 1
    context[EPOCH] += 1
    floats[LOSS_SUM] = 0.0
    floats[WEIGHT_SUM] = 0.0
    floats[LARGEST_NORM_SEEN] = 0.0
    if not (np.isfinite(loss) and np.isfinite(judged)):
        return NOT_FINITE
    context[STALE_EPOCHS] += 1
    if judged < floats[BEST_LOSS] - floats[TOLERANCE]:
        context[STALE_EPOCHS] = 0
    if judged < floats[BEST_LOSS]:
        floats[BEST_LOSS] = judged
        context[BEST_EPOCH] = context[EPOCH]
        size = context[N_PARAMETERS] + context[N_STATISTICS]
        best = elements(context[BEST], size)
        parameters = elements(context[PARAMETERS], size)
        for i in range(best.size):
            best[i] = parameters[i]
    if context[PATIENCE] > 0 and context[STALE_EPOCHS] >= context[PATIENCE]:
        return STALE
    return EPOCHS_DONE if context[EPOCH] >= context[EPOCHS] else PAUSED


def run_steps(context_at, max_steps, unused_1, unused_2):
    """Train for at most `max_steps` steps; return what it ended with."""
    context = integers(context_at, N_INTEGERS)
    floats = doubles(context[FLOATS], N_FLOATS)
    rates = doubles(context[RATES], max_steps)
    n_rows = context[N_ROWS]
    for step in range(max_steps):
        if context[POSITION] == 0 and context[SHUFFLED]:
            shuffle(integers(context[ORDER], n_rows), words(context[RANDOM], 4))
        start = context[POSITION]
        floats[RATE] = rates[step]
        in_halves = context[HALVES_STAGE] != 0
        if in_halves:
            count = call_stage(context[HALVES_STAGE], context_at, start, 0, 0)
        else:
            count = call_stage(context[BATCH_STAGE], context_at, LEARNED, start, LEARNS | FOR_LOSS)
        if not np.isfinite(floats[BATCH_LOSS]):
            call_stage(context[EPOCH_STAGE], context_at, 0, 0, 0)
            return NOT_FINITE
        if not in_halves:
            call_stage(context[BACKWARD_STAGE], context_at, count, 0, 0)
        # By the mean weight of all rows: a batch of rows that weigh little must not count as much as any other.
        _finish_gradient(context, count * floats[MEAN_WEIGHT])
        floats[LARGEST_NORM_SEEN] = max(floats[LARGEST_NORM_SEEN], floats[NORM])
        context[STEP] += 1
        call_stage(context[UPDATE_STAGE], context_at, 0, 0, 0)
        context[POSITION] = start + count
        if context[POSITION] >= n_rows:
            context[POSITION] = 0
            ended = call_stage(context[EPOCH_STAGE], context_at, 0, 0, 0)
            if ended != PAUSED:
                return ended
    return PAUSED


def loss_and_gradient(context_at, unused_1, unused_2, unused_3):
    """Fill the gradient of the mean loss over all rows (L2 included); the sums give the mean loss.

    The optimiser's first array holds the sum over batches meanwhile.
    """
    context = integers(context_at, N_INTEGERS)
    floats = doubles(context[FLOATS], N_FLOATS)
    gradients = elements(context[GRADIENTS], context[N_PARAMETERS])
    total = elements(context[FIRST], context[N_PARAMETERS])
    for i in range(total.size):
        total[i] = 0
    floats[LOSS_SUM] = 0.0
    floats[WEIGHT_SUM] = 0.0
    for start in range(0, context[N_ROWS], context[BATCH_SIZE]):
        count = call_stage(context[BATCH_STAGE], context_at, LEARNED, start, LEARNS | FOR_LOSS)
        call_stage(context[BACKWARD_STAGE], context_at, count, 0, 0)
        for i in range(total.size):
            total[i] += gradients[i]
    for i in range(total.size):
        gradients[i] = total[i]
    _finish_gradient(context, floats[WEIGHT_SUM])
    return 0


def predict(context_at, unused_1, unused_2, unused_3):
    """Write the network's outputs for all rows, in their order."""
    context = integers(context_at, N_INTEGERS)
    layers = integers(context[LAYERS], context[N_LAYERS] * COLUMNS)
    n_inputs, n_rows, batch_size = layers[N_INPUTS], context[N_ROWS], context[BATCH_SIZE]
    last = (context[N_LAYERS] - 1) * COLUMNS
    n_units, source = layers[last + N_UNITS], layers[last + OUTPUT_AT]
    row_stride, column_stride = context[ROW_STRIDE], context[COLUMN_STRIDE]
    inputs = elements(context[INPUTS], (n_rows - 1) * row_stride + (n_inputs - 1) * column_stride + 1)
    outputs = elements(context[OUTPUTS], n_rows * n_units)
    work = elements(context[WORK], context[WORK_SIZE])
    for start in range(0, n_rows, batch_size):
        count = min(batch_size, n_rows - start)
        for i in range(count):
            _copy_row(inputs, (start + i) * row_stride, column_stride, work, i * n_inputs, n_inputs)
        call_stage(context[FORWARD_STAGE], context_at, count, 0, 0)
        for i in range(count * n_units):
            outputs[start * n_units + i] = work[source + i]
    return 0
