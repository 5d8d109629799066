"""Saves models as directories of plain files and loads them, without pickle and without running anything.

A model is a directory with ``model.json``, which describes it, and ``weights.safetensors``, its arrays by
name. What a damaged, forged or foreign directory can do at worst is raise `ModelError`: every field is
checked, formulas are data, and checksums find what was changed, cut off or mixed up after it was written.
(They are no signature: somebody who forges a model can forge its checksums too.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy.typing as npt

from actwise.errors import InputError, ModelError, suggest
from actwise.persistence.store import FORMAT_VERSION, check_destination, naming_directory, read_model, write_model

__all__ = [
    "FORMAT_VERSION",
    "KINDS",
    "Saved",
    "SavedKind",
    "check_destination",
    "kind_of",
    "load",
    "load_as",
    "read_model",
    "save",
    "save_as",
    "write_model",
]

# The name of a kind in a file, and where its `SavedKind` is: a module and a name in it. A row here is all that
# a new kind of model needs beside that record. A file can name a row, and nothing else is ever imported for it.
KINDS: dict[str, tuple[str, str]] = {
    "network": ("actwise.persistence.networks", "NETWORK"),
    "table_model": ("actwise.tabular.model", "TABLE_MODEL"),
    "mlp_classifier": ("actwise.estimators.saved", "MLP_CLASSIFIER"),
    "mlp_regressor": ("actwise.estimators.saved", "MLP_REGRESSOR"),
}
_KIND = "kind"  # the field of the document that says which kind a model is


@dataclass(frozen=True)
class Saved:
    """A model as plain data.

    Parameters
    ----------
    document : mapping
        What describes it, as JSON holds it: no NaN, no infinity. Its field ``"kind"`` is written by `save_as`.
    arrays : mapping of str to ndarray
        Its numbers, by name.
    extras : mapping of str to str or bytes
        Files for people, which reading does not need.
    """

    document: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]
    extras: Mapping[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedKind:
    """A kind of model that can be saved.

    Parameters
    ----------
    name : str
        What the file calls it.
    type : type
        The class of its models.
    to_saved : callable
        Turns a model into `Saved`.
    from_saved : callable
        Turns `Saved` into a model; raises `ModelError` for whatever it does not expect, and runs nothing that
        the file says.
    """

    name: str
    type: type
    to_saved: Callable[[Any], Saved]
    from_saved: Callable[[Saved], Any]


def kind_of(name: str) -> SavedKind:
    """Return a kind by the name that files give it."""
    module, attribute = KINDS[name]
    found = getattr(import_module(module), attribute)
    assert isinstance(found, SavedKind)
    return found


def save_as(kind: SavedKind, saved: Saved, path: str | Path) -> None:
    """Write a model as a directory, all or nothing; see `actwise.persistence.store.write_model`."""
    write_model(path, {_KIND: kind.name, **saved.document}, saved.arrays, saved.extras)


def load_as(kind: SavedKind, path: str | Path) -> Any:
    """Read a model of one kind."""
    return _read(path, kind)


def save(model: Any, path: str | Path) -> None:
    """Save a model as a directory of plain files, all or nothing.

    Parameters
    ----------
    model : Network, TableModel or estimator
        What to save.
    path : str or Path
        The directory; made where it does not exist, replaced as a whole where it holds a model.

    Raises
    ------
    InputError
        If `model` is of another kind, or has a part that cannot be saved.
    ModelError
        If the place cannot be written, or holds anything that is not a model; it is left as it was.

    Examples
    --------
    >>> import tempfile
    >>> import actwise as aw
    >>> network = aw.Network([aw.Dense(1, "sigmoid")], n_inputs=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     aw.save(network, f"{folder}/and")
    ...     aw.load(f"{folder}/and").n_parameters
    3
    """
    for name in KINDS:
        kind = kind_of(name)
        if type(model) is kind.type:
            save_as(kind, kind.to_saved(model), path)
            return
    advice = f"known kinds are {', '.join(KINDS)}"
    if hasattr(model, "network"):
        advice = "save its .network instead"
    elif hasattr(model, "steps"):
        advice = "save its last step, pipeline[-1], and scale columns as before, or export all of it with aw.to_onnx"
    raise InputError(
        f"only models can be saved, such as a network or a table model, not {type(model).__name__}; {advice}"
    )


def load(path: str | Path) -> Any:
    """Load what `save` or ``actwise fit`` wrote; nothing in the files is executed.

    Parameters
    ----------
    path : str or Path
        The directory.

    Returns
    -------
    Network, TableModel or estimator
        What was saved; it predicts the same bits.

    Raises
    ------
    ModelError
        If there is no model, or it is damaged, tampered with or newer than this version of Actwise.
    """
    return _read(path)


def _read(path: str | Path, wanted: SavedKind | None = None) -> Any:
    document, arrays = read_model(path)
    with naming_directory(path):
        name = document.pop(_KIND, None)
        if wanted is not None and name != wanted.name:
            of = wanted.name.replace("_", " ")
            raise ModelError(f"it holds a model of the kind {name!r:.60}, not a {of}: load it with actwise.load")
        if not isinstance(name, str) or name not in KINDS:
            hint = suggest(name[:60], KINDS, noun="kinds") if isinstance(name, str) else f"kinds are {', '.join(KINDS)}"
            raise ModelError(f"it is a model of the unknown kind {name!r:.60} ({hint}); upgrade Actwise")
        return (wanted or kind_of(name)).from_saved(Saved(document, arrays))
