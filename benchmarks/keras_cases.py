"""Rebuilds the networks of a file of cases: data, layers, loss and optimiser as Keras 2 would have had them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import actwise as aw
from actwise.formula.expression import log, maximum
from actwise.model.losses import Loss

TRUNCATED_STD = 0.8796256610342398  # deviation of a standard normal variable that is cut at -2 and 2
KERAS_NAMES = {
    "linear": "identity",
    "hard_sigmoid": "hardsigmoid_keras2",
    "exponential": "exponential",
    "swish": "silu",
}
# In Keras a loss is a mean over the outputs, and a squared error has no factor of 1/2.
LOSSES = {
    "mean_squared_error": ("squared_error", 2.0), "mse": ("squared_error", 2.0),
    "mean_absolute_error": ("absolute_error", 1.0), "mae": ("absolute_error", 1.0),
    "mean_absolute_percentage_error": ("absolute_percentage_error", 1.0),
    "mean_squared_logarithmic_error": ("squared_logarithmic_error", 1.0),
    "huber": ("huber", 1.0), "huber_loss": ("huber", 1.0), "logcosh": ("log_cosh", 1.0), "log_cosh": ("log_cosh", 1.0),
    "hinge": ("hinge", 1.0),
}  # fmt: skip


# Keras' own, of the outputs as they are; the logarithm of an output below 0 shows as a large loss and not as NaN.
POISSON = Loss(
    "poisson_of_outputs",
    lambda x, t: x - t * log(maximum(x, 0) + 1e-7),
    lambda x, t: 1 - t / (x + 1e-7),
)


@dataclass(frozen=True)
class Rebuilt:
    """What a case hands to the doctor."""

    network: aw.Network
    X: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]
    n_train: int | None
    settings: dict[str, Any]


def rebuild(case: dict[str, Any], load: Callable[..., Any]) -> Rebuilt:
    """Make the network, the rows in order (training rows first) and the training settings of a case."""
    x, y, train, held_out = load(case)
    rows = np.concatenate([train, held_out])
    x, y = x[rows], y[rows]
    network = network_of(case)
    training = case["training"]
    targets = given_targets(case, y, network.n_outputs)
    settings = {
        "loss": loss_of(training["loss"], network, targets), "optimizer": optimizer_of(training["optimizer"]),
        "batch_size": int(training["batch_size"]), "epochs": int(training["epochs"]),
        "shuffle": bool(training["shuffle"]), "task": case["task"],
    }  # fmt: skip
    return Rebuilt(network, x, targets, len(train) if len(held_out) else None, settings)


def given_targets(case: dict[str, Any], y: np.ndarray[Any, Any], n_outputs: int) -> np.ndarray[Any, Any]:
    """Encode the targets as the case's program did: one-hot where it says so."""
    if case["data"]["label_encoding"] != "one_hot" or y.ndim > 1:
        return y
    n_classes = int(case["data"].get("n_classes") or max(y.max() + 1, n_outputs if n_outputs > 1 else 2))
    return (y[:, None] == np.arange(n_classes)).astype(float)


def network_of(case: dict[str, Any]) -> aw.Network:
    """Make the network."""
    layers: list[Any] = []
    width = int(case["network"]["input_dim"])
    for layer in case["network"]["layers"]:
        kind = layer.get("type", "dense")
        if kind == "dropout":
            layers.append(aw.Dropout(float(layer["rate"])))
        elif kind == "batchnorm":
            layers.append(aw.BatchNorm())
        elif kind == "activation":
            layers.append(aw.ActivationLayer(activation_of(layer)))
        else:
            units = int(layer["units"])
            layers.append(
                aw.Dense(
                    units,
                    activation_of(layer),
                    bias=layer.get("bias", True) is not False,
                    init=initializer_of(layer.get("init") or "glorot_uniform", (width, units)),
                    bias_init=initializer_of(layer.get("bias_init") or "zeros", (units, units)),
                )
            )
            width = units
    while isinstance(layers[-1], aw.Dropout):
        layers.pop()
    return aw.Network(layers, int(case["network"]["input_dim"]))


def activation_of(layer: dict[str, Any]) -> Any:
    """Find the activation that Keras means by a name, with Keras' default parameters."""
    name = layer.get("activation") or "linear"
    parameters = {}
    if name == "leaky_relu":
        parameters["slope"] = layer.get("alpha", 0.3)
    if name == "elu" and "alpha" in layer:
        parameters["alpha"] = layer["alpha"]
    return aw.activation(KERAS_NAMES.get(name, name), **parameters)


def initializer_of(what: Any, fans: tuple[int, int]) -> Any:
    """Find the initialiser; Keras draws its normal ones from a normal distribution cut at two deviations."""
    if isinstance(what, dict):
        kind = what["kind"]
        if kind == "uniform":
            return aw.Uniform(what["low"], what["high"])
        if kind == "constant":
            return aw.Constant(what["value"])
        return {"normal": aw.Normal, "truncated_normal": aw.TruncatedNormal}[kind](what["std"])
    variance = {"he_normal": 2 / fans[0], "lecun_normal": 1 / fans[0], "glorot_normal": 2 / sum(fans)}
    if what in variance:
        return aw.TruncatedNormal(float(np.sqrt(variance[what])) / TRUNCATED_STD)
    return {"normal": "random_normal", "uniform": "random_uniform"}.get(what, what)


def scaled(loss: Loss, factor: float) -> Loss:
    """Multiply a loss: with plain gradient descent the factor counts like one on the learning rate."""
    if factor == 1.0:
        return loss
    return replace(loss, f=lambda *a: factor * loss.f(*a), df=lambda *a: factor * loss.df(*a))


def loss_of(name: str, network: aw.Network, y: np.ndarray[Any, Any]) -> Loss:
    """Find the loss, from logits where that is the same, and of the outputs themselves where it is not."""
    output = network.output_activation.name if network.output_activation is not None else None
    columns = 1 if y.ndim == 1 else y.shape[1]
    n = network.n_outputs
    within = bool(y.min() >= 0 and y.max() <= 1)
    if name == "binary_crossentropy":
        exact = output == "sigmoid" and within and columns in (1, n)
        return scaled(aw.loss("binary_cross_entropy" if exact else "clipped_binary_cross_entropy"), 1 / n)
    if name == "sparse_categorical_crossentropy" and output == "softmax" and n > 1:
        return aw.loss("categorical_cross_entropy")
    if name in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        exact = output == "softmax" and n > 1 and within and columns == n
        return aw.loss("soft_cross_entropy" if exact else "clipped_categorical_cross_entropy")
    if name in ("kullback_leibler_divergence", "kld"):
        return aw.loss("kullback_leibler")
    if name == "poisson":
        return scaled(aw.loss("poisson") if output == "exponential" and y.min() >= 0 else POISSON, 1 / n)
    ours, factor = LOSSES[name]
    return scaled(aw.loss(ours), factor / n)


def optimizer_of(spec: dict[str, Any]) -> Any:
    """Find the optimiser, with Keras' constants."""
    rate: Any = float(spec["learning_rate"])
    if spec.get("decay"):
        rate = aw.InverseTimeDecay(rate, float(spec["decay"]))
    name, epsilon = spec["name"].lower(), float(spec.get("epsilon", 1e-7))
    betas = {"beta1": float(spec.get("beta_1", 0.9)), "beta2": float(spec.get("beta_2", 0.999)), "epsilon": epsilon}
    if name == "sgd":
        return aw.SGD(rate, momentum=float(spec.get("momentum", 0.0)), nesterov=bool(spec.get("nesterov", False)))
    if name == "rmsprop":
        return aw.RMSprop(rate, rho=float(spec.get("rho", 0.9)), epsilon=epsilon)
    if name == "adagrad":
        return aw.Adagrad(rate, epsilon=epsilon, initial_accumulator=float(spec.get("initial_accumulator", 0.1)))
    if name == "adadelta":
        return aw.Adadelta(rate, rho=float(spec.get("rho", 0.95)), epsilon=epsilon)
    return {"adam": aw.Adam, "adamax": aw.Adamax, "nadam": aw.Nadam}[name](rate, **betas)


def read_cases(path: Path) -> list[dict[str, Any]]:
    """Read a file of cases."""
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found
