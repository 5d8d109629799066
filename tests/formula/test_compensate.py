"""Corrected formulas are right where plain ones lose digits, and the same where plain ones do not."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from actwise.formula import expression as e
from actwise.formula.compensate import compensated
from actwise.formula.dialects import evaluate, mpmath_table, numpy_table
from actwise.formula.operations import OPERATIONS

x, a = e.symbol("x"), e.symbol("a")


def _scaled_erfc(u):
    """Return exp(u * u) * erfc(u), rounded once, and what rounding took off: SciPy's is a few units off."""
    if not 0 <= u <= 28:  # beyond, the compiled function is any positive number
        return special.erfcx(u), 0.0 * u
    with mp.workdps(60):
        true = mp.exp(mp.mpf(float(u)) ** 2) * mp.erfc(mp.mpf(float(u)))
        rounded = float(true)
        return np.float64(rounded), np.float64(float(true - rounded))


# As the compiled functions are, which come within the last place.
TABLE = numpy_table() | {
    "scaled_erfc": lambda u: _scaled_erfc(u)[0],
    "scaled_erfc_error": lambda u: _scaled_erfc(u)[1],
}


def computed(formula, **values):
    with np.errstate(all="ignore"):
        return np.float64(evaluate(formula, {k: np.float64(v) for k, v in values.items()}, TABLE))


def ulps(found, formula, **values):
    with mp.workdps(400):
        true = evaluate(formula, {k: mp.mpf(v) for k, v in values.items()}, mpmath_table())
        return float(abs(mp.mpf(float(found)) - true) / mp.mpf(2) ** (max(mp.frexp(true)[1], -1008) - 53))


# Formulas whose plain evaluation is several units off, and a point where it is.
LOSING = {
    "bell": (e.exp(-(x * x)), 25.3),
    "scaled argument": (e.sigmoid(x * 1.1), -600.7),
    "cubic argument": (e.exp(x + 0.044715 * (x * x * x)), -14.3),
    "normal tail": (x * e.normal_cdf(x), -36.83),
    "erfc": (e.erfc(1.3 * x), 13.7),
    "cancelling sum": ((x + 1) * (x + 1) - x * x - 2 * x, 12345.678),
    "power": ((1 + x / 3) ** 7 - 1, 1e-5),
    "negative power": (1 / (1 + x / 3) ** 5, 2.77),
    "root": (e.sqrt(1 + x * x / 3) - 1, 1.1e-4),
    "odd power": (e.exp(-((1 + x * x) ** 1.5)), 7.7),
    "tanh": (x - e.tanh(x / 3) * 3, 0.31),
    "choice": (e.where(x > 0, e.exp(-(x * x) / 3), 0), 40.1),
    "larger one": (e.exp(-e.maximum(x / 3, x / 7)), 1500.1),
    "size": (e.exp(-abs(x / 3)), -1500.1),
}


@pytest.mark.parametrize("name", LOSING)
def test_digits_come_back(name):
    formula, point = LOSING[name]
    exact = compensated(formula)
    assert exact != formula
    nearby = point * (1 + np.arange(40) * 1e-3)
    plain = max(ulps(computed(formula, x=each), formula, x=each) for each in nearby)
    corrected = max(ulps(computed(exact, x=each), formula, x=each) for each in nearby)
    assert plain > 2.5, "this formula loses nothing: it is no test"
    assert corrected <= 2.0


@pytest.mark.parametrize(
    "formula",
    [x, -x, 2 * x, e.exp(x), e.exp(-x), e.exp(x / 4), e.sigmoid(x), e.where(x > 0, x, a * x), e.row_sum(x * x * x * x)],
    ids=str,
)
def test_formulas_that_lose_little_are_left_alone(formula):
    assert compensated(formula) == formula


def test_parameters_and_names_stay():
    exact = compensated(x * e.sigmoid(a * x))
    assert e.symbols(exact) == {"x", "a"}
    assert ulps(computed(exact, x=-300.1, a=1.1), x * e.sigmoid(a * x), x=-300.1, a=1.1) <= 2


FORMULAS = [formula for formula, _ in LOSING.values()]


@pytest.mark.parametrize("point", [0.0, -0.0, math.inf, -math.inf, math.nan, 1e200, -1e200, 1e308, 5e-324])
@pytest.mark.parametrize("formula", FORMULAS, ids=LOSING)
def test_zeros_infinities_and_nan_are_those_of_the_plain_formula(formula, point):
    plain, exact = computed(formula, x=point), computed(compensated(formula), x=point)
    if not np.isnan(plain):  # where the plain formula is inf - inf, the other may know better
        np.testing.assert_allclose(exact, plain, rtol=1e-10, atol=1e-300)
    if np.isnan(point):
        assert np.isnan(exact) == np.isnan(plain)
    if plain == 0 and point == 0:
        assert np.signbit(exact) == np.signbit(plain)


ELEMENTS = st.floats(-40, 40)


@given(ELEMENTS, ELEMENTS)
def test_errors_of_sums_and_products_are_exact(u, v):
    table = numpy_table()
    with mp.workdps(2000):
        assert mp.mpf(u + v) + mp.mpf(float(table["sum_error"](u, v))) == mp.mpf(u) + mp.mpf(v)
        if u == 0 or v == 0 or abs(u * v) > 1e-280:
            assert mp.mpf(u * v) + mp.mpf(float(table["product_error"](u, v))) == mp.mpf(u) * mp.mpf(v)


def test_internal_operations_are_no_part_of_the_vocabulary():
    assert not {"sum_error", "product_error", "scaled_erfc", "scaled_erfc_error"} & set(OPERATIONS)
