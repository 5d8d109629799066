"""Names what is wrong with a derivative, by trying which single repair makes it right.

The order is that of how much a hypothesis explains: a repair that makes the derivative right everywhere
(the other argument, the sign, a constant factor, a constant term, a factor made of x or y) comes before
one that says where it is wrong, and that before "wrong formula".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from actwise.handwritten.known import OtherFunction, other_function
from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.reference import CORE, FAR, BoolArray, Claim, Reference
from actwise.handwritten.regions import Interval, wrong_intervals

Cause = Literal[
    "wrong_convention_expects_x_given_y",
    "wrong_convention_expects_y_given_x",
    "wrong_sign",
    "missing_factor",
    "missing_constant",
    "wrong_formula",
    "wrong_region",
    "elementwise_softmax",
    "not_elementwise",
    "overflow",
    "surrogate_gradient",
    "upstream_forgotten",
    "wrong_upstream",
    "changes_argument",
    "correct",
]

INFORMATIVE = 1e-3
"""Derivatives below this part of the typical size say little about factors."""
VARIES = 1e-3
"""Relative range from which on values count as varying: between two constants, any factor fits."""
NEAR_ZERO = 0.05
"""Where f(x) / x loses its meaning."""
MIN_DIFFERENT = 5
"""Different values that a line or a quadratic must fit to mean something."""
EXACT_FIT = 1e-6
"""Relative residual of a polynomial that is the function, not an approximation."""
JUMP_DISTANCE = 1e-3
JUMP_SLOPE = 20.0
"""A rise over twice the jump distance that is ten times as steep as the function anywhere is a jump."""
SAME = 1e-4
"""Relative difference of numbers that count as equal."""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, with the numbers that repair it.

    Attributes
    ----------
    cause : str
        One of the causes of a wrong derivative.
    factor, constant : float or None
        What to multiply by or to add.
    factor_text : str
        The missing factor where it is no constant, with ``{y}`` for the output and ``{h}`` for f(x)/x.
    term : str
        The term that lacks the factor or the constant, where not the whole derivative does.
    intervals : tuple of (float, float)
        Where the derivative is wrong; empty for everywhere.
    other : OtherFunction or None
        Whose derivative it is instead.
    """

    cause: Cause
    factor: float | None = None
    constant: float | None = None
    factor_text: str = ""
    term: str = ""
    intervals: tuple[Interval, ...] = ()
    other: OtherFunction | None = None


def diagnose(claim: Claim, other: Claim, reference: Reference) -> Diagnosis:
    """Find the repair that makes a wrong derivative right."""
    given_x = claim.called_with == "x"
    if reference.right_everywhere(other.values, other.noise) and not _told_by_jump(claim, reference):
        return Diagnosis("wrong_convention_expects_y_given_x" if given_x else "wrong_convention_expects_x_given_y")
    everywhere = reference.judged & np.isfinite(claim.values)
    argument = reference.points if given_x else reference.output
    found = (
        _constant_factor(claim, reference)
        or _constant_term(claim, reference)
        or _factor_of_x_or_y(claim, reference)
        or _second_term_of_product(claim, reference)
        or _beside_constant(claim, reference)
        or _one_term(claim, reference, argument, everywhere)
    )
    if found:
        return found
    intervals, wrong = wrong_intervals(claim, reference)
    inside = _within(claim, reference, wrong & everywhere, argument) if intervals else None
    # Being 0 where f is flat is no merit: the derivative of tanh for that of its hard form.
    telling = _informative(claim, reference) & ~wrong
    if not inside and not telling.any():
        return Diagnosis("wrong_formula", other=other_function(claim, reference))
    return replace(inside or Diagnosis("wrong_region"), intervals=intervals)


def _told_by_jump(claim: Claim, reference: Reference) -> bool:
    """Whether only a jump of f makes the derivative right given y.

    Where f leaves out a range of outputs, every threshold in the gap tells the two sides apart, so that fitting
    the output is no evidence that the formula was meant for it; its wrong threshold on x is.
    """
    if claim.called_with != "x":
        return False
    intervals, _ = wrong_intervals(claim, reference)
    ends = np.array([end for interval in intervals for end in interval if np.isfinite(end)])
    if not len(ends):
        return False
    jump = np.abs(reference.f(ends + JUMP_DISTANCE) - reference.f(ends - JUMP_DISTANCE))
    return bool(np.any(jump > JUMP_SLOPE * JUMP_DISTANCE * np.max(np.abs(reference.slope[reference.judged]))))


def _constant_factor(claim: Claim, reference: Reference) -> Diagnosis | None:
    factor = _common_ratio(reference.slope, claim.values, _informative(claim, reference))
    if factor is None or not reference.right_everywhere(factor * claim.values, abs(factor) * claim.noise):
        return None
    return Diagnosis("wrong_sign" if abs(factor + 1) < SAME else "missing_factor", factor=factor)


def _constant_term(claim: Claim, reference: Reference) -> Diagnosis | None:
    smooth = _smooth(claim, reference) & (np.abs(reference.points) <= FAR)
    if not smooth.any() or not _varies(reference.slope[smooth], float(np.max(reference.tolerance[smooth]))):
        return None
    constant = float(np.median((reference.slope - claim.values)[smooth]))
    if not reference.right_everywhere(claim.values + constant, claim.noise):
        return None
    return Diagnosis("missing_constant", constant=constant)


def _factor_of_x_or_y(claim: Claim, reference: Reference) -> Diagnosis | None:
    informative = _informative(claim, reference)
    if not _varies(claim.values[informative]):
        return None
    x, y = reference.points, reference.output
    for text, candidate in (("x", x), ("{y}", y), ("(1 - {y})", 1 - y)):
        repaired = claim.values * candidate
        factor = _common_ratio(reference.slope, repaired, informative)
        if factor is not None and reference.right_everywhere(
            factor * repaired, np.abs(factor * candidate) * claim.noise
        ):
            return Diagnosis("missing_factor", factor=factor, factor_text=text)
    return None


def _second_term_of_product(claim: Claim, reference: Reference) -> Diagnosis | None:
    """Where f is x * h(x), its derivative is h + x * h': look for a factor missing in the second term."""
    x, y = reference.points, reference.output
    apart = np.abs(x) >= NEAR_ZERO
    h = y / np.where(apart, x, 1.0)
    expected, got = reference.slope - h, claim.values - h
    informative = _informative(claim, reference) & apart
    small = INFORMATIVE * np.max(np.abs(reference.slope[informative]), initial=0.0)
    informative &= (np.abs(expected) > small) & (np.abs(got) > small)
    if not _varies(got[informative]):
        return None
    for text, candidate in (("", np.ones_like(h)), ("x", x), ("{h}", h), ("(1 - {h})", 1 - h)):
        factor = _common_ratio(expected, got * candidate, informative)
        if factor is None or not (text or abs(factor - 1) > SAME):
            continue
        repaired = h + factor * got * candidate
        right = reference.right(repaired, claim.noise * np.abs(factor * candidate))
        if np.all(right | ~apart | ~reference.judged | (~np.isfinite(claim.values) & (np.abs(x) > FAR))):
            cause: Cause = "missing_factor" if text or abs(factor + 1) > SAME else "wrong_sign"
            return Diagnosis(cause, factor=factor, factor_text=text, term="product")
    return None


def _beside_constant(claim: Claim, reference: Reference) -> Diagnosis | None:
    """Look for a factor missing in all but a constant term: 1 + g where it should be 1 + 2 * g."""
    informative = _informative(claim, reference)
    expected, got = reference.slope[informative], claim.values[informative]
    if len(np.unique(got.round(6))) < MIN_DIFFERENT:
        return None
    deviation = got - got.mean()
    factor = float(deviation @ expected / (deviation @ deviation))
    constant = float(expected.mean() - factor * got.mean()) / (1 - factor) if abs(factor - 1) > SAME else 0.0
    simple = round(4 * constant) / 4
    if factor < SAME or not simple or abs(constant - simple) > SAME:
        return None
    if not reference.right_everywhere(simple + factor * (claim.values - simple), factor * claim.noise):
        return None
    return Diagnosis("missing_factor", factor=factor, term=f"constant {simple:g}")


def _one_term(claim: Claim, reference: Reference, argument: FloatArray, where: BoolArray) -> Diagnosis | None:
    """Compare term by term where both derivatives are polynomials of what the derivative is given."""
    chosen = where & ~reference.kinked & (np.abs(reference.points) <= CORE)
    got = quadratic(argument[chosen], claim.values[chosen])
    expected = quadratic(argument[chosen], reference.slope[chosen])
    if got is None or expected is None or not (got[1:].any() and expected.any()):
        return None
    differs = np.abs(got - expected) > SAME * np.max(np.abs(expected))
    if differs.sum() != 1:
        return None
    power = int(np.argmax(differs))
    if power == 0:
        return Diagnosis("missing_constant", constant=float(expected[0] - got[0]))
    if not abs(got[power]) > SAME * np.max(np.abs(expected)) or expected[power] / got[power] < SAME:
        return None
    term = claim.called_with if power == 1 else f"{claim.called_with}**2"
    return Diagnosis("missing_factor", factor=float(expected[power] / got[power]), term=term)


def _within(claim: Claim, reference: Reference, where: BoolArray, argument: FloatArray) -> Diagnosis | None:
    """The repair of a wrong part; two constants have a factor and a difference without meaning anything."""
    if not _varies(claim.values[where]):
        return None
    expected, got, noise = reference.slope, claim.values, claim.noise
    factor = _common_ratio(expected, got, where & _informative(claim, reference))
    if factor is not None and factor > 0 and np.all(reference.right(factor * got, factor * noise)[where]):
        return Diagnosis("missing_factor", factor=factor)
    constant = float(np.median((expected - got)[where]))
    if np.all(reference.right(got + constant, noise)[where]):
        return Diagnosis("missing_constant", constant=constant)
    return _one_term(claim, reference, argument, where)


def _smooth(claim: Claim, reference: Reference) -> BoolArray:
    return reference.judged & ~reference.kinked & np.isfinite(claim.values)


def _informative(claim: Claim, reference: Reference) -> BoolArray:
    smooth = _smooth(claim, reference) & (np.abs(reference.points) <= FAR)
    size = np.abs(reference.slope)
    typical = float(np.quantile(size[smooth], 0.9)) if smooth.any() else 0.0
    return smooth & (size > INFORMATIVE * typical)


def _common_ratio(expected: FloatArray, got: FloatArray, where: BoolArray) -> float | None:
    usable = where & (got != 0)
    return float(np.median(expected[usable] / got[usable])) if usable.any() else None


def _varies(values: FloatArray, noise: float = 0.0) -> bool:
    return len(values) > 1 and float(np.ptp(values)) > max(VARIES * float(np.max(np.abs(values))), noise)


def quadratic(argument: FloatArray, values: FloatArray) -> FloatArray | None:
    """Coefficients of 1, t and t**2 where a quadratic fits all values and all of t is seen, else None."""
    if len(np.unique(argument.round(6))) < MIN_DIFFERENT:
        return None
    terms = argument[:, None] ** np.arange(3)
    coefficients = np.linalg.lstsq(terms, values, rcond=None)[0]
    largest = np.max(np.abs(values))
    coefficients[np.abs(coefficients) * np.max(np.abs(terms), axis=0) <= EXACT_FIT * largest] = 0.0
    fits = np.max(np.abs(terms @ coefficients - values)) <= 2 * EXACT_FIT * largest
    return np.asarray(coefficients, np.float64) if fits else None
