"""What a model does to a row, step by step, in terms that both a module and a Python file are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import AnyActivation, is_from_catalogue, maxout
from actwise.export.torch.table import TorchModule, torch_module
from actwise.formula.expression import Expression, number, substitute
from actwise.formula.folding import fold_constants
from actwise.formula.simplify import simplify
from actwise.model.layers import BatchNorm, Dropout, activation_formula
from actwise.model.network import Network
from actwise.model.program import Formula
from actwise.tasks.scaling import Scaling
from actwise.training.descriptions import ModelDescription

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear map; weights as PyTorch has them, of shape (n_outputs, n_inputs)."""

    weights: FloatArray
    biases: FloatArray | None


@dataclass(frozen=True)
class Native:
    """One of PyTorch's own activations."""

    row: TorchModule
    values: dict[str, float]


@dataclass(frozen=True)
class TrainedSlope:
    """PyTorch's PReLU with one slope."""

    slope: FloatArray


@dataclass(frozen=True)
class Composed:
    """An activation that is written out.

    Parameters
    ----------
    what : Activation, RowActivation or GatedActivation
        For its name and its formula.
    values : dict of str to float
        Its parameters.
    formula : Formula
        Its value and gradients; symbols other than pre-activations, ``y`` and ``g`` are trained parameters.
    trained : dict of str to ndarray
        The trained parameters, scalars of the network's dtype.
    """

    what: AnyActivation
    values: dict[str, float]
    formula: Formula
    trained: dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Normalised:
    """Batch normalisation; each array has an entry for each column."""

    factors: FloatArray
    shifts: FloatArray
    means: FloatArray
    variances: FloatArray
    momentum: float
    epsilon: float


@dataclass(frozen=True)
class DroppedOut:
    """Dropout."""

    rate: float


@dataclass(frozen=True)
class Scaled:
    """Inputs that are standardised, or outputs that are put back into their own units, from logarithms too."""

    scaling: Scaling
    undone: bool
    exponential: bool = False


Stage: TypeAlias = Linear | Normalised | Native | TrainedSlope | Composed | DroppedOut | Scaled


def stages(description: ModelDescription, *, native: bool = True) -> tuple[Stage, ...]:
    """Say what a model does to a row.

    `description`: the model; its columns are left out, since PyTorch has no text.
    `native`: whether PyTorch's own modules are used where they mean the same.
    Result: the steps; the identity is none.
    """
    found: list[Stage] = []
    if description.inputs is not None:
        found.append(Scaled(description.inputs, undone=False))
    found += _layers(description.network, native)
    if description.outputs is not None:
        found.append(Scaled(description.outputs, undone=True, exponential=description.exponential))
    return tuple(found)


def _layers(network: Network, native: bool) -> Iterator[Stage]:
    computed = iter(enumerate(network.structure))
    for layer in network.layers:
        if isinstance(layer, Dropout):
            yield DroppedOut(float(layer.rate))
            continue
        index, shape = next(computed)
        if isinstance(layer, BatchNorm):
            places = (shape.scale_at, shape.biases_at, shape.statistics_at, shape.statistics_at + shape.n_units)
            factors, shifts, means, variances = (network.values[at : at + shape.n_units].copy() for at in places)
            yield Normalised(factors, shifts, means, variances, float(layer.momentum), float(layer.epsilon))
            continue
        if shape.n_weights:
            matrix = network.values[shape.weights_at : shape.weights_at + shape.n_weights]
            at = shape.biases_at
            biases = network.values[at : at + shape.n_linear].copy() if at >= 0 else None
            yield Linear(np.ascontiguousarray(matrix.reshape(shape.n_inputs, shape.n_linear).T), biases)
        what = layer.activation if layer.activation is not None else maxout(shape.formula.pieces)
        if what.name != "identity" or not is_from_catalogue(what):
            yield _activation(what, network.activation_values(index), network.dtype, native)


def _activation(what: AnyActivation, values: dict[str, float], dtype: str, native: bool) -> Stage:
    if native and is_from_catalogue(what):
        if what.name == "prelu":
            return TrainedSlope(np.array([values["slope"]], dtype))
        if what.name == "rrelu":
            # PyTorch's own draws slopes in training; ours has their mean, in both.
            row = torch_module("leaky_relu", {"slope": 0.0})
            assert row is not None
            return Native(row, {"slope": (values["lower"] + values["upper"]) / 2})
        found = torch_module(what.name, values, dtype)
        if found is not None:
            return Native(found, values)
    trained = {name: np.array(values[name], dtype) for name, each in what.params.items() if each.trained}
    return Composed(what, values, _with_values(activation_formula(what), values, set(trained)), trained)


def _with_values(formula: Formula, values: dict[str, float], trained: set[str]) -> Formula:
    fixed = {name: number(value) for name, value in values.items() if name not in trained}

    def done(expression: Expression) -> Expression:
        return fold_constants(substitute(expression, fixed))

    gradients = dict(zip(formula.parameters, formula.parameter_gradients, strict=False))
    return Formula(
        done(formula.value),
        tuple(done(each) for each in formula.gradients),
        tuple(name for name in formula.parameters if name in trained),
        tuple(done(simplify(gradients[name])) for name in formula.parameters if name in trained),
    )
