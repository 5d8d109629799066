"""The estimators as data, and back: parameters, network, labels and the records of the fit.

What only a continued training would need stays behind: the optimiser's memory, and random states. A loaded
estimator predicts the same bits; `partial_fit` and a warm start go on from its weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError

from actwise.errors import InputError, ModelError
from actwise.estimators import MLPClassifier, MLPRegressor
from actwise.model.layers import Dense, Dropout
from actwise.model.network import Network
from actwise.persistence import (
    Saved,
    SavedKind,
    network_arrays,
    network_from_document,
    network_to_document,
    refuse_spare_arrays,
)
from actwise.persistence.parameters import parameter_from_document, parameter_to_document
from actwise.persistence.sections import Section, from_number, to_number
from actwise.recipes.weights import Weights
from actwise.tasks import Scaling, Task

Estimator = MLPClassifier | MLPRegressor
_FIELDS = ("parameters", "network", "columns", "records", "labels")
_SCALING = ("inputs.mean", "inputs.scale", "outputs.mean", "outputs.scale")
# What a fit records, each None, a number, a text or a list of numbers.
_RECORDS = (
    "n_iter_", "t_", "loss_", "best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_",
    "validation_loss_curve_", "stopped_because_", "out_activation_", "learning_rate_init_",
)  # fmt: skip
_WHOLE = ("n_iter_", "t_")
_TEXTS = ("stopped_because_", "out_activation_")
_LABEL_KINDS = "biufU"  # numpy's letters for truth values, whole and other numbers, and text


def _to_saved(model: Estimator) -> Saved:
    try:
        network = model.network_
    except NotFittedError as error:
        raise InputError(f"this {type(model).__name__} has not been fitted yet; call its fit first") from error
    names = getattr(model, "feature_names_in_", None)
    document = {
        "parameters": {
            name: parameter_to_document(value, name) for name, value in model.get_params(deep=False).items()
        },
        "network": network_to_document(network),
        "columns": None if names is None else [str(each) for each in names],
        "records": {name: _record_to_document(getattr(model, name, None)) for name in _RECORDS},
        "labels": _labels_to_document(model),
    }
    scaling = {"inputs": model._inputs, "outputs": model._outputs}
    arrays = {
        f"{side}.{part}": values
        for side, each in scaling.items()
        if each is not None
        for part, values in (("mean", each.centres), ("scale", each.scales))
    }
    return Saved(document, network_arrays(network) | arrays)


def _record_to_document(value: Any) -> Any:
    if isinstance(value, list | np.ndarray):
        return [from_number(float(each)) for each in value]
    if isinstance(value, float | np.floating):
        return from_number(float(value))
    return int(value) if isinstance(value, int | np.integer) else value


def _labels_to_document(model: Estimator) -> Any:
    if not isinstance(model, MLPClassifier):
        return None
    classes = np.asarray(model.classes_)
    values = classes.tolist()
    if classes.dtype.kind not in _LABEL_KINDS and not all(isinstance(each, str) for each in values):
        raise InputError(f"classes of the dtype {classes.dtype} cannot be saved; use numbers or text")
    kept = [from_number(each) if isinstance(each, float) else each for each in values]
    return {"kind": model._task.kind, "dtype": classes.dtype.str, "classes": kept}


def _from_saved(kind: type[Estimator], saved: Saved) -> Estimator:
    section = Section(dict(saved.document), "estimator", _FIELDS)
    rest = {name: each for name, each in saved.arrays.items() if name not in _SCALING}
    refuse_spare_arrays(rest)
    network = network_from_document(section["network"], rest)
    if not all(isinstance(each, Dropout) or (isinstance(each, Dense) and each.bias) for each in network.layers):
        raise ModelError("estimator.network must have layers with weights and biases only")
    model = kind()
    given = section.section("parameters", [*model.get_params(deep=False)])
    model.set_params(
        **{name: parameter_from_document(given[name], given.place(name)) for name in model.get_params(deep=False)}
    )
    _set_records(model, section.section("records", _RECORDS))
    _set_columns(model, section, network.n_inputs)
    model.n_outputs_, model.n_layers_ = network.n_outputs, len(network.linear_layers) + 1
    model._inputs = _scaling(saved, "inputs", network.n_inputs)
    model._outputs = _scaling(saved, "outputs", network.n_outputs)
    model._state = None
    if isinstance(model, MLPClassifier):
        _set_labels(model, section.section("labels", ["kind", "dtype", "classes"]), network)
    elif section["labels"] is not None:
        raise ModelError("estimator.labels must be nothing for a regression")
    model._set_weights(Weights(network, network.values))
    return model


def _set_records(model: Estimator, section: Section) -> None:
    for name in _RECORDS:
        value, where = section[name], section.place(name)
        if value is None:
            found: Any = None
        elif name in _TEXTS:
            found = section.text(name)
        elif name in _WHOLE:
            found = section.integer(name, at_least=0)
        elif isinstance(value, list):
            found = list(section.numbers(name))
        else:
            found = to_number(value, where)
        if found is not None or name != "learning_rate_init_":
            setattr(model, name, found)


def _set_columns(model: Estimator, section: Section, n_inputs: int) -> None:
    model.n_features_in_ = n_inputs
    if section["columns"] is None:
        return
    names = section.texts("columns")
    if len(names) != n_inputs:
        raise ModelError(f"estimator.columns has {len(names)} names for a network with {n_inputs} inputs")
    model.feature_names_in_ = np.array(names, dtype=object)


def _scaling(saved: Saved, side: str, width: int) -> Scaling | None:
    found = [saved.arrays.get(f"{side}.{part}") for part in ("mean", "scale")]
    mean, scale = found
    if mean is None and scale is None:
        return None
    for each in (mean, scale):
        if each is None or each.dtype != np.float64 or each.shape != (width,) or not np.all(np.isfinite(each)):
            raise ModelError(f"the arrays '{side}.mean' and '{side}.scale' must hold {width} finite numbers each")
    assert mean is not None
    assert scale is not None
    return Scaling(mean, scale)


def _set_labels(model: MLPClassifier, section: Section, network: Network) -> None:
    kind = section.choice("kind", ["binary", "multiclass", "multilabel"], "kinds of labels")
    classes = _classes(section)
    task = Task("multilabel", len(classes)) if kind == "multilabel" else Task.of_classes(classes)
    if kind == "binary" and len(classes) > 2:
        raise ModelError(f"{section.where} has {len(classes)} classes, which are more than two")
    if task.n_outputs != network.n_outputs:
        raise ModelError(f"{section.where}: {len(classes)} classes do not fit {network.n_outputs} outputs")
    model.classes_, model._task = classes, task


def _classes(section: Section) -> npt.NDArray[Any]:
    values = [each for each, _ in section.items("classes")]
    try:
        dtype = np.dtype(section.text("dtype"))
    except (TypeError, ValueError, SyntaxError) as error:
        raise ModelError(f"{section.place('dtype')} is no type of labels") from error
    wanted: tuple[type, ...] = {"b": (bool,), "i": (int,), "u": (int,), "f": (float, str)}.get(dtype.kind, (str,))
    if dtype.kind not in _LABEL_KINDS + "O" or not values or any(type(each) not in wanted for each in values):
        raise ModelError(f"{section.place('classes')} must hold labels of the type {section['dtype']!r:.20}")
    if dtype.kind == "f":
        values = [to_number(each, section.place("classes")) for each in values]
    try:
        found = np.array(values, dtype=dtype)
    except (OverflowError, ValueError) as error:
        raise ModelError(f"{section.place('classes')} has a label that {section['dtype']!r:.20} cannot hold") from error
    if found.tolist() != values or len(set(values)) != len(values) or sorted(values) != values:
        raise ModelError(f"{section.place('classes')} must be sorted, each label once")
    return found


def _kind(name: str, kind: type[Estimator]) -> SavedKind:
    return SavedKind(name, kind, _to_saved, lambda saved: _from_saved(kind, saved))


MLP_CLASSIFIER = _kind("mlp_classifier", MLPClassifier)
MLP_REGRESSOR = _kind("mlp_regressor", MLPRegressor)
