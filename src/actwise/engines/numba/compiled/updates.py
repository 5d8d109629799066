"""Optimiser steps over all parameters: one stage a rule, each a loop that vectorises.

The learning rate and the number of the step (from 1) stand in the context; the rule's constants in the
order in which its record in `actwise.model.optimizers` lists them.
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
    rate, epsilon, initial = ELEMENT(rate), ELEMENT(constants[0]), ELEMENT(constants[1])
    for i in range(parameters.size):
        second[i] += gradients[i] * gradients[i]
        parameters[i] -= rate * gradients[i] / (np.sqrt(second[i] + initial) + epsilon)
    return 0


def adadelta(context_at, unused_1, unused_2, unused_3):
    """Adadelta (Zeiler 2012, algorithm 1)."""
    parameters, gradients, first, second, rate, constants = _open(integers(context_at, N_INTEGERS))
    rate, epsilon = ELEMENT(rate), ELEMENT(constants[1])
    rho, rest = ELEMENT(constants[0]), ELEMENT(1.0 - constants[0])
    for i in range(parameters.size):
        gradient = gradients[i]
        v = rho * second[i] + rest * gradient * gradient
        second[i] = v
        moved = np.sqrt(first[i] + epsilon) / np.sqrt(v + epsilon) * gradient
        first[i] = rho * first[i] + rest * moved * moved
        parameters[i] -= rate * moved
    return 0


def adamax(context_at, unused_1, unused_2, unused_3):
    """Adamax (Kingma and Ba 2015, algorithm 2), as PyTorch writes it."""
    context = integers(context_at, N_INTEGERS)
    parameters, gradients, first, second, rate, constants = _open(context)
    beta1, rest1, beta2 = ELEMENT(constants[0]), ELEMENT(1.0 - constants[0]), ELEMENT(constants[1])
    epsilon, scaled_rate = ELEMENT(constants[2]), ELEMENT(rate / (1.0 - constants[0] ** context[STEP]))
    for i in range(parameters.size):
        gradient = gradients[i]
        m = beta1 * first[i] + rest1 * gradient
        first[i] = m
        second[i] = max(beta2 * second[i], abs(gradient) + epsilon)
        parameters[i] -= scaled_rate * m / second[i]
    return 0


@njit(error_model="numpy")
def _momentum_of_nadam(beta1, step):
    return beta1 * (1.0 - 0.5 * 0.96 ** (0.004 * step))  # Dozat 2016, with the constants of Keras and PyTorch


def nadam(context_at, unused_1, unused_2, unused_3):
    """Nadam (Dozat 2016, algorithm 8), as PyTorch writes it.

    The product of the momentums so far stands after the last mean of the gradients.
    """
    context = integers(context_at, N_INTEGERS)
    parameters, gradients, first, second, rate, constants = _open(context)
    step = context[STEP]
    momentum, following = _momentum_of_nadam(constants[0], step), _momentum_of_nadam(constants[0], step + 1)
    product = momentum * (1.0 if step == 1 else np.float64(first[parameters.size]))
    first[parameters.size] = ELEMENT(product)
    by_gradient = ELEMENT(rate * (1.0 - momentum) / (1.0 - product))
    by_mean = ELEMENT(rate * following / (1.0 - product * following))
    beta1, beta2 = ELEMENT(constants[0]), ELEMENT(constants[1])
    rest1, rest2 = ELEMENT(1.0 - constants[0]), ELEMENT(1.0 - constants[1])
    epsilon, to_unbiased = ELEMENT(constants[2]), ELEMENT(1.0 / np.sqrt(1.0 - constants[1] ** step))
    for i in range(parameters.size):
        gradient = gradients[i]
        m = beta1 * first[i] + rest1 * gradient
        v = beta2 * second[i] + rest2 * gradient * gradient
        first[i] = m
        second[i] = v
        parameters[i] -= (by_gradient * gradient + by_mean * m) / (np.sqrt(v) * to_unbiased + epsilon)
    return 0
