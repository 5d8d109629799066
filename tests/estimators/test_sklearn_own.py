"""scikit-learn's own tests of its multilayer perceptrons, from the installed package, run on ours.

The module is loaded with our classes in the place of scikit-learn's. All of its tests run but those in
`NOT_RUN`, which look at scikit-learn's private parts.
"""

import importlib.util
from unittest import mock

import pytest
import sklearn.neural_network

from actwise.estimators import MLPClassifier, MLPRegressor

NOT_RUN = {
    "test_gradient": "calls _loss_grad_lbfgs; tests/engines/numba/test_passes.py checks our gradients",
    "test_learning_rate_warmstart": "reads _optimizer.learning_rate; test_training.py sees the rates in the weights",
    "test_adaptive_learning_rate": "reads _optimizer.learning_rate; test_training.py sees the rates in the weights",
    "test_n_iter_no_change": "reads _no_improvement_count; test_training.py counts the epochs",
    "test_n_iter_no_change_inf": "reads _no_improvement_count; test_training.py counts the epochs",
}


def _load():
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    module = importlib.util.module_from_spec(spec)
    # The names are read while the module is executed, in decorators too.
    with mock.patch.multiple(sklearn.neural_network, MLPClassifier=MLPClassifier, MLPRegressor=MLPRegressor):
        spec.loader.exec_module(module)
    assert module.MLPClassifier is MLPClassifier
    return {name: test for name, test in vars(module).items() if name.startswith("test_") and callable(test)}


_TESTS = _load()
globals().update({name: test for name, test in _TESTS.items() if name not in NOT_RUN})
# That module is written for another configuration, in which a warning is no error.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def global_random_seed():
    """What scikit-learn's configuration provides."""
    return 42


def test_what_is_not_run_exists():
    assert set(NOT_RUN) <= set(_TESTS)
    assert len(_TESTS) - len(NOT_RUN) >= 38
