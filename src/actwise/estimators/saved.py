"""The estimators as data, and back: parameters, network, labels and the records of the fit.

What only a continued training would need stays behind: the optimiser's memory, and random states. A loaded
estimator predicts the same bits; `partial_fit` and a warm start go on from its weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError

from actwise.errors import InputError, ModelError
from actwise.estimators.classifier import MLPClassifier
from actwise.estimators.regressor import MLPRegressor
from actwise.model.layers import Dense, Dropout
from actwise.persistence import Saved, SavedKind, records
from actwise.persistence.networks import (
    NetworkRecord,
    network_arrays,
    network_from_record,
    network_to_document,
    refuse_spare_arrays,
)
from actwise.persistence.parameters import parameter_from_document, parameter_to_document
from actwise.recipes.weights import Weights
from actwise.tasks import Scaling, Task
from actwise.tasks.task import Kind

Estimator = MLPClassifier | MLPRegressor
_SCALING = ("inputs.mean", "inputs.scale", "outputs.mean", "outputs.scale")


@dataclass(frozen=True)
class _Fit:
    """What a fit records, by the names of the attributes."""

    n_iter_: int | None
    t_: int | None
    loss_: float | None
    best_loss_: float | None
    loss_curve_: tuple[float, ...] | None
    validation_scores_: tuple[float, ...] | None
    best_validation_score_: float | None
    validation_loss_curve_: tuple[float, ...] | None
    stopped_because_: str | None
    out_activation_: str | None
    learning_rate_init_: float | None


@dataclass(frozen=True)
class _Labels:
    kind: Kind
    dtype: str
    classes: tuple[bool | int | float | str, ...]


@dataclass(frozen=True)
class _Document:
    parameters: Mapping[str, Any]
    network: NetworkRecord
    columns: tuple[str, ...] | None
    records: _Fit
    labels: _Labels | None


def _to_saved(model: Estimator) -> Saved:
    try:
        network = model.network_
    except NotFittedError as error:
        raise InputError(f"this {type(model).__name__} has not been fitted yet; call its fit first") from error
    names = getattr(model, "feature_names_in_", None)
    fit: dict[str, Any] = {each.name: getattr(model, each.name, None) for each in fields(_Fit)}
    lists = {name: list(each) for name, each in fit.items() if isinstance(each, np.ndarray)}
    parameters = model.get_params(deep=False)
    document = {
        "parameters": {name: parameter_to_document(value, name) for name, value in parameters.items()},
        "network": network_to_document(network),
        "columns": None if names is None else [str(each) for each in names],
        "records": records.to_plain(_Fit(**fit | lists)),
        "labels": _labels_to_document(model) if isinstance(model, MLPClassifier) else None,
    }
    scaling = {"inputs": model._inputs, "outputs": model._outputs}
    arrays = {
        f"{side}.{part}": values
        for side, each in scaling.items()
        if each is not None
        for part, values in (("mean", each.centres), ("scale", each.scales))
    }
    return Saved(document, network_arrays(network) | arrays)


def _labels_to_document(model: MLPClassifier) -> Any:
    classes = np.asarray(model.classes_)
    if classes.dtype.kind not in "biufU" and not all(isinstance(each, str) for each in classes):
        raise InputError(f"classes of the dtype {classes.dtype} cannot be saved; use numbers or text")
    return records.to_plain(_Labels(model._task.kind, classes.dtype.str, tuple(classes.tolist())))


def _from_saved(kind: type[Estimator], saved: Saved) -> Estimator:
    document = records.from_plain(_Document, saved.document, "estimator", finite=False)
    rest = {name: each for name, each in saved.arrays.items() if name not in _SCALING}
    refuse_spare_arrays(rest)
    network = network_from_record(document.network, rest)
    if not all(isinstance(each, Dropout) or (isinstance(each, Dense) and each.bias) for each in network.layers):
        raise ModelError("estimator.network must have layers with weights and biases only")
    model = kind()
    known = model.get_params(deep=False)
    if strange := document.parameters.keys() - known.keys():
        raise ModelError(f"estimator.parameters has the unknown field {min(strange)!r:.60}")
    given = {
        name: parameter_from_document(each, f"estimator.parameters.{name}")
        for name, each in document.parameters.items()
    }
    model.set_params(**given)
    for each in fields(_Fit):
        value = getattr(document.records, each.name)
        if value is not None or each.name != "learning_rate_init_":
            setattr(model, each.name, list(value) if isinstance(value, tuple) else value)
    model.n_features_in_ = network.n_inputs
    if document.columns is not None:
        if len(document.columns) != network.n_inputs:
            columns = f"{len(document.columns)} names for a network with {network.n_inputs} inputs"
            raise ModelError(f"estimator.columns has {columns}")
        model.feature_names_in_ = np.array(document.columns, dtype=object)
    model.n_outputs_, model.n_layers_ = network.n_outputs, len(network.linear_layers) + 1
    model._inputs = _scaling(saved, "inputs", network.n_inputs)
    model._outputs = _scaling(saved, "outputs", network.n_outputs)
    model._state = None
    if isinstance(model, MLPClassifier) and document.labels is not None:
        model.classes_, model._task = _labels(document.labels, network.n_outputs)
    elif isinstance(model, MLPClassifier) or document.labels is not None:
        raise ModelError("estimator.labels must be there for a classification, and null for a regression")
    model._set_weights(Weights(network, network.values))
    return model


def _scaling(saved: Saved, side: str, width: int) -> Scaling | None:
    mean, scale = (saved.arrays.get(f"{side}.{part}") for part in ("mean", "scale"))
    if mean is None and scale is None:
        return None
    for each in (mean, scale):
        if each is None or each.dtype != np.float64 or each.shape != (width,) or not np.all(np.isfinite(each)):
            raise ModelError(f"the arrays '{side}.mean' and '{side}.scale' must hold {width} finite numbers each")
    assert mean is not None
    assert scale is not None
    return Scaling(mean, scale)


def _labels(record: _Labels, n_outputs: int) -> tuple[npt.NDArray[Any], Task]:
    classes = _classes(record)
    task = Task("multilabel", len(classes)) if record.kind == "multilabel" else Task.of_classes(classes)
    if task.kind != record.kind:
        raise ModelError(f"estimator.labels has {len(classes)} classes, which are no {record.kind} ones")
    if task.n_outputs != n_outputs:
        raise ModelError(f"estimator.labels: {len(classes)} classes do not fit {n_outputs} outputs")
    return classes, task


def _classes(record: _Labels) -> npt.NDArray[Any]:
    where, values = "estimator.labels.classes", list(record.classes)
    try:
        dtype = np.dtype(record.dtype)
    except (TypeError, ValueError, SyntaxError) as error:
        raise ModelError("estimator.labels.dtype is no type of labels") from error
    wanted: tuple[type, ...] = {"b": (bool,), "i": (int,), "u": (int,), "f": (float, str)}.get(dtype.kind, (str,))
    if dtype.kind not in "biufUO" or not values or any(type(each) not in wanted for each in values):
        raise ModelError(f"{where} must hold labels of the type {record.dtype!r:.20}")
    if dtype.kind == "f":
        values = [records.from_plain(float, each, where, finite=False) for each in values]
    found: npt.NDArray[Any]
    try:
        found = np.array(values, dtype=dtype)
    except (OverflowError, ValueError) as error:
        raise ModelError(f"{where} has a label that {record.dtype!r:.20} cannot hold") from error
    if found.tolist() != values or len(set(values)) != len(values) or sorted(values) != values:
        raise ModelError(f"{where} must be sorted, each label once")
    return found


def _kind(name: str, kind: type[Estimator]) -> SavedKind:
    return SavedKind(name, kind, _to_saved, lambda saved: _from_saved(kind, saved))


MLP_CLASSIFIER = _kind("mlp_classifier", MLPClassifier)
MLP_REGRESSOR = _kind("mlp_regressor", MLPRegressor)
