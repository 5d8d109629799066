"""Which mistake explains a wrong gradient: the network is rebuilt, and made the same mistakes one by one.

The gradient of the recognised layers is computed with one planted mistake after the other until one gives the numbers
that the hand-written code gives, and not those of the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.handwritten.layers import Candidate, Passed, PlainLayer, run

Array: TypeAlias = npt.NDArray[np.float64]
Mistake: TypeAlias = Literal[
    "wrong_convention_expects_x_given_y", "wrong_convention_expects_y_given_x", "missing_factor", "extra_factor",
    "wrong_formula", "wrong_sign", "wrong_region", "elementwise_softmax", "label_encoding", "missing_transpose",
    "updated_before_backprop", "other_layer", "wrong_input", "stale_cache", "not_summed_over_rows", "transposed",
    "summed_over_wrong_axis",
]  # fmt: skip
CLOSE = 1e-5  # relative difference up to which two gradients are the same
MOST_ROWS = 64  # rows that are tried one by one


@dataclass(frozen=True, eq=False)
class Point:
    """Parameters, and the gradient that the hand-written code gives there; the loss's gradient by the outputs.

    `weights` and `targets`, shapes (n_rows, 1) and (n_rows, n_outputs): the gradient by the pre-activations of the
    output is ``weights * (outputs - targets)``, where it is of that form, as it is with a cross-entropy of any kind.
    """

    arrays: Sequence[Array]
    given: Sequence[Array]
    X: Array
    slope: Callable[[Array], Array]
    labels: Array
    weights: Array
    targets: Array


@dataclass(frozen=True)
class Explanation:
    """A mistake that gives the numbers that were given; of two explanations the one with fewer layers is better."""

    mistake: Mistake
    sentence: str
    n_layers: int = 1


Slope: TypeAlias = Callable[[Sequence[Passed], int], Array]


@dataclass(frozen=True, eq=False)
class Backward:
    """A way back with what is done otherwise than right, by layer."""

    output: Callable[[Point, Array, Array], Array] | None = None  # of pre-activations and outputs
    slopes: Mapping[int, Slope] = field(default_factory=dict)
    step_back: Mapping[int, Callable[[Array, Array, Array], Array]] = field(default_factory=dict)
    inputs: Mapping[int, Slope] = field(default_factory=dict)
    rows: Callable[[Array], Array] | None = None  # which rows the activations are taken from
    counted: int | None = None  # the only row that counts
    by_weights: Mapping[int, Callable[[Array], Array]] = field(default_factory=dict)
    updated: bool = False

    def gradient(self, layers: Sequence[PlainLayer], at: Point) -> list[Array]:
        """The gradient, in the form of the arrays."""
        passed = run(layers, at.arrays, at.X)
        if self.rows is not None:
            passed = [Passed(*(self.rows(each) for each in (p.inputs, p.z, p.y))) for p in passed]
        found: list[Array] = [np.zeros_like(each) for each in at.arrays]
        last = len(layers) - 1
        z, y = passed[last].z, passed[last].y
        with np.errstate(all="ignore"):
            if self.output is not None:
                delta = self.output(at, z, y)
            elif last in self.slopes:
                delta = at.slope(y) * self.slopes[last](passed, last)
            else:
                delta = layers[last].activation.back(at.slope(y), z, y)
            error = delta
            for k in range(last, -1, -1):
                layer, own = layers[k], passed[k]
                self._put(found, layer, self.inputs[k](passed, k) if k in self.inputs else own.inputs, delta, k)
                if not k:
                    break
                width = own.inputs.shape[1]
                arrays = [a - g for a, g in zip(at.arrays, at.given, strict=True)] if self.updated else at.arrays
                matrix = layer.matrix(arrays, width)[: passed[k - 1].y.shape[1]]
                upstream = self.step_back[k](delta, matrix, error) if k in self.step_back else delta @ matrix.T
                before = layers[k - 1].activation
                if k - 1 in self.slopes:
                    delta = upstream * self.slopes[k - 1](passed, k - 1)
                else:
                    delta = before.back(upstream, passed[k - 1].z, passed[k - 1].y)
        return found

    def _put(self, found: list[Array], layer: PlainLayer, inputs: Array, delta: Array, k: int) -> None:
        if self.counted is not None:
            inputs, delta = inputs[self.counted][None], delta[self.counted][None]
        by_weights = inputs.T @ delta
        if k in self.by_weights:
            by_weights = self.by_weights[k](by_weights)
        shape = found[layer.weights].shape
        laid_out = by_weights.T if layer.transposed and len(shape) > 1 else by_weights
        found[layer.weights] = laid_out.reshape(shape)
        if layer.bias is not None and layer.bias != layer.weights:
            found[layer.bias] = delta.sum(axis=0).reshape(found[layer.bias].shape)


def explain_gradient(
    layers: Sequence[PlainLayer], points: Sequence[Point], factors: Sequence[float], wrong: Sequence[int],
    decayed: Sequence[int], resolution: float,
) -> Explanation | None:  # fmt: skip
    """Find the mistake that explains a gradient.

    `points`: several, since at one two mistakes may give the same numbers. `factors`: what the gradient is multiplied
    by at each; empty where unknown. `wrong`: indices of the arrays that are not right; `decayed`: of those that a
    penalty may be added to.
    """
    close = max(CLOSE, 300 * resolution)
    right = [Backward().gradient(layers, at) for at in points]
    inexact = None
    for backward, explanation in _planted(layers, points[0]):
        sizes: list[float] = []
        pieces = bool(factors)
        for number, (at, truth) in enumerate(zip(points, right, strict=True)):
            made = backward.gradient(layers, at)
            if any(m.shape != g.shape for m, g in zip(made, at.given, strict=True)):
                break
            if _factor_between(made, truth, (), close) is not None:
                break  # it changes nothing here
            size = _factor_between(made, at.given, [(k, at.arrays[k]) for k in decayed], close)
            given = [factors[number] * g for g in at.given] if pieces else []
            pieces = pieces and _pieced_together(made, truth, given, wrong, close)
            sizes += [] if size is None else [size]
            if not pieces and len(sizes) <= number:
                break
        else:
            if pieces or np.ptp(sizes) <= 10 * close * abs(sizes[0]):
                return explanation
            inexact = inexact or explanation  # but for a factor that changes from point to point, as by clipping
    return inexact


def _factor_between(
    made: Sequence[Array], given: Sequence[Array], penalised: Sequence[tuple[int, Array]], close: float
) -> float | None:
    """The factor, which a learning rate would absorb, between two gradients that are the same but for a penalty."""
    one, other = (np.concatenate([each.reshape(-1) for each in some]) for some in (made, given))
    if one.shape != other.shape or not np.isfinite(one).all() or not one.any() or not other.any():
        return None
    columns = [one]
    if penalised:
        inside = dict(penalised)
        own = [inside[k] if k in inside else np.zeros_like(each) for k, each in enumerate(made)]
        columns.append(np.concatenate([each.reshape(-1) for each in own]))
    for n in range(1, len(columns) + 1):
        table = np.stack(columns[:n], axis=1)
        fitted, *_ = np.linalg.lstsq(table, other, rcond=None)
        if np.abs(table @ fitted - other).max() <= close * np.abs(other).max() and abs(fitted[0]) > 0:
            return float(fitted[0])
    return None


def _pieced_together(
    made: Sequence[Array], right: Sequence[Array], given: Sequence[Array], wrong: Sequence[int], close: float
) -> bool:
    """Whether the wrong arrays, and these alone, have the planted mistake."""
    if not wrong:
        return False
    for k in wrong:
        largest = np.abs(given[k]).max(initial=0.0)
        if not (made[k].shape == given[k].shape and np.abs(made[k] - given[k]).max() <= 10 * close * largest):
            return False
        if np.abs(made[k] - right[k]).max() <= 100 * close * largest:
            return False
    return True


def _planted(layers: Sequence[PlainLayer], at: Point) -> Iterator[tuple[Backward, Explanation]]:
    last = len(layers) - 1
    yield from _slopes(layers)
    yield from _outputs(layers[last].activation, at)
    for k in range(1, last + 1):
        where = f"from layer {k + 1} to layer {k}"
        yield (
            Backward(step_back={k: lambda delta, W, _: delta @ W if W.shape[0] == W.shape[1] else delta @ W.T}),
            Explanation("missing_transpose", f"on the way {where} the error goes through the weights as they are "
                        "instead of their transpose: write `delta @ W.T`"),
        )  # fmt: skip
    if last:
        yield (
            Backward(step_back=dict.fromkeys(range(1, last + 1), _raw)),
            Explanation("wrong_formula", "the hidden layers are given the output's error as it is: it must be passed "
                        "back through the output weights first (error @ W.T)", last),
        )  # fmt: skip
        yield (
            Backward(updated=True),
            Explanation("updated_before_backprop", "the weights are updated before the error is passed back through "
                        "them: compute all gradients first, then update"),
        )  # fmt: skip
    yield from _inputs(layers)
    yield from _rows(layers, len(at.X))


def _raw(delta: Array, W: Array, error: Array) -> Array:
    if error.shape[1] == W.shape[0]:
        return error
    return np.broadcast_to(error.sum(axis=1, keepdims=True), (len(error), W.shape[0]))


def _groups(n: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    last = n - 1
    if last:
        yield "the hidden layers", tuple(range(last))
    yield "the output layer", (last,)
    if last:
        yield "all layers", tuple(range(n))
    if last > 1:
        yield from ((f"hidden layer {k + 1}", (k,)) for k in range(last))


_SLOPES: tuple[tuple[Mistake, str, Callable[[Candidate, Array, Array], Array]], ...] = (
    ("wrong_convention_expects_x_given_y",
     "in {where} the derivative of {name} expects the pre-activation and is given the output, so that {name} is "
     "applied twice; hand it the pre-activation, or write it in terms of the output",
     lambda a, z, y: a.slope(y)),
    ("wrong_convention_expects_y_given_x",
     "in {where} the derivative of {name} is written for the output and is given the pre-activation; hand it the "
     "output",
     lambda a, z, y: a.from_output(z)),
    ("missing_factor",
     "in {where} the derivative of {name} is left out: multiply the error by it",
     lambda a, z, y: np.ones_like(z)),
    ("wrong_region",
     "in {where} the two sides of the derivative of {name} are swapped: the negative side has the slope of the "
     "positive side, and the other way round",
     lambda a, z, y: a.slope(-z)),
    ("wrong_formula",
     "in {where} the derivative of {name} is squared: it is multiplied in twice",
     lambda a, z, y: a.slope(z) ** 2),
    ("wrong_formula",
     "in {where} {name} itself stands where its derivative should",
     lambda a, z, y: y),
    ("wrong_formula",
     "in {where} {name} of the output stands where its derivative should",
     lambda a, z, y: a.value(y)),
    ("wrong_sign",
     "in {where} the derivative of {name} has the wrong sign",
     lambda a, z, y: -a.slope(z)),
)  # fmt: skip


def _slopes(layers: Sequence[PlainLayer]) -> Iterator[tuple[Backward, Explanation]]:
    last = len(layers) - 1
    for where, indices in _groups(len(layers)):
        names = " and ".join(sorted({layers[k].activation.name for k in indices}))
        if layers[last].activation.row and last in indices:
            continue
        for mistake, sentence, make in _SLOPES:

            def slope(passed: Sequence[Passed], k: int, make: Callable[..., Array] = make) -> Array:
                return np.asarray(make(layers[k].activation, passed[k].z, passed[k].y))

            told = Explanation(mistake, sentence.format(where=where, name=names), len(indices))
            yield Backward(slopes=dict.fromkeys(indices, slope)), told
    for k in range(last):
        for j in range(last):
            if j == k:
                continue

            def of_layer(passed: Sequence[Passed], _: int, j: int = j, k: int = k) -> Array:
                found = layers[k].activation.slope(passed[j].z)
                return found if found.shape == passed[k].z.shape else np.ones_like(passed[k].z)

            yield (
                Backward(slopes={k: of_layer}),
                Explanation("other_layer", f"the derivative of hidden layer {k + 1} is taken at the values of another "
                            f"layer, hidden layer {j + 1}: take its own pre-activation or output"),
            )  # fmt: skip
        for j in range(last + 1):
            if layers[j].activation.name == layers[k].activation.name:
                continue

            def of_activation(passed: Sequence[Passed], k: int, j: int = j) -> Array:
                return np.asarray(layers[j].activation.slope(passed[k].z))

            def of_its_output(passed: Sequence[Passed], k: int, j: int = j) -> Array:
                return np.asarray(layers[j].activation.from_output(passed[k].y))

            for other in (of_activation, of_its_output):
                yield (
                    Backward(slopes={k: other}),
                    Explanation("other_layer", f"hidden layer {k + 1} uses {layers[k].activation.name}, but its error "
                                f"is multiplied by the derivative of {layers[j].activation.name}, the activation of "
                                "another layer"),
                )  # fmt: skip


def _outputs(activation: Candidate, at: Point) -> Iterator[tuple[Backward, Explanation]]:
    """What goes wrong where the way back begins: the error, and the derivative of the output's activation."""
    name, n = activation.name, at.labels.shape[1]
    many = f"{name} couples the outputs of a row"

    def error(at: Point, z: Array, y: Array) -> Array:
        return np.asarray(at.weights * (y - at.targets))

    def shifted(by: int) -> Callable[[Point, Array, Array], Array]:
        return lambda at, z, y: at.weights * (y_of(z) - np.roll(at.targets, by, axis=1))

    def y_of(z: Array) -> Array:
        return np.asarray(activation.value(z)) if name != "identity" else z

    def numbers(at: Point, first: int) -> Array:
        return np.asarray(np.argmax(at.labels, axis=1, keepdims=True) + float(first))

    def numbered(first: int) -> Callable[[Point, Array, Array], Array]:
        return lambda at, z, y: at.weights * (y_of(z) - numbers(at, first))

    def multiplied(slope: Callable[[Array, Array], Array]) -> Callable[[Point, Array, Array], Array]:
        return lambda at, z, y: error(at, z, y) * slope(z, y)

    def by_element(slope: Callable[[Array, Array], Array]) -> Callable[[Point, Array, Array], Array]:
        return lambda at, z, y: at.slope(y) * slope(z, y)

    plain = Explanation("missing_factor", f"in the output layer the derivative of {name} is left out: multiply the "
                        "error by it")  # fmt: skip
    if name != "identity":
        yield Backward(output=lambda at, z, y: y - at.labels), plain
        extra: Mistake = "elementwise_softmax" if activation.row else "extra_factor"
        text = (
            f"the derivative of {name} is taken element by element, y * (1 - y), but {many}: with the cross-entropy "
            "the error is outputs - targets, and nothing is multiplied in"
            if activation.row
            else f"the derivative of {name} is multiplied in, although the loss cancels it: with the cross-entropy "
            "the error at the output is outputs - targets, and nothing else"
        )
        for slope in (
            lambda z, y: activation.from_output(y), lambda z, y: activation.slope(z),
            lambda z, y: activation.slope(y), lambda z, y: activation.from_output(z),
        ):  # fmt: skip
            yield (
                Backward(output=multiplied(slope)),
                Explanation(extra, text),
            )  # fmt: skip
            if activation.row:
                yield (
                    Backward(output=by_element(slope)),
                    Explanation("elementwise_softmax", f"the derivative of {name} is taken element by element, "
                                f"y * (1 - y), but {many}: its Jacobian is diag(y) - y y^T"),
                )  # fmt: skip
    if n > 1:
        for by in (-1, 1):
            yield (
                Backward(output=shifted(by)),
                Explanation("label_encoding", "the labels are off by one: the 1 is subtracted at the class beside the "
                            "true one"),
            )  # fmt: skip
        for first in (0, 1):
            yield (
                Backward(output=numbered(first)),
                Explanation("label_encoding", "the class number itself is subtracted from every output: the targets "
                            "must be one-hot rows, np.eye(n_classes)[y]"),
            )  # fmt: skip


def _inputs(layers: Sequence[PlainLayer]) -> Iterator[tuple[Backward, Explanation]]:
    """The gradient of the weights is the inputs' transpose times the error: built from other inputs, or turned."""
    for k in range(len(layers)):
        name = f"layer {k + 1}"
        if k:

            def raw(passed: Sequence[Passed], k: int) -> Array:
                own = passed[k].inputs.copy()
                own[:, : passed[k - 1].z.shape[1]] = passed[k - 1].z
                return own

            yield (
                Backward(inputs={k: raw}),
                Explanation("wrong_input", f"the gradient of the weights of {name} is built from the pre-activations "
                            "of the layer before in place of its outputs"),
            )  # fmt: skip
        for j in range(len(layers) + 1):
            if j == k:
                continue

            def of_layer(passed: Sequence[Passed], k: int, j: int = j) -> Array:
                other = passed[j - 1].y if j else passed[0].inputs
                return other if other.shape == passed[k].inputs.shape else passed[k].inputs

            what = "that layer's own output" if j == k + 1 else f"the output of layer {j}" if j else "the data"
            yield (
                Backward(inputs={k: of_layer}),
                Explanation("wrong_input", f"the gradient of the weights of {name} is built from {what} instead of "
                            "its input"),
            )  # fmt: skip
        yield (
            Backward(by_weights={k: lambda g: g.T if g.shape[0] == g.shape[1] else g}),
            Explanation("transposed", f"the gradient of the weights of {name} is transposed: write `.T` behind it"),
        )


def _rows(layers: Sequence[PlainLayer], n: int) -> Iterator[tuple[Backward, Explanation]]:
    """Rows that are left out, or whose activations are another row's."""

    def repeated(row: int) -> Callable[[Array], Array]:
        return lambda a: np.repeat(a[row : row + 1], len(a), axis=0)

    def rolled(by: int) -> Callable[[Array], Array]:
        return lambda a: np.roll(a, by, axis=0)

    for row in (n - 1, *range(min(n - 1, MOST_ROWS))):
        which = "the last row" if row == n - 1 else f"row {row}"
        yield (
            Backward(counted=row),
            Explanation("not_summed_over_rows", f"only {which} counts: the gradients of the rows are not added up, "
                        "each one replaces the one before (write `+=`)"),
        )  # fmt: skip
        yield (
            Backward(rows=repeated(row)),
            Explanation("stale_cache", f"the way back uses the activations of another row, {which}, for every row: "
                        "what the forward pass cached is overwritten before it is used"),
        )  # fmt: skip
    for by in (1, -1):
        yield (
            Backward(rows=rolled(by)),
            Explanation("stale_cache", "the way back uses the activations of another row, the one "
                        f"{'before' if by > 0 else 'after'}: the cache is not that of the row at hand"),
        )  # fmt: skip
