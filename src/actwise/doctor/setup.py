"""A network and how it is trained: what the doctor examines and changes; and one training of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.activations import RowActivation
from actwise.doctor.data import Data, scaling_of
from actwise.doctor.snippets import KNOWN_SETTINGS, Dialect
from actwise.doctor.targets import Numbers
from actwise.errors import InputError
from actwise.model.layers import ActivationLayer, Dense, Layer
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Optimizer
from actwise.training import Run, StoppedBecause, start
from actwise.training.api import train_in_silence
from actwise.training.settings import add_fields, recorded

MOST_UPDATES = 20_000  # of an experiment: enough to tell whether a network learns at all
SETTINGS = [row for row in recorded() if row.name not in ("seed", "time_limit", "threads")]  # not of one run
SMALLEST_UPDATE, USUAL_WORK = 0.1, 200_000  # weights times rows of an update that counts as one


@dataclass(frozen=True, eq=False)
class Origin:
    """The model that a network belongs to.

    Parameters
    ----------
    dialect : {"network", "estimator", "sklearn", "fit"}
        How its settings are written.
    rebuild : callable or None
        ``rebuild(settings, rows, seed)`` returns the model with changed settings, fitted to some of the rows; None
        where the network stands for itself.
    fitted_outputs : ndarray of shape (n_rows, n_outputs) or None
        The outputs of the model as it was handed in, where it was fitted.
    describe : callable or None
        ``describe(settings)`` returns the `Setup` of the model with changed settings; None as before.
    settings : mapping
        What was changed already.
    note : str
        Where the network only approximates the model: a sentence on that.
    """

    dialect: Dialect = "network"
    rebuild: Callable[[Mapping[str, Any], npt.NDArray[np.int64], int], Any] | None = None
    fitted_outputs: npt.NDArray[Any] | None = None
    describe: Callable[[Mapping[str, Any]], Setup] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def has(self, settings: Mapping[str, Any]) -> bool:
        """Whether the model has these settings."""
        return set(settings) <= KNOWN_SETTINGS[self.dialect]

    def changed(self, setup: Setup, settings: Mapping[str, Any]) -> Setup | None:
        """Return what becomes of the model with changed settings: what is tried is then what is given back.

        None where the model does not have them, or refuses them; `setup` where the network stands for itself.
        """
        if self.describe is None or not self.has(settings):
            return setup if self.has(settings) else None
        settings = {**self.settings, **settings}
        try:
            return replace(self.describe(settings), origin=replace(self, settings=settings))
        except InputError:
            return None


ITSELF = Origin()  # of a network that stands for itself


def _with_further_settings(cls: type) -> type:
    """Let a setup hold what the table of settings has beside the fields that are declared for the type checker."""
    return add_fields(cls, ((row.name, row.default) for row in SETTINGS))


@dataclass(frozen=True, eq=False)
@_with_further_settings
class Setup:
    """A network and how it is trained.

    Parameters
    ----------
    network, loss, optimizer, batch_size, epochs, ...
        As for `actwise.train`.
    scale_inputs, scale_targets : bool
        Whether inputs and targets are standardised first.
    encode_targets : bool
        Whether targets are encoded as the task wants them; otherwise they are handed on as they are.
    keep_parameters : bool
        Whether training starts from the network's parameters instead of new ones.
    early_stopping : bool
        Whether `Data.validation` decides when training stops and which parameters are kept.
    restarts : int or None
        As for `actwise.train`.
    origin : Origin
        The model that the network belongs to.
    """

    network: Network
    loss: Loss
    optimizer: Optimizer
    batch_size: int = 32
    epochs: int = 100
    l2: float = 0.0
    patience: int = 0
    tolerance: float = 0.0
    scale_inputs: bool = False
    scale_targets: bool = False
    encode_targets: bool = False
    keep_parameters: bool = False
    early_stopping: bool = False
    restarts: int | None = 0
    origin: Origin = ITSELF

    def updates_per_epoch(self, data: Data) -> int:
        """Updates in one epoch."""
        return 1 if isinstance(self.optimizer, LBFGS) else -(-len(data.train) // self.batch_size)

    def most_epochs(self, data: Data) -> int:
        """Epochs that `MOST_UPDATES` allow."""
        return max(1, MOST_UPDATES // self.updates_per_epoch(data))

    def inputs(self, data: Data) -> Numbers:
        """Return all rows' inputs as the network gets them."""
        chosen = data.scaled_inputs if self.scale_inputs else data.X
        with np.errstate(over="ignore"):
            return chosen.astype(self.network.dtype)

    def targets(self, data: Data) -> tuple[Numbers, Numbers, Numbers]:
        """Return all rows' targets as the loss gets them, and the centre and scale that bring outputs back."""
        task, n_outputs = data.task, self.network.n_outputs
        none = np.zeros(1), np.ones(1)
        if self.encode_targets and task.is_classification:
            if self.loss.target == "class":
                return task.truth.reshape(-1, 1).astype(float), *none
            if task.kind == "multilabel":
                return task.truth.astype(float), *none
            columns = np.arange(n_outputs) if n_outputs > 1 else np.ones(1)
            return (task.truth.reshape(-1, 1) == columns).astype(float), *none
        given = task.given
        centre: Numbers
        scale: Numbers
        centre, scale = none
        if self.scale_targets:
            scaling = scaling_of(given[data.train], inputs=False)
            given, centre, scale = scaling.apply(given), scaling.centres, scaling.scales
        if self.loss.target == "class":
            if given.shape[1] > 1:
                given = given.argmax(axis=1).reshape(-1, 1).astype(float)
            return given, *none
        if given.shape[1] == n_outputs:
            return given, centre, scale
        if given.shape[1] == 1:
            return np.repeat(given, n_outputs, axis=1), centre, scale
        if n_outputs == 1:
            return given.mean(axis=1, keepdims=True), centre.mean(keepdims=True), scale.mean(keepdims=True)
        raise InputError(
            f"the network has {n_outputs} outputs and y has {given.shape[1]} columns; one must be 1 or both the same"
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of one training.

    Parameters
    ----------
    score : float
        On the test rows.
    network : Network
        With the trained parameters.
    losses : ndarray
        Training loss of each epoch.
    stopped_because : str
        Why training ended.
    updates : float
        Updates that it took; one of a large network counts as several.
    epochs_share : float
        Share of the epochs asked for that were done; 1 where it ended by itself.
    seed : int
        Of initial weights and order of rows.
    """

    score: float
    network: Network
    losses: npt.NDArray[np.float64]
    stopped_because: StoppedBecause
    updates: float
    epochs_share: float
    seed: int

    @property
    def is_finite(self) -> bool:
        """Whether the loss stayed finite."""
        return self.stopped_because != "loss is not finite"


@dataclass(frozen=True, eq=False)
class Training:
    """A setup on some rows, for `experiments.trials`; of at most `MOST_UPDATES`, unless it is the `whole` training."""

    setup: Setup
    data: Data
    whole: bool = False

    def train(
        self, seed: int = 0, most_updates: float = inf, should_stop: Callable[[], bool] = lambda: False
    ) -> Outcome:
        """Train once and score it."""
        setup, data = self.setup, self.data
        per_epoch = setup.updates_per_epoch(data)
        rows = len(data.train) if isinstance(setup.optimizer, LBFGS) else min(setup.batch_size, len(data.train))
        cost = SMALLEST_UPDATE + setup.network.n_parameters * rows / USUAL_WORK
        epochs = setup.epochs if self.whole else min(setup.epochs, setup.most_epochs(data))
        epochs = int(max(1, min(epochs, most_updates / cost // per_epoch)))
        inputs, (targets, centre, scale) = setup.inputs(data), setup.targets(data)
        settings = {row.name: getattr(setup, row.name) for row in SETTINGS}
        settings |= {"keep_parameters": setup.keep_parameters, "epochs": epochs, "seed": seed}
        if setup.early_stopping and data.validation is not None:
            settings["validation"] = (inputs[data.validation], targets[data.validation])
        if data.weights is not None:
            settings["sample_weight"] = data.weights[data.train]
        run = _run(setup, inputs[data.train], targets[data.train], settings, should_stop)
        network = setup.network.with_parameters(run.network.values)
        score = data.task.worst
        if run.stopped_because != "loss is not finite":
            score = data.task.score(network.predict(inputs[data.test]) * scale + centre, data.test)
        ended = run.stopped_because in ("converged", "no improvement", "loss is not finite")
        ended = ended or (run.stopped_because == "all epochs done" and epochs == setup.epochs)
        share = 1.0 if ended else len(run.history) / setup.epochs
        return Outcome(
            score, network, run.history.training_losses, run.stopped_because, run.updates * cost, share, seed
        )


def _run(setup: Setup, X: Numbers, y: Numbers, settings: dict[str, Any], should_stop: Callable[[], bool]) -> Run:
    network = _trainable(setup.network)
    if setup.restarts != 0 and isinstance(setup.optimizer, LBFGS):
        return train_in_silence(network, X, y, restarts=setup.restarts, callback=lambda _: should_stop(), **settings)
    progress = start(network, X, y, **settings)
    for _ in progress:
        if should_stop():
            break
    return progress.run()


def _trainable(network: Network) -> Network:
    """Give softmax on one unit another name: training refuses it, and here it shall show what it does."""
    last = network.layers[-1]
    if network.n_outputs > 1 or not isinstance(last, Dense | ActivationLayer) or last.activation.name != "softmax":
        return network
    assert isinstance(last.activation, RowActivation)
    alike = replace(last.activation, name="softmax of one unit")
    if isinstance(last, Dense):
        changed: Layer = Dense(last.units, alike, last.bias, last.init, last.bias_init)
    else:
        changed = ActivationLayer(alike)
    return Network((*network.layers[:-1], changed), network.n_inputs, network.values, network.dtype)
