"""Formulas that lose digits are said to, where and by how much; the others are not suspected."""

import warnings
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation
from actwise.activations.accuracy import TRUSTED_ERROR, inaccuracies
from actwise.activations.reference import Reference
from actwise.errors import ActwiseWarning
from actwise.formula.expression import cos, equal, where


@pytest.mark.parametrize("each", [e for e in ENTRIES if isinstance(e, Activation)], ids=lambda e: e.name)
def test_the_catalogue_is_beyond_doubt(each):
    assert inaccuracies(each) == ()


@pytest.mark.parametrize(
    "formula",
    ["x * tanh(log(1 + exp(x)))", "1 / (1 + exp(-x))", "log(1 + exp(x))", "x / sqrt(1 + x^2)", "exp(x) - 1",
     "x * sigmoid(1.702 * x)", "max(x, 0) + 0.1 * sin(x)", "exp(-x^2)", "0.5 * x * (1 + erf(x / sqrt(2)))"],
)  # fmt: skip
def test_formulas_with_a_stable_form_pass_in_silence(formula):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aw.activation(formula)


def test_a_formula_that_cancels_warns_where_and_by_how_much():
    with pytest.warns(ActwiseWarning, match=r"'x - sin\(x\)'.*its value is off with no right digit for x between -3"):
        made = aw.activation("x - sin(x)")
    (value,) = [doubt for doubt in inaccuracies(made) if doubt.what == "value"]
    assert value.low == -value.high
    # An independent look: just inside the interval digits are missing, well outside they are not.
    with mp.workdps(60):
        for x, lost in ((value.high, True), (0.05, False)):
            exact = mp.mpf(x) - mp.sin(mp.mpf(x))
            assert (abs(mp.mpf(float(made(x))) - exact) / exact > TRUSTED_ERROR) is lost


def test_the_same_formula_is_looked_at_once(monkeypatch):
    from actwise.activations import lookup

    calls = []
    monkeypatch.setattr(lookup, "inaccuracies", lambda made: calls.append(made) or ())
    monkeypatch.setattr(lookup, "_KNOWN", {})
    for _ in range(3):
        aw.activation("x * cos(x) / 7", **{})
    aw.activation("x * cos(b * x) / 7", b=2.0)
    aw.activation("x * cos(b * x) / 7", b=3.0)
    assert len(calls) == 3


def test_overflow_is_a_doubt_and_a_pole_is_not_a_crash():
    with pytest.warns(ActwiseWarning, match=r"not a finite number for x < -709\.8.*exp and powers are given no large"):
        aw.activation("softplus(x)**2 * exp(-x)")
    with pytest.warns(ActwiseWarning, match=r"not a finite number for x < 0"):
        assert np.isfinite(aw.activation("log(x)")(2.0))


GAPS = {  # a formula, where there is no number, and what is advised
    "tanh(x) / x": ("its value is not a finite number at x = 0, where its limit is 1",
                    "where(x == 0, 1, tanh(x) / x)"),
    "(exp(x) - 1) / x": ("its value is not a finite number at x = 0, where its limit is 1",
                         "where(x == 0, 1 + 0.5 * x, (exp(x) - 1) / x)"),
    "(x - 1) / (x^2 - 1)": ("its value is not a finite number at x = -1", "where(x == -1, 0, (x - 1) / (x^2 - 1))"),
    "x * log(abs(x))": ("its value is not a finite number at x = 0, where its limit is 0",
                        "where(x == 0, 0, x * log(abs(x)))"),
    "sqrt(abs(x))": ("its derivative is not a finite number at x = 0", "where(x == 0, 0, sqrt(abs(x)))"),
    "1 / (x - 1)": ("its value is not a finite number at x = 1", "where(x == 1, 0, 1 / (x - 1))"),
    "sqrt(x)": ("its value is not a finite number for x < 0", "where(x > 0, sqrt(x), 0)"),
    "x^1.5": ("its value is not a finite number for x < 0", "where(x > 0, x^1.5, 0)"),
    "log(2 - x)": ("its value is not a finite number for x > 2", "where(x < 2, log(2 - x), 0)"),
    "log(x^2 - 4)": ("its value is not a finite number for x between -2 and 2",
                     "where((x < -2) | (x > 2), log(x^2 - 4), 0)"),
    "x / 0": ("its value is not a finite number for any x", None),
}  # fmt: skip


@pytest.mark.parametrize("formula", GAPS)
def test_gaps_are_named_and_the_advice_closes_them(formula):
    where, advised = GAPS[formula]
    with pytest.warns(ActwiseWarning) as caught:
        aw.activation(formula)
    (message,) = [str(each.message) for each in caught]
    assert f"{formula!r} has gaps: {where}" in message
    if advised is None:
        return
    assert message.endswith(f"such as {advised}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ActwiseWarning)
        mended = aw.activation(advised)
    left = [doubt for doubt in inaccuracies(mended) if doubt.kind not in ("digits", "overflow")]
    assert [doubt for doubt in left if formula != "(x - 1) / (x^2 - 1)" or doubt.at == -1] == []


def test_a_finite_slope_that_is_not_the_limit_is_a_doubt():
    made = replace(
        aw.activation("sin(x)"), df_x=lambda x: where(equal(x, 0), 0, cos(x)), definition="sin(x) + abs(x) - abs(x)"
    )
    (doubt,) = inaccuracies(made)
    assert str(doubt) == "its derivative is off at x = 0, where its limit is 1"


def test_a_pole_has_nothing_to_compare_with():
    """normal_cdf(-2.5e29) is 0 in any arithmetic, and the slope of its logarithm has it below the line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ActwiseWarning)
        assert aw.activation("log(normal_cdf(x / 4))")(0.0) == pytest.approx(np.log(0.5))


TOWERS = {  # limits at 2000 and at plus and minus infinity, None where there is no real number or none is known
    "x * tanh(exp(x))": (2000.0, np.inf, 0.0),
    "cosh(tanh(3 ^ x))": (np.cosh(1.0), np.cosh(1.0), 1.0),
    "1 / (1 + exp(exp(exp(x))))": (0.0, 0.0, 1 / (1 + np.e)),
    "sin(exp(exp(x)))": (None, None, np.sin(1.0)),
    "(1 + 1 / (2 + x^2)) ^ exp(exp(x))": (np.inf, np.inf, 1.0),
    "softplus(log(-1) / log1p(x))": (None, None, None),
}


@pytest.mark.parametrize("formula", TOWERS)
def test_towers_of_exponentials_and_complex_numbers_end(formula):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ActwiseWarning)
        made = aw.activation(formula)
    values, _ = Reference(made).at([2000.0, np.inf, -np.inf])
    assert [None if each is None else float(each) for each in values] == pytest.approx(TOWERS[formula])


FAR = np.array([-3000.0, -1500.0, -720.0, -400.0, -30.0, 30.0, 400.0, 711.0, 720.0, 1500.0, 3000.0])
STABLE = {  # a formula, and the same in a form that cannot overflow
    "ln(1+e^x)": "softplus(x)",
    "1/(1+e^(-x))": "sigmoid(x)",
    "1/(1+np.power(np.e,-x))": "sigmoid(x)",
    "(e^x-e^(-x))/(e^x+e^(-x))": "tanh(x)",
    "exp(x)/(exp(x)+exp(-x))": "sigmoid(2*x)",
    "1/(1+2**-x)": "sigmoid(0.6931471805599453*x)",
    "log((1+exp(x))/(1+exp(x-1)))": "softplus(x) - softplus(x-1)",
    "exp(x)/(exp(x)+3)": "sigmoid(x - 1.0986122886681098)",
    "(exp(x)+1)/(exp(x)+2)": "1 - sigmoid(0.6931471805599453 - x)/2",
    "x*exp(x)/(exp(x)+3)": "x*sigmoid(x - 1.0986122886681098)",
}


@pytest.mark.parametrize("text", STABLE)
def test_quotients_of_exponentials_hold_far_out(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ActwiseWarning)
        made, same = aw.activation(text), aw.activation(STABLE[text])
    assert made(FAR) == pytest.approx(same(FAR), rel=1e-9, abs=1e-300)
    assert made.derivative(FAR) == pytest.approx(same.derivative(FAR), rel=1e-9, abs=1e-12)


def test_products_of_exponentials_of_exponentials_hold_far_out():
    made = aw.activation("x*tanh(exp(x))")
    assert made.derivative(FAR[FAR > 0]).tolist() == [1.0] * 6
    published = aw.activation("x*(1+exp(-b*x))**(-a)", a=1.5, b=2.0)
    assert np.isfinite(published(FAR)).all()
    assert published.derivative(FAR[FAR < -700]).tolist() == [0.0] * 3
