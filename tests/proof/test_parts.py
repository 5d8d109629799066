from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import actwise as aw
from actwise.activations.reference import Reference
from actwise.proof.points import hard_points, neighbours, random_points, roots_of, switching_points
from actwise.proof.ulp import error_against_exact, error_against_float64


@pytest.mark.parametrize(
    ("computed", "true", "error"),
    [
        (1.0, 1.0, 0.0), (1.0, 1.0 + 2.0**-24, 0.5), (2.0, 2.0 - 2.0**-24, 0.5), (0.0, 2.0**-149, 1.0),
        (0.0, 2.0**-150, 0.5), (2.0**-126, 2.0**-126 + 2.0**-149, 1.0), (math.inf, 3.5e38, 0.0),
        (math.inf, 2.0**128 - 2.0**103, 0.5), (3.4028234663852886e38, math.inf, 1.0), (math.nan, math.nan, 0.0),
        (math.nan, 1.0, math.inf), (1.0, math.nan, math.inf), (-math.inf, math.inf, 2.0**25), (-0.0, 0.0, 0.0),
    ],
)  # fmt: skip
def test_errors_in_float32(computed, true, error):
    found = np.array([computed], np.float32)
    assert error_against_float64(found, np.array([true]))[0] == error
    exact = None if math.isnan(true) else mp.mpf(true)
    assert error_against_exact(found, [exact])[0] == error


@given(st.floats(width=32), st.floats(allow_nan=False))
def test_both_measures_agree(computed, true):
    found = np.array([computed], np.float32)
    errors = error_against_float64(found, np.array([true]))[0], error_against_exact(found, [mp.mpf(true)])[0]
    assert errors[0] == pytest.approx(errors[1], rel=1e-12)


def test_errors_in_float64():
    one = np.array([1.0])
    assert error_against_exact(one, [mp.mpf(1) + mp.mpf(2) ** -52])[0] == 1.0
    assert error_against_exact(np.array([0.0]), [mp.mpf("5e-324")])[0] < 1e-4  # below 1e-304 counts as 1e-304
    assert error_against_exact(np.array([math.inf]), [mp.mpf("1e309")])[0] == 0.0


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(1, 3))
def test_neighbours_are_the_next_numbers(x, count):
    start = np.float32(x)
    found = np.unique(neighbours(np.array([start]), count))
    up = down = start
    expected = {float(start)}
    for _ in range(count):
        with np.errstate(over="ignore", under="ignore"):  # beyond the largest number, or among the subnormal ones
            up, down = np.nextafter(up, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))
        expected |= {float(each) for each in (up, down) if np.isfinite(each)}
    assert {float(each) for each in found} == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hard_points_hold_what_is_hard(dtype):
    points = hard_points(aw.activation("gelu"), dtype)
    limits = np.finfo(dtype)
    for each in (0.0, np.inf, -np.inf, limits.max, limits.smallest_subnormal, -1000.0, 1000.0):
        assert dtype(each) in points
    assert np.isnan(points).any()
    root = dtype(-0.7517915246935645)
    assert np.nextafter(root, dtype(0)) in points
    assert points.dtype == dtype


def test_switching_points_and_roots_are_found():
    found = switching_points(aw.activation("hardswish"))
    assert all(np.min(np.abs(found - edge)) < 1e-15 for edge in (-3.0, 3.0))
    assert np.min(np.abs(roots_of(aw.activation("mish")) + 1.1924312145154952)) < 1e-15
    assert np.min(np.abs(roots_of(aw.activation("sine")) - math.pi)) < 1e-15
    assert len(roots_of(aw.activation("sine"))) < 20


def test_random_points_hold_every_exponent_and_the_everyday():
    points = random_points(20_000, np.float32, np.random.default_rng(0))
    assert len(points) == 20_000
    finite = points[np.isfinite(points) & (points != 0)]
    assert len(np.unique(np.frexp(finite)[1])) > 250
    assert (np.abs(points) <= 20).mean() > 0.5


# Values from Abramowitz and Stegun and from Wolfram Alpha.
@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("sigmoid", -100.0, "3.720075976020835962959695803863e-44"),
        ("softplus", -50.0, "1.928749847963917783017e-22"),
        ("tanh", 1.0, "0.76159415595576488811945828260479359041"),
        ("gelu", -10.0, "-7.619853024160526065973343251599e-23"),
        ("erf", 0.5, "0.520499877813046537682746653891964528736"),
    ],
)
def test_reference_values(name, at, value):
    (found,), _ = Reference(aw.activation(name)).at([at])
    assert abs(found / mp.mpf(value) - 1) < 1e-20


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("softsign", (-1, 1)), ("gelu", (0, math.inf)), ("logsigmoid", (-math.inf, 0)), ("squareplus", (0, math.inf)),
        ("bent_identity", (-math.inf, math.inf)), ("sine", (None, None)), ("lisht", (math.inf, math.inf)),
    ],
)  # fmt: skip
def test_reference_limits(name, limits):
    found, _ = Reference(aw.activation(name)).at([-math.inf, math.inf])
    for each, expected in zip(found, limits, strict=True):
        assert each is None if expected is None else abs(each - expected) < 1e-20 or each == expected


def test_reference_takes_the_largest_numbers():
    for name in ("gelu", "softplus", "log_cosh", "exponential", "tanh", "snake", "isru"):
        values, derivatives = Reference(aw.activation(name)).at([1.7e308, -1.7e308, 5e-324, math.nan])
        assert values[3] is None
        assert all(mp.isfinite(each) for each in values[:3] + derivatives[:3])


def test_reference_uses_the_declared_slope_at_a_kink():
    _, derivatives = Reference(aw.activation("relu")).at([0.0, 1e-30])
    assert [float(each) for each in derivatives] == [0.0, 1.0]
