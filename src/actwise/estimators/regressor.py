"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from actwise.activations import activation
from actwise.errors import InputError
from actwise.estimators.base import BaseMLP, Problem
from actwise.estimators.parameters import PARAMETERS, takes
from actwise.estimators.predicting import FloatArray
from actwise.model import losses
from actwise.model.losses import Loss
from actwise.recipes.fitting import Rows
from actwise.tasks.metrics import r2
from actwise.tasks.scaling import Scaling

_LOSSES = ("squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson")
# Losses whose minimum moves with the unit of the target: standardising it changes nothing but the speed. The
# Huber loss joins them, as its delta is brought into the new unit.
_FREE_OF_UNITS = ("squared_error", "absolute_error", "quantile")


@takes(
    {"scale_targets": PARAMETERS["scale_inputs"]},
    positional=("loss", "hidden_layer_sizes", "activation"),
)
class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """Multilayer perceptron for regression, with the interface of scikit-learn's.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson"} or Loss
        What is minimised; with a parameter, for example ``aw.loss("quantile", quantile=0.9)``. The Poisson
        loss has the exponential as output activation and needs targets of at least 0, as in scikit-learn.
    scoring : str, callable or None
        What early stopping judges by: a scorer or its name, ``"loss"``, or None for R² (with
        ``solver="auto"`` the loss, unless ``early_stopping=True``).
    scale_targets : bool
        Whether targets are standardised while training; ``"auto"``: where columns are and the loss and the
        output activation allow it. Predictions come in the unit of y; the training loss is that of the
        standardised targets.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t
        As for `MLPClassifier`.
    max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping
        As for `MLPClassifier`.
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, output_activation, dropout
        As for `MLPClassifier`.
    max_gradient_norm, weight_averaging, scale_inputs, dtype, n_jobs
        As for `MLPClassifier`.
    {settings}

    Attributes
    ----------
    coefs_, intercepts_, loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_
        As for `MLPClassifier`.
    validation_loss_curve_, n_iter_, t_, n_features_in_, feature_names_in_, n_layers_, n_outputs_
        As for `MLPClassifier`.
    out_activation_, network_, choices_, stopped_because_
        As for `MLPClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(hidden_layer_sizes=8, alpha=1.0, random_state=0).fit(X, y)
    >>> model.predict(X[:2]).shape, model.score(X, y) > 0.4
    ((2,), True)
    """

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPRegressor:
        """Learn from rows.

        Parameters
        ----------
        X : array_like, sparse matrix or frame of shape (n_rows, n_columns)
            Columns of numbers.
        y : array_like of shape (n_rows,) or (n_rows, n_targets)
            Targets.
        sample_weight, X_val, y_val, sample_weight_val
            As for `MLPClassifier.fit`.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        self._run_fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @available_if(lambda estimator: estimator._check_solver())  # type: ignore[untyped-decorator]  # of scikit-learn
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Go through some rows once; the parameters are those of `fit`."""
        self._run_fit(X, y, sample_weight, partial=True)
        return self

    def predict(self, X: Any) -> FloatArray:
        """Return the prediction for each row, shape (n_rows,) or (n_rows, n_targets)."""
        outputs = self._predict_outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _checked(self, X: Any, y: Any, *, reset: bool, partial: bool) -> tuple[Any, npt.NDArray[Any]]:
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True,
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _pose(self, y: npt.NDArray[Any]) -> Problem:
        if not isinstance(self.loss, Loss) and self.loss not in _LOSSES:
            raise InputError(f"loss of a regressor is one of {', '.join(map(repr, _LOSSES))}, not {self.loss!r}")
        loss = losses.loss(self.loss)
        output = self.output_activation
        if output == "auto":
            output = loss.output or "identity"
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        scales = loss.name in _FREE_OF_UNITS or (loss.name == "huber" and n_outputs == 1)
        identity = activation(output).name == "identity"
        if self.scale_targets is True and not identity:
            raise InputError("scale_targets=True needs the identity as output_activation: leave one of them out")
        return Problem(loss, output, n_outputs, scales and identity)

    def _encode(self, y: npt.NDArray[Any]) -> FloatArray:
        return np.asarray(y, np.float64).reshape(len(y), -1)

    def _own_score(self, outputs: FloatArray, rows: Rows, outputs_scaling: Scaling) -> float:
        return r2(rows.targets, outputs_scaling.undo(outputs), rows.weights)

    def _strata(self, y: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        return None
