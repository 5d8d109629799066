"""Formulas written as statements mean what the tree means, chains that become polynomials included."""

import numpy as np
import pytest

from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.emit import statements
from actwise.formula.expression import exp, number, sin, symbol

X = symbol("x")


def horner(variable, *coefficients):
    result = number(coefficients[0])
    for each in coefficients[1:]:
        result = result * variable + each
    return result


def run(expression, x, **functions):
    written = statements(expression)
    scope = {"x": x, "exp": np.exp, "sin": np.sin, **functions}
    scope["polynomial"] = lambda variable, c: np.polynomial.polynomial.polyval(variable, np.array(c))
    exec("\n".join(written.lines), scope)
    return scope[written.results[0]]


SHARED = horner(X, 4.0, 3.0, 2.0)
CASES = {
    "one polynomial": (horner(X, 5.0, 4.0, 3.0, 2.0, 1.0), 1),
    "of a function": (exp(horner(sin(X), 5.0, 4.0, 3.0, 2.0)), 1),
    "too short": (horner(X, 3.0, 2.0, 1.0), 0),
    "two variables": (horner(sin(X), 5.0, 4.0, 3.0) * X + 1.0, 0),
    "an inner part that is used again": ((SHARED * X + 1.0) * SHARED, 0),
    "one inside another": (horner(horner(X, 9.0, 2.0, 3.0, 4.0), 5.0, 6.0, 7.0, 8.0), 2),
}


@pytest.mark.parametrize("case", CASES)
def test_polynomials_are_found_and_mean_the_same(case):
    expression, found = CASES[case]
    assert sum("polynomial(" in line for line in statements(expression).lines) == found
    x = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(run(expression, x), evaluate(expression, {"x": x}, numpy_table()), rtol=1e-12)


def test_functions_by_another_name():
    written = statements(sin(X) + exp(X), renamed={"sin": "near_sin"})
    assert written.functions == {"near_sin", "exp"}
    assert written.lines[0] == "t0 = near_sin(x)"
