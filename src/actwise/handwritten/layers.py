"""Recognises a plain multilayer perceptron in arrays and outputs, and computes what its layers hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.activations import activation as get_activation
from actwise.formula.dialects import numpy_table
from actwise.formula.expression import SYMBOL, Expression, walk

Array: TypeAlias = npt.NDArray[np.float64]
Function: TypeAlias = Callable[[Array], Array]
MOST_STRUCTURES = 24
FEW_ROWS = 6  # enough to tell activations apart; the layers found are then tried on all rows
COMMON = 6  # the candidates that are tried in every mixture of three hidden layers or more


@dataclass(frozen=True, eq=False)
class Candidate:
    """An activation that a layer may have, its derivative, and the derivative as people write it, of the output."""

    name: str
    value: Function
    slope: Function
    from_output: Function
    row: bool = False

    def back(self, upstream: Array, z: Array, y: Array) -> Array:
        """The gradient by the pre-activation of what has the gradient `upstream` by the output."""
        if not self.row:
            return np.asarray(upstream * self.slope(z))
        if self.name == "softmax":
            return np.asarray(y * (upstream - (upstream * y).sum(axis=1, keepdims=True)))
        return np.asarray(upstream - np.exp(y) * upstream.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class PlainLayer:
    """A layer: where its arrays are, how they lie, and its activation.

    `bias` is None where there is none; equal to `weights` where it is the last row of the weights.
    """

    weights: int
    bias: int | None
    transposed: bool
    activation: Candidate

    def matrix(self, arrays: Sequence[Array], width: int) -> Array:
        """The weights, shape (n_inputs, n_units), with the row of biases where the bias lies there."""
        array = arrays[self.weights]
        if array.ndim == 1:
            return array.reshape(width, -1)
        return array.T if self.transposed else array


@dataclass(frozen=True, eq=False)
class Passed:
    """What one layer was given, its pre-activation and its output, a row for each example."""

    inputs: Array
    z: Array
    y: Array


def run(layers: Sequence[PlainLayer], arrays: Sequence[Array], X: Array) -> list[Passed]:
    """The forward pass."""
    passed = []
    with np.errstate(all="ignore"):
        for layer in layers:
            inputs = np.hstack([X, np.ones((len(X), 1))]) if layer.bias == layer.weights else X
            z = inputs @ layer.matrix(arrays, inputs.shape[1])
            if layer.bias is not None and layer.bias != layer.weights:
                z = z + arrays[layer.bias].reshape(1, -1)
            X = np.asarray(layer.activation.value(z), np.float64)
            passed.append(Passed(inputs, z, X))
    return passed


@cache
def candidates() -> tuple[Candidate, ...]:
    """Activations that people use, the usual ones first."""
    named: list[tuple[str, dict[str, float]]] = [("sigmoid", {}), ("tanh", {}), ("relu", {}), ("identity", {})]
    named += [("leaky_relu", {"slope": each}) for each in (0.01, 0.1, 0.2, 0.05, 0.3, 0.25, 0.02)]
    named += [("elu", {})]
    named += [(each, {}) for each in ("softplus", "silu", "gelu_tanh", "gelu", "mish", "selu", "softsign", "arctan")]
    named += [(each, {}) for each in ("gaussian", "sine", "lecun_tanh", "exponential", "relu6", "hard_tanh")]
    found = []
    for name, values in named:
        each = get_activation(name, **values)
        if isinstance(each, Activation):
            slope = _straight(each.derivative_expression, each.values)
            found.append(Candidate(name, _straight(each.expression, each.values), slope, _from_output(each)))
    return tuple(found)


def _straight(expression: Expression, values: Mapping[str, float]) -> Function:
    """A formula in x as one straight run through its operations: it is evaluated thousands of times here."""
    table, nodes = numpy_table(), list(dict.fromkeys(walk(expression)))
    place = {each: k for k, each in enumerate(nodes)}
    steps = [(None if n.operation == SYMBOL or n.is_number else table[n.operation], [place[a] for a in n.arguments])
             for n in nodes]  # fmt: skip

    def value(x: Array) -> Array:
        found: list[Any] = []
        for node, (operation, arguments) in zip(nodes, steps, strict=True):
            if operation is not None:
                found.append(operation(*(found[k] for k in arguments)))
            else:
                found.append(
                    np.float64(node.number) if node.is_number else x if node.name == "x" else values[node.name]
                )
        return np.broadcast_to(np.asarray(found[-1], np.float64), x.shape)

    return value


def row_candidates() -> tuple[Candidate, ...]:
    """Softmax and its logarithm; their slopes are those that people take for them, element by element."""

    def softmax(z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))

    def elementwise(z: Array) -> Array:
        return softmax(z) * (1 - softmax(z))

    return (
        Candidate("softmax", softmax, elementwise, lambda y: y * (1 - y), row=True),
        Candidate("log_softmax", lambda z: np.log(softmax(z)), elementwise, lambda y: 1 - np.exp(y), row=True),
    )


def _from_output(activation: Activation) -> Function:
    """The derivative as a function of the output, as people write it."""
    formulas: dict[str, Function] = {
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


Places: TypeAlias = tuple[tuple[int, int | None], ...]


def structures(arrays: Sequence[Array], width: int, n_outputs: int) -> Iterator[tuple[Places, bool]]:
    """Every way in which the arrays may be the weights and biases of layers, those in their order first."""
    for transposed in (False, True):
        yield from ((places, transposed) for places in _chains(arrays, (), width, n_outputs, transposed))


def _chains(arrays: Sequence[Array], begun: Places, width: int, n_outputs: int, transposed: bool) -> Iterator[Places]:
    used = {k for pair in begun for k in pair if k is not None}
    if len(used) == len(arrays):
        if width == n_outputs:
            yield begun
        return
    for k, array in enumerate(arrays):
        if k in used or array.ndim > 2 or not array.ndim:
            continue
        shape = array.shape if array.ndim == 2 else (array.size, 1) if array.size in (width, width + 1) else (0, 0)
        into, out = shape[::-1] if transposed and array.ndim == 2 else shape
        if into == width:
            after = [j for j in (*range(k + 1, len(arrays)), *range(k)) if j not in used and _is_bias(arrays[j], out)]
            for j in after[:2]:
                yield from _chains(arrays, (*begun, (k, j)), out, n_outputs, transposed)
            yield from _chains(arrays, (*begun, (k, None)), out, n_outputs, transposed)
        elif into == width + 1:
            yield from _chains(arrays, (*begun, (k, k)), out, n_outputs, transposed)


def _is_bias(array: Array, size: int) -> bool:
    return array.size == size and max(array.shape, default=1) == size


def recognise(arrays: Sequence[Array], X: Array, outputs: Array, resolution: float) -> tuple[PlainLayer, ...] | None:
    """Find the layers of a plain network, or None if it is something else.

    Shapes: `X` (n_rows, n_inputs), `outputs` (n_rows, n_outputs).
    """
    close = max(1e-6, 200 * resolution)
    last = (*candidates(), *row_candidates()) if outputs.shape[1] > 1 else candidates()
    for number, (places, transposed) in enumerate(structures(arrays, X.shape[1], outputs.shape[1])):
        if number == MOST_STRUCTURES:
            break
        for hidden in _mixtures(len(places) - 1):
            begun = tuple(
                PlainLayer(w, b, transposed, each)
                for (w, b), each in zip(places, (*hidden, candidates()[3]), strict=True)
            )
            z = run(begun, arrays, X[:FEW_ROWS])[-1].z
            for each in last:
                with np.errstate(all="ignore"):
                    if not _same(np.asarray(each.value(z)), outputs[:FEW_ROWS], close):
                        continue
                layers = (*begun[:-1], PlainLayer(*places[-1], transposed, each))
                if _same(run(layers, arrays, X)[-1].y, outputs, close):
                    return layers
    return None


def _mixtures(n: int) -> Iterator[tuple[Candidate, ...]]:
    """Activations of the hidden layers: the same in all, then mixed."""
    yield from ((each,) * n for each in candidates()) if n else iter([()])
    if n > 1:
        some = candidates() if n == 2 else candidates()[:COMMON]
        yield from (each for each in product(some, repeat=n) if len(set(each)) > 1)


def _same(one: Array, other: Array, close: float) -> bool:
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    return bool(np.abs(one - other).max() <= close * max(np.abs(other).max(), 1e-12))
