"""From what people hand in to a subject: networks, results of trainings, estimators, pipelines that end in one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.arrays import as_numbers
from actwise.doctor import peers
from actwise.doctor.prescriptions import Origin
from actwise.doctor.subjects import Data, Rows, Subject, split
from actwise.doctor.targets import Numbers, Targets, as_targets
from actwise.errors import InputError, suggest
from actwise.model import losses, optimizers
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Optimizer
from actwise.parts import HasTraining, TrainingParts
from actwise.training import Run, TrainingSettings, is_small

SETTINGS = (
    "loss", "optimizer", "learning_rate", "batch_size", "epochs", "shuffle", "l2", "max_gradient_norm",
    "patience", "tolerance",
)  # fmt: skip
DEFAULT_EPOCHS, DEFAULT_ITERATIONS = 100, 1000  # those of actwise.training


@dataclass(frozen=True, eq=False)
class Handed:
    """A subject, the rows that came with it, and what is special about them.

    Parameters
    ----------
    subject : Subject
        The network and its training.
    X : ndarray of shape (n_rows, n_inputs)
        Inputs.
    task : Targets
        The targets.
    weights : ndarray of shape (n_rows,) or None
        How much each row counts in training.
    validation_share : float
        Of the rows to learn from, to stop the training by.
    has_steps : bool
        Whether `X` is what a pipeline's first steps made of the rows.
    """

    subject: Subject
    X: Numbers
    task: Targets
    weights: Numbers | None = None
    validation_share: float = 0.0
    has_steps: bool = False

    def data(self, n_train: int | None, seed: int) -> Data:
        """Choose rows to learn from, to judge by and to stop by."""
        data = split(self.X, self.task, n_train, seed, self.weights)
        return data.with_watch(self.validation_share, seed) if self.validation_share else data


def as_subject(
    model: object, X: Any, y: npt.ArrayLike, task: str | None, given: Mapping[str, Any], rows: Rows | None = None
) -> Handed:
    """Describe what a person handed in.

    Shapes: `X` (n_rows, n_inputs).
    `rows`: those that a pipeline's first steps are fitted to; all of them where not given.
    """
    for name in given:
        if name not in SETTINGS:
            raise InputError(f"unknown setting {name!r}; {suggest(name, SETTINGS, noun='settings')}")
    if isinstance(model, Run):
        handed = _of_network(model.network, as_rows(X), y, task, _settings_of(model.settings) | dict(given))
        return handed if given else replace_origin(handed, Origin(fitted_outputs=_outputs(model.network, handed.X)))
    if isinstance(model, Network):
        return _of_network(model, as_rows(X), y, task, given)
    if isinstance(model, type):
        raise InputError(f"{model.__name__} is a class; hand over an instance of it")
    if given or task is not None:
        what = next(iter(given), "task")
        raise InputError(f"{what} belongs to a network: set it on the {type(model).__name__} itself")
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and steps:
        return _of_pipeline(model, X, y, rows)
    return _of_estimator(
        model, X, y, lambda settings, rows, labels, seed: _changed(model, settings, rows, labels, seed)
    )


def as_rows(X: Any) -> Numbers:
    """Return inputs as numbers, one row each."""
    rows = as_numbers(X.toarray() if hasattr(X, "toarray") else X, "float64", "X")
    if rows.ndim != 2 or not rows.size:
        raise InputError(f"X must have the shape (rows, inputs) and hold rows, not {rows.shape}")
    return rows


def replace_origin(handed: Handed, origin: Origin) -> Handed:
    """Return the same with another origin."""
    subject = replace(handed.subject, origin=origin)
    return replace(handed, subject=subject)


def _outputs(network: Network, X: Numbers) -> npt.NDArray[Any] | None:
    fits = X.shape[1] == network.n_inputs and bool(np.isfinite(X).all())
    return network.predict(X) if fits else None


def _settings_of(settings: TrainingSettings) -> dict[str, Any]:
    names = [name for name in SETTINGS if name != "learning_rate"]
    return {name: getattr(settings, name) for name in names}


def _of_network(network: Network, X: Numbers, y: npt.ArrayLike, kind: str | None, given: Mapping[str, Any]) -> Handed:
    chosen = losses.loss(given.get("loss", "squared_error"))
    task = as_targets(y, kind or _kind_of(chosen, network, y))
    optimizer: str | Optimizer = given.get("optimizer", "auto")
    rate = given.get("learning_rate")
    if optimizer == "auto":
        optimizer = LBFGS() if rate is None and is_small(network, len(X)) else "adam"
    found = optimizers.optimizer(optimizer, rate)
    epochs = given.get("epochs") or (DEFAULT_ITERATIONS if isinstance(found, LBFGS) else DEFAULT_EPOCHS)
    rest = {name: given[name] for name in SETTINGS[3:] if name in given and name != "epochs"}
    chosen = _bearable(chosen, network, task)
    return Handed(Subject(network, chosen, found, epochs=int(epochs), starts=None, **rest), X, task)


def _kind_of(loss: Loss, network: Network, y: npt.ArrayLike) -> str | None:
    """Say what a network is to learn, where its loss or its one output tells; None where the targets do."""
    values = np.asarray(y)
    if values.ndim > 1 and values.shape[1] > 1:
        return None
    if "cross_entropy" in loss.name:
        different = np.unique(values)
        # Cross-entropies of numbers between two labels are legal, and those are no classes.
        return "classification" if len(different) <= 2 or np.all(different == np.floor(different)) else None
    return "regression" if network.n_outputs == 1 and len(np.unique(values)) > 2 else None


def _bearable(loss: Loss, network: Network, task: Targets) -> Loss:
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


Changed = Callable[[Mapping[str, Any], Any, Any, int], Any]  # settings, rows, targets, seed: an unfitted model


def _of_estimator(model: object, X: Any, y: Any, changed: Changed, outer: Any = None, as_fitted: Any = None) -> Handed:
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
    if not (isinstance(model, HasTraining) or peers.is_perceptron(model)):
        raise InputError(
            f"a {type(model).__name__} cannot be diagnosed; hand over an aw.Network, the result of aw.train, a model "
            "of a table, MLPClassifier or MLPRegressor of Actwise or scikit-learn, or a pipeline that ends in one"
        )

    def parts_on(some: Any) -> TrainingParts:
        return (
            model.training_parts(some, y)
            if isinstance(model, HasTraining)
            else peers.training_parts(model, as_rows(some), y)
        )

    parts = parts_on(shown)
    if as_fitted is not None and finite:
        parts = replace(parts, outputs=parts_on(as_fitted).outputs)

    def rebuild(settings: Mapping[str, Any], chosen: npt.NDArray[np.int64], seed: int) -> Any:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.utils import _safe_indexing

        some, targets = _safe_indexing(outer, chosen), _safe_indexing(y, chosen)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are part of what was found
            return changed(settings, some, targets, seed).fit(some, targets)

    def describe(settings: Mapping[str, Any]) -> Subject:
        if isinstance(model, HasTraining):
            return _of_parts(model.changed(settings, shown, y, 0).training_parts(shown, y), rows, origin).subject
        inner = {name: value for name, value in settings.items() if not name.startswith("scale_")}
        found = _of_parts(peers.training_parts(peers.changed(model, inner, 0), shown, y), rows, origin).subject
        return replace(found, standard_inputs="scale_inputs" in settings, standard_targets="scale_targets" in settings)

    origin = Origin(
        "estimator" if isinstance(model, HasTraining) else "sklearn", rebuild, parts.outputs if finite else None,
        describe, note=parts.note,
    )  # fmt: skip
    return _of_parts(parts, rows, origin)


def _of_parts(parts: TrainingParts, X: Numbers, origin: Origin) -> Handed:
    settings = dict(parts.settings)
    subject = Subject(
        parts.network, settings.pop("loss"), settings.pop("optimizer"), standard_inputs=parts.scales_inputs,
        standard_targets=parts.scales_targets, watches=parts.validation_share > 0, origin=origin, **settings,
    )  # fmt: skip
    weights = None if parts.weights is None else np.asarray(parts.weights, np.float64)
    return Handed(subject, X, as_targets(parts.targets, parts.task), weights, parts.validation_share)


def _changed(model: Any, settings: Mapping[str, Any], X: Any, y: Any, seed: int) -> Any:
    return (
        model.changed(settings, X, y, seed) if isinstance(model, HasTraining) else peers.changed(model, settings, seed)
    )


def _of_pipeline(pipeline: Any, X: Any, y: Any, rows: Rows | None) -> Handed:
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
        return _of_estimator(last, X, y, changed, X)
    if rows is None:
        rows = np.arange(len(y))
    learned = clone(first).fit(_safe_indexing(X, rows), _safe_indexing(y, rows)).transform(X)
    try:
        as_fitted = first.transform(X)
    except NotFittedError:
        return replace(_of_estimator(last, learned, y, changed, X), has_steps=True)
    if as_fitted.shape[1] != learned.shape[1]:
        learned = as_fitted  # the fitted weights go with these columns only
    return replace(_of_estimator(last, learned, y, changed, X, as_fitted), has_steps=True)
