"""Forward and backward passes of one batch, driven by the table of layers in the context."""

from numba import njit

from .calls import call_activation, call_stage
from .context import (
    BACKWARD,
    BIASES_AT,
    COLUMNS,
    CONSTANT_GRADIENTS,
    CONSTANTS,
    CONSTANTS_AT,
    DELTA_AT,
    DELTA_LINEAR_AT,
    DROP_STAGE,
    DROPOUT,
    FORWARD,
    GEMM,
    GRADIENTS,
    INPUT_AT,
    LAYERS,
    LEARNING,
    LINEAR,
    LOSS_ON_PRE_ACTIVATION,
    MAP,
    MAP_BACKWARD_STAGE,
    MAP_STAGE,
    MASK_AT,
    N_CONSTANTS,
    N_INPUTS,
    N_INTEGERS,
    N_LAYERS,
    N_LINEAR,
    N_PARAMETERS,
    N_TRAINED,
    N_UNITS,
    OUTPUT_AT,
    PARAMETER_GRADIENT,
    PARAMETERS,
    PRE_ACTIVATION_AT,
    PRODUCT,
    RANDOM,
    TRAINED,
    TRANSPOSED,
    WEIGHTS_AT,
    WORK,
    WORK_SIZE,
    doubles,
    elements,
    integers,
    words,
)
from .element import ELEMENT
from .matrix import address_of, backward_product, forward_product, pays_to_transpose, weight_gradient
from .randomness import next_unit
from .tiles import column_sums, transpose

LEARNS, FOR_LOSS = 1, 2  # bits of the mode of a forward pass


def drop(context_at, index, source, count):
    """Copy a layer's input to where it is read with dropout, a random share of it set to 0."""
    context = integers(context_at, N_INTEGERS)
    work = elements(context[WORK], context[WORK_SIZE])
    layers = integers(context[LAYERS], context[N_LAYERS] * COLUMNS)
    share = doubles(context[DROPOUT], context[N_LAYERS])[index]
    target, mask = layers[index * COLUMNS + INPUT_AT], layers[index * COLUMNS + MASK_AT]
    state = words(context[RANDOM], 4)
    scale = ELEMENT(1.0 / (1.0 - share))
    for i in range(count):
        kept = scale if next_unit(state) >= share else ELEMENT(0)
        work[mask + i] = kept
        work[target + i] = work[source + i] * kept
    return target


def forward(context_at, rows, mode, unused):
    """Compute all layers for `rows` rows that lie at the start of the work array.

    The mode's bit LEARNS switches dropout on and leaves what `backward` needs; FOR_LOSS leaves out an output
    activation that the loss includes.
    """
    context = integers(context_at, N_INTEGERS)
    parameters = elements(context[PARAMETERS], context[N_PARAMETERS])
    work = elements(context[WORK], context[WORK_SIZE])
    constants = doubles(context[CONSTANTS], context[N_CONSTANTS])
    layers = integers(context[LAYERS], context[N_LAYERS] * COLUMNS)
    n_trained = context[N_TRAINED]
    trained = integers(context[TRAINED], 2 * n_trained)
    for i in range(n_trained):
        constants[trained[2 * i]] = parameters[trained[2 * i + 1]]
    last = context[N_LAYERS] - 1
    skipped = last if mode & FOR_LOSS and context[LOSS_ON_PRE_ACTIVATION] else -1
    source = 0
    for index in range(last + 1):
        layer = index * COLUMNS
        n_inputs, n_linear = layers[layer + N_INPUTS], layers[layer + N_LINEAR]
        if mode & LEARNS and layers[layer + MASK_AT] >= 0:
            source = call_stage(context[DROP_STAGE], context_at, index, source, rows * n_inputs)
        at = layers[layer + PRE_ACTIVATION_AT]
        if layers[layer + MAP] == LINEAR:
            forward_product(
                context[PRODUCT], work, source, parameters, layers[layer + WEIGHTS_AT], layers[layer + BIASES_AT],
                work, at, rows, n_inputs, n_linear,
            )  # fmt: skip
        else:
            call_stage(context[MAP_STAGE], context_at, index, source, rows if mode & LEARNS else -rows)
        source = layers[layer + OUTPUT_AT]
        if index != skipped:
            call_activation(
                layers[layer + (LEARNING if mode & LEARNS else FORWARD)],
                address_of(work, at), address_of(work, source), 0, 0,
                rows, layers[layer + N_UNITS], address_of(constants, layers[layer + CONSTANTS_AT]),
            )  # fmt: skip
    return 0


@njit(error_model="numpy")
def _multiply(slopes_at, upstream_at, gradients_at, size):
    slopes, upstream = elements(slopes_at, size), elements(upstream_at, size)
    gradients = elements(gradients_at, size)
    for i in range(size):
        gradients[i] = slopes[i] * upstream[i]


def backward(context_at, rows, unused_1, unused_2):
    """Fill the gradients from the gradient that the loss left; `forward` must have run with LEARNS."""
    context = integers(context_at, N_INTEGERS)
    parameters = elements(context[PARAMETERS], context[N_PARAMETERS])
    gradients = elements(context[GRADIENTS], context[N_PARAMETERS])
    transposed = elements(context[TRANSPOSED], context[N_PARAMETERS])
    work = elements(context[WORK], context[WORK_SIZE])
    constants = doubles(context[CONSTANTS], context[N_CONSTANTS])
    constant_gradients = doubles(context[CONSTANT_GRADIENTS], context[N_CONSTANTS])
    layers = integers(context[LAYERS], context[N_LAYERS] * COLUMNS)
    delta_output, delta = context[DELTA_AT], context[DELTA_LINEAR_AT]
    skipped = context[N_LAYERS] - 1 if context[LOSS_ON_PRE_ACTIVATION] else -1
    for index in range(context[N_LAYERS] - 1, -1, -1):
        layer = index * COLUMNS
        n_inputs, n_linear = layers[layer + N_INPUTS], layers[layer + N_LINEAR]
        if index != skipped:
            before = address_of(work, layers[layer + PRE_ACTIVATION_AT])
            after = address_of(work, layers[layer + OUTPUT_AT])
            upstream = address_of(work, delta_output)
            units, own = layers[layer + N_UNITS], layers[layer + CONSTANTS_AT]
            if layers[layer + PARAMETER_GRADIENT] != 0:
                call_activation(
                    layers[layer + PARAMETER_GRADIENT], before, after, upstream,
                    address_of(constant_gradients, own), rows, units, address_of(constants, own),
                )  # fmt: skip
            if layers[layer + BACKWARD] != 0:
                call_activation(
                    layers[layer + BACKWARD], before, after, upstream, address_of(work, delta),
                    rows, units, address_of(constants, own),
                )  # fmt: skip
            else:
                _multiply(before, upstream, address_of(work, delta), rows * units)
        mask = layers[layer + MASK_AT]
        source = 0
        if mask >= 0:
            source = layers[layer + INPUT_AT]
        elif index > 0:
            source = layers[layer - COLUMNS + OUTPUT_AT]
        weights = layers[layer + WEIGHTS_AT]
        if layers[layer + MAP] != LINEAR:
            call_stage(context[MAP_BACKWARD_STAGE], context_at, index, rows, 0)
        else:
            weight_gradient(
                context[GEMM], context[PRODUCT], work, source, work, delta, gradients, weights, rows, n_inputs, n_linear
            )
            if layers[layer + BIASES_AT] >= 0:
                column_sums(address_of(work, delta), address_of(gradients, layers[layer + BIASES_AT]), rows, n_linear)
            if index > 0:
                if pays_to_transpose(rows, n_inputs):
                    transpose(parameters, weights, transposed, weights, n_inputs, n_linear)
                backward_product(
                    context[GEMM], context[PRODUCT], work, delta, parameters, weights, transposed, work, delta_output,
                    rows, n_inputs, n_linear,
                )  # fmt: skip
        if index > 0 and mask >= 0:
            for i in range(rows * n_inputs):
                work[delta_output + i] *= work[mask + i]
    trained = integers(context[TRAINED], 2 * context[N_TRAINED])
    for i in range(context[N_TRAINED]):
        gradients[trained[2 * i + 1]] = constant_gradients[trained[2 * i]]
    return 0
