from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.errors import InputError
from actwise.handwritten import check_gradient

RNG = np.random.default_rng(5)
N_ROWS = 7
X = RNG.normal(size=(N_ROWS, 3))
T = RNG.normal(size=(N_ROWS, 2))
ACTIVATIONS: dict[str, tuple[Callable, Callable, Callable]] = {
    # f, derivative from the output, derivative from the pre-activation
    "tanh": (np.tanh, lambda y: 1 - y**2, lambda x: 1 - np.tanh(x) ** 2),
    "sigmoid": (
        lambda x: 1 / (1 + np.exp(-x)),
        lambda y: y * (1 - y),
        lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    ),
    "relu": (lambda x: np.maximum(x, 0), lambda y: (y > 0) * 1.0, lambda x: (x > 0) * 1.0),
}


def parameters(n_hidden: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(size=(3, n_hidden)),
        "b1": rng.normal(size=n_hidden),
        "W2": rng.normal(size=(n_hidden, n_hidden)),
        "b2": rng.normal(size=n_hidden),
        "W3": rng.normal(size=(n_hidden, 2)),
        "b3": rng.normal(size=2),
    }


def forward(p: dict[str, np.ndarray], f: Callable) -> tuple[np.ndarray, ...]:
    a = X @ p["W1"] + p["b1"]
    b = f(a) @ p["W2"] + p["b2"]
    return a, b, f(b) @ p["W3"] + p["b3"]


def loss_of(f: Callable, scale: float = 0.5) -> Callable[[dict[str, np.ndarray]], Any]:
    return lambda p: scale * np.sum((forward(p, f)[2] - T) ** 2)


def gradient_of(
    f: Callable, from_x: Callable, scale: float = 0.5, hidden: Callable | None = None
) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Back-propagation; `hidden` is the derivative used in the first hidden layer."""

    def gradient(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        a, b, y = forward(p, f)
        d3 = 2 * scale * (y - T)
        d2 = d3 @ p["W3"].T * from_x(b)
        d1 = d2 @ p["W2"].T * (hidden or from_x)(a)
        return {
            "W1": X.T @ d1, "b1": d1.sum(0), "W2": f(a).T @ d2, "b2": d2.sum(0), "W3": f(b).T @ d3, "b3": d3.sum(0),
        }  # fmt: skip

    return gradient


def causes(report: Any) -> dict[str, str]:
    return {each.name: each.cause for each in report.findings}


def _networks() -> ModuleType:
    # The tests are imported without packages, so a helper beside them is loaded by its path.
    path = Path(__file__).parent / "backpropagation.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRITTEN = _networks()
F, FROM_Y, FROM_X = ACTIVATIONS["tanh"]
TRUTH = gradient_of(F, FROM_X)(parameters())


@pytest.mark.parametrize("name", WRITTEN.NETWORKS)
def test_right_gradients_in_many_styles_raise_no_alarm(name):
    loss, given, gradient, n_rows = WRITTEN.NETWORKS[name]
    report = check_gradient(loss, given, gradient, n_rows=n_rows)
    assert report.correct, str(report)


@pytest.mark.parametrize("name", WRITTEN.MISTAKES)
@pytest.mark.parametrize("rows_known", [True, False])
def test_the_mistake_in_a_way_back_is_named(name, rows_known):
    loss, given, gradient, n_rows, expected = WRITTEN.MISTAKES[name]
    found = causes(check_gradient(loss, given, gradient, n_rows=n_rows if rows_known else None))
    assert set(expected) <= set(found)
    assert all(cause in expected.get(key, {"correct"}) for key, cause in found.items()), found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("decay forgotten", "W1: lacks 0.3 times W1 itself (look at the weight decay)"),
        ("decay on the biases too", "b2: lacks -0.3 times b2 itself"),
        ("convolution, kernel flipped", "the right numbers in another order (flipped?"),
        ("slope of the tanh of the tanh", "From W2 on all are right"),
    ],
)
def test_the_words_say_what_is_missing(name, words):
    loss, given, gradient, n_rows, _ = WRITTEN.MISTAKES[name]
    report = str(check_gradient(loss, given, gradient, n_rows=n_rows))
    assert words in report
    assert ("look at the step back" in report) == words.startswith("From")


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("n_hidden", [4, 12])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_right_gradients_raise_no_alarm(name, n_hidden, seed):
    f, _, from_x = ACTIVATIONS[name]
    report = check_gradient(loss_of(f), parameters(n_hidden, seed), gradient_of(f, from_x))
    assert report.verdict == "correct", str(report)
    assert report.correct
    assert all(each.largest_relative_error < 1e-4 for each in report.findings)


def test_relu_exactly_at_its_kink_raises_no_alarm():
    f, _, from_x = ACTIVATIONS["relu"]
    gates = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    # Biases of 0 put every hidden unit exactly on its kink for the first row.
    p = {"W": RNG.uniform(0.5, 2, size=(2, 3)), "b": np.zeros(3), "v": RNG.uniform(0.5, 2, size=3)}

    def loss(q: dict[str, np.ndarray]) -> float:
        return float(np.sum((f(gates @ q["W"] + q["b"]) @ q["v"] + 0.3) ** 2))

    def gradient(q: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        a = gates @ q["W"] + q["b"]
        delta = 2 * (f(a) @ q["v"] + 0.3)
        back = np.outer(delta, q["v"]) * from_x(a)
        return {"W": gates.T @ back, "b": back.sum(0), "v": f(a).T @ delta}

    report = check_gradient(loss, p, gradient)
    assert report.correct, str(report)
    spoilt = {**gradient(p), "b": np.zeros(3)}
    assert causes(check_gradient(loss, p, spoilt))["b"] == "zero"


@pytest.mark.parametrize("form", ["list", "tuple", "nested", "single"])
def test_forms_of_parameters(form):
    p = parameters()
    keys = list(p)
    values = list(p.values())
    if form == "single":
        report = check_gradient(lambda w: np.sum(np.tanh(w)), values[0], lambda w: 1 - np.tanh(w) ** 2)
    else:
        shaped = {"list": values, "tuple": tuple(values), "nested": [(values[0], values[1]), values[2:]]}[form]

        def flat(given: Any) -> dict[str, np.ndarray]:
            row = [*given[0], *given[1]] if form == "nested" else given
            return dict(zip(keys, row, strict=True))

        def gradient(given: Any) -> Any:
            return list(gradient_of(F, FROM_X)(flat(given)).values())

        report = check_gradient(lambda given: loss_of(F)(flat(given)), shaped, gradient)
    assert report.correct, str(report)
    if form == "nested":
        assert [each.name for each in report.findings][:3] == [
            "parameters[0][0]",
            "parameters[0][1]",
            "parameters[1][0]",
        ]


@pytest.mark.parametrize(
    ("key", "change", "cause", "factor"),
    [
        ("W1", lambda g: -g, "wrong_sign", -1),
        ("b2", lambda g: -g, "wrong_sign", -1),
        ("W2", lambda g: 2 * g, "missing_factor", 0.5),
        ("W2", lambda g: g / 3.7, "missing_factor", 3.7),
        ("b3", lambda g: N_ROWS * g, "sum_instead_of_mean", 1 / N_ROWS),
        ("W3", lambda g: g / N_ROWS, "mean_instead_of_sum", N_ROWS),
        ("W1", lambda g: 0 * g, "zero", None),
        ("W1", lambda g: g * np.nan, "not_finite", None),
        ("W1", lambda g: g.T, "transposed", None),
        ("W2", lambda g: g.T, "transposed", None),
        ("b1", lambda g: g[None], "wrong_shape", None),
        ("b1", lambda g: g[:2], "wrong_shape", None),
        ("W1", lambda g: g + 0.1, "wrong_formula", None),
        ("W2", lambda g: g * np.arange(1.0, 5.0), "wrong_formula", None),
    ],
)
@pytest.mark.parametrize("n_rows", [None, N_ROWS])
def test_one_array_wrong(key, change, cause, factor, n_rows):
    report = check_gradient(loss_of(F), parameters(), {**TRUTH, key: change(TRUTH[key])}, n_rows=n_rows)
    assert report.verdict == "wrong"
    assert causes(report) == {name: cause if name == key else "correct" for name in TRUTH}
    found = next(each for each in report.findings if each.name == key)
    assert found.factor == (None if factor is None else pytest.approx(factor, rel=1e-4))
    assert f"{key}: " in str(report)
    if found.index is not None and cause == "wrong_formula":
        assert found.expected == pytest.approx(TRUTH[key][found.index], rel=1e-6)


def test_rows_not_summed_and_wrong_axis():
    p = parameters()
    a, b, y = forward(p, F)
    d3 = y - T
    for bias, cause in ((d3, "not_summed_over_rows"), (d3.sum(axis=1), "summed_over_wrong_axis")):
        report = check_gradient(loss_of(F), p, {**TRUTH, "b3": bias})
        assert causes(report)["b3"] == cause
        assert "axis" in str(report)
    d2 = d3 @ p["W3"].T * FROM_X(b)
    assert a.shape == d2.shape
    report = check_gradient(loss_of(F), p, {**TRUTH, "b2": d2.mean(axis=1)[:4]})
    assert causes(report)["b2"] == "wrong_formula"


def test_wrong_axis_with_as_many_rows_as_units():
    x = X[:4]

    def loss(b: np.ndarray) -> float:
        return float(np.sum(np.tanh(x @ parameters()["W1"] + b)))

    delta = 1 - np.tanh(x @ parameters()["W1"] + parameters()["b1"]) ** 2
    report = check_gradient(loss, parameters()["b1"], delta.sum(axis=1))
    assert report.findings[0].cause == "summed_over_wrong_axis"


def test_layers_off_by_one():
    report = check_gradient(loss_of(F), parameters(), {**TRUTH, "b1": TRUTH["b2"]})
    assert causes(report)["b1"] == "belongs_to_other_array"
    assert "gradient of b2" in str(report)


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_derivative_applied_to_the_activated_value_is_located(name):
    f, _, from_x = ACTIVATIONS[name]
    wrong = gradient_of(f, from_x, hidden=lambda a: from_x(f(a)))
    report = check_gradient(loss_of(f), parameters(), wrong)
    assert causes(report) == {
        "W1": "wrong_formula", "b1": "wrong_formula",
        "W2": "correct", "b2": "correct", "W3": "correct", "b3": "correct",
    }  # fmt: skip
    assert "From W2 on all are right" in str(report)


@pytest.mark.parametrize(("factor", "cause"), [(-1, "wrong_sign"), (2, "missing_factor")])
def test_the_same_factor_everywhere_points_at_the_loss(factor, cause):
    report = check_gradient(loss_of(F), parameters(), {key: factor * g for key, g in TRUTH.items()})
    assert set(causes(report).values()) == {cause}
    assert "derivative of the loss" in str(report)


def test_output_derivative_left_out_spoils_every_array():
    """The raw error as output delta is right for cross-entropy, not for squared error: case SC-08."""
    gates, targets = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [1]])
    sigmoid = ACTIVATIONS["sigmoid"][0]
    p = {"W1": RNG.normal(size=(2, 3)), "b1": RNG.normal(size=3), "W2": RNG.normal(size=(3, 1)), "b2": np.ones(1)}

    def run(q: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        hidden = sigmoid(gates @ q["W1"] + q["b1"])
        return hidden, sigmoid(hidden @ q["W2"] + q["b2"])

    def gradient(q: dict[str, np.ndarray], *, with_derivative: bool) -> dict[str, np.ndarray]:
        hidden, y = run(q)
        delta = (y - targets) * (y * (1 - y) if with_derivative else 1)
        back = delta @ q["W2"].T * hidden * (1 - hidden)
        return {"W1": gates.T @ back, "b1": back.sum(0), "W2": hidden.T @ delta, "b2": delta.sum(0)}

    def loss(q: dict[str, np.ndarray]) -> float:
        return float(0.5 * np.sum((run(q)[1] - targets) ** 2))

    assert check_gradient(loss, p, gradient(p, with_derivative=True)).correct
    report = check_gradient(loss, p, gradient(p, with_derivative=False))
    assert set(causes(report).values()) == {"wrong_formula"}
    assert "look at the derivative of the loss" in str(report)


def test_large_arrays_are_checked_beyond_the_sample():
    p = parameters(n_hidden=40)
    truth = gradient_of(F, FROM_X)(p)
    assert check_gradient(loss_of(F), p, truth).correct
    spoilt = truth["W2"].copy()
    report = check_gradient(loss_of(F), p, truth)
    n_checked = {each.name: each.n_checked for each in report.findings}["W2"]
    assert n_checked < spoilt.size
    for seed in (0, 1):  # one row of many is hit by few of the drawn entries; the directions see it all the same
        spoilt = truth["W2"].copy()
        spoilt[seed] += 1.0
        report = check_gradient(loss_of(F), p, {**truth, "W2": spoilt}, seed=seed)
        assert causes(report)["W2"] == "wrong_formula"


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from(list(ACTIVATIONS)), st.floats(0.01, 100))
def test_random_networks_raise_no_alarm(seed, name, scale):
    f, _, from_x = ACTIVATIONS[name]
    report = check_gradient(loss_of(f, scale), parameters(3, seed), gradient_of(f, from_x, scale), n_rows=N_ROWS)
    assert report.correct, str(report)


def test_float32_loss_raises_no_alarm():
    def loss(p: dict[str, np.ndarray]) -> np.float32:
        return np.float32(loss_of(F)(p))

    assert check_gradient(loss, parameters(), TRUTH).correct


def test_parameters_are_left_alone():
    p = parameters()
    before = {key: array.copy() for key, array in p.items()}

    def spoil(q: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        result = gradient_of(F, FROM_X)(q)
        for array in q.values():
            array += 1.0
        return result

    assert check_gradient(loss_of(F), p, spoil).correct
    assert all(np.array_equal(p[key], before[key]) for key in p)


@pytest.mark.parametrize(
    ("loss", "given", "gradient", "sentence"),
    [
        (lambda w: w, np.ones(2), np.ones(2), "one number"),
        (lambda w: np.nan * w.sum(), np.ones(2), np.ones(2), "the loss is nan"),
        (lambda w: w.sum() + np.random.default_rng().random(), np.ones(2), np.ones(2), "changes from call"),
        (lambda w: w[0].sum(), [np.ones(2), np.ones(2)], [np.ones(2)], "1 arrays for 2"),
        (lambda w: w["a"].sum(), {"a": np.ones(2)}, {"b": np.ones(2)}, "no entry 'a'"),
        (lambda w: 1.0, [], [], "no arrays"),
        (lambda w: 1.0, ["W"], [1.0], "not an array"),
        (lambda w: w.sum(), np.ones(2), np.ones(2) + 1j, "an array of complex128"),
        (2.5, np.ones(2), np.ones(2), "loss must be a function"),
        (lambda w: None, np.ones(2), np.ones(2), "returned NoneType"),
    ],
)
def test_what_cannot_be_checked_is_refused(loss, given, gradient, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        check_gradient(loss, given, gradient)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("factor", "n_rows", "words"),
    [
        (40, 20, "factor 40, the number of entries: it is a sum over the entries (rows times 2 outputs)"),
        (20, 20, "factor 20, the number of rows: it is a sum over the rows where"),
        (40, None, "factor 40, the number of rows or of entries, it seems: it is a sum over"),
        (21, None, "factor 21, the number of rows, it seems: it is a sum over the rows where"),
        (60, 20, "must be multiplied by"),
    ],
)
def test_a_mean_over_rows_and_outputs_is_told_from_one_over_rows(factor, n_rows, words):
    rows = np.random.default_rng(0).normal(size=(20, 3))

    def loss(p):
        return np.sum((rows @ p[0] + p[1]) ** 2) / factor

    def gradient(p):
        error = 2 * (rows @ p[0] + p[1])
        return [rows.T @ error, error.sum(axis=0)]

    report = check_gradient(loss, [np.arange(6.0).reshape(3, 2), np.array([0.5, -1.0])], gradient, n_rows=n_rows)
    assert all(words in each.sentence for each in report.findings), str(report)
