"""Losses: value and gradient against mpmath and PyTorch-style definitions written out here."""

import mpmath as mp
import numpy as np
import pytest

from actwise.errors import InputError
from actwise.formula.dialects import evaluate, numpy_table
from actwise.losses import CATALOGUE, loss

POINTS = [-745.0, -100.0, -5.0, -1.0, -1e-9, 0.0, 1e-9, 0.3, 2.0, 40.0, 745.0]


def _by_definition(name, x, t):
    """The textbook formula at 400 digits, in which nothing overflows or cancels."""
    x, t = mp.mpf(x), mp.mpf(t)
    if name == "squared_error":
        return (x - t) ** 2 / 2
    if name == "absolute_error":
        return abs(x - t)
    if name == "huber":
        r = abs(x - t)
        return r**2 / 2 if r <= 1 else r - mp.mpf(1) / 2
    p = 1 / (1 + mp.exp(-x))
    return -t * mp.log(p) - (1 - t) * mp.log(1 - p)


ELEMENTWISE = [each for each in CATALOGUE if each.target == "value"]


@pytest.mark.parametrize("each", ELEMENTWISE, ids=lambda each: each.name)
@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_value_and_gradient_of_elementwise_losses(each, target):
    with mp.workdps(400):
        for x in POINTS:
            value = float(_by_definition(each.name, x, target))
            assert each.rows([[x]], [[target]])[0] == pytest.approx(value, rel=1e-13, abs=1e-300)
            values = {"x": np.float64(x), "t": np.float64(target), **each.params}
            slope = evaluate(each.formula.gradient, values, numpy_table())
            exact = float(mp.diff(lambda u, t=target, n=each.name: _by_definition(n, u, t), x, h=mp.mpf(10) ** -150))
            if each.name == "absolute_error" and x == target:
                exact = 0.0
            assert slope == pytest.approx(exact, rel=1e-12, abs=1e-15)


def test_categorical_cross_entropy_is_minus_the_log_of_the_softmax():
    chosen = loss("categorical_cross_entropy")
    logits = np.array([[0.1, -2.0, 3.0], [800.0, 0.0, -800.0], [5.0, 5.0, 5.0]])
    classes = np.array([[1], [2], [0]])
    with mp.workdps(400):
        for row, label, got in zip(logits, classes[:, 0], chosen.rows(logits, classes), strict=True):
            exponentials = [mp.exp(mp.mpf(z)) for z in row]
            exact = -mp.log(exponentials[label] / sum(exponentials))
            assert got == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("each", CATALOGUE, ids=lambda each: each.name)
def test_the_best_constant_is_no_worse_than_any_other(each):
    rng = np.random.default_rng(1)
    n_outputs = 3 if each.target == "class" else 2
    targets = rng.integers(0, 3, (50, 1)) if each.target == "class" else rng.uniform(0, 1, (50, 2))
    best = each.of_best_constant(targets, n_outputs)
    for constant in rng.normal(size=(200, n_outputs)) * 2:
        assert best <= each.rows(np.tile(constant, (50, 1)), targets).mean() + 1e-9


def test_names_aliases_and_mistakes():
    assert loss("mse").name == "squared_error"
    assert loss("huber", delta=3.0).params["delta"] == 3.0
    with pytest.raises(InputError, match="did you mean 'huber'"):
        loss("hubber")
    with pytest.raises(InputError, match="no parameter 'gamma'"):
        loss("huber", gamma=1.0)
    with pytest.raises(InputError, match="must be positive"):
        loss("huber", delta=-1.0)


@pytest.mark.parametrize("each", CATALOGUE, ids=lambda each: each.name)
def test_the_best_constant_weighs_rows_as_if_they_were_repeated(each):
    rng = np.random.default_rng(2)
    targets = rng.integers(0, 2, (20, 1)).astype(float)
    weights = rng.integers(0, 4, 20)
    n_outputs = 3 if each.target == "class" else 1
    repeated = each.of_best_constant(np.repeat(targets, weights, axis=0), n_outputs)
    assert each.of_best_constant(targets, n_outputs, weights) == pytest.approx(repeated, rel=1e-6)
