"""Kernels of training that leave the slope beside the value: the bits of those that compute one at a time."""

import ctypes

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES
from actwise.activations.spec import Activation
from actwise.engines.numba import tiny
from actwise.engines.numba.rendering import activation_kernels, as_exact_as, layer_kernels, learning_source
from actwise.formula.emit import statements
from actwise.formula.expression import exp, symbol
from actwise.model.layers import activation_formula

RNG = np.random.default_rng(33)
SCALAR = [each for each in ENTRIES if isinstance(each, Activation)]
FORMULAS = [*SCALAR, aw.activation("x * exp(-a * x^2) + x^3 + 2 * x^2 + 3 * x + 4", a=0.3)]
KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 7)


def _learns(each, dtype):
    return learning_source(activation_formula(each), dtype) is not None


def _arguments(dtype):
    ends = np.array([0.0, -0.0, 1e-40, 1e-30, 0.5, 1.0, 20.0, 90.0, 710.0, 1e10, 1e38, np.inf, np.nan])
    steps = RNG.normal(size=40_001) * np.exp(RNG.uniform(-6, 4, 40_001))
    near_roots = -np.linspace(0.3, 1.7, 10_000)
    return np.concatenate([ends, -ends, steps, near_roots]).astype(dtype)


def _run(kernel, *arrays, constants):
    addresses = [each.ctypes.data for each in arrays]
    KERNEL(kernel)(*addresses, *[0] * (4 - len(arrays)), 1, arrays[0].size, constants.ctypes.data)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("each", FORMULAS, ids=lambda each: each.name)
def test_value_and_slope_have_the_bits_of_forward_and_backward(each, dtype):
    formula, x = activation_formula(each), _arguments(dtype)
    constants = np.array([*each.values.values(), 0.0])
    alone, together = activation_kernels(formula, x.dtype), layer_kernels(formula, x.dtype)
    assert (together.backward == 0) is _learns(each, dtype)
    if together.backward:
        assert together.learning == together.forward
        return
    values, slopes, ones, learned, left = (
        np.empty_like(x),
        np.empty_like(x),
        np.ones_like(x),
        np.empty_like(x),
        x.copy(),
    )
    _run(alone.forward, x, values, constants=constants)
    _run(alone.backward, x, values, ones, slopes, constants=constants)
    _run(together.learning, left, learned, constants=constants)
    np.testing.assert_array_equal(learned, values)
    np.testing.assert_array_equal(left, slopes)
    known = ~np.isnan(values)
    np.testing.assert_array_equal(np.signbit(learned[known]), np.signbit(values[known]))
    _run(together.forward, x, learned, constants=constants)
    np.testing.assert_array_equal(learned, values)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("each", [each for each in FORMULAS if _learns(each, "float64")], ids=lambda each: each.name)
def test_tiny_networks_store_the_slope_too(each, dtype, monkeypatch):
    network = aw.Network([aw.Dense(3, each), aw.Dense(1)], 2, dtype=dtype)
    X, y = RNG.normal(size=(7, 2)), RNG.uniform(0, 1, (7, 1))
    runs = []
    for fewest in (0, 10**9):
        monkeypatch.setattr(tiny, "FEWEST_STEPS", fewest)
        runs.append(aw.train(network, X, y, optimizer=aw.SGD(0.01), batch_size=2, epochs=30, seed=3))
    np.testing.assert_array_equal(runs[0].network.values, runs[1].network.values)
    np.testing.assert_array_equal(runs[0].history.training_losses, runs[1].history.training_losses)


@pytest.mark.parametrize("name", ["gelu", "elu", "exponential", "sine"])
def test_what_shares_a_function_of_the_same_number_stores_its_slope(name):
    assert activation_formula(aw.activation(name)).slope is not None


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "hardswish", "softsign", "swish", "prelu", "softmax", "glu"])
def test_choices_products_trained_ones_rows_and_gates_do_not(name):
    assert activation_formula(aw.activation(name)).slope is None


def test_the_derivative_is_carried_exactly_without_the_upstream_gradient():
    formula = as_exact_as("float64", activation_formula(aw.activation("gelu")))
    assert formula.factor is not None
    assert formula.factor * symbol("g") == formula.gradients[0]


def test_formulas_that_are_written_together_are_written_as_alone():
    """A polynomial of one that the other uses a part of would else be rounded in another way."""
    x = symbol("x")
    inner = ((2.5 * x + 3.5) * x + 4.5) * x + 5.5
    value, slope = exp(x) * (inner * x + 1.25), exp(x) * inner
    together, alone = statements(value, slope), statements(value)
    assert together.lines[: len(alone.lines)] == alone.lines
    assert sum("exp(" in line for line in together.lines) == 1
    assert sum("polynomial(" in line for line in together.lines) == 2
