"""Compiled forward and backward passes against the NumPy oracle and against central differences."""

import cmath

import numpy as np
import pytest
from scipy import special

from actwise.activations import ENTRIES, Param, activation
from actwise.activations.spec import Activation
from actwise.arrays import aligned
from actwise.engines.numba import build, engine
from actwise.formula.dialects import evaluate
from actwise.model import oracle as reference
from actwise.model.initializers import Uniform
from actwise.model.layers import ActivationLayer, BatchNorm, Dense, Dropout, Maxout
from actwise.model.losses import CATALOGUE, loss
from actwise.model.network import Network

RNG = np.random.default_rng(20)
TOLERANCE = {"float32": 3e-5, "float64": 1e-11}  # relative to the largest gradient entry
HIDDEN = [each.name for each in ENTRIES]
OF_PROBABILITIES = {"clipped_binary_cross_entropy", "clipped_categorical_cross_entropy", "kullback_leibler"}
TRAINED = activation("x * sigmoid(beta * x) + gamma * x", beta=Param(0.7, trained=True), gamma=0.1)


def _network(hidden, loss_name, dtype, n_inputs=3, n_outputs=3, **options):
    output = loss(loss_name).output or "tanh"
    if loss_name in OF_PROBABILITIES:
        # Away from 0 and 1, where float32 could not tell how far away.
        output, options = "sigmoid", {"init": Uniform(-0.05, 0.05), **options}
    layers = [*hidden, Dense(n_outputs, output, bias_init=Uniform(-1, 1), **options)]
    return Network(layers, n_inputs, dtype=dtype).initialised(7)


def _data(network, chosen, n_rows):
    X = RNG.normal(size=(n_rows, network.n_inputs)) * 1.5
    if chosen.target == "class":
        targets = RNG.integers(0, network.n_outputs, (n_rows, 1)).astype(float)
    else:
        targets = RNG.uniform(0.1, 1, (n_rows, network.n_outputs))
    return X, targets, RNG.uniform(0.5, 2.0, n_rows)


def compiled_loss_and_gradient(network, X, targets, weights, chosen, batch_size, l2=0.0):
    dtype = np.dtype(network.dtype)
    context = engine.prepare(network.structure, dtype, batch_size, chosen.for_engine(network.n_outputs))
    engine.set_parameters(context, network.values.copy())
    engine.set_rows(context, aligned(X, dtype), targets.astype(dtype), weights.astype(dtype))
    for name in ("GRADIENTS", "FIRST"):
        held = context.hold(name, np.full(network.n_parameters, np.nan, dtype))
        held[context.get("N_PARAMETERS") :] = 0  # averages have no gradient
    context["WORK"][:] = np.nan  # whatever is read must have been written before
    context.hold("RANDOM", engine.random_state(1))
    context.set(N_FIRST=network.n_parameters, L2=l2, LARGEST_NORM=np.inf)
    context.run("loop", "loss_and_gradient")
    return context.float("LOSS_SUM") / context.float("WEIGHT_SUM"), context["GRADIENTS"].copy()


def _compare(network, chosen, n_rows=11, batch_size=4):
    X, targets, weights = _data(network, chosen, n_rows)
    X = X.astype(network.dtype).astype(float)
    targets, weights = targets.astype(network.dtype), weights.astype(network.dtype)
    value, gradient = compiled_loss_and_gradient(network, X, targets, weights, chosen, batch_size)
    expected_value, expected = reference.loss_and_gradient(
        network.structure, network.values.astype(float), X, targets.astype(float),
        chosen.for_engine(network.n_outputs), weights.astype(float),
    )  # fmt: skip
    tolerance = TOLERANCE[network.dtype]
    assert value == pytest.approx(expected_value, rel=tolerance, abs=tolerance)
    scale = max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance * scale)
    return X, targets.astype(float), weights.astype(float), expected


# Activations and losses meet in one number per output: every one of them with some of the others suffices.
PAIRS = [
    pytest.param(name, each, id=f"{name}-{each.name}")
    for name in [*HIDDEN, "maxout", "trained"]
    for each in CATALOGUE
    if name in ("tanh", "relu", "softmax", "glu", "maxout") or each.name in ("squared_error", "binary_cross_entropy")
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "chosen"), [each for each in PAIRS if each.values[0] in HIDDEN])
def test_gradient_of_every_activation_and_loss(name, chosen, dtype):
    hidden = [Dense(5, name, bias_init=Uniform(-1, 1)), Dense(4, name, bias=False)]
    _compare(_network(hidden, chosen.name, dtype), chosen)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("chosen", CATALOGUE, ids=lambda each: each.name)
@pytest.mark.parametrize(
    "hidden",
    [
        [Maxout(4, pieces=2, bias_init=Uniform(-1, 1))],
        [Maxout(3, pieces=3, bias=False), Dense(2, "tanh")],
        [Dense(4, TRAINED)],
        [],
        [Dense(4), ActivationLayer(TRAINED), ActivationLayer("softmax")],
        [Dense(4), ActivationLayer("glu"), Dense(3, "tanh")],
        [ActivationLayer("tanh")],
        [BatchNorm(), Dense(4), BatchNorm(epsilon=0.1), ActivationLayer("tanh")],
    ],
    ids=["maxout2", "maxout3", "trained", "none", "activation_layers", "gated", "activation_first", "batch_norm"],
)
def test_gradient_of_every_layer_and_loss(hidden, chosen, dtype):
    network = _network(hidden, chosen.name, dtype)
    # Batches that are normalised by their own statistics are the oracle's only where there is a single one.
    batch_size = 11 if any(isinstance(layer, BatchNorm) for layer in hidden) else 4
    _compare(network, chosen, batch_size=batch_size)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 40, 17), (33, 1, 5), (70, 33, 65), (5, 64, 64)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_odd_shapes_by_loops_and_by_blas(shape, dtype):
    n_rows, n_inputs, units = shape
    network = _network([Dense(units, "tanh"), Dense(units, "elu")], "huber", dtype, n_inputs, 2)
    for batch_size in (1, 16, n_rows):
        _compare(network, loss("huber"), n_rows, batch_size)


def _numerical_gradient(function, parameters, step):
    """Central differences with one Richardson extrapolation; returns the estimate and its error."""
    gradient, error = np.empty_like(parameters), np.empty_like(parameters)
    for i in range(parameters.size):
        slopes = []
        for h in (step, step / 2):
            moved = np.zeros_like(parameters)
            moved[i] = h
            slopes.append((function(parameters + moved) - function(parameters - moved)) / (2 * h))
        gradient[i] = (4 * slopes[1] - slopes[0]) / 3
        error[i] = abs(slopes[1] - slopes[0])
    return gradient, error


@pytest.mark.parametrize(("hidden", "chosen"), PAIRS)
def test_reference_gradient_against_central_differences(hidden, chosen):
    """The oracle's chain rule and the declared derivatives against the loss alone."""
    layer = {"maxout": Maxout(4), "trained": Dense(4, TRAINED)}.get(hidden) or Dense(
        4, hidden, bias_init=Uniform(-1, 1)
    )
    network = _network([layer], chosen.name, "float64")
    X, targets, weights = _data(network, chosen, 6)
    described = chosen.for_engine(network.n_outputs)

    def value(parameters):
        return reference.loss_and_gradient(network.structure, parameters, X, targets, described, weights)[0]

    parameters = network.values.copy()
    _, gradient = reference.loss_and_gradient(network.structure, parameters, X, targets, described, weights)
    estimate, error = _numerical_gradient(value, parameters, 1e-4)
    largest = max(1.0, float(np.abs(gradient).max()))
    smooth = error < 1e-6 * largest  # entries whose difference quotient straddles a kink say nothing
    assert smooth.mean() > 0.8
    np.testing.assert_allclose(gradient[smooth], estimate[smooth], atol=1e-8 * largest, rtol=1e-7)


COMPLEX = {
    "number": complex, "negate": lambda u: -u, "add": lambda u, v: u + v, "subtract": lambda u, v: u - v,
    "multiply": lambda u, v: u * v, "divide": lambda u, v: u / v, "power": lambda u, v: u**v,
    "absolute": lambda u: u if u.real > 0 else -u, "sign": lambda u: complex(np.sign(u.real)),
    "floor": lambda u: complex(np.floor(u.real)), "sqrt": cmath.sqrt,
    "exp": cmath.exp, "expm1": special.expm1, "log": cmath.log, "log1p": special.log1p,
    "sin": cmath.sin, "cos": cmath.cos, "sinh": cmath.sinh, "cosh": cmath.cosh, "tanh": cmath.tanh,
    "arctan": cmath.atan, "asinh": cmath.asinh,
    "sigmoid": lambda u: 1 / (1 + cmath.exp(-u)), "softplus": lambda u: special.log1p(cmath.exp(u)),
    "erf": special.erf, "erfc": special.erfc, "normal_cdf": lambda u: special.erfc(-u / np.sqrt(2)) / 2,
    "maximum": lambda u, v: u if u.real >= v.real else v, "minimum": lambda u, v: u if u.real <= v.real else v,
    "where": lambda c, u, v: u if c else v, "less": lambda u, v: u.real < v.real,
    "greater": lambda u, v: u.real > v.real, "less_equal": lambda u, v: u.real <= v.real,
    "greater_equal": lambda u, v: u.real >= v.real, "equal": lambda u, v: u.real == v.real,
    "not_equal": lambda u, v: u.real != v.real, "logical_and": lambda u, v: u and v,
    "logical_or": lambda u, v: u or v, "logical_not": lambda u: not u,
}  # fmt: skip


@pytest.mark.parametrize("each", [e for e in ENTRIES if isinstance(e, Activation)], ids=lambda e: e.name)
def test_declared_derivative_against_the_complex_step(each):
    """f(x + ih) = f(x) + ih f'(x): no rounding error to speak of, and no kink lies at these points."""
    for x in (-3.71, -0.93, -0.11, 0.23, 1.31, 4.13):
        values = {"x": complex(x, 1e-20), **{name: complex(value) for name, value in each.values.items()}}
        slope = evaluate(each.expression, values, COMPLEX).imag / 1e-20
        assert each.derivative(x) == pytest.approx(slope, rel=1e-11, abs=1e-13)


def test_dropout_masks_scale_and_gradients_agree_with_the_masked_network():
    network = Network([Dense(6, "tanh"), Dropout(0.4), Dense(1)], 3, dtype="float64").initialised(3)
    chosen = loss("squared_error")
    context = engine.prepare(network.structure, np.dtype("float64"), 50, chosen.for_engine(1))
    engine.set_parameters(context, network.values.copy())
    X = RNG.normal(size=(50, 3))
    engine.set_rows(context, X, np.zeros((50, 1)))
    gradients = context.hold("GRADIENTS", np.zeros(network.n_parameters))
    context.hold("FIRST", np.zeros(network.n_parameters))
    context.hold("RANDOM", engine.random_state(5))
    context.set(N_FIRST=network.n_parameters, LARGEST_NORM=np.inf)
    context.run("loop", "loss_and_gradient")
    names, work, table = build.compiled("context"), context["WORK"], context["LAYERS"]
    mask = work[table[1, names.MASK_AT] :][: 50 * 6].reshape(50, 6)
    assert set(np.unique(mask)) == {0.0, 1 / 0.6}
    assert abs((mask == 0).mean() - 0.4) < 0.12
    hidden = np.tanh(X @ network.weights[0] + network.biases[0])
    expected = (hidden * mask) @ network.weights[1] + network.biases[1]
    output = work[table[1, names.OUTPUT_AT] :][:50].reshape(50, 1)
    np.testing.assert_allclose(output, expected, rtol=1e-12)
    first = X.T @ (expected @ network.weights[1].T * mask * (1 - hidden**2)) / 50
    np.testing.assert_allclose(gradients[:18].reshape(3, 6), first, rtol=1e-10)


def test_l2_adds_the_weights_but_not_the_biases():
    network = _network([Dense(3, "tanh", bias_init=Uniform(-1, 1))], "squared_error", "float64")
    X, targets, weights = _data(network, loss("squared_error"), 8)
    _, plain = compiled_loss_and_gradient(network, X, targets, weights, loss("squared_error"), 8)
    _, decayed = compiled_loss_and_gradient(network, X, targets, weights, loss("squared_error"), 8, l2=0.5)
    expected = np.zeros(network.n_parameters)
    for shape in network.structure:
        part = slice(shape.weights_at, shape.weights_at + shape.n_inputs * shape.n_linear)
        expected[part] = 0.5 * network.values[part]
    np.testing.assert_allclose(decayed - plain, expected, atol=1e-12)


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed", "readonly", "wrong_dtype"])
def test_prediction_reads_any_layout(layout):
    network = Network([Dense(4, "tanh"), Dense(2)], 3).initialised(1)
    X = RNG.normal(size=(20, 3)).astype(np.float32)
    expected = reference.forward(network.structure, network.values.astype(float), X.astype(float))[-1][2]
    given = {
        "fortran": np.asfortranarray(X),
        "strided": np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        "reversed": np.ascontiguousarray(X[::-1])[::-1],
        "readonly": X.copy(),
        "wrong_dtype": X.astype(np.float64),
    }[layout]
    if layout == "readonly":
        given.flags.writeable = False
    np.testing.assert_allclose(network.predict(given), expected, atol=1e-6)
