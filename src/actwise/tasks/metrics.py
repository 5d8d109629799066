"""How good predictions are: scikit-learn's metrics by name, which of them want to be small, and which one decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Scores: TypeAlias = dict[str, float | None]
Numbers: TypeAlias = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Metric:
    """One way to judge predictions.

    Parameters
    ----------
    name : str
        Its key in scores.
    label : str
        What a person calls it.
    of_classes : bool
        Whether it judges probabilities of classes; numbers otherwise.
    lower_is_better : bool
        Its direction.
    decides : int
        Its place among those by which predictions are compared, the lowest that is defined first; 0: it is none.
    """

    name: str
    label: str
    of_classes: bool
    lower_is_better: bool = False
    decides: int = 0


METRICS = {
    each.name: each
    for each in (
        Metric("log_loss", "log-loss", of_classes=True, lower_is_better=True, decides=1),
        Metric("accuracy", "accuracy", of_classes=True),
        Metric("balanced_accuracy", "balanced accuracy", of_classes=True),
        Metric("roc_auc", "ROC AUC", of_classes=True),
        # For several outputs R2 does not depend on their units; for one it says the same as the RMSE.
        Metric("rmse", "RMSE", of_classes=False, lower_is_better=True, decides=2),
        Metric("mae", "MAE", of_classes=False, lower_is_better=True),
        Metric("r2", "R2", of_classes=False, decides=1),
    )
}
CLASS_METRICS = tuple(name for name, metric in METRICS.items() if metric.of_classes)
NUMBER_METRICS = tuple(name for name, metric in METRICS.items() if not metric.of_classes)


def class_scores(truth: npt.NDArray[np.int64], probabilities: Numbers) -> Scores:
    """Judge probabilities (n_rows, n_classes) of class indices (n_rows,) by `CLASS_METRICS`; None: undefined.

    >>> class_scores(np.array([0, 1, 1]), np.array([[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]]))["accuracy"]
    0.6666666666666666
    """
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    n_classes = probabilities.shape[1]
    likeliest = probabilities.argmax(axis=1)
    # Where a class is absent its area is undefined, and the others still are.
    against = [1] if n_classes == 2 else range(n_classes)
    areas = [
        roc_auc_score(truth == k, probabilities[:, k]) for k in against if 0 < np.count_nonzero(truth == k) < len(truth)
    ]
    # Rounding leaves sums that are not quite 1, which scikit-learn warns of.
    whole = probabilities.astype(np.float64) / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    return _finite(
        {
            "log_loss": log_loss(truth, whole, labels=np.arange(n_classes)) if np.isfinite(whole).all() else None,
            "accuracy": accuracy_score(truth, likeliest),
            "balanced_accuracy": balanced_accuracy(truth, likeliest),
            "roc_auc": float(np.mean(areas)) if areas else None,
        }
    )


def number_scores(truth: Numbers, predicted: Numbers) -> Scores:
    """Judge numbers (n_rows, n_outputs) by `NUMBER_METRICS`, averaged over the outputs; None: undefined.

    >>> number_scores(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]))["r2"]
    0.5
    """
    from sklearn.metrics import mean_absolute_error, root_mean_squared_error

    with np.errstate(all="ignore"):
        # In units near the largest number, so that no square is too large or too small for float64; a power
        # of 2 rounds nothing.
        units = np.ldexp(1.0, np.frexp(np.abs(truth).max(axis=0))[1] - 1)
        said, true = predicted.astype(np.float64) / units, truth / units
        if not np.isfinite(np.square(said)).all():
            return dict.fromkeys(NUMBER_METRICS)
        varied = bool((true.var(axis=0) > 0).all())
        return _finite(
            {
                "rmse": float(np.mean(root_mean_squared_error(true, said, multioutput="raw_values") * units)),
                "mae": float(np.mean(mean_absolute_error(true, said, multioutput="raw_values") * units)),
                "r2": r2(true, said) if varied else None,
            }
        )


def r2(truth: Numbers, predicted: Numbers, sample_weight: Numbers | None = None) -> float:
    """Return the share of the variance explained, a mean over the outputs of (n_rows, n_outputs).

    An output that is constant counts 1 where it was met, and 0 elsewhere; NaN where a prediction is not finite.
    """
    from sklearn.metrics import r2_score

    with np.errstate(all="ignore"):
        if not np.isfinite(np.square(predicted, dtype=np.float64)).all():
            return float("nan")
        return float(r2_score(truth, predicted, sample_weight=sample_weight))


def balanced_accuracy(truth: npt.NDArray[Any], said: npt.NDArray[Any]) -> float:
    """Return the mean over the classes present of the share of their rows that is right."""
    from sklearn.metrics import recall_score

    # What `balanced_accuracy_score` computes, without a warning where classes are said that are not there.
    return float(recall_score(truth, said, labels=np.unique(truth), average="macro", zero_division=0.0))


def beats(scores: Scores, others: Scores) -> bool:
    """Tell whether predictions are better than others, by the first deciding metric that is defined for these."""
    name = decisive_metric(others)
    if name is None:
        return False
    reached, other = scores.get(name), others[name]
    if reached is None or other is None:
        return False
    return reached < other if METRICS[name].lower_is_better else reached > other


def decisive_metric(scores: Scores) -> str | None:
    """Name the metric by which `beats` decides.

    >>> decisive_metric({"rmse": 2.0, "mae": 1.0, "r2": None})
    'rmse'
    """
    deciding = sorted((metric.decides, name) for name, metric in METRICS.items() if metric.decides)
    return next((name for _, name in deciding if scores.get(name) is not None), None)


def _finite(scores: Scores) -> Scores:
    return {name: float(value) if value is not None and np.isfinite(value) else None for name, value in scores.items()}
