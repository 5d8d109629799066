"""Rounded functions, thresholds and surrogate gradients."""

from __future__ import annotations

import numpy as np
import pytest

from actwise.handwritten import check_derivative


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rounded(digits):
    return lambda x: np.round(sigmoid(x), digits)


def fixed(bits):
    return lambda x: np.floor(np.tanh(x) * 2.0**bits) / 2.0**bits


def bfloat16(x):
    bits = np.tanh(x).astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.float64)


@pytest.mark.parametrize("digits", range(2, 9))
def test_rounded_to_digits(digits):
    assert check_derivative(rounded(digits), lambda y: y * (1 - y), "y").correct
    assert check_derivative(rounded(digits), lambda x: sigmoid(x) * (1 - sigmoid(x))).correct


@pytest.mark.parametrize("bits", [8, 12, 16, 20])
def test_fixed_point(bits):
    assert check_derivative(fixed(bits), lambda x: 1 - np.tanh(x) ** 2).correct
    assert check_derivative(fixed(bits), lambda y: 1 - y**2, "y").correct


def test_bfloat16():
    assert check_derivative(bfloat16, lambda x: 1 - np.tanh(x) ** 2).correct


@pytest.mark.parametrize(
    ("f", "df", "called_with", "cause"),
    [
        (rounded(3), lambda x: sigmoid(x) * (1 - sigmoid(x)), "y", "wrong_convention_expects_x_given_y"),
        (rounded(3), lambda y: y * (1 - y), "x", "wrong_convention_expects_y_given_x"),
        (rounded(3), lambda y: -y * (1 - y), "y", "wrong_sign"),
        (rounded(3), lambda y: 1.2 * y * (1 - y), "y", "missing_factor"),
        (fixed(12), lambda x: 1 / (1 + np.abs(x)) ** 2, "x", "wrong_formula"),
        (lambda x: np.round(np.maximum(x, 0), 3), lambda x: np.where(x > 0, 1, 0.1), "x", "wrong_formula"),
    ],
)
def test_wrong_ones_are_still_found(f, df, called_with, cause):
    assert check_derivative(f, df, called_with).cause == cause


@pytest.mark.parametrize(
    ("f", "df"),
    [
        (np.sign, lambda x: (np.abs(x) <= 1) * 1.0),
        (lambda x: (x > 0) * 1.0, lambda x: sigmoid(x) * (1 - sigmoid(x))),
        (lambda x: np.floor(4 * sigmoid(x)) / 4, np.ones_like),
    ],
)
def test_a_surrogate_is_called_what_it_is(f, df):
    report = check_derivative(f, df)
    assert report.cause == "surrogate_gradient"
    assert "surrogate" in str(report)
    zero = check_derivative(f, lambda x: 0 * x)
    assert zero.correct
    assert "no gradient reaches" in str(zero)
