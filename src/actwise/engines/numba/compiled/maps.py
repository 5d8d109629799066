"""Maps of layers other than the linear one: nothing at all, and batch normalisation.

A layer is a map and an activation. `passes` computes linear maps itself and calls these stages for the rest.
"""

import numpy as np

from .context import (
    BIASES_AT,
    COLUMNS,
    CONSTANTS,
    CONSTANTS_AT,
    DELTA_AT,
    DELTA_LINEAR_AT,
    GRADIENTS,
    IDENTITY,
    LAYERS,
    MAP,
    N_CONSTANTS,
    N_INPUTS,
    N_INTEGERS,
    N_LAYERS,
    N_PARAMETERS,
    N_STATISTICS,
    PARAMETERS,
    PRE_ACTIVATION_AT,
    SAVED_AT,
    SCALE_AT,
    STATISTICS_AT,
    STEP,
    WORK,
    WORK_SIZE,
    doubles,
    elements,
    integers,
)
from .element import ELEMENT


def forward(context_at, index, source, rows):
    """Map a layer's input, which lies at `source`, to its pre-activations.

    A positive number of rows means training: they are normalised by their own statistics, which are averaged
    for later. A negative one means prediction: by the averages.
    """
    context = integers(context_at, N_INTEGERS)
    work = elements(context[WORK], context[WORK_SIZE])
    layers = integers(context[LAYERS], context[N_LAYERS] * COLUMNS)
    layer = index * COLUMNS
    width, target = layers[layer + N_INPUTS], layers[layer + PRE_ACTIVATION_AT]
    learns, rows = rows > 0, abs(rows)
    if layers[layer + MAP] == IDENTITY:
        for i in range(rows * width):
            work[target + i] = work[source + i]
        return 0
    # Of the whole parameter array: what follows the trained parameters are the averages.
    values = elements(context[PARAMETERS], context[N_PARAMETERS] + context[N_STATISTICS])
    constants = doubles(context[CONSTANTS], context[N_CONSTANTS])
    momentum, epsilon = constants[layers[layer + CONSTANTS_AT]], constants[layers[layer + CONSTANTS_AT] + 1]
    scale, shift = layers[layer + SCALE_AT], layers[layer + BIASES_AT]
    means = layers[layer + STATISTICS_AT]
    variances = means + width
    saved = layers[layer + SAVED_AT]
    inverse_at = saved + rows * width
    # The first steps take a plain average, so that nothing of the initial values remains in it.
    share = max(1.0 - momentum, 1.0 / (context[STEP] + 1.0))
    for j in range(width):
        mean, variance = np.float64(values[means + j]), np.float64(values[variances + j])
        if learns:
            total = 0.0
            for i in range(rows):
                total += np.float64(work[source + i * width + j])
            mean = total / rows
            total = 0.0
            for i in range(rows):
                away = np.float64(work[source + i * width + j]) - mean
                total += away * away
            variance = total / rows
            unbiased = total / (rows - 1.0) if rows > 1 else variance
            values[means + j] += ELEMENT(share * (mean - np.float64(values[means + j])))
            values[variances + j] += ELEMENT(share * (unbiased - np.float64(values[variances + j])))
        inverse = 1.0 / np.sqrt(variance + epsilon)
        factor, added = np.float64(values[scale + j]), np.float64(values[shift + j])
        for i in range(rows):
            at = i * width + j
            normal = (np.float64(work[source + at]) - mean) * inverse
            work[target + at] = ELEMENT(normal * factor + added)
            if learns:
                work[saved + at] = ELEMENT(normal)
        if learns:
            work[inverse_at + j] = ELEMENT(inverse)
    return 0


def backward(context_at, index, rows, unused):
    """Turn the gradient by pre-activation into that by input, and fill the gradients of scale and shift."""
    context = integers(context_at, N_INTEGERS)
    work = elements(context[WORK], context[WORK_SIZE])
    layers = integers(context[LAYERS], context[N_LAYERS] * COLUMNS)
    layer = index * COLUMNS
    width, delta, target = layers[layer + N_INPUTS], context[DELTA_LINEAR_AT], context[DELTA_AT]
    if layers[layer + MAP] == IDENTITY:
        for i in range(rows * width):
            work[target + i] = work[delta + i]
        return 0
    parameters = elements(context[PARAMETERS], context[N_PARAMETERS])
    gradients = elements(context[GRADIENTS], context[N_PARAMETERS])
    saved = layers[layer + SAVED_AT]
    inverse_at = saved + rows * width
    for j in range(width):
        by_scale, by_shift = 0.0, 0.0
        for i in range(rows):
            at = i * width + j
            by_scale += np.float64(work[delta + at]) * np.float64(work[saved + at])
            by_shift += np.float64(work[delta + at])
        gradients[layers[layer + SCALE_AT] + j] = ELEMENT(by_scale)
        gradients[layers[layer + BIASES_AT] + j] = ELEMENT(by_shift)
        factor = np.float64(parameters[layers[layer + SCALE_AT] + j]) * np.float64(work[inverse_at + j])
        for i in range(rows):
            at = i * width + j
            rest = (by_shift + np.float64(work[saved + at]) * by_scale) / rows
            work[target + at] = ELEMENT(factor * (np.float64(work[delta + at]) - rest))
    return 0
