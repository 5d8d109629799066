"""Checks a derivative that a user wrote by hand, as it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Literal

import numpy as np

from actwise.errors import InputError
from actwise.handwritten.calls import FloatingArray, UserFunction, overwrites, user_function
from actwise.handwritten.causes import Cause, Diagnosis, diagnose, quadratic
from actwise.handwritten.forms import Form, find_form
from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.overflow import function_overflow, overflow_points
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
from actwise.handwritten.steps import N_CELLS, REACH, Steps, judge_rounded, steps_of
from actwise.handwritten.vector import VECTORS, check_vector_derivative, is_elementwise
from actwise.handwritten.words import SAFE, Evidence, explain, explain_vector, polynomial, vector

TRIAL_INPUT = np.array([1.0, 2.0, -1.0])
"""What functions are tried on first: both signs, no repetition."""
SMALLEST_SHOWN = 0.05
"""A first wrong point nearer to zero is hard to follow by hand."""
SMALL_DERIVATIVE = 1e-3
"""Errors are relative to the derivative, but at least to this part of its typical size."""
CONSTANT_SLOPE = 1e-6
UPSTREAM_TRIED = np.array([1.0, -0.5, 0.3, -2.0, 0.7, -1.1, 1.6, -0.2, 2.5, 0.4, -0.9, -1.7, 0.1])
SAME_PRODUCT = 1e-5
LARGEST_MATRIX = 64
"""Rows of the Jacobian matrices that an elementwise derivative is asked for at once."""
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
        ``overflow`` (not finite, or without meaning in
        float32), ``changes_argument`` (a function overwrites the array that it is given), ``surrogate_gradient`` (the
        function is a step, whose derivative is 0), ``elementwise_softmax``, ``not_elementwise`` (each output depends on
        all inputs), ``upstream_forgotten`` or ``wrong_upstream`` (the gradient from above is not multiplied in).
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
    other_function : str
        The activation of the catalogue whose derivative it is, if that is another than `f`; else empty.
    notes : tuple of str
        What is worth knowing of the function itself: that it overflows, or moves in steps. Part of `explanation`.
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
    other_function: str = ""
    notes: tuple[str, ...] = ()

    @property
    def correct(self) -> bool:
        """Whether the verdict is "correct"."""
        return self.verdict == "correct"

    def __str__(self) -> str:
        return self.explanation


@np.errstate(all="ignore")  # large values overflow in quotients, a repair tried may multiply 0 and infinity
def check_derivative(
    f: Callable[..., Any], df: Callable[..., Any], called_with: Literal["x", "y"] = "x"
) -> DerivativeReport:
    """Check a hand-written derivative of an activation function, as it is called.

    The derivative is judged by its values alone, never by its text or the names in it: `x * (1 - x)` is the
    right derivative of the sigmoid where it is given the sigmoid's output.

    Parameters
    ----------
    f : callable
        The activation. It may take NumPy arrays, single numbers or tensors of PyTorch or JAX, may be a function of a
        whole vector such as softmax, and may return a cache beside its output. A layer with `forward` and `backward`
        and a ``torch.autograd.Function`` are taken, too.
    df : callable
        Its derivative, as written. It may take the upstream gradient as a second argument, ``df(y, g)`` or
        ``backward(g, cache)``, or be the ``backward(g)`` of a layer; for a function of a whole vector it may return the
        Jacobian matrix. Where it is `f` itself, the gradient that PyTorch or JAX computes is checked, or
        ``f(x, deriv=True)``.
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
    one-sided derivatives is right, and so is 0. Infinities, NaN and lost values are looked for in float32, too. A
    function that is rounded is compared with the sum of its derivative instead.

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
    form = find_form(f, df, called_with, TRIAL_INPUT)
    activation = user_function(form.f, form.f_name, TRIAL_INPUT)
    _refuse_random_or_slow(activation, TRIAL_INPUT)
    elementwise = is_elementwise(activation, TRIAL_INPUT)
    trial = TRIAL_INPUT if form.called_with == "x" else activation(TRIAL_INPUT)
    derivative = user_function(form.slope, form.df_name, trial, activation)
    if not elementwise:
        return _vector_report(activation, derivative, form)
    derivative = _diagonal(derivative, trial)
    _refuse_random_or_slow(derivative, trial)
    is_elementwise(derivative, trial)  # refuses one number for all
    if (steps := steps_of(activation)) is not None and not steps.large:
        return _rounded_report(activation, derivative, form, steps)
    reference = reference_of(activation, probe_points())
    require_judgeable(reference)
    claim = claim_of(derivative, reference, form.called_with)
    found, at = _judged(claim, reference, form, steps is not None)
    return _report(found, claim, reference, at, form, _notes(activation, found.cause, steps))


def _judged(claim: Claim, reference: Reference, form: Form, steps: bool) -> tuple[Diagnosis, float | None]:
    """What is wrong with a derivative, and the point that shows it."""
    upstream = _upstream(claim.derivative, form, reference.f) if form.step_back is not None else None
    if upstream is not None:
        return upstream, None
    wrong = reference.judged & ~reference.right(claim.values, claim.noise)
    overflow = overflow_points(claim, reference)
    if len(overflow):
        return Diagnosis("overflow"), float(overflow[0])
    if not wrong.any():
        changed = any(overwrites(each, TRIAL_INPUT) for each in (reference.f, claim.derivative))
        return Diagnosis("changes_argument" if changed else "correct"), None
    at = _first(reference.points[wrong])
    if steps:
        return Diagnosis("surrogate_gradient"), at
    other = claim_of(claim.derivative, reference, "y" if claim.called_with == "x" else "x")
    return diagnose(claim, other, reference), at


def _upstream(derivative: UserFunction, form: Form, f: UserFunction) -> Diagnosis | None:
    """Whether a step back multiplies the upstream gradient by the derivative, number by number."""
    x = np.linspace(-3.0, 3.0, len(UPSTREAM_TRIED))
    given = x if form.called_with == "x" else np.asarray(f(x), np.float64)
    slopes = np.asarray(derivative(given), np.float64)
    got = np.asarray(form.pull(f, given, UPSTREAM_TRIED), np.float64).reshape(x.shape)
    slack = SAME_PRODUCT * float(np.max(np.abs(slopes))) * float(np.max(np.abs(UPSTREAM_TRIED)))
    if np.all(~np.isfinite(slopes) | (np.abs(got - UPSTREAM_TRIED * slopes) <= slack)):
        return None
    if np.all(~np.isfinite(slopes) | (np.abs(got - slopes) <= slack)):
        return Diagnosis("upstream_forgotten")
    positive = UPSTREAM_TRIED > 0
    masked = np.all(np.abs(got - UPSTREAM_TRIED * slopes)[positive] <= slack) and not got[~positive].any()
    return Diagnosis("wrong_upstream", term="mask" if masked else "")


def _diagonal(derivative: UserFunction, trial: FloatingArray) -> UserFunction:
    """The diagonal of a derivative that returns the Jacobian matrix of an elementwise function."""
    matrix = derivative.raw(trial) if derivative.mode == "array" else np.empty(0)
    n = len(trial)
    if matrix.shape != (n, n) or not np.array_equal(matrix, np.diag(np.diag(matrix))):
        return derivative

    def diagonal(x: FloatingArray) -> FloatingArray:
        pieces = np.array_split(x, max(1, len(x) // LARGEST_MATRIX))
        return np.concatenate([np.diag(np.asarray(derivative.function(each.copy()))) for each in pieces])

    return UserFunction(diagonal, derivative.name, "array")


def _notes(f: UserFunction, cause: Cause, steps: Steps | None) -> tuple[str, ...]:
    """What the function itself does that the person should know."""
    found = []
    overflow = function_overflow(f) if steps is None and cause != "overflow" else np.empty(0)
    if len(overflow):
        found.append(
            f"{f.name} itself overflows at x = {overflow[0]:g}{_precision(f, overflow[0])}: rewrite it so that exp is "
            "given no large number."
        )
    if steps is not None and cause == "correct":
        found.append(
            f"{f.name} is flat between its steps: with this derivative no gradient reaches the weights before it."
            if steps.large
            else f"{f.name} moves in steps of {steps.height:.3g}; its derivative is judged as well as these allow."
        )
    return tuple(found)


def _precision(f: UserFunction, at: float) -> str:
    return " in float32" if np.isfinite(f(np.array([at]))[0]) else ""


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


def _report(
    diagnosis: Diagnosis, claim: Claim, reference: Reference, at: float | None, form: Form, notes: tuple[str, ...]
) -> DerivativeReport:
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
        if diagnosis.cause == "overflow" and np.isfinite(got):
            got = float(claim.at(np.array([at], np.float32), reference.f)[0])
    inside = _inside(reference, diagnosis.intervals)
    changed = [each.name for each in (reference.f, claim.derivative) if overwrites(each, TRIAL_INPUT)]
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
        is_step_back=form.step_back is not None,
        changed=changed[0] if changed else "",
    )
    return _written(diagnosis, evidence, at, expected, got, error, notes)


def _written(
    diagnosis: Diagnosis,
    evidence: Evidence,
    at: float | None,
    expected: float | None,
    got: float | None,
    error: float,
    notes: tuple[str, ...],
) -> DerivativeReport:
    return DerivativeReport(
        verdict="correct" if diagnosis.cause == "correct" else "wrong",
        cause=diagnosis.cause,
        called_with=evidence.called_with,
        first_wrong_at=at,
        expected=expected,
        got=got,
        largest_relative_error=error,
        factor=diagnosis.factor,
        constant=diagnosis.constant,
        wrong_intervals=diagnosis.intervals,
        n_points=evidence.n_points,
        explanation="\n".join([explain(diagnosis, evidence), *notes]),
        other_function=diagnosis.other.name if diagnosis.other else "",
        notes=notes,
    )


def _rounded_report(f: UserFunction, derivative: UserFunction, form: Form, steps: Steps) -> DerivativeReport:
    """Judge the derivative of a function that moves in small steps."""
    own, other = (
        Claim(derivative, called_with, np.empty(0), np.empty(0))
        for called_with in (form.called_with, "y" if form.called_with == "x" else "x")
    )
    upstream = _upstream(derivative, form, f) if form.step_back is not None else None
    found, at, expected, got = judge_rounded(own, other, f, steps)
    changed = [each.name for each in (f, derivative) if overwrites(each, TRIAL_INPUT)]
    if upstream is not None:
        found = upstream
    elif found.cause == "correct" and changed:
        found = Diagnosis("changes_argument")
    right = found.cause in ("correct", "changes_argument") or upstream is not None
    evidence = Evidence(
        f=f.name,
        df=derivative.name,
        called_with=form.called_with,
        at=None if right else at,
        expected=expected,
        got=got,
        n_points=N_CELLS,
        reach=REACH,
        from_output="",
        slope_inside=None,
        output_finite=True,
        is_step_back=form.step_back is not None,
        changed=changed[0] if changed else "",
    )
    notes = _notes(f, found.cause, steps)
    if right:
        return _written(found, evidence, None, None, None, 0.0, notes)
    error = abs(got - expected) / max(abs(expected), steps.height)
    return _written(found, evidence, at, expected, got, error, notes)


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
    if coefficients is None:
        return ""
    y = reference.output
    right = reference.right(coefficients[0] + y * (coefficients[1] + y * coefficients[2]))
    return polynomial(coefficients) if np.all(right | ~reference.judged) else ""


def _vector_report(f: UserFunction, derivative: UserFunction, form: Form) -> DerivativeReport:
    finding = check_vector_derivative(f, derivative, form)
    changed = [each.name for each in (f, derivative) if overwrites(each, TRIAL_INPUT)]
    if finding.cause == "correct" and changed:
        finding = replace(finding, cause="changes_argument")
    wrong = finding.point is not None
    notes: tuple[str, ...] = ()
    if finding.f_overflows and finding.cause != "overflow":
        notes = (f"{f.name} itself is not finite at x = {vector(finding.f_overflows)} in float32. {SAFE}.",)
    return DerivativeReport(
        verdict="correct" if finding.cause == "correct" else "wrong",
        cause=finding.cause,
        called_with=form.called_with,
        first_wrong_at=tuple(finding.point.tolist()) if finding.point is not None else None,
        expected=tuple(finding.expected.tolist()) if wrong else None,
        got=tuple(finding.got.tolist()) if wrong else None,
        largest_relative_error=finding.error,
        factor=finding.factor,
        constant=None,
        wrong_intervals=(),
        n_points=len(VECTORS),
        explanation="\n".join([explain_vector(finding, f.name, derivative.name, form, *changed[:1]), *notes]),
        notes=notes,
    )
