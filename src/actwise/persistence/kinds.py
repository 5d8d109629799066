"""What a kind of model has to say of itself to be saved: one record, and a place in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from actwise.errors import ModelError
from actwise.persistence.store import blaming, read_model, write_model

KIND = "kind"  # the field of the document that says which kind a model is


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


def save_as(kind: SavedKind, saved: Saved, path: str | Path) -> None:
    """Write a model as a directory, all or nothing; see `actwise.persistence.store.write_model`."""
    write_model(path, {KIND: kind.name, **saved.document}, saved.arrays, saved.extras)


def load_as(kind: SavedKind, path: str | Path) -> Any:
    """Read a model of one kind."""
    found, saved = read_saved(path)
    with blaming(path):
        if found != kind.name:
            wanted = kind.name.replace("_", " ")
            raise ModelError(f"it holds a model of the kind {found!r:.60}, not a {wanted}: load it with actwise.load")
        return kind.from_saved(saved)


def read_saved(path: str | Path) -> tuple[Any, Saved]:
    """Read a model directory: the kind that it names, and the rest as plain data."""
    document, arrays = read_model(path)
    return document.get(KIND), Saved({name: value for name, value in document.items() if name != KIND}, arrays)
