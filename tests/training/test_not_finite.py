"""A training that gives no numbers says which activation is at fault, once."""

import warnings

import numpy as np
import pytest

import actwise as aw
from actwise.errors import ActwiseWarning
from actwise.training.not_finite import activation_at_fault

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0]


def network(*activations, before=()):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ActwiseWarning)
        return aw.Network([*before, *(aw.Dense(8, each) for each in activations), aw.Dense(1)], n_inputs=3)


@pytest.mark.parametrize(
    ("formula", "advised"),
    [("log(x)", "where(x > 0, log(x), 0)"), ("sqrt(1 - x)", "where(x < 1, sqrt(1 - x), 0)")],
)
def test_the_first_layer_without_numbers_is_named(formula, advised):
    with pytest.warns(ActwiseWarning, match="nothing was learned") as caught:
        run = aw.train(network("tanh", f"3 * ({formula})"), X * 9, Y, epochs=2)
    (message,) = [str(each.message) for each in caught]
    assert f"the activation '3 * ({formula})' of layer 2 is not a finite number for" in message
    assert message.endswith(advised.replace(formula, f"3 * ({formula})"))
    assert run.stopped_because == "loss is not finite"
    with pytest.raises(IndexError, match="the history is empty"):
        run.history[-1]
    assert list(run.history) == []


def test_an_infinite_slope_is_at_fault_too():
    net = network("sqrt(abs(x))")
    weights = net.values.copy()
    weights[:24] = 0.0
    cause = activation_at_fault(net.with_parameters(weights), X)
    assert cause.startswith("the slope of the activation 'sqrt(abs(x))' of layer 1 is not a finite number for 100%")


@pytest.mark.parametrize("activations", [("tanh", "relu"), ("identity",)])
def test_activations_that_are_numbers_are_not_blamed(activations):
    assert activation_at_fault(network(*activations), X) is None


def test_targets_that_overflow_are_not_the_activations_fault():
    with pytest.warns(ActwiseWarning, match="nothing was learned.*learning rate ten times smaller"):
        aw.train(network("tanh"), X, Y * 1e38, epochs=2)


def test_overflow_is_answered_with_moderate_inputs():
    assert activation_at_fault(network("exponential"), X * 1e6).endswith("inputs of moderate size")


def test_an_estimator_blames_the_activation_and_not_the_data():
    with (
        pytest.warns(ActwiseWarning, match="has gaps"),
        pytest.raises(ValueError, match=r"'sqrt\(x\)' of layer 1 is not"),
    ):
        aw.MLPRegressor(activation="sqrt(x)", max_iter=5).fit(X, Y)


def test_a_trained_parameter_is_shown_as_it_was_trained():
    bent = aw.activation("x * sigmoid(p * x)", p=aw.Param(1.5, trained=True))
    run = aw.train(aw.Network([aw.Dense(4, bent), aw.Dropout(0.1), aw.Dense(1)], n_inputs=3), X, np.abs(Y), epochs=20)
    trained = run.network.activation_values(0)["p"]
    assert abs(trained - 1.5) > 1e-3
    assert f"p={trained:g})" in repr(run.network)
