from __future__ import annotations

import importlib.util
import itertools
import math
import re
import runpy
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numba import float32, float64, njit
from scipy import special

from actwise.engines.numba.compiled import circular, elementary
from actwise.engines.numba.rendering import NEAR_ANGLE

TOOL = Path(__file__).parents[3] / "tools" / "elementary_coefficients.py"
DIGITS = 50
FLUSHED = 3.2e-308  # smaller results may be 0
OVERFLOWN = 8.9e307  # larger results may be infinite
SATURATED = 10_000.0  # beyond it exp and its kin are 0 or infinite in float64; spares mpmath huge exponents
FLOAT32_OVERFLOW = 2.0**128 - 2.0**103  # from here on a number rounds to infinity in float32

# The largest relative error in float64 that each function may have, wherever its result is finite and normal.
RELATIVE_ERROR = {
    "exp": 3e-12, "expm1": 8e-12, "log": 1e-15, "log1p": 1e-15, "sqrt": 2e-16,
    "sinh": 7e-12, "cosh": 5e-12, "tanh": 7e-12, "asinh": 2e-15, "arctan": 2e-11,
    "sigmoid": 3e-12, "softplus": 3e-12, "log_sigmoid": 3e-12,
    "erf": 3e-11, "erfc": 3e-11, "normal_cdf": 3e-11,
    "sin": 8e-12, "cos": 8e-12,
}  # fmt: skip
POWER_ERROR = 3e-12  # the relative error of exp, and of the logarithm, 4e-16, times the exponent, up to 709


def _saturating(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: function(min(max(x, -SATURATED), SATURATED))


def _softplus(x: Any) -> Any:
    return max(x, mp.mpf(0)) + mp.log1p(mp.exp(-min(abs(x), SATURATED)))


REFERENCE: dict[str, Callable[[Any], Any]] = {
    "exp": _saturating(mp.exp), "expm1": _saturating(mp.expm1),
    "log": mp.log, "log1p": mp.log1p, "sqrt": mp.sqrt,
    "sinh": _saturating(mp.sinh), "cosh": _saturating(mp.cosh), "tanh": _saturating(mp.tanh),
    "asinh": mp.asinh, "arctan": mp.atan,
    "sigmoid": _saturating(lambda x: 1 / (1 + mp.exp(-x))),
    "softplus": _softplus, "log_sigmoid": lambda x: -_softplus(-x),
    "erf": _saturating(mp.erf), "erfc": _saturating(mp.erfc),
    "normal_cdf": _saturating(lambda x: mp.erfc(-x / mp.sqrt(2)) / 2),
    "sin": mp.sin, "cos": mp.cos,
}  # fmt: skip
DOMAIN_START = {"log": 0.0, "sqrt": 0.0, "log1p": -1.0}

# Where a formula changes: halves of log(2), limits of exp, zeros of sin and cos, edges of the number formats.
THRESHOLDS = [
    *(k * math.log(2) / 2 for k in (1, 3, 5, 7, 101, 1023)),
    *(k * math.pi / 4 for k in (1, 2, 3, 4, 5, 6, 7, 8, 22, 355)),
    0.25, 1 / 3, math.sqrt(0.5), 1.0, math.sqrt(2), 2.0, 3.5, 5.92, 5.93, 6.0, 8.3, 10.5, 13.0, 16.6, 26.5,
    36.0, 37.5, 87.33, 88.72, 88.73, 103.27, 103.98, 709.0, 709.78, 710.47, 710.48, 745.2,
    2.0**52, 2.0**53, 2.0**54, 2.0**55, 2.0**126, 3.402823e38, 1.2e-38, 1e-40, 3e-45,
]  # fmt: skip
FLOAT64_THRESHOLDS = [*THRESHOLDS, 1e-300, 1e-150, 1e150, 1.7e308]
# The float32 and the float64 number that come closest to a multiple of pi / 2 (Muller, Elementary Functions).
HARDEST_FLOAT32_ANGLE = 16367173.0 * 2.0**72
HARDEST_FLOAT64_ANGLE = 6381956970095103.0 * 2.0**797


@cache
def float32_points() -> np.ndarray:
    generator = np.random.default_rng(2024)
    patterns = generator.integers(0, 2**32, 1500, dtype=np.uint32).view(np.float32)
    everyday = np.concatenate([generator.uniform(-size, size, 250) for size in (1, 4, 15, 110)])
    near = np.array(THRESHOLDS, np.float32)
    edges = np.concatenate([near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))])
    hardest = np.float32([HARDEST_FLOAT32_ANGLE])
    return np.concatenate([patterns[np.isfinite(patterns)], everyday.astype(np.float32), edges, -edges, hardest])


@cache
def float64_points() -> np.ndarray:
    generator = np.random.default_rng(2025)
    patterns = generator.integers(0, 2**64, 500, dtype=np.uint64).view(np.float64)
    everyday = generator.uniform(-750, 750, 200)
    edges = np.concatenate([np.nextafter(FLOAT64_THRESHOLDS, step) for step in (np.inf, -np.inf)])
    subnormal = [5e-324, 3e-310, 2.2250738585072014e-308]
    return np.concatenate(
        [patterns[np.isfinite(patterns)], everyday, edges, -edges, subnormal, [HARDEST_FLOAT64_ANGLE]]
    )


def within_domain(name: str, points: np.ndarray) -> np.ndarray:
    return points[points > DOMAIN_START.get(name, -np.inf)]


@cache
def references(name: str, single: bool) -> list[Any]:
    points = within_domain(name, float32_points() if single else float64_points())
    with mp.workdps(DIGITS):
        return [REFERENCE[name](mp.mpf(float(x))) for x in points]


def float32_loop(function: Any) -> Any:
    @njit(error_model="numpy")
    def loop(z, out):
        for i in range(z.size):
            out[i] = float32(function(float64(z[i])))

    return loop


def float64_loop(function: Any) -> Any:
    @njit(error_model="numpy")
    def loop(z, out):
        for i in range(z.size):
            out[i] = function(float64(z[i]))

    return loop


def pair_loop(function: Any) -> Any:
    @njit(error_model="numpy")
    def loop(x, y, out):
        for i in range(x.size):
            out[i] = function(x[i], y[i])

    return loop


@cache
def kernel(name: str, kind: Callable[[Any], Any]) -> Any:
    return kind(getattr(elementary, name))


def evaluate(name: str, points: np.ndarray) -> np.ndarray:
    out = np.empty(points.size)
    kernel(name, float64_loop)(points, out)
    return out


def relative_error(value: float, true: Any) -> float:
    if abs(true) > mp.mpf(np.finfo(float).max):
        return 0.0 if value == math.inf * mp.sign(true) else math.inf
    if abs(true) > OVERFLOWN and math.isinf(value):
        return 0.0
    if abs(true) < FLUSHED:
        return 0.0 if abs(value) <= FLUSHED else math.inf
    return float(abs(mp.mpf(value) / true - 1)) if math.isfinite(value) else math.inf


def largest_relative_error(points: np.ndarray, values: np.ndarray, true: list[Any]) -> tuple[float, float]:
    with mp.workdps(DIGITS):
        errors = [relative_error(float(value), each) for value, each in zip(values, true, strict=True)]
    worst = int(np.argmax(errors))
    return errors[worst], float(points[worst])


@pytest.mark.parametrize("name", REFERENCE)
def test_relative_error_at_float32_numbers(name: str) -> None:
    points = within_domain(name, float32_points()).astype(np.float64)
    error, at = largest_relative_error(points, evaluate(name, points), references(name, True))
    assert error <= RELATIVE_ERROR[name], f"{name}({at!r}) is {error:.1e} off"


@pytest.mark.parametrize("name", REFERENCE)
def test_relative_error_over_the_whole_of_float64(name: str) -> None:
    points = within_domain(name, float64_points())
    error, at = largest_relative_error(points, evaluate(name, points), references(name, False))
    assert error <= RELATIVE_ERROR[name], f"{name}({at!r}) is {error:.1e} off"


@pytest.mark.parametrize(("name", "exact"), [("near_sin", mp.sin), ("near_cos", mp.cos)])
def test_sine_and_cosine_of_near_angles(name: str, exact: Callable[[Any], Any]) -> None:
    quarters = np.float32(np.arange(-3000, 3000) * math.pi / 2)  # as near to the roots as float32 numbers are
    far = np.float32(np.linspace(1, 667543, 500).round() * math.pi / 2)
    points = np.concatenate([float32_points(), quarters, far, -far])
    points = points[np.abs(points) <= NEAR_ANGLE].astype(np.float64)
    with mp.workdps(DIGITS):
        true = [exact(mp.mpf(x)) for x in points.tolist()]
    error, at = largest_relative_error(points, evaluate(name, points), true)
    assert error <= RELATIVE_ERROR["sin"], f"{name}({at!r}) is {error:.1e} off"
    assert np.isnan(evaluate(name, np.array([np.nan])))


def float32_ulps(value: float, true: Any) -> float:
    if abs(true) >= FLOAT32_OVERFLOW:
        return 0.0 if value == math.inf * mp.sign(true) else math.inf
    _mantissa, exponent = mp.frexp(true)
    return float(abs(mp.mpf(value) - true) / mp.mpf(2) ** (max(exponent, -125) - 24)) if true else abs(value)


@pytest.mark.parametrize("name", REFERENCE)
def test_float32_loop_is_as_good_as_correctly_rounded(name: str) -> None:
    points = within_domain(name, float32_points())
    values = np.empty_like(points)
    kernel(name, float32_loop)(points, values)
    with mp.workdps(DIGITS):
        ulps = [float32_ulps(float(v), t) for v, t in zip(values, references(name, True), strict=True)]
    worst = int(np.argmax(ulps))
    assert ulps[worst] <= 0.5005, f"{name}({points[worst]!r}) is {ulps[worst]} ulp off"


NUMPY = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "arctan": np.arctan,
    "sigmoid": special.expit, "softplus": lambda x: np.logaddexp(0.0, x), "log_sigmoid": special.log_expit,
    "erf": special.erf, "erfc": special.erfc, "normal_cdf": special.ndtr,
    "sin": np.sin, "cos": np.cos, "floor": np.floor, "sign": np.sign,
}  # fmt: skip


@pytest.mark.parametrize("name", NUMPY)
def test_zeros_infinities_nan_and_outside_of_the_domain_are_as_in_numpy(name: str) -> None:
    points = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -1.5, 2.5, 5e-324, -5e-324])
    with np.errstate(all="ignore"):
        expected = NUMPY[name](points)
    values = evaluate(name, points)
    np.testing.assert_allclose(values, expected, rtol=3e-11, atol=0)
    if name not in ("sign", "log_sigmoid"):  # these two keep -0 or make it where NumPy has 0
        zero = expected == 0
        np.testing.assert_array_equal(np.signbit(values[zero]), np.signbit(expected[zero]))


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 2.5, 1e300, -1e300, np.inf, -np.inf, np.nan]
PAIRS = np.array(list(itertools.product(SPECIAL, SPECIAL)))


@pytest.mark.parametrize(("name", "reference"), [("power", np.power), ("maximum", np.maximum), ("minimum", np.minimum)])
def test_functions_of_two_are_as_in_numpy_at_special_values(name: str, reference: Any) -> None:
    x, y = PAIRS.T.copy()
    values = np.empty(len(PAIRS))
    kernel(name, pair_loop)(x, y, values)
    with np.errstate(all="ignore"):
        expected = reference(x, y)
    np.testing.assert_allclose(values, expected, rtol=3e-11, atol=0)


def test_power_against_mpmath() -> None:
    generator = np.random.default_rng(7)
    x = np.exp(generator.uniform(-100, 100, 1500))
    y = generator.uniform(-700, 700, 1500) / np.log(x)
    x[:200] = 1 + generator.uniform(-1e-3, 1e-3, 200)  # the logarithm is small and the exponent large
    y[:200] = generator.uniform(-1e5, 1e5, 200)
    values = np.empty_like(x)
    kernel("power", pair_loop)(x, y, values)
    with mp.workdps(DIGITS):
        true = [mp.power(mp.mpf(a), mp.mpf(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    error, _at = largest_relative_error(x, values, true)
    assert error <= POWER_ERROR


@pytest.mark.parametrize("name", ["sinh", "tanh", "asinh", "arctan", "erf", "sin", "expm1", "log1p"])
def test_subnormal_arguments_and_zeros_of_slope_one(name: str) -> None:
    tiny = np.array([1e-44, -1e-44, 1e-320, -1e-320, -0.0])
    slope = 2 / math.sqrt(math.pi) if name == "erf" else 1.0
    # A subnormal number of 2000 units in the last place is rounded in its product with the slope.
    np.testing.assert_allclose(evaluate(name, tiny), slope * tiny, rtol=1e-3)
    assert np.signbit(evaluate(name, tiny))[-1]


def is_vectorised(compiled: Any) -> bool:
    """Whether LLVM's loop vectoriser made a loop over vectors, of whatever width the processor has."""
    (text,) = compiled.inspect_llvm().values()
    body = re.search(r"^vector\.body:.*?(?=^\S)", text, re.MULTILINE | re.DOTALL)
    return body is not None and re.search(r"<\d+ x (?:double|float)>", body[0]) is not None


def library_calls(compiled: Any) -> set[str]:
    (text,) = compiled.inspect_llvm().values()
    return set(re.findall(r"call [^@\n]*(?:double|float) @(?!llvm\.)([\w.]+)\(", text))


@pytest.mark.parametrize("name", [*REFERENCE, "floor", "sign"])
def test_loop_vectorises_and_calls_nothing(name: str) -> None:
    compiled = kernel(name, float32_loop)
    compiled(np.ones(3, np.float32), np.ones(3, np.float32))
    assert is_vectorised(compiled)
    assert library_calls(compiled) == set()


@pytest.mark.parametrize("name", ["power", "maximum", "minimum"])
def test_loop_of_a_function_of_two_vectorises(name: str) -> None:
    compiled = kernel(name, pair_loop)
    compiled(np.ones(3), np.ones(3), np.ones(3))
    assert is_vectorised(compiled)
    assert library_calls(compiled) == set()


def test_the_check_for_vectors_and_calls_notices_libm() -> None:
    compiled = float32_loop(math.erf)
    compiled(np.ones(3, np.float32), np.ones(3, np.float32))
    assert not is_vectorised(compiled)
    assert library_calls(compiled) == {"erf"}


def import_file(path: Path, name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_a_kernel_in_another_file_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "copied"
    package.mkdir()
    for name in ("__init__.py", "circular.py", "elementary.py", "instructions.py"):
        shutil.copyfile(Path(elementary.__file__).with_name(name), package / name)
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "cached_kernel.py"
    source.write_text(
        "from numba import njit\n"
        "from copied.elementary import sin\n\n\n"
        "@njit(cache=True, error_model='numpy')\n"
        "def kernel(x):\n"
        "    return sin(x)\n"
    )
    first = import_file(source, "cached_kernel")
    second = import_file(source, "cached_kernel")
    assert first.kernel(30.0) == second.kernel(30.0) == pytest.approx(math.sin(30.0), rel=1e-15)
    assert sum(first.kernel.stats.cache_misses.values()) == 1
    assert sum(second.kernel.stats.cache_hits.values()) == 1


def test_coefficients_are_those_that_the_tool_makes() -> None:
    made = runpy.run_path(str(TOOL))["approximations"]()
    for approximation in made:
        place = circular if hasattr(circular, f"_{approximation.name}") else elementary
        assert getattr(place, f"_{approximation.name}") == approximation.coefficients
        assert approximation.error < 3e-11
