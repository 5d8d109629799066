"""What looks wrong before any training: costs nothing, and is hardly ever wrong where it is called certain."""

from __future__ import annotations

import numpy as np

from actwise.doctor.architecture import hidden_activations, output_name
from actwise.doctor.causes import CERTAIN, Code, Suspicion
from actwise.doctor.changes import FEW_UPDATES, STRONG_PENALTY, fits_output, highest_rate
from actwise.doctor.data import Data
from actwise.doctor.derivatives import wrong_derivatives
from actwise.doctor.setup import Setup
from actwise.doctor.targets import Numbers
from actwise.model.initializers import Constant, initializer
from actwise.model.layers import Dense
from actwise.model.optimizers import LBFGS, SGD

UNREACHABLE = 0.1  # share of the targets' variance that no output can reach, from which a mismatch is certain
LARGE, SMALL = 20.0, 0.05  # size of a standardised column's neighbourhood: beyond it scaling is advised
FAR = 10.0  # times beyond what is usual, from which a rate is hardly ever right
NEAR_NOTHING = 0.1  # share of a typical target: dividing by less gives a row more than ten times its weight
DEEP = 6  # hidden layers of a saturating activation from which gradients vanish
SMALL_INIT, LARGE_INIT = 0.3, 3.0  # size of initial weights beside what the activation asks for
BOUNDED_HIDDEN = frozenset({"sigmoid", "hardsigmoid", "hardsigmoid_keras2", "softmax", "exponential"})


def suspicions(setup: Setup, data: Data) -> list[Suspicion]:
    """Return what looks wrong before any training, the most plausible first.

    Parameters
    ----------
    setup : Setup
        The network and its training.
    data : Data
        The rows.
    """
    found = _not_finite(data)
    if found:
        return found
    found = [
        *_output(setup, data), *_scales(setup, data), *_weights(setup), *_rows(setup, data),
        *_hidden(setup, data), *_steps(setup, data), *_derivatives(setup), *_penalty(setup),
    ]  # fmt: skip
    strongest: dict[Code, Suspicion] = {}
    for each in sorted(found, key=lambda each: -each.weight):
        strongest.setdefault(each.code, each)
    return list(strongest.values())


def _not_finite(data: Data) -> list[Suspicion]:
    found = []
    for name, values in (("X", data.X), ("y", data.task.given)):
        bad = ~np.isfinite(values)
        if bad.any():
            row, column = (int(k) for k in np.argwhere(bad)[0])
            seen = (
                f"{name} contains {int(bad.sum())} values that are not finite, the first in row {row}, column {column}"
            )
            found.append(Suspicion("not_finite", 1.0, seen))
    return found


def unreachable_share(setup: Setup, data: Data) -> float:
    """Share of the targets' variance that lies outside the range of the output layer."""
    output = setup.network.output_activation
    if output is None or setup.loss.target == "class" or setup.loss.output == "exponential":
        return 0.0
    t = setup.targets(data)[0][data.train].astype(np.float64)
    if output.name == "softmax":
        # The nearest point of the simplex would be exact; taking the excess of the sum off evenly is a bound.
        nearest = t - (t.sum(axis=1, keepdims=True) - 1) / t.shape[1]
    else:
        low, high = output.range if hasattr(output, "range") else (-np.inf, np.inf)
        nearest = np.clip(t, low, high)
    spread = float(((t - t.mean(axis=0)) ** 2).sum())
    missed = float(((t - nearest) ** 2).sum())
    return missed / spread if spread > 0 else float(missed > 0)


def _output(setup: Setup, data: Data) -> list[Suspicion]:
    found = []
    output, loss, task = output_name(setup.network), setup.loss.name, data.task
    last = len(setup.network.layers)
    share = unreachable_share(setup, data)
    fits, _, encoded = fits_output(setup, task)
    t = setup.targets(data)[0][data.train]
    if share > 0.001:
        if output == "softmax" and setup.network.n_outputs == 1:
            seen = "the softmax of a single unit is 1 for every row, whatever the weights"
        elif output == "softmax":
            sums = t.sum(axis=1)
            seen = f"softmax outputs sum to 1 in each row; the targets sum to {sums.min():.4g} to {sums.max():.4g}"
        else:
            low, high = getattr(setup.network.output_activation, "range", (-np.inf, np.inf))
            seen = (
                f"the targets range from {t.min():.4g} to {t.max():.4g} and the outputs of {output} from {low:g} to "
                f"{high:g}: {min(share, 1):.0%} of the targets' variance is out of reach"
            )
        code: Code = "label_encoding" if task.is_classification and fits else "output_activation_mismatch"
        found.append(Suspicion(code, 1.0 if share > UNREACHABLE else 0.4, seen, last))
    if "cross_entropy" in loss:
        low, high = getattr(setup.network.output_activation, "range", (-np.inf, np.inf))
        if low < 0 or high > 1:
            seen = f"{loss} takes logarithms of the outputs, and those of {output} need not be between 0 and 1"
            found.append(Suspicion("output_activation_mismatch", 0.6, seen, last))
    elif task.is_classification and loss != "hinge":
        found.append(
            Suspicion("loss_mismatch", 0.15, f"{loss} is meant for numbers, but the targets are classes", last)
        )
    if task.kind == "regression" and (doubt := _doubt_about_loss(loss, t)):
        found.append(Suspicion("loss_mismatch", 0.7, doubt, last))
    if task.kind == "multiclass" and output == "sigmoid" and not fits:
        seen = "sigmoid outputs are independent of each other, but each row belongs to exactly one class"
        found.append(Suspicion("output_activation_mismatch", 0.2, seen, last))
    if not encoded:
        columns, units = task.given.shape[1], setup.network.n_outputs
        seen = (
            f"one column of labels for {units} output units: every unit is given the same target"
            if columns != units
            else f"the labels range from {task.given.min():g} to {task.given.max():g}, but {output} with {loss} "
            f"expects {-1 if loss == 'hinge' else 0} and 1"
        )
        # A label of 0 has no side of its own: the hinge loss learns nothing from such rows.
        weight = 0.7 if columns != units or loss == "hinge" else 0.3
        found.append(Suspicion("label_encoding", weight, seen, last))
    return found


def _doubt_about_loss(loss: str, t: Numbers) -> str:
    """Say why a loss does not measure distances from these targets; empty where it does."""
    below = float(np.mean(t < 0))
    if "cross_entropy" in loss or loss == "hinge":
        return f"{loss} is meant for classes, but the targets are numbers"
    if below and (loss.startswith("poisson") or loss == "squared_logarithmic_error"):
        return f"{loss} is meant for targets of 0 and more, but {below:.0%} of them are negative"
    sizes = np.abs(t)
    if loss == "absolute_percentage_error" and sizes.min() < NEAR_NOTHING * np.median(sizes):
        seen = f"{loss} divides by the targets, whose sizes range from {sizes.min():.2g} to {sizes.max():.2g}"
        return f"{seen}: rows with targets near 0 dominate the loss"
    return ""


def _scales(setup: Setup, data: Data) -> list[Suspicion]:
    found = []
    X = setup.inputs(data)[data.train].astype(np.float64)
    size = np.sqrt((X**2).mean(axis=0))
    largest, spread = float(size.max()), X.std(axis=0)
    useful = spread[spread > 0]
    smallest = float(np.median(useful)) if useful.size else 1.0
    if largest > LARGE or (smallest < SMALL and useful.size):
        worst = max(largest / LARGE, SMALL / max(smallest, 1e-300))
        seen = f"the root mean squares of the input columns range from {size.min():.3g} to {largest:.3g}"
        seen += f", and their median standard deviation is {smallest:.3g}" * (smallest < SMALL)
        found.append(Suspicion("unscaled_inputs", float(np.clip(0.3 + 0.2 * np.log10(worst), 0.3, 0.8)), seen))
    if data.task.kind == "regression":
        t = setup.targets(data)[0][data.train]
        size_of_targets = float(np.sqrt((t**2).mean()))
        if size_of_targets > LARGE or 0 < float(t.std()) < SMALL:
            worst = max(size_of_targets / LARGE, SMALL / max(float(t.std()), 1e-300))
            seen = f"the targets have a mean of {t.mean():.3g} and a standard deviation of {t.std():.3g}"
            found.append(Suspicion("unscaled_targets", float(np.clip(0.3 + 0.2 * np.log10(worst), 0.3, 0.8)), seen))
    return found


def _weights(setup: Setup) -> list[Suspicion]:
    found = []
    weights = iter(setup.network.weights)
    for index, layer in enumerate(setup.network.layers):
        if not hasattr(layer, "init"):
            continue
        matrix = next(weights).astype(np.float64)
        hidden = index < len(setup.network.layers) - 1
        if hidden and matrix.shape[1] > 1 and np.all(matrix == matrix[:, :1]):
            seen = (
                f"all {matrix.shape[1]} units of layer {index + 1} start with the same weights, so they stay the same"
            )
            found.append(Suspicion("init", 0.9, seen, index + 1))
        elif hidden and matrix.size > 4 and isinstance(layer, Dense):
            wanted = _wanted_size(layer, matrix.shape)
            ratio = float(np.sqrt(np.mean(matrix**2))) / wanted
            if ratio < SMALL_INIT or ratio > LARGE_INIT:
                seen = (
                    f"the initial weights of layer {index + 1} are {ratio:.2g} times as large as they should be for "
                    f"{layer.activation.name}"
                )
                found.append(Suspicion("init", 0.35, seen, index + 1))
        constant = (
            isinstance(layer.init, Constant) if not isinstance(layer.init, str) else layer.init in ("zeros", "ones")
        )
        if isinstance(layer, Dense) and not layer.bias and not constant:
            at_zero = float(layer.activation(np.zeros(2))[0])
            seen = f"layer {index + 1} has no bias: its output for inputs of 0 is always {at_zero:g}"
            found.append(Suspicion("missing_bias", 0.5, seen, index + 1))
    return found


def _wanted_size(layer: Dense, shape: tuple[int, ...]) -> float:
    """Root mean square of weights of the size that suits the activation."""
    fans = (float(shape[0]), float(shape[1]))
    drawn = initializer("auto", layer.gain).draw((400,), fans, np.random.default_rng(0))
    return float(np.sqrt(np.mean(drawn**2)))


def _rows(setup: Setup, data: Data) -> list[Suspicion]:
    found = []
    n = len(data.train)
    if setup.batch_size >= n and n >= 64 and not isinstance(setup.optimizer, LBFGS):
        seen = f"a batch of {setup.batch_size} rows holds all {n} rows: one update per epoch"
        found.append(Suspicion("batch_size", 0.3, seen))
    if setup.batch_size == 1 and n > 100 and (highest_rate(setup.optimizer) or 0) >= 0.01:
        found.append(Suspicion("batch_size", 0.2, f"every row makes an update of its own, {n} per epoch"))
    if len(np.unique(data.task.given[data.train], axis=0)) == 1:
        found.append(Suspicion("no_signal", 0.5, "all targets are equal: there is nothing to learn"))
    conflicts = _conflicts(data)
    if conflicts > 0.05:
        seen = f"for {conflicts:.0%} of the rows there is another row with the same inputs and a different target"
        found.append(Suspicion("no_signal", 0.2, seen))
    return found


def _conflicts(data: Data) -> float:
    rows = data.train[:20_000]
    if not data.task.is_classification or data.task.truth.ndim > 1:
        return 0.0
    _, group = np.unique(data.X[rows], axis=0, return_inverse=True)
    pairs = np.unique(np.column_stack([group.reshape(-1), data.task.truth[rows]]), axis=0)[:, 0]
    labels = np.bincount(pairs)
    return float(np.mean(labels[group.reshape(-1)] > 1))


def _hidden(setup: Setup, data: Data) -> list[Suspicion]:
    hidden = hidden_activations(setup.network)
    found = []
    if hidden and all(name == "identity" for name in hidden):
        layers = "the hidden layer is" if len(hidden) == 1 else f"all {len(hidden)} hidden layers are"
        seen = f"{layers} linear, so the whole network is one linear map"
        found.append(Suspicion("missing_nonlinearity", 0.5, seen))
    squashing = [name for name in hidden if name in BOUNDED_HIDDEN]
    if squashing:
        deep = len(squashing) >= DEEP or "exponential" in squashing
        seen = f"{len(squashing)} hidden layer{'s' * (len(squashing) > 1)} with {squashing[0]}"
        found.append(Suspicion("hidden_activation", 0.6 if deep else 0.2, seen))
    narrow = [
        (k + 1, layer.units) for k, layer in enumerate(setup.network.layers[:-1])
        if isinstance(layer, Dense) and layer.units < min(2, data.X.shape[1])
    ]  # fmt: skip
    if narrow:
        found.append(
            Suspicion(
                "capacity",
                0.3,
                f"layer {narrow[0][0]} has a single unit, so only one number gets through",
                narrow[0][0],
            )
        )
    return found


def _steps(setup: Setup, data: Data) -> list[Suspicion]:
    if isinstance(setup.optimizer, LBFGS):
        return []
    found = []
    updates = setup.updates_per_epoch(data) * setup.epochs
    if updates < FEW_UPDATES:
        weight = 0.6 if updates < FEW_UPDATES / 10 else 0.35
        found.append(Suspicion("undertrained", weight, f"there are only {updates:,} updates in all"))
    rate = highest_rate(setup.optimizer) or 0.0
    plain = isinstance(setup.optimizer, SGD)
    low, high = (1e-3, 0.5) if plain else (1e-4, 0.03)
    if plain and isinstance(setup.optimizer, SGD):
        rate = rate / (1 - setup.optimizer.momentum)
    if rate <= low:
        weight = 0.4 if rate > low / FAR else 0.7
        found.append(Suspicion("learning_rate_too_low", weight, f"the learning rate is {rate:g}"))
    if rate >= high:
        weight = 0.4 if rate < high * FAR else 0.7
        found.append(Suspicion("learning_rate_too_high", weight, f"the learning rate is {rate:g}"))
    return found


def _penalty(setup: Setup) -> list[Suspicion]:
    if setup.l2 < FAR * STRONG_PENALTY:
        return []
    seen = f"l2={setup.l2:g} adds {setup.l2 / 2:g} times the sum of the squared weights to the mean loss"
    return [Suspicion("regularization", 0.4, seen)]


def _derivatives(setup: Setup) -> list[Suspicion]:
    """Look at derivatives that a person declared; those of the catalogue are proven."""
    found = []
    for place, report in wrong_derivatives(setup.network):
        seen = f"the derivative of layer {place}'s activation is wrong"
        if isinstance(report.first_wrong_at, float):
            declared = f"it is declared as {report.got:.4g} and should be {report.expected:.4g}"
            seen += f": at x = {report.first_wrong_at:.4g} {declared}"
        found.append(Suspicion(report.cause, CERTAIN, seen, place))
    return found
