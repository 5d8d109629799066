"""Compiled kernels on whole arrays: threads change no bit, bad arrays are refused."""

import os
import signal

import numpy as np
import pytest

import actwise as aw
from actwise.engines.numba import elementwise
from actwise.engines.threads import processors, share
from actwise.errors import InputError
from actwise.model.layers import activation_formula

X = np.random.default_rng(0).normal(size=300_001).astype(np.float32) * 4
GELU = activation_formula(aw.activation("gelu"))
ELU = aw.activation("elu", alpha=0.7)


def test_threads_change_no_bit():
    alone = elementwise.value(GELU, X)
    np.testing.assert_array_equal(elementwise.value(GELU, X, threads=2), alone)
    np.testing.assert_allclose(alone, aw.activation("gelu")(X), rtol=1.2e-7)
    upstream = np.linspace(-1, 1, X.size, dtype=np.float32)
    alone = elementwise.gradient(GELU, X, upstream)
    np.testing.assert_array_equal(elementwise.gradient(GELU, X, upstream, threads=2), alone)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_threads_work_in_a_forked_process():
    alone = elementwise.value(GELU, X, threads=2)
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # threads that do not exist would be waited for for ever
        os._exit(0 if np.array_equal(elementwise.value(GELU, X, threads=2), alone) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_error_in_a_share_reaches_the_caller():
    def fails_beyond_the_first(start, count):
        if start:
            raise ValueError(start)

    if processors() > 1:
        with pytest.raises(ValueError):
            share(fails_beyond_the_first, 4, threads=2, smallest=1)


def test_large_angles_are_found_a_block_at_a_time():
    x = np.zeros(1000, np.float32)
    x[[3, 700, 999]] = 1e9, np.inf, np.nan
    for name in ("sine", "cosine", "snake"):
        entry = aw.activation(name)
        formula = activation_formula(entry)
        constants = tuple(entry.values.values())
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(elementwise.value(formula, x, constants), entry(x), rtol=1e-6)
            slope = elementwise.gradient(formula, x, np.ones_like(x), constants)
            np.testing.assert_allclose(slope, entry.derivative(x), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_shapes_and_layouts(dtype):
    x = X[:600].reshape(20, 30).astype(dtype)[:, ::3]
    formula = activation_formula(ELU)
    np.testing.assert_allclose(elementwise.value(formula, x, (0.7,)), ELU(x), rtol=1e-7)
    out = np.empty_like(x, order="C")
    result = elementwise.gradient(formula, x, np.full_like(x, 2.0), (0.7,), out=out)
    assert result is out
    np.testing.assert_allclose(out, 2 * ELU.derivative(x), rtol=1e-7)
    assert elementwise.value(formula, x[:0], (0.7,)).shape == (0, 10)


def test_bad_arrays_are_refused():
    with pytest.raises(InputError, match="float32 or float64"):
        elementwise.value(GELU, X.astype(np.float16))
    with pytest.raises(InputError, match="shape and dtype of x"):
        elementwise.gradient(GELU, X, X[:5])
    with pytest.raises(InputError, match="out must be"):
        elementwise.value(GELU, X, out=np.empty(3, np.float32))
    with pytest.raises(InputError, match="gated"):
        elementwise.value(aw.Maxout(2).formula, X)


@pytest.mark.parametrize("size", [4, 7, 1000])
def test_every_item_is_worked_on_once(size):
    done = np.zeros(size, int)

    def work(start, count):
        done[start : start + count] += 1

    share(work, size, threads=2, smallest=1)
    assert np.all(done == 1)


def test_an_infinite_gradient_does_not_pass_a_slope_of_zero():
    x, upstream = np.float32([-1, 0, 2, np.nan]), np.float32([np.inf, -np.inf, np.inf, 1])
    for name in ("relu", "relu6", "hardtanh", "hardshrink"):
        entry = aw.activation(name)
        found = elementwise.gradient(activation_formula(entry), x, upstream, tuple(entry.values.values()))
        slopes = entry.derivative(x)
        expected = np.where(slopes == 0, 0, np.where(np.isnan(x), np.nan, upstream))
        np.testing.assert_array_equal(found, expected)
