"""scikit-learn's perceptrons come in and predict the same."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import actwise as aw
from actwise.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
TARGETS: dict[str, Any] = {
    "one number": X[:, 0] * X[:, 1],
    "two numbers": X[:, :2] ** 2,
    "two classes": (X[:, 0] > 0).astype(int),
    "three classes": np.digitize(X[:, 0], [-0.5, 0.5]),
    "two questions": (X[:, :2] > 0).astype(int),
}


def fitted(kind: Any, y: Any, rows: Any = X, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(max_iter=15, random_state=0, **options).fit(rows, y)


@pytest.mark.parametrize("name", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_are_the_same(name: str, target: str, dtype: str) -> None:
    rows = X.astype(dtype)
    kind = MLPRegressor if "number" in target else MLPClassifier
    model = fitted(kind, TARGETS[target], rows, hidden_layer_sizes=(6, 4), activation=name)
    network = aw.from_sklearn(model)
    assert network.dtype == dtype
    found = network.predict(rows)
    wanted = model.predict(rows).reshape(len(rows), -1) if kind is MLPRegressor else model.predict_proba(rows)
    if target == "two classes":
        wanted = wanted[:, 1:]
    np.testing.assert_allclose(found, wanted, atol=1e-6 if dtype == "float32" else 1e-13)


def test_a_regression_of_counts() -> None:
    counts = RNG.poisson(2, 80).astype(float)
    model = fitted(MLPRegressor, counts, loss="poisson", hidden_layer_sizes=(4,))
    np.testing.assert_allclose(aw.from_sklearn(model).predict(X)[:, 0], model.predict(X), rtol=1e-12)


def test_no_hidden_layer() -> None:
    model = fitted(MLPRegressor, TARGETS["one number"], hidden_layer_sizes=())
    np.testing.assert_allclose(aw.from_sklearn(model).predict(X)[:, 0], model.predict(X), rtol=1e-10)


def test_what_cannot_be_taken_over_is_refused() -> None:
    with pytest.raises(InputError, match="has not been fitted yet; call its fit first"):
        aw.from_sklearn(MLPClassifier())
    pipeline = make_pipeline(StandardScaler(), fitted(MLPRegressor, TARGETS["one number"]))
    with pytest.raises(InputError, match=r"not Pipeline; of a pipeline take its last step, such as pipeline\[-1\]"):
        aw.from_sklearn(pipeline)
    with pytest.raises(InputError, match=r"not MLPClassifier \(a class\)"):
        aw.from_sklearn(MLPClassifier)
