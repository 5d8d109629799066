"""The measures against scikit-learn's, and where they are undefined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from actwise.tasks.metrics import beats, class_scores, number_scores, r2


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(2, 5), st.integers(8, 40), st.booleans())
def test_class_scores_are_those_of_scikit_learn(seed, n_classes, n_rows, coarse):
    random = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(n_classes), random.integers(n_classes, size=n_rows)])
    probabilities = random.dirichlet(np.ones(n_classes), len(truth))
    if coarse:  # ties
        probabilities = np.round(probabilities * 4) + 1
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = class_scores(truth, probabilities)
    likeliest = probabilities.argmax(axis=1)
    shown = probabilities[:, 1] if n_classes == 2 else probabilities
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, probabilities))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, likeliest))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, likeliest))
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, shown, multi_class="ovr"))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(2, 40))
def test_number_scores_are_those_of_scikit_learn(seed, n_outputs, n_rows):
    random = np.random.default_rng(seed)
    truth, predicted = random.normal(size=(2, n_rows, n_outputs)) * [1, 10, 1000][:n_outputs]
    found = number_scores(truth, predicted)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, predicted))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, predicted))


def test_a_certain_error_costs_a_finite_loss():
    assert class_scores(np.array([0]), np.array([[0.0, 1.0]]))["log_loss"] == pytest.approx(52 * np.log(2))


def test_classes_that_are_absent_leave_the_rest_defined():
    found = class_scores(np.array([0, 0, 2]), np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]))
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["roc_auc"] == 1
    assert class_scores(np.array([1, 1]), np.array([[0.5, 0.5], [0.1, 0.9]]))["roc_auc"] is None


def test_undefined_numbers_are_none():
    assert number_scores(np.array([[2.0], [2.0]]), np.array([[1.0], [3.0]]))["r2"] is None
    assert number_scores(np.array([[2.0], [3.0]]), np.array([[1.0], [np.nan]])) == dict.fromkeys(("rmse", "mae", "r2"))


def test_a_constant_output_counts_where_it_was_met():
    truth = np.array([[1.0, 2.0], [3.0, 2.0]])
    assert r2(truth, truth) == 1
    assert r2(truth, np.array([[1.0, 2.0], [3.0, 1.0]])) == 0.5
    assert np.isnan(r2(truth, np.full((2, 2), np.inf)))


@pytest.mark.parametrize(
    ("scores", "constant", "expected"),
    [
        ({"log_loss": 0.5}, {"log_loss": 0.6}, True),
        ({"log_loss": 0.6}, {"log_loss": 0.6}, False),
        ({"log_loss": None}, {"log_loss": 0.6}, False),
        ({"r2": 0.1, "rmse": 3.0}, {"r2": -0.1, "rmse": 2.0}, True),
        ({"r2": -0.2, "rmse": 1.0}, {"r2": -0.1, "rmse": 2.0}, False),
        ({"r2": None, "rmse": 1.0}, {"r2": None, "rmse": 2.0}, True),
        ({"r2": None, "rmse": None}, {"r2": None, "rmse": 2.0}, False),
    ],
)
def test_beats(scores, constant, expected):
    assert beats(scores, constant) is expected


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_numbers_of_any_size_are_judged(size):
    truth, predicted = np.array([[1.0], [2.0], [4.0]]), np.array([[1.5], [2.0], [3.0]])
    found = number_scores(truth * size, predicted * size)
    expected = metrics.root_mean_squared_error(truth, predicted)
    assert found["rmse"] / size == pytest.approx(expected)
    assert found["mae"] / size == pytest.approx(0.5)
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, predicted))
