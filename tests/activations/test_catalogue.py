"""Every entry against a textbook formula that is written down here, and against PyTorch's conventions at kinks."""

from __future__ import annotations

import math
import re
import runpy
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import actwise as aw
from actwise.activations import ENTRIES, Activation, GatedActivation, RowActivation
from actwise.activations.catalogue import roots
from actwise.activations.catalogue.rows import SPARSEMAX_ROUNDS

SCALARS = [each for each in ENTRIES if isinstance(each, Activation)]
ROWS = [each for each in ENTRIES if isinstance(each, RowActivation)]
GATED = [each for each in ENTRIES if isinstance(each, GatedActivation)]
ROOTS_TOOL = Path(__file__).parents[2] / "tools" / "activation_roots.py"


def by_name(entry: Any) -> str:
    return entry.name


def logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def log_one_plus_exp(x: Any) -> Any:
    return mp.log(1 + mp.exp(x))


def leaky(slope: Any) -> Any:
    return lambda x: x if x > 0 else slope * x


def clipped(low: float, high: float) -> Any:
    return lambda x: min(max(x, mp.mpf(low)), mp.mpf(high))


SELU_SCALE, SELU_ALPHA = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")
# Written from the papers, with the frameworks' defaults; nothing here is taken from the catalogue.
TEXTBOOK = {
    "identity": lambda x: x,
    "sigmoid": logistic,
    "tanh": lambda x: (mp.exp(x) - mp.exp(-x)) / (mp.exp(x) + mp.exp(-x)),
    "lecun_tanh": lambda x: mp.mpf(1.7159) * mp.tanh(x * 2 / 3),
    "logsigmoid": lambda x: mp.log(logistic(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "arctan": mp.atan,
    "erf": lambda x: mp.sign(x) * mp.gammainc(mp.mpf(1) / 2, 0, x * x, regularized=True),
    "isru": lambda x: x / mp.sqrt(1 + x * x),
    "isrlu": lambda x: x if x >= 0 else x / mp.sqrt(1 + x * x),
    "exponential": mp.exp,
    "gaussian": lambda x: mp.exp(-x * x),
    "sine": mp.sin,
    "cosine": mp.cos,
    "snake": lambda x: x + mp.sin(x) ** 2,
    "bent_identity": lambda x: (mp.sqrt(x * x + 1) - 1) / 2 + x,
    "log_cosh": lambda x: mp.log((mp.exp(x) + mp.exp(-x)) / 2),
    "tanhshrink": lambda x: x - mp.tanh(x),
    "lisht": lambda x: x * mp.tanh(x),
    "relu": lambda x: max(x, mp.mpf(0)),
    "leaky_relu": leaky(mp.mpf(0.01)),
    "prelu": leaky(mp.mpf(1) / 4),
    "rrelu": leaky(mp.mpf(11) / 48),
    "elu": lambda x: x if x > 0 else mp.exp(x) - 1,
    "celu": lambda x: max(x, mp.mpf(0)) + min(mp.mpf(0), mp.exp(x) - 1),
    "selu": lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * (mp.exp(x) - 1)),
    "hardtanh": clipped(-1, 1),
    "relu6": clipped(0, 6),
    "clipped_relu": clipped(0, 20),
    "hardsigmoid": lambda x: clipped(0, 6)(x + 3) / 6,
    "hardsigmoid_keras2": lambda x: clipped(0, 1)(x / 5 + mp.mpf(1) / 2),
    "hardswish": lambda x: x * clipped(0, 6)(x + 3) / 6,
    "hardshrink": lambda x: x if x > 0.5 or x < -0.5 else mp.mpf(0),
    "softshrink": lambda x: mp.sign(x) * max(abs(x) - mp.mpf(1) / 2, mp.mpf(0)),
    "shrink": lambda x: x if x > 0.5 or x < -0.5 else mp.mpf(0),
    "threshold": lambda x: x if x > 1 else mp.mpf(0),
    "squared_relu": lambda x: max(x, mp.mpf(0)) ** 2,
    "sparse_plus": lambda x: mp.mpf(0) if x <= -1 else (x if x >= 1 else (x + 1) ** 2 / 4),
    "sparse_sigmoid": lambda x: mp.mpf(0) if x <= -1 else (mp.mpf(1) if x >= 1 else (x + 1) / 2),
    "softplus": log_one_plus_exp,
    "squareplus": lambda x: (x + mp.sqrt(x * x + 4)) / 2,
    "silu": lambda x: x * logistic(x),
    "swish": lambda x: x * logistic(x),
    "quick_gelu": lambda x: x * logistic(mp.mpf(1.702) * x),
    "gelu": lambda x: x / 2 * (1 + mp.erf(x / mp.sqrt(2))),
    "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3))),
    "mish": lambda x: x * mp.tanh(log_one_plus_exp(x)),
    "serf": lambda x: x * mp.erf(log_one_plus_exp(x)),
    "smish": lambda x: x * mp.tanh(mp.log(1 + logistic(x))),
}
POINTS = [-30.2, -7.5, -3.6, -2.7, -1.6, -0.93, -0.31, -1e-3, 2e-4, 0.27, 0.77, 1.4, 2.9, 5.3, 11.0, 37.5]


@pytest.mark.parametrize("entry", SCALARS, ids=by_name)
def test_value_and_derivative_are_the_textbooks(entry):
    function = TEXTBOOK[entry.name]
    with mp.workdps(260):  # exp(-30**2 / 2) must survive beside 1
        value = [float(function(mp.mpf(x))) for x in POINTS]
        derivative = [float(mp.diff(function, mp.mpf(x))) for x in POINTS]
    np.testing.assert_allclose(entry(POINTS), value, rtol=1e-12)
    np.testing.assert_allclose(entry.derivative(POINTS), derivative, rtol=1e-12)


# (name, parameters, argument, slope): what PyTorch 2.13 puts out, see its autograd formulas.
PYTORCH_SLOPES = [
    ("relu", {}, 0.0, 0.0), ("leaky_relu", {}, 0.0, 0.01), ("prelu", {}, 0.0, 0.25),
    ("rrelu", {}, 0.0, (1 / 8 + 1 / 3) / 2), ("relu6", {}, 0.0, 0.0), ("relu6", {}, 6.0, 0.0),
    ("hardtanh", {}, 1.0, 0.0), ("hardtanh", {}, -1.0, 0.0), ("hardtanh", {"low": -2.0, "high": 3.0}, 3.0, 0.0),
    ("hardsigmoid", {}, -3.0, 0.0), ("hardsigmoid", {}, 3.0, 0.0),
    ("hardswish", {}, -3.0, 0.0), ("hardswish", {}, 3.0, 1.0),
    ("elu", {"alpha": 2.0}, 0.0, 2.0), ("selu", {}, 0.0, 1.7580993408473766), ("celu", {"alpha": 2.0}, 0.0, 1.0),
    ("hardshrink", {}, 0.5, 0.0), ("hardshrink", {}, -0.5, 0.0),
    ("softshrink", {}, 0.5, 0.0), ("softshrink", {}, -0.5, 0.0), ("threshold", {}, 1.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "at", "slope"), PYTORCH_SLOPES)
def test_slope_at_a_kink_is_that_of_pytorch(name, values, at, slope):
    assert aw.activation(name, **values).derivative(at) == pytest.approx(slope, rel=1e-15)


FRAMEWORK_NAMES = {
    "PyTorch": "elu hardshrink hardsigmoid hardtanh hardswish leaky_relu logsigmoid prelu relu relu6 rrelu selu celu "
    "gelu sigmoid silu mish softplus softshrink softsign tanh tanhshrink threshold glu softmin softmax log_softmax",
    "Keras 3": "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu "
    "linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign "
    "sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold",
    "jax.nn": "celu elu gelu glu hard_sigmoid hard_silu hard_swish hard_tanh identity leaky_relu log_sigmoid "
    "log_softmax mish relu relu6 selu sigmoid silu soft_sign softmax softplus sparse_plus sparse_sigmoid "
    "squareplus swish tanh",
    "ONNX": "Celu Elu Gelu HardSwish LeakyRelu LogSoftmax Mish PRelu Relu Selu Shrink Sigmoid Softmax Softplus "
    "Softsign Swish Tanh",
}


@pytest.mark.parametrize("framework", FRAMEWORK_NAMES)
def test_names_of_the_frameworks_are_known(framework):
    for name in FRAMEWORK_NAMES[framework].split():
        assert aw.activations.entry(name) is not None, name


def test_names_are_unique():
    names = [name for each in ENTRIES for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("entry", ENTRIES, ids=by_name)
def test_an_entry_says_where_it_comes_from_and_when_to_use_it(entry):
    assert entry.source
    assert entry.definition
    assert entry.summary.endswith(".")
    assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.name)


@pytest.mark.parametrize("entry", SCALARS, ids=by_name)
def test_limits_and_nan(entry):
    far = entry(np.array([-np.inf, np.inf, np.nan]))
    if entry.name in ("sine", "cosine"):
        assert np.isnan(far).all()
        return
    assert np.isnan(far[2])
    assert not np.isnan(far[:2]).any()
    np.testing.assert_allclose(
        far[:2], entry(np.array([-1e300, 1e300])) * [1e10, 1e10] if np.isinf(far).all() else far[:2]
    )
    assert np.isnan(entry.derivative(np.nan))


def test_trained_parameters_are_those_of_prelu_and_swish():
    trained = {each.name for each in SCALARS if any(param.trained for param in each.params.values())}
    assert trained == {"prelu", "swish"}


def test_expansions_are_those_that_the_tool_makes():
    made = runpy.run_path(str(ROOTS_TOOL))
    for name, (text, start, above) in made["FUNCTIONS"].items():
        root = getattr(roots, name)
        assert made["expansion"](text, start, above) == (root.high, root.low, root.coefficients)
        assert root.above == above
    assert made["serf_middle"]() == (roots.SERF_MIDDLE_LOW, roots.SERF_MIDDLE)
    assert made["serf_tail"]() == (roots.SERF_TAIL_LOW, roots.SERF_TAIL)
    for name, row in made["EXPONENTIAL_FUNCTIONS"].items():
        root = getattr(roots, name)
        assert made["exponential_root"](*row) == (root.high, root.low, root.exp_high, root.exp_low)


X = np.random.default_rng(7).normal(0, 3, (50, 6))
ROW_TEXTBOOK = {
    "softmax": lambda x: special.softmax(x, axis=-1),
    "softmin": lambda x: special.softmax(-x, axis=-1),
    "log_softmax": lambda x: special.log_softmax(x, axis=-1),
}


def nearest_point_of_the_simplex(x):
    """Held, Wolfe and Crowder 1974, by sorting."""
    ordered = -np.sort(-x, axis=-1)
    sums = np.cumsum(ordered, axis=-1) - 1
    counts = np.arange(1, x.shape[-1] + 1)
    size = (ordered - sums / counts > 0).sum(axis=-1, keepdims=True)
    threshold = np.take_along_axis(sums, size - 1, axis=-1) / size
    return np.maximum(x - threshold, 0)


ROW_TEXTBOOK["sparsemax"] = nearest_point_of_the_simplex


@pytest.mark.parametrize("entry", ROWS, ids=by_name)
def test_rows_are_the_textbooks(entry):
    np.testing.assert_allclose(entry(X), ROW_TEXTBOOK[entry.name](X), rtol=1e-13, atol=1e-15)
    wide = X * 300  # exponentials overflow unless the largest entry is taken off
    np.testing.assert_allclose(entry(wide), ROW_TEXTBOOK[entry.name](wide), rtol=1e-13, atol=1e-12)
    low, high = entry.range
    assert (entry(X) >= low).all()
    assert (entry(X) <= high).all()


def test_log_softmax_keeps_the_digits_of_a_sure_row():
    row = np.array([40.0, 0.0])
    np.testing.assert_allclose(aw.activation("log_softmax")(row), [-math.log1p(math.exp(-40)), -40.0], rtol=1e-15)
    assert np.isnan(aw.activation("log_softmax")([1.0, math.nan])).all()


@pytest.mark.parametrize("size", [1, 2, 10, 1000, 20_000])
def test_sparsemax_finds_the_threshold_within_its_rounds(size):
    rng = np.random.default_rng(size)
    shapes = [
        rng.normal(size=size), rng.uniform(size=size), rng.standard_cauchy(size), np.zeros(size),
        -np.geomspace(1e-9, 1, size), -np.arange(size) / size, -np.sqrt(np.arange(size) / size),
    ]  # fmt: skip
    for row in shapes:
        np.testing.assert_allclose(
            aw.activation("sparsemax")(row), nearest_point_of_the_simplex(row), rtol=1e-9, atol=1e-12
        )
    assert SPARSEMAX_ROUNDS >= 10


GATED_TEXTBOOK = {
    "glu": lambda a, b: a * special.expit(b),
    "reglu": lambda a, b: a * np.maximum(b, 0),
    "geglu": lambda a, b: a * b * special.ndtr(b),
    "swiglu": lambda a, b: a * b * special.expit(b),
    "maxout": np.maximum,
}


@pytest.mark.parametrize("entry", GATED, ids=by_name)
def test_gated_units_are_the_textbooks(entry):
    np.testing.assert_allclose(entry(X), GATED_TEXTBOOK[entry.name](X[:, :3], X[:, 3:]), rtol=1e-13)


@pytest.mark.parametrize("entry", [*ROWS, *GATED], ids=by_name)
def test_products_with_the_jacobian(entry):
    upstream = np.random.default_rng(3).normal(size=entry(X).shape)
    step = 1e-6
    for column in range(X.shape[1]):
        moved = np.zeros(X.shape[1])
        moved[column] = step
        change = (entry(X + moved) - entry(X - moved)) / (2 * step)
        np.testing.assert_allclose(
            entry.vector_jacobian_product(X, upstream)[:, column], (change * upstream).sum(1), atol=2e-7
        )


@pytest.mark.parametrize("entry", GATED, ids=by_name)
def test_gates_keep_their_limits_in_a_network(entry):
    gradient = entry.vector_jacobian_product(np.array([2.0, -800.0]), np.ones(1))
    assert np.isfinite(gradient).all()
    layer = aw.Network([aw.Dense(4, entry), aw.Dense(1)], 3, dtype="float64").initialised(0)
    hidden = X[:, :3] @ layer.weights[0] + layer.biases[0]
    expected = GATED_TEXTBOOK[entry.name](hidden[:, :4], hidden[:, 4:]) @ layer.weights[1] + layer.biases[1]
    np.testing.assert_allclose(layer.predict(X[:, :3]), expected, rtol=1e-10)
