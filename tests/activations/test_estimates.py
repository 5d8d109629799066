"""What is found about formulas, beside what is declared of the same functions and what is known of others."""

import warnings

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation
from actwise.activations.estimates import beside, critical_points

SCALAR = [each for each in ENTRIES if isinstance(each, Activation)]


@pytest.mark.parametrize("each", SCALAR, ids=lambda each: each.name)
def test_what_is_found_about_an_entry_is_what_it_claims(each):
    found = each.estimates
    assert found.kinks == pytest.approx(each.kinks)
    assert found.range == pytest.approx(each.range, rel=1e-2, abs=1e-2)
    assert (found.monotonic, found.odd, found.gaps) == (each.monotonic, each.odd, ())
    assert found.lipschitz == pytest.approx(each.lipschitz, rel=1e-3)


@pytest.mark.parametrize(
    ("formula", "kinks"),
    [("max(x, 0)", (0.0,)), ("abs(x - 1) + relu(x + 2)", (-2.0, 1.0)), ("max(min(x, 3), -2)", (-2.0, 3.0)),
     ("where(x > 0.5, 2 * x - 0.5, x)", (0.5,)), ("where(x > 0, x, 0.1 * x)", (0.0,)), ("sign(x)", (0.0,)),
     ("max(x, 700)", (700.0,)), ("abs(x) ^ 1.5", ()), ("x * abs(x)", ()), ("sqrt(x^2)", (0.0,)),
     ("where(x > 0, x, sin(x))", ()), ("relu(x)^2", ()), ("abs(abs(x) - 1)", (-1.0, 0.0, 1.0)),
     ("floor(x / 10)", (-10.0, 0.0, 10.0)), ("abs(sin(x))", tuple(np.pi * np.arange(-3, 4)))],
)  # fmt: skip
def test_kinks_are_found_where_conditions_change(formula, kinks):
    assert aw.activation(formula).kinks == pytest.approx(kinks)


@pytest.mark.parametrize(
    ("formula", "monotonic", "falling", "lipschitz"),
    [("-x", False, True, 1.0), ("-floor(x)", False, True, np.inf), ("floor(x)", True, False, np.inf),
     ("abs(x)^1.5", False, False, np.inf), ("max(min(x, 1), 2)", True, True, 0.0), ("tanh(2 * x)", True, False, 2.0),
     ("3 * sin(x)", False, False, 3.0), ("x^3", True, False, np.inf)],
)  # fmt: skip
def test_shape(formula, monotonic, falling, lipschitz):
    found = aw.activation(formula).estimates
    assert (found.monotonic, found.falling) == (monotonic, falling)
    assert found.lipschitz == pytest.approx(lipschitz, rel=1e-4)


def test_a_kink_of_a_parameter_moves_with_it():
    what = aw.activation("max(x, low)", low=0.25)
    assert what.kinks == (0.25,)
    assert what.with_values(low=-1.5).kinks == (-1.5,)


def test_underflow_is_no_critical_point():
    assert critical_points(aw.activation("abs(x^3)")) == (0.0,)


def test_limits_beside_a_point():
    smooth = beside(aw.activation("sign(x) * (1 - exp(-abs(x)))"), 0.0)
    assert smooth.limits == (0.0, 1.0)
    assert (smooth.is_kink, smooth.is_pole, smooth.is_steep) == (False, False, False)
    jump = beside(aw.activation("sign(x)"), 0.0)
    assert (jump.is_kink, jump.is_steep, jump.limits) == (True, True, (None, 0.0))


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("x*(27+x**2)/(27+9*x**2)", (-np.inf, np.inf)), ("(x**3+x)/(x**2+1)", (-np.inf, np.inf)),
        ("x*sin(x)", (-np.inf, np.inf)), ("log(1+|x|)", (0.0, np.inf)), ("|x|**0.2", (0.0, np.inf)),
        ("log((1+exp(x))/(1+exp(x-1)))", (0.0, 1.0)), ("arctan(x)", (-np.pi / 2, np.pi / 2)),
        ("x/(1+|x|)", (-1.0, 1.0)), ("1/x", (-np.inf, np.inf)),
    ],
)  # fmt: skip
def test_the_range_of_what_grows_without_bound(text, bounds):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert aw.activation(text).range == pytest.approx(bounds)
