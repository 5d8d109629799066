"""scikit-learn's perceptrons: the network and training that they are here, and copies with changed settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.activations import activation
from actwise.errors import InputError
from actwise.model import losses
from actwise.model.initializers import Uniform
from actwise.model.layers import Dense, Layer
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, SGD, Adam, Optimizer
from actwise.model.schedules import InverseScaling, Schedule
from actwise.training.descriptions import NOTE_ON_ADAPTIVE, TrainingDescription

ACTIVATIONS = {"logistic": "sigmoid", "identity": "identity", "tanh": "tanh", "relu": "relu"}
BATCH = 200  # of batch_size="auto"
_NAMES = {
    "activation": "activation", "optimizer": "solver", "epochs": "max_iter", "batch_size": "batch_size",
    "learning_rate": "learning_rate_init", "l2": "alpha",
}  # fmt: skip


def is_perceptron(model: object) -> bool:
    """Whether it is scikit-learn's MLPClassifier or MLPRegressor, or made from one."""
    return bool({"MLPClassifier", "MLPRegressor"} & _names(model)) and hasattr(model, "hidden_layer_sizes")


def _names(model: object) -> set[str]:
    return {each.__name__ for each in type(model).__mro__ if each.__module__.startswith("sklearn.")}


def training_description(
    model: Any, X: npt.NDArray[Any], y: npt.ArrayLike, changes: Mapping[str, Any]
) -> TrainingDescription:
    """Say how scikit-learn trains a perceptron with some changes on rows of shape (n_rows, n_inputs)."""
    if changes:
        model = changed(model, {name: value for name, value in changes.items() if not name.startswith("scale_")}, 0)
    task, targets, outputs = _targets(model, X, y)
    if model.activation not in ACTIVATIONS:
        raise InputError(f"activation={model.activation!r} is none of scikit-learn's {', '.join(ACTIVATIONS)}")
    name = ACTIVATIONS[model.activation]
    n_outputs = targets.shape[1] if task != "multiclass" else int(targets.max()) + 1
    output, loss = {
        "regression": ("identity", "squared_error"), "multiclass": ("softmax", "categorical_cross_entropy"),
    }.get(task, ("sigmoid", "binary_cross_entropy"))  # fmt: skip
    if task == "regression" and getattr(model, "loss", loss) == "poisson":
        output, loss = "exponential", "poisson"
    layers: list[Layer] = []
    width = X.shape[1]
    sizes = [int(size) for size in np.atleast_1d(model.hidden_layer_sizes)]
    for units, each in [*((size, name) for size in sizes), (n_outputs, output)]:
        # As MLPClassifier._init_coef: Glorot's bound, for logistic units with 2 in place of 6.
        bound = float(np.sqrt((2.0 if name == "sigmoid" else 6.0) / (width + units)))
        layers.append(Dense(units, activation(each), init=Uniform(-bound, bound), bias_init=Uniform(-bound, bound)))
        width = units
    n = len(X)
    batch = min(BATCH, n) if model.batch_size == "auto" else min(int(model.batch_size), n)
    optimizer: Optimizer
    if model.solver == "lbfgs":
        optimizer, batch = LBFGS(), n
    elif model.solver == "sgd":
        rate: float | Schedule = float(model.learning_rate_init)
        if model.learning_rate == "invscaling":
            rate = InverseScaling(float(model.learning_rate_init), float(model.power_t), n, -(-n // batch))
        optimizer = SGD(rate, model.momentum, bool(model.nesterovs_momentum and model.momentum > 0))
    else:
        optimizer = Adam(model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon)
    steps = model.solver != "lbfgs"
    adapts = model.solver == "sgd" and model.learning_rate == "adaptive"  # divided where others stop
    settings = {
        "loss": losses.loss(loss), "optimizer": optimizer, "batch_size": batch, "epochs": int(model.max_iter),
        "shuffle": bool(model.shuffle), "l2": float(model.alpha) / batch,
        "patience": int(model.n_iter_no_change) + 1 if steps and not adapts else 0,
        "tolerance": float(model.tol) if steps else 0.0,
    }  # fmt: skip
    share = float(model.validation_fraction) if steps and model.early_stopping else 0.0
    return TrainingDescription(
        Network(layers, X.shape[1]),
        X,
        targets,
        task,
        settings,
        scales_inputs="scale_inputs" in changes,
        scales_targets="scale_targets" in changes,
        validation_share=share,
        outputs=outputs,
        note=NOTE_ON_ADAPTIVE if adapts else "",
    )


def _targets(
    model: Any, X: npt.NDArray[Any], y: npt.ArrayLike
) -> tuple[str, npt.NDArray[np.float64], npt.NDArray[Any] | None]:
    """Return the task, the targets as the loss takes them, and the outputs of the fitted model."""
    fitted = hasattr(model, "coefs_")
    if fitted and model.n_features_in_ != X.shape[1]:
        raise InputError(f"the model was fitted with {model.n_features_in_} inputs, and X has {X.shape[1]} columns")
    if "MLPClassifier" not in _names(model):
        numbers = np.asarray(y, np.float64)
        return "regression", numbers.reshape(len(numbers), -1), _columns(model.predict(X)) if fitted else None
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] > 1:
        return "multilabel", labels.astype(np.float64), _columns(model.predict_proba(X)) if fitted else None
    known, codes = np.unique(labels.reshape(-1), return_inverse=True)
    task = "binary" if len(known) <= 2 else "multiclass"
    outputs = None
    if fitted and np.array_equal(model.classes_, known):
        outputs = model.predict_proba(X)[:, 1:] if task == "binary" else model.predict_proba(X)
    return task, codes.reshape(-1, 1).astype(np.float64), outputs


def _columns(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.reshape(len(values), -1)


def changed(model: Any, settings: Mapping[str, Any], seed: int) -> Any:
    """Return an unfitted copy of scikit-learn's perceptron with some settings changed.

    Where inputs or targets are to be standardised it comes in a pipeline or in a `TransformedTargetRegressor`.
    """
    from sklearn.base import clone
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    new: dict[str, Any] = {_NAMES[name]: value for name, value in settings.items() if name in _NAMES}
    if "hidden" in settings:
        new["hidden_layer_sizes"] = tuple(settings["hidden"])
    found = clone(model).set_params(**new, random_state=seed)
    if "patience" in settings:
        found.set_params(n_iter_no_change=found.max_iter, early_stopping=False)
    if settings.get("scale_targets"):
        found = TransformedTargetRegressor(found, transformer=StandardScaler())
    return make_pipeline(StandardScaler(), found) if settings.get("scale_inputs") else found
