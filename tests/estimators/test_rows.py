"""What rows count: their weights, rare classes, and that rows which are alike are one."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, make_classification, make_regression
from sklearn.metrics import recall_score

from actwise.errors import ActwiseWarning
from actwise.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, CLASSES = make_classification(40, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
NUMBERS = make_regression(40, 5, noise=5.0, random_state=0)[1]
WEIGHTS = np.random.default_rng(0).integers(0, 4, 40)
BY_ADAM = {
    "learning_rate_init": 1e-9,
    "max_iter": 1,
    "random_state": 0,
}  # nothing is learned: what is seen is the start


def flat(model):
    return np.concatenate([np.ravel(each) for each in (*model.coefs_, *model.intercepts_)])


# Rows that are alike


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
@pytest.mark.parametrize("Model", [MLPClassifier, MLPRegressor])
def test_however_rows_are_ordered_repeated_or_weighted_the_same_bits_are_learned(Model, solver):
    y = CLASSES if Model is MLPClassifier else NUMBERS
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(40), WEIGHTS))
    weighted, repeated, shuffled = (Model(hidden_layer_sizes=12, solver=solver, random_state=0) for _ in range(3))
    weighted.fit(X, y, WEIGHTS)
    repeated.fit(X.repeat(WEIGHTS, axis=0), y.repeat(WEIGHTS))
    shuffled.fit(X[order], y[order])
    np.testing.assert_array_equal(flat(weighted), flat(repeated))
    np.testing.assert_array_equal(flat(weighted), flat(shuffled))
    assert (
        np.abs(flat(weighted) - flat(Model(hidden_layer_sizes=12, solver=solver, random_state=0).fit(X, y))).max()
        > 1e-3
    )


def test_the_work_is_that_of_the_rows_that_differ():
    many = MLPRegressor(hidden_layer_sizes=100, random_state=0).fit(np.tile(X, (10, 1)), np.tile(NUMBERS, 10))
    weighted = MLPRegressor(hidden_layer_sizes=100, random_state=0).fit(X, NUMBERS, np.full(40, 10.0))
    assert type(many.choices_.optimizer).__name__ == type(weighted.choices_.optimizer).__name__ == "LBFGS"
    np.testing.assert_array_equal(flat(many), flat(weighted))


def test_rows_with_the_same_columns_and_other_targets_are_two():
    contradicted = MLPRegressor(hidden_layer_sizes=4, random_state=0).fit(np.r_[X, X], np.r_[NUMBERS, NUMBERS + 50])
    np.testing.assert_allclose(contradicted.predict(X).mean(), NUMBERS.mean() + 25, atol=1)


def test_the_penalty_of_lbfgs_is_over_all_rows_however_many():
    rows, y = make_classification(600, 5, random_state=0)
    alpha = 30.0
    model = MLPClassifier(3, activation="tanh", solver="lbfgs", alpha=alpha, tol=1e-9, random_state=0).fit(rows, y)
    hidden = np.tanh(rows @ model.coefs_[0] + model.intercepts_[0])
    error = model.predict_proba(rows)[:, 1:] - y[:, None]
    np.testing.assert_allclose(hidden.T @ error, -alpha * model.coefs_[1], atol=1e-3 * alpha)
    assert np.abs(model.coefs_[1]).max() > 0.05


# Rare classes


@pytest.mark.parametrize("by", ["rows", "class"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_class_of_little_weight_is_learned(by, seed):
    rows, y = load_breast_cancer(return_X_y=True)
    model = MLPClassifier(random_state=seed, class_weight={0: 1, 1: 100} if by == "class" else None)
    model.fit(rows, y, np.where(y == 1, 100, 1) if by == "rows" else None)
    assert recall_score(y, model.predict(rows), pos_label=0) > 0.9
    assert recall_score(y, model.predict(rows)) > 0.98


@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
def test_training_starts_from_the_mean_target():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 5))
    share = rng.random(400)
    two, three = (share < 0.02).astype(int), np.digitize(share, [0.02, 0.1])
    weights = np.where(two == 1, 0.5, 1.0)
    found = MLPClassifier(**BY_ADAM).fit(rows, two, weights).predict_proba(rows)[:, 1]
    np.testing.assert_allclose(np.log(found), np.log(np.average(two, weights=weights)), atol=0.5)
    found = MLPClassifier(**BY_ADAM).fit(rows, three).predict_proba(rows)
    np.testing.assert_allclose(np.log(found).mean(axis=0), np.log(np.bincount(three) / 400), atol=0.3)
    labels = np.column_stack([two, np.zeros(400, int), 1 - two])  # of the second there is no row
    found = MLPClassifier(**BY_ADAM).fit(rows, labels).predict_proba(rows).mean(axis=0)
    np.testing.assert_allclose(found, [two.mean(), 0.5, 1 - two.mean()], rtol=0.3, atol=0.03)
    counts = rng.poisson(200, 400).astype(float)
    found = MLPRegressor(loss="poisson", **BY_ADAM).fit(rows, counts).predict(rows)
    np.testing.assert_allclose(np.log(found), np.log(200), atol=0.5)


@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
def test_a_mean_beyond_the_outputs_does_not_hold_training_back():
    target = np.where(X[:, 0] > 0, 1.0, -5.0)  # its mean is below every output of a sigmoid
    model = MLPRegressor(hidden_layer_sizes=8, output_activation="sigmoid", random_state=0).fit(X, target)
    assert model.predict(X)[target > 0].mean() > 0.5


@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
def test_a_start_at_rest_is_a_fit_with_one_record():
    rows = np.r_[X, X]  # of which nothing tells the classes apart, and both have the same weight
    model = MLPClassifier(4, random_state=0, alpha=0.0).fit(np.zeros_like(rows), np.repeat([0, 1], 40))
    assert model.stopped_because_ == "converged"
    assert model.n_iter_ == len(model.loss_curve_) == 1
    assert model.loss_ == model.best_loss_ == pytest.approx(np.log(2))


# A weighted fit that came to nothing


@pytest.mark.parametrize("by", ["rows", "class"])
def test_a_weighted_fit_that_answers_one_class_and_is_no_better_than_a_constant_warns(by):
    weights = np.where(CLASSES == 1, 100.0, 1.0)
    share = np.bincount(CLASSES, weights) / weights.sum()
    constant = -float(np.sum(share * np.log(share)))
    model = MLPClassifier(
        4, solver="sgd", learning_rate_init=0.02, max_iter=300, alpha=1e3, random_state=0,
        class_weight={0: 1, 1: 100, 2: 1} if by == "class" else None,
    )  # fmt: skip
    with pytest.warns(ActwiseWarning, match=rf"no better than one constant answer .* against {constant:.4g}\)"):
        model.fit(X, CLASSES, weights if by == "rows" else None)
    assert set(model.predict(X)) == {1}
