"""Compiled float64 kernels with corrections, against NumPy evaluating the same rewritten formulas, and mpmath."""

import mpmath as mp
import numpy as np
import pytest
from numba import njit

import actwise as aw
from actwise.engines.numba import build, elementwise
from actwise.model.layers import activation_formula

X = np.concatenate([np.random.default_rng(3).normal(size=400) * 6, [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300]])
NAMES = ["gaussian", "gelu", "gelu_tanh", "quick_gelu", "silu", "mish", "serf", "smish", "tanhshrink", "squareplus"]


@pytest.mark.parametrize("name", NAMES)
def test_compiled_and_numpy_agree(name):
    entry = aw.activation(name)
    formula, constants = activation_formula(entry), tuple(entry.values.values())
    # NumPy's exponentials and those of the C library differ in the last place now and then.
    np.testing.assert_allclose(elementwise.value(formula, X, constants), entry(X), rtol=1e-15)
    slope = elementwise.gradient(formula, X, np.ones_like(X), constants)
    np.testing.assert_allclose(slope, entry.derivative(X), rtol=2e-15)


def test_scaled_complementary_error_function():
    module = build.compiled("scaled_erfc", "float64")
    function, error = module.scaled_erfc, module.scaled_erfc_error

    @njit
    def both(x, values, errors):
        for i in range(x.size):
            values[i], errors[i] = function(x[i]), error(x[i])

    x = np.concatenate([np.random.default_rng(1).uniform(0, 28, 300), np.arange(0, 28, 0.125), [0.0, 5e-324, 27.9999]])
    values, errors = np.empty_like(x), np.empty_like(x)
    both(x, values, errors)
    with mp.workdps(400):
        for at, value, rest in zip(x.tolist(), values.tolist(), errors.tolist(), strict=True):
            true = mp.exp(mp.mpf(at) ** 2) * mp.erfc(mp.mpf(at))
            last_place = mp.mpf(2) ** (mp.frexp(true)[1] - 53)
            assert abs(mp.mpf(value) - true) < 0.7 * last_place
            assert abs(mp.mpf(value) + mp.mpf(rest) - true) < 0.2 * last_place
    x = np.array([28.0, 29.0, 1e300, np.inf, np.nan])
    values, errors = np.empty_like(x), np.empty_like(x)
    both(x, values, errors)
    assert (values[:4] > 0).all()
    assert np.isnan(values[4])
