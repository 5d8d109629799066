"""A change of settings as code, in the words of whatever was handed in.

Settings have one name each: loss, output_activation, n_outputs, activation (of the hidden layers), hidden (units of
each), bias, init, derivative, optimizer, learning_rate, epochs, batch_size, patience (0: no early stop), l2, dropout,
scale_inputs and scale_targets. Each kind of model writes them in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Dialect: TypeAlias = Literal["network", "estimator", "sklearn", "fit"]
_STANDARDISED = "({0} - {0}.mean(axis=0)) / {0}.std(axis=0)"
_LINES: Mapping[Dialect, Mapping[str, str]] = {
    "network": {
        "output_activation": 'Dense({n_outputs}, "{output_activation}")  # last layer',
        "activation": 'Dense(..., "{activation}")  # hidden layers',
        "hidden": "Dense(units, ...) for units in {hidden}  # hidden layers",
        "derivative": 'Dense(..., aw.activation("{derivative}"))',
        "bias": "Dense(..., bias=True)",
        "init": 'Dense(..., init="auto")  # or {init}',
        "loss": 'loss="{loss}"',
        "optimizer": 'optimizer="{optimizer}"',
        "learning_rate": "learning_rate={learning_rate:g}",
        "epochs": "epochs={epochs}",
        "batch_size": "batch_size={batch_size}",
        "patience": "patience=0",
        "l2": "l2={l2:g}",
        "dropout": "# leave out the Dropout layers",
        "scale_inputs": "X = " + _STANDARDISED.format("X"),
        "scale_targets": "y = " + _STANDARDISED.format("y"),
    },
    "estimator": {
        "output_activation": 'output_activation="auto"  # and the default loss',
        "activation": 'activation="{activation}"',
        "hidden": "hidden_layer_sizes={hidden}",
        "loss": "",
        "optimizer": 'solver="{optimizer}"',
        "learning_rate": "learning_rate_init={learning_rate:g}",
        "epochs": "max_iter={epochs}",
        "batch_size": "batch_size={batch_size}",
        "patience": 'n_iter_no_change=float("inf")',
        "l2": "alpha={l2:g}",
        "dropout": "dropout={dropout:g}",
        "scale_inputs": "scale_inputs=True",
        "scale_targets": "scale_targets=True",
    },
    "sklearn": {
        "activation": 'activation="{activation}"',
        "hidden": "hidden_layer_sizes={hidden}",
        "optimizer": 'solver="{optimizer}"',
        "learning_rate": "learning_rate_init={learning_rate:g}",
        "epochs": "max_iter={epochs}",
        "batch_size": "batch_size={batch_size}",
        "patience": "n_iter_no_change=max_iter",
        "l2": "alpha={l2:g}",
        "scale_inputs": "make_pipeline(StandardScaler(), model)",
        "scale_targets": "TransformedTargetRegressor(model, transformer=StandardScaler())",
    },
    "fit": {
        "activation": "--activation {activation}",
        "hidden": "--hidden {hidden}",
        "optimizer": "--optimizer {optimizer}",
        "learning_rate": "--learning-rate {learning_rate:g}",
        "epochs": "--epochs {epochs}",
        "batch_size": "--batch-size {batch_size}",
        "patience": "--patience {epochs}",
        "l2": "--l2 {l2:g}",
        "dropout": "--dropout {dropout:g}",
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Origin:
    """What a network that is examined belongs to.

    Parameters
    ----------
    dialect : {"network", "estimator", "sklearn", "fit"}
        How its settings are written.
    rebuild : callable or None
        ``rebuild(settings, rows, seed)`` returns the owner with changed settings, fitted to some of the rows; None
        where the network stands for itself.
    fitted_outputs : ndarray of shape (n_rows, n_outputs) or None
        What the owner puts out with the weights that it has, where it has been fitted.
    describe : callable or None
        ``describe(settings)`` returns the `Subject` that the owner is with changed settings; None as before.
    settings : mapping
        What was changed already.
    note : str
        Where the network only comes near to the owner: a sentence on that.
    """

    dialect: Dialect = "network"
    rebuild: Callable[[Mapping[str, Any], npt.NDArray[np.int64], int], Any] | None = None
    fitted_outputs: npt.NDArray[Any] | None = None
    describe: Callable[[Mapping[str, Any]], Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def can(self, settings: Mapping[str, Any]) -> bool:
        """Whether the owner has these settings."""
        return set(settings) - {"n_outputs"} <= set(_LINES[self.dialect])


ITSELF = Origin()  # a network that is handed over by itself


def as_code(settings: Mapping[str, Any], dialect: Dialect) -> str:
    """Write changed settings as code.

    >>> as_code({"learning_rate": 0.01, "hidden": [8, 8]}, "sklearn").splitlines()
    ['hidden_layer_sizes=(8, 8)', 'learning_rate_init=0.01']
    """
    written = dict(settings)
    if "hidden" in settings:
        units = settings["hidden"]
        written["hidden"] = ",".join(map(str, units)) if dialect == "fit" else units
        if dialect in ("estimator", "sklearn"):
            written["hidden"] = tuple(units)
    written.setdefault("epochs", "EPOCHS")
    lines = [line.format_map(written) for name, line in _LINES[dialect].items() if line and name in settings]
    return " ".join(lines) if dialect == "fit" else "\n".join(lines)
