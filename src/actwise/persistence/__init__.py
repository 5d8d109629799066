"""Saves models as directories of plain files and loads them, without pickle and without running anything.

A model is a directory with ``model.json``, which describes it, and ``weights.safetensors``, its arrays by
name. What a damaged, forged or foreign directory can do at worst is raise `ModelError`: every field is
checked, formulas are data, and checksums find what was changed, cut off or mixed up after it was written.
(They are no signature: somebody who forges a model can forge its checksums too.)
"""

from __future__ import annotations

from pathlib import Path

from actwise.errors import InputError, ModelError
from actwise.model.network import Network
from actwise.persistence.kinds import Saved, SavedKind, load_as, read_saved, save_as
from actwise.persistence.networks import (
    network_arrays,
    network_from_document,
    network_to_document,
    refuse_spare_arrays,
)
from actwise.persistence.store import FORMAT_VERSION, blaming, check_destination, read_model, write_model

__all__ = [
    "FORMAT_VERSION",
    "NETWORK",
    "Saved",
    "SavedKind",
    "blaming",
    "check_destination",
    "load",
    "load_as",
    "network_arrays",
    "network_from_document",
    "network_to_document",
    "read_model",
    "read_saved",
    "refuse_spare_arrays",
    "save",
    "save_as",
    "write_model",
]


def _to_saved(network: Network) -> Saved:
    return Saved({"network": network_to_document(network)}, network_arrays(network))


def _from_saved(saved: Saved) -> Network:
    if lacking := saved.document.keys() ^ {"network"}:
        raise ModelError(f"model.json lacks or should not have the field {min(lacking)!r:.60}")
    refuse_spare_arrays(saved.arrays)
    return network_from_document(saved.document["network"], saved.arrays)


NETWORK = SavedKind("network", Network, _to_saved, _from_saved)


def save(network: Network, path: str | Path) -> None:
    """Save a network as a directory.

    `path`: the directory; made where it does not exist, replaced as a whole where it holds a model.

    >>> import tempfile
    >>> from actwise.model.layers import Dense
    >>> network = Network([Dense(1, "sigmoid")], n_inputs=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(network, Path(folder) / "and")
    ...     load(Path(folder) / "and")
    Network([Dense(1, activation('sigmoid'))], n_inputs=2)
    """
    if not isinstance(network, Network):
        raise InputError(f"only a network can be saved here, not {type(network).__name__}")
    save_as(NETWORK, _to_saved(network), path)


def load(path: str | Path) -> Network:
    """Load a network that `save` wrote.

    Result: the network; it predicts the same bits as the one that was saved.
    """
    found = load_as(NETWORK, path)
    assert isinstance(found, Network)
    return found
