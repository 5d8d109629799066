"""Dead and saturated shares and gradients, against networks in which they are known."""

import numpy as np
import pytest

import actwise as aw
from actwise.doctor.data import Data
from actwise.doctor.measures import course, measure
from actwise.doctor.setup import Outcome, Setup
from actwise.doctor.targets import as_targets

X = np.random.default_rng(0).normal(size=(40, 2))
Y = X[:, :1] - X[:, 1:]


def measured(layers, parameters=None):
    network = aw.Network(layers, 2, dtype="float64").initialised(1)
    if parameters is not None:
        network = network.with_parameters(parameters(network))
    setup = Setup(network, aw.loss("squared_error"), aw.Adam())
    rows = np.arange(40)
    outcome = Outcome(0.0, network, np.array([2.0, 1.0, 1.0]), "all epochs done", 0.0, 1.0, seed=1)
    return network, measure(setup, outcome, Data(X, as_targets(Y), rows, rows))


def test_dead_units_are_those_whose_slope_is_zero_for_every_row():
    def kill_two(network):
        values = network.values.copy()
        values[8:10] = -1e6  # biases of the first two of four units
        return values

    _, found = measured([aw.Dense(4, "relu", init=aw.Uniform(0.1, 1)), aw.Dense(1)], kill_two)
    assert found.layers[0].dead == 0.5
    assert found.most_dead.layer == 1


def test_saturated_values_are_where_the_slope_is_small():
    network, found = measured([aw.Dense(5, "tanh", init=aw.Normal(30.0)), aw.Dense(1)])
    z = X @ network.weights[0] + network.biases[0]
    assert found.layers[0].saturated == pytest.approx(np.mean(1 - np.tanh(z) ** 2 < 0.05))
    assert found.layers[1].saturated == 0.0


def test_gradients_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    network, found = measured([aw.Dense(5, "sigmoid"), aw.Dropout(0.2), aw.Dense(5, "sigmoid"), aw.Dense(1)])
    weights = [torch.tensor(w.copy(), requires_grad=True) for w in network.weights]
    out = torch.tensor(X)
    for k, (w, b) in enumerate(zip(weights, network.biases, strict=True)):
        out = out @ w + torch.tensor(b.copy())
        out = torch.sigmoid(out) if k < 2 else out
    (((out - torch.tensor(Y)) ** 2).sum(1) / 2).mean().backward()
    expected = [float(w.grad.square().mean().sqrt()) for w in weights]
    assert [each.gradient for each in found.layers] == pytest.approx(expected, rel=1e-9)
    assert found.gradient_ratio == pytest.approx(expected[0] / expected[-1])
    assert [each.layer for each in found.layers] == [1, 3, 4], "places among all layers, dropout included"


def test_how_far_weights_moved_is_a_share_of_where_they_began():
    network, still = measured([aw.Dense(4, "tanh"), aw.Dense(1)])
    assert still.most_moved == 0
    shapes = [network.structure[0], network.structure[1]]

    def one_layer_doubled(start):
        values = start.values.copy()
        values[shapes[1].weights_at : shapes[1].weights_at + shapes[1].n_weights] *= 3
        return values

    _, moved = measured([aw.Dense(4, "tanh"), aw.Dense(1)], one_layer_doubled)
    assert [each.moved for each in moved.layers] == [0, pytest.approx(2.0)]


@pytest.mark.parametrize(
    ("losses", "falls", "jumps"),
    [
        (np.exp(-np.arange(100) / 10), True, False),
        (np.r_[np.linspace(1, 0.2, 50), np.full(50, 0.2)], False, False),
        (0.5 + 0.2 * (-1.0) ** np.arange(100), False, True),
        (0.5 + 1e-3 * (-1.0) ** np.arange(100), False, False),
        ([1.0, np.nan], False, False),
        ([3.0, 2.0, 1.0], True, False),
        ([1e308, 1.0, 1.7e308, 0.0, 5e-324], False, False),
    ],
)
def test_the_course_of_a_loss(losses, falls, jumps):
    found = course(np.asarray(losses))
    assert (found.falls, found.jumps) == (falls, jumps)


def test_a_plateau_is_the_time_before_a_tenth_was_gained():
    found = course(np.r_[np.full(60, 0.7), np.linspace(0.7, 0.1, 40)])
    assert found.plateau == pytest.approx(0.64, abs=0.02)
    assert found.gained == pytest.approx(0.6 / 0.7)
