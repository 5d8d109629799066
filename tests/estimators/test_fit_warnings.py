"""A useless fit is never silent, and says why."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

from actwise.errors import ActwiseWarning
from actwise.estimators import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
NOISE, UNSEEN = RNG.normal(size=(2, 300, 5))
COINS, MORE_COINS = RNG.integers(0, 2, (2, 300))
NUMBERS, MORE_NUMBERS = RNG.normal(size=(2, 300))
X, Y = make_classification(200, 5, random_state=0)
EVEN = np.arange(200) % 2  # of which columns tell nothing at all
BY_STEPS = {"hidden_layer_sizes": 4, "random_state": 0, "solver": "sgd", "learning_rate_init": 1e-9}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("parameters", "scale", "reason"),
    [
        ({"tol": 1e-4}, 1e4, r"not scaled \(largest value .*e\+04\): set scale_inputs=True"),
        ({"tol": 0.0, "max_iter": 3}, 1, "max_iter=3 ended it: allow more"),
        ({"tol": 1e-4, "max_iter": 99}, 1, r"after 12 epochs, as no epoch improved by tol=0\.0001: set tol=0"),
        ({"tol": 0.0, "solver": "lbfgs", "alpha": 1e6}, 1, r"alpha=1e\+06 holds the weights at 0"),
        ({"tol": 0.0, "solver": "lbfgs", "alpha": 0.5}, 0, "the columns may tell nothing about the target, or the"),
    ],
    ids=["columns", "epochs", "tolerance", "penalty", "nothing"],
)
def test_why_a_fit_is_no_better_than_a_constant(parameters, scale, reason):
    model = MLPClassifier(**BY_STEPS | parameters)
    with pytest.warns(ActwiseWarning, match="one constant answer for every row .*" + reason):
        model.fit(scale * X, EVEN)


def is_warned_of(fit):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ActwiseWarning)
        fit()
    return any("one constant answer on the rows held out" in str(each.message) for each in caught)


def test_noise_is_judged_by_the_rows_held_out_and_the_weights_that_are_kept():
    share = MORE_COINS.mean()
    of_constant = -share * np.log(share) - (1 - share) * np.log(1 - share)
    said = []
    for seed in range(6):
        model = MLPClassifier(20, random_state=seed)
        said.append(is_warned_of(lambda m=model: m.fit(NOISE, COINS, X_val=UNSEEN, y_val=MORE_COINS)))
        assert model.loss_ < 0.99 * np.log(2)  # by the loss of training all seems well
        assert said[-1] == (log_loss(MORE_COINS, model.predict_proba(UNSEEN)) > (1 - 1e-3) * of_constant)
    assert sum(said) > 1


@pytest.mark.parametrize(
    ("Model", "y", "y_val"), [(MLPClassifier, COINS, MORE_COINS), (MLPRegressor, NUMBERS, MORE_NUMBERS)]
)
def test_rows_that_are_learned_by_heart(Model, y, y_val):
    model = Model(
        hidden_layer_sizes=20, solver="adam", learning_rate_init=0.01, early_stopping=False, random_state=0, tol=0
    )
    with pytest.warns(ActwiseWarning, match="on the rows held out .* nothing that holds for others"):
        model.fit(NOISE, y, X_val=UNSEEN, y_val=y_val)


def test_a_penalty_that_was_chosen_by_trial_is_not_blamed():
    model = MLPRegressor(random_state=0)
    with pytest.warns(ActwiseWarning, match="the columns may tell nothing"):
        model.fit(NOISE, NUMBERS, X_val=UNSEEN, y_val=MORE_NUMBERS)
    assert model.choices_.alphas


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
def test_what_is_learned_is_kept_silent_about(solver):
    y_val = np.zeros(60, int)  # of which a constant is right
    with warnings.catch_warnings():
        warnings.simplefilter("error", ActwiseWarning)
        model = MLPClassifier(8, solver=solver, random_state=0)
        model.fit(X[:140], Y[:140], X_val=X[140:], y_val=Y[140:])
        model.fit(X[:140], Y[:140], X_val=X[140:], y_val=y_val)
    assert model.score(X[:140], Y[:140]) > 0.5
