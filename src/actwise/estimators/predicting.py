"""Estimators that have weights: their copies, what they are made of, and what they predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from actwise.model.network import Network
from actwise.recipes.weights import Weights
from actwise.training.descriptions import ModelDescription

FloatArray = npt.NDArray[np.floating[Any]]
SPARSE_BATCH = 4096  # sparse rows that are made dense at once


def dense(X: Any) -> FloatArray:
    """Return rows as an array, sparse ones too."""
    made: FloatArray = X.toarray() if scipy.sparse.issparse(X) else X
    return made


def _all_finite(X: FloatArray) -> bool:
    """Whether no number is NaN or infinite; other than a sum, this cannot overflow."""
    finite = np.isfinite(X)
    # For a row, looking through its bytes takes a third of the time of `all`.
    return False not in finite.tobytes() if len(X) == 1 else bool(finite.all())


class Predicting(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator with `_weights`, whose arrays are `coefs_` and `intercepts_`, and with ``n_jobs``."""

    coefs_: list[FloatArray]
    intercepts_: list[FloatArray]
    _weights: Weights

    @property
    def _threads(self) -> int | None:
        return self.n_jobs if self.n_jobs is None or self.n_jobs > 0 else None

    # The weights

    def _set_weights(self, weights: Weights) -> None:
        self._weights = weights
        self.coefs_, self.intercepts_ = list(weights.coefs), list(weights.intercepts)

    def _current(self) -> Weights:
        """Return the weights, with what a user may have put into `coefs_` and `intercepts_`."""
        return self._weights.with_arrays(self.coefs_, self.intercepts_)

    @property
    def network_(self) -> Network:
        """The trained network: it takes the columns as they are and gives what `predict` is made of."""
        check_is_fitted(self, "coefs_")
        weights = self._current()
        return weights.network.with_parameters(weights.parameters)

    def model_description(self) -> ModelDescription:
        """Say what the model is made of, for `actwise.to_onnx` and `actwise.to_torch`."""
        return ModelDescription(self.network_)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        if "_weights" in state:
            state = {**state, "_weights": self._current()}
            for name in ("coefs_", "intercepts_"):  # parts of the weights
                del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "_weights"):
            self._set_weights(self._weights)

    # Predicting

    def _predict_outputs(self, X: Any) -> FloatArray:
        """Return the network's outputs, shape (n_rows, n_outputs)."""
        if self._is_plain(X):
            return self._current().outputs(X, self._threads)
        check_is_fitted(self, "coefs_")
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        weights, threads = self._current(), self._threads
        if not scipy.sparse.issparse(X):
            return weights.outputs(X, threads)
        by_rows = X.tocsr()
        starts = range(0, by_rows.shape[0], SPARSE_BATCH)
        return np.concatenate([weights.outputs(dense(by_rows[at : at + SPARSE_BATCH]), threads) for at in starts])

    def _is_plain(self, X: Any) -> bool:
        """Whether nothing can be wrong with X; to ask scikit-learn takes as long as ten predictions of a row."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype.char in "fd"
            and X.dtype.isnative
            and hasattr(self, "coefs_")
            and not hasattr(self, "feature_names_in_")
            and X.shape[1] == self.n_features_in_
            and X.shape[0] > 0
            and _all_finite(X)
        )
