"""Derivatives that a person declared: checked as they are called, whichever form is called."""

import numpy as np
import pytest

import actwise as aw
from actwise.activations import FromOutput
from actwise.doctor.derivatives import with_right_derivatives, wrong_derivative, wrong_derivatives
from actwise.formula.expression import exp, tanh

RIGHT = aw.Activation("my_tanh", lambda x: tanh(x), lambda x: 1 - tanh(x) ** 2)
WRONG = aw.Activation("my_tanh", lambda x: tanh(x), lambda x: 1 - x**2)
SIGN = aw.Activation("my_sigmoid", lambda x: 1 / (1 + exp(-x)), lambda x: -exp(-x) / (1 + exp(-x)) ** 2)
FROM_OUTPUT = aw.Activation(
    "my_tanh", lambda x: tanh(x), lambda x: 1 - tanh(x) ** 2, FromOutput(lambda y: 1 - tanh(y) ** 2)
)


@pytest.mark.parametrize(
    ("activation", "cause"),
    [
        (WRONG, "wrong_convention_expects_y_given_x"),
        (SIGN, "wrong_sign"),
        (FROM_OUTPUT, "wrong_convention_expects_x_given_y"),
    ],
)
def test_a_wrong_derivative_is_named_and_put_right(activation, cause):
    assert wrong_derivative(activation).cause == cause
    network = aw.Network([aw.Dense(4, "tanh"), aw.Dense(4, activation), aw.Dense(1)], 2)
    assert [(place, report.cause) for place, report in wrong_derivatives(network)] == [(2, cause)]
    righted = with_right_derivatives(network)
    assert wrong_derivatives(righted) == []
    x = np.linspace(-3, 3, 50)
    slope = (activation(x + 1e-6) - activation(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(righted.layers[1].activation.derivative(x), slope, atol=1e-8)


@pytest.mark.parametrize("activation", [RIGHT, aw.activation("x * sigmoid(2 * x)"), aw.activation("elu", alpha=0.3)])
def test_right_ones_are_left_alone(activation):
    network = aw.Network([aw.Dense(4, activation), aw.Dense(1)], 2)
    assert wrong_derivative(activation) is None
    assert with_right_derivatives(network) is None


def test_the_report_names_it_although_more_epochs_would_do():
    X = np.random.default_rng(0).normal(size=(300, 2))
    y = (np.hypot(*X.T) < 1.2).astype(float)
    network = aw.Network([aw.Dense(12, WRONG), aw.Dense(1, "sigmoid")], 2)
    found = aw.diagnose(network, X, y, loss="binary_cross_entropy", optimizer=aw.Adam(0.03), epochs=60)
    assert found.findings[0].code == "wrong_convention_expects_y_given_x"
    assert "x = 0.1" in found.findings[0].evidence
