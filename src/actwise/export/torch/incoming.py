"""PyTorch's sequential networks as ours. Importing this file imports PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from actwise.activations import AnyActivation, activation
from actwise.errors import InputError
from actwise.export.torch.modules import ActivationModule
from actwise.export.torch.table import TORCH_MODULES, TorchModule
from actwise.model.layers import ActivationLayer, BatchNorm, Dense, Dropout, Layer, LinearLayer
from actwise.model.network import Network

Array = npt.NDArray[Any]
# PyTorch's Softplus is the identity beyond its threshold, which leaves out log(1 + exp(-threshold)).
SMALLEST_SOFTPLUS_THRESHOLD = 15.0


@dataclass
class _Read:
    """What was read so far: layers, and the arrays of each by the order in which the network holds them."""

    layers: list[Layer] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    averages: list[Array] = field(default_factory=list)
    n_inputs: int | None = None


def network_from_torch(module: object) -> Network:
    """Take over a sequential network; see `actwise.from_torch`."""
    if not isinstance(module, nn.Sequential | nn.Linear):
        raise InputError(
            f"from_torch takes an nn.Sequential of nn.Linear, activations, nn.Dropout and nn.BatchNorm1d, not "
            f"{_name(module)}; put the layers of another module into an nn.Sequential, in their order"
        )
    read = _Read()
    for place, each in _flat(module, ""):
        if isinstance(each, nn.Linear):
            _add_linear(read, each, place)
        elif isinstance(each, nn.BatchNorm1d):
            _add_normalisation(read, each, place)
        elif isinstance(each, nn.Dropout):
            if each.p >= 1:
                raise InputError(f"{place} drops everything (p={each.p:g}); a rate must be below 1")
            read.layers.append(Dropout(float(each.p)))
        elif not isinstance(each, nn.Identity):
            _add_activation(read, each, place)
    if read.n_inputs is None:
        raise InputError("the nn.Sequential has no nn.Linear, which a network needs at least one of")
    while read.layers and isinstance(read.layers[-1], Dropout):
        read.layers.pop()  # it does nothing to predictions, and a network does not end with one
    double = any(each.dtype == np.float64 for each in read.arrays)
    network = Network(read.layers, read.n_inputs, dtype="float64" if double else "float32")
    return network.with_parameters(np.concatenate([each.reshape(-1) for each in (*read.arrays, *read.averages)]))


def _flat(module: nn.Module, place: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules of nested sequential ones, each with its place in words."""
    if not isinstance(module, nn.Sequential):
        yield f"module {place} ({type(module).__name__})" if place else type(module).__name__, module
        return
    for name, each in module.named_children():
        yield from _flat(each, f"{place}.{name}" if place else name)


def _array(values: torch.Tensor) -> Array:
    plain = values.detach().cpu()
    if plain.is_complex():
        raise InputError("a network with complex weights cannot be taken over")
    # The name says what PyTorch's types do not where it is not installed.
    array: Array = plain.double().numpy() if plain.dtype == torch.float64 else plain.float().numpy()
    return array


def _width(read: _Read) -> int | None:
    """Return the number of columns that leave what was read so far."""
    if read.n_inputs is None or not read.layers:
        return read.n_inputs
    width = read.n_inputs
    for layer in read.layers:
        if isinstance(layer, LinearLayer):
            width = layer.units
        elif isinstance(layer, ActivationLayer):
            width //= layer.formula.pieces
    return width


def _check_width(read: _Read, wanted: int, place: str) -> None:
    found = _width(read)
    if found is None:
        # Nothing before has weights: as many columns come in as this takes, times what gates take together.
        pieces = [each.formula.pieces for each in read.layers if isinstance(each, ActivationLayer)]
        read.n_inputs = wanted * int(np.prod(pieces, dtype=int))
    elif found != wanted:
        raise InputError(f"{place} takes {wanted} columns, but {found} come out of what stands before it")


def _add_linear(read: _Read, module: nn.Linear, place: str) -> None:
    if isinstance(module.weight, nn.parameter.UninitializedParameter):
        raise InputError(f"{place} does not know its inputs yet; give the module a batch first")
    _check_width(read, module.in_features, place)
    read.layers.append(Dense(module.out_features, "identity", bias=module.bias is not None))
    read.arrays.append(_array(module.weight).T)
    if module.bias is not None:
        read.arrays.append(_array(module.bias))


def _add_normalisation(read: _Read, module: nn.BatchNorm1d, place: str) -> None:
    if module.training or module.running_mean is None or module.running_var is None:
        raise InputError(f"{place} normalises by each batch; call .eval() on the module (and keep track_running_stats)")
    n = module.num_features
    _check_width(read, n, place)
    momentum = 0.99 if module.momentum is None else 1 - module.momentum
    read.layers.append(BatchNorm(momentum, module.eps))
    read.arrays.append(np.ones(n, np.float32) if module.weight is None else _array(module.weight))
    read.arrays.append(np.zeros(n, np.float32) if module.bias is None else _array(module.bias))
    read.averages += [_array(module.running_mean), _array(module.running_var)]


def _add_activation(read: _Read, module: nn.Module, place: str) -> None:
    what = _activation(module, place)
    trained = [name for name, each in what.params.items() if each.trained]
    last = read.layers[-1] if read.layers else None
    # An activation right after a linear map is part of that layer.
    if isinstance(last, Dense) and last.activation.name == "identity":
        pieces = ActivationLayer(what).formula.pieces
        if last.units % pieces:
            raise InputError(f"{place} splits {last.units} columns into {pieces} equal parts, which they are not")
        read.layers[-1] = Dense(last.units // pieces, what, bias=last.bias)
    else:
        read.layers.append(ActivationLayer(what))
    dtype = next((each.dtype for each in module.parameters()), torch.float32)
    wide = np.float64 if dtype == torch.float64 else np.float32
    read.arrays += [np.array([what.values[name]], wide) for name in trained]


def _activation(module: nn.Module, place: str) -> AnyActivation:
    if isinstance(module, ActivationModule):
        return _own(module)
    for name, special in _SPECIAL.items():
        if type(module) is getattr(nn, name):
            return special(module, place)
    for row in TORCH_MODULES:
        if type(module) is getattr(nn, row.module) and row.both_ways and _agrees(row, module):
            values = {ours: float(getattr(module, theirs)) for theirs, ours in row.parameters.items()}
            return _checked(row.activation, values, place)
    known = sorted({row.module for row in TORCH_MODULES} | _SPECIAL.keys())
    advice = _ADVICE.get(type(module).__name__, f"known activations are {', '.join(known)}")
    raise InputError(f"{place} cannot be taken over: {advice}")


def _agrees(row: TorchModule, module: nn.Module) -> bool:
    for name, wanted in row.fixed.items():
        found = getattr(module, name)
        if name == "dim":
            # A batch of rows has two axes. None means the last one for two.
            if found not in (-1, 1, None):
                return False
        elif name == "threshold":
            if found < SMALLEST_SOFTPLUS_THRESHOLD:
                return False
        elif found != wanted:
            return False
    return True


def _checked(name: str, values: dict[str, float], place: str) -> AnyActivation:
    try:
        return activation(name, **values)
    except InputError as error:
        raise InputError(f"{place} cannot be taken over: {error}") from error


def _own(module: ActivationModule) -> AnyActivation:
    trained = {
        name: float(each.detach()) for name, each in zip(module.formula.parameters, module.parameters(), strict=True)
    }
    return module.activation.with_values(**(module.values | trained))


def _prelu(module: Any, place: str) -> AnyActivation:
    slopes = _array(module.weight)
    if len(np.unique(slopes)) != 1:
        raise InputError(f"{place} has a slope for each column; Actwise's prelu has one for the layer")
    return _checked("prelu", {"slope": float(slopes[0])}, place)


def _rrelu(module: Any, place: str) -> AnyActivation:
    return _checked("rrelu", {"lower": float(module.lower), "upper": float(module.upper)}, place)


_SPECIAL: dict[str, Callable[[nn.Module, str], AnyActivation]] = {"PReLU": _prelu, "RReLU": _rrelu}
_ADVICE = {
    "Flatten": "a network takes rows of numbers; leave it out and flatten the rows yourself, X.reshape(len(X), -1)",
    "Unflatten": "a network takes and gives rows of numbers",
    "Conv1d": "Actwise has fully connected layers only",
    "Conv2d": "Actwise has fully connected layers only",
    "LayerNorm": "Actwise has no layer normalisation",
    "Softplus": f"its threshold must be at least {SMALLEST_SOFTPLUS_THRESHOLD:g}, since below it is another function",
    "Softmax": "it must act on the last axis (dim=-1)",
    "Softmin": "it must act on the last axis (dim=-1)",
    "LogSoftmax": "it must act on the last axis (dim=-1)",
    "GLU": "it must act on the last axis (dim=-1)",
}


def _name(module: object) -> str:
    return module.__name__ + " (a class)" if isinstance(module, type) else type(module).__name__
