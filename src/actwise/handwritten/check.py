"""Checks a derivative that a user wrote by hand, as it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal

import numpy as np

from actwise.errors import InputError
from actwise.handwritten.calls import FloatingArray, UserFunction, user_function
from actwise.handwritten.causes import Cause, Diagnosis, diagnose, quadratic
from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.overflow import overflow_points
from actwise.handwritten.reference import (
    CORE,
    ROUND_MAGNITUDES,
    Claim,
    Reference,
    claim_of,
    probe_points,
    reference_of,
    require_judgeable,
    slopes_at,
)
from actwise.handwritten.regions import Interval
from actwise.handwritten.vector import VECTORS, check_vector_derivative, is_elementwise
from actwise.handwritten.words import Evidence, explain, explain_vector, polynomial

TRIAL_INPUT = np.array([1.0, 2.0, -1.0])
"""What functions are tried on first: both signs, no repetition."""
SMALLEST_SHOWN = 0.05
"""A first wrong point nearer to zero is hard to follow by hand."""
SMALL_DERIVATIVE = 1e-3
"""Errors are relative to the derivative, but at least to this part of its typical size."""
CONSTANT_SLOPE = 1e-6
N_NUMBERS = 7000
"""How many numbers a function is called with, about."""
PATIENCE = 120.0
"""Seconds."""


@dataclass(frozen=True)
class DerivativeReport:
    """What `check_derivative` found.

    Attributes
    ----------
    verdict : {"correct", "wrong"}
        Whether the derivative is right as it is called.
    cause : str
        ``correct``, ``wrong_convention_expects_x_given_y``, ``wrong_convention_expects_y_given_x``,
        ``wrong_sign``, ``missing_factor``, ``missing_constant``, ``wrong_region``, ``wrong_formula``,
        ``elementwise_softmax`` or ``overflow``.
    called_with : {"x", "y"}
        What the derivative is given: the pre-activation x or the output y = f(x).
    first_wrong_at : float, tuple of float, or None
        The wrong pre-activation nearest to 0; for a function of a whole vector, that vector.
    expected, got : float, tuple of float, or None
        The derivative there, and what the user's function returned.
    largest_relative_error : float or None
        Over all judged points, relative to the derivative's typical size where it is near 0.
    factor, constant : float or None
        What to multiply the derivative by, or to add to it, where that is the repair.
    wrong_intervals : tuple of (low, high)
        Where it is wrong, if it is right elsewhere.
    n_points : int
        How many points were judged.
    explanation : str
        All of it in words, with the corrected line of code; also ``str(report)``.
    """

    verdict: Literal["correct", "wrong"]
    cause: Cause
    called_with: str
    first_wrong_at: float | tuple[float, ...] | None
    expected: float | tuple[float, ...] | None
    got: float | tuple[float, ...] | None
    largest_relative_error: float | None
    factor: float | None
    constant: float | None
    wrong_intervals: tuple[Interval, ...]
    n_points: int
    explanation: str

    @property
    def correct(self) -> bool:
        """Whether the verdict is "correct"."""
        return self.verdict == "correct"

    def __str__(self) -> str:
        return self.explanation


@np.errstate(all="ignore")  # large values overflow in quotients, a repair tried may multiply 0 and infinity
def check_derivative(
    f: Callable[[Any], Any], df: Callable[[Any], Any], called_with: Literal["x", "y"] = "x"
) -> DerivativeReport:
    """Check a hand-written derivative of an activation function, as it is called.

    The derivative is judged by its values alone, never by its text or the names in it: `x * (1 - x)` is the
    right derivative of the sigmoid where it is given the sigmoid's output.

    Parameters
    ----------
    f : callable
        The activation. It may take NumPy arrays or single numbers, and may be a function of a whole vector such as
        softmax.
    df : callable
        Its derivative, as written. For a function of a whole vector it may return the Jacobian matrix.
    called_with : {"x", "y"}
        What the program passes to `df`: the pre-activation x, or the output y = f(x).

    Returns
    -------
    DerivativeReport
        With `.verdict`, `.cause` and `.first_wrong_at`; `str(report)` explains.

    Raises
    ------
    InputError
        If one of the functions cannot be called, returns something else than numbers of the input's shape, is random,
        or is too rough for its derivative to be told.

    Notes
    -----
    The truth is Richardson's extrapolation of difference quotients of `f` in float64, with a bound on its error, at
    about 150 points from -100 to 100, those that people use as thresholds included. At a kink every value between the
    one-sided derivatives is right, and so is 0. Infinities and NaN are looked for in float32, too.

    Examples
    --------
    The textbook derivative of the sigmoid expects the pre-activation. Called with the output it gives the
    derivative at a value that was squashed twice:

    >>> import numpy as np
    >>> def sigmoid(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> def sigmoid_prime(x):
    ...     return sigmoid(x) * (1 - sigmoid(x))
    >>> report = check_derivative(sigmoid, sigmoid_prime, called_with="y")
    >>> report.verdict, report.cause
    ('wrong', 'wrong_convention_expects_x_given_y')
    >>> print(report)
    Wrong: sigmoid_prime expects the pre-activation x, but it is called with the output y = sigmoid(x).
    At x = 0.05 the derivative is 0.249844; sigmoid_prime(sigmoid(0.05)) gives 0.234277.
    Keep x and write `sigmoid_prime(x)`, or compute the derivative from the output: `y * (1 - y)`.
    >>> check_derivative(sigmoid, sigmoid_prime, called_with="x").verdict
    'correct'

    Given the output, `y * (1 - y)` is right, whatever its argument is called:

    >>> check_derivative(sigmoid, lambda x: x * (1 - x), called_with="y").verdict
    'correct'
    """
    if called_with not in ("x", "y"):
        raise InputError(
            f'called_with must be "x" (df is given the pre-activation) or "y" (df is given f(x)), not {called_with!r}'
        )
    activation = user_function(f, "f", TRIAL_INPUT)
    _refuse_random_or_slow(activation, TRIAL_INPUT)
    if not is_elementwise(activation, TRIAL_INPUT):
        derivative = user_function(df, "df", TRIAL_INPUT, activation)
        return _vector_report(activation, derivative, called_with)
    trial = TRIAL_INPUT if called_with == "x" else activation(TRIAL_INPUT)
    derivative = user_function(df, "df", trial, activation)
    _refuse_random_or_slow(derivative, trial)
    is_elementwise(derivative, trial)  # refuses one number for all
    reference = reference_of(activation, probe_points())
    require_judgeable(reference)
    claim = claim_of(derivative, reference, called_with)
    wrong = reference.judged & ~reference.right(claim.values, claim.noise)
    overflow = overflow_points(claim, reference)
    if len(overflow):
        return _report(Diagnosis("overflow"), claim, reference, float(overflow[0]))
    if not wrong.any():
        return _report(Diagnosis("correct"), claim, reference, None)
    other = claim_of(derivative, reference, "y" if called_with == "x" else "x")
    return _report(diagnose(claim, other, reference), claim, reference, _first(reference.points[wrong]))


def _refuse_random_or_slow(function: UserFunction, sample: FloatingArray) -> None:
    start = perf_counter()
    if not np.array_equal(function(sample), function(sample), equal_nan=True):
        raise InputError(
            f"{function.name} returns different values for the same input; fix its random numbers or leave them out"
        )
    seconds = (perf_counter() - start) / 2 / len(sample)
    if function.mode == "scalar" and seconds * N_NUMBERS > PATIENCE:
        raise InputError(
            f"{function.name} takes {seconds:.1g} s for one number and is needed for thousands; let it take a NumPy "
            "array, so that one call does for all"
        )


def _first(points: FloatArray) -> float:
    """The point nearest to 0, a round one that is not too small if there is one, the positive of two."""
    shown = points[np.isin(np.abs(points), ROUND_MAGNITUDES) & (np.abs(points) >= SMALLEST_SHOWN)]
    candidates = shown if len(shown) else points
    return float(candidates[np.lexsort((-candidates, np.abs(candidates)))[0]])


def _report(diagnosis: Diagnosis, claim: Claim, reference: Reference, at: float | None) -> DerivativeReport:
    judged = reference.judged & np.isfinite(claim.values)
    size = np.abs(reference.slope)
    typical = float(np.quantile(size[judged], 0.9)) if judged.any() else 0.0
    relative = reference.excess(claim.values) / np.maximum(size, max(SMALL_DERIVATIVE * typical, np.finfo(float).tiny))
    error = float(np.max(relative[judged], initial=0.0))
    expected = got = output = None
    if at is not None:
        here = slopes_at(reference.f, np.array([at]))
        expected, output = float(here.slope[0]), reference.f(np.array([at], np.float32))[0]
        got = float(claim.at(np.array([at]), reference.f)[0])
    inside = _inside(reference, diagnosis.intervals)
    evidence = Evidence(
        f=reference.f.name,
        df=claim.derivative.name,
        called_with=claim.called_with,
        at=at,
        expected=expected,
        got=got,
        n_points=int(reference.judged.sum()),
        from_output=_formula_from_output(reference),
        slope_inside=float(np.median(inside)) if len(inside) and np.ptp(inside) <= CONSTANT_SLOPE else None,
        output_finite=output is None or bool(np.isfinite(output)),
    )
    return DerivativeReport(
        verdict="correct" if diagnosis.cause == "correct" else "wrong",
        cause=diagnosis.cause,
        called_with=claim.called_with,
        first_wrong_at=at,
        expected=expected,
        got=got,
        largest_relative_error=error,
        factor=diagnosis.factor,
        constant=diagnosis.constant,
        wrong_intervals=diagnosis.intervals,
        n_points=evidence.n_points,
        explanation=explain(diagnosis, evidence),
    )


def _inside(reference: Reference, intervals: tuple[Interval, ...]) -> FloatArray:
    """The true derivative at the smooth points within the intervals."""
    smooth = reference.judged & ~reference.kinked
    within = np.zeros(len(smooth), bool)
    for low, high in intervals:
        within |= (reference.points > low) & (reference.points < high)
    return reference.slope[smooth & within]


def _formula_from_output(reference: Reference) -> str:
    """The derivative as a formula in y, where it is a polynomial of degree two in y."""
    smooth = reference.judged & ~reference.kinked & (np.abs(reference.points) <= CORE)
    coefficients = quadratic(reference.output[smooth], reference.slope[smooth])
    return "" if coefficients is None else polynomial(coefficients)


def _vector_report(f: UserFunction, derivative: UserFunction, called_with: Literal["x", "y"]) -> DerivativeReport:
    finding = check_vector_derivative(f, derivative, called_with)
    wrong = finding.point is not None
    return DerivativeReport(
        verdict="wrong" if wrong else "correct",
        cause=finding.cause,
        called_with=called_with,
        first_wrong_at=tuple(finding.point.tolist()) if finding.point is not None else None,
        expected=tuple(finding.expected.tolist()) if wrong else None,
        got=tuple(finding.got.tolist()) if wrong else None,
        largest_relative_error=finding.error,
        factor=finding.factor,
        constant=None,
        wrong_intervals=(),
        n_points=len(VECTORS),
        explanation=explain_vector(
            finding.cause,
            f.name,
            derivative.name,
            finding.point,
            finding.expected,
            finding.got,
            finding.factor,
        ),
    )
