"""Formulas with many digits: derivatives against differences of the values, which know no symbolic rule."""

from __future__ import annotations

import mpmath as mp
import pytest

from actwise.activations import Activation
from actwise.activations.catalogue import ENTRIES
from actwise.formula.parse import parse
from actwise.formula.precise import exact_functions
from actwise.proof.points import roots_of

DIGITS, AGREED = 120, 40
POINTS = (-7.3, -2.1, -0.4, 0.3, 1.7, 6.2)


@pytest.mark.parametrize("activation", [each for each in ENTRIES if isinstance(each, Activation)], ids=lambda a: a.name)
def test_derivatives_are_those_of_the_values(activation: Activation) -> None:
    value, derivative = exact_functions(activation.defining_expression, activation.values)
    near_roots = [float(root) for root in roots_of(activation) if 1e-9 < abs(root) < 20]
    for x in {*POINTS, *near_roots} - set(activation.kinks):
        with mp.workdps(DIGITS):
            found, expected = derivative(mp.mpf(x)), mp.diff(value, mp.mpf(x))
            assert abs(found - expected) < mp.mpf(10) ** -AGREED, x


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [
        ("erf(x)", mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
        ("x * normal_cdf(x)", lambda x: x * mp.ncdf(x), lambda x: mp.ncdf(x) + x * mp.npdf(x)),
        ("sin(pi * x)", mp.sinpi, lambda x: mp.pi * mp.cospi(x)),
        ("log10(x)", mp.log10, lambda x: 1 / (x * mp.ln(10))),
        ("log2(x)", lambda x: mp.log(x, 2), lambda x: 1 / (x * mp.ln(2))),
    ],
)
def test_constants_have_all_their_digits(text, value, slope) -> None:
    functions = exact_functions(parse(text), {})
    with mp.workdps(DIGITS):
        x = mp.mpf("0.37")
        for function, expected in zip(functions, (value(x), slope(x)), strict=True):
            assert abs(function(x) - expected) < mp.mpf(10) ** (5 - DIGITS)
