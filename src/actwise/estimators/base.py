"""What the classifier and the regressor share: checking, training, and the attributes scikit-learn has."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from actwise.activations import AnyActivation
from actwise.errors import InputError
from actwise.estimators import architecture
from actwise.estimators.callbacks import CallbackSupportMixin, EpochTasks, with_callbacks
from actwise.estimators.describing import DescribedTraining
from actwise.estimators.fit_warnings import fit_warnings
from actwise.estimators.parameters import plain_settings
from actwise.estimators.predicting import FloatArray, Predicting, dense
from actwise.model.losses import Loss
from actwise.model.optimizers import LBFGS
from actwise.recipes.epochs import EpochEnd
from actwise.recipes.fitting import (
    MOST_COMPARED,
    Fitted,
    Fitting,
    Rows,
    find_rate,
    hold_out,
    prepare,
    with_chosen_penalty,
)
from actwise.recipes.plan import AUTO, AdaptiveRate, Plan, choose, schedule
from actwise.recipes.weights import Weights
from actwise.tasks.scaling import Scaling, fold, unfold
from actwise.training import OptimizerState
from actwise.training.not_finite import activation_at_fault

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Problem:
    """What is to be learned.

    Parameters
    ----------
    loss : Loss
        What is minimised.
    output_activation : str or Activation
        Of the last layer.
    n_outputs : int
        Its units.
    scales_targets : bool
        Whether targets are standardised where columns are.
    """

    loss: Loss
    output_activation: str | AnyActivation
    n_outputs: int
    scales_targets: bool = False


class BaseMLP(DescribedTraining, Predicting, CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base of `MLPClassifier` and `MLPRegressor`."""

    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    validation_loss_curve_: list[float] | None
    _inputs: Scaling | None
    _outputs: Scaling | None
    _state: OptimizerState | None

    @abstractmethod
    def _pose(self, y: npt.NDArray[Any]) -> Problem:
        """Say what is to be learned."""

    @abstractmethod
    def _encode(self, y: npt.NDArray[Any]) -> FloatArray:
        """Return the network's targets, shape (n_rows, n_targets)."""

    @abstractmethod
    def _own_score(self, outputs: FloatArray, rows: Rows, outputs_scaling: Scaling) -> float:
        """Judge outputs as `score` does, without scikit-learn's checks."""

    @abstractmethod
    def _strata(self, y: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Return what rows that are held out are stratified by."""

    @abstractmethod
    def _checked(self, X: Any, y: Any, *, reset: bool, partial: bool) -> tuple[Any, npt.NDArray[Any]]:
        """Check columns and targets as scikit-learn does."""

    def _row_weights(
        self, y: npt.NDArray[Any], sample_weight: FloatArray | None, *, like: npt.NDArray[Any]
    ) -> FloatArray | None:
        """Return what each row counts, given what the rows `like` are that are learned from."""
        return sample_weight

    # Fitting

    def _run_fit(self, *arguments: Any, **named: Any) -> None:
        with_callbacks(type(self)._fit)(self, *arguments, **named)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation: tuple[Any, Any, Any] = (None, None, None),
        *,
        partial: bool = False,
    ) -> None:
        first = not hasattr(self, "coefs_") or not (self.warm_start or partial)
        X, y, fitting, seed = self._ready(X, y, sample_weight, validation, first=first, partial=partial)
        tasks = EpochTasks(
            self,
            None if fitting.plan.restarts is None else fitting.plan.epochs,
            {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}},
        )
        watcher = self._watcher(fitting, tasks)
        tasks.begin_epoch()
        resumed = self._state if partial and not first else None
        fitted = fitting.run(seed, watcher, goes_on=not first, resumed=resumed)
        self._state = fitted.state
        self._keep(fitting, fitted, watcher)
        tasks.end_fit()
        if not partial:
            self._warn(fitting, fitted)

    def _ready(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation: tuple[Any, Any, Any] = (None, None, None),
        *,
        first: bool = True,
        partial: bool = False,
        as_given: bool = False,
    ) -> tuple[Any, npt.NDArray[Any], Fitting, int]:
        """Check everything and settle what is trained, how, and on which rows; nothing is trained yet but trials."""
        self._validate_params()
        if partial and self.early_stopping is True:
            raise ValueError("partial_fit does not support early_stopping=True")
        sizes = architecture.hidden_sizes(self.hidden_layer_sizes)
        X, y = self._checked(X, y, reset=first, partial=partial)
        weights = self._check_weights(sample_weight, X, y)
        problem = self._pose(y)
        rows = Rows(dense(X), y, self._encode(y), weights)
        held = self._check_validation(*validation, rows)
        self._lay_out(sizes, problem, rows, first)
        distinct = rows if partial or len(rows) > MOST_COMPARED else rows.distinct()
        chosen = choose(
            self.get_params(deep=False), len(rows), len(distinct), self._weights.network.n_parameters,
            classifies=is_classifier(self), validated=held is not None, partial=partial,
        )  # fmt: skip
        if not (chosen.stochastic or as_given):
            rows = distinct
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(LARGEST_SEED))
        if not as_given and chosen.early_stopping and held is None and chosen.stochastic and not partial:
            insist = self.early_stopping is True
            rows, held = hold_out(rows, self.validation_fraction, rng, self._strata(rows.y), insist=insist)
            chosen = replace(chosen, batch_size=min(chosen.batch_size, len(rows)))
        return X, y, self._prepare(problem, chosen, rows, held, first=first, partial=partial), seed

    def _check_weights(self, sample_weight: Any, X: Any, y: npt.NDArray[Any]) -> FloatArray | None:
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            if not np.any(sample_weight):
                raise InputError("Sample weights must contain at least one non-zero number: nothing can be learned.")
        weights = self._row_weights(y, sample_weight, like=y)
        if weights is None:
            return None
        if not np.all(np.isfinite(weights)) or np.any(weights < 0):
            wrong = weights[~np.isfinite(weights) | (weights < 0)][0]
            raise InputError(f"class_weight must hold finite numbers of at least 0, not {wrong:g}")
        if not np.any(weights):
            raise InputError("class_weight leaves no row a weight above 0: nothing can be learned.")
        return weights

    def _check_validation(self, X: Any, y: Any, sample_weight: Any, rows: Rows) -> Rows | None:
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise InputError("X_val and y_val belong together: give both or neither")
        X, y = self._checked(X, y, reset=False, partial=True)
        if y.ndim != rows.y.ndim or y.shape[1:] != rows.y.shape[1:]:
            raise InputError(f"y_val has the shape {y.shape}, which does not go with a y of shape {rows.y.shape}")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        weights = self._row_weights(y, sample_weight, like=rows.y)
        if weights is not None and not np.any(weights):
            raise InputError("sample_weight_val and class_weight leave no row of X_val a weight above 0 to judge by")
        return Rows(dense(X), y, self._encode(y), weights)

    def _lay_out(self, sizes: tuple[int, ...], problem: Problem, rows: Rows, first: bool) -> None:
        """Make the network, or see whether the one at hand still fits."""
        network = architecture.build(
            rows.X.shape[1], sizes, self.activation, problem.n_outputs, problem.output_activation,
            rows.X.dtype.name if first or not hasattr(self, "_weights") else self._weights.network.dtype,
        )  # fmt: skip
        self.n_outputs_ = problem.n_outputs
        self.n_layers_ = len(sizes) + 2
        name = getattr(network.output_activation, "name", "maxout")
        self.out_activation_ = architecture.SKLEARN_NAMES.get(name, name)
        if first:
            self._inputs, self._outputs = None, None
            self.n_iter_, self.t_ = 0, 0
            self.loss_curve_ = []
            self._set_weights(Weights(network, network.values))
            return
        shapes = [weights.shape for weights in network.weights]
        if [np.shape(each) for each in self.coefs_] != shapes:
            raise InputError(
                f"the weights at hand have the shapes {[np.shape(each) for each in self.coefs_]}, these parameters and "
                f"data need {shapes}: set warm_start=False or keep hidden_layer_sizes as they were"
            )
        if not hasattr(self, "_weights"):  # a user has set coefs_ and intercepts_ by hand
            self._weights = Weights(network, network.values)
            self._inputs, self._outputs, self._state = None, None, None
        self._weights = Weights(network, self._current().parameters)

    def _prepare(
        self,
        problem: Problem,
        chosen: Plan,
        rows: Rows,
        held: Rows | None,
        *,
        first: bool,
        partial: bool,
    ) -> Fitting:
        """Learn the scaling, bring the parameters into it, and settle the learning rate."""
        scales = chosen.scale_inputs if self.scale_inputs == AUTO else self.scale_inputs
        n_inputs = rows.X.shape[1]
        if first:
            wanted = getattr(self, "scale_targets", False)
            try:
                self._inputs = Scaling.learn(rows.X, rows.weights, inputs=True) if scales else None
                if scales and problem.scales_targets if wanted == AUTO else wanted:
                    self._outputs = Scaling.learn(rows.targets, rows.weights, inputs=False)
            except InputError as error:
                raise ValueError(NOT_FINITE) from error
        inputs = self._inputs or Scaling.none(n_inputs)
        outputs = self._outputs or Scaling.none(problem.n_outputs)
        loss = problem.loss
        if self._outputs is not None and "delta" in loss.params and problem.n_outputs == 1:
            loss = replace(loss, params={**loss.params, "delta": loss.params["delta"] / float(outputs.scales[0])})
        dtype = chosen.dtype or self._weights.network.dtype
        dtype = dtype if self.dtype == AUTO else self.dtype
        options = {row.name: getattr(self, name) for name, row in plain_settings().items() if not row.by_size} | {
            "max_gradient_norm": self.max_gradient_norm or np.inf,
            "threads": self._threads,
        }
        fitting = prepare(
            self._weights.network, loss, chosen, rows, held, inputs, outputs, dtype=dtype, begins=first, options=options
        )
        if not first:
            parameters = unfold(fitting.network, self._current().parameters, inputs, outputs)
            fitting = replace(fitting, network=fitting.network.with_parameters(parameters))
        if not chosen.stochastic:
            return fitting
        if self.learning_rate_init == "find" and first:
            self.learning_rate_init_ = find_rate(fitting, 0)
        if self.learning_rate_init == "find":
            chosen = chosen.with_rate(self.learning_rate_init_)
        steps_before = self._state.step if partial and not first and self._state is not None else 0
        rate = schedule(self.get_params(deep=False), chosen, len(rows), self.t_, steps_before)
        fitting = replace(fitting, plan=chosen.with_rate(rate))
        return with_chosen_penalty(fitting, self._strata(rows.y)) if first else fitting

    def _watcher(self, fitting: Fitting, tasks: EpochTasks) -> EpochEnd:
        chosen = fitting.plan
        by_score = chosen.early_stopping and chosen.stochastic and fitting.held is not None
        if chosen.scoring == "loss" and not self.weight_averaging:
            by_score = False
        rate = None if isinstance(chosen.optimizer, LBFGS) else chosen.optimizer.learning_rate
        before = getattr(self, "best_validation_score_", None) if self.loss_curve_ else None
        return EpochEnd(
            verbose=bool(self.verbose),
            score=self._scorer(fitting) if by_score else None,
            best_score=-np.inf if before is None else before,
            tolerance=chosen.tolerance,
            patience=chosen.patience,
            later=self.solver == AUTO,
            adaptive=rate if isinstance(rate, AdaptiveRate) else None,
            averaging=self.weight_averaging,
            listener=tasks,
            attributes=lambda parameters: self._attributes(fitting, parameters),
        )

    def _scorer(self, fitting: Fitting) -> Callable[[FloatArray], float]:
        """Return what judges parameters by the rows held out."""
        held, network = fitting.held, fitting.network
        assert held is not None
        scoring = fitting.plan.scoring
        if scoring == "loss":
            return fitting.negative_loss(self._threads)
        if scoring is None:
            X, _ = fitting.scaled(held)
            scratch = Weights(network, network.values)

            def own(parameters: FloatArray) -> float:
                scratch.parameters[:] = parameters
                return self._own_score(scratch.outputs(X, self._threads), held, fitting.outputs)

            return own
        scorer = check_scoring(self, scoring)
        weights = {} if held.weights is None else {"sample_weight": held.weights}

        def asked(parameters: FloatArray) -> float:
            self._set_weights(self._folded(fitting, parameters))
            return float(scorer(self, held.X, held.y, **weights))

        return asked

    def _folded(self, fitting: Fitting, parameters: FloatArray) -> Weights:
        """Return weights for the columns as they are."""
        folded = fold(fitting.network, parameters, fitting.inputs, fitting.outputs)
        return Weights(self._weights.network, folded)

    def _attributes(self, fitting: Fitting, parameters: FloatArray) -> dict[str, Any]:
        """Return what makes a copy of the estimator predict with these parameters."""
        weights = self._folded(fitting, parameters)
        return {"_weights": weights, "coefs_": list(weights.coefs), "intercepts_": list(weights.intercepts)}

    def _keep(self, fitting: Fitting, fitted: Fitted, watcher: EpochEnd) -> None:
        """Set what scikit-learn's estimators have after a fit."""
        run, chosen = fitted.run, fitting.plan
        losses = run.history.training_losses.tolist()
        weights = self._folded(fitting, fitted.parameters)
        unusable = run.stopped_because == "loss is not finite" and not run.best_epoch
        if unusable or not np.all(np.isfinite(weights.parameters)):
            begun = run.network if unusable else fitting.network
            cause = activation_at_fault(begun, fitting.scaled(fitting.rows)[0])
            raise ValueError(NOT_FINITE if cause is None else f"nothing was learned: {cause}")
        self._set_weights(weights)
        goes_on = bool(self.loss_curve_)
        self.loss_curve_ += losses
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.inf
        self.n_iter_ = len(losses)
        self.t_ += len(losses) * len(fitting.rows)
        self.stopped_because_ = run.stopped_because
        self.choices_ = chosen
        self.best_loss_ = float(np.nanmin(self.loss_curve_))
        scores = watcher.scores
        curve = run.history.validation_losses.tolist() if fitting.held is not None else []
        if chosen.early_stopping and chosen.stochastic and not scores:
            scores = [-loss for loss in curve]
        if scores:
            self.best_loss_ = None
            self.validation_scores_ = [*(self.validation_scores_ or [] if goes_on else []), *scores]
            self.best_validation_score_ = max(watcher.best_score, np.nanmax([-np.inf, *scores]))
        elif not goes_on or not hasattr(self, "validation_scores_"):
            self.validation_scores_, self.best_validation_score_ = None, None
        before = getattr(self, "validation_loss_curve_", None) or [] if goes_on else []
        self.validation_loss_curve_ = [*before, *curve] or None

    def _warn(self, fitting: Fitting, fitted: Fitted) -> None:
        limited = self.max_iter != AUTO or self.solver != AUTO
        for text, category in fit_warnings(fitting, fitted, limited=limited, unheard=self.early_stopping is True):
            warnings.warn(text, category, stacklevel=6)

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs" or isinstance(self.solver, LBFGS):
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
