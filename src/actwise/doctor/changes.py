"""The changes that the doctor tries, one at a time: what each does, and which cause it speaks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from actwise.activations import Activation
from actwise.doctor.slopes import with_right_slopes, wrong_slopes
from actwise.doctor.subjects import Data, Subject
from actwise.doctor.targets import Targets
from actwise.errors import InputError
from actwise.handwritten import Cause
from actwise.model import losses
from actwise.model.layers import ActivationLayer, Dense, Dropout, Layer, Maxout
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Adam, Optimizer
from actwise.model.schedules import Schedule

Code: TypeAlias = Cause | Literal[
    "output_activation_mismatch", "loss_mismatch", "hidden_activation", "missing_nonlinearity",
    "learning_rate_too_high", "learning_rate_too_low", "undertrained", "optimizer", "init", "unscaled_inputs",
    "unscaled_targets", "batch_size", "missing_bias", "capacity", "dead_units", "vanishing_gradient",
    "exploding_gradient", "saturation", "label_encoding", "no_signal", "not_finite", "unlucky_fit",
    "regularization",
]  # fmt: skip
ADAM_RATE = 1e-3  # the rate that most programs use with Adam
STEP = 10.0  # factor by which a rate or the number of epochs is changed
FAR_FROM_USUAL = 30.0  # factor beyond which the optimiser's default is tried: more than one step of ten is missing
TOO_LOW: Code = "learning_rate_too_low"
TOO_HIGH: Code = "learning_rate_too_high"
FEW_UPDATES = 1000  # a network of any size needs more than a few hundred steps
HIDDEN_UNITS = 32
BATCH = 32
SOME_STEPS = np.arange(1000)  # of a schedule, whose highest rate is looked for
TWO_AT_ONCE = 0.1  # effort of two changes in one
REBUILT = 0.15  # effort of changing the number of units; twice as much for leaving layers out
DISTANCES = frozenset({"squared_error", "absolute_error", "huber", "log_cosh", "quantile"})  # of numbers of any size
RULE_OF_INIT = "glorot_uniform, or he_uniform with ReLU"
FELT_PENALTY = 0.01  # from so much l2 on it is tried without: beside a mean loss of about 1, and weights of about 1


@dataclass(frozen=True)
class Change:
    """A change of a subject.

    Parameters
    ----------
    name : str
        Short name.
    codes : tuple of str
        The causes that it speaks for, the first one most.
    text : str
        What is changed, as a clause.
    settings : mapping
        The same as settings; see `actwise.doctor.prescriptions`.
    subject : Subject
        The changed subject.
    effort : float
        How much of the network it rebuilds, as the share of the gap that it has to close beyond others.
    order : int
        Its place among all changes: what is the likelier kind of mistake comes first.
    """

    name: str
    codes: tuple[Code, ...]
    text: str
    settings: Mapping[str, Any]
    subject: Subject
    effort: float = 0.0
    order: int = 0


def right_loss(task: Targets) -> Loss:
    """Return the loss that fits a task."""
    return losses.loss(task.task.loss)


def right_output(task: Targets) -> str:
    """Return the output activation that fits a task."""
    return task.task.output_activation


def with_layers(network: Network, layers: list[Layer]) -> Network:
    """Return a network of other layers, its parameters drawn anew."""
    return Network(layers, network.n_inputs, dtype=network.dtype)


def _dense(
    layer: Dense, units: int | None = None, activation: object = None, init: object = None, bias: bool | None = None
) -> Dense:
    chosen = layer.activation if activation is None else activation
    return Dense(
        units or layer.units,
        chosen,  # type: ignore[arg-type]  # a name or an activation
        layer.bias if bias is None else bias,
        init=layer.init if init is None else init,  # type: ignore[arg-type]  # a name or a record
        bias_init=layer.bias_init if init is None else "zeros",
    )


def _output_index(network: Network) -> int:
    return max(index for index, layer in enumerate(network.layers) if isinstance(layer, Dense | Maxout))


def output_name(network: Network) -> str:
    """Return the name of the last activation."""
    return network.output_activation.name if network.output_activation is not None else "maxout"


def replace_output(network: Network, units: int, activation: str) -> Network:
    """Give a network another last layer; layers without weights after it are left out."""
    at = _output_index(network)
    last = network.layers[at]
    bias_init = last.bias_init if isinstance(last, Dense | Maxout) else "zeros"
    init = last.init if isinstance(last, Dense | Maxout) else "auto"
    return with_layers(network, [*network.layers[:at], Dense(units, activation, init=init, bias_init=bias_init)])


def hidden_activations(network: Network) -> list[str]:
    """Return the names of the hidden layers' activations, input side first."""
    at = _output_index(network)
    found = []
    for k, layer in enumerate(network.layers[:at]):
        if isinstance(layer, Dense | ActivationLayer) and not _is_followed_by_activation(network, k):
            found.append(layer.activation.name)
        if isinstance(layer, Maxout):
            found.append("maxout")
    return found


def _map_hidden(network: Network, changed: Callable[[int, Layer], Layer]) -> Network:
    at = _output_index(network)
    return with_layers(network, [changed(k, each) if k < at else each for k, each in enumerate(network.layers)])


def _with_hidden_activation(network: Network, name: str) -> Network:
    def changed(k: int, layer: Layer) -> Layer:
        if isinstance(layer, Dense) and not _is_followed_by_activation(network, k):
            return _dense(layer, activation=name)
        return ActivationLayer(name) if isinstance(layer, ActivationLayer) else layer

    return _map_hidden(network, changed)


def _is_followed_by_activation(network: Network, k: int) -> bool:
    """Whether layer k, a linear one, gets its nonlinearity from a layer of its own."""
    layer = network.layers[k]
    if not isinstance(layer, Dense) or layer.activation.name != "identity":
        return False
    for each in network.layers[k + 1 :]:
        if isinstance(each, ActivationLayer):
            return True
        if isinstance(each, Dense | Maxout):
            return False
    return False


def fits_output(subject: Subject, task: Targets) -> tuple[bool, bool, bool]:
    """Whether output activation, loss and encoding are those that textbooks name for the task."""
    output, loss = output_name(subject.network), subject.loss.name
    units = subject.network.n_outputs
    low, high = task.given.min(), task.given.max()
    if task.kind == "regression":
        counts = loss == "poisson" and low >= 0
        fits = output == ("exponential" if counts else "identity") and units == task.n_outputs
        return fits, counts or loss in DISTANCES, True
    if task.kind == "binary" and loss == "hinge":
        return output in ("identity", "tanh") and units == 1, True, (low, high) == (-1.0, 1.0)
    two_units = task.kind == "binary" and units == 2
    fits = output == ("softmax" if two_units else right_output(task)) and (units == task.n_outputs or two_units)
    columns = task.given.shape[1]
    numbers = subject.loss.target == "class" or columns in (units, 1)
    encoded = subject.encodes or (
        numbers
        and (columns == units or subject.loss.target == "class")
        and (subject.loss.target == "class" or (low, high) == (0.0, 1.0))
    )
    return fits, "cross_entropy" in loss, encoded


def _right_subject(subject: Subject, task: Targets, *, output: bool, loss: bool) -> Subject:
    network, chosen = subject.network, subject.loss
    units = task.n_outputs
    if output:
        network = replace_output(network, units, right_output(task))
    if loss:
        chosen = right_loss(task)
        if task.kind == "regression" and subject.loss.name in DISTANCES:
            chosen = subject.loss
    return replace(subject, network=network, loss=chosen, encodes=True, own_parameters=False)


def output_changes(subject: Subject, task: Targets) -> list[Change]:
    """Return the changes of output activation, loss and label encoding."""
    fits, loss_fits, encoded = fits_output(subject, task)
    if fits and loss_fits and encoded:
        return []
    codes: list[Code] = []
    if not encoded:
        codes.append("label_encoding")
    if not fits:
        codes.append("output_activation_mismatch")
    if not loss_fits:
        codes.append("loss_mismatch")
    both = _right_subject(subject, task, output=True, loss=True)
    name, loss = right_output(task), both.loss.name
    units = both.network.n_outputs
    text = f"{units} output unit{'s' * (units > 1)} with {name}, and {loss} as loss"
    settings = {"output_activation": name, "n_outputs": units, "loss": loss}
    return [Change("output_and_loss", tuple(codes), text, settings, both)]


def _times_rate(optimizer: Optimizer, factor: float) -> Optimizer:
    if isinstance(optimizer, LBFGS):
        return optimizer
    rate = optimizer.learning_rate
    return replace(
        optimizer, learning_rate=rate * factor if isinstance(rate, int | float) else ScaledSchedule(rate, factor)
    )


@dataclass(frozen=True)
class ScaledSchedule:
    """A schedule times a factor."""

    schedule: Schedule
    factor: float

    def rates(self, steps: np.typing.NDArray[np.int64], total_steps: int) -> np.typing.NDArray[np.float64]:
        """Return the rate of each step."""
        return self.factor * self.schedule.rates(steps, total_steps)


def highest_rate(subject: Subject) -> float | None:
    """Return the highest learning rate of a training; None where the optimiser has none."""
    if isinstance(subject.optimizer, LBFGS):
        return None
    rate = subject.optimizer.learning_rate
    return float(rate) if isinstance(rate, int | float) else float(rate.rates(SOME_STEPS, len(SOME_STEPS)).max())


def usual_rate(subject: Subject) -> float | None:
    """Return the optimiser's own default rate; None where it has none."""
    optimizer = subject.optimizer
    return None if isinstance(optimizer, LBFGS) else highest_rate(replace(subject, optimizer=type(optimizer)()))


def all_changes(subject: Subject, data: Data) -> list[Change]:
    """Return every single change that differs from the subject, the likeliest kinds of mistake first."""
    network, task = subject.network, data.task
    hidden = hidden_activations(network)
    found = output_changes(subject, task)

    def add(
        name: str, codes: tuple[Code, ...], text: str, settings: Mapping[str, Any], effort: float = 0.0,
        **changed: Any,
    ) -> None:  # fmt: skip
        found.append(Change(name, codes, text, settings, replace(subject, own_parameters=False, **changed), effort))

    righted = with_right_slopes(network)
    if righted is not None:
        place, report = wrong_slopes(network)[0]
        formula = getattr(getattr(network.layers[place - 1], "activation", None), "formula", "")
        add("derivative", (report.cause,), f"the derivative that follows from {formula}", {"derivative": formula},
            network=righted)  # fmt: skip
    if not subject.standard_inputs:
        add("standardise_x", ("unscaled_inputs",), "inputs of mean 0 and deviation 1", {"scale_inputs": True},
            standard_inputs=True)  # fmt: skip
    if task.kind == "regression" and not subject.standard_targets:
        add("standardise_y", ("unscaled_targets",), "targets of mean 0 and deviation 1", {"scale_targets": True},
            standard_targets=True)  # fmt: skip
    if task.kind == "regression" and not (subject.standard_inputs or subject.standard_targets):
        add("standardise_both", ("unscaled_targets", "unscaled_inputs"), "inputs and targets of mean 0 and deviation 1",
            {"scale_inputs": True, "scale_targets": True}, TWO_AT_ONCE, standard_inputs=True,
            standard_targets=True)  # fmt: skip
    if any(isinstance(layer, Dense) and not layer.bias for layer in network.layers):
        biased = with_layers(network, [_dense(x, bias=True) if isinstance(x, Dense) else x for x in network.layers])
        add("bias", ("missing_bias",), "a bias in every layer", {"bias": True}, network=biased)
    linear = all(name == "identity" for name in hidden)
    if not hidden:
        at = _output_index(network)
        deeper = [*network.layers[:at], Dense(HIDDEN_UNITS, "relu", init="he_uniform"), *network.layers[at:]]
        add("add_hidden", ("missing_nonlinearity", "capacity"), f"a hidden layer of {HIDDEN_UNITS} ReLU units",
            {"hidden": [HIDDEN_UNITS], "activation": "relu"}, network=with_layers(network, deeper))  # fmt: skip
    for name in ("relu", "tanh"):
        if hidden and any(each != name for each in hidden):
            codes: tuple[Code, ...] = (
                ("missing_nonlinearity", "hidden_activation") if linear else ("hidden_activation",)
            )
            add(f"hidden_{name}", codes, f"{name} in the hidden layers", {"activation": name},
                network=_with_hidden_activation(network, name))  # fmt: skip
    anew = _reinitialised(network)
    if anew is not None:
        add("init", ("init",), "weights drawn by He's or Glorot's rule, biases 0", {"init": RULE_OF_INIT}, network=anew)
    rate, usual = highest_rate(subject), usual_rate(subject)
    far = rate is not None and usual is not None and not 1 / FAR_FROM_USUAL < rate / usual < FAR_FROM_USUAL
    if rate is not None and usual is not None:
        up, down = (usual, rate / STEP) if far and rate < usual else (rate * STEP, usual if far else rate / STEP)
        for name, code, wanted in (("lr_up", TOO_LOW, up), ("lr_down", TOO_HIGH, down)):
            other = float(f"{wanted:.3g}")
            add(name, (code,), f"a learning rate of {other:g}", {"learning_rate": other},
                optimizer=_times_rate(subject.optimizer, other / rate))  # fmt: skip
    if type(subject.optimizer) is not Adam or not (far or ADAM_RATE / 2 < (rate or 0) < ADAM_RATE * 2):
        of_adam: tuple[Code, ...] = ("optimizer",)
        if type(subject.optimizer) is Adam and rate is not None:
            of_adam = (TOO_LOW if rate < ADAM_RATE else TOO_HIGH, "optimizer")
        add("adam", of_adam, f"Adam with a learning rate of {ADAM_RATE:g}",
            {"optimizer": "adam", "learning_rate": ADAM_RATE}, optimizer=Adam(ADAM_RATE))  # fmt: skip
    if subject.patience:
        add("no_early_stop", ("undertrained",), "no early stop", {"patience": 0}, patience=0)
    enough = -(-FEW_UPDATES // subject.steps_per_epoch(data))
    longer = min(max(int(subject.epochs * STEP), 1 if rate is None else enough), subject.most_epochs(data))
    if longer > subject.epochs:
        add("longer", ("undertrained",), f"{longer:,} epochs", {"epochs": longer}, epochs=longer)
    if subject.batch_size != BATCH and min(subject.batch_size, len(data.train)) != min(BATCH, len(data.train)):
        add("batch_32", ("batch_size",), f"batches of {BATCH} rows", {"batch_size": BATCH}, batch_size=BATCH)
    if subject.l2 >= FELT_PENALTY:
        add("no_l2", ("regularization",), "no penalty on the weights", {"l2": 0.0}, l2=0.0)
    if has_dropout(network):
        kept = with_layers(network, [layer for layer in network.layers if not isinstance(layer, Dropout)])
        add("no_dropout", ("regularization",), "no dropout", {"dropout": 0.0}, REBUILT, network=kept)
    if hidden:
        wider = _map_hidden(network, lambda _, x: _dense(x, units=2 * x.units) if isinstance(x, Dense) else x)
        units = hidden_units(wider)
        text = f"twice as many hidden units ({', '.join(map(str, units))})"
        add("units_x2", ("capacity",), text, {"hidden": units}, REBUILT, network=wider)
    places = [k for k, layer in enumerate(network.layers) if isinstance(layer, Dense | Maxout)]
    if len(places) > 4:  # the output layer is one of them
        flat = with_layers(network, [*network.layers[: places[2]], *network.layers[places[-1] :]])
        add("two_hidden", ("capacity",), "two hidden layers instead of more", {"hidden": hidden_units(flat)},
            2 * REBUILT, network=flat)  # fmt: skip
    allowed = [change for change in found if subject.origin.can(change.settings)]
    owned = [as_owned(change.subject, change.settings) for change in allowed]
    pairs = [(change, each) for change, each in zip(allowed, owned, strict=True) if each is not None]
    return [replace(change, subject=each, order=order) for order, (change, each) in enumerate(pairs)]


def as_owned(subject: Subject, settings: Mapping[str, Any]) -> Subject | None:
    """Return what becomes of the owner with changed settings: what is tried is then what is given back.

    None where the owner refuses them.
    """
    origin = subject.origin
    if origin.describe is None:
        return subject
    settings = {**origin.settings, **settings}
    try:
        described: Subject = origin.describe(settings)
    except InputError:
        return None
    return replace(described, origin=replace(origin, settings=settings))


def has_dropout(network: Network) -> bool:
    """Whether anything is dropped in training."""
    return any(isinstance(layer, Dropout) and layer.rate > 0 for layer in network.layers)


def hidden_units(network: Network) -> list[int]:
    """Return the units of each hidden layer."""
    before = network.layers[: _output_index(network)]
    return [layer.units for layer in before if isinstance(layer, Dense | Maxout)]


def _reinitialised(network: Network) -> Network | None:
    def changed(layer: Layer) -> Layer:
        if not isinstance(layer, Dense) or (layer.init == "auto" and layer.bias_init == "zeros"):
            return layer
        known = isinstance(layer.activation, Activation) and layer.activation.range[0] >= 0
        relu_like = known and not np.isfinite(layer.activation.range[1])
        return _dense(layer, init="he_uniform" if relu_like else "glorot_uniform")

    layers = [changed(layer) for layer in network.layers]
    same = all(
        (a.init, a.bias_init) == (b.init, b.bias_init)
        for a, b in zip(layers, network.layers, strict=True)
        if isinstance(a, Dense) and isinstance(b, Dense)
    )
    return None if same else with_layers(network, layers)
