"""Slopes are limits: what differs at single points only is taken away, and nothing else is."""

import numpy as np
import pytest

from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.parse import parse
from actwise.formula.removable import has_isolated_zeros
from actwise.formula.stabilise import derivative


@pytest.mark.parametrize(
    ("formula", "slope"),
    [("sign(x) * log(1 + abs(x))", 1.0), ("sign(x) * (1 - exp(-abs(x)))", 1.0), ("sign(x) * (exp(abs(x)) - 1)", 1.0),
     ("sign(x) * sqrt(abs(x))", np.inf), ("x * log(abs(x))", -np.inf), ("x / (1 + sqrt(x^2))", 1.0),
     ("sign(x)^3 * sin(2 * x)^3", 0.0), ("sqrt(x^2)", 0.0)],
)  # fmt: skip
def test_the_slope_at_0_is_the_limit(formula, slope):
    with np.errstate(all="ignore"):
        found = evaluate(derivative(parse(formula)), {"x": np.float64(0.0)}, numpy_table())
    assert found == slope


def test_a_factor_that_vanishes_on_an_interval_is_kept():
    """sign(relu)**2 is 0 for all negative x, and so is the slope."""
    slope = derivative(parse("sign(max(x, 0))^2 * x"))
    assert evaluate(slope, {"x": np.float64(-1.0)}, numpy_table()) == 0.0


@pytest.mark.parametrize(
    ("formula", "isolated"),
    [("x", True), ("abs(sin(x))", True), ("sqrt(x)", True), ("x^3 - x", True), ("abs(x) - x", False),
     ("floor(x)", False), ("relu(x)", False), ("sqrt(x^2) + x", False), ("sign(x) - 1", False)],
)  # fmt: skip
def test_which_zeros_are_isolated(formula, isolated):
    assert has_isolated_zeros(parse(formula)) is isolated
