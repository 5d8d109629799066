"""A change of settings as code, in the words of the model that was handed in.

Settings have the names of `actwise.training.settings`; besides there are output_activation, n_outputs, bias, init,
derivative, scale_inputs and scale_targets. A patience of 0 is no early stopping.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from actwise.training.settings import TABLE, Door, setting

Dialect: TypeAlias = Literal["network", "estimator", "sklearn", "fit"]
DOORS: Mapping[Dialect, Door] = {"network": "train", "estimator": "estimator", "sklearn": "estimator", "fit": "command"}
CHANGED = (
    "output_activation", "activation", "hidden", "derivative", "bias", "init", "loss", "optimizer", "learning_rate",
    "epochs", "batch_size", "patience", "l2", "dropout", "scale_inputs", "scale_targets",
)  # fmt: skip
NOT_OF_SKLEARN = {"loss", "dropout"}
_STANDARDISED = "({0} - {0}.mean(axis=0)) / {0}.std(axis=0)"
_OWN_LINES: Mapping[Dialect, Mapping[str, str]] = {
    "network": {
        "output_activation": 'Dense({n_outputs}, "{output_activation}")  # last layer',
        "activation": 'Dense(..., "{activation}")  # hidden layers',
        "hidden": "Dense(units, ...) for units in {hidden}  # hidden layers",
        "derivative": 'Dense(..., aw.activation("{derivative}"))',
        "bias": "Dense(..., bias=True)",
        "init": 'Dense(..., init="auto")  # or {init}',
        "dropout": "# leave out the Dropout layers",
        "scale_inputs": "X = " + _STANDARDISED.format("X"),
        "scale_targets": "y = " + _STANDARDISED.format("y"),
    },
    "estimator": {
        "output_activation": 'output_activation="auto"  # and the default loss',
        "loss": "",
        "patience": 'n_iter_no_change=float("inf")',
        "scale_inputs": "scale_inputs=True",
        "scale_targets": "scale_targets=True",
    },
    "sklearn": {
        "patience": "n_iter_no_change=max_iter",
        "scale_inputs": "make_pipeline(StandardScaler(), model)",
        "scale_targets": "TransformedTargetRegressor(model, transformer=StandardScaler())",
    },
    "fit": {"patience": "--patience {epochs}"},
}


def _known(dialect: Dialect) -> set[str]:
    table = {row.name for row in TABLE if row.called(DOORS[dialect]) is not None}
    table -= NOT_OF_SKLEARN if dialect == "sklearn" else set()
    return {"n_outputs", *_OWN_LINES[dialect], *(table & set(CHANGED))}


KNOWN_SETTINGS = {dialect: _known(dialect) for dialect in DOORS}


def as_code(settings: Mapping[str, Any], dialect: Dialect) -> str:
    """Write changed settings as code.

    >>> as_code({"learning_rate": 0.01, "hidden": [8, 8]}, "sklearn").splitlines()
    ['hidden_layer_sizes=(8, 8)', 'learning_rate_init=0.01']
    """
    values = {"epochs": "EPOCHS", **settings}
    if "hidden" in settings and dialect != "network":
        values["hidden"] = ",".join(map(str, values["hidden"])) if dialect == "fit" else tuple(values["hidden"])
    lines = []
    for name in CHANGED:
        if name in settings:
            own = _OWN_LINES[dialect].get(name)
            lines.append(setting(name).written(values[name], DOORS[dialect]) if own is None else own.format_map(values))
    return (" " if dialect == "fit" else "\n").join(line for line in lines if line)
