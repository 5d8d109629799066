"""By what arms are compared: a scorer of scikit-learn, how it is called, and which difference is practically none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from actwise.errors import InputError, suggest
from actwise.tasks.metrics import METRICS

ROPE = 0.01  # of scores between 0 and 1; of all others this share of the best mean score
# scikit-learn's scorers for the metrics of `actwise.tasks.metrics` that it calls otherwise, and other names of metrics.
_SCORERS = {"log_loss": "neg_log_loss", "rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error"}
_ALIASES = _SCORERS | {"log-loss": "neg_log_loss", "mse": "neg_mean_squared_error", "auc": "roc_auc"}
_SHARES = (
    "accuracy",
    "balanced_accuracy",
    "roc_auc",
    "f1",
    "precision",
    "recall",
    "jaccard",
    "average_precision",
    "r2",
)


@dataclass(frozen=True)
class Metric:
    """What arms are compared by.

    Parameters
    ----------
    name : str
        As a person reads it, such as "log-loss".
    scorer : callable
        Takes a fitted estimator, X and y; larger is better.
    sign : {1, -1}
        -1 where the scorer gives the negative of what the name says, as scikit-learn's do for errors.
    rope : float or None
        Differences up to it are practically none; None: 1 % of the best arm's mean.
    """

    name: str
    scorer: Callable[..., float]
    sign: int
    rope: float | None

    def width(self, best_mean: float) -> float:
        """Return the region of practical equivalence around no difference, given the best arm's mean score."""
        return ROPE * abs(best_mean) if self.rope is None else self.rope


def make_metric(given: Any, *, classifies: bool, n_classes: int, rope: float | None) -> Metric:
    """Find the metric: by default log-loss for classes and R2 for numbers; or a scorer, or the name of one."""
    from sklearn.metrics import get_scorer, get_scorer_names, make_scorer
    from sklearn.metrics import log_loss as sklearn_log_loss

    if rope is not None and not (np.isfinite(rope) and rope >= 0):
        raise InputError(f"rope must be 0 or a positive number, not {rope!r}")
    if given is None:
        given = "neg_log_loss" if classifies else "r2"
    if not isinstance(given, str):
        if not callable(given):
            raise InputError(f"metric must be the name of a scorer or a callable, not {given!r}")
        return Metric(getattr(given, "__name__", "score"), given, 1, rope)
    name = _ALIASES.get(given.lower(), given)
    if name not in get_scorer_names():
        raise InputError(f"no metric {given!r}; {suggest(given, [*get_scorer_names(), *_ALIASES], noun='metrics')}")
    of_numbers = name.startswith(("r2", "explained_variance", "max_error", "d2_", "neg_mean", "neg_root", "neg_median"))
    if of_numbers == classifies and not name.startswith("d2_"):
        kind = "classes" if classifies else "numbers"
        raise InputError(f"metric {given!r} does not fit targets that are {kind}")
    scorer = get_scorer(name)
    if name == "neg_log_loss":
        # A test part may lack a class.
        scorer = make_scorer(
            sklearn_log_loss, greater_is_better=False, response_method="predict_proba", labels=list(range(n_classes))
        )
    if name == "roc_auc" and n_classes > 2:
        scorer = get_scorer("roc_auc_ovr")
    default = ROPE if name.startswith(_SHARES) or name == "neg_log_loss" else None
    return Metric(
        _label(name),
        scorer,
        -1 if name.startswith("neg_") else 1,
        default if rope is None else rope,
    )


def _label(scorer: str) -> str:
    """Return what a person calls a scorer's metric."""
    known = {_SCORERS.get(name, name): metric.label for name, metric in METRICS.items()}
    return known.get(scorer, scorer.removeprefix("neg_").replace("_", " "))
