"""A search over activations with scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from actwise.errors import InputError
from actwise.study.api import N_SPLITS, compare
from actwise.study.arms import USUAL, name_of
from actwise.study.conclusion import Comparison


def _has(name: str) -> Any:
    def check(search: ActivationSearchCV) -> bool:
        getattr(search.best_estimator_ if hasattr(search, "best_estimator_") else search.estimator, name)
        return True

    return check


class ActivationSearchCV(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Choose the activation of a multilayer perceptron by a paired comparison.

    Unlike a grid search, it does not take the highest mean for the best: ``comparison_`` says which activations can be
    told apart, and of those that do equally well the simplest is taken.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        What is trained; its ``activation`` is replaced.
    activations : sequence, or mapping of str to activation
        What is compared: names, formulas in ``x``, records, or lists with one for each hidden layer.
    scoring : str or callable, optional
        A scorer of scikit-learn; by default log-loss for classes and R2 for numbers.
    cv : int or splitter
        At most so many splits, as ``splits`` of `actwise.compare`.
    refit : bool
        Whether the network with the chosen activation is trained on all rows at the end.
    seeds : int
        Trainings for each activation and split.
    rope : float, optional
        Differences up to it do not matter; as for `actwise.compare`.
    random_state : int
        Of the splits and of all trainings.
    n_jobs : int, optional
        Trainings at a time; by default one for each processor.

    Attributes
    ----------
    comparison_ : Comparison
        The whole answer.
    best_params_ : dict
        ``{"activation": ...}`` of the recommended arm.
    best_estimator_ : estimator
        Trained on all rows, with `refit`.
    best_score_ : float
        Mean score of the recommended arm, larger is better.
    best_index_ : int
        Its place in ``cv_results_``.
    cv_results_ : dict of str to ndarray
        For each activation ``params``, ``param_activation``, ``mean_test_score``, ``rank_test_score``,
        ``mean_fit_time``,
        ``difference``, ``low``, ``high`` and ``verdict`` beside the best.
    classes_, n_features_in_ : ndarray, int
        Those of ``best_estimator_``.

    Examples
    --------
    >>> import actwise as aw
    >>> import numpy as np
    >>> x = np.linspace(-3, 3, 120).reshape(-1, 1)
    >>> network = aw.MLPRegressor(hidden_layer_sizes=8, random_state=0)
    >>> search = aw.ActivationSearchCV(network, ["identity", "tanh"], cv=5).fit(x, np.sin(2 * x[:, 0]))
    >>> search.best_params_, search.comparison_.winner
    ({'activation': 'tanh'}, 'tanh')
    """

    def __init__(
        self,
        estimator: Any,
        activations: Sequence[Any] | Mapping[str, Any] = USUAL,
        *,
        scoring: Any = None,
        cv: Any = N_SPLITS,
        refit: bool = True,
        seeds: int = 1,
        rope: float | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.activations = activations
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.seeds = seeds
        self.rope = rope
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = self.estimator.__sklearn_tags__()
        tags.estimator_type, tags.classifier_tags, tags.regressor_tags = (
            inner.estimator_type, inner.classifier_tags, inner.regressor_tags,
        )  # fmt: skip
        return tags

    def fit(self, X: Any, y: Any) -> ActivationSearchCV:
        """Compare the activations, and train the chosen one on all rows.

        Parameters
        ----------
        X : array_like of shape (n_rows, n_features)
            Inputs.
        y : array_like of shape (n_rows,)
            Labels or numbers.

        Returns
        -------
        ActivationSearchCV
            Itself.

        Raises
        ------
        InputError
            If the estimator has no activation, or the activations or splits do not fit.
        """
        if "activation" not in self.estimator.get_params(deep=False):
            raise InputError(
                f"{type(self.estimator).__name__} has no parameter 'activation': give an aw.MLPClassifier or "
                "aw.MLPRegressor"
            )
        given = self.activations
        named = dict(given) if isinstance(given, Mapping) else {name_of(each): each for each in given}
        arms = {name: clone(self.estimator).set_params(activation=each) for name, each in named.items()}
        found = compare(
            arms, X, y, splits=self.cv, seeds=self.seeds, seed=self.random_state, metric=self.scoring, rope=self.rope,
            task="classification" if is_classifier(self.estimator) else "regression", workers=self.n_jobs,
        )  # fmt: skip
        self.comparison_: Comparison = found
        sign = 1 if found.larger_is_better else -1
        by_name = {arm.name: arm for arm in found.arms}
        ordered = [by_name[name] for name in arms]
        scores = np.array([sign * arm.score for arm in ordered])
        self.cv_results_: dict[str, npt.NDArray[Any] | list[Any]] = {
            "params": [{"activation": each} for each in named.values()],
            "param_activation": np.array(list(arms), object),
            "mean_test_score": scores,
            "rank_test_score": np.array([1 + int((scores > each).sum()) for each in scores]),
            "mean_fit_time": np.array([arm.seconds for arm in ordered]),
            "difference": np.array([arm.contrast.difference for arm in ordered]),
            "low": np.array([arm.contrast.low for arm in ordered]),
            "high": np.array([arm.contrast.high for arm in ordered]),
            "verdict": np.array([arm.verdict for arm in ordered]),
        }
        self.best_index_ = list(arms).index(found.recommended)
        self.best_params_ = {"activation": named[found.recommended]}
        self.best_score_ = float(scores[self.best_index_])
        if self.refit:
            self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_).fit(X, y)
        return self

    def _fitted(self) -> Any:
        check_is_fitted(self, "comparison_")
        if not self.refit:
            raise AttributeError(
                "with refit=False there is no trained network: set refit=True, or train best_params_ yourself"
            )
        return self.best_estimator_

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """Labels, for a classifier."""
        return np.asarray(self._fitted().classes_)

    @property
    def n_features_in_(self) -> int:
        """Number of input columns."""
        return int(self._fitted().n_features_in_)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict with the network that was trained on all rows.

        Parameters
        ----------
        X : array_like of shape (n_rows, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_rows,)
            Labels or numbers.
        """
        return np.asarray(self._fitted().predict(X))

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict probabilities of the classes.

        Parameters
        ----------
        X : array_like of shape (n_rows, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities.
        """
        return np.asarray(self._fitted().predict_proba(X))

    def score(self, X: Any, y: Any) -> float:
        """Score the network that was trained on all rows, by `scoring` or the estimator's own score.

        Parameters
        ----------
        X : array_like of shape (n_rows, n_features)
            Inputs.
        y : array_like of shape (n_rows,)
            Labels or numbers.

        Returns
        -------
        float
            Larger is better.
        """
        return float(check_scoring(self._fitted(), self.scoring)(self._fitted(), X, y))
