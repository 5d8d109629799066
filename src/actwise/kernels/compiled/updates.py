"""Optimiser steps over all parameters: one stage a rule, each a loop that vectorises.

The learning rate and the number of the step (from 1) stand in the context; the rule's constants in the
order in which its record in `actwise.optimizers` lists them.
"""

import numpy as np
from numba import njit

from .context import (
    FIRST,
    FLOATS,
    GRADIENTS,
    N_FIRST,
    N_FLOATS,
    N_INTEGERS,
    N_PARAMETERS,
    N_SECOND,
    PARAMETERS,
    RATE,
    RULE_CONSTANTS,
    SECOND,
    STEP,
    doubles,
    elements,
    integers,
)
from .element import ELEMENT

N_RULE_CONSTANTS = 4


@njit(error_model="numpy")
def _open(context):
    size = context[N_PARAMETERS]
    return (
        elements(context[PARAMETERS], size),
        elements(context[GRADIENTS], size),
        elements(context[FIRST], context[N_FIRST]),
        elements(context[SECOND], context[N_SECOND]),
        doubles(context[FLOATS], N_FLOATS)[RATE],
        doubles(context[RULE_CONSTANTS], N_RULE_CONSTANTS),
    )


def sgd(context_at, unused_1, unused_2, unused_3):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013), as PyTorch writes it."""
    parameters, gradients, first, _, rate, constants = _open(integers(context_at, N_INTEGERS))
    rate, momentum, nesterov = ELEMENT(rate), ELEMENT(constants[0]), constants[1] != 0.0
    if momentum == 0:
        for i in range(parameters.size):
            parameters[i] -= rate * gradients[i]
    elif nesterov:
        for i in range(parameters.size):
            first[i] = momentum * first[i] + gradients[i]
            parameters[i] -= rate * (gradients[i] + momentum * first[i])
    else:
        for i in range(parameters.size):
            first[i] = momentum * first[i] + gradients[i]
            parameters[i] -= rate * first[i]
    return 0


def adam(context_at, unused_1, unused_2, unused_3):
    """Adam (Kingma and Ba 2015, algorithm 1), with decoupled decay (Loshchilov and Hutter 2019)."""
    context = integers(context_at, N_INTEGERS)
    parameters, gradients, first, second, rate, constants = _open(context)
    step = context[STEP]
    beta1, beta2 = ELEMENT(constants[0]), ELEMENT(constants[1])
    rest1, rest2 = ELEMENT(1.0 - constants[0]), ELEMENT(1.0 - constants[1])
    epsilon, keep = ELEMENT(constants[2]), ELEMENT(1.0 - rate * constants[3])
    scaled_rate = ELEMENT(rate / (1.0 - constants[0] ** step))
    to_unbiased = ELEMENT(1.0 / np.sqrt(1.0 - constants[1] ** step))
    for i in range(parameters.size):
        gradient = gradients[i]
        m = beta1 * first[i] + rest1 * gradient
        v = beta2 * second[i] + rest2 * gradient * gradient
        first[i] = m
        second[i] = v
        parameters[i] = keep * parameters[i] - scaled_rate * m / (np.sqrt(v) * to_unbiased + epsilon)
    return 0


def rmsprop(context_at, unused_1, unused_2, unused_3):
    """RMSprop (Tieleman and Hinton 2012, lecture 6.5), as PyTorch writes it."""
    parameters, gradients, first, second, rate, constants = _open(integers(context_at, N_INTEGERS))
    rho, rest = ELEMENT(constants[0]), ELEMENT(1.0 - constants[0])
    rate, epsilon, momentum = ELEMENT(rate), ELEMENT(constants[1]), ELEMENT(constants[2])
    for i in range(parameters.size):
        gradient = gradients[i]
        v = rho * second[i] + rest * gradient * gradient
        second[i] = v
        moved = momentum * first[i] + gradient / (np.sqrt(v) + epsilon)
        first[i] = moved
        parameters[i] -= rate * moved
    return 0


def adagrad(context_at, unused_1, unused_2, unused_3):
    """Adagrad (Duchi et al. 2011)."""
    parameters, gradients, _, second, rate, constants = _open(integers(context_at, N_INTEGERS))
    rate, epsilon = ELEMENT(rate), ELEMENT(constants[0])
    for i in range(parameters.size):
        second[i] += gradients[i] * gradients[i]
        parameters[i] -= rate * gradients[i] / (np.sqrt(second[i]) + epsilon)
    return 0
