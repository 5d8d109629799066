"""One row at a time: the bits of many rows at once, whatever holds the row, and the refusals of scikit-learn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from actwise import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 7))
TWO, THREE = np.where(X[:, 0] > 0, "yes", "no"), np.digitize(X[:, 0], [-0.5, 0.5])
SMALL = {"hidden_layer_sizes": (40, 30), "random_state": 0}
MODELS = {
    "two classes": (MLPClassifier(**SMALL), TWO),
    "three classes": (MLPClassifier(**SMALL), THREE),
    "one class": (MLPClassifier(**SMALL), np.full(len(X), 7)),
    "labels": (MLPClassifier(**SMALL), np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int)),
    "margins": (MLPClassifier(loss="hinge", **SMALL), TWO),
    "a number": (MLPRegressor(**SMALL), X[:, 0]),
    "numbers": (MLPRegressor(**SMALL), X[:, :2]),
}
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
FORMS = {
    "array": lambda row: row.copy(),
    "part of a matrix by columns": lambda row: np.asfortranarray(np.repeat(row, 3, axis=0))[1:2],
    "backwards": lambda row: row[:, ::-1].copy()[:, ::-1],
    "single precision": lambda row: row.astype(np.float32),
    "other byte order": lambda row: row.astype(row.dtype.newbyteorder()),
    "read-only": lambda row: np.frombuffer(row.tobytes(), row.dtype).reshape(row.shape),
    "unaligned": lambda row: np.frombuffer(b"." + row.tobytes(), row.dtype, offset=1).reshape(row.shape),
    "list": lambda row: row.tolist(),
    "frame": lambda row: pd.DataFrame(row),
    "sparse": scipy.sparse.csr_array,
}


@pytest.fixture(scope="module", params=[np.float64, np.float32])
def models(request):
    """Models of every kind, fitted on rows of one type."""
    return {kind: clone(model).fit(X.astype(request.param), y) for kind, (model, y) in MODELS.items()}


@pytest.mark.parametrize("kind", MODELS)
def test_a_row_alone_has_the_bits_that_it_has_among_others(models, kind):
    model = models[kind]
    rows = X.astype(np.float32).astype(model.coefs_[0].dtype)
    for method in filter(lambda name: hasattr(model, name), METHODS):
        together = getattr(model, method)(rows)
        for name, form in FORMS.items():
            for k in range(0, len(rows), 9):
                alone = getattr(model, method)(form(rows[k : k + 1]))
                assert alone.dtype == together.dtype, name
                np.testing.assert_array_equal(alone, together[k : k + 1], err_msg=name)


def test_threads_do_not_share_a_row(models):
    model = models["a number"]
    with ThreadPoolExecutor(8) as pool:
        alone = pool.map(model.predict, np.split(np.tile(X, (50, 1)), 50 * len(X)))
        np.testing.assert_array_equal(np.concatenate([*alone]), np.tile(model.predict(X), 50))


def test_an_answer_stays_when_the_next_row_is_predicted(models):
    model = models["three classes"]
    first = model.predict_proba(X[:1])
    kept = first.copy()
    model.predict_proba(X[1:2])
    np.testing.assert_array_equal(first, kept)


def test_what_is_written_into_the_weights_counts_for_the_next_row():
    model = MLPRegressor(**SMALL).fit(X, X[:, 0])
    before = model.predict(X[:1])
    model.intercepts_[-1] += 1
    np.testing.assert_allclose(model.predict(X[:1]), before + 1)
    model.intercepts_[-1] = model.intercepts_[-1] + 1
    np.testing.assert_allclose(model.predict(X[:1]), before + 2)


def with_first(number):
    changed = X[:1].copy()
    changed[0, 0] = number
    return changed


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (with_first(np.nan), "contains NaN"),
        (with_first(np.inf), "contains infinity"),
        (with_first(-np.inf), "contains infinity"),
        (with_first(np.nan).astype(np.float32), "contains NaN"),
        (X[:1, :6], "6 features"),
        (X[:1, :1], "1 features"),
        (np.repeat(X[:1], 2, axis=1), "14 features"),
        (X[0], "Expected 2D array"),
        (X[:1, None], "dim 3"),
        (X[:0], "0 sample"),
        (X[:1].astype(complex), "Complex data"),
        (scipy.sparse.csr_array(X[:1, :6]), "6 features"),
        (scipy.sparse.csr_array(with_first(np.nan)), "contains NaN"),
    ],
)
def test_what_cannot_be_predicted_is_refused(models, given, message):
    for model in models.values():
        with pytest.raises(ValueError, match=message):
            model.predict(given)


def test_names_of_columns_are_heeded_for_a_row():
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    model = MLPRegressor(**SMALL).fit(frame, X[:, 0])
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[:1].rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[:1][list("bacdefg")])
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(model.predict(X[:1]), model.predict(frame)[:1])


def test_an_unfitted_estimator_says_so():
    with pytest.raises(NotFittedError):
        MLPRegressor().predict(X[:1])


def test_numbers_whose_sum_overflows_are_numbers():
    """A sum would be infinite, and NumPy would warn of it."""
    model = MLPRegressor(**SMALL | {"activation": "tanh"}).fit(X, X[:, 0])
    for n_rows in (1, 2):
        assert np.all(np.isfinite(model.predict(np.full((n_rows, 7), 1e308))))
