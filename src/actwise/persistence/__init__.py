"""Saves models as directories of plain files and loads them, without pickle and without running anything.

A model is a directory with ``model.json``, which describes it, and ``weights.safetensors``, its arrays by
name. What a damaged, forged or foreign directory can do at worst is raise `ModelError`: every field is
checked, formulas are data, and checksums find what was changed, cut off or mixed up after it was written.
(They are no signature: somebody who forges a model can forge its checksums too.)
"""

from __future__ import annotations

from pathlib import Path

from actwise.errors import InputError, ModelError
from actwise.network import Network
from actwise.persistence.networks import (
    NETWORK_KIND,
    network_arrays,
    network_from_document,
    network_to_document,
)
from actwise.persistence.store import FORMAT_VERSION, blaming, check_destination, read_model, write_model

__all__ = [
    "FORMAT_VERSION",
    "NETWORK_KIND",
    "blaming",
    "check_destination",
    "load",
    "network_arrays",
    "network_from_document",
    "network_to_document",
    "read_model",
    "save",
    "write_model",
]


def save(network: Network, path: str | Path) -> None:
    """Save a network as a directory.

    Parameters
    ----------
    network : Network
        Its layers, activations (a user's own included) and parameters are saved.
    path : str or Path
        The directory; made where it does not exist, replaced as a whole where it holds a model.

    Raises
    ------
    InputError
        If `network` is not a network, or has a part that cannot be saved.
    ModelError
        If the place cannot be written, or holds anything that is not a model; it is left as it was.

    Examples
    --------
    >>> import tempfile
    >>> from actwise.layers import Dense
    >>> network = Network([Dense(1, "sigmoid")], n_inputs=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(network, Path(folder) / "and")
    ...     load(Path(folder) / "and")
    Network([Dense(1, activation('sigmoid'))], n_inputs=2)
    """
    if not isinstance(network, Network):
        raise InputError(f"only a network can be saved here, not {type(network).__name__}")
    write_model(Path(path), {"kind": NETWORK_KIND, "network": network_to_document(network)}, network_arrays(network))


def load(path: str | Path) -> Network:
    """Load a network that `save` wrote.

    Parameters
    ----------
    path : str or Path
        The directory.

    Returns
    -------
    Network
        The network; it predicts the same bits as the one that was saved.

    Raises
    ------
    ModelError
        If there is no model, or it is damaged, newer than this version of Actwise, or not a network.
    """
    document, arrays = read_model(Path(path))
    kind = document.get("kind")
    if kind != NETWORK_KIND:
        call = "actwise.load" if kind == "table_model" else "the version of Actwise that wrote it"
        raise ModelError(f"{path} holds a model of the kind {kind!r:.60}, not a network; load it with {call}")
    with blaming(path):
        if lacking := document.keys() ^ {"kind", "network"}:
            raise ModelError(f"model.json lacks or should not have the field {min(lacking)!r:.60}")
        network = network_from_document(document["network"], arrays)
        if spare := [name for name in arrays if not name.startswith("layers.")]:
            raise ModelError(f"weights.safetensors has the unknown array {spare[0]!r:.60}")
    return network
