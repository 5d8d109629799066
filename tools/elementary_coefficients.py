"""Makes the coefficients in ``actwise/engines/numba/compiled/elementary.py`` and prints them with their errors.

Run it without arguments; the same text comes out every time. A polynomial is the interpolant in the
Chebyshev nodes of its interval, worked out with 50 digits and rounded to float64. Each function is put in
a form that is smooth and far from zero on its interval: a small absolute error is then a small relative one.
The rational approximation of erf is a least-squares fit of the relative error in Chebyshev nodes,
weighted anew with its own denominator until it settles (Sanathanan and Koerner 1963).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp

DIGITS = 50
CHECKED_POINTS = 500  # at which the error of the rounded coefficients is measured
FIT_POINTS = 160
FIT_ROUNDS = 6
PER_LINE = 4

# Where erfcx is centred: (x - 3.5) / (x + 3.5) spreads its curvature evenly (best of 2, 2.5, ..., 5).
ERFCX_CENTRE = 3.5
ERFCX_END = 26.7  # beyond it exp(-x**2) has left the normal numbers of float64
ERF_END = 5.93  # from here on erf rounds to 1 in float64


@dataclass(frozen=True)
class Approximation:
    """Coefficients, the constant term first, and the largest relative error after rounding them."""

    name: str
    coefficients: tuple[float, ...]
    error: float


def _relative_error(
    function: Callable[[Any], Any], approximation: Callable[[Any], Any], points: Sequence[Any]
) -> float:
    return float(max(abs(approximation(x) / function(x) - 1) for x in points))


def _chebyshev_nodes(start: Any, end: Any, count: int) -> list[Any]:
    middle, half = (start + end) / 2, (end - start) / 2
    return [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]


def _value(coefficients: Sequence[Any], x: Any) -> Any:
    result = mp.mpf(0)
    for each in reversed(coefficients):
        result = result * x + each
    return result


def polynomial(name: str, function: Callable[[Any], Any], start: Any, end: Any, degree: int) -> Approximation:
    """Approximate a function by a polynomial.

    Parameters
    ----------
    name : str
        What the coefficients are called.
    function : callable
        The function, mpmath number to mpmath number.
    start, end : mpmath.mpf
        The interval.
    degree : int
        The polynomial's degree.

    Returns
    -------
    Approximation
        The coefficients and their error.
    """
    start, end = mp.mpf(start), mp.mpf(end)
    nodes = _chebyshev_nodes(start, end, degree + 1)
    powers = mp.matrix([[x**j for j in range(degree + 1)] for x in nodes])
    coefficients = tuple(float(each) for each in mp.lu_solve(powers, mp.matrix([function(x) for x in nodes])))
    points = _chebyshev_nodes(start, end, CHECKED_POINTS)
    return Approximation(name, coefficients, _relative_error(function, lambda x: _value(coefficients, x), points))


def rational(
    name: str, function: Callable[[Any], Any], start: Any, end: Any, degree: int
) -> tuple[Approximation, Approximation]:
    """Approximate a function by a quotient of two polynomials of the same degree; see `polynomial`."""
    start, end = mp.mpf(start), mp.mpf(end)
    nodes = _chebyshev_nodes(start, end, FIT_POINTS)
    values = [function(x) for x in nodes]
    weights = [mp.mpf(1)] * FIT_POINTS
    numerator: list[Any] = []
    denominator: list[Any] = []
    for _ in range(FIT_ROUNDS):
        system = mp.matrix(FIT_POINTS, 2 * degree + 1)
        for i, (x, value, weight) in enumerate(zip(nodes, values, weights, strict=True)):
            for j in range(degree + 1):
                system[i, j] = weight * x**j / value
            for j in range(1, degree + 1):
                system[i, degree + j] = -weight * x**j
        solution, _residual = mp.qr_solve(system, mp.matrix(weights))
        numerator = [solution[j] for j in range(degree + 1)]
        denominator = [mp.mpf(1)] + [solution[degree + j] for j in range(1, degree + 1)]
        weights = [1 / _value(denominator, x) for x in nodes]
    top, bottom = tuple(map(float, numerator)), tuple(map(float, denominator))

    points = _chebyshev_nodes(start, end, CHECKED_POINTS)
    error = _relative_error(function, lambda x: _value(top, x) / _value(bottom, x), points)
    return Approximation(f"{name}_NUMERATOR", top, error), Approximation(f"{name}_DENOMINATOR", bottom, error)


def _over_root(function: Callable[[Any], Any], at_zero: Any) -> Callable[[Any], Any]:
    """Return f(sqrt(z)) / sqrt(z), the even part of an odd function, for the polynomials in z = x**2."""
    return lambda z: function(mp.sqrt(z)) / mp.sqrt(z) if z else at_zero


def _scaled_erfc(t: Any) -> Any:
    x = ERFCX_CENTRE * (1 + t) / (1 - t)
    return (x + ERFCX_CENTRE) * mp.exp(x * x) * mp.erfc(x)


def approximations() -> list[Approximation]:
    """Work out every table of coefficients.

    Returns
    -------
    list of Approximation
        In the order in which ``elementary.py`` has them.
    """
    with mp.workdps(DIGITS):
        half = mp.mpf("0.50005")  # rounding to an integer may go past the half
        root_2 = mp.sqrt(2) * mp.mpf("1.0001")
        log_end = ((root_2 - 1) / (root_2 + 1)) ** 2
        quarter = mp.pi / 2
        erfcx_end = (mp.mpf(ERFCX_END) - ERFCX_CENTRE) / (mp.mpf(ERFCX_END) + ERFCX_CENTRE)
        twice_atanh = _over_root(lambda s: 2 * mp.atanh(s), mp.mpf(2))
        return [
            polynomial("EXP2", lambda r: 2 * (mp.expm1(r * mp.log(2)) / r if r else mp.log(2)), -half, half, 7),
            polynomial("LOG", twice_atanh, 0, log_end, 6),
            polynomial("LOG1P", twice_atanh, 0, mp.mpf(1) / 9, 7),
            polynomial("ARCTAN", _over_root(mp.atan, mp.mpf(1)), 0, 1, 12),
            *rational("ERF", _over_root(mp.erf, 2 / mp.sqrt(mp.pi)), 0, mp.mpf(ERF_END) ** 2, 8),
            polynomial("ERFCX", _scaled_erfc, -1, erfcx_end, 14),
            polynomial("SIN", _over_root(lambda r: mp.sin(quarter * r), quarter), 0, mp.mpf("0.2501"), 4),
            polynomial("COS", lambda z: mp.cos(quarter * mp.sqrt(z)), 0, mp.mpf("0.2501"), 5),
        ]


def render(approximation: Approximation) -> str:
    """Write a table of coefficients as it stands in ``elementary.py``."""
    numbers = [f"{each!r}," for each in approximation.coefficients]
    rows = ["    " + " ".join(numbers[i : i + PER_LINE]) for i in range(0, len(numbers), PER_LINE)]
    opening = f"_{approximation.name} = (  # relative error {approximation.error:.0e}"
    return "\n".join([opening, *rows, ")  # fmt: skip"])


if __name__ == "__main__":
    sys.stdout.write("\n".join(render(each) for each in approximations()) + "\n")
