"""From what people hand in to a subject: networks, results of trainings, scikit-learn's perceptrons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise import losses, optimizers
from actwise.activations import activation
from actwise.doctor.subjects import Subject
from actwise.doctor.tasks import Task, find_task
from actwise.errors import InputError, suggest
from actwise.initializers import Uniform
from actwise.layers import Dense, Layer
from actwise.losses import Loss
from actwise.network import Network
from actwise.optimizers import LBFGS, SGD, Adam, Optimizer
from actwise.training import Run, TrainingSettings, is_small

SETTINGS = (
    "loss", "optimizer", "learning_rate", "batch_size", "epochs", "shuffle", "l2", "largest_gradient_norm",
    "patience", "tolerance",
)  # fmt: skip
SKLEARN_ACTIVATIONS = {"logistic": "sigmoid", "identity": "identity", "tanh": "tanh", "relu": "relu"}
SKLEARN_BATCH = 200
DEFAULT_EPOCHS, DEFAULT_ITERATIONS = 100, 1000  # those of actwise.training


@dataclass(frozen=True, eq=False)
class Handed:
    """A subject and the targets that came with it."""

    subject: Subject
    task: Task


def as_subject(
    model: object, X: npt.NDArray[Any], y: npt.ArrayLike, task: str | None, given: Mapping[str, Any]
) -> Handed:
    """Describe what a person handed in.

    Parameters
    ----------
    model : Network, Run, MLPClassifier or MLPRegressor
        What is to be examined.
    X : ndarray of shape (n_rows, n_inputs)
        Inputs.
    y : array_like
        Targets or labels.
    task : str, optional
        What kind of task it is.
    given : mapping
        Training settings; they go before those of the model.

    Raises
    ------
    InputError
        If the model is none that can be examined, or a setting is unknown.
    """
    for name in given:
        if name not in SETTINGS:
            raise InputError(f"unknown setting {name!r}; {suggest(name, SETTINGS, noun='settings')}")
    if isinstance(model, Run):
        return _of_network(model.network, y, task, _settings_of(model.settings) | dict(given), len(X))
    if isinstance(model, Network):
        return _of_network(model, y, task, given, len(X))
    if isinstance(model, type):
        raise InputError(f"{model.__name__} is a class; hand over an instance of it")
    names = [each.__name__ for each in type(model).__mro__ if each.__module__.startswith("sklearn.")]
    if {"MLPClassifier", "MLPRegressor"} & set(names) and hasattr(model, "hidden_layer_sizes"):
        return _of_sklearn(model, X, y, "MLPClassifier" in names)
    raise InputError(
        f"a {type(model).__name__} cannot be diagnosed; hand over an aw.Network, the result of aw.train, a model "
        "of a table, or scikit-learn's MLPClassifier or MLPRegressor"
    )


def _settings_of(settings: TrainingSettings) -> dict[str, Any]:
    names = [name for name in SETTINGS if name != "learning_rate"]
    return {name: getattr(settings, name) for name in names}


def _of_network(network: Network, y: npt.ArrayLike, kind: str | None, given: Mapping[str, Any], n_rows: int) -> Handed:
    chosen = losses.loss(given.get("loss", "squared_error"))
    classes = True if "cross_entropy" in chosen.name else None
    task = find_task(y, kind, classes=classes)
    optimizer: str | Optimizer = given.get("optimizer", "auto")
    rate = given.get("learning_rate")
    if optimizer == "auto":
        optimizer = LBFGS() if rate is None and is_small(network, n_rows) else "adam"
    found = optimizers.optimizer(optimizer, rate)
    epochs = given.get("epochs") or (DEFAULT_ITERATIONS if isinstance(found, LBFGS) else DEFAULT_EPOCHS)
    rest = {name: given[name] for name in SETTINGS[3:] if name in given and name != "epochs"}
    chosen = _bearable(chosen, network, task)
    return Handed(Subject(network, chosen, found, epochs=int(epochs), **rest), task)


def _bearable(loss: Loss, network: Network, task: Task) -> Loss:
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


def _of_sklearn(model: Any, X: npt.NDArray[Any], y: npt.ArrayLike, classifies: bool) -> Handed:
    """Map the parameters of scikit-learn's perceptrons; labels may be of any type."""
    if classifies:
        labels = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] > 1:
            task = find_task(labels, "multilabel")
        else:
            known, codes = np.unique(labels.reshape(-1), return_inverse=True)
            task = find_task(codes.astype(float), "binary" if len(known) <= 2 else "multiclass")
    else:
        task = find_task(y, "regression")
    sizes = np.atleast_1d(model.hidden_layer_sizes)
    if model.activation not in SKLEARN_ACTIVATIONS:
        raise InputError(f"activation={model.activation!r} is none of scikit-learn's {', '.join(SKLEARN_ACTIVATIONS)}")
    name = SKLEARN_ACTIVATIONS[model.activation]
    output, loss = {
        "regression": ("identity", "squared_error"), "multiclass": ("softmax", "categorical_cross_entropy"),
    }.get(task.kind, ("sigmoid", "binary_cross_entropy"))  # fmt: skip
    layers: list[Layer] = []
    width = X.shape[1]
    for units, each in [*((int(size), name) for size in sizes), (task.n_outputs, output)]:
        # As MLPClassifier._init_coef: Glorot's bound, for logistic units with 2 in place of 6.
        bound = float(np.sqrt((2.0 if name == "sigmoid" else 6.0) / (width + units)))
        layers.append(Dense(units, activation(each), init=Uniform(-bound, bound), bias_init=Uniform(-bound, bound)))
        width = units
    n = len(X)
    batch = min(SKLEARN_BATCH, n) if model.batch_size == "auto" else min(int(model.batch_size), n)
    optimizer: Optimizer
    if model.solver == "lbfgs":
        optimizer, batch = LBFGS(), n
    elif model.solver == "sgd":
        optimizer = SGD(model.learning_rate_init, model.momentum, bool(model.nesterovs_momentum and model.momentum > 0))
    else:
        optimizer = Adam(model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon)
    steps = model.solver != "lbfgs"
    subject = Subject(
        Network(layers, X.shape[1]), losses.loss(loss), optimizer, batch, int(model.max_iter), bool(model.shuffle),
        float(model.alpha) / batch, patience=int(model.n_iter_no_change) + 1 if steps else 0,
        tolerance=float(model.tol) if steps else 0.0,
    )  # fmt: skip
    return Handed(subject, task)
