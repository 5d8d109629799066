"""Derivatives and functions that are no numbers, or have lost their meaning, far out."""

from __future__ import annotations

import numpy as np
import pytest

from actwise.handwritten import check_derivative


def softplus(x):
    return np.logaddexp(0, x)


def softplus_prime(x):
    e = np.exp(x)
    return np.nan_to_num(e / (e + 1))


def silu(x):
    return x / (1 + np.exp(-x))


def silu_prime(x):
    e = np.exp(x)
    r = e * (x + e + 1) / (e + 1) ** 2
    return np.where(np.isfinite(r), r, 0)


def tanh32(x):
    a, b = np.exp(np.float32(x)), np.exp(-np.float32(x))
    return (a - b) / (a + b)


@pytest.mark.parametrize(
    ("f", "df", "at"),
    [(softplus, softplus_prime, 89.0), (silu, silu_prime, 45.0), (tanh32, lambda x: 1 - tanh32(x) ** 2, 89.0)],
)
def test_what_is_finite_but_wrong_in_float32_is_found(f, df, at):
    report = check_derivative(f, df)
    assert (report.cause, report.first_wrong_at) == ("overflow", at)


@pytest.mark.parametrize(
    ("f", "df", "at"),
    [
        (lambda x: np.log(1 + np.exp(x)), lambda x: 1 / (1 + np.exp(-x)), "x = 89 in float32"),
        (lambda x: np.log(1 + np.exp(10 * x)) / 10, lambda x: 1 / (1 + np.exp(-10 * x)), "x = 9 in float32"),
        (lambda x: np.log(1 + np.exp(20.0 * np.float64(x))) / 20, lambda x: 1 / (1 + np.exp(-20 * x)), "x = 36:"),
    ],
)
def test_overflow_of_the_function_is_told_beside_a_right_derivative(f, df, at):
    report = check_derivative(f, df)
    assert report.correct
    assert "overflows at " + at in str(report)


@pytest.mark.parametrize(
    ("f", "df"),
    [(np.exp, np.exp), (lambda x: x**3, lambda x: 3 * x**2), (np.log, lambda x: 1 / x),
     (np.tanh, lambda x: 1 - np.tanh(x) ** 2)],
)  # fmt: skip
def test_true_growth_and_missing_values_are_no_overflow(f, df):
    report = check_derivative(f, df)
    assert report.correct
    assert not report.notes
