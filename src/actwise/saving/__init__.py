"""Saves and loads whatever Actwise makes: one table of kinds of models."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from actwise.errors import InputError, ModelError, suggest
from actwise.persistence import SavedKind, blaming, read_saved, save_as

# The name of a kind in a file, and where its `SavedKind` is: a module and a name in it. A row here is all that
# a new kind of model needs beside that record. A file can name a row, and nothing else is ever imported for it.
KINDS: dict[str, tuple[str, str]] = {
    "network": ("actwise.persistence", "NETWORK"),
    "table_model": ("actwise.tabular", "TABLE_MODEL"),
    "mlp_classifier": ("actwise.persistence.estimators", "MLP_CLASSIFIER"),
    "mlp_regressor": ("actwise.persistence.estimators", "MLP_REGRESSOR"),
}


def kind_of(name: str) -> SavedKind:
    """Return a kind by the name that files give it."""
    module, attribute = KINDS[name]
    found = getattr(import_module(module), attribute)
    assert isinstance(found, SavedKind)
    return found


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
    name, saved = read_saved(path)
    with blaming(path):
        if not isinstance(name, str) or name not in KINDS:
            hint = suggest(name[:60], KINDS, noun="kinds") if isinstance(name, str) else f"kinds are {', '.join(KINDS)}"
            raise ModelError(f"it is a model of the unknown kind {name!r:.60} ({hint}); upgrade Actwise")
        return kind_of(name).from_saved(saved)
