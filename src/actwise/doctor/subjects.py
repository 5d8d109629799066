"""A network together with how it is trained and on what: what the doctor examines and changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import RowActivation
from actwise.doctor.prescriptions import ITSELF, Origin
from actwise.doctor.targets import Numbers, Targets
from actwise.errors import InputError
from actwise.model.layers import ActivationLayer, Dense, Layer
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Optimizer
from actwise.tasks import Scaling, split_rows
from actwise.tasks.splits import is_complete
from actwise.training import Run, StoppedBecause, start
from actwise.training.api import train_in_silence

FEWEST_HELD_OUT = 50  # rows; with fewer a score on them would mostly be noise
ROWS_TO_SPLIT = 200  # from so many rows on a quarter is held out where no split is given
MOST_UPDATES = 20_000  # of an experiment: enough to tell whether a network learns at all
AT_ONCE = 1e-9  # seconds that are over after the first steps of a training
Rows: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Data:
    """Rows, what is to be learned from them, and which of them judge.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_inputs)
        Inputs as the network is given them.
    task : Targets
        The targets.
    train, judge : ndarray of int
        The rows to learn from and those to judge by; the same where there are too few.
    watch : ndarray of int, optional
        The rows by which a subject that `watches` decides when to stop.
    weights : ndarray of shape (n_rows,), optional
        How much each row counts in training.
    """

    X: Numbers
    task: Targets
    train: Rows
    judge: Rows
    watch: Rows | None = None
    weights: Numbers | None = None

    @property
    def held_out(self) -> bool:
        """Whether the judging rows are not learned from."""
        return self.judge is not self.train

    def with_watch(self, share: float, seed: int) -> Data:
        """Take a share of the rows to learn from to stop the training by."""
        order = np.random.default_rng(seed).permutation(self.train)
        n = max(1, round(share * len(order)))
        train = np.sort(order[n:])
        return replace(self, train=train, judge=self.judge if self.held_out else train, watch=np.sort(order[:n]))

    @cached_property
    def is_complete(self) -> bool:
        """Whether these rows are all there can be, such as a truth table: nothing is left to generalise to."""
        return is_complete(self.X)

    @cached_property
    def constant_score(self) -> float:
        """Score of the best constant answer."""
        return self.task.constant_score(self.judge)

    @cached_property
    def standard_inputs(self) -> Numbers:
        """Inputs of mean 0 and deviation 1 over the training rows."""
        return self.scaling.apply(self.X)

    @cached_property
    def scaling(self) -> Scaling:
        """Centre and scale of each input column."""
        return _scaling(self.X[self.train], inputs=True)


def _scaling(rows: Numbers, *, inputs: bool) -> Scaling:
    """Learn a scaling; leave numbers that have none, such as NaN, as they are: rules speak of those."""
    try:
        return Scaling.learn(rows, inputs=inputs)
    except InputError:
        return Scaling.none(rows.shape[1])


def split(X: Numbers, task: Targets, n_train: int | None, seed: int, weights: Numbers | None = None) -> Data:
    """Choose the rows to judge by: those after `n_train`, or a quarter where there are enough."""
    rows = np.arange(len(X))
    train, judge = (rows, rows[:0]) if n_train is None else (rows[:n_train], rows[n_train:])
    if n_train is None and len(X) >= ROWS_TO_SPLIT and not is_complete(X):
        found = split_rows(len(X), test_size=len(X) // 4, validation_size=0, seed=seed)
        train, judge = found.train, found.test
    return Data(X, task, train, judge if len(judge) >= FEWEST_HELD_OUT else train, weights=weights)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and its training.

    Parameters
    ----------
    network : Network
        The description.
    loss : Loss
        What is minimised.
    optimizer : optimiser
        How.
    batch_size, epochs, shuffle, l2, max_gradient_norm, patience, tolerance
        As for `actwise.training.train`.
    standard_inputs, standard_targets : bool
        Whether inputs and targets are standardised first.
    encodes : bool
        Whether the targets are encoded as the task wants them, instead of being handed on as they are.
    own_parameters : bool
        Whether training goes on from the network's parameters instead of new ones.
    watches : bool
        Whether `Data.watch` decides when training stops and which parameters are kept.
    starts : int or None
        Initial draws of which the best is kept; None: as `actwise.train` does it.
    origin : Origin
        What the network belongs to.
    """

    network: Network
    loss: Loss
    optimizer: Optimizer
    batch_size: int = 32
    epochs: int = 100
    shuffle: bool = True
    l2: float = 0.0
    max_gradient_norm: float = np.inf
    patience: int = 0
    tolerance: float = 0.0
    standard_inputs: bool = False
    standard_targets: bool = False
    encodes: bool = False
    own_parameters: bool = False
    watches: bool = False
    starts: int | None = 1
    origin: Origin = ITSELF

    def steps_per_epoch(self, data: Data) -> int:
        """Updates in one epoch."""
        return 1 if isinstance(self.optimizer, LBFGS) else -(-len(data.train) // self.batch_size)

    def most_epochs(self, data: Data) -> int:
        """Epochs that `MOST_UPDATES` allow."""
        return max(1, MOST_UPDATES // self.steps_per_epoch(data))

    def inputs(self, data: Data) -> Numbers:
        """Return all rows' inputs as the network gets them."""
        chosen = data.standard_inputs if self.standard_inputs else data.X
        with np.errstate(over="ignore"):
            return chosen.astype(self.network.dtype)

    def targets(self, data: Data) -> tuple[Numbers, Numbers, Numbers]:
        """Return all rows' targets as the loss gets them, and the centre and scale that bring outputs back."""
        task, n_outputs = data.task, self.network.n_outputs
        none = np.zeros(1), np.ones(1)
        if self.encodes and task.is_classification:
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
        if self.standard_targets:
            scaling = _scaling(given[data.train], inputs=False)
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
    """What one training came to.

    Parameters
    ----------
    score : float
        On the judging rows.
    network : Network
        With the parameters that were reached.
    losses : ndarray
        Training loss of each epoch.
    stopped_because : str
        Why training ended.
    seconds : float
        How long it took, drawing the weights and judging included.
    epochs_share : float
        Share of the epochs asked for that were done.
    seed : int
        Of initial weights and order of rows.
    """

    score: float
    network: Network
    losses: npt.NDArray[np.float64]
    stopped_because: StoppedBecause
    seconds: float
    epochs_share: float
    seed: int

    @property
    def is_finite(self) -> bool:
        """Whether the loss stayed finite."""
        return self.stopped_because != "loss is not finite"


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


def warm_up(subject: Subject, data: Data, *, whole: bool = False) -> None:
    """Take the first steps of a training on few rows: what it compiles is compiled, and no training's clock counts it.

    As many steps are announced as the training takes, since long ones are compiled in another way.
    """
    rows = data.train[: max(2, subject.batch_size)]
    inputs, (targets, _, _) = subject.inputs(data)[rows], subject.targets(data)
    settings = _settings(subject, data, whole) | {"time_limit": AT_ONCE}
    settings["epochs"] *= subject.steps_per_epoch(data)
    run = _run(subject, inputs, targets[rows], settings, lambda: False)
    run.network.predict(inputs)


def _settings(subject: Subject, data: Data, whole: bool) -> dict[str, Any]:
    """Say how a subject is trained, as `actwise.train` wants it."""
    epochs = subject.epochs if whole else min(subject.epochs, subject.most_epochs(data))
    return {
        "loss": subject.loss, "optimizer": subject.optimizer, "batch_size": subject.batch_size, "epochs": epochs,
        "shuffle": subject.shuffle, "l2": subject.l2, "max_gradient_norm": subject.max_gradient_norm,
        "patience": subject.patience, "tolerance": subject.tolerance, "keep_parameters": subject.own_parameters,
    }  # fmt: skip


def _run(subject: Subject, X: Numbers, y: Numbers, settings: dict[str, Any], should_stop: Callable[[], bool]) -> Run:
    network = _trainable(subject.network)
    if subject.starts != 1 and isinstance(subject.optimizer, LBFGS):
        restarts = None if subject.starts is None else subject.starts - 1
        return train_in_silence(network, X, y, restarts=restarts, callback=lambda _: should_stop(), **settings)
    progress = start(network, X, y, **settings)
    for _ in progress:
        if should_stop():
            progress.stopped_because = "interrupted"
            break
    return progress.run()


def train_once(
    subject: Subject,
    data: Data,
    seed: int,
    time_limit: float | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    whole: bool = False,
) -> Outcome:
    """Train a subject once and judge it."""
    began = time.perf_counter()
    inputs, (targets, centre, scale) = subject.inputs(data), subject.targets(data)
    settings = _settings(subject, data, whole) | {"seed": seed, "time_limit": time_limit}
    if subject.watches and data.watch is not None:
        settings["validation"] = (inputs[data.watch], targets[data.watch])
    if data.weights is not None:
        settings["sample_weight"] = data.weights[data.train]
    run = _run(subject, inputs[data.train], targets[data.train], settings, should_stop)
    network = subject.network.with_parameters(run.network.values)
    score = data.task.worst
    if run.stopped_because != "loss is not finite":
        score = data.task.score(network.predict(inputs[data.judge]) * scale + centre, data.judge)
    ended = run.stopped_because in ("converged", "no improvement", "loss is not finite")
    ended = ended or (run.stopped_because == "all epochs done" and settings["epochs"] == subject.epochs)
    share = 1.0 if ended else len(run.history) / subject.epochs
    seconds = time.perf_counter() - began
    return Outcome(score, network, run.history.training_losses, run.stopped_because, seconds, share, run.settings.seed)
