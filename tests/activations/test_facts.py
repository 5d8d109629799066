from __future__ import annotations

import warnings

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation, Kink, facts
from actwise.errors import ActwiseWarning


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda each: each.name)
def test_facts_of_every_entry(entry):
    about = facts(entry)
    assert about.formula == entry.formula
    assert about.advice == entry.summary
    assert about.gain > 0
    assert (about.derivative is not None) == isinstance(entry, Activation)


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [("sigmoid", -8.292, 8.292), ("tanh", -4.146, 4.146), ("relu", 0.0, None), ("hardtanh", -1.0, 1.0),
     ("softsign", -30.62, 30.62), ("identity", None, None), ("exponential", -6.908, None),
     ("threshold", 1.0, None), ("sine", None, None)],
)  # fmt: skip
def test_where_an_activation_saturates(name, below, above):
    about = facts(aw.activation(name))
    for found, expected in ((about.saturates_below, below), (about.saturates_above, above)):
        assert (found is None) == (expected is None)
        if expected is not None:
            assert found == pytest.approx(expected, abs=0.01)
            inside = found + 0.02 if found is about.saturates_below else found - 0.02
            entry = aw.activation(name)
            assert abs(entry.derivative(inside)) > 0.9e-3 * min(entry.lipschitz, 1.0)


def test_kinks_with_the_slope_there():
    (kink,) = facts(aw.activation("elu", alpha=2.0)).kinks
    assert kink == Kink(0.0, 2.0, 2.0, 1.0)
    first, second = facts(aw.activation("hardswish")).kinks
    assert (first.slope, second.slope, second.left) == (0.0, 1.0, pytest.approx(1.5))


def test_form_from_the_output():
    assert facts(aw.activation("tanh")).from_output == "1 - y * y"
    assert facts(aw.activation("identity")).from_output is None
    assert facts(aw.activation("gelu")).from_output is None
    assert facts(aw.activation("leaky_relu", slope=-1.0)).from_output is None


def test_facts_of_a_formula():
    about = facts(aw.activation("x * tanh(log(1 + exp(x)))"))
    mish = facts(aw.activation("mish"))
    assert about.lipschitz == pytest.approx(mish.lipschitz, rel=1e-3)
    assert about.zero_centred == mish.zero_centred
    assert np.isclose(about.saturates_below, mish.saturates_below)
    assert about.trained == ()
    assert facts(aw.activation("prelu")).trained == ("slope",)


def doubtful(formula):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ActwiseWarning)
        return aw.activation(formula)


@pytest.mark.parametrize(("formula", "where"), [("1 / (x - 1)", "at x = 1"), ("sin(1 / x)", "at x = 0"),
                                                ("log(x)", "for x < 0"), ("x / 0", "for any x")])  # fmt: skip
def test_what_is_not_known_of_a_formula_is_absent(formula, where):
    about = facts(doubtful(formula))
    assert [str(each) for each in about.gaps] == [where]
    unknown = (about.range, about.monotonic, about.falling, about.odd, about.zero_centred, about.lipschitz, about.gain,
               about.saturates_below, about.saturates_above)  # fmt: skip
    assert set(unknown) == {None}


def test_a_hole_with_a_limit_leaves_the_facts_known():
    about = facts(doubtful("tanh(x) / x"))
    assert about.gaps[0].limit == 1.0
    assert about.range == pytest.approx((0.0, 1.0), abs=1e-6)


def test_a_cusp_has_infinite_slopes():
    (kink,) = facts(doubtful("sqrt(abs(x))")).kinks
    assert (kink.left, kink.right) == (-np.inf, np.inf)


def test_nothing_is_printed_about_overflow():
    assert facts(aw.activation("exp(exp(x))")).lipschitz == np.inf
