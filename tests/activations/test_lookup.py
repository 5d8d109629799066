from __future__ import annotations

import math

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Param
from actwise.errors import FormulaError, InputError


def test_names_are_sorted_and_complete():
    assert aw.activations.names() == sorted(each.name for each in ENTRIES)


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.name)
def test_every_name_and_alias_leads_to_its_entry(each):
    for name in (each.name, *each.aliases, each.name.upper(), f" {each.name.replace('_', '-')} "):
        assert aw.activation(name).name == each.name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rleu", "unknown activation 'rleu'; did you mean 'relu'"),
        ("quux", "A formula must contain x"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(InputError, match=message):
        aw.activation(name)


def test_other_things_are_refused():
    with pytest.raises(InputError, match="not int"):
        aw.activation(3)
    with pytest.raises(InputError, match="cannot be read as a formula"):
        aw.activation(lambda x: math.exp(x))
    with pytest.raises(InputError, match="as a number, not as a Param"):
        aw.activation("elu", alpha=Param(1.0))


def test_python_functions_and_lambdas_as_text_are_formulas():
    x = np.linspace(-3, 3, 7)
    for what in (lambda x: x * np.tanh(x), "lambda z: z * np.tanh(z)", "x·tanh(x)"):
        assert aw.activation(what)(x) == pytest.approx(x * np.tanh(x))
    scaled = aw.activation(lambda x, beta: x / (1 + np.exp(-beta * x)), beta=2.0)
    assert scaled.values == {"beta": 2.0}
    assert scaled(x) == pytest.approx(x / (1 + np.exp(-2 * x)))


def test_an_activation_is_passed_through():
    elu = aw.activation("elu")
    assert aw.activation(elu) is elu
    assert aw.activation(elu, alpha=2.0).values == {"alpha": 2.0}
    assert aw.activation(aw.activation("glu")).name == "glu"


def test_formulas_need_their_parameters():
    with pytest.raises(FormulaError, match=r"give a value for each, such as beta=1\.0"):
        aw.activation("x * sigmoid(beta * x)")
    with pytest.raises(FormulaError, match="has no parameter 'gamma'"):
        aw.activation("x * sigmoid(x)", gamma=1.0)


def test_a_parameter_may_have_the_name_of_an_activation():
    assert aw.activation("x * threshold", threshold=2.0)(3.0) == 6.0


def test_a_trained_parameter():
    each = aw.activation("x * sigmoid(beta * x)", beta=Param(0.5, trained=True))
    assert each.params["beta"].trained
    assert each.values == {"beta": 0.5}


@pytest.mark.parametrize(
    ("text", "slope"), [("relu(x) + x", 1.0), ("x * relu6(x - 6)", 0.0), ("2 * hardtanh(x + 1)", 0.0)]
)
def test_entries_keep_their_slope_at_a_kink_inside_formulas(text, slope):
    at = 0.0 if text != "x * relu6(x - 6)" else 6.0
    assert aw.activation(text).derivative(at) == slope


def test_entries_inside_formulas_keep_their_tails():
    each = aw.activation("gelu(x) + 0.5 * mish(x)")
    x = np.array([-20.0, -1.0, 3.0])
    np.testing.assert_allclose(each(x), aw.activation("gelu")(x) + 0.5 * aw.activation("mish")(x), rtol=1e-12)
    np.testing.assert_allclose(
        each.derivative(x),
        aw.activation("gelu").derivative(x) + 0.5 * aw.activation("mish").derivative(x),
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    ("name", "given", "own"),
    [("leaky_relu", {"negative_slope": 0.3}, {"slope": 0.3}), ("leaky_relu", {"alpha": 0.3}, {"slope": 0.3}),
     ("hardtanh", {"min_val": -2, "max_val": 3}, {"low": -2, "high": 3}), ("prelu", {"init": 0.1}, {"slope": 0.1}),
     ("softshrink", {"lambd": 0.3}, {"threshold": 0.3}), ("clipped_relu", {"max_value": 6}, {"ceiling": 6}),
     ("ThresholdedRelu", {"alpha": 2}, {"threshold": 2, "value": 0})],
)  # fmt: skip
def test_parameters_answer_to_the_names_of_frameworks(name, given, own):
    assert aw.activation(name, **given).values == own


def test_a_parameter_has_one_value():
    with pytest.raises(InputError, match="its parameter 'slope' under two names"):
        aw.activation("leaky_relu", slope=0.1, negative_slope=0.2)


@pytest.mark.parametrize(
    ("name", "given", "instead"),
    [("gelu", {"approximate": "tanh"}, "gelu_tanh"), ("relu", {"max_value": 6}, "clipped_relu"),
     ("Hardmax", {}, "slope 0 everywhere.*softmax")],
)  # fmt: skip
def test_another_function_is_pointed_to(name, given, instead):
    with pytest.raises(InputError, match=instead):
        aw.activation(name, **given)
