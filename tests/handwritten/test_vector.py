"""Derivatives of functions of a whole vector."""

from __future__ import annotations

import re

import numpy as np
import pytest

from actwise.handwritten import check_derivative


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def naive_softmax(x):
    e = np.exp(x)
    return e / e.sum()


def log_softmax(x):
    return x - np.max(x) - np.log(np.exp(x - np.max(x)).sum())


def layer_norm(x):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5)


def standardise(x):
    return (x - x.mean()) / x.std()


def standardise_by_sample(x):
    return (x - x.mean()) / x.std(ddof=1)


def unit(x):
    return x / np.linalg.norm(x)


def jacobian_of_standardise(x):
    n, c = len(x), x - x.mean()
    return (np.eye(n) - 1 / n - np.outer(c, c) / (n * x.var())) / x.std()


def sharp(temperature):
    def f(x):
        return softmax(x / temperature)

    return f, lambda x: (np.diag(f(x)) - np.outer(f(x), f(x))) / temperature


RIGHT = {
    **{f"temperature {t}": (*sharp(t), "x") for t in (1.0, 0.15, 0.1, 0.05, 0.01)},
    "step back of softmax": (softmax, lambda y, g: y * (g - np.sum(g * y)), "y"),
    "step back of log-softmax": (log_softmax, lambda y, g: g - np.exp(y) * g.sum(), "y"),
    "no epsilon": (standardise, jacobian_of_standardise, "x"),
    "with epsilon": (
        layer_norm,
        lambda x, g: (g - g.mean() - layer_norm(x) * (g * layer_norm(x)).mean()) / np.sqrt(x.var() + 1e-5),
        "x",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_ones_raise_no_alarm(name):
    report = check_derivative(*RIGHT[name])
    assert report.correct, str(report)


@pytest.mark.parametrize("temperature", [1.0, 0.1, 0.05, 0.01])
def test_a_factor_is_seen_at_any_temperature(temperature):
    f, jacobian = sharp(temperature)
    assert check_derivative(f, lambda x: 1.01 * jacobian(x)).cause == "missing_factor"


ONE_BY_ONE = {
    "standardise": (standardise, lambda x: np.ones_like(x) / x.std()),
    "ddof 1": (standardise_by_sample, lambda x: np.ones_like(x) / x.std(ddof=1)),
    "then tanh": (lambda x: np.tanh(standardise(x)), lambda x: (1 - np.tanh(standardise(x)) ** 2) / x.std()),
    "range": (lambda x: (x - x.min()) / (x.max() - x.min()), lambda x: np.ones_like(x) / (x.max() - x.min())),
    "epsilon": (layer_norm, lambda x: np.ones_like(x) / np.sqrt(x.var() + 1e-5)),
}


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_normalising_is_not_elementwise(name):
    report = check_derivative(*ONE_BY_ONE[name])
    assert report.cause == "not_elementwise"
    assert "depends on all its inputs" in str(report)


def right_gradient(f, x, g, h=1e-6):
    return np.array([(g @ f(x + h * e) - g @ f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


@pytest.mark.parametrize(
    "f",
    [softmax, sharp(0.5)[0], lambda x: softmax(-x), log_softmax, standardise, standardise_by_sample, layer_norm, unit,
     lambda x: x / x.sum(), lambda x: x - x.mean()],
)  # fmt: skip
def test_the_advised_step_back_is_right(f):
    report = check_derivative(f, lambda y, g: 3 * g + y, "y")
    line = re.search(r"write `([^`]*)`", str(report))[1]
    x, g = np.array([0.4, -1.0, 2.0, 0.3]), np.array([1.0, 2.0, -0.5, 0.1])
    y = f(x)
    given = {"x": x, "y": y, "g": g, "n": len(x), "s": x.std() / y.std(), "np": np}
    assert eval(line, given) == pytest.approx(right_gradient(f, x, g), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("f", "df"),
    [
        (naive_softmax, lambda x: np.diag(naive_softmax(x)) - np.outer(naive_softmax(x), naive_softmax(x))),
        (lambda x: np.log(naive_softmax(x)), lambda x: np.eye(len(x)) - naive_softmax(x)),
        (softmax, lambda x: np.diag(naive_softmax(x)) - np.outer(naive_softmax(x), naive_softmax(x))),
    ],
)
def test_overflow_far_out_is_seen(f, df):
    report = check_derivative(f, df)
    assert report.cause == "overflow"
    assert ("itself is not finite" in str(report)) == (f is not softmax)


def test_what_the_mistake_is_in_words():
    transposed = check_derivative(log_softmax, lambda x: (np.eye(len(x)) - softmax(x)).T)
    assert "transposed" in str(transposed)
    affine = check_derivative(log_softmax, lambda y, g: g - np.exp(y), "y")
    assert "not proportional to the upstream gradient" in str(affine)
    assert check_derivative(softmax, lambda y, g: y, "y").cause == "upstream_forgotten"
    assert check_derivative(softmax, lambda y, g: g * y * (1 - y), "y").cause == "elementwise_softmax"
