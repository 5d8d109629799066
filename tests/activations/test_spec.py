from __future__ import annotations

import numpy as np
import pytest

import actwise as aw
from actwise.activations import Activation, Claims, FromOutput, GatedActivation, Param, RowActivation, maxout
from actwise.errors import FormulaError, InputError
from actwise.formula.expression import exp, sigmoid, symbol, where


def bump(**changes):
    given = {
        "name": "bump",
        "f": lambda x, width: exp(-(x * x) / width),
        "df_x": lambda x, width: -2 * x / width * exp(-(x * x) / width),
        "params": {"width": Param(2.0, low=0.5, high=8.0)},
    }
    return Activation(**(given | changes))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.float16, np.float16),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (int, np.float64),
        (bool, np.float64),
    ],
)
def test_dtype_and_shape_are_kept(given, expected):
    x = np.ones((2, 0, 3), given)
    assert bump()(x).shape == (2, 0, 3)
    assert bump()(x).dtype == expected
    assert bump().derivative(np.ones(3, given)).dtype == expected


def test_a_single_number_gives_a_single_number():
    assert bump()(0.0) == 1.0
    assert np.ndim(bump()(0.0)) == 0


def test_arithmetic_is_done_in_float64():
    x = np.float32(11.3)  # exp(-x**2) is far below what float32 arithmetic keeps of the square
    assert bump()(x) == np.float32(np.exp(-(float(x) ** 2) / 2))


def test_parameters():
    changed = bump().with_values(width=4)
    assert changed.values == {"width": 4.0}
    assert bump().values == {"width": 2.0}
    assert changed(2.0) == pytest.approx(np.exp(-1))
    assert repr(changed) == "activation('bump', width=4)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 1.0}, "has no parameter 'widht'; did you mean 'width'"),
        ({"width": 9.0}, "must lie between 0.5 and 8, not 9.0"),
        ({"width": np.nan}, "must be a finite number"),
        ({"width": "2"}, "must be a finite number"),
    ],
)
def test_parameters_that_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        bump().with_values(**values)


def test_what_is_not_a_number_is_refused():
    for call in (bump(), bump().derivative, aw.activation("softmax"), aw.activation("glu")):
        with pytest.raises(InputError, match="takes real numbers"):
            call(["a", "b"])
        with pytest.raises(InputError, match="takes real numbers"):
            call([1j, 2j])


def test_the_derivative_from_the_output_is_of_its_own_kind():
    half = FromOutput(lambda y, width: y / width, when=lambda width: width > 1)
    assert bump(df_y=half).derivative_from_output(3.0) == 1.5
    for each in (bump(), bump(df_y=half).with_values(width=0.7)):
        with pytest.raises(InputError, match=r"call \.derivative"):
            each.derivative_from_output(3.0)
        assert each.derivative_from_output_formula is None
    assert bump(df_y=half).derivative_from_output_formula == "y / width"


def test_claims_may_depend_on_parameters():
    each = bump(claims=Claims(range=lambda width: (0, width), kinks=(1,), monotonic=False, odd=lambda width: width > 3))
    assert each.range == (0.0, 2.0)
    assert each.with_values(width=4).range == (0.0, 4.0)
    assert each.with_values(width=4).odd
    assert not each.odd
    assert each.kinks == (1.0,)


def test_estimates_where_nothing_is_claimed():
    each = bump()
    assert each.range == pytest.approx((0, 1))
    assert not each.monotonic
    assert not each.odd
    assert each.lipschitz == pytest.approx(np.exp(-0.5), rel=1e-4)
    assert aw.activation("x * 3").odd


@pytest.mark.parametrize(
    ("name", "gain"), [("identity", 1.0), ("relu", np.sqrt(2)), ("selu", 0.9660), ("tanh", 1.4674), ("sine", 1.3273)]
)
def test_gain_is_one_over_the_mean_square_slope(name, gain):
    each = aw.activation(name)
    z = np.random.default_rng(0).normal(size=400_000)
    assert each.gain == pytest.approx(gain, rel=1e-3)
    assert each.gain == pytest.approx(1 / np.sqrt(np.mean(each.derivative(z) ** 2)), rel=1e-2)


def test_formulas_as_text():
    assert bump().formula == "exp(-x * x / width)"
    assert bump(definition="exp(-x**2 / width)").formula == "exp(-x**2 / width)"
    assert aw.activation("relu").derivative_formula == "where(x > 0, 1, 0)"
    assert aw.activation("tanh").derivative_formula == "(1 / cosh(x))**2"
    assert aw.activation("sigmoid").derivative_from_output_formula == "y * (1 - y)"


def test_a_declaration_that_is_no_formula():
    with pytest.raises(FormulaError, match="use where"):
        _ = bump(f=lambda x: x if x > 0 else -x).expression


def test_gated_activation_derives_its_partials():
    scaled = GatedActivation(name="scaled", f=lambda value, gate: value * sigmoid(gate) ** 2)
    assert scaled.pieces == 2
    assert scaled.arguments == ("value", "gate")
    x = np.array([[1.0, 2.0, 0.5, -0.5]])
    s = 1 / (1 + np.exp(-x[:, 2:]))
    np.testing.assert_allclose(scaled(x), x[:, :2] * s**2)
    gradient = scaled.vector_jacobian_product(x, np.ones((1, 2)))
    np.testing.assert_allclose(gradient[:, :2], s**2)
    np.testing.assert_allclose(gradient[:, 2:], x[:, :2] * 2 * s * s * (1 - s))


def test_maxout_of_several_pieces():
    three = maxout(3)
    x = np.array([1.0, 5.0, 2.0, 5.0, 0.0, np.nan])  # two units: (1, 2, 0) and (5, 5, nan)
    np.testing.assert_array_equal(three(x), [2.0, np.nan])
    np.testing.assert_array_equal(three.vector_jacobian_product([*x[:5].tolist(), 4.0], np.ones(2)), [0, 1, 1, 0, 0, 0])
    assert three.gain == pytest.approx(1.0)
    assert np.isnan(three([np.nan, 1.0, 2.0])).all()


def test_gain_of_gated_units():
    z = np.random.default_rng(1).normal(size=(2, 400_000))
    s = 1 / (1 + np.exp(-z[1]))
    expected = 1 / np.sqrt(np.mean(s**2) + np.mean((z[0] * s * (1 - s)) ** 2))
    assert aw.activation("glu").gain == pytest.approx(expected, rel=5e-3)


def test_shapes_that_cannot_be_split():
    with pytest.raises(InputError, match="2 equal blocks"):
        aw.activation("glu")(np.ones(3))
    with pytest.raises(InputError, match="acts on rows"):
        aw.activation("softmax")(1.0)


@pytest.mark.parametrize("name", ["glu", "softmax"])
def test_rows_and_gates_take_no_parameters_and_keep_dtypes(name):
    each = aw.activation(name)
    assert each(np.ones((2, 4), np.float32)).dtype == np.float32
    assert each.vector_jacobian_product(np.ones((2, 4), np.float32), each(np.ones((2, 4)))).dtype == np.float32
    assert each.with_values() is each
    with pytest.raises(InputError, match="it has no parameters"):
        each.with_values(beta=1.0)


def test_expressions_may_be_given_in_place_of_functions():
    x = symbol("x")
    each = Activation("step up", where(x > 0, 2 * x, x), where(x > 0, 2, 1))
    assert each(3.0) == 6.0
    assert GatedActivation("product", symbol("x0") * symbol("x1"))([2.0, 5.0]) == [10.0]
    assert RowActivation("scaled", 2 * x, 2 * symbol("g"))([1.0]) == [2.0]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("log(1 + exp(x)) - log(2)", -np.log(2), np.inf),
        ("x / sqrt(1 + x**2)", -1, 1),
        ("log(1 + abs(x))", 0, np.inf),
        ("x**3", -np.inf, np.inf),
        ("arctan(x)", -np.pi / 2, np.pi / 2),
    ],
)
@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
def test_the_range_of_a_formula_reaches_to_its_limits(text, low, high):
    assert aw.activation(text).range == pytest.approx((low, high), rel=1e-12)
