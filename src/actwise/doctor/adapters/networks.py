"""Networks with the settings that they are trained with, and results of `actwise.train`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.doctor.adapters.described import Described, as_rows
from actwise.doctor.setup import SETTINGS, Origin, Setup
from actwise.doctor.targets import Targets, as_targets
from actwise.model import losses, optimizers
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Optimizer
from actwise.training import Run, is_small
from actwise.training.api import DEFAULT_EPOCHS, DEFAULT_ITERATIONS
from actwise.training.settings import refuse_unknown, with_present_names

NAMES = ["learning_rate", *(row.name for row in SETTINGS)]


def describe_run(run: Run, X: Any, y: npt.ArrayLike, task: str | None, given: Mapping[str, Any]) -> Described:
    """Describe the result of a training, which was trained with its own settings but for those given."""
    own = {name: getattr(run.settings, name) for name in NAMES if name != "learning_rate"}
    found = describe_network(run.network, X, y, task, own | dict(given))
    fits = found.X.shape[1] == run.network.n_inputs and bool(np.isfinite(found.X).all())
    if given or not fits:
        return found
    origin = Origin(fitted_outputs=run.network.predict(found.X))
    return replace(found, setup=replace(found.setup, origin=origin))


def describe_network(
    network: Network, X: Any, y: npt.ArrayLike, kind: str | None, given: Mapping[str, Any]
) -> Described:
    """Describe a network and how it is trained, with the defaults of `actwise.train`."""
    given = with_present_names(given)
    refuse_unknown(given, NAMES, "a network's training")
    rows = as_rows(X)
    chosen = losses.loss(given.get("loss", "squared_error"))
    task = as_targets(y, kind or _kind_of(chosen, network, y))
    optimizer: str | Optimizer = given.get("optimizer", "auto")
    rate = given.get("learning_rate")
    if optimizer == "auto":
        optimizer = LBFGS() if rate is None and is_small(network, len(rows)) else "adam"
    found = optimizers.optimizer(optimizer, rate)
    epochs = given.get("epochs") or (DEFAULT_ITERATIONS if isinstance(found, LBFGS) else DEFAULT_EPOCHS)
    rest = {row.name: row.checked(given[row.name]) for row in SETTINGS if row.name in given} | {
        "loss": _computable(chosen, network, task), "optimizer": found, "epochs": int(epochs)}  # fmt: skip
    return Described(Setup(network, restarts=None, **rest), rows, task)


def _kind_of(loss: Loss, network: Network, y: npt.ArrayLike) -> str | None:
    """Say what a network is to learn, where its loss or its one output tells; None where the targets do."""
    values = np.asarray(y)
    if values.ndim > 1 and values.shape[1] > 1:
        return None
    if "cross_entropy" in loss.name:
        different = np.unique(values)
        # Cross-entropies of numbers between two labels are legal, and those are no classes.
        return "classification" if len(different) <= 2 or np.all(different == np.floor(different)) else None
    return "regression" if network.n_outputs == 1 and len(np.unique(values)) > 2 else None


def _computable(loss: Loss, network: Network, task: Targets) -> Loss:
    """Return a loss that can be computed whatever the output, where this one would be refused."""
    output = network.output_activation
    numbers = task.given
    fits = loss.output is None or (output is not None and output.name == loss.output)
    single = output is not None and output.name == "softmax" and network.n_outputs == 1
    low, high = loss.target_range
    finite = bool(np.isfinite(numbers).all())
    within = not finite or bool(numbers.min() >= low and numbers.max() <= high)
    if loss.target == "class" and finite and numbers.shape[1] == 1:
        within = bool(numbers.min() >= 0 and numbers.max() < network.n_outputs and np.all(numbers % 1 == 0))
    if loss.name == "binary_cross_entropy":
        within = not finite or bool(numbers.min() >= 0 and numbers.max() <= 1)
    if fits and within and not single:
        return loss
    if "categorical" in loss.name or loss.name == "soft_cross_entropy":
        return losses.loss("clipped_categorical_cross_entropy")
    return losses.loss("clipped_binary_cross_entropy") if "cross_entropy" in loss.name else loss
