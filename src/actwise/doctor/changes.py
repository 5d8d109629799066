"""The changes that the doctor tries, one at a time: what each does, and which cause it speaks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from actwise import losses
from actwise.activations import Activation
from actwise.doctor.subjects import Data, Subject
from actwise.doctor.tasks import Task
from actwise.layers import ActivationLayer, Dense, Layer, Maxout
from actwise.losses import Loss
from actwise.network import Network
from actwise.optimizers import LBFGS, Adam
from actwise.schedules import Schedule

Code: TypeAlias = Literal[
    "output_activation_mismatch", "loss_mismatch", "hidden_activation", "missing_nonlinearity",
    "learning_rate_too_high", "learning_rate_too_low", "undertrained", "optimizer", "init", "unscaled_inputs",
    "unscaled_targets", "batch_size", "missing_bias", "capacity", "dead_units", "vanishing_gradient",
    "exploding_gradient", "saturation", "label_encoding", "no_signal", "data_too_small", "not_finite",
]  # fmt: skip
ADAM_RATE = 1e-3  # the rate that most programs use with Adam
STEP = 10.0  # factor by which a rate or the number of epochs is changed
HIDDEN_UNITS = 32
BATCH = 32
REBUILT = 0.15  # effort of changing the number of units; twice as much for leaving layers out
REFERENCE_UPDATES, REFERENCE_RATE = 2500, 3e-3  # of the well-set network to compare with


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
    code : str
        The same as code.
    subject : Subject
        The changed subject.
    effort : float
        How much of the network it rebuilds, as the share of the gap that it has to close beyond others.
    """

    name: str
    codes: tuple[Code, ...]
    text: str
    code: str
    subject: Subject
    effort: float = 0.0


def right_loss(task: Task) -> Loss:
    """Return the loss that fits a task."""
    names = {"regression": "squared_error", "multiclass": "categorical_cross_entropy"}
    return losses.loss(names.get(task.kind, "binary_cross_entropy"))


def right_output(task: Task) -> str:
    """Return the output activation that fits a task."""
    return {"regression": "identity", "multiclass": "softmax"}.get(task.kind, "sigmoid")


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
    for layer in network.layers[:at]:
        if isinstance(layer, Dense | ActivationLayer):
            found.append(layer.activation.name)
        if isinstance(layer, Maxout):
            found.append("maxout")
    return found


def _map_hidden(network: Network, changed: Callable[[Layer], Layer]) -> Network:
    at = _output_index(network)
    return with_layers(network, [changed(each) if k < at else each for k, each in enumerate(network.layers)])


def _with_hidden_activation(network: Network, name: str) -> Network:
    def changed(layer: Layer) -> Layer:
        if isinstance(layer, Dense) and not _is_followed_by_activation(network, layer):
            return _dense(layer, activation=name)
        return ActivationLayer(name) if isinstance(layer, ActivationLayer) else layer

    return _map_hidden(network, changed)


def _is_followed_by_activation(network: Network, layer: Layer) -> bool:
    """Whether a linear layer gets its nonlinearity from a layer of its own."""
    if not isinstance(layer, Dense) or layer.activation.name != "identity":
        return False
    after = network.layers[[each is layer for each in network.layers].index(True) + 1 :]
    for each in after:
        if isinstance(each, ActivationLayer):
            return True
        if isinstance(each, Dense | Maxout):
            return False
    return False


def fits_output(subject: Subject, task: Task) -> tuple[bool, bool, bool]:
    """Whether output activation, loss and encoding are those that textbooks name for the task."""
    output, loss = output_name(subject.network), subject.loss.name
    cross_entropy = "cross_entropy" in loss
    units = subject.network.n_outputs
    if task.kind == "regression":
        return output == "identity" and units == task.n_outputs, not cross_entropy, True
    two_units = task.kind == "binary" and units == 2
    fits = output == ("softmax" if two_units else right_output(task)) and (units == task.n_outputs or two_units)
    columns = task.given.shape[1]
    numbers = subject.loss.target == "class" or columns in (units, 1)
    low, high = task.given.min(), task.given.max()
    encoded = subject.encodes or (
        numbers
        and (columns == units or subject.loss.target == "class")
        and (subject.loss.target == "class" or (low, high) == (0.0, 1.0))
    )
    return fits, cross_entropy, encoded


def _right_subject(subject: Subject, task: Task, *, output: bool, loss: bool) -> Subject:
    network, chosen = subject.network, subject.loss
    units = task.n_outputs
    if output:
        network = replace_output(network, units, right_output(task))
    if loss:
        chosen = right_loss(task)
        if task.kind == "regression" and "cross_entropy" not in subject.loss.name:
            chosen = subject.loss
    return replace(subject, network=network, loss=chosen, encodes=True, own_parameters=False)


def output_changes(subject: Subject, task: Task) -> list[Change]:
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
    code = f'Dense({units}, "{name}")  # last layer\nloss="{loss}"'
    return [Change("output_and_loss", tuple(codes), text, code, both)]


def _times_rate(subject: Subject, factor: float) -> Subject | None:
    optimizer = subject.optimizer
    if isinstance(optimizer, LBFGS):
        return None
    rate = optimizer.learning_rate
    scaled = rate * factor if isinstance(rate, int | float) else _ScaledSchedule(rate, factor)
    return replace(subject, optimizer=replace(optimizer, learning_rate=scaled))


@dataclass(frozen=True)
class _ScaledSchedule:
    """A schedule times a factor."""

    schedule: Schedule
    factor: float

    def rates(self, steps: np.typing.NDArray[np.int64], total_steps: int) -> np.typing.NDArray[np.float64]:
        """Return the rate of each step."""
        return self.factor * self.schedule.rates(steps, total_steps)


def first_rate(subject: Subject) -> float | None:
    """Return the learning rate of the first step; None where the optimiser has none."""
    if isinstance(subject.optimizer, LBFGS):
        return None
    rate = subject.optimizer.learning_rate
    return float(rate) if isinstance(rate, int | float) else float(rate.rates(np.zeros(1, np.int64), 1)[0])


def all_changes(subject: Subject, data: Data) -> list[Change]:
    """Return every single change that differs from the subject, the likeliest kinds of mistake first.

    Parameters
    ----------
    subject : Subject
        The network and its training.
    data : Data
        The rows.
    """
    network, task = subject.network, data.task
    hidden = hidden_activations(network)
    found = output_changes(subject, task)

    def add(
        name: str, codes: tuple[Code, ...], text: str, code: str, changed: Subject | None, effort: float = 0.0
    ) -> None:
        if changed is not None:
            found.append(Change(name, codes, text, code, replace(changed, own_parameters=False), effort))

    if not subject.standard_inputs:
        code = "X = (X - X.mean(axis=0)) / X.std(axis=0)"
        add("standardise_x", ("unscaled_inputs",), "inputs of mean 0 and deviation 1", code,
            replace(subject, standard_inputs=True))  # fmt: skip
    if task.kind == "regression" and not subject.standard_targets:
        code = "y = (y - y.mean(axis=0)) / y.std(axis=0)"
        add("standardise_y", ("unscaled_targets",), "targets of mean 0 and deviation 1", code,
            replace(subject, standard_targets=True))  # fmt: skip
    if any(isinstance(layer, Dense) and not layer.bias for layer in network.layers):
        biased = with_layers(network, [_dense(x, bias=True) if isinstance(x, Dense) else x for x in network.layers])
        add("bias", ("missing_bias",), "a bias in every layer", "Dense(..., bias=True)",
            replace(subject, network=biased))  # fmt: skip
    linear = all(name == "identity" for name in hidden)
    if not hidden:
        at = _output_index(network)
        deeper = [*network.layers[:at], Dense(HIDDEN_UNITS, "relu", init="he_uniform"), *network.layers[at:]]
        add("add_hidden", ("missing_nonlinearity", "capacity"), f"a hidden layer of {HIDDEN_UNITS} ReLU units",
            f'Dense({HIDDEN_UNITS}, "relu")', replace(subject, network=with_layers(network, deeper)))  # fmt: skip
    for name in ("relu", "tanh"):
        if hidden and any(each != name for each in hidden):
            codes: tuple[Code, ...] = (
                ("missing_nonlinearity", "hidden_activation") if linear else ("hidden_activation",)
            )
            add(f"hidden_{name}", codes, f"{name} in the hidden layers", f'Dense(..., "{name}")',
                replace(subject, network=_with_hidden_activation(network, name)))  # fmt: skip
    add("init", ("init",), "weights drawn by He's or Glorot's rule, biases 0", 'Dense(..., init="auto")',
        _reinitialised(subject))  # fmt: skip
    rate = first_rate(subject)
    if rate is not None:
        add("lr_x10", ("learning_rate_too_low",), f"a learning rate of {rate * STEP:.3g}",
            f"learning_rate={rate * STEP:.3g}", _times_rate(subject, STEP))  # fmt: skip
        add("lr_div10", ("learning_rate_too_high",), f"a learning rate of {rate / STEP:.3g}",
            f"learning_rate={rate / STEP:.3g}", _times_rate(subject, 1 / STEP))  # fmt: skip
    if type(subject.optimizer) is not Adam or not (ADAM_RATE / 2 < (rate or 0) < ADAM_RATE * 2):
        of_adam: tuple[Code, ...] = ("optimizer",)
        if type(subject.optimizer) is Adam and rate is not None:
            of_adam = ("learning_rate_too_low" if rate < ADAM_RATE else "learning_rate_too_high", "optimizer")
        add("adam", of_adam, f"Adam with a learning rate of {ADAM_RATE:g}", f"optimizer=aw.Adam({ADAM_RATE:g})",
            replace(subject, optimizer=Adam(ADAM_RATE)))  # fmt: skip
    if subject.patience:
        add("no_early_stop", ("undertrained",), "no early stop", "n_iter_no_change=max_iter",
            replace(subject, patience=0))  # fmt: skip
    longer = int(subject.epochs * STEP)
    add("epochs_x10", ("undertrained",), f"{longer:,} epochs", f"epochs={longer}",
        replace(subject, epochs=longer))  # fmt: skip
    if subject.batch_size != BATCH and min(subject.batch_size, len(data.train)) != min(BATCH, len(data.train)):
        add("batch_32", ("batch_size",), f"batches of {BATCH} rows", f"batch_size={BATCH}",
            replace(subject, batch_size=BATCH))  # fmt: skip
    if hidden:
        wider = _map_hidden(network, lambda x: _dense(x, units=2 * x.units) if isinstance(x, Dense) else x)
        add("units_x2", ("capacity",), "twice as many hidden units", "Dense(2 * units, ...)",
            replace(subject, network=wider), REBUILT)  # fmt: skip
    if len(hidden) > 3:
        at = _output_index(network)
        keep = [k for k, x in enumerate(network.layers[:at]) if isinstance(x, Dense | Maxout)][:2]
        flat = [network.layers[k] for k in keep] + list(network.layers[at:])
        add("two_hidden", ("capacity",), "two hidden layers instead of more", "two hidden layers",
            replace(subject, network=with_layers(network, flat)), 2 * REBUILT)  # fmt: skip
    return found


def _reinitialised(subject: Subject) -> Subject | None:
    def changed(layer: Layer) -> Layer:
        if not isinstance(layer, Dense):
            return layer
        known = isinstance(layer.activation, Activation) and layer.activation.range[0] >= 0
        relu_like = known and not np.isfinite(layer.activation.range[1])
        return _dense(layer, init="he_uniform" if relu_like else "glorot_uniform")

    layers = [changed(layer) for layer in subject.network.layers]
    same = all(
        (a.init, a.bias_init) == (b.init, b.bias_init)
        for a, b in zip(layers, subject.network.layers, strict=True)
        if isinstance(a, Dense) and isinstance(b, Dense)
    )
    return None if same else replace(subject, network=with_layers(subject.network, layers))


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
