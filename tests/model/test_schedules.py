"""Schedules: their ends, their shape and what they refuse."""

import numpy as np
import pytest

from actwise.errors import InputError
from actwise.model.optimizers import LBFGS, SGD, Adam, names, optimizer
from actwise.model.schedules import Constant, CosineDecay, ExponentialDecay, InverseTimeDecay, as_schedule

STEPS = np.arange(1000)


def test_constant_and_numbers():
    np.testing.assert_array_equal(as_schedule(0.1).rates(STEPS, 1000), np.full(1000, 0.1))
    assert as_schedule(0.1) == Constant(0.1)


def test_exponential_decay_halves_on_time():
    smooth = ExponentialDecay(1.0, 0.5, every=100).rates(STEPS, 1000)
    assert smooth[[0, 50, 100, 300]] == pytest.approx([1, 0.5**0.5, 0.5, 0.125])
    stairs = ExponentialDecay(1.0, 0.5, every=100, stairs=True).rates(STEPS, 1000)
    assert stairs[[0, 99, 100, 399]] == pytest.approx([1, 1, 0.5, 0.125])


def test_inverse_time_decay_is_that_of_keras_2():
    for step, rate in enumerate(InverseTimeDecay(0.5, 0.1).rates(STEPS, 1000)[:20]):
        assert rate == pytest.approx(0.5 * (1.0 / (1.0 + 0.1 * step)))


def test_cosine_warms_up_and_comes_down():
    rates = CosineDecay(2.0, warmup=0.1, final=0.05).rates(STEPS, 1000)
    assert rates.argmax() in (99, 100)
    assert rates.max() == pytest.approx(2.0, rel=1e-2)
    assert np.all(np.diff(rates[:99]) > 0)
    assert np.all(np.diff(rates[101:]) < 0)
    assert rates[-1] == pytest.approx(0.1, rel=1e-2)
    assert CosineDecay(2.0).rates(np.array([500]), 1000)[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Constant(0.0),
        lambda: Constant(float("nan")),
        lambda: ExponentialDecay(0.1, factor=-1.0),
        lambda: CosineDecay(0.1, warmup=1.0),
        lambda: as_schedule("fast"),
        lambda: SGD(momentum=1.0),
        lambda: Adam(beta1=-0.1),
        lambda: LBFGS(memory=0),
        lambda: optimizer(3),
    ],
)
def test_mistakes_are_refused(build):
    with pytest.raises(InputError):
        build()


def test_optimizers_by_name():
    assert names() == ["adadelta", "adagrad", "adam", "adamax", "adamw", "lbfgs", "nadam", "rmsprop", "sgd"]
    for name in names():
        assert type(optimizer(name)).__name__.lower() == name
    assert optimizer("SGD", 0.5) == SGD(0.5)
