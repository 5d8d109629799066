"""Matrix products against NumPy in float64, for odd shapes; nothing is written outside of the result."""

import numpy as np
import pytest
from numba import njit

from actwise.engines.numba import build, engine

SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 50)
RNG = np.random.default_rng(3)
GUARD = 40  # elements behind every result that must stay as they are
TOLERANCE = {"float32": 2e-6, "float64": 4e-15}  # of the sum of absolute products


def _shapes():
    every = [(rows, inner, columns) for rows in SIZES for inner in (1, 5, 16, 37) for columns in SIZES]
    chosen = [every[i] for i in np.random.default_rng(5).choice(len(every), 150, replace=False)]
    return [*chosen, (21, 600, 450), (16, 515, 515), (33, 300, 1100)]  # the last ones do not fit into the cache


def _call(name, element):
    function = getattr(build.compiled("matrix", element), name)

    @njit
    def call(*arguments):
        function(*arguments)

    return call


def _guarded(count, dtype):
    return np.full(count + GUARD, 7, dtype)


def _check(found, left, right, bias, dtype):
    wide, other = left.astype(float), right.astype(float)
    expected = wide @ other + bias
    scale = np.abs(wide) @ np.abs(other) + np.abs(bias)
    inside = found[: expected.size].reshape(expected.shape)
    assert np.all(np.abs(inside - expected) <= TOLERANCE[dtype] * scale + np.finfo(dtype).tiny)
    assert np.all(found[expected.size :] == 7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_all_shapes(dtype):
    gemm = engine.gemm_address(dtype)
    forward, gradient, backward = (
        _call(name, dtype) for name in ("forward_product", "weight_gradient", "backward_product")
    )
    transpose = build.compiled("tiles", dtype).transpose
    for rows, inner, columns in _shapes():
        a, b, d = (RNG.normal(size=shape).astype(dtype) for shape in ((rows, inner), (inner, columns), (rows, columns)))
        bias = RNG.normal(size=columns).astype(dtype)
        parameters = np.concatenate([b.ravel(), bias])
        result = _guarded(rows * columns, dtype)
        forward(build.product(dtype).address, a.ravel(), 0, parameters, 0, b.size, result, 0, rows, inner, columns)
        _check(result, a, b, bias, dtype)
        forward(build.product(dtype).address, a.ravel(), 0, parameters, 0, -1, result, 0, rows, inner, columns)
        _check(result, a, b, 0.0, dtype)
        result = _guarded(inner * columns, dtype)
        gradient(gemm, build.product(dtype).address, a.ravel(), 0, d.ravel(), 0, result, 0, rows, inner, columns)
        _check(result, a.T, d, 0.0, dtype)
        transposed = _guarded(b.size, dtype)
        transpose(b.ravel(), 0, transposed, 0, inner, columns)
        assert np.array_equal(transposed[: b.size].reshape(columns, inner), b.T)
        assert np.all(transposed[b.size :] == 7)
        result = _guarded(rows * inner, dtype)
        backward(
            gemm, build.product(dtype).address, d.ravel(), 0, b.ravel(), 0, transposed, result, 0, rows, inner, columns
        )
        _check(result, d, b.T, 0.0, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_column_sums(dtype):
    tiles = build.compiled("tiles", dtype)

    @njit
    def sums(matrix, result, rows, columns):
        tiles.column_sums(matrix.ctypes.data, result.ctypes.data, rows, columns)

    for rows, _, columns in _shapes():
        matrix, result = RNG.normal(size=(rows, columns)).astype(dtype), _guarded(columns, dtype)
        sums(matrix.ravel(), result, rows, columns)
        _check(result, np.ones((1, rows)), matrix, 0.0, dtype)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 21])
def test_a_rows_bits_do_not_depend_on_the_other_rows(columns):
    forward, product = _call("forward_product", "float32"), build.product("float32").address
    a, b = RNG.normal(size=(230, 40)).astype("f4"), RNG.normal(size=(40, columns)).astype("f4")
    whole = np.empty(230 * columns, "f4")
    forward(product, a.ravel(), 0, b.ravel(), 0, -1, whole, 0, 230, 40, columns)
    for rows in (1, 5, 8, 9, 16, 22, 229):
        part = np.empty(rows * columns, "f4")
        forward(product, a[:rows].ravel(), 0, b.ravel(), 0, -1, part, 0, rows, 40, columns)
        assert np.array_equal(part, whole[: rows * columns])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_copied_elements(dtype):
    tiles = build.compiled("tiles", dtype)

    @njit
    def copy(source, target, count):
        tiles.copy_elements(source.ctypes.data, target.ctypes.data, count)

    for count in (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100):
        source, target = RNG.normal(size=count).astype(dtype), _guarded(count, dtype)
        copy(source, target, count)
        assert np.array_equal(target[:count], source)
        assert np.all(target[count:] == 7)
