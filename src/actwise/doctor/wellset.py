"""The network that is set well for any task of moderate size: what others are compared with, and the last resort."""

from __future__ import annotations

from dataclasses import replace

from actwise.doctor.changes import (
    BATCH,
    HIDDEN_UNITS,
    RULE_OF_INIT,
    Change,
    as_owned,
    has_dropout,
    right_loss,
    right_output,
)
from actwise.doctor.subjects import Data, Subject
from actwise.model.layers import Dense, Layer
from actwise.model.network import Network
from actwise.model.optimizers import Adam

REFERENCE_UPDATES, REFERENCE_RATE = 2500, 3e-3


def reference_subject(data: Data) -> Subject:
    """Return a network that is set well for any task of moderate size, to compare with."""
    task = data.task
    layers: list[Layer] = [
        Dense(HIDDEN_UNITS, "relu", init="he_uniform"),
        Dense(HIDDEN_UNITS, "relu", init="he_uniform"),
        Dense(task.n_outputs, right_output(task), init="glorot_uniform"),
    ]
    steps = -(-len(data.train) // BATCH)
    epochs = max(1, round(REFERENCE_UPDATES / steps))
    return Subject(
        Network(layers, data.X.shape[1]), right_loss(task), Adam(REFERENCE_RATE), BATCH, epochs,
        standard_inputs=True, standard_targets=task.kind == "regression", encodes=True,
    )  # fmt: skip


def anew(subject: Subject, data: Data) -> Change | None:
    """Return the last resort, the well-set network in place of the subject; None where its owner refuses it."""
    task, built = data.task, replace(reference_subject(data), origin=subject.origin)
    said = {
        "output_activation": right_output(task), "n_outputs": task.n_outputs, "loss": built.loss.name,
        "activation": "relu", "hidden": [HIDDEN_UNITS, HIDDEN_UNITS], "init": RULE_OF_INIT, "optimizer": "adam",
        "learning_rate": REFERENCE_RATE, "epochs": built.epochs, "batch_size": BATCH, "patience": 0,
        "scale_inputs": True, "scale_targets": task.kind == "regression",
    }  # fmt: skip
    said |= {"l2": 0.0} if subject.l2 else {}
    said |= {"dropout": 0.0} if has_dropout(subject.network) else {}
    settings = {name: value for name, value in said.items() if value is not False and subject.origin.can({name: value})}
    text = f"everything set anew (2 hidden layers of {HIDDEN_UNITS} ReLU units, Adam with {REFERENCE_RATE:g}, scaled)"
    owned = as_owned(built, settings)
    return None if owned is None else Change("anew", (), text, settings, owned)
