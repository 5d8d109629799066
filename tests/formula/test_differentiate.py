"""Derivatives against numerical differentiation in 40 digits, and the rules that are named."""

from __future__ import annotations

import mpmath as mp
import pytest

from actwise.formula import expression as e
from actwise.formula.dialects import evaluate, mpmath_table
from actwise.formula.differentiate import derivation, differentiate
from actwise.formula.expression import FUNCTIONS_OF_ONE, Expression, symbol
from actwise.formula.parse import parse

x, a = symbol("x"), symbol("a")
FORMULAS = [
    *(f"{name}(x)" for name in FUNCTIONS_OF_ONE),
    "x + a", "x - a", "a - x", "x * a", "a / x", "x / a", "-x", "x^3", "x^a", "a^x", "x^x", "x^-2", "x^0.5",
    "max(x, a)", "min(x, a)", "max(a, x)", "min(a * x, x^2)",
    "where(x > 1, x^2, exp(x))", "where(x > 0.2 and not x > 3, x^2, exp(x))",
    "sin(x) * exp(x) / (1 + x^2)", "tanh(log(1 + exp(x))) * x", "exp(-x^2 / 2) * floor(x)",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_derivatives_agree_with_numerical_ones(text: str) -> None:
    formula = parse(text)
    for variable in sorted(e.symbols(formula)):
        slope = differentiate(formula, variable)
        for point in (0.37, 1.31, 2.83):
            values = {"x": mp.mpf(point), "a": mp.mpf("1.7")}

            def along(u: mp.mpf, values: dict[str, mp.mpf] = values, variable: str = variable) -> mp.mpf:
                return evaluate(formula, {**values, variable: u}, mpmath_table())

            with mp.workdps(40):
                numerical = mp.diff(along, values[variable])
                symbolic = evaluate(slope, values, mpmath_table())
                # The constants in front of the Gaussian are float64.
                digits = 15 if "erf" in text or "normal" in text else 18
                assert abs(symbolic - numerical) <= mp.mpf(10) ** -digits * (1 + abs(numerical))


def test_a_tie_of_maximum_gives_half_to_each() -> None:
    slope = differentiate(parse("max(x, 0)"))
    assert [evaluate(slope, {"x": mp.mpf(u)}, mpmath_table()) for u in (-1, 0, 1)] == [0, 0.5, 1]


def test_a_constant_has_no_steps_and_slope_zero() -> None:
    assert differentiate(a * 2) == e.number(0)
    assert derivation(a * 2) == ()


@pytest.mark.parametrize(
    ("formula", "rules"),
    [
        (x * e.sin(x), ["derivative of x is 1", "derivative of sin", "product rule"]),
        (1 / (1 + e.exp(-x)), [
            "derivative of x is 1", "constant factor rule", "derivative of exp, then chain rule", "sum rule",
            "quotient rule",
        ]),
        (3 * x, ["derivative of x is 1", "constant factor rule"]),
        (e.tanh(x) ** 2, ["derivative of x is 1", "derivative of tanh", "power rule, then chain rule"]),
    ],
)  # fmt: skip
def test_each_step_names_its_rule(formula: Expression, rules: list[str]) -> None:
    assert [step.rule for step in derivation(formula)] == rules
    assert derivation(formula)[-1].derivative == differentiate(formula)


def test_a_power_whose_exponent_moves_is_no_case_of_the_power_rule():
    assert derivation(parse("x^x"))[-1].rule == "derivative of exp(v * log(u)), which is u**v"
    assert derivation(parse("2^x"))[-1].rule == "derivative of exp(v * log(u)), which is u**v"
    assert derivation(parse("x^3"))[-1].rule == "power rule"
    assert derivation(parse("sin(x)^3"))[-1].rule == "power rule, then chain rule"
