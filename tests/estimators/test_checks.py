"""scikit-learn's checks of estimators, all of them."""

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from actwise.estimators import MLPClassifier, MLPRegressor

# What scikit-learn skips by itself: an environment variable that is not set, and a method that only the hinge
# loss has.
SKIPPED = {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}
ESTIMATORS = [
    MLPClassifier(),
    MLPRegressor(),
    MLPClassifier(solver="lbfgs", max_iter=50),
    MLPRegressor(solver="lbfgs", max_iter=50),
    MLPClassifier(solver="adam", max_iter=30, batch_size=4),
    MLPRegressor(solver="adam", max_iter=30, batch_size=4),
    MLPClassifier(loss="hinge", solver="lbfgs", max_iter=50),
]
# To a solver that takes all rows at once, rows with weights and rows that are repeated are the same, bit for bit. One
# of small batches sees other rows in each: in this check it gets all rows at once, few steps and a smooth network.
EQUIVALENCE = "check_sample_weight_equivalence"
SMOOTH = {"max_iter": 20, "activation": "tanh", "batch_size": "auto"}


@pytest.mark.filterwarnings("ignore")  # the checks are written for a configuration in which a warning is no error
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    if check.func.__name__.startswith(EQUIVALENCE) and estimator.solver == "adam":
        estimator = clone(estimator).set_params(**SMOOTH)
    try:
        check(estimator)
    except pytest.skip.Exception:
        assert check.func.__name__ in SKIPPED
        raise
