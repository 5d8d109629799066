from __future__ import annotations

import importlib.util
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.errors import InputError
from actwise.handwritten import check_derivative

HERE = Path(__file__).parent


def _load(name: str) -> ModuleType:
    # The tests are imported without packages, so a helper beside them is loaded by its path.
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


ZOO = _load("zoo")
THREADS = _load("threads")
RIGHT_HOMEWORK = _load("homework").RIGHT
WRONG_HOMEWORK = _load("homework_wrong").WRONG
function = ZOO.function


def _public_cases() -> list[dict[str, object]]:
    return list(json.loads((HERE / "cases" / "derivatives.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", THREADS.CASES)
def test_derivatives_as_people_post_them(name):
    f, df, called_with, causes = THREADS.CASES[name]
    report = check_derivative(f, df, called_with)
    assert report.cause in causes
    assert report.correct == (report.cause == "correct")


@pytest.mark.parametrize("name", RIGHT_HOMEWORK)
def test_right_homework_raises_no_alarm(name):
    report = check_derivative(*RIGHT_HOMEWORK[name])
    assert report.correct, str(report)


@pytest.mark.parametrize("name", WRONG_HOMEWORK)
def test_the_mistake_in_homework_is_named(name):
    f, df, called_with, causes = WRONG_HOMEWORK[name]
    report = check_derivative(f, df, called_with)
    assert report.verdict == "wrong"
    assert report.cause in causes


def test_a_derivative_in_single_precision_may_still_be_wrong():
    f = THREADS.sigmoid
    assert not check_derivative(f, lambda x: np.float32(1.001) * f(np.float32(x)) * (1 - f(np.float32(x)))).correct
    assert not check_derivative(f, lambda y: np.float32(y) * (1 - np.float32(y)) + np.float32(1e-4), "y").correct


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - np.max(x))
    return e / e.sum()


ZOO.NAMES["softmax"] = softmax


@pytest.mark.parametrize("case", _public_cases(), ids=lambda case: case["id"])
def test_public_cases(case):
    report = check_derivative(
        function(case["activation"]), function(case["derivative_as_written"]), case["called_with"]
    )
    assert report.verdict == case["verdict"]
    assert report.cause == case["cause"]
    assert report.correct == (case["verdict"] == "correct")
    assert (report.first_wrong_at is None) == report.correct


@pytest.mark.parametrize("case", ZOO.all_cases(), ids=lambda case: f"{case.f} {case.called_with} {case.df}")
def test_planted_cases(case):
    report = check_derivative(function(case.f), function(case.df), case.called_with)
    assert report.cause in (case.cause, *case.also)
    assert report.correct == (case.cause == "correct")


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([*ZOO.SMOOTH, *ZOO.KINKED]),
    st.floats(0.01, 50),
    st.floats(0.05, 8),
    st.floats(-3, 3),
)
def test_scaled_and_shifted_activations_raise_no_alarm(activation, a, b, c):
    f, df, _ = activation
    outer, inner = function(f), function(df)
    assert check_derivative(lambda x: a * outer(b * x + c), lambda x: a * b * (inner(b * x + c) + 0 * x)).correct


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(ZOO.SMOOTH), st.floats(0.5, 3), st.floats(-1, 1), st.sampled_from([0.9, 1.1, -1, 2]))
def test_scaled_and_shifted_activations_with_a_wrong_factor_are_found(activation, b, c, factor):
    f, df, _ = activation
    outer, inner = function(f), function(df)
    report = check_derivative(lambda x: outer(b * x + c), lambda x: factor * b * (inner(b * x + c) + 0 * x))
    assert report.cause == ("wrong_sign" if factor == -1 else "missing_factor")
    assert report.factor == pytest.approx(1 / factor, rel=1e-4)


def math_sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def math_relu(x: float) -> float:
    if x > 0:
        return x
    return 0


def gelu(x: float) -> float:
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def gelu_prime(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2))) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def table(x: np.ndarray) -> np.ndarray:
    nodes = np.linspace(-8, 8, 4001)
    return np.interp(x, nodes, np.tanh(nodes))


RIGHT: dict[str, tuple[Callable, Callable, str]] = {
    "numbers only": (math_sigmoid, lambda x: math_sigmoid(x) * (1 - math_sigmoid(x)), "x"),
    "numbers only, branch": (math_relu, lambda x: 1 if x > 0 else 0, "x"),
    "numbers only, branch, given y": (math_relu, lambda y: 1 if y > 0 else 0, "y"),
    "erf": (gelu, gelu_prime, "x"),
    "raises for half of the line": (math.sqrt, lambda x: 0.5 / math.sqrt(x), "x"),
    "lists": (lambda x: [math.tanh(v) for v in x], lambda y: [1 - v * v for v in y], "y"),
    "matrices only": (lambda x: np.tanh(x)[:, :], lambda y: 1 - y[:, :] ** 2, "y"),
    "booleans": (lambda x: np.maximum(x, 0), lambda x: x > 0, "x"),
    "float32": (lambda x: np.tanh(x.astype(np.float32)), lambda y: 1 - y**2, "y"),
    "float32 inside": (
        lambda x: np.tanh(x.astype(np.float32)).astype(float),
        lambda x: 1 - np.tanh(x) ** 2,
        "x",
    ),
    "float16 inside": (lambda x: np.tanh(x).astype(np.float16), lambda y: 1 - y**2, "y"),
    "noise": (lambda x: np.tanh(x) + 1e-9 * np.sin(1e9 * x), lambda x: 1 - np.tanh(x) ** 2, "x"),
    "more noise": (lambda x: np.tanh(x) + 1e-6 * np.sin(1e9 * x), lambda x: 1 - np.tanh(x) ** 2, "x"),
    "table": (table, lambda x: np.where(abs(x) < 8, 1 - np.tanh(x) ** 2, 0), "x"),
    "cusp": (lambda x: np.sqrt(abs(x)), lambda x: np.sign(x) / (2 * np.sqrt(abs(x))), "x"),
    "vertical tangent": (np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2), "x"),
    "hole at 0": (lambda x: np.sin(x) / x, lambda x: np.cos(x) / x - np.sin(x) / x**2, "x"),
    "step": (lambda x: x > 0, lambda x: 0 * x, "x"),
    "constant": (lambda x: 0 * x + 3, lambda x: 0, "x"),
    "true overflow": (lambda x: np.exp(x * x), lambda x: 2 * x * np.exp(x * x), "x"),
    "hardtanh in PyTorch": (lambda x: np.clip(x, -1, 1), lambda x: (abs(x) < 1) * 1, "x"),
    "any subgradient": (lambda x: np.maximum(x, 0), lambda x: np.heaviside(x, 0.3), "x"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_odd_code_that_is_right_raises_no_alarm(name):
    report = check_derivative(*RIGHT[name])
    assert report.correct, str(report)


@pytest.mark.parametrize(
    ("f", "df", "called_with", "cause"),
    [
        (math_sigmoid, lambda x: math_sigmoid(x) * (1 - math_sigmoid(x)), "y", "wrong_convention_expects_x_given_y"),
        (lambda x: np.tanh(x.astype(np.float32)), lambda x: 1 - x**2, "x", "wrong_convention_expects_y_given_x"),
        (
            lambda x: np.tanh(x) + 1e-6 * np.sin(1e9 * x),
            lambda x: 1 - x**2,
            "x",
            "wrong_convention_expects_y_given_x",
        ),
        (
            gelu,
            lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))) + x * math.exp(-x * x / 2),
            "x",
            "missing_factor",
        ),
        (lambda x: (x > 0) * 1.0, np.ones_like, "x", "surrogate_gradient"),
        (lambda x: x**2, lambda y: 2 * np.sqrt(y), "y", "wrong_region"),
        (lambda x: x**2 / 2, lambda x: np.sqrt(x) ** 2, "x", "wrong_region"),
        (lambda x: np.maximum(x, 0), lambda x: np.heaviside(x, 7), "x", "wrong_region"),
    ],
)
def test_odd_code_that_is_wrong(f, df, called_with, cause):
    assert check_derivative(f, df, called_with).cause == cause


@pytest.mark.parametrize("axis_needed", [False, True])
@pytest.mark.parametrize(
    ("jacobian", "called_with", "cause"),
    [
        (lambda y: np.diag(y) - np.outer(y, y), "y", "correct"),
        (lambda y: np.outer(y, y) - np.diag(y), "y", "wrong_sign"),
        (lambda y: 2 * np.diag(y) - 2 * np.outer(y, y), "y", "missing_factor"),
        (lambda y: np.diag(y) - np.outer(y, y), "x", "wrong_convention_expects_y_given_x"),
        (lambda x: np.diag(softmax(x)) - np.outer(softmax(x), softmax(x)), "x", "correct"),
        (
            lambda x: np.diag(softmax(x)) - np.outer(softmax(x), softmax(x)),
            "y",
            "wrong_convention_expects_x_given_y",
        ),
        (lambda y: np.diag(y), "y", "wrong_formula"),
        (lambda y: y * (1 - y), "y", "elementwise_softmax"),
        (lambda x: softmax(x) * (1 - softmax(x)), "x", "elementwise_softmax"),
    ],
)
def test_softmax(jacobian, called_with, cause, axis_needed):
    def rowwise(x: np.ndarray) -> np.ndarray:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    if axis_needed:
        report = check_derivative(rowwise, lambda v: jacobian(v[0])[None], called_with)
    else:
        report = check_derivative(softmax, jacobian, called_with)
    assert report.cause == cause
    if cause == "elementwise_softmax":
        assert report.first_wrong_at == (1.0, 2.0, -1.0)
        y = softmax(np.array([1.0, 2.0, -1.0]))
        upstream = np.array([1, -0.5, 0.3])
        assert report.expected == pytest.approx(y * (upstream - upstream @ y), rel=1e-6)
        assert report.got == pytest.approx(upstream * y * (1 - y), rel=1e-6)


def test_kink_between_round_numbers_is_found_and_located():
    report = check_derivative(lambda x: np.where(x > 2.1234, 3 * x - 4.2468, x), lambda x: 1.0)
    assert report.cause == "wrong_region"
    assert report.wrong_intervals == ((pytest.approx(2.1234, abs=2e-4), math.inf),)
    assert "np.where(x > 2.12" in str(report)


@pytest.mark.parametrize(
    ("f", "df", "called_with", "words"),
    [
        ("max(-1, min(1, x))", "1", "x", "np.where((x < -1) | (x > 1), 0, df(x))"),
        ("2*sigmoid(x) - 1", "sigmoid(x)*(1 - sigmoid(x))", "x", "`2 * df(x)`"),
        ("tanh(x)", "-y**2", "y", "`df(y) + 1`"),
        ("sigmoid(x)", "1 - y", "y", "`y * df(y)`"),
        ("sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))", "y", "`y * (1 - y)`"),
        ("tanh(x)", "1 - y**2", "x", "Write `y = f(x)` and `df(y)`"),
        ("tanh(x)", "1/cosh(x)", "x", "`1 - y**2`"),
        ("exp(x)", "-y", "y", "`-df(y)`"),
        ("abs(x)", "x/abs(x)", "x", "x = 0"),
        ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "1 - y**2", "y", "f itself"),
        ("where(x > 0, 3*x, 2*expm1(x))", "where(y > 0, 3, 3*y + 2)", "y", "term with y"),
        ("x*sigmoid(x)", "sigmoid(x) - x*sigmoid(x)*(1 - sigmoid(x))", "x", "wrong sign in its second term"),
        ("x*sigmoid(x)", "sigmoid(x) + sigmoid(x)*(1 - sigmoid(x))", "x", "`h + x * (df(x) - h)`"),
        ("x + sin(x)**2", "1 + sin(x)*cos(x)", "x", "`1 + 2 * (df(x) - 1)`"),
        ("sin(x)/2 - x", "sin(0*x) + cos(x) - 1", "x", "`-1 + 1/2 * (df(x) + 1)`"),
    ],
)
def test_the_words_hold_the_corrected_line(f, df, called_with, words):
    assert words in str(check_derivative(function(f), function(df), called_with))


def test_the_first_wrong_point_shows_the_error():
    report = check_derivative(np.tanh, lambda x: 1 - x**2)
    assert report.expected == pytest.approx(1 - math.tanh(report.first_wrong_at) ** 2, rel=1e-9)
    assert report.got == 1 - report.first_wrong_at**2
    assert report.got != pytest.approx(report.expected, rel=2e-5)


def test_overflow_is_reported_where_it_begins():
    report = check_derivative(function(ZOO.SOFTPLUS), lambda x: np.exp(x) / (1 + np.exp(x)))
    assert (report.cause, report.first_wrong_at) == ("overflow", 89.0)


@pytest.mark.parametrize(
    ("f", "df", "called_with", "sentence"),
    [
        (np.tanh, lambda x: None, "x", "returned None"),
        (np.tanh, lambda x: "1", "x", "real numbers"),
        (np.tanh, lambda x: x + 1j, "x", "real numbers"),
        (np.tanh, lambda x: [[1], [1, 2], 3], "x", "ragged list"),
        (np.tanh, 3, "x", "must be a function"),
        (np.tanh, np.tanh, "z", "called_with must be"),
        (np.tanh, lambda x: np.stack([x, x]), "x", r"shape \(2, 3\)"),
        (softmax, lambda x: np.ones((2, 2)), "x", "Jacobian"),
        (np.sum, lambda x: 1, "x", "one number for a vector"),
        (np.tanh, lambda x: np.mean(1 - np.tanh(x) ** 2), "x", "one number for a vector"),
        (np.vectorize(lambda x: x if x > 0 else 0), lambda x: x > 0, "x", "np.vectorize takes the type"),
        (
            lambda x: time.sleep(0.1) or math.tanh(x),
            lambda y: 1 - y**2,
            "y",
            r"takes 0\.\d+ s for one number",
        ),
        (np.tanh, lambda x: x.missing, "x", "raised AttributeError on every input"),
        (lambda x: x[:1], lambda x: 1, "x", r"shape \(1,\)"),
        (lambda x: x * np.nan, lambda x: 1, "x", "not finite at any"),
        (lambda x: np.sin(1e12 * x), lambda x: x, "x", "too rough"),
        (lambda x: x + np.random.default_rng().random(x.shape), lambda x: 1, "x", "different values"),
        (np.tanh, lambda x: x + np.random.default_rng().random(x.shape), "x", "different values"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_sentence(f, df, called_with, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        check_derivative(f, df, called_with)
    assert "\n" not in str(caught.value)


def test_other_errors_in_users_code_are_theirs():
    def misspelt(x: np.ndarray) -> np.ndarray:
        return np.tanh(z)  # noqa: F821  # the missing import is the mistake

    with pytest.raises(NameError):
        check_derivative(misspelt, misspelt)


@pytest.mark.parametrize("df", ["8*exp(8*x + 2)", "exp(x)/(1 + exp(x))*y*2"])
def test_no_warning_escapes_where_values_overflow(df):
    check_derivative(function("exp(8*x + 2)"), function(df))


def test_inputs_of_the_user_are_left_alone_and_no_warning_escapes():
    def loud(x: np.ndarray) -> np.ndarray:
        return np.log1p(np.exp(x))

    assert check_derivative(loud, lambda x: 1 / (1 + np.exp(-x))).correct
