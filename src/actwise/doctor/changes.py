"""The changes that the doctor tries, one at a time: what each does, and which cause it speaks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from actwise.doctor import architecture
from actwise.doctor.architecture import hidden_activations, hidden_units, output_name
from actwise.doctor.causes import Code
from actwise.doctor.data import Data
from actwise.doctor.derivatives import with_right_derivatives, wrong_derivatives
from actwise.doctor.setup import Setup
from actwise.doctor.targets import Targets
from actwise.model import losses
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Adam, Optimizer
from actwise.model.schedules import Schedule

ADAM_RATE = 1e-3  # the rate that most programs use with Adam
STEP = 10.0  # factor by which a rate or the number of epochs is changed
FAR_FROM_USUAL = 30.0  # factor beyond which the optimizer's default is tried: more than one step of ten is missing
FEW_UPDATES = 1000  # a network of any size needs more than a few hundred steps
HIDDEN_UNITS = 32
BATCH = 32
SOME_STEPS = np.arange(1000)  # of a schedule, whose highest rate is looked for
TWO_AT_ONCE = 0.1  # effort of two changes in one
REBUILT = 0.15  # effort of changing the number of units; twice as much for leaving layers out
DISTANCES = frozenset({"squared_error", "absolute_error", "huber", "log_cosh", "quantile"})  # of numbers of any size
RULE_OF_INIT = "glorot_uniform, or he_uniform with ReLU"
STRONG_PENALTY = 0.01  # from so much l2 on it is tried without: beside a mean loss of about 1, and weights of about 1


@dataclass(frozen=True)
class Change:
    """A change of a setup."""

    name: str
    codes: tuple[Code, ...]  # the causes that it speaks for, the first one most
    text: str  # what is changed, as a clause
    settings: Mapping[str, Any]  # the same, by the names of `actwise.doctor.snippets`
    setup: Setup  # the changed one
    effort: float = 0.0  # how much it rebuilds, as a share of the gap that it has to close beyond others
    order: int = 0  # among all changes; the likelier kind of mistake comes first


def all_changes(setup: Setup, data: Data) -> list[Change]:
    """Return every single change that differs from the setup, the likeliest kinds of mistake first."""
    found = [
        *_output(setup, data.task), *_derivatives(setup), *_scales(setup, data.task), *_hidden_layers(setup),
        *_steps(setup), *_length(setup, data), *_penalties(setup), *_size(setup),
    ]  # fmt: skip
    owned = [setup.origin.changed(each.setup, each.settings) for each in found]
    pairs = [(change, each) for change, each in zip(found, owned, strict=True) if each is not None]
    return [replace(change, setup=each, order=order) for order, (change, each) in enumerate(pairs)]


def _changed(setup: Setup, **changed: Any) -> Setup:
    return replace(setup, keep_parameters=False, **changed)


def fits_output(setup: Setup, task: Targets) -> tuple[bool, bool, bool]:
    """Whether output activation, loss and encoding are those that textbooks name for the task."""
    output, loss = output_name(setup.network), setup.loss.name
    units = setup.network.n_outputs
    low, high = task.given.min(), task.given.max()
    if task.kind == "regression":
        counts = loss == "poisson" and low >= 0
        fits = output == ("exponential" if counts else "identity") and units == task.n_outputs
        return fits, counts or loss in DISTANCES, True
    if task.kind == "binary" and loss == "hinge":
        return output in ("identity", "tanh") and units == 1, True, (low, high) == (-1.0, 1.0)
    two_units = task.kind == "binary" and units == 2
    fits = output == ("softmax" if two_units else task.task.output_activation) and (
        units == task.n_outputs or two_units
    )
    by_class = setup.loss.target == "class"
    encoded = setup.encode_targets or by_class or (task.given.shape[1] == units and (low, high) == (0.0, 1.0))
    return fits, "cross_entropy" in loss, encoded


def _output(setup: Setup, task: Targets) -> Iterator[Change]:
    fits, loss_fits, encoded = fits_output(setup, task)
    codes: list[Code] = []
    codes += ["label_encoding"] * (not encoded)
    codes += ["output_activation_mismatch"] * (not fits)
    codes += ["loss_mismatch"] * (not loss_fits)
    if not codes:
        return
    units, name = task.n_outputs, task.task.output_activation
    loss = setup.loss if task.kind == "regression" and setup.loss.name in DISTANCES else losses.loss(task.task.loss)
    network = architecture.with_output(setup.network, units, name)
    text = f"{units} output unit{'s' * (units > 1)} with {name}, and {loss.name} as the loss"
    settings = {"output_activation": name, "n_outputs": units, "loss": loss.name}
    changed = _changed(setup, network=network, loss=loss, encode_targets=True)
    yield Change("output_and_loss", tuple(codes), text, settings, changed)


def _derivatives(setup: Setup) -> Iterator[Change]:
    network = with_right_derivatives(setup.network)
    if network is None:
        return
    place, report = wrong_derivatives(setup.network)[0]
    formula = getattr(getattr(network.layers[place - 1], "activation", None), "formula", "")
    yield Change("derivative", (report.cause,), f"the derivative that follows from {formula}",
                 {"derivative": formula}, _changed(setup, network=network))  # fmt: skip


def _scales(setup: Setup, task: Targets) -> Iterator[Change]:
    numbers = task.kind == "regression"
    if not setup.scale_inputs:
        yield Change("standardise_x", ("unscaled_inputs",), "standardised inputs", {"scale_inputs": True},
                     _changed(setup, scale_inputs=True))  # fmt: skip
    if numbers and not setup.scale_targets:
        yield Change("standardise_y", ("unscaled_targets",), "standardised targets", {"scale_targets": True},
                     _changed(setup, scale_targets=True))  # fmt: skip
    if numbers and not (setup.scale_inputs or setup.scale_targets):
        yield Change("standardise_both", ("unscaled_targets", "unscaled_inputs"), "standardised inputs and targets",
                     {"scale_inputs": True, "scale_targets": True},
                     _changed(setup, scale_inputs=True, scale_targets=True), TWO_AT_ONCE)  # fmt: skip


def _hidden_layers(setup: Setup) -> Iterator[Change]:
    network = setup.network
    if (biased := architecture.with_biases(network)) is not None:
        yield Change("bias", ("missing_bias",), "a bias in every layer", {"bias": True},
                     _changed(setup, network=biased))  # fmt: skip
    hidden = hidden_activations(network)
    if not hidden:
        yield Change("add_hidden", ("missing_nonlinearity", "capacity"), f"a hidden layer of {HIDDEN_UNITS} ReLU units",
                     {"hidden": [HIDDEN_UNITS], "activation": "relu"},
                     _changed(setup, network=architecture.deeper(network, HIDDEN_UNITS)))  # fmt: skip
    linear = all(name == "identity" for name in hidden)
    codes: tuple[Code, ...] = ("missing_nonlinearity", "hidden_activation") if linear else ("hidden_activation",)
    for name in ("relu", "tanh"):
        if any(each != name for each in hidden):
            yield Change(f"hidden_{name}", codes, f"{name} in the hidden layers", {"activation": name},
                         _changed(setup, network=architecture.with_hidden_activation(network, name)))  # fmt: skip
    if (drawn := architecture.reinitialised(network)) is not None:
        yield Change("init", ("init",), "initial weights by He's or Glorot's rule and biases of 0",
                     {"init": RULE_OF_INIT}, _changed(setup, network=drawn))  # fmt: skip


@dataclass(frozen=True)
class ScaledSchedule:
    """A schedule times a factor."""

    schedule: Schedule
    factor: float

    def rates(self, steps: np.typing.NDArray[np.int64], total_steps: int) -> np.typing.NDArray[np.float64]:
        """Return the rate of each step."""
        return self.factor * self.schedule.rates(steps, total_steps)


def _with_rate_times(optimizer: Optimizer, factor: float) -> Optimizer:
    if isinstance(optimizer, LBFGS):
        return optimizer
    rate = optimizer.learning_rate
    return replace(
        optimizer, learning_rate=rate * factor if isinstance(rate, int | float) else ScaledSchedule(rate, factor)
    )


def highest_rate(optimizer: Optimizer) -> float | None:
    """Return the highest learning rate of a training; None where the optimizer has none."""
    if isinstance(optimizer, LBFGS):
        return None
    rate = optimizer.learning_rate
    return float(rate) if isinstance(rate, int | float) else float(rate.rates(SOME_STEPS, len(SOME_STEPS)).max())


def _steps(setup: Setup) -> Iterator[Change]:
    optimizer = setup.optimizer
    rate, usual = highest_rate(optimizer), highest_rate(type(optimizer)())
    far = rate is not None and usual is not None and not 1 / FAR_FROM_USUAL < rate / usual < FAR_FROM_USUAL
    if rate is not None and usual is not None:
        up, down = (usual, rate / STEP) if far and rate < usual else (rate * STEP, usual if far else rate / STEP)
        wanted: tuple[tuple[str, Code, float], ...] = (
            ("lr_up", "learning_rate_too_low", up), ("lr_down", "learning_rate_too_high", down))  # fmt: skip
        for name, code, other in wanted:
            other = float(f"{other:.3g}")
            yield Change(name, (code,), f"a learning rate of {other:g}", {"learning_rate": other},
                         _changed(setup, optimizer=_with_rate_times(optimizer, other / rate)))  # fmt: skip
    is_adam = type(optimizer) is Adam
    if not is_adam or not (far or ADAM_RATE / 2 < (rate or 0) < ADAM_RATE * 2):
        codes: tuple[Code, ...] = ("optimizer",)
        if is_adam and rate is not None:
            codes = ("learning_rate_too_low" if rate < ADAM_RATE else "learning_rate_too_high", "optimizer")
        yield Change("adam", codes, f"Adam with a learning rate of {ADAM_RATE:g}",
                     {"optimizer": "adam", "learning_rate": ADAM_RATE},
                     _changed(setup, optimizer=Adam(ADAM_RATE)))  # fmt: skip


def _length(setup: Setup, data: Data) -> Iterator[Change]:
    if setup.patience:
        yield Change("no_early_stop", ("undertrained",), "no early stopping", {"patience": 0},
                     _changed(setup, patience=0))  # fmt: skip
    enough = 1 if isinstance(setup.optimizer, LBFGS) else -(-FEW_UPDATES // setup.updates_per_epoch(data))
    longer = min(max(int(setup.epochs * STEP), enough), setup.most_epochs(data))
    if longer > setup.epochs:
        yield Change("longer", ("undertrained",), f"{longer:,} epochs", {"epochs": longer},
                     _changed(setup, epochs=longer))  # fmt: skip
    n = len(data.train)
    if setup.batch_size != BATCH and min(setup.batch_size, n) != min(BATCH, n):
        yield Change("batch_32", ("batch_size",), f"batches of {BATCH} rows", {"batch_size": BATCH},
                     _changed(setup, batch_size=BATCH))  # fmt: skip


def _penalties(setup: Setup) -> Iterator[Change]:
    if setup.l2 >= STRONG_PENALTY:
        yield Change("no_l2", ("regularization",), "no penalty on the weights", {"l2": 0.0}, _changed(setup, l2=0.0))
    if architecture.has_dropout(setup.network):
        yield Change("no_dropout", ("regularization",), "no dropout", {"dropout": 0.0},
                     _changed(setup, network=architecture.without_dropout(setup.network)), REBUILT)  # fmt: skip


def _size(setup: Setup) -> Iterator[Change]:
    def change(name: str, text: str, network: Network, effort: float) -> Change:
        units = hidden_units(network)
        return Change(name, ("capacity",), text.format(", ".join(map(str, units))), {"hidden": units},
                      _changed(setup, network=network), effort)  # fmt: skip

    if hidden_activations(setup.network):
        wider = architecture.wider(setup.network)
        yield change("units_x2", "twice as many hidden units ({})", wider, REBUILT)
    if (flat := architecture.with_two_hidden(setup.network)) is not None:
        yield change("two_hidden", "only two hidden layers", flat, 2 * REBUILT)
