"""Which mistake explains a wrong gradient: the network is rebuilt, and made the same mistakes one by one.

From the parameters' shapes and the outputs the layers and activations of a plain multilayer perceptron are
recognised. Its gradient is then computed with one planted mistake after the other until one gives the numbers
that the hand-written code gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.activations import activation as get_activation

Array: TypeAlias = npt.NDArray[np.float64]
Mistake: TypeAlias = Literal[
    "wrong_convention_expects_x_given_y", "wrong_convention_expects_y_given_x", "missing_factor", "missing_constant",
    "wrong_formula", "wrong_sign",
]  # fmt: skip
CANDIDATES = (
    "sigmoid", "tanh", "relu", "identity", "leaky_relu", "softplus", "elu", "silu", "softsign", "arctan", "gaussian",
    "sine", "lecun_tanh", "gelu", "exponential",
)  # fmt: skip
CLOSE = 1e-6  # relative difference up to which two outputs or gradients are the same
Slope: TypeAlias = Callable[[Array, Array], Array]  # of pre-activation and output


@dataclass(frozen=True)
class PlainLayer:
    """A layer of a recognised network: where its arrays are, how they lie, and its activation."""

    weights: int
    bias: int | None
    transposed: bool
    activation: Activation


@dataclass(frozen=True, eq=False)
class Point:
    """Parameters, the loss's gradient by the outputs there, and the gradient that the hand-written code gives."""

    arrays: Sequence[Array]
    error: Array
    given: Sequence[Array]


@dataclass(frozen=True)
class Explanation:
    """A mistake that gives the numbers that were given.

    Parameters
    ----------
    mistake : str
        What it is called.
    sentence : str
        What was done, in words.
    n_layers : int
        In how many layers: of two explanations the smaller is the better.
    """

    mistake: Mistake
    sentence: str
    n_layers: int


def recognise(arrays: Sequence[Array], X: Array, outputs: Array) -> tuple[PlainLayer, ...] | None:
    """Find the layers of a plain network, or None if it is something else.

    Shapes: `X` (n_rows, n_inputs), `outputs` (n_rows, n_outputs).
    """
    for transposed in (False, True):
        places = layer_places(arrays, X.shape[1], transposed)
        if places is None:
            continue
        candidates = [each for each in map(get_activation, CANDIDATES) if isinstance(each, Activation)]
        hidden_sets: list[tuple[Activation, ...]] = [()]
        if len(places) > 1:
            hidden_sets = [(each,) * (len(places) - 1) for each in candidates]
        if len(places) == 3:
            hidden_sets += [pair for pair in product(candidates[:6], repeat=2) if pair[0] is not pair[1]]
        for hidden, last in product(hidden_sets, candidates):
            layers = tuple(
                PlainLayer(w, b, transposed, each) for (w, b), each in zip(places, (*hidden, last), strict=True)
            )
            if _same(_forward(layers, arrays, X)[-1][2], outputs):
                return layers
    return None


def layer_places(arrays: Sequence[Array], width: int, transposed: bool) -> list[tuple[int, int | None]] | None:
    """Find each layer's weights and, where it has them, its biases; None where weights do not lie so."""
    places: list[tuple[int, int | None]] = []
    at = 0
    while at < len(arrays):
        matrix = arrays[at]
        if matrix.ndim == 1 and matrix.size == width:
            matrix = matrix.reshape(1, -1) if transposed else matrix.reshape(-1, 1)
        if matrix.ndim != 2 or matrix.shape[1 if transposed else 0] != width:
            return None
        width = matrix.shape[0 if transposed else 1]
        has_bias = at + 1 < len(arrays) and arrays[at + 1].size == width and _is_row(arrays[at + 1], width)
        places.append((at, at + 1 if has_bias else None))
        at += 2 if has_bias else 1
    return places


def _is_row(array: Array, width: int) -> bool:
    return array.shape in ((width,), (1, width), (width, 1)) or (array.ndim == 0 and width == 1)


def _matrix(layer: PlainLayer, arrays: Sequence[Array], width: int) -> Array:
    matrix = arrays[layer.weights]
    if matrix.ndim == 1:
        return matrix.reshape(width, -1)
    return matrix.T if layer.transposed else matrix


def _forward(layers: Sequence[PlainLayer], arrays: Sequence[Array], X: Array) -> list[tuple[Array, Array, Array]]:
    passed = []
    for layer in layers:
        z = X @ _matrix(layer, arrays, X.shape[1])
        if layer.bias is not None:
            z = z + arrays[layer.bias].reshape(1, -1)
        with np.errstate(all="ignore"):
            y = np.asarray(layer.activation(z))
        passed.append((X, z, y))
        X = y
    return passed


def _same(one: Array, other: Array) -> bool:
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    return bool(np.abs(one - other).max() <= CLOSE * max(np.abs(other).max(), 1e-12))


@dataclass(frozen=True)
class _Plan:
    """How a gradient is computed: a slope for each layer, and the two other things that go wrong."""

    slopes: tuple[Slope, ...]
    raw_error: bool = False  # the hidden layers are given the output's error as it is
    sign: float = 1.0


def _gradient(
    layers: Sequence[PlainLayer], arrays: Sequence[Array], X: Array, error: Array, plan: _Plan
) -> list[Array]:
    passed = _forward(layers, arrays, X)
    found: list[Array] = [np.zeros_like(each) for each in arrays]
    upstream = error
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        inputs, z, y = passed[index]
        with np.errstate(all="ignore"):
            delta = upstream * plan.slopes[index](z, y)
        matrix = _matrix(layer, arrays, inputs.shape[1])
        by_weights = inputs.T @ delta
        shape = arrays[layer.weights].shape
        laid_out = by_weights.T if layer.transposed and len(shape) > 1 else by_weights
        found[layer.weights] = plan.sign * laid_out.reshape(shape)
        if layer.bias is not None:
            found[layer.bias] = plan.sign * delta.sum(axis=0).reshape(arrays[layer.bias].shape)
        upstream = delta @ matrix.T
        if plan.raw_error:
            upstream = np.broadcast_to(error.sum(axis=1, keepdims=True), upstream.shape)
    return found


def explain_gradient(layers: Sequence[PlainLayer], X: Array, points: Sequence[Point]) -> Explanation | None:
    """Find the mistake that explains a gradient.

    Shapes: `X` (n_rows, n_inputs).
    `points`: where the gradient is known; several, since at one two mistakes may give the same numbers.
    """
    right = tuple(_right_slope(layer.activation) for layer in layers)
    plans: list[tuple[_Plan, Explanation]] = []
    last = len(layers) - 1
    groups = {"the output layer": range(last, last + 1)}
    if last:
        groups = {"the hidden layers": range(last)} | groups | {"all layers": range(last + 1)}
    for where, indices in groups.items():
        for name, sentence, make in _SLOPES:
            slopes = list(right)
            for index in indices:
                slopes[index] = make(layers[index].activation)
            names = " and ".join(sorted({layers[index].activation.name for index in indices}))
            plans.append(
                (_Plan(tuple(slopes)), Explanation(name, sentence.format(where=where, name=names), len(indices)))
            )
    plans.append((
        _Plan(right, raw_error=True),
        Explanation("wrong_formula", "the hidden layers are given the output's error as it is: it must be passed back "
                    "through the output weights first (error @ W.T)", last),
    ))  # fmt: skip
    for plan, explanation in plans:
        for sign in (1.0, -1.0):
            signed = _Plan(plan.slopes, plan.raw_error, sign)
            if all(_proportional(_gradient(layers, at.arrays, X, at.error, signed), at.given) for at in points):
                return explanation
    return None


def _proportional(made: Sequence[Array], given: Sequence[Array]) -> bool:
    """Whether two gradients are the same up to one positive factor, which a learning rate would absorb."""
    one = np.concatenate([each.reshape(-1) for each in made])
    other = np.concatenate([each.reshape(-1) for each in given])
    if one.shape != other.shape or not np.isfinite(one).all() or not one.any() or not other.any():
        return False
    factor = float(one @ other / (one @ one))
    return factor > 0 and bool(np.abs(factor * one - other).max() <= 1e-5 * np.abs(other).max())


def _right_slope(activation: Activation) -> Slope:
    return lambda z, y: np.asarray(activation.derivative(z))


def _from_output(activation: Activation) -> Callable[[Array], Array]:
    """The derivative as a function of the output, as people write it."""
    formulas: dict[str, Callable[[Array], Array]] = {
        "sigmoid": lambda y: y * (1 - y), "tanh": lambda y: 1 - y**2, "softplus": lambda y: 1 - np.exp(-y),
    }  # fmt: skip
    if activation.name in formulas:
        return formulas[activation.name]

    def slope(y: Array) -> Array:
        try:
            return np.asarray(activation.derivative_from_output(y))
        except ValueError:
            return np.full_like(y, np.nan)

    return slope


_SLOPES: tuple[tuple[Mistake, str, Callable[[Activation], Slope]], ...] = (
    ("wrong_convention_expects_x_given_y",
     "in {where} the derivative of {name} expects the pre-activation and is given the output, so that {name} is "
     "applied twice; hand it the pre-activation, or write it in terms of the output",
     lambda a: lambda z, y: np.asarray(a.derivative(y))),
    ("wrong_convention_expects_y_given_x",
     "in {where} the derivative of {name} is written for the output and is given the pre-activation; hand it the "
     "output",
     lambda a: (lambda slope: lambda z, y: slope(z))(_from_output(a))),
    ("missing_factor",
     "in {where} the derivative of {name} is left out: multiply the error by it",
     lambda a: lambda z, y: np.ones_like(z)),
    ("wrong_formula",
     "in {where} the derivative of {name} is squared: it is multiplied in twice",
     lambda a: lambda z, y: np.asarray(a.derivative(z)) ** 2),
    ("wrong_formula",
     "in {where} {name} itself stands where its derivative should",
     lambda a: lambda z, y: y),
)  # fmt: skip
