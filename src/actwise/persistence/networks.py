"""Networks as data and arrays, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.activations import GatedActivation
from actwise.errors import InputError, ModelError
from actwise.model.initializers import (
    INITIALIZERS,
    Constant,
    Initializer,
    Normal,
    Orthogonal,
    Scaled,
    TruncatedNormal,
    Uniform,
)
from actwise.model.layers import ActivationLayer, BatchNorm, ComputedLayer, Dense, Dropout, Layer, LinearLayer, Maxout
from actwise.model.network import Network
from actwise.persistence.activations import activation_from_document, activation_to_document
from actwise.persistence.sections import Section, choice, from_number, typed

_LINEAR_FIELDS = ("type", "units", "bias", "init", "bias_init")
_LAYER_FIELDS = {
    "Dense": (*_LINEAR_FIELDS, "activation"),
    "Maxout": (*_LINEAR_FIELDS, "pieces"),
    "ActivationLayer": ("type", "activation"),
    "BatchNorm": ("type", "momentum", "epsilon"),
    "Dropout": ("type", "rate"),
}
_NORMALISING = ("scale", "shift", "means", "variances")  # arrays of a BatchNorm, in the order of `_parts`
_INITIALIZER_FIELDS = {
    "Uniform": ("type", "low", "high"),
    "Normal": ("type", "std"),
    "TruncatedNormal": ("type", "std"),
    "Orthogonal": ("type", "gain"),
    "Constant": ("type", "value"),
    "Scaled": ("type", "scale", "fan", "uniform"),
}


def network_to_document(network: Network) -> dict[str, Any]:
    """Describe a network without its parameters; those are in `network_arrays`."""
    try:
        document = {
            "dtype": network.dtype,
            "n_inputs": int(network.n_inputs),
            "layers": [_layer_to_document(each) for each in network.layers],
        }
        # What cannot be read back must be found now, and not when the network is needed.
        network_from_document(document, network_arrays(network))
    except (TypeError, ValueError) as error:
        raise InputError(f"this network cannot be saved: {error}") from error
    return document


def network_arrays(network: Network) -> dict[str, npt.NDArray[Any]]:
    """Return a network's parameters by name.

    Shapes: the result (n_inputs, n_units * pieces).
    Result: for the k-th layer ``layers.k.weights`` of shape (n_inputs, n_units * pieces),
    ``layers.k.biases`` of shape (n_units * pieces,) and, for each trained parameter of its activation,
    such as beta, ``layers.k.activation.beta`` of shape (). For a `BatchNorm` ``layers.k.scale``,
    ``.shift``, ``.means`` and ``.variances``, each of shape (n_units,). All are of the network's dtype.

    >>> network = Network([Dense(3, "tanh"), Dropout(0.5), Maxout(1)], n_inputs=2)
    >>> {name: array.shape for name, array in network_arrays(network).items()}
    {'layers.0.weights': (2, 3), 'layers.0.biases': (3,), 'layers.2.weights': (3, 2), 'layers.2.biases': (2,)}
    """
    return {name: network.values[part].reshape(shape) for name, part, shape in _parts(network)}


def network_from_document(document: object, arrays: Mapping[str, npt.NDArray[Any]]) -> Network:
    """Rebuild a network.

    `arrays`: from `network_arrays`; arrays whose names do not begin with ``layers.`` are somebody
    else's.

    >>> network = Network([Dense(1, "sigmoid")], n_inputs=2)
    >>> network_from_document(network_to_document(network), network_arrays(network))
    Network([Dense(1, activation('sigmoid'))], n_inputs=2)
    """
    section = Section(document, "network", ["dtype", "n_inputs", "layers"])
    dtype = section.choice("dtype", ["float32", "float64"], "dtypes")
    n_inputs = section.integer("n_inputs", at_least=1)
    layers = [_layer(each, where) for each, where in section.items("layers")]
    mine = {name: array for name, array in arrays.items() if name.startswith("layers.")}
    # Sizes are checked before anything of that size is made: a few bytes could ask for all memory.
    _check_arrays(mine, _shapes(layers, n_inputs), dtype)
    try:
        network = Network(layers, n_inputs, np.zeros(sum(each.size for each in mine.values()), dtype), dtype)
    except ModelError:
        raise
    except InputError as error:
        raise ModelError(f"network: {error}") from error
    parameters = np.empty_like(network.values)
    for name, part, _ in _parts(network):
        parameters[part] = mine[name].reshape(-1)
    return network.with_parameters(parameters)


def refuse_spare_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Refuse arrays that belong to no network."""
    if spare := [name for name in arrays if not name.startswith("layers.")]:
        raise ModelError(f"weights.safetensors has the unknown array {spare[0]!r:.60}")


def _parts(network: Network) -> Iterator[tuple[str, slice, tuple[int, ...]]]:
    """Yield the name, place and shape of each array in a network's parameters."""
    places = [index for index, layer in enumerate(network.layers) if not isinstance(layer, Dropout)]
    for index, layer, shape in zip(places, network.computed_layers, network.structure, strict=True):
        if isinstance(layer, BatchNorm):
            n, at = shape.n_units, shape.statistics_at
            for name, start in zip(_NORMALISING, (shape.scale_at, shape.biases_at, at, at + n), strict=True):
                yield f"layers.{index}.{name}", slice(start, start + n), (n,)
            continue
        if shape.n_weights:
            weights = slice(shape.weights_at, shape.weights_at + shape.n_weights)
            yield f"layers.{index}.weights", weights, (shape.n_inputs, shape.n_linear)
        if shape.biases_at >= 0:
            biases = slice(shape.biases_at, shape.biases_at + shape.n_linear)
            yield f"layers.{index}.biases", biases, (shape.n_linear,)
        for constant, at in shape.trained_at:
            yield f"layers.{index}.activation.{_parameter_names(layer)[constant]}", slice(at, at + 1), ()


def _parameter_names(layer: ComputedLayer) -> list[str]:
    return [] if layer.activation is None else list(layer.activation.params)


def _shapes(layers: list[Layer], n_inputs: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array that these layers need, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    for index, layer in enumerate(layers):
        if isinstance(layer, Dropout):
            continue
        if isinstance(layer, BatchNorm):
            shapes |= {f"layers.{index}.{name}": (n_inputs,) for name in _NORMALISING}
            continue
        if isinstance(layer, LinearLayer):
            width = layer.units * _pieces(layer)
            shapes[f"layers.{index}.weights"] = (n_inputs, width)
            if layer.bias:
                shapes[f"layers.{index}.biases"] = (width,)
        params = layer.activation.params if layer.activation is not None else {}
        shapes |= {f"layers.{index}.activation.{name}": () for name, each in params.items() if each.trained}
        n_inputs = layer.units if isinstance(layer, LinearLayer) else n_inputs // _pieces(layer)
    return shapes


def _pieces(layer: LinearLayer | ActivationLayer) -> int:
    if isinstance(layer, Maxout):
        return layer.pieces
    return layer.activation.pieces if isinstance(layer.activation, GatedActivation) else 1


def _check_arrays(arrays: Mapping[str, npt.NDArray[Any]], shapes: Mapping[str, tuple[int, ...]], dtype: str) -> None:
    if lacking := shapes.keys() - arrays.keys():
        raise ModelError(f"the array {min(lacking)!r:.60} is missing")
    if spare := arrays.keys() - shapes.keys():
        raise ModelError(f"the array {min(spare)!r:.60} belongs to no layer")
    for name, array in arrays.items():
        if array.dtype != dtype or array.shape != shapes[name]:
            raise ModelError(
                f"the array {name!r} must be of dtype {dtype} and shape {shapes[name]}, "
                f"not {array.dtype} and {array.shape}"
            )


def _layer_to_document(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Dropout):
        return {"type": "Dropout", "rate": float(layer.rate)}
    if isinstance(layer, BatchNorm):
        return {"type": "BatchNorm", "momentum": float(layer.momentum), "epsilon": float(layer.epsilon)}
    if isinstance(layer, ActivationLayer):
        return {"type": "ActivationLayer", "activation": activation_to_document(layer.activation)}
    described: dict[str, Any] = {
        "type": "Maxout" if isinstance(layer, Maxout) else "Dense",
        "units": int(layer.units),
        "bias": bool(layer.bias),
        "init": _initializer_to_document(layer.init),
        "bias_init": _initializer_to_document(layer.bias_init),
    }
    if isinstance(layer, Maxout):
        return described | {"pieces": int(layer.pieces)}
    return described | {"activation": activation_to_document(layer.activation)}


def _layer(document: object, where: str) -> Layer:
    section, kind = typed(document, where, "type", _LAYER_FIELDS, "layers")
    if kind == "Dropout":
        rate = section.number("rate")
        if not 0 <= rate < 1:
            raise ModelError(f"{section.place('rate')} must be at least 0 and below 1, not {rate!r}")
        return Dropout(rate)
    if kind == "BatchNorm":
        try:
            return BatchNorm(section.number("momentum"), section.number("epsilon"))
        except ModelError:
            raise
        except InputError as error:
            raise ModelError(f"{section.where}: {error}") from error
    if kind == "ActivationLayer":
        return ActivationLayer(activation_from_document(section["activation"], section.place("activation")))
    units, bias = section.integer("units", at_least=1), section.truth("bias")
    init = _initializer(section["init"], section.place("init"))
    bias_init = _initializer(section["bias_init"], section.place("bias_init"))
    if kind == "Maxout":
        return Maxout(units, section.integer("pieces", at_least=2), bias, init, bias_init)
    activation = activation_from_document(section["activation"], section.place("activation"))
    return Dense(units, activation, bias, init, bias_init)


def _initializer_to_document(init: str | Initializer) -> str | dict[str, Any]:
    match init:
        case str():
            return init
        case Uniform(low, high):
            return {"type": "Uniform", "low": from_number(low), "high": from_number(high)}
        case Normal(std):
            return {"type": "Normal", "std": from_number(std)}
        case Constant(value):
            several = [from_number(each) for each in value] if isinstance(value, tuple) else from_number(value)
            return {"type": "Constant", "value": several}
        case TruncatedNormal(std):
            return {"type": "TruncatedNormal", "std": from_number(std)}
        case Orthogonal(gain):
            return {"type": "Orthogonal", "gain": from_number(gain)}
        case Scaled(scale, fan, uniform):
            return {"type": "Scaled", "scale": from_number(scale), "fan": fan, "uniform": bool(uniform)}
    raise InputError(f"an initializer of the type {type(init).__name__} cannot be saved")


def _initializer(document: object, where: str) -> str | Initializer:
    if isinstance(document, str):
        return choice(document, where, [*INITIALIZERS, "auto"], "initializers")
    section, kind = typed(document, where, "type", _INITIALIZER_FIELDS, "initializers")
    if kind == "Uniform":
        return Uniform(section.number("low"), section.number("high"))
    if kind == "Normal":
        return Normal(section.number("std"))
    if kind == "TruncatedNormal":
        return TruncatedNormal(section.number("std"))
    if kind == "Orthogonal":
        return Orthogonal(section.number("gain"))
    if kind == "Constant":
        several = isinstance(section["value"], list)
        return Constant(section.numbers("value") if several else section.number("value"))
    fan = section.choice("fan", ["in", "average"], "fans")
    return Scaled(section.number("scale"), fan, section.truth("uniform"))
