"""Derivatives written by hand as people post them: loops, masks, flags, changed arguments. Answers known by analysis.

Each case is (activation, derivative, what the derivative is called with, the causes that are right).
"""

from __future__ import annotations

import math

import numpy as np

GIVEN_Y = "wrong_convention_expects_x_given_y"
GIVEN_X = "wrong_convention_expects_y_given_x"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))


def relu_by_mask(x):
    return x * (x > 0)


def relu_slope_in_place(x):
    x[x <= 0] = 0
    x[x > 0] = 1
    return x


def relu_slope_in_a_loop(x):
    out = []
    for value in x:
        out.append(1.0 if value > 0 else 0.0)
    return np.array(out)


def leaky(x, alpha=0.01):
    return np.where(x > 0, x, x * alpha)


def leaky_slope_of_one(x, alpha=0.01):
    if x > 0:
        return 1
    return alpha


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax_slope(x):
    s = softmax(x)
    return s * (1 - s)


def swish(x):
    return x * sigmoid(x)


def bipolar(x):
    return 2 / (1 + np.exp(-x)) - 1


def clipped_sigmoid(x):
    return sigmoid(np.clip(x, -5, 5))


def safe_sigmoid(x):
    return sigmoid(np.clip(x, -500, 500))


def one_sigmoid(x):
    if x < 0:
        return math.exp(x) / (1 + math.exp(x))
    return 1 / (1 + math.exp(-x))


def softplus(x):
    return np.log(1 + np.exp(-np.abs(x))) + np.maximum(x, 0)


def mish_slope(x):
    s = softplus(x)
    return np.tanh(s) + x * (1 - np.tanh(s) ** 2) * sigmoid(x)


def selu(x):
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


CASES = {
    "sigmoid of sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)), "y", {GIVEN_Y}),
    "x(1-x) of the pre-activation": (sigmoid, lambda x: x * (1.0 - x), "x", {GIVEN_X}),
    "minus x(1-x)": (sigmoid, lambda x: -x * (1 - x), "y", {"wrong_sign"}),
    "1-x^2 of the pre-activation": (np.tanh, lambda x: 1 - x**2, "x", {GIVEN_X}),
    "tanh of tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, "y", {GIVEN_Y}),
    "flag, given y": (nonlin, lambda y: nonlin(y, deriv=True), "y", {"correct"}),
    "flag, given x": (nonlin, lambda x: nonlin(x, True), "x", {GIVEN_X}),
    "relu by mask, given y": (relu_by_mask, lambda y: (y > 0) * 1, "y", {"correct"}),
    "relu in place": (lambda x: np.maximum(0, x), relu_slope_in_place, "x", {"changes_argument"}),
    "relu in a loop": (relu_by_mask, relu_slope_in_a_loop, "x", {"correct"}),
    "relu as its own slope": (
        relu_by_mask, lambda x: np.where(x > 0, x, 0), "x", {"wrong_region", "wrong_formula"},
    ),
    "leaky, one number at a time": (leaky, leaky_slope_of_one, "x", {"correct"}),
    "leaky, x times the slope": (leaky, lambda x: np.where(x > 0, 1, x * 0.01), "x", {"wrong_region"}),
    "leaky, another slope": (leaky, lambda x: np.where(x > 0, 1, 0.1), "x", {"wrong_region", "missing_factor"}),
    "elu from y": (elu, lambda y: np.where(y > 0, 1, y + 1), "y", {"correct"}),
    "elu from x, given y": (
        elu, lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0))), "y", {GIVEN_Y, "wrong_region"},
    ),
    "elu with its alpha forgotten": (
        lambda x: elu(x, 2.0), lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0))), "x",
        {"missing_factor", "wrong_region"},
    ),
    "softmax elementwise": (softmax, softmax_slope, "x", {"elementwise_softmax"}),
    "softplus by exponentials": (softplus, lambda x: np.exp(x) / (1 + np.exp(x)), "x", {"overflow"}),
    "softplus": (softplus, sigmoid, "x", {"correct"}),
    "sigmoid, square forgotten": (
        sigmoid, lambda x: np.exp(-x) / (1 + np.exp(-x)), "x", {"missing_factor", "wrong_formula"},
    ),
    "sigmoid by exponentials": (sigmoid, lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2, "x", {"overflow"}),
    "sigmoid, one number at a time": (
        one_sigmoid, lambda x: one_sigmoid(x) * (1 - one_sigmoid(x)), "x", {"correct"},
    ),
    "sigmoid against overflow": (safe_sigmoid, lambda x: safe_sigmoid(x) * (1 - safe_sigmoid(x)), "x", {"correct"}),
    "sigmoid kept off 0 and 1": (
        sigmoid, lambda y: np.clip(y, 1e-7, 1 - 1e-7) * (1 - np.clip(y, 1e-7, 1 - 1e-7)), "y", {"correct"},
    ),
    "sigmoid clipped at 5": (
        clipped_sigmoid, lambda x: clipped_sigmoid(x) * (1 - clipped_sigmoid(x)), "x", {"wrong_region"},
    ),
    "gain forgotten": (lambda x: sigmoid(0.5 * x), lambda y: y * (1 - y), "y", {"missing_factor"}),
    "temperature": (lambda x: sigmoid(x / 4), lambda x: sigmoid(x / 4) * (1 - sigmoid(x / 4)) / 4, "x", {"correct"}),
    "bipolar from x": (bipolar, lambda x: 0.5 * (1 + bipolar(x)) * (1 - bipolar(x)), "x", {"correct"}),
    "bipolar, half forgotten": (bipolar, lambda y: (1 + y) * (1 - y), "y", {"missing_factor"}),
    "swish": (swish, lambda x: swish(x) + sigmoid(x) * (1 - swish(x)), "x", {"correct"}),
    "mish": (lambda x: x * np.tanh(softplus(x)), mish_slope, "x", {"correct"}),
    "hard sigmoid everywhere": (lambda x: np.clip(0.2 * x + 0.5, 0, 1), lambda x: 0.2, "x", {"wrong_region"}),
    "sine of sine": (np.sin, np.cos, "y", {GIVEN_Y}),
    "gaussian, sign": (lambda x: np.exp(-(x**2)), lambda x: 2 * x * np.exp(-(x**2)), "x", {"wrong_sign"}),
    "arctan of arctan": (np.arctan, lambda x: 1 / (1 + x**2), "y", {GIVEN_Y}),
    "softsign without abs": (
        lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + x) ** 2, "x", {"wrong_region"},
    ),
    "tanh, square forgotten": (np.tanh, lambda x: 1.0 - np.tanh(x), "x", {"wrong_formula"}),
    "selu, scale forgotten": (
        selu, lambda x: np.where(x > 0, 1.0, 1.6732632423543772 * np.exp(np.minimum(x, 0))), "x", {"missing_factor"},
    ),
    "exp of exp": (np.exp, np.exp, "y", {GIVEN_Y, "overflow"}),
    "2x of the square": (lambda x: x**2, lambda x: 2 * x, "y", {GIVEN_Y}),
    "single precision": (sigmoid, lambda x: (lambda s: s * (1 - s))(sigmoid(np.float32(x))), "x", {"correct"}),
}  # fmt: skip
