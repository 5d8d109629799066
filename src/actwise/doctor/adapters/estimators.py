"""Perceptrons of Actwise and of scikit-learn, and pipelines that end in one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.doctor.adapters import perceptrons
from actwise.doctor.adapters.described import Described, as_rows
from actwise.doctor.data import Rows
from actwise.doctor.setup import Origin, Setup
from actwise.doctor.targets import Numbers, as_targets
from actwise.errors import InputError
from actwise.training.descriptions import DescribesTraining, TrainingDescription

# From settings, rows, targets and a seed to an unfitted model.
Changed: TypeAlias = Callable[[Mapping[str, Any], Any, Any, int], Any]


def describe_estimator(model: object, X: Any, y: Any) -> Described:
    """Describe a perceptron, fitted or not."""
    return _describe(model, X, y, lambda settings, rows, targets, seed: _changed(model, settings, rows, targets, seed))


def _describe(model: object, X: Any, y: Any, changed: Changed, outer: Any = None, as_fitted: Any = None) -> Described:
    """Describe an estimator of Actwise's or scikit-learn's.

    `outer` are the rows of the model around it, and `as_fitted` those that its weights were fitted to, where these
    are others.
    """
    outer = X if outer is None else outer
    rows = as_rows(X)
    finite = bool(np.isfinite(rows).all())
    # Estimators refuse NaN, and here it is the finding: any other number will do to see how they would train.
    shown = X if finite else np.nan_to_num(rows, posinf=0.0, neginf=0.0)
    if len(rows) != len(y):
        raise InputError(f"X has {len(rows)} rows and y {len(y)}")
    if not (isinstance(model, DescribesTraining) or perceptrons.is_perceptron(model)):
        raise InputError(
            f"a {type(model).__name__} cannot be diagnosed; hand over an aw.Network, the result of aw.train, a model "
            "of a table, MLPClassifier or MLPRegressor of Actwise or scikit-learn, or a pipeline that ends in one"
        )

    parts = _parts(model, shown, y)
    if as_fitted is not None and finite:
        parts = replace(parts, outputs=_parts(model, as_fitted, y).outputs)

    def rebuild(settings: Mapping[str, Any], chosen: npt.NDArray[np.int64], seed: int) -> Any:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.utils import _safe_indexing

        some, targets = _safe_indexing(outer, chosen), _safe_indexing(y, chosen)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are part of what was found
            return changed(settings, some, targets, seed).fit(some, targets)

    def describe(settings: Mapping[str, Any]) -> Setup:
        return _of_parts(_parts(model, shown, y, settings), rows, origin).setup

    origin = Origin(
        "estimator" if isinstance(model, DescribesTraining) else "sklearn", rebuild, parts.outputs if finite else None,
        describe, note=parts.note,
    )  # fmt: skip
    return _of_parts(parts, rows, origin)


def _of_parts(parts: TrainingDescription, X: Numbers, origin: Origin) -> Described:
    settings = dict(parts.settings)
    setup = Setup(
        parts.network, settings.pop("loss"), settings.pop("optimizer"), scale_inputs=parts.scales_inputs,
        scale_targets=parts.scales_targets, early_stopping=parts.validation_share > 0, origin=origin, **settings,
    )  # fmt: skip
    weights = None if parts.weights is None else np.asarray(parts.weights, np.float64)
    return Described(setup, X, as_targets(parts.targets, parts.task), weights, parts.validation_share)


def _parts(model: Any, X: Any, y: Any, settings: Mapping[str, Any] | None = None) -> TrainingDescription:
    """Say how a perceptron is trained, with some settings changed."""
    if not isinstance(model, DescribesTraining):
        return perceptrons.training_description(model, as_rows(X), y, settings or {})
    changed = model if settings is None else model.changed(settings, X, y, 0)
    return changed.training_description(X, y)


def _changed(model: Any, settings: Mapping[str, Any], X: Any, y: Any, seed: int) -> Any:
    if not isinstance(model, DescribesTraining):
        return perceptrons.changed(model, settings, seed)
    return model.changed(settings, X, y, seed)


def describe_pipeline(pipeline: Any, X: Any, y: Any, rows: Rows | None) -> Described:
    """Examine the last step on what the steps before it make of the rows, fitted to some of them only."""
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError
    from sklearn.pipeline import Pipeline
    from sklearn.utils import _safe_indexing

    *before, (name, last) = pipeline.steps
    first = Pipeline(before) if before else None

    def prepared(some: Any, targets: Any) -> Any:
        return some if first is None else clone(first).fit(some, targets).transform(some)

    def changed(settings: Mapping[str, Any], some: Any, targets: Any, seed: int) -> Any:
        ending = _changed(last, settings, prepared(some, targets), targets, seed)
        return Pipeline([*((label, clone(step)) for label, step in before), (name, ending)])

    if first is None:
        return _describe(last, X, y, changed, X)
    if rows is None:
        rows = np.arange(len(y))
    learned = clone(first).fit(_safe_indexing(X, rows), _safe_indexing(y, rows)).transform(X)
    try:
        as_fitted = first.transform(X)
    except NotFittedError:
        return _describe(last, learned, y, changed, X)
    if as_fitted.shape[1] != learned.shape[1]:
        learned = as_fitted  # the fitted weights go with these columns only
    return _describe(last, learned, y, changed, X, as_fitted)
