"""Reading formulas: what is accepted, with which precedence, and what each mistake is answered with."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from actwise.errors import FormulaError
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import (
    FUNCTIONS_OF_ONE,
    Expression,
    exp,
    expm1,
    maximum,
    number,
    sigmoid,
    softplus,
    sqrt,
    symbol,
    tanh,
    where,
)
from actwise.formula.parse import parse, trace
from actwise.formula.vocabulary import FUNCTIONS

x, y, a, beta = symbol("x"), symbol("y"), symbol("a"), symbol("beta")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x * sigmoid(beta * x)", x * sigmoid(beta * x)),
        ("-x^2", -(x**2)),
        ("-x**2", -(x**2)),
        ("2^-x", 2**-x),
        ("2^x^a", 2 ** (x**a)),
        ("x - 1 - a", (x - 1) - a),
        ("x / a * 2", (x / a) * 2),
        ("a if x > 0 else x if x < -1 else 1", where(x > 0, a, where(x < -1, x, 1))),
        ("-1 < x < 1", where((number(-1) < x) & (x < 1), 1, 0)),
        ("x * (x > 0)", x * where(x > 0, 1, 0)),
        ("where((x > 0) & (x < 1) | ~(x < 2), x, a)", where(((x > 0) & (x < 1)) | ~(x < 2), x, a)),
        ("where(x > 0 and x < 1 or not x < 2, x, a)", where(((x > 0) & (x < 1)) | ~(x < 2), x, a)),
        ("np.tanh(x)", tanh(x)),
        ("jax.nn.sigmoid(x)", sigmoid(x)),
        ("math.pi * x", number(math.pi) * x),
        ("e * x", number(math.e) * x),
        ("\n  x\n + 1 \t", x + 1),
        ("1e-3 * x + .5 + 1_000", 1e-3 * x + 0.5 + 1000),
        ("pow(x, 3)", x**3),
        ("relu(x)", where(x <= 0, 0, x)),
        ("K.sigmoid(x)", sigmoid(x)),
        ("tf.nn.tanh(x) + keras.ops.exp(x)", tanh(x) + exp(x)),
        ("e^-x", exp(-x)),
        ("np.e**x + np.power(math.e, x) + 2.718281828459045**x", exp(x) + exp(x) + exp(x)),
        ("|x|", abs(x)),
        ("x / (1 + |x|)", x / (1 + abs(x))),
        ("||x| - 1|", abs(abs(x) - 1)),
        ("|x| * |x - 1|", abs(x) * abs(x - 1)),
        ("where((x > 1) | (|x| < 2), x, a)", where((x > 1) | (abs(x) < 2), x, a)),
        ("2·x² − x³ ÷ a", 2 * x**2 - x**3 / a),
        ("-x²", -(x**2)),
        ("σ(β·x) + π", sigmoid(beta * x) + math.pi),
        ("√(x) * (x ≤ 1)", sqrt(x) * where(x <= 1, 1, 0)),
        ("lambda x: x * tanh(x)", x * tanh(x)),
        ("lambda z, a: z * a", x * a),
        ("logaddexp(0, x)", softplus(x)),
    ],
)
def test_text_becomes_the_expected_tree(text: str, expected: Expression) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("max(x, 0, a)", lambda v: np.maximum(np.maximum(v, 0), 0.7)),
        ("min(x, 0, -a)", lambda v: np.minimum(np.minimum(v, 0), -0.7)),
        ("clip(x, -1, a)", lambda v: np.clip(v, -1, 0.7)),
        ("ceil(x)", np.ceil),
        ("exp2(x)", np.exp2),
        ("atanh(x / 9) + arctanh(x / 9)", lambda v: 2 * np.arctanh(v / 9)),
        ("cbrt(x)", np.cbrt),
        ("round(x)", np.round),
        ("round(x + 0.5)", lambda v: np.round(v + 0.5)),
        ("np.rint(2.5 * x)", lambda v: np.rint(2.5 * v)),
        ("round(x, 1)", lambda v: np.round(v * 10) / 10),
        ("heaviside(x, a)", lambda v: np.heaviside(v, 0.7)),
        ("heaviside(x)", lambda v: np.heaviside(v, 0.5)),
        ("logaddexp(x, 2 * x)", lambda v: np.logaddexp(v, 2 * v)),
        ("sinc(x)", np.sinc),
        ("x % 2 + np.mod(x, -3)", lambda v: v % 2 + np.mod(v, -3)),
        ("trunc(1.7 * x)", lambda v: np.trunc(1.7 * v)),
        ("tan(x)", np.tan),
        ("sech(x)", lambda v: 1 / np.cosh(v)),
        ("log2(abs(x)) + log10(x^2)", lambda v: np.log2(np.abs(v)) + 2 * np.log10(np.abs(v))),
        ("square(x) + cube(x) + reciprocal(x)", lambda v: v**2 + v**3 + 1 / v),
        ("softsign(x)", lambda v: v / (1 + np.abs(v))),
        ("elu(x)", lambda v: np.where(v > 0, v, np.exp(v) - 1)),
        ("silu(x) + swish(x)", lambda v: 2 * v / (1 + np.exp(-v))),
        ("mish(x)", lambda v: v * np.tanh(np.log(1 + np.exp(v)))),
        ("logsigmoid(x)", lambda v: -np.log(1 + np.exp(-v))),
        ("gelu(x)", lambda v: v * np.vectorize(math.erfc)(-v / math.sqrt(2)) / 2),
        ("phi(x)", lambda v: np.exp(-(v**2) / 2) / np.sqrt(2 * np.pi)),
        ("ln(x^2) + atan(x) + arcsinh(x) + sgn(x)",
         lambda v: np.log(v**2) + np.arctan(v) + np.arcsinh(v) + np.sign(v)),
        ("logistic(x) - Phi(x)", lambda v: 1 / (1 + np.exp(-v)) - np.vectorize(math.erfc)(-v / math.sqrt(2)) / 2),
    ],
)  # fmt: skip
def test_functions_mean_what_their_names_say(text: str, reference: object) -> None:
    points = np.array([-2.3, -0.8, 0.4, 1.9])
    found = evaluate(parse(text), {"x": points, "a": np.float64(0.7)}, numpy_table())
    assert callable(reference)
    np.testing.assert_allclose(found, reference(points), rtol=1e-12)


def test_every_function_of_the_tree_can_be_called() -> None:
    assert set(FUNCTIONS_OF_ONE) <= set(FUNCTIONS)
    for name in FUNCTIONS_OF_ONE:
        assert parse(f"{name}(x)") == Expression(name, (x,))


def test_relu_passes_nan_on_and_has_slope_zero_at_zero() -> None:
    from actwise.formula.differentiate import differentiate

    relu = parse("relu(x)")
    assert np.isnan(evaluate(relu, {"x": np.float64("nan")}, numpy_table()))
    assert evaluate(differentiate(relu), {"x": np.float64(0)}, numpy_table()) == 0


def test_variable_parameters_and_named_functions() -> None:
    assert parse("y * (1 - y)", variable="y") == y * (1 - y)
    assert parse("a * x", parameters=["a"]) == a * x
    assert parse("sin * x", parameters=["sin"]) == symbol("sin") * x
    assert parse("double(x) + 1", functions={"double": lambda u: 2 * u}) == 2 * x + 1
    assert parse("relu(x)", functions={"relu": tanh}) == tanh(x)
    assert parse("1", require_variable=False) == number(1)


MISTAKES = [
    ("", "empty", None),
    ("   ", "empty", None),
    ("x + ", "cannot be read", 4),
    ("x^2 + (x", "never closed", 6),
    ("x)", "no opening", 1),
    ("2x", r"put a \* after the number 2", 1),
    ("x.5if x", r"put a \* after the number .5", 3),
    ("3 (x)", r"put a \* after the number 3", 1),
    ("x(x + 1)", r"put a \*", 0),
    ("(x)(x)", r"put a \*", 1),
    ("1e400 * x", "range of float64", 0),
    ("x + " + "9" * 400, "range of float64", 4),
    ("x * 10**400", "range of float64", None),
    ("x^2 + sigmiod(x)", "did you mean 'sigmoid'", 6),
    ("np.foo(x)", "not a function", 0),
    ("x^2 + sigmoid", "is a function: write sigmoid", 6),
    ("max(x)", "takes at least 2 arguments, not 1", 0),
    ("sin(x, 2)", "takes 1 argument, not 2", 0),
    ("where(x > 0, 1)", "takes 3 arguments, not 2", 0),
    ("exp(x=2)", "by position", 4),
    ("max(*x)", r"\*", 4),
    ("max(**x)", "by position", 4),
    ("where(x, 1, 2)", "comparison", 6),
    ("x and 1", "comparison", 0),
    ("not x", "comparison", 4),
    ("1 if x else 2", "comparison", 5),
    ("y = x", "no '='", 2),
    ("(x := 2)", "no '='|cannot assign", None),
    ("x // 2", "//", 0),
    ("50%", "write / 100", None),
    ("x + |x", "bars do not pair|never closed", None),
    ("x² + foo(x)", "not a function", 5),
    ("|x| + 2y", r"a \* after the number 2", 7),
    ("lambda x, y", "reserved word", 0),
    ("x @ x", "character @", 2),
    ("x + True", "True is not a number", 4),
    ("x + None", "None is not a number", 4),
    ("...", "Ellipsis", 0),
    ("'x'", "character '", 0),
    ('x + "a"', 'character "', 4),
    ("[i for i in x]", "'for' is a reserved word", 3),
    ("[x]", "square brackets", 0),
    ("x[0]", "square brackets", 0),
    ("{x}", "curly brackets", 0),
    ("{x: 1}", "curly brackets", 0),
    ("x, 2", "comma", 0),
    ("x.real", "a dot", 0),
    ("x.__class__", "a dot", 0),
    ("np.x.exp(x)", "a dot", 0),
    ("__import__(x)", "not a function", 0),
    ("_a * x", "cannot be used", 0),
    ("inf * x", "cannot be used", 0),
    ("é * x", "character é", 0),
    ("١ + x", "character", 0),
    ("ｘ + 1", "character", 0),
    ("x\0", "x00", 1),
    ("x # comment", "character #", 2),
    ("x \\\n + 1", "character", 2),
    ("3", "does not depend on x", None),
    ("0 * x", "does not depend on x", None),
    ("a * z", "does not depend on x", None),
    ("x" * 2001, "2,001 characters", None),
    ("(" * 300 + "x" + ")" * 300, "nested", None),
    ("-" * 1900 + "x", "nested", None),
    ("+".join(["x"] * 400), "nested", None),
    ("exp(" * 150 + "x" + ")" * 150, "nested", None),
    ("silu(" * 60 + "x" + ")" * 60, "parts", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "position"), MISTAKES, ids=[each[0][:12] for each in MISTAKES])
def test_mistakes_get_one_sentence_that_points_at_the_place(text: str, message: str, position: int | None) -> None:
    start = time.perf_counter()
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text)
    assert time.perf_counter() - start < 1.0
    assert "\n" not in caught.value.problem
    if position is not None:
        assert caught.value.position == position


def test_positions_count_what_was_typed_before_a_caret_power() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("  x^2 + x^3 + foo(x)", parameters=[])
    assert caught.value.position == "  x^2 + x^3 + foo(x)".index("foo")
    assert str(caught.value).splitlines()[-1].index("^") - 4 == caught.value.position


def test_an_unknown_name_is_suggested_from_the_parameters() -> None:
    with pytest.raises(FormulaError, match="'bta' is not a parameter; did you mean 'beta'"):
        parse("bta * x", parameters=["beta"])


def test_tracing_a_function_gives_its_formula() -> None:
    assert trace(lambda x, beta: x * sigmoid(beta * x), ("x", "beta")) == x * sigmoid(beta * x)
    assert trace(lambda x: x / (1 + np.exp(-x))) == x / (1 + exp(-x))
    assert trace(lambda x: np.where(x > 0, x, np.float64(2) * np.expm1(x))) == where(x > 0, x, 2 * expm1(x))
    assert trace(np.tanh) == tanh(x)
    assert trace(lambda x: np.maximum(x, 0) + np.abs(x)) == maximum(x, 0) + abs(x)
    assert trace(lambda x: x > 0) == where(x > 0, 1, 0)
    assert trace(lambda x: 1, require_variable=False) == number(1)


def _branches(x: Expression) -> Expression:
    return x if x > 0 else 2 * x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_branches, "where"),
        (lambda x: math.exp(x), "exp, tanh"),
        (lambda x: x.mean(), "cannot be read"),
        (lambda x: np.ones(3) * x, "cannot be read"),
        (lambda x: 2.0, "does not depend on x"),
        (lambda x: None, "returned NoneType"),
        (lambda x: "x", "returned str"),
        (lambda x: x == 0, "returned bool"),
    ],
)
def test_tracing_answers_misuse_with_what_to_do(function: object, message: str) -> None:
    assert callable(function)
    with pytest.raises(FormulaError, match=message):
        trace(function)
