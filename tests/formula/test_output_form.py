"""Derivatives as formulas in the output."""

from __future__ import annotations

import numpy as np
import pytest

from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.differentiate import differentiate
from actwise.formula.output_form import express_in_output
from actwise.formula.parse import parse
from actwise.formula.render import to_text
from actwise.formula.stabilise import derivative


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 / (1 + exp(-x))", "y * (1 - y)"),
        ("sigmoid(x)", "y * (1 - y)"),
        ("tanh(x)", "1 - y**2"),
        ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "1 - y**2"),
        ("exp(x)", "y"),
        ("exp(x) - 1", "y + 1"),
        ("softplus(x)", "-expm1(-y)"),
        ("log(1 + exp(beta * x)) / beta", "-expm1(-beta * y)"),
        ("relu(x)", "where(y <= 0, 0, 1)"),
        ("where(x > 0, x, a * x)", "where(y > 0, 1, a)"),
        ("where(x > 0, x, alpha * expm1(x))", "where(y > 0, 1, y + alpha)"),
        ("x / (1 + abs(x))", "(1 - abs(y))**2"),
        ("x / sqrt(1 + x^2)", "sqrt(1 - y**2)**3"),
        ("atan(x)", "cos(y)**2"),
        ("asinh(x)", "1 / cosh(y)"),
        ("log(x)", "exp(-y)"),
        ("log(1 + x)", "exp(-y)"),
        ("sqrt(x)", "1 / (2 * y)"),
        ("2 * x + 1", "2"),
    ],
)
def test_known_forms(text: str, shown: str) -> None:
    formula = parse(text)
    in_output = express_in_output(derivative(formula), formula)
    assert in_output is not None
    assert to_text(in_output) == shown
    values = {name: np.float64(1.7) for name in ("a", "alpha", "beta")} | {"x": np.array([0.3, 0.9, 2.2])}
    output = evaluate(formula, values, numpy_table())
    np.testing.assert_allclose(
        evaluate(in_output, values | {"y": output}, numpy_table()),
        evaluate(differentiate(formula), values, numpy_table()),
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    "text",
    [
        "x * sigmoid(x)",
        "x^2",
        "cos(x)",
        "max(x, 0)",
        "abs(x)",
        "x * normal_cdf(x)",
        "where(x > 0, x, -x)",
        "where(x > 2, 2, x)",
        "where(x > 600, 600, where(x <= 0, 0, x))",
    ],
)
def test_functions_that_take_a_value_twice_have_no_such_form(text: str) -> None:
    formula = parse(text)
    assert express_in_output(differentiate(formula), formula) is None


def test_a_wrong_rule_is_refused() -> None:
    # The rules know the slope of tanh; that of a function which only looks like it must not pass.
    almost = parse("tanh(x)")
    assert express_in_output(parse("cosh(x)^-2 + 1e-3 * x"), almost) is None
    assert express_in_output(parse("sign(x)"), parse("abs(x)")) is None


def test_given_parameters_are_used_in_the_check() -> None:
    formula = parse("where(x > 0, x, a * x)")
    slope = derivative(formula)
    assert express_in_output(slope, formula, parameters={"a": 0.1}) is not None
    assert express_in_output(slope, formula, parameters={"a": -0.1}) is None
