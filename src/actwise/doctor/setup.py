"""A network and how it is trained: what the doctor examines and changes; and one training of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import RowActivation
from actwise.doctor.data import Data, Rows, scaling_of
from actwise.doctor.snippets import KNOWN_SETTINGS, Dialect
from actwise.doctor.targets import Numbers
from actwise.errors import InputError
from actwise.model.layers import ActivationLayer, Dense, Layer
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Optimizer
from actwise.tasks import Scaling
from actwise.training import Run, StoppedBecause, start
from actwise.training.api import train_in_silence
from actwise.training.settings import add_fields, recorded

MOST_UPDATES = 20_000  # of an experiment: enough to tell whether a network learns at all
SETTINGS = [row for row in recorded() if row.name not in ("seed", "time_limit", "threads")]  # not of one run
SMALLEST_UPDATE, USUAL_WORK = 0.1, 200_000  # weights times rows of an update that counts as one
# Fits a model with changed settings to some rows, with a seed.
Rebuild: TypeAlias = Callable[[Mapping[str, Any], Rows, int], Any]


@dataclass(frozen=True, eq=False)
class Origin:
    """The model that a network belongs to."""

    dialect: Dialect = "network"  # how its settings are written
    rebuild: Rebuild | None = None
    fitted_outputs: npt.NDArray[Any] | None = None  # of the weights that it came with
    describe: Callable[[Mapping[str, Any]], Setup] | None = None  # with changed settings
    settings: Mapping[str, Any] = field(default_factory=dict)  # what was changed already
    note: str = ""  # a sentence, where the network only approximates the model

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
    """A network and how it is trained, with the settings of `actwise.train`; other ones of its table are fields too."""

    network: Network
    loss: Loss
    optimizer: Optimizer
    batch_size: int = 32
    epochs: int = 100
    l2: float = 0.0
    patience: int = 0
    tolerance: float = 0.0
    scale_inputs: bool = False  # whether they are standardised first
    scale_targets: bool = False
    encode_targets: bool = False  # as the task wants them, instead of as they are given
    keep_parameters: bool = False
    early_stopping: bool = False  # by `Data.validation`
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

    def targets(self, data: Data) -> tuple[Numbers, Scaling]:
        """Return all rows' targets as the loss gets them, and how they are scaled."""
        task, n_outputs = data.task, self.network.n_outputs
        given, scaling = task.given, Scaling.none(1)
        by_class = self.loss.target == "class"
        if self.encode_targets and task.is_classification:
            if by_class or task.kind == "multilabel":
                return task.truth.reshape(len(given), -1).astype(float), scaling
            columns = np.arange(n_outputs) if n_outputs > 1 else np.ones(1)
            return (task.truth.reshape(-1, 1) == columns).astype(float), scaling
        if by_class:
            return given if given.shape[1] == 1 else given.argmax(axis=1).reshape(-1, 1).astype(float), scaling
        if self.scale_targets:
            scaling = scaling_of(given[data.train], inputs=False)
            given = scaling.apply(given)
        if given.shape[1] == n_outputs:
            return given, scaling
        if given.shape[1] == 1:
            return np.repeat(given, n_outputs, axis=1), scaling
        if n_outputs == 1:
            mean = Scaling(*(each.mean(keepdims=True) for each in (scaling.centres, scaling.scales)))
            return given.mean(axis=1, keepdims=True), mean
        raise InputError(
            f"the network has {n_outputs} outputs and y has {given.shape[1]} columns; one must be 1 or both the same"
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of one training."""

    score: float  # on the test rows
    network: Network
    losses: npt.NDArray[np.float64]  # of each epoch, on the training rows
    stopped_because: StoppedBecause
    updates: float  # one of a large network counts as several
    epochs_share: float  # of the epochs asked for; 1 where training ended by itself
    seed: int
    row_errors: Numbers | None = None  # of the test rows, for a regression

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
        inputs, (targets, scaling) = setup.inputs(data), setup.targets(data)
        settings = {row.name: getattr(setup, row.name) for row in SETTINGS}
        settings |= {"keep_parameters": setup.keep_parameters, "epochs": epochs, "seed": seed}
        if setup.early_stopping and data.validation is not None:
            settings["validation"] = (inputs[data.validation], targets[data.validation])
        if data.weights is not None:
            settings["sample_weight"] = data.weights[data.train]
        run = _run(setup, inputs[data.train], targets[data.train], settings, should_stop)
        network = setup.network.with_parameters(run.network.values)
        outputs = scaling.undo(network.predict(inputs[data.test]))
        finite = run.stopped_because != "loss is not finite"
        score = data.task.score(outputs, data.test) if finite else data.task.worst
        ended = run.stopped_because in ("converged", "no improvement", "loss is not finite")
        ended = ended or (run.stopped_because == "all epochs done" and epochs == setup.epochs)
        share = 1.0 if ended else len(run.history) / setup.epochs
        return Outcome(
            score, network, run.history.training_losses, run.stopped_because, run.updates * cost,
            share, seed, data.task.row_errors(outputs, data.test),
        )  # fmt: skip


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
