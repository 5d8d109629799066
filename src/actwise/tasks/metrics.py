"""How good predictions are: the measures, each a few lines of NumPy, and which of them want to be small."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

CLASS_METRICS = ("log_loss", "accuracy", "balanced_accuracy", "roc_auc")
NUMBER_METRICS = ("rmse", "mae", "r2")
METRIC_NAMES = {
    "log_loss": "log-loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
}
LOWER_IS_BETTER = frozenset({"log_loss", "rmse", "mae"})
# Probabilities are taken to be at least this in a log-loss, as scikit-learn does, so that one wrong "never"
# does not make it infinite: the spacing of float64 at 1.
LEAST_PROBABILITY = float(np.finfo(np.float64).eps)

Scores: TypeAlias = dict[str, float | None]
Numbers: TypeAlias = npt.NDArray[np.floating[Any]]


def class_scores(truth: npt.NDArray[np.int64], probabilities: Numbers) -> Scores:
    """Judge predicted probabilities.

    `truth` of shape (n_rows,): the class of each row, counted from 0.
    `probabilities` of shape (n_rows, n_classes): predicted probabilities; each row sums to 1.
    Result: A number for each of `CLASS_METRICS`, None where it is undefined or not finite: mean
    negative log-likelihood; share of rows whose likeliest class is right; mean over the classes present
    of the share of their rows that is right; area under the ROC curve, for more than two classes the
    mean over the classes of "this one against the rest".

    >>> class_scores(np.array([0, 1, 1]), np.array([[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]]))["accuracy"]
    0.6666666666666666
    """
    n_classes = probabilities.shape[1]
    right = probabilities.argmax(axis=1) == truth
    of_truth = np.clip(probabilities[np.arange(len(truth)), truth], LEAST_PROBABILITY, 1.0)
    recalls = [float(right[truth == k].mean()) for k in np.unique(truth)]
    against = [1] if n_classes == 2 else range(n_classes)
    areas = [area_under_roc(truth == k, probabilities[:, k]) for k in against]
    defined = [area for area in areas if area is not None]
    return _finite(
        {
            "log_loss": float(-np.log(of_truth).mean()),
            "accuracy": float(right.mean()),
            "balanced_accuracy": float(np.mean(recalls)),
            "roc_auc": float(np.mean(defined)) if defined else None,
        }
    )


def number_scores(truth: Numbers, predicted: Numbers) -> Scores:
    """Judge predicted numbers.

    Shapes: `truth` and `predicted` (n_rows, n_outputs).
    Result: A number for each of `NUMBER_METRICS`, None where it is undefined or not finite: root of the
    mean squared error, mean absolute error, share of the variance explained; each computed for every
    output and averaged over them.

    >>> number_scores(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]))["r2"]
    0.5
    """
    with np.errstate(all="ignore"):
        # In units near the largest number, so that no square is too large or too small for float64; a power
        # of 2 rounds nothing.
        units = np.ldexp(1.0, np.frexp(np.abs(truth).max(axis=0))[1] - 1)
        errors = predicted.astype(np.float64) / units - truth / units
        squared = (errors**2).mean(axis=0)
        variance = (truth / units).var(axis=0)
        varied = bool((variance > 0).all())
        return _finite(
            {
                "rmse": float((np.sqrt(squared) * units).mean()),
                "mae": float((np.abs(errors).mean(axis=0) * units).mean()),
                "r2": float((1 - squared / variance).mean()) if varied else None,
            }
        )


def area_under_roc(positive: npt.NDArray[np.bool_], score: Numbers) -> float | None:
    """Compute the chance that a positive row has a higher score than a negative one, ties counting half.

    Shapes: `positive` (n_rows,), `score` (n_rows,).
    Result: the area; None if all rows are positive, or none is.

    >>> area_under_roc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75

    Source: Hanley and McNeil 1982, Radiology 143: the area as the Mann-Whitney statistic.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return None
    ranks = pl.Series(score).rank().to_numpy()  # equal scores share the mean of their ranks; scipy.stats loads slowly
    excess = float(ranks[positive].sum()) - n_positive * (n_positive + 1) / 2
    return excess / (n_positive * n_negative)


def beats(scores: Scores, constant: Scores) -> bool:
    """Tell whether predictions are better than the best that is the same for every row.

    Result: whether the log-loss is lower; for numbers whether R2 is higher, which for one output says
    the same as the RMSE and for several does not depend on their units; where R2 is undefined, the
    RMSE.
    """
    metric = decisive_metric(constant)
    if metric is None:
        return False
    reached, simple = scores.get(metric), constant[metric]
    if reached is None or simple is None:
        return False
    return reached < simple if metric in LOWER_IS_BETTER else reached > simple


def decisive_metric(constant: Scores) -> str | None:
    """Name the measure by which `beats` decides.

    >>> decisive_metric({"rmse": 2.0, "mae": 1.0, "r2": None})
    'rmse'
    """
    return next((metric for metric in ("log_loss", "r2", "rmse") if constant.get(metric) is not None), None)


def _finite(scores: Scores) -> Scores:
    return {name: value if value is not None and np.isfinite(value) else None for name, value in scores.items()}
