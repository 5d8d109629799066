"""Wrong derivatives of the same kind as those in homework.py, with the causes that are right.

Labelled as a reviewer would, before the checker saw them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

GIVEN_Y = "wrong_convention_expects_x_given_y"
GIVEN_X = "wrong_convention_expects_y_given_x"

# The tests are imported without packages, so the module beside this one is loaded by its path.
_spec = importlib.util.spec_from_file_location("homework", Path(__file__).with_name("homework.py"))
assert _spec is not None
assert _spec.loader is not None
h = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(h)
LAYER = h.LAYER
SQRT_2_OVER_PI = h.SQRT_2_OVER_PI
elu = h.elu
erf = h.erf
gelu = h.gelu
gelu_tanh = h.gelu_tanh
gelu_tanh_slope = h.gelu_tanh_slope
hard_swish = h.hard_swish
leaky = h.leaky
mish = h.mish
normal_density = h.normal_density
selu = h.selu
sigmoid = h.sigmoid
sinc = h.sinc
softmax = h.softmax
softmax_jacobian_in_loops = h.softmax_jacobian_in_loops
softplus = h.softplus
stable_sigmoid = h.stable_sigmoid
swish = h.swish

WRONG = {
    # The derivative is called with the other argument.
    "sigmoid', then y": (sigmoid, lambda z: np.exp(-z) / ((1 + np.exp(-z)) ** 2), "y", {GIVEN_Y}),
    "sech^2 of y": (np.tanh, lambda z: 1 / np.cosh(z) ** 2, "y", {GIVEN_Y}),
    "softplus' of y": (softplus, stable_sigmoid, "y", {GIVEN_Y}),
    "elu' of y": (elu, lambda x: np.where(x > 0, 1, np.exp(x)), "y", {GIVEN_Y, "wrong_region"}),
    "relu6 of x - 2, by x, given y": (
        lambda x: np.clip(x - 2, 0, 6), lambda x: (x > 2) & (x < 8), "y", {GIVEN_Y, "wrong_region"},
    ),
    "gelu' of y": (gelu, lambda x: 0.5 * (1 + erf(x / np.sqrt(2))) + x * normal_density(x), "y", {GIVEN_Y}),
    "hard sigmoid by x, given y": (
        lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: (np.abs(x) < 3) / 6, "y", {GIVEN_Y, "wrong_region"},
    ),
    "sigmoid of sigmoid, with the flag": (
        LAYER.forward, LAYER.backward, "y", {GIVEN_Y},
    ),
    "1 - x^2 of x, clipped": (np.tanh, lambda a: 1 - np.power(a, 2), "x", {GIVEN_X}),
    "softsign by y, given x": (lambda x: x / (1 + np.abs(x)), lambda y: (1 - np.abs(y)) ** 2, "x", {GIVEN_X}),
    "softplus by y, given x": (softplus, lambda y: 1 - np.exp(-y), "x", {GIVEN_X}),
    "hard sigmoid by y, given x": (
        lambda x: np.clip(0.2 * x + 0.5, 0, 1), lambda y: np.where((y > 0) & (y < 1), 0.2, 0), "x",
        {GIVEN_X, "wrong_region"},
    ),
    "bipolar by y, given x": (lambda x: 2 / (1 + np.exp(-x)) - 1, lambda y: 0.5 * (1 - y**2), "x", {GIVEN_X}),
    "squared relu by y, given x": (
        lambda x: np.maximum(x, 0) ** 2, lambda y: 2 * np.sqrt(np.maximum(y, 0)), "x", {GIVEN_X, "wrong_region"},
    ),
    "arctan by y, given x": (np.arctan, lambda y: np.cos(y) ** 2, "x", {GIVEN_X}),
    "log-sigmoid by y, given x": (lambda x: -softplus(-x), lambda y: 1 - np.exp(y), "x", {GIVEN_X}),
    "temperature, by y, given x": (lambda x: sigmoid(x / 3), lambda y: y * (1 - y) / 3, "x", {GIVEN_X}),
    # Sign.
    "sigmoid, s(s - 1)": (sigmoid, lambda y: y * (y - 1), "y", {"wrong_sign"}),
    "arctan, minus": (np.arctan, lambda x: -1 / (1 + x**2), "x", {"wrong_sign"}),
    "cosine, sign": (np.cos, np.sin, "x", {"wrong_sign"}),
    "exp(-x), y": (lambda x: np.exp(-x), lambda y: y, "y", {"wrong_sign"}),
    "log-sigmoid, sign": (lambda x: -softplus(-x), lambda x: -stable_sigmoid(-x), "x", {"wrong_sign"}),
    "swish, sign of the second term": (
        swish, lambda x: (lambda s: s - x * s * (1 - s))(stable_sigmoid(x)), "x", {"wrong_sign"},
    ),
    # A factor.
    "chain rule of 2x": (
        lambda x: 2 * stable_sigmoid(2 * x) - 1, lambda x: 2 * stable_sigmoid(2 * x) * stable_sigmoid(-2 * x), "x",
        {"missing_factor"},
    ),
    "slope of the gain forgotten, from y": (lambda x: np.tanh(0.5 * x), lambda y: 1 - y**2, "y", {"missing_factor"}),
    "LeCun, 0.6666 forgotten": (
        lambda x: 1.7159 * np.tanh(2 / 3 * x), lambda x: 1.7159 * (1 - np.tanh(2 / 3 * x) ** 2), "x",
        {"missing_factor"},
    ),
    "LeCun, 1.7159 forgotten": (
        lambda x: 1.7159 * np.tanh(2 / 3 * x), lambda x: 2 / 3 * (1 - np.tanh(2 / 3 * x) ** 2), "x", {"missing_factor"},
    ),
    "sine of degrees, pi/180 forgotten": (
        lambda x: np.sin(np.deg2rad(x)), lambda x: np.cos(np.deg2rad(x)), "x", {"missing_factor"},
    ),
    "log10, ln 10 forgotten": (
        lambda x: np.log10(1 + np.exp(-np.abs(x))) + np.maximum(x, 0) / np.log(10), stable_sigmoid, "x",
        {"missing_factor"},
    ),
    "2^x without ln 2": (lambda x: 2.0**x, lambda y: y, "y", {"missing_factor"}),
    "integer division": (
        lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: np.where(np.abs(x) < 3, 1 // 6, 0), "x",
        {"wrong_formula", "wrong_region", "missing_factor"},
    ),
    "swish, beta forgotten": (
        lambda x: swish(x, 1.702), lambda x: (lambda s: s + x * s * (1 - s))(stable_sigmoid(1.702 * x)), "x",
        {"missing_factor"},
    ),
    "gelu, density without its factor": (
        gelu, lambda x: 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-(x**2) / 2), "x", {"missing_factor"},
    ),
    "gelu, 0.5 left out of the second term": (
        gelu_tanh,
        lambda x: (lambda t: 0.5 * (1 + t) + x * (1 - t**2) * SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x**2))(
            np.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x**3))
        ),
        "x", {"missing_factor"},
    ),
    "gaussian, the 2 forgotten": (lambda x: np.exp(-(x**2)), lambda x: -x * np.exp(-(x**2)), "x", {"missing_factor"}),
    "gaussian, width forgotten": (
        lambda x: np.exp(-(x**2) / (2 * 3**2)), lambda x: -x * np.exp(-(x**2) / (2 * 3**2)), "x", {"missing_factor"},
    ),
    "sigmoid, a product forgotten": (sigmoid, lambda x: 1 - sigmoid(x), "x", {"missing_factor", "wrong_formula"}),
    "selu from x, alpha forgotten": (
        selu, lambda x: 1.0507009873554805 * np.where(x > 0, 1, np.exp(np.minimum(x, 0))), "x",
        {"missing_factor", "wrong_region"},
    ),
    "elu from x, alpha forgotten": (
        lambda x: elu(x, 0.5), lambda x: np.where(x >= 0, 1, np.exp(np.minimum(x, 0))), "x",
        {"missing_factor", "wrong_region"},
    ),
    "softplus with beta, beta too many": (
        lambda x: softplus(2 * x) / 2, lambda x: 2 * stable_sigmoid(2 * x), "x", {"missing_factor"},
    ),
    "softmax, temperature forgotten": (
        lambda x: softmax(x / 2), lambda s: np.diag(s) - np.outer(s, s), "y", {"missing_factor"},
    ),
    "mish, sigmoid forgotten": (
        mish, lambda x: np.tanh(softplus(x)) + x * (1 - np.tanh(softplus(x)) ** 2), "x",
        {"missing_factor", "wrong_formula"},
    ),
    "swish, x forgotten in the second term": (
        swish, lambda x: (lambda s: s + s * (1 - s))(stable_sigmoid(x)), "x", {"missing_factor"},
    ),
    "gelu, x forgotten in the second term": (
        gelu, lambda x: 0.5 * (1 + erf(x / np.sqrt(2))) + normal_density(x), "x", {"missing_factor"},
    ),
    "bent identity, half forgotten": (
        lambda x: (np.sqrt(x**2 + 1) - 1) / 2 + x, lambda x: x / np.sqrt(x**2 + 1) + 1, "x", {"missing_factor"},
    ),
    "snake, 2 forgotten": (
        lambda x: x + np.sin(x) ** 2, lambda x: 1 + np.sin(x) * np.cos(x), "x", {"missing_factor"},
    ),
    # A constant.
    "bent identity without its 1": (
        lambda x: (np.sqrt(x**2 + 1) - 1) / 2 + x, lambda x: x / (2 * np.sqrt(x**2 + 1)), "x", {"missing_constant"},
    ),
    "softplus from y, 1 forgotten": (softplus, lambda y: -np.exp(-y), "y", {"missing_constant"}),
    "gelu without the half": (
        gelu, lambda x: 0.5 * erf(x / np.sqrt(2)) + x * normal_density(x), "x", {"missing_constant"},
    ),
    "elu from y, alpha forgotten": (
        lambda x: elu(x, 1.0), lambda y: np.where(y >= 0, 1, y), "y", {"missing_constant", "wrong_region"},
    ),
    "selu from y, constant without lambda": (
        selu, lambda y: np.where(y > 0, 1.0507009873554805, y + 1.6732632423543772), "y",
        {"missing_constant", "wrong_region"},
    ),
    "snake without its 1": (lambda x: x + np.sin(x) ** 2, lambda x: np.sin(2 * x), "x", {"missing_constant"}),
    "residual block without the skip": (
        lambda x: x + np.tanh(x), lambda x: 1 - np.tanh(x) ** 2, "x", {"missing_constant"},
    ),
    "hard swish without its half": (
        hard_swish, lambda x: np.where(x < -3, 0, np.where(x > 3, 1, x / 3)), "x", {"missing_constant", "wrong_region"},
    ),
    # Another function.
    "sigmoid' for tanh": (np.tanh, lambda y: y * (1 - y), "y", {"wrong_formula"}),
    "tanh' for sigmoid": (sigmoid, lambda y: 1 - y**2, "y", {"wrong_formula"}),
    "arctan, 1 - x^2": (np.arctan, lambda x: 1 / (1 - x**2 + 1e-300), "x", {"wrong_formula"}),
    "tanh, value for slope": (np.tanh, np.tanh, "x", {"wrong_formula"}),
    "sigmoid, y^2": (sigmoid, lambda y: y**2, "y", {"wrong_formula", "missing_factor"}),
    "sigmoid, square of the whole": (sigmoid, lambda y: (y * (1 - y)) ** 2, "y", {"wrong_formula"}),
    "softplus, value for slope": (softplus, softplus, "x", {"wrong_formula"}),
    "sqrt forgotten": (
        lambda x: x / np.sqrt(1 + x**2), lambda x: 1 / np.sqrt(1 + x**2), "x", {"wrong_formula", "missing_factor"},
    ),
    "quotient rule without its square": (
        lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)), "x", {"wrong_formula", "missing_factor"},
    ),
    "swish, product rule forgotten": (
        swish, lambda x: stable_sigmoid(x) * (1 - stable_sigmoid(x)), "x", {"wrong_formula", "missing_factor"},
    ),
    "cubic of gelu without its 3": (
        gelu_tanh, lambda x: gelu_tanh_slope(x, 0.044715), "x", {"wrong_formula", "missing_factor"},
    ),
    "branches swapped": (leaky, lambda x: np.where(x < 0, 1, 0.01), "x", {"wrong_formula"}),
    "relu, branches swapped": (lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 0, 1), "x", {"wrong_formula"}),
    "sine of degrees, cosine of radians": (
        lambda x: np.sin(np.deg2rad(x)), np.cos, "x", {"wrong_formula"},
    ),
    "slope of tanh for hard tanh": (lambda x: np.clip(x, -1, 1), lambda y: 1 - y**2, "y", {"wrong_formula"}),
    "slope of the sigmoid for its hard form": (
        lambda x: np.clip(0.2 * x + 0.5, 0, 1), lambda y: y * (1 - y), "y", {"wrong_formula"},
    ),
    # A part of the domain.
    "relu6, upper edge at 5": (lambda x: np.clip(x, 0, 6), lambda x: (x > 0) & (x < 5), "x", {"wrong_region"}),
    "relu, slope at -1..0 too": (lambda x: np.maximum(x, 0), lambda x: np.where(x > -1, 1, 0), "x", {"wrong_region"}),
    "relu by sign": (lambda x: np.maximum(x, 0), np.sign, "x", {GIVEN_X}),
    "relu, x returned": (
        lambda x: np.maximum(x, 0), lambda x: np.maximum(x, 0), "x", {"wrong_region", "wrong_formula"},
    ),
    "leaky, zero below": (leaky, lambda x: (x > 0) * 1, "x", {"wrong_region"}),
    "leaky, another alpha": (leaky, lambda y: np.where(y > 0, 1, 0.1), "y", {"wrong_region", "missing_factor"}),
    "leaky, sign of the slope": (leaky, lambda x: np.where(x > 0, 1, -0.01), "x", {"wrong_region", "wrong_sign"}),
    "softsign without abs": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + x) ** 2, "x", {"wrong_region"}),
    "softsign without abs, from y": (lambda x: x / (1 + np.abs(x)), lambda y: (1 - y) ** 2, "y", {"wrong_region"}),
    "hard tanh, half open": (lambda x: np.clip(x, -1, 1), lambda x: np.where(x < 1, 1, 0), "x", {"wrong_region"}),
    "hard swish, bounds of relu6": (
        hard_swish, lambda x: np.where(x <= 0, 0, np.where(x >= 3, 1, x / 3 + 0.5)), "x", {"wrong_region"},
    ),
    "softplus, 1 above 2": (softplus, lambda x: np.where(x > 2, 1, stable_sigmoid(x)), "x", {"wrong_region"}),
    "softplus, 0 below -3": (softplus, lambda x: np.where(x < -3, 0, stable_sigmoid(x)), "x", {"wrong_region"}),
    "tanh clipped for nothing": (np.tanh, lambda x: 1 - np.tanh(np.clip(x, -2, 2)) ** 2, "x", {"wrong_region"}),
    "clipped relu, one edge": (lambda x: np.clip(x, 0, 20), lambda x: (x > 0) * 1.0, "x", {"wrong_region"}),
    "exponential clipped": (np.exp, lambda x: np.exp(np.minimum(x, 10)), "x", {"wrong_region"}),
    "narrow dead zone": (np.sin, lambda x: np.where(np.abs(x) < 0.1, 0, np.cos(x)), "x", {"wrong_region"}),
    "bent line, only far out": (
        lambda x: np.where(x > 50, 50 + 0.1 * (x - 50), x), lambda x: 1.0, "x", {"wrong_region"},
    ),
    "soft shrink, the other threshold": (
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), lambda x: np.abs(x) > 1, "x", {"wrong_region"},
    ),
    "squared relu without its relu": (lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * x, "x", {"wrong_region"}),
    "absolute value, sign forgotten": (np.abs, lambda x: 1, "x", {"wrong_region", "wrong_sign"}),
    # Softmax as if its outputs did not depend on one another.
    "softmax, y(1 - y)": (softmax, lambda y: y * (1 - y), "y", {"elementwise_softmax"}),
    "softmax, ones": (softmax, np.ones_like, "y", {"elementwise_softmax"}),
    "softmax, s - s^2 from x": (softmax, lambda x: softmax(x) - softmax(x) ** 2, "x", {"elementwise_softmax"}),
    "softmax as a sigmoid of x": (softmax, lambda x: sigmoid(x) * (1 - sigmoid(x)), "x", {"elementwise_softmax"}),
    "softmax, diagonal matrix": (
        softmax, lambda y: np.diag(y * (1 - y)), "y", {"elementwise_softmax", "wrong_formula"},
    ),
    "softmax, Jacobian of the outputs of y": (
        softmax, lambda x: softmax_jacobian_in_loops(softmax(x)), "y", {GIVEN_Y},
    ),
    "softmax, Jacobian of x as if y": (softmax, softmax_jacobian_in_loops, "x", {GIVEN_X}),
    "softmax, sign off the diagonal": (
        softmax, lambda y: np.diag(y) + np.outer(y, y) - 2 * np.diag(y * y), "y", {"wrong_formula", "wrong_sign"},
    ),
    "softmax, minus the diagonal": (softmax, lambda y: np.outer(y, y) - np.diag(y), "y", {"wrong_sign"}),
    # Right on paper.
    "logistic by exp(x)": (stable_sigmoid, lambda x: np.exp(x) / (np.exp(x) + 1) ** 2, "x", {"overflow"}),
    "tanh by cosh": (np.tanh, lambda x: 1 - np.sinh(x) ** 2 / np.cosh(x) ** 2, "x", {"overflow"}),
    "mish by omega, no clip": (
        mish,
        lambda x: np.exp(x) * (4 * (x + 1) + 4 * np.exp(2 * x) + np.exp(3 * x) + np.exp(x) * (4 * x + 6))
        / (2 * np.exp(x) + np.exp(2 * x) + 2) ** 2, "x", {"overflow"},
    ),
    "softplus by a quotient": (softplus, lambda x: np.exp(x) / (1 + np.exp(x)), "x", {"overflow"}),
    "isru, x/|x|": (np.abs, lambda x: x / np.sqrt(x * x), "x", {"overflow"}),
    "sinc, hole left in the slope": (sinc, lambda x: np.cos(x) / x - np.sin(x) / x**2, "x", {"overflow"}),
    "elu by a product of masks": (
        elu, lambda x: (x > 0) + (x <= 0) * np.exp(x), "x", {"overflow"},
    ),
    "tanh by exponentials": (
        np.tanh, lambda x: 4 / (np.exp(x) + np.exp(-x)) ** 2 * np.exp(x) / np.exp(x), "x", {"overflow"},
    ),
    "swish by quotient of exp(-x)": (
        swish, lambda x: (1 + np.exp(-x) * (1 + x)) / (1 + np.exp(-x)) ** 2, "x", {"overflow"},
    ),
}  # fmt: skip
