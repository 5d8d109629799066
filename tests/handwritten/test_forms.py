"""The forms in which people have a derivative: with an upstream gradient, as a layer, of PyTorch and JAX."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from actwise.errors import InputError
from actwise.handwritten import check_derivative


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Sigmoid:
    def forward(self, x):
        self.x, self.out = x, sigmoid(x)
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


class SigmoidOfStoredInput(Sigmoid):
    def backward(self, dout):
        return dout * self.x * (1 - self.x)


class SigmoidWithoutUpstream(Sigmoid):
    def backward(self, dout):
        return self.out * (1 - self.out)


class ReluMasksUpstream:
    def forward(self, x):
        return np.maximum(x, 0)

    def backward(self, dout):
        return dout * (dout > 0)


class Leaky:
    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        self.mask = x < 0
        return np.where(self.mask, self.slope * x, x)

    def backward(self, dout):
        dout[self.mask] *= self.slope
        return dout


class SoftmaxOfRows:
    def forward(self, x):
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.out = e / np.sum(e, axis=1, keepdims=True)
        return self.out

    def backward(self, dout):
        back = np.empty_like(dout)
        for k, (y, g) in enumerate(zip(self.out, dout, strict=True)):
            column = y.reshape(-1, 1)
            back[k] = (np.diagflat(column) - column @ column.T) @ g
        return back


def flagged(x, deriv=False):
    return x * (1 - x) if deriv else sigmoid(x)


def pair(layer):
    return layer.forward, layer.backward


RIGHT = {
    "layer, its methods": (*pair(Sigmoid()), "x"),
    "layer": (Sigmoid(), Sigmoid(), "x"),
    "class of layers": (Sigmoid, Sigmoid, "x"),
    "layer that changes dout": (*pair(Leaky(0.1)), "x"),
    "layer of rows": (*pair(SoftmaxOfRows()), "x"),
    "cache beside the output": (
        lambda z: (sigmoid(z), z), lambda dA, cache: dA * sigmoid(cache) * (1 - sigmoid(cache)), "x",
    ),
    "cache that is not asked for": (lambda z: (np.tanh(z), z), lambda z: 1 - np.tanh(z) ** 2, "x"),
    "gradient first": (sigmoid, lambda dA, A: dA * A * (1 - A), "y"),
    "gradient last": (np.tanh, lambda x, g: g * (1 - np.tanh(x) ** 2), "x"),
    "both arguments alike": (np.exp, lambda y, g: y * g, "y"),
    "one number at a time": (math.tanh, lambda x, g: g * (1 - math.tanh(x) ** 2), "x"),
    "flag": (flagged, flagged, "y"),
    "diagonal matrix": (np.tanh, lambda x: np.diag(1 - np.tanh(x) ** 2), "x"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_forms_that_people_have_are_taken_as_they_are(name):
    report = check_derivative(*RIGHT[name])
    assert report.correct, str(report)


WRONG = {
    "layer keeps x for y": (
        *pair(SigmoidOfStoredInput()), "x", "wrong_convention_expects_y_given_x", "Keep the output",
    ),
    "layer forgets dout": (*pair(SigmoidWithoutUpstream()), "x", "upstream_forgotten", "forgets the upstream gradient"),
    "layer masks dout": (*pair(ReluMasksUpstream()), "x", "wrong_upstream", "mask from the upstream gradient"),
    "function forgets g": (sigmoid, lambda y, g: y * (1 - y), "y", "upstream_forgotten", "same for every gradient"),
    "sum over g": (sigmoid, lambda y, g: g.sum() * y * (1 - y), "y", "wrong_upstream", "at the same place"),
    "factor": (np.tanh, lambda x, g: 2 * g * (1 - np.tanh(x) ** 2), "x", "missing_factor", "1/2"),
    "flag, given x": (flagged, flagged, "x", "wrong_convention_expects_y_given_x", "deriv=True"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_of_the_way_back_are_named(name):
    f, df, called_with, cause, words = WRONG[name]
    report = check_derivative(f, df, called_with)
    assert (report.verdict, report.cause) == ("wrong", cause)
    assert words in str(report)


@pytest.mark.parametrize(
    ("f", "df", "sentence"),
    [
        (Leaky, Leaky, r"Leaky is a class that wants arguments .* hand over a layer, Leaky\(\.\.\.\)"),
        ("sigmoid", "x * (1 - x)", "f must be a function"),
        (np.tanh, None, "df must be a function"),
        (np.tanh, lambda x, y, z: x, "one argument"),
    ],
)
def test_what_is_no_function_is_refused_in_one_sentence(f, df, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        check_derivative(f, df)
    assert "\n" not in str(caught.value)


def in_place(x):
    x[x < 0] = 0
    return x


def slope_in_place(y):
    y[y > 0] = 1
    return y


@pytest.mark.parametrize(
    ("f", "df", "called_with", "who"),
    [
        (lambda x: np.maximum(x, 0), slope_in_place, "y", "slope_in_place overwrites .* y "),
        (in_place, lambda x: (x > 0) * 1.0, "x", "in_place overwrites .* x "),
        (lambda x: np.tanh(x, out=x), lambda x: 1 - np.tanh(x) ** 2, "x", "f overwrites .* x "),
    ],
)
def test_functions_that_overwrite_their_argument_are_wrong(f, df, called_with, who):
    report = check_derivative(f, df, called_with)
    assert report.cause == "changes_argument"
    assert re.search(who, str(report))


def test_pytorch_functions_and_gradients_are_judged():
    torch = pytest.importorskip("torch")

    class Forgets(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * torch.sigmoid(x)

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            s = torch.sigmoid(x)
            return s * (1 + x * (1 - s))

    class Right(Forgets):
        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * Forgets.backward(ctx, grad_output)

    assert check_derivative(Right, Right).correct
    assert check_derivative(Forgets, Forgets).cause == "upstream_forgotten"
    silu = torch.nn.functional.silu
    right = check_derivative(silu, lambda x: torch.sigmoid(x) * (1 + x * (1 - torch.sigmoid(x))))
    assert right.correct
    assert check_derivative(silu, torch.sigmoid).other_function == "softplus"
    assert check_derivative(torch.nn.GELU(), torch.nn.GELU()).correct
    module = torch.nn.PReLU()
    assert check_derivative(module, module).correct
    softmax = torch.nn.Softmax(dim=-1)
    assert check_derivative(softmax, softmax).correct


def test_jax_functions_and_gradients_are_judged():
    jax = pytest.importorskip("jax")

    def softplus(x):
        return jax.numpy.log(1 + jax.numpy.exp(x))

    overflowing = check_derivative(softplus, jax.vmap(jax.grad(softplus)))
    assert (overflowing.cause, overflowing.first_wrong_at) == ("overflow", 89.0)
    assert check_derivative(jax.nn.softplus, jax.grad(jax.nn.softplus)).correct
    assert check_derivative(jax.nn.softmax, jax.nn.softmax).correct
