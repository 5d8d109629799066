"""Saves and loads whatever Actwise makes: a plain network, or a model of a table."""

from __future__ import annotations

from pathlib import Path

from actwise import persistence
from actwise.network import Network
from actwise.persistence import read_model
from actwise.tabular.model import TABLE_MODEL_KIND, TableModel


def save(model: Network | TableModel, path: str | Path) -> None:
    """Save a network or a table model as a directory of plain files, all or nothing.

    Parameters
    ----------
    model : Network or TableModel
        What to save.
    path : str or Path
        The directory; made where it does not exist, replaced as a whole where it holds a model.

    Raises
    ------
    InputError
        If `model` is neither, or has a part that cannot be saved.
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
    if isinstance(model, TableModel):
        model.save(path)
    else:
        persistence.save(model, path)


def load(path: str | Path) -> Network | TableModel:
    """Load what `save` or ``actwise fit`` wrote; nothing in the files is executed.

    Parameters
    ----------
    path : str or Path
        The directory.

    Returns
    -------
    Network or TableModel
        What was saved; it predicts the same bits.

    Raises
    ------
    ModelError
        If there is no model, or it is damaged, tampered with or newer than this version of Actwise.
    """
    document, _ = read_model(Path(path))
    return TableModel.load(path) if document.get("kind") == TABLE_MODEL_KIND else persistence.load(path)
