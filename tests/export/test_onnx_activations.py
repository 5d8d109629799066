"""Every activation in onnxruntime is the one in Actwise, whatever its parameters, and formulas are too."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actwise.activations import ENTRIES, Activation, AnyActivation, GatedActivation, RowActivation, activation, maxout
from actwise.errors import ActwiseWarning, FormulaError
from actwise.export.onnx.activations import NATIVE, how_exported
from actwise.export.onnx.dialect import (
    COMPOSED,
    COMPOSED_FLOAT64,
    OPERATORS,
    TOLERANCE,
    enough_in_float32,
    in_operators,
)
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import Expression, as_expression, symbol, symbols, tanh, walk, where
from actwise.formula.operations import OPERATIONS
from actwise.formula.parse import parse
from actwise.formula.simplify import simplify
from actwise.formula.stabilise import stabilise
from actwise.formula.vocabulary import FUNCTIONS

Run = Callable[..., dict[str, Any]]
Bare = Callable[..., Any]

SIZES = np.geomspace(1e-7, 1e4, 150)
KINKS = [-20.0, -6, -3, -2.5, -2, -1, -0.5, 0.25, 0.5, 1, 2, 2.5, 3, 6, 20]
POINTS = np.concatenate([-SIZES[::-1], [0.0], SIZES, KINKS]).astype(np.float32)


def pre_activations(what: AnyActivation, n_units: int) -> Any:
    """Kinks, tails and mixtures, of shape (n_rows, n_units * pieces)."""
    rng = np.random.default_rng(3)
    if isinstance(what, Activation):
        return np.repeat(POINTS[:, None], n_units, axis=1)
    if isinstance(what, RowActivation):
        rows = rng.normal(size=(200, n_units)) * 10 ** rng.uniform(-3, 4, (200, 1))
        return np.vstack([rows, np.zeros((1, n_units)), np.eye(n_units) * 1e4]).astype(np.float32)
    return rng.choice(POINTS, size=(2000, what.pieces * n_units))


def assert_same(found: Any, wanted: Any) -> None:
    others = found != wanted  # infinities may be equal; NaN is not
    differences = np.abs(found[others].astype(float) - wanted[others])
    assert np.all(differences <= TOLERANCE * np.maximum(1, np.abs(wanted[others].astype(float))))


def other_values(what: AnyActivation) -> list[dict[str, float]]:
    """Parameter values that are not the defaults: the ends of what is allowed, where finite, and two between."""
    every = []
    for pick in range(4):
        values = {}
        for position, (name, param) in enumerate(what.params.items()):
            low, high = max(param.low, -1.5), min(param.high, 4.0)
            values[name] = (max(param.low, -2.0), low + 0.25, high - 0.5, high)[(pick + position) % 4]
        every.append(values)
    return every if what.params else []


@pytest.mark.parametrize("what", ENTRIES, ids=lambda what: what.name)
def test_every_activation_is_the_same_in_onnxruntime(what: AnyActivation, onnx_run: Run, bare: Bare) -> None:
    for values in ({}, *other_values(what)):
        network = bare(what.with_values(**values), 3)
        X = pre_activations(what, 3)
        assert_same(onnx_run(network, X)["outputs"], network.predict(X))


def test_native_operators_are_those_of_the_catalogue() -> None:
    assert NATIVE.keys() <= {each.name for each in ENTRIES}
    for what in ENTRIES:
        how, operators = how_exported(what)
        if what.name in NATIVE:
            assert (how, operators) == ("operator", (NATIVE[what.name].operator,))
        assert how != "formula in float64", "a declaration of the catalogue keeps its digits in float32"


def test_the_same_name_is_not_the_same_function(onnx_run: Run, bare: Bare) -> None:
    impostor = Activation("relu", f=lambda x: 2 * tanh(x), df_x=lambda x: 2 - 2 * tanh(x) ** 2)
    assert how_exported(impostor)[1] == ("Mul", "Tanh")
    network = bare(impostor)
    assert_same(onnx_run(network, POINTS[:, None])["outputs"], network.predict(POINTS[:, None]))


@pytest.mark.parametrize("pieces", [2, 3, 5])
def test_maxout_of_any_size(pieces: int, onnx_run: Run, bare: Bare) -> None:
    network, X = bare(maxout(pieces), 2), pre_activations(maxout(pieces), 2)
    assert_same(onnx_run(network, X)["outputs"], network.predict(X))
    assert how_exported(maxout(pieces)) == ("operator", ("Max",))


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("log(2 + exp(x))", "formula in float64"),
        ("sin(3.7 * x)", "formula in float64"),
        ("x * tanh(log(1 + exp(x)))", "formula"),
        ("log(normal_cdf(x / 4))", "formula in float64"),
        ("where(x > 0.1, x, 0)", "formula"),
        ("sinh(0.5 / x)", "formula in float64"),
        ("x**3 - max(x, 0.5) + min(x, abs(x) - 2)", "formula"),
        ("x - x + 2", "formula"),
        ("0.5 * (erfc(-x) + asinh(x))", "formula"),
    ],
)
def test_formulas(text: str, how: str, onnx_run: Run, bare: Bare) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ActwiseWarning)
        what = activation(text)
    found, _ = how_exported(what)
    X = POINTS[:, None]
    with np.errstate(all="ignore"):
        exact = what(X)
    counts = np.isfinite(exact[:, 0])
    assert_same(onnx_run(bare(what), X)["outputs"][counts], exact[counts])
    assert found in (how, "operator")


@pytest.mark.parametrize("name", [*COMPOSED_FLOAT64, "erf", "arctan", "tanh"])
@pytest.mark.parametrize("float64", [False, True], ids=["float32", "float64"])
def test_compositions_keep_their_digits(name: str, float64: bool, onnx_run: Run, bare: Bare) -> None:
    """A relative error of some 1e-6 in the tails too, where the value itself is a number of float32."""
    node = Expression(name, (symbol("x"),))
    own = Activation("own", f=node, df_x=node)
    points = POINTS[POINTS > -1] if name == "log1p" else POINTS
    exact = own(points.astype(np.float64))
    with np.errstate(all="ignore"):
        narrow = evaluate(in_operators(node, float64=float64), {"x": points.astype(np.float64)}, numpy_table())
    counts = (np.abs(exact) > 1e-30) & (np.abs(exact) < 1e38)
    np.testing.assert_allclose(narrow[counts], exact[counts], rtol=2e-6 if name in ("erfc", "normal_cdf") else 1e-12)
    if not float64 and enough_in_float32(node, [{"x": points.astype(np.float64)}]):
        found = onnx_run(bare(own), points[:, None])["outputs"][:, 0]
        np.testing.assert_allclose(found[counts], exact[counts], rtol=3e-5, atol=1e-37)


def test_every_operation_is_in_the_dialect() -> None:
    assert set(OPERATIONS) == set(OPERATORS) | set(COMPOSED)
    assert not set(OPERATORS) & set(COMPOSED)
    without_float64 = {name for name, each in OPERATORS.items() if not each.float64}
    assert without_float64 - set(COMPOSED_FLOAT64) == {"arctan", "erf"}, "these are cast to float32 and back"
    for name, compose in COMPOSED_FLOAT64.items():
        used = {part.operation for part in _parts(compose(symbol("x")))} - {"symbol", "number"}
        assert used <= set(OPERATORS), f"{name} is composed of what is itself composed"


def _parts(expression: Expression) -> list[Expression]:
    return [expression, *(part for each in expression.arguments for part in _parts(each))]


# Random formulas

LEAVES = st.sampled_from(["x", "x", "x", "0.5", "2", "pi"]) | st.floats(-3, 3).map(lambda v: f"({v:.3f})")


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def call(name: str) -> st.SearchStrategy[str]:
        function = FUNCTIONS[name]
        count = 2 if function.most is None else function.fewest
        return st.tuples(*[inner] * count).map(lambda given: f"{name}({', '.join(given)})")

    plain = sorted(FUNCTIONS.keys() - {"where", "equal", "not_equal"})
    # Whether two numbers are equal hangs on their last bits, which float32 and float64 do not share.
    choices = st.tuples(inner, st.sampled_from(["<", "<=", ">", ">="]), inner, inner, inner)
    return (
        st.sampled_from(plain).flatmap(call)
        | st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | st.tuples(inner, st.sampled_from(["2", "3", "-1", "0.5", "1.7"])).map(lambda t: f"({t[0]})**{t[1]}")
        | choices.map(lambda t: f"where({t[0]} {t[1]} {t[2]}, {t[3]}, {t[4]})")
    )


formulas = st.recursive(LEAVES, _calls, max_leaves=6)


@settings(max_examples=120, deadline=None)
@given(text=formulas)
def test_random_formulas_are_the_same_in_onnxruntime(
    text: str, onnx_run: Run, bare: Bare, spread: Callable[..., Any]
) -> None:
    try:
        expression = stabilise(simplify(parse(text)))
    except FormulaError:
        assume(False)
    # onnxruntime shares constants that are equal, and so takes -0 for a 0 that stands beside it.
    assume("-0.0" not in {repr(node.number) for node in walk(in_operators(expression)) if node.is_number})
    own = Activation("own", f=expression, df_x=expression)
    with np.errstate(all="ignore"):
        exact = own(POINTS.astype(np.float64))
    counts = np.isfinite(exact) & (np.abs(exact) < 1e37) & (spread(expression, {"x": POINTS}, 1e-6) < 2e-5)
    found = onnx_run(bare(own), POINTS[:, None])["outputs"][:, 0]
    assert_same(found[counts], exact[counts])


def test_a_formula_with_parameters_takes_the_trained_ones(onnx_run: Run, bare: Bare) -> None:
    from actwise.activations import Param

    what = activation("where(x > k, x, a * x)", a=Param(0.2, trained=True), k=-1.0)
    network = bare(what)
    network = network.with_parameters([1.0, 0.75])
    assert_same(onnx_run(network, POINTS[:, None])["outputs"], network.predict(POINTS[:, None]))
    assert network.predict([[-4.0]])[0, 0] == -3


def test_a_constant_has_a_row_for_each_row(onnx_run: Run, bare: Bare) -> None:
    own = Activation("two", f=lambda x: as_expression(2), df_x=lambda x: as_expression(0))
    np.testing.assert_array_equal(onnx_run(bare(own, 3), np.zeros((4, 3)))["outputs"], np.full((4, 3), 2))


def test_a_gated_formula_of_a_user(onnx_run: Run, bare: Bare) -> None:
    own = GatedActivation("own", f=lambda a, b, c: where(a > b, a * tanh(c), b - c))
    assert symbols(own.expression) == {"x0", "x1", "x2"}
    network, X = bare(own, 2), pre_activations(own, 2)
    X = X[np.abs(X).max(axis=1) < math.sqrt(1e38)]
    assert_same(onnx_run(network, X)["outputs"], network.predict(X))
