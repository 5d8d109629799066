"""Judges derivatives of functions in which each output depends on all inputs, such as softmax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actwise.errors import InputError
from actwise.handwritten.calls import FloatingArray, UserFunction
from actwise.handwritten.causes import Cause
from actwise.handwritten.forms import Form
from actwise.handwritten.numeric import FloatArray, differentiate, resolution_of
from actwise.handwritten.words import number

VECTORS = np.array([[1.0, 2.0, -1.0], [0.3, -0.7, 1.9], [-2.0, 0.5, 4.0], [0.02, -0.01, 0.03], [0.31, 0.3, 0.285]])
"""The last two have entries so near that a softmax of low temperature is not saturated."""
FAR_VECTORS = np.array([[100.0, 1.0, -80.0], [-95.0, -90.0, 2.0], [60.0, 90.0, 89.0]])
UPSTREAM = np.array([1.0, -0.5, 0.3])
"""The gradient with respect to the outputs by which an elementwise derivative is multiplied."""
TOLERANCE = 1e-5
ERROR_MARGIN = 5.0
"""Of the bound on the error of the numerical Jacobian, which is large where `f` works in float32."""
LARGEST_ERROR = 1e-3
"""Relative to the largest entry at any vector: no function is excused more."""
ROUNDING = 64.0
"""Units in the last place: vectorised exponentials may differ by some, and a right formula may lose some."""
COUPLED = 1e-9
FAR_ERROR = 0.1
"""In float32, what is off by more of its size has lost its meaning, not its digits."""


@dataclass(frozen=True)
class RowFunction:
    """A well-known function of a row.

    Attributes
    ----------
    step_back, jacobian : str
        Both as code in x, y, the upstream gradient g, n and s, the number that x - mean(x) is divided by.
    """

    name: str
    step_back: str
    jacobian: str
    matrix: Callable[[FloatArray, FloatArray], FloatArray]


def _spread(x: FloatArray, y: FloatArray) -> float:
    return float(np.std(x) / np.std(y))


ROW_FUNCTIONS = (
    RowFunction("softmax", "y * (g - np.sum(g * y))", "np.diag(y) - np.outer(y, y)",
                lambda x, y: np.diag(y) - np.outer(y, y)),
    RowFunction("log-softmax", "g - np.exp(y) * np.sum(g)", "np.eye(n) - np.exp(y)",
                lambda x, y: np.eye(len(x)) - np.exp(y)),
    RowFunction("standardising", "(g - np.mean(g) - y * np.mean(g * y)) / s",
                "(np.eye(n) - 1 / n - np.outer(y, y) / n) / s",
                lambda x, y: (np.eye(len(x)) - 1 / len(x) - np.outer(y, y) / len(x)) / _spread(x, y)),
    RowFunction("standardising with n - 1", "(g - np.mean(g) - y * np.sum(g * y) / (n - 1)) / s",
                "(np.eye(n) - 1 / n - np.outer(y, y) / (n - 1)) / s",
                lambda x, y: (np.eye(len(x)) - 1 / len(x) - np.outer(y, y) / (len(x) - 1)) / _spread(x, y)),
    RowFunction("division by the Euclidean norm", "(g - y * np.sum(g * y)) / np.linalg.norm(x)",
                "(np.eye(n) - np.outer(y, y)) / np.linalg.norm(x)",
                lambda x, y: (np.eye(len(x)) - np.outer(y, y)) / np.linalg.norm(x)),
    RowFunction("division by the sum", "(g - np.sum(g * y)) / np.sum(x)", "(np.eye(n) - y[:, None]) / np.sum(x)",
                lambda x, y: (np.eye(len(x)) - y[:, None]) / np.sum(x)),
    RowFunction("subtraction of the mean", "g - np.mean(g)", "np.eye(n) - 1 / n",
                lambda x, y: np.eye(len(x)) - 1 / len(x)),
)  # fmt: skip


@dataclass(frozen=True)
class Jacobian:
    """The matrix of d f_i / d x_j at a vector, shape (n, n), and how far off the entries of a right one may be."""

    matrix: FloatArray
    tolerance: float


@dataclass(frozen=True)
class VectorFinding:
    """What is wrong with the derivative of a function of a whole vector.

    Attributes
    ----------
    cause : str
        As in `DerivativeReport`.
    point : array, shape (n,), or None
        The first vector at which it is wrong.
    expected, got : array, shape (n,)
        The gradient with respect to the input for the upstream gradient (1, -0.5, 0.3).
    error : float
        Largest error relative to the largest entry of the Jacobian.
    factor : float or None
        What to multiply the Jacobian by.
    what : str
        The mistake in words, where the cause alone does not say it.
    row_function, line : str
        Which well-known function f is, and the right step back, tried on f.
    f_overflows : tuple of float
        The vector at which f itself is not finite.
    """

    cause: Cause
    point: FloatArray | None
    expected: FloatArray
    got: FloatArray
    error: float
    factor: float | None = None
    what: str = ""
    row_function: str = ""
    line: str = ""
    f_overflows: tuple[float, ...] = ()


def is_elementwise(f: UserFunction, sample: FloatingArray) -> bool:
    """Whether each output depends on the input at its own place alone."""
    if f.mode == "scalar":
        return True
    together = f(sample)
    tolerance = max(COUPLED, ROUNDING * resolution_of(together))
    coupled = False
    for place in range(len(sample)):
        moved = sample.copy()
        moved[place] += 1.0
        others = np.arange(len(sample)) != place
        now, before = f(moved)[others], together[others]
        with np.errstate(invalid="ignore"):
            differs = np.abs(now - before) > tolerance * np.maximum(np.abs(now), np.abs(before))
        coupled |= bool(np.any(differs | (np.isfinite(now) != np.isfinite(before))))
    if coupled and f.raw(sample).shape == ():
        raise InputError(
            f"{f.name} returned one number for a vector of {len(sample)}; return one number for each input"
        )
    return not coupled


@dataclass(frozen=True)
class _Judge:
    """The user's two functions at the vectors, and the numerical Jacobians."""

    f: UserFunction
    derivative: UserFunction
    form: Form

    @cached_property
    def jacobians(self) -> list[Jacobian]:
        slopes = [_slopes(self.f, vector) for vector in VECTORS]
        largest = max(float(np.max(np.abs(matrix))) for matrix, _ in slopes)
        values = [np.asarray(self.f(vector)) for vector in VECTORS]
        rounding = [ROUNDING * resolution_of(each) * float(np.max(np.abs(each))) for each in values]
        return [
            Jacobian(matrix, TOLERANCE * float(np.max(np.abs(matrix)))
                     + ERROR_MARGIN * min(error, LARGEST_ERROR * largest) + lost)
            for (matrix, error), lost in zip(slopes, rounding, strict=True)
        ]  # fmt: skip

    def given(self, vector: FloatingArray, called_with: str) -> FloatArray:
        """What the derivative returns at a vector: a matrix (n, n), or values (n,) to multiply elementwise."""
        n = len(vector)
        argument = vector if called_with == "x" else np.asarray(self.f(vector), vector.dtype)
        if self.form.step_back is not None:
            rows = [self.form.pull(self.f, argument, row) for row in np.eye(n)]
            return np.array([np.asarray(row, np.float64).reshape(n) for row in rows])
        result: NDArray[Any] = self.derivative.raw(argument)
        if result.shape == (n, 1, n) or (result.ndim == 3 and result.shape[0] == 1):
            result = result.reshape(n, n) if result.size == n * n else result
        if result.shape in ((), (n,), (n, n)):
            return np.asarray(result if result.ndim == 2 else np.broadcast_to(result, (n,)), np.float64)
        raise InputError(
            f"{self.derivative.name} returned an array of shape {result.shape} for a vector of {n}; "
            f"return the Jacobian matrix of shape ({n}, {n}), or take the upstream gradient: df(y, g)"
        )

    def agree(self, matrices: list[FloatArray]) -> bool:
        return all(
            matrix.shape == jacobian.matrix.shape and np.max(np.abs(matrix - jacobian.matrix)) <= jacobian.tolerance
            for matrix, jacobian in zip(matrices, self.jacobians, strict=True)
        )


def check_vector_derivative(f: UserFunction, derivative: UserFunction, form: Form) -> VectorFinding:
    """Compare a Jacobian matrix, a step back or an elementwise derivative with the numerical Jacobian of `f`."""
    judge = _Judge(f, derivative, form)
    given = [judge.given(vector, form.called_with) for vector in VECTORS]
    expected = [UPSTREAM @ jacobian.matrix for jacobian in judge.jacobians]
    if given[0].ndim == 1:
        return _finding(judge, "not_elementwise", expected, [UPSTREAM * values for values in given])
    if form.step_back is not None:
        arguments = [vector if form.called_with == "x" else np.asarray(f(vector), np.float64) for vector in VECTORS]
        pulled = [np.asarray(form.pull(f, each, UPSTREAM), np.float64) for each in arguments]
        twice = [np.asarray(form.pull(f, each, 2 * UPSTREAM), np.float64) for each in arguments]
        if _differ(judge, twice, [2 * each for each in pulled]):
            forgotten = not _differ(judge, twice, pulled)
            what = (
                "forgets the upstream gradient: it returns the same for every g"
                if forgotten
                else "is not proportional to the upstream gradient: twice the g must give twice the result"
            )
            return _finding(judge, "upstream_forgotten" if forgotten else "wrong_formula", expected, pulled, what=what)
    return _check_matrices(judge, given, expected)


def _differ(judge: _Judge, one: list[FloatArray], other: list[FloatArray]) -> bool:
    return any(
        bool(np.max(np.abs(a - b)) > jacobian.tolerance)
        for a, b, jacobian in zip(one, other, judge.jacobians, strict=True)
    )


def _check_matrices(judge: _Judge, given: list[FloatArray], expected: list[FloatArray]) -> VectorFinding:
    form = judge.form
    got = [UPSTREAM @ matrix for matrix in given]
    if judge.agree(given):
        return _far(judge) or _finding(judge, "correct", expected, got)
    other = "y" if form.called_with == "x" else "x"
    truth, claimed = np.concatenate([each.matrix for each in judge.jacobians]), np.concatenate(given)
    factor = float(np.sum(truth * claimed) / np.sum(claimed * claimed)) if claimed.any() else 0.0
    if judge.agree([judge.given(vector, other) for vector in VECTORS]):
        given_x = form.called_with == "x"
        cause: Cause = "wrong_convention_expects_y_given_x" if given_x else "wrong_convention_expects_x_given_y"
        return _finding(judge, cause, expected, got)
    if judge.agree([factor * matrix for matrix in given]):
        cause = "wrong_sign" if abs(factor + 1) < TOLERANCE else "missing_factor"
        return _finding(judge, cause, expected, got, factor)
    if judge.agree([matrix.T for matrix in given]):
        return _finding(judge, "wrong_formula", expected, got, what="is the transposed Jacobian matrix: rows and "
                        "columns are exchanged")  # fmt: skip
    diagonal = all(np.array_equal(matrix, np.diag(np.diag(matrix))) for matrix in given)
    if diagonal and form.step_back is not None:
        return _finding(judge, "not_elementwise", expected, got)
    return _finding(judge, "wrong_formula", expected, got)


def _finding(
    judge: _Judge,
    cause: Cause,
    expected: list[FloatArray],
    got: list[FloatArray],
    factor: float | None = None,
    what: str = "",
) -> VectorFinding:
    differences = [float(np.max(np.abs(a - b))) for a, b in zip(expected, got, strict=True)]
    jacobians = judge.jacobians
    largest = max(float(np.max(np.abs(each.matrix))) for each in jacobians) or 1.0
    wrong = [difference > j.tolerance for difference, j in zip(differences, jacobians, strict=True)]
    worst = 0 if cause == "correct" else int(np.argmax(wrong))
    point = None if cause == "correct" else VECTORS[worst]
    name, line = _recognised(judge)
    if cause == "not_elementwise" and name in ("softmax", "log-softmax"):
        cause = "elementwise_softmax"
    return VectorFinding(
        cause, point, expected[worst], got[worst], max(differences) / largest, factor, what, name, line,
        _f_overflows(judge),
    )  # fmt: skip


def _recognised(judge: _Judge) -> tuple[str, str]:
    """The well-known function that f is, up to a factor on its derivative, and the step back that is right for it."""
    truth = np.concatenate([each.matrix for each in judge.jacobians])
    for each in ROW_FUNCTIONS:
        with np.errstate(all="ignore"):
            matrices = [each.matrix(vector, np.asarray(judge.f(vector), np.float64)) for vector in VECTORS]
        tried = np.concatenate(matrices)
        if not np.isfinite(tried).all() or not tried.any():
            continue
        factor = float(np.sum(truth * tried) / np.sum(tried * tried))
        if abs(factor) > TOLERANCE and judge.agree([factor * matrix for matrix in matrices]):
            back = judge.form.step_back is not None or judge.form.called_with == "y"
            line = each.step_back if back else each.jacobian
            return each.name, line if abs(factor - 1) <= TOLERANCE else f"{number(factor)} * ({line})"
    return "", ""


def _f_overflows(judge: _Judge) -> tuple[float, ...]:
    """The first far vector at which f is not finite in float32 although it is in float64."""
    for vector in FAR_VECTORS:
        if np.isfinite(judge.f(vector)).all() and not np.isfinite(judge.f(vector.astype(np.float32))).all():
            return tuple(vector.tolist())
    return ()


def _far(judge: _Judge) -> VectorFinding | None:
    """Look for a derivative that is right near 0 and not finite, or off by its size, in float32 far out."""
    scale = max(float(np.max(np.abs(each.matrix))) for each in judge.jacobians)
    for vector in FAR_VECTORS:
        truth, error = _slopes(judge.f, vector)
        if not np.isfinite(truth).all() or error > LARGEST_ERROR * scale:
            continue
        for kind in (np.float64, np.float32):
            there = judge.given(vector.astype(kind), judge.form.called_with)
            if not (np.isfinite(there).all() and np.max(np.abs(there - truth)) <= FAR_ERROR * scale):
                return VectorFinding(
                    "overflow", vector, UPSTREAM @ truth, UPSTREAM @ there,
                    float(np.max(np.abs(there - truth)) / scale), f_overflows=_f_overflows(judge),
                )  # fmt: skip
    return None


def _slopes(f: UserFunction, vector: FloatArray) -> tuple[FloatArray, float]:
    def sample(offsets: FloatArray) -> NDArray[np.floating]:
        return np.array([[f(vector + offset * direction) for direction in np.eye(len(vector))] for offset in offsets])

    found = differentiate(sample, n_steps=12)
    return found.slope.T, float(np.max(found.error[np.isfinite(found.error)], initial=0.0))
