"""Expand derivatives of activations around their roots; prints the module that the catalogue keeps.

A derivative that is a sum loses its digits where the sum is 0. Around such a root the catalogue uses the
distance from the root times a polynomial, which interpolates the quotient at Chebyshev points.

    python tools/activation_roots.py > src/actwise/activations/catalogue/roots.py
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp

from actwise.formula.parse import parse
from actwise.formula.precise import exact_functions

DIGITS = 80
POINTS, MORE_POINTS = 20, 26
TAIL_POINTS = 14  # leave a relative error below 1e-17
ROOT_RADIUS = 0.5  # so far from a root its expansion is used: that of activations/catalogue/shared.py
MARGIN = 0.01  # by so much an expansion reaches farther than it is used
# The function, a starting point for its root, and what the declaration exponentiates.
EXPONENTIAL_FUNCTIONS = {
    "SILU_ROOT": ("x * sigmoid(x)", -1.28, "x"),
    "QUICK_GELU_ROOT": ("x * sigmoid(1.702 * x)", -0.75, "1.702 * x"),
    "GELU_TANH_ROOT": (
        "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))",
        -0.75,
        "2 * sqrt(2 / pi) * (x + 0.044715 * x**3)",
    ),
    "MISH_ROOT": ("x * tanh(log(1 + exp(x)))", -1.19, "x"),
}
SERF = "x * erf(log(1 + exp(x)))"
SERF_ABOVE = 1.2  # so far above the root the expansions of serf and its derivative reach, a little beyond x = 0
# The function, a starting point for its root, and how far above the root the expansion reaches.
FUNCTIONS = {
    "GELU_ROOT": ("x * normal_cdf(x)", -0.75, ROOT_RADIUS),
    "SERF_ROOT": (SERF, -1.19, SERF_ABOVE),
    "SMISH_ROOT": ("x * tanh(log(1 + sigmoid(x)))", -1.39, ROOT_RADIUS),
}


def _in_two_parts(value: Any) -> tuple[float, float]:
    return float(value), float(value - float(value))


def exponential_root(text: str, start: float, exponent: str) -> tuple[float, float, float, float]:
    """Return the root of a function's derivative and the exponential there, in two parts each."""
    with mp.workdps(DIGITS):
        root = mp.findroot(exact_functions(parse(text), {})[1], start)
        return (*_in_two_parts(root), *_in_two_parts(mp.exp(exact_functions(parse(exponent), {})[0](root))))


def _interpolant(function: Callable[[Any], Any], start: Any, end: Any, points: int) -> list[Any]:
    """Return the coefficients of the polynomial that meets a function in Chebyshev points."""
    middle, half = (start + end) / 2, (end - start) / 2
    nodes = [middle + half * mp.cos(mp.pi * (2 * k + 1) / (2 * points)) for k in range(points)]
    powers = mp.matrix(points, points)
    for i, node in enumerate(nodes):
        for j in range(points):
            powers[i, j] = node**j
    return list(mp.lu_solve(powers, mp.matrix([function(node) for node in nodes])))


def _around(function: Callable[[Any], Any], above: float, points: int) -> list[Any]:
    """Expand a function of the distance from a root."""
    return _interpolant(function, -mp.mpf(ROOT_RADIUS + MARGIN), mp.mpf(above + MARGIN), points)


def expansion(text: str, start: float, above: float) -> tuple[float, float, tuple[float, ...]]:
    """Return the root of a function's derivative in two parts, and the polynomial's coefficients."""
    with mp.workdps(DIGITS):
        slope = exact_functions(parse(text), {})[1]
        root = mp.findroot(slope, start)
        points = POINTS if above == ROOT_RADIUS else MORE_POINTS
        coefficients = _around(lambda d: slope(root + d) / d, above, points)
        return *_in_two_parts(root), tuple(float(each) for each in coefficients)


def serf_middle() -> tuple[float, tuple[float, ...]]:
    """Return the coefficients of serf(x) / x by the distance from its slope's root, and the rest of the first one."""
    with mp.workdps(DIGITS):
        value, slope = exact_functions(parse(SERF), {})
        root = mp.findroot(slope, FUNCTIONS["SERF_ROOT"][1])
        coefficients = _interpolant(
            lambda d: value(root + d) / (root + d),
            -mp.mpf(ROOT_RADIUS + MARGIN),
            mp.mpf(SERF_ABOVE + MARGIN),
            MORE_POINTS,
        )
        return _in_two_parts(coefficients[0])[1], tuple(float(each) for each in coefficients)


def serf_tail() -> tuple[float, tuple[float, ...]]:
    """Return the coefficients of erf(log(1 + t)) / t for t up to exp(-1.69), and the rest of the constant term."""
    with mp.workdps(DIGITS):
        end = mp.exp(mp.mpf("-1.69")) * mp.mpf("1.0001")
        coefficients = _interpolant(lambda t: mp.erf(mp.log1p(t)) / t, mp.mpf(0), end, TAIL_POINTS)
        return _in_two_parts(coefficients[0])[1], tuple(float(each) for each in coefficients)


def module() -> str:
    """Return the text of the catalogue's module."""
    lines = [
        '"""Where derivatives are 0, and their expansions there; made by tools/activation_roots.py."""',
        "",
        "from __future__ import annotations",
        "",
        "from actwise.activations.catalogue.shared import ExponentialRoot, Root",
    ]
    for name, (text, start, exponent) in EXPONENTIAL_FUNCTIONS.items():
        parts = exponential_root(text, start, exponent)
        lines += ["", f"{name} = ExponentialRoot({', '.join(map(repr, parts))})"]
    for name, (text, start, above) in FUNCTIONS.items():
        high, low, coefficients = expansion(text, start, above)
        assert math.isfinite(high)
        lines += ["", f"{name} = Root(", f"    {high!r},", f"    {low!r},", "    ("]
        lines += [f"        {each!r}," for each in coefficients]
        lines += ["    ),", f"    above={above},", ")"] if above != ROOT_RADIUS else ["    ),", ")"]
    low, coefficients = serf_middle()
    lines += [
        "",
        "# serf(x) / x by the distance of x from SERF_ROOT: coefficients, and the rest of the constant term.",
    ]
    lines += ["SERF_MIDDLE = (", *(f"    {each!r}," for each in coefficients), ")", f"SERF_MIDDLE_LOW = {low!r}"]
    low, coefficients = serf_tail()
    lines += ["", "# erf(log(1 + t)) / t up to exp(-1.69): the coefficients, and the rest of the constant term."]
    lines += ["SERF_TAIL = (", *(f"    {each!r}," for each in coefficients), ")", f"SERF_TAIL_LOW = {low!r}"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(module())  # noqa: T201 - its output is a file
