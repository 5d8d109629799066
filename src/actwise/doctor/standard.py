"""The standard network: one that is set well for any task of moderate size, to compare with and as the last resort."""

from __future__ import annotations

from dataclasses import replace

from actwise.doctor.architecture import has_dropout
from actwise.doctor.changes import BATCH, HIDDEN_UNITS, RULE_OF_INIT, Change
from actwise.doctor.data import Data
from actwise.doctor.setup import Setup
from actwise.model import losses
from actwise.model.layers import Dense, Layer
from actwise.model.network import Network
from actwise.model.optimizers import Adam

STANDARD_UPDATES, STANDARD_RATE = 2500, 3e-3


def standard_setup(data: Data) -> Setup:
    """Return a network that is set well for any task of moderate size, to compare with."""
    task = data.task
    layers: list[Layer] = [
        Dense(HIDDEN_UNITS, "relu", init="he_uniform"),
        Dense(HIDDEN_UNITS, "relu", init="he_uniform"),
        Dense(task.n_outputs, task.task.output_activation, init="glorot_uniform"),
    ]
    steps = -(-len(data.train) // BATCH)
    epochs = max(1, round(STANDARD_UPDATES / steps))
    return Setup(
        Network(layers, data.X.shape[1]), losses.loss(task.task.loss), Adam(STANDARD_RATE), BATCH, epochs,
        scale_inputs=True, scale_targets=task.kind == "regression", encode_targets=True,
    )  # fmt: skip


def with_standard_network(setup: Setup, data: Data) -> Change | None:
    """Return the last resort, the standard network in place of the setup; None where its model refuses it."""
    task, built = data.task, replace(standard_setup(data), origin=setup.origin)
    said = {
        "output_activation": task.task.output_activation, "n_outputs": task.n_outputs, "loss": built.loss.name,
        "activation": "relu", "hidden": [HIDDEN_UNITS, HIDDEN_UNITS], "init": RULE_OF_INIT, "optimizer": "adam",
        "learning_rate": STANDARD_RATE, "epochs": built.epochs, "batch_size": BATCH, "patience": 0,
        "scale_inputs": True, "scale_targets": task.kind == "regression",
    }  # fmt: skip
    said |= {"l2": 0.0} if setup.l2 else {}
    said |= {"dropout": 0.0} if has_dropout(setup.network) else {}
    settings = {name: value for name, value in said.items() if value is not False and setup.origin.has({name: value})}
    text = (
        f"the standard network (2 hidden layers of {HIDDEN_UNITS} ReLU units, standardised data, Adam with a learning "
        f"rate of {STANDARD_RATE:g})"
    )
    owned = setup.origin.changed(built, settings)
    return None if owned is None else Change("standard_network", (), text, settings, owned)
