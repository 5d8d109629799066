"""Networks and layers: shapes, initialisation, immutability, prediction, and what is refused."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import actwise as aw
from actwise.activations import ENTRIES
from actwise.errors import InputError
from actwise.model import oracle as reference
from actwise.model.initializers import INITIALIZERS, Constant, Normal, Orthogonal, TruncatedNormal, Uniform

LAYER = st.one_of(
    st.builds(aw.Dense, st.integers(1, 9), st.sampled_from([each.name for each in ENTRIES][:10]), bias=st.booleans()),
    st.builds(aw.Maxout, st.integers(1, 5), pieces=st.integers(2, 4), bias=st.booleans()),
    st.builds(aw.Dropout, st.sampled_from([0.0, 0.3])),
    st.builds(aw.ActivationLayer, st.sampled_from(["tanh", "softmax", "prelu"])),
    st.builds(aw.BatchNorm),
)


@settings(max_examples=25, deadline=None)
@given(layers=st.lists(LAYER, max_size=3), n_inputs=st.integers(1, 6), n_rows=st.integers(0, 5), seed=st.integers(0, 9))
def test_any_stack_of_layers_predicts_what_the_oracle_does(layers, n_inputs, n_rows, seed):
    network = aw.Network([*layers, aw.Dense(2)], n_inputs, dtype="float64").initialised(seed)
    X = np.random.default_rng(seed).normal(size=(n_rows, n_inputs))
    expected = reference.forward(network.structure, network.values, X)[-1][2]
    np.testing.assert_allclose(network.predict(X), expected, rtol=1e-10, atol=1e-12)


def test_parameters_are_laid_out_layer_by_layer():
    network = aw.Network([aw.Dense(3, "relu"), aw.Maxout(2, pieces=2, bias=False), aw.Dense(1)], 4)
    assert [weights.shape for weights in network.weights] == [(4, 3), (3, 4), (2, 1)]
    assert [None if b is None else b.shape for b in network.biases] == [(3,), None, (1,)]
    assert network.n_parameters == 4 * 3 + 3 + 3 * 4 + 2 * 1 + 1
    assert network.n_outputs == 1


def test_a_network_cannot_be_changed():
    network = aw.Network([aw.Dense(1)], 2)
    with pytest.raises(ValueError, match="read-only"):
        network.values[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        network.weights[0][0, 0] = 1.0
    given_array = np.zeros(3)
    other = network.with_parameters(given_array)
    given_array[0] = 5.0
    assert other.values[0] == 0.0


@pytest.mark.parametrize(
    ("init", "bound", "std"),
    [
        (Uniform(-2, 2), 2.0, 2 / np.sqrt(3)),
        (Normal(0.3), None, 0.3),
        (Constant(0.7), 0.7, 0.0),
        # A normal variable that is cut at two deviations keeps 0.8796 of its deviation.
        (TruncatedNormal(0.3), 0.6, 0.3 * 0.87962566),
        ("truncated_normal", 0.1, 0.05 * 0.87962566),
        ("random_uniform", 0.05, 0.05 / np.sqrt(3)),
        ("random_normal", None, 0.05),
        # An orthogonal matrix of 200 rows and 300 columns has rows of length 1.
        ("orthogonal", None, np.sqrt(1 / 300)),
        ("glorot_uniform", np.sqrt(6 / 500), np.sqrt(2 / 500)),
        ("glorot_normal", None, np.sqrt(2 / 500)),
        ("he_normal", None, np.sqrt(2 / 200)),
        ("he_uniform", np.sqrt(6 / 200), np.sqrt(2 / 200)),
        ("lecun_normal", None, np.sqrt(1 / 200)),
        ("lecun_uniform", np.sqrt(3 / 200), np.sqrt(1 / 200)),
        ("auto", np.sqrt(12 / 500), np.sqrt(4 / 500)),  # ReLU's gain is the root of 2
    ],
    ids=str,
)
def test_initial_weights_have_the_spread_their_papers_give(init, bound, std):
    network = aw.Network([aw.Dense(300, "relu", init=init), aw.Dense(1)], 200).initialised(3)
    weights = network.weights[0].astype(float)
    assert weights.std() == pytest.approx(std, rel=0.02, abs=1e-6)
    if bound is not None:
        assert np.abs(weights).max() <= bound * (1 + 1e-6)
        assert np.abs(weights).max() > 0.98 * bound
    assert not network.biases[0].any()


@pytest.mark.parametrize("shape", [(5, 5), (4, 9), (9, 4), (3, 1)])
def test_orthogonal_weights_keep_lengths(shape):
    drawn = Orthogonal(2.0).draw(shape, shape, np.random.default_rng(0))
    gram = drawn @ drawn.T if shape[0] <= shape[1] else drawn.T @ drawn
    np.testing.assert_allclose(gram, 4 * np.eye(min(shape)), atol=1e-12)


def test_he_and_glorot_follow_from_the_gain():
    assert aw.activation("relu").gain == pytest.approx(np.sqrt(2), rel=1e-3)
    assert aw.activation("identity").gain == pytest.approx(1.0, rel=1e-6)
    slope = 0.3
    he_for_leaky = np.sqrt(2 / (1 + slope**2))  # He et al. 2015, equation 15
    assert aw.activation("leaky_relu", slope=slope).gain == pytest.approx(he_for_leaky, rel=1e-3)


@pytest.mark.parametrize("name", ["identity", "relu", "leaky_relu", "tanh", "gelu", "silu", "elu"])
def test_automatic_weights_keep_gradients_from_vanishing_and_exploding(name):
    """Through 20 layers the root mean square of the gradient by a pre-activation stays within a factor of 8."""
    rng = np.random.default_rng(0)
    width, depth = 256, 20
    network = aw.Network([aw.Dense(width, name) for _ in range(depth)], width, dtype="float64").initialised(1)
    passed = reference.forward(network.structure, network.values, rng.normal(size=(64, width)))
    upstream = rng.normal(size=(64, width))
    first = np.sqrt(np.mean(upstream**2))
    for layer, weights, (_, z, _) in zip(
        reversed(network.linear_layers), reversed(network.weights), reversed(passed), strict=True
    ):
        upstream = (upstream * layer.activation.derivative(z)) @ weights.T
    # Pre-activations are not exactly standard normal layer after layer, hence a factor and no equality.
    assert 1 / 8 < np.sqrt(np.mean(upstream**2)) / first < 8


def test_seeds_draw_alike_and_apart():
    network = aw.Network([aw.Dense(3), aw.Dense(1)], 2)
    np.testing.assert_array_equal(network.initialised(1).values, network.initialised(1).values)
    assert not np.array_equal(network.initialised(1).values, network.initialised(2).values)
    assert not np.array_equal(network.initialised().values, network.initialised().values)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: aw.Dense(0), "positive whole number of units, not 0"),
        (lambda: aw.Dense(2.5), "positive whole number of units"),
        (lambda: aw.Dense(2, "sigmiod"), "did you mean 'sigmoid'"),
        (lambda: aw.Dense(2, "x +"), "x +"),
        (lambda: aw.Dense(2, init="he"), "unknown initializer 'he'"),
        (lambda: aw.Maxout(2, pieces=1), "at least 2 pieces"),
        (lambda: aw.Dropout(1.0), "below 1"),
        (lambda: aw.Network([], 2), "last layer"),
        (lambda: aw.Network([aw.Dense(1), aw.Dropout(0.1)], 2), "last layer"),
        (lambda: aw.Network([aw.Dense(1)], 0), "n_inputs must be a positive whole number"),
        (lambda: aw.Network(["relu"], 2), "is not a layer"),
        (lambda: aw.Network([aw.Dense(1)], 2, dtype="float16"), "'float32' or 'float64'"),
        (lambda: aw.Network([aw.Dense(1)], 2, parameters=np.zeros(5)), "has 3 parameters"),
        (lambda: aw.Network([aw.Dense(1)], 2).predict(np.zeros((2, 3))), r"\(rows, 2\)"),
        (lambda: aw.Network([aw.Dense(1)], 2).predict(np.zeros(2)), r"\(rows, 2\)"),
    ],
)
def test_mistakes_are_named(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_every_initializer_is_reachable_by_name():
    for name, record in INITIALIZERS.items():
        assert aw.Dense(2, init=name).init == name
        assert record.draw((4, 3), (4.0, 3.0), np.random.default_rng(0)).shape == (4, 3)


@pytest.mark.parametrize("n_outputs", [1, 2, 3, 20])
def test_predictions_do_not_depend_on_threads_batches_or_other_rows(n_outputs):
    network = aw.Network([aw.Dense(40, "gelu"), aw.Dense(30, "tanh"), aw.Dense(n_outputs)], n_inputs=7)
    X = np.random.default_rng(1).normal(size=(5000, 7)).astype(np.float32)
    alone = network.predict(X, threads=1)
    np.testing.assert_array_equal(network.predict(X, threads=2), alone)
    for rows in (slice(0, 1), slice(17, 18), slice(3, 300), slice(0, 0)):
        np.testing.assert_array_equal(network.predict(X[rows]), alone[rows])
    with ThreadPoolExecutor(8) as pool:
        parts = pool.map(network.predict, np.split(X, 50))
    np.testing.assert_array_equal(np.concatenate([*parts]), alone)


def test_a_network_that_has_predicted_can_be_pickled_and_copied():
    network = aw.Network([aw.Dense(4, "tanh"), aw.Dense(1)], n_inputs=2)
    expected = network.predict([[1.0, 2.0]])
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network), network.with_parameters(network.values)):
        np.testing.assert_array_equal(other.predict([[1.0, 2.0]]), expected)
    doubled = network.with_parameters(2 * network.values)
    np.testing.assert_array_equal(doubled.values, 2 * network.values)
    assert np.all(doubled.predict([[1.0, 2.0]]) != expected)
