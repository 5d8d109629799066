"""What plots mark, against what is known of the functions."""

import math

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation
from actwise.errors import InputError
from actwise.report.curves import checked_domain, curves, domain_of, sampled

SCALARS = [each for each in ENTRIES if isinstance(each, Activation)]


def _curve(what, **values):
    (curve,) = curves(aw.activation(what, **values))
    return curve


def _lines(what):
    return [(each.slope, each.intercept, each.left, each.right) for each in _curve(what).asymptotes]


@pytest.mark.parametrize("each", SCALARS, ids=lambda each: each.name)
def test_kinks_are_the_declared_ones_with_the_slopes_beside_them(each):
    (curve,) = curves(each)
    assert [kink.at for kink in curve.kinks] == list(each.kinks)
    for kink in curve.kinks:
        assert kink.slopes[1] == each.derivative(kink.at)
        step = 1e-5 * max(1.0, abs(kink.at))
        for side, slope in ((-1, kink.slopes[0]), (1, kink.slopes[2])):
            quotient = (each(kink.at + 3 * side * step) - each(kink.at + 2 * side * step)) / (side * step)
            assert slope == pytest.approx(quotient, abs=1e-3)


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        ("sigmoid", [(0, 0, True, False), (0, 1, False, True)]),
        ("tanh", [(0, -1, True, False), (0, 1, False, True)]),
        ("gaussian", [(0, 0, True, True)]),
        ("softplus", [(0, 0, True, False), (1, 0, False, True)]),
        ("softsign", [(0, -1, True, False), (0, 1, False, True)]),
        ("tanhshrink", [(1, 1, True, False), (1, -1, False, True)]),
        ("relu", [(0, 0, True, False)]),  # y = x on the right is the function itself
        ("identity", []),
        ("sine", []),
        ("exponential", [(0, 0, True, False)]),
        ("asinh(x)", []),
        ("x + sqrt(1 + x^2) / 2", [(0.5, 0, True, False), (1.5, 0, False, True)]),
    ],
)
def test_asymptotes(what, lines):
    np.testing.assert_allclose(np.reshape(_lines(what), (-1, 4)), np.reshape(lines, (-1, 4)), atol=1e-6)


def test_arctan_has_its_asymptotes_at_half_pi():
    left, right = _curve("arctan").asymptotes
    assert (left.intercept, right.intercept) == pytest.approx((-math.pi / 2, math.pi / 2), abs=1e-6)
    assert right.label == "y = 1.571"


def test_labels_of_slanting_lines():
    assert [each.label for each in _curve("log_cosh").asymptotes] == ["y = -x - 0.6931", "y = x - 0.6931"]
    assert _curve("smish").asymptotes[1].label == "y = 0.6 x"


def test_saturation_begins_where_the_slope_falls_below_a_thousandth():
    # 1 - tanh(x)^2 = 0.001 at atanh(sqrt(0.999)); exp(x) = 0.001 at log(0.001).
    (left, right) = _curve("tanh").saturated
    assert left == pytest.approx((-math.inf, -math.atanh(math.sqrt(0.999))), abs=0.01)
    assert right == pytest.approx((math.atanh(math.sqrt(0.999)), math.inf), abs=0.01)
    assert _curve("exponential").saturated == (pytest.approx((-math.inf, math.log(0.001)), abs=0.01),)
    assert _curve("relu").saturated == ((-math.inf, 0),)
    assert _curve("hardtanh").saturated == ((-math.inf, -1), (1, math.inf))
    assert _curve("sine").saturated == _curve("identity").saturated == _curve("tanhshrink").saturated == ()


def test_parameters_that_differ_from_their_defaults_are_in_the_label():
    assert _curve("elu").label == "elu"
    assert _curve("elu", alpha=0.5).label == "elu (alpha = 0.5)"


def test_rows_and_gates_are_shown_along_one_number():
    x = np.linspace(-3, 3, 7)
    softmax = _curve("softmax")
    np.testing.assert_allclose(softmax.value(x), 1 / (1 + np.exp(-x)))
    np.testing.assert_allclose(softmax.derivative(x), np.exp(-x) / (1 + np.exp(-x)) ** 2)
    linear, gate = curves(aw.activation("glu"))
    np.testing.assert_allclose(linear.value(x), x / (1 + np.exp(-1)))
    np.testing.assert_allclose(gate.value(x), 1 / (1 + np.exp(-x)))
    np.testing.assert_allclose(gate.derivative(x), np.exp(-x) / (1 + np.exp(-x)) ** 2)
    assert (linear.label, gate.label) == ("glu(x, 1)", "glu(1, x)")
    assert [each.label for each in curves(aw.activation("maxout"))] == ["maxout(x, 1)"]


def test_the_range_of_x_holds_what_is_remarkable():
    assert domain_of([_curve("relu")]) == (-5, 5)
    assert domain_of([_curve("sigmoid")]) == (-10, 10)
    assert domain_of([_curve("clipped_relu"), _curve("relu")]) == (-25, 25)
    assert checked_domain((-1, 2), []) == (-1, 2)
    for bad in ((1, 1), (2, -2), (0, math.inf), (math.nan, 1)):
        with pytest.raises(InputError, match="give a smaller and a larger finite number"):
            checked_domain(bad, [])


def test_samples_stop_beside_kinks():
    curve = _curve("hardtanh")
    pieces = sampled(curve, (-2.0, 2.0), 100)
    assert [len(each) for each in pieces] == [26, 51, 26]
    slopes = [set(curve.derivative(each).tolist()) for each in pieces]
    assert slopes == [{0.0}, {1.0}, {0.0}]
