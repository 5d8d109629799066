"""Networks as data and arrays, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from actwise.activations import AnyActivation, GatedActivation
from actwise.errors import InputError, ModelError
from actwise.model.layers import BatchNorm, Dropout, Layer, LinearLayer, Maxout
from actwise.model.network import Network
from actwise.persistence import Saved, SavedKind, records
from actwise.persistence.activations import activation_from_document, activation_to_document

Arrays = Mapping[str, npt.NDArray[Any]]
records.CUSTOM[AnyActivation] = (activation_to_document, activation_from_document)


@dataclass(frozen=True)
class NetworkRecord:
    """A network without its numbers; those are in `network_arrays`."""

    dtype: Literal["float32", "float64"]
    n_inputs: int
    layers: tuple[Layer, ...]


def network_to_document(network: Network) -> dict[str, Any]:
    """Describe a network without its parameters; those are in `network_arrays`."""
    try:
        described: Any = (network.dtype, int(network.n_inputs), tuple(network.layers))
        found: dict[str, Any] = records.to_plain(NetworkRecord(*described))
        # What cannot be read back must be found now, and not when the network is needed.
        network_from_document(found, network_arrays(network))
    except (TypeError, ValueError) as error:
        raise InputError(f"this network cannot be saved: {error}") from error
    return found


def network_arrays(network: Network) -> dict[str, npt.NDArray[Any]]:
    """Return a network's parameters by name, of the network's dtype.

    For the k-th layer ``layers.k.weights`` of shape (n_inputs, n_units * pieces), ``layers.k.biases`` of shape
    (n_units * pieces,) and, for each trained parameter of its activation, such as beta, ``layers.k.activation.beta``
    of shape (). For a `BatchNorm` ``layers.k.scale``, ``.shift``, ``.means`` and ``.variances`` of shape (n_units,).

    >>> from actwise.model.layers import Dense
    >>> network = Network([Dense(3, "tanh"), Dropout(0.5), Maxout(1)], n_inputs=2)
    >>> {name: array.shape for name, array in network_arrays(network).items()}
    {'layers.0.weights': (2, 3), 'layers.0.biases': (3,), 'layers.2.weights': (3, 2), 'layers.2.biases': (2,)}
    """
    shapes = _shapes(network.layers, network.n_inputs)
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()])
    parts = np.split(network.values, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def network_from_document(document: object, arrays: Arrays) -> Network:
    """Rebuild a network; arrays whose names do not begin with ``layers.`` are somebody else's.

    >>> from actwise.model.layers import Dense
    >>> network = Network([Dense(1, "sigmoid")], n_inputs=2)
    >>> network_from_document(network_to_document(network), network_arrays(network))
    Network([Dense(1, activation('sigmoid'))], n_inputs=2)
    """
    return network_from_record(records.from_plain(NetworkRecord, document, "network", finite=False), arrays)


def network_from_record(record: NetworkRecord, arrays: Arrays) -> Network:
    """Put a network together from its description and its arrays."""
    mine = {name: array for name, array in arrays.items() if name.startswith("layers.")}
    # Sizes are checked before anything of that size is made: a few bytes could ask for all memory.
    shapes = _shapes(record.layers, record.n_inputs)
    if lacking := shapes.keys() - mine.keys():
        raise ModelError(f"the array {min(lacking)!r:.60} is missing")
    if spare := mine.keys() - shapes.keys():
        raise ModelError(f"the array {min(spare)!r:.60} belongs to no layer")
    for name, array in mine.items():
        if array.dtype != record.dtype or array.shape != shapes[name]:
            raise ModelError(
                f"the array {name!r} must be of dtype {record.dtype} and shape {shapes[name]}, "
                f"not {array.dtype} and {array.shape}"
            )
    parameters = np.concatenate([mine[name].reshape(-1) for name in shapes] or [np.zeros(0)])
    return records.build(Network, "network", record.layers, record.n_inputs, parameters, record.dtype)


def refuse_spare_arrays(arrays: Arrays) -> None:
    """Refuse arrays that belong to no network."""
    if spare := [name for name in arrays if not name.startswith("layers.")]:
        raise ModelError(f"weights.safetensors has the unknown array {spare[0]!r:.60}")


def _shapes(layers: Iterable[Layer], width: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array by name, in the order in which a network holds their numbers."""
    shapes: dict[str, tuple[int, ...]] = {}
    averages: dict[str, tuple[int, ...]] = {}
    for index, layer in enumerate(layers):
        if isinstance(layer, Dropout):
            continue
        if isinstance(layer, BatchNorm):
            shapes |= {f"layers.{index}.{name}": (width,) for name in ("scale", "shift")}
            averages |= {f"layers.{index}.{name}": (width,) for name in ("means", "variances")}
            continue
        what = layer.activation
        pieces = layer.pieces if isinstance(layer, Maxout) else what.pieces if isinstance(what, GatedActivation) else 1
        if isinstance(layer, LinearLayer):
            shapes[f"layers.{index}.weights"] = (width, layer.units * pieces)
            if layer.bias:
                shapes[f"layers.{index}.biases"] = (layer.units * pieces,)
        width = layer.units if isinstance(layer, LinearLayer) else width // pieces
        params = what.params if what is not None else {}
        shapes |= {f"layers.{index}.activation.{name}": () for name, each in params.items() if each.trained}
    return shapes | averages


@dataclass(frozen=True)
class _Document:
    network: NetworkRecord


def _to_saved(network: Network) -> Saved:
    return Saved({"network": network_to_document(network)}, network_arrays(network))


def _from_saved(saved: Saved) -> Network:
    refuse_spare_arrays(saved.arrays)
    document = records.from_plain(_Document, saved.document, "model.json", finite=False)
    return network_from_record(document.network, saved.arrays)


NETWORK = SavedKind("network", Network, _to_saved, _from_saved)
