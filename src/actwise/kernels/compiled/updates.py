"""Optimiser steps over flat parameter arrays: one function a rule, each a loop that vectorises.

``first`` and ``second`` are the rule's state arrays; ``step`` counts from 1.
The constants arrive in the order in which the optimiser's record lists them.
"""

import numpy as np
from numba import njit

SGD, ADAM, RMSPROP, ADAGRAD = 0, 1, 2, 3


@njit(error_model="numpy")
def sgd(parameters, gradients, first, rate, momentum, nesterov):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013), as PyTorch writes it."""
    number = parameters.dtype.type
    rate, momentum = number(rate), number(momentum)
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


@njit(error_model="numpy")
def adam(parameters, gradients, first, second, step, rate, beta1, beta2, epsilon, decay):
    """Adam (Kingma and Ba 2015, algorithm 1), with decoupled decay (Loshchilov and Hutter 2019)."""
    number = parameters.dtype.type
    scaled_rate = number(rate / (1.0 - beta1**step))
    to_unbiased = number(1.0 / np.sqrt(1.0 - beta2**step))
    keep = number(1.0 - rate * decay)
    beta1, rest1 = number(beta1), number(1.0 - beta1)
    beta2, rest2 = number(beta2), number(1.0 - beta2)
    epsilon = number(epsilon)
    for i in range(parameters.size):
        gradient = gradients[i]
        m = beta1 * first[i] + rest1 * gradient
        v = beta2 * second[i] + rest2 * gradient * gradient
        first[i] = m
        second[i] = v
        parameters[i] = keep * parameters[i] - scaled_rate * m / (np.sqrt(v) * to_unbiased + epsilon)


@njit(error_model="numpy")
def rmsprop(parameters, gradients, first, second, rate, rho, epsilon, momentum):
    """RMSprop (Tieleman and Hinton 2012, lecture 6.5), as PyTorch writes it."""
    number = parameters.dtype.type
    rate, epsilon, momentum = number(rate), number(epsilon), number(momentum)
    rho, rest = number(rho), number(1.0 - rho)
    for i in range(parameters.size):
        gradient = gradients[i]
        v = rho * second[i] + rest * gradient * gradient
        second[i] = v
        moved = momentum * first[i] + gradient / (np.sqrt(v) + epsilon)
        first[i] = moved
        parameters[i] -= rate * moved


@njit(error_model="numpy")
def adagrad(parameters, gradients, second, rate, epsilon):
    """Adagrad (Duchi et al. 2011)."""
    number = parameters.dtype.type
    rate, epsilon = number(rate), number(epsilon)
    for i in range(parameters.size):
        second[i] += gradients[i] * gradients[i]
        parameters[i] -= rate * gradients[i] / (np.sqrt(second[i]) + epsilon)


@njit(error_model="numpy")
def update(rule, constants, parameters, gradients, first, second, step, rate):
    """Take one step with the rule of the given number."""
    if rule == SGD:
        sgd(parameters, gradients, first, rate, constants[0], constants[1] != 0.0)
    elif rule == ADAM:
        adam(
            parameters, gradients, first, second, step, rate,
            constants[0], constants[1], constants[2], constants[3],
        )  # fmt: skip
    elif rule == RMSPROP:
        rmsprop(parameters, gradients, first, second, rate, constants[0], constants[1], constants[2])
    else:
        adagrad(parameters, gradients, second, rate, constants[0])
