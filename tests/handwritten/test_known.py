"""Whose derivative a wrong derivative is."""

from __future__ import annotations

import numpy as np
import pytest

import actwise as aw
from actwise.handwritten import check_derivative

PAIRS = [
    ("quick_gelu", "gelu_tanh"), ("gelu", "gelu_tanh"), ("mish", "silu"), ("hardswish", "silu"), ("softsign", "tanh"),
    ("sigmoid", "tanh"), ("elu", "selu"), ("softplus", "squareplus"),
]  # fmt: skip


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_the_derivative_of_another_activation_is_named(own, other):
    f, theirs = aw.activation(own), aw.activation(other)
    report = check_derivative(lambda x: f(x), lambda x: theirs.derivative(x))
    assert (report.verdict, report.other_function) == ("wrong", other)
    x = np.linspace(-5, 5, 2001)
    apart = np.max(np.abs(f.derivative(x) - theirs.derivative(x)))
    said = float(str(report).split("differ by at most ")[1].split("\n")[0].rstrip("."))
    assert 0.75 * apart <= said <= 1.05 * apart  # at the points that were judged
    assert f"aw.activation('{own}')" in str(report)


def test_the_derivative_from_the_output_of_another_is_named():
    report = check_derivative(lambda x: 1 / (1 + np.exp(-x)), lambda y: 1 - y**2, "y")
    assert report.other_function == "tanh"
    assert "tanh from its output" in str(report)


def test_its_own_derivative_is_no_other():
    assert check_derivative(np.tanh, lambda x: 1 - np.tanh(x) ** 2).other_function == ""
