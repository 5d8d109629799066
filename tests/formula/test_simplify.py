"""Simplified formulas read like a textbook."""

from __future__ import annotations

import numpy as np
import pytest

from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import symbol
from actwise.formula.parse import parse
from actwise.formula.render import to_text
from actwise.formula.simplify import simplify


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x - x", "0"),
        ("x + x", "2 * x"),
        ("x * x * x", "x**3"),
        ("--x", "x"),
        ("2 * (3 * x)", "6 * x"),
        ("x / 3", "x / 3"),
        ("x * 0.1", "0.1 * x"),
        ("0.5 * x * 4", "2 * x"),
        ("x / x", "x / x"),
        ("x^2 / x", "x**2 / x"),
        ("exp(x) / exp(x)", "1"),
        ("a * x / a", "x"),
        ("(1 + x^2) / (1 + x^2)", "1"),
        ("sqrt(x)^2", "sqrt(x)**2"),
        ("sqrt(x^2)", "abs(x)"),
        ("sqrt(4 * x^2 / 9)", "2 * abs(x) / 3"),
        ("sqrt(2 * x^2)", "sqrt(2 * x**2)"),
        ("sqrt(1 + x^2)^2", "1 + x**2"),
        ("abs(x)^2", "x**2"),
        ("sign(x) * x", "abs(x)"),
        ("sign(x) * abs(x)", "x"),
        ("abs(-2 * x)", "abs(2 * x)"),
        ("cosh(-x) + tanh(-x)", "cosh(x) - tanh(x)"),
        ("exp(-x) * sigmoid(x)", "sigmoid(-x)"),
        ("exp(log(x))", "x"),
        ("exp(-(-x))", "exp(x)"),
        ("1 / exp(x)", "exp(-x)"),
        ("exp(x)^3 / exp(x)", "exp(2 * x)"),
        ("-x + 1", "1 - x"),
        ("x + -1", "x - 1"),
        ("x * (x > 0)", "where(x <= 0, 0, x)"),
        ("where(x > 0, 1, 0) + where(x > 0, 2, a)", "where(x > 0, 3, a)"),
        ("where(x > 0, where(x > 0, 1, 2), x)", "where(x > 0, 1, x)"),
        ("where(not x > 0, 1, x)", "where(x > 0, x, 1)"),
        ("max(x, x)", "x"),
        ("x + max(1, 2)", "x + 2"),
        ("sigmoid(0) + tanh(0) + x", "0.5 + x"),
        ("a * (x / a + 1)", "x + a"),
        ("1e200 * x * 1e200", "1e+200 * x * 1e+200"),
        ("1e-200 * x * 1e-200", "1e-200 * x * 1e-200"),
    ],
)
def test_short_forms(text: str, shown: str) -> None:
    assert to_text(simplify(parse(text, require_variable=False))) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 / (1 + exp(-x))", "exp(-x) / (1 + exp(-x))**2"),
        ("exp(x) / (1 + exp(x))", "exp(x) / (1 + exp(x))**2"),
        ("sigmoid(x)", "sigmoid(x) * sigmoid(-x)"),
        ("x * sigmoid(x)", "sigmoid(x) * (1 + x * sigmoid(-x))"),
        ("x * sigmoid(beta * x)", "sigmoid(beta * x) * (1 + beta * x * sigmoid(-beta * x))"),
        ("x / (1 + abs(x))", "1 / (1 + abs(x))**2"),
        ("x / sqrt(1 + x^2)", "1 / sqrt(1 + x**2)**3"),
        ("where(x > 0, x, alpha * expm1(x))", "where(x > 0, 1, alpha * exp(x))"),
        ("x^3 - 2 * x + 1", "3 * x**2 - 2"),
        ("exp(-x^2)", "-2 * x * exp(-x**2)"),
        ("2 * x + 1", "2"),
    ],
)
def test_derivatives_read_well(text: str, shown: str) -> None:
    assert to_text(simplify(differentiate(parse(text)))) == shown


def test_a_zero_factor_that_was_kept_apart_is_not_cancelled_later() -> None:
    slope = simplify(differentiate(parse("x^2 / x")))
    with np.errstate(all="ignore"):
        assert np.isnan(evaluate(slope, {"x": np.float64(0)}, numpy_table()))


def test_nan_still_chooses_the_side_with_the_factor() -> None:
    for text in ("x * (x > 0)", "x * (x >= 0)", "x * (x < 0)", "x * where(x <= 1, 0, 1)"):
        value = evaluate(simplify(parse(text)), {"x": np.float64("nan")}, numpy_table())
        assert np.isnan(value), text


def test_long_sums_and_products_stay_as_they_are() -> None:
    x = symbol("x")
    total, result = x, x
    for k in range(300):
        total = total + x ** (k % 7 + 1.5) * (k + 1)
        result = result * (x + k / 8) / (1 + k / 8)
    for formula in (total, result):
        values = [evaluate(each, {"x": np.float64(1.0)}, numpy_table()) for each in (formula, simplify(formula))]
        assert values[1] == pytest.approx(values[0], rel=1e-12)
