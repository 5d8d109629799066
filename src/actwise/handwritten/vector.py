"""Judges derivatives of functions in which each output depends on all inputs, such as softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actwise.errors import InputError
from actwise.handwritten.calls import FloatingArray, UserFunction
from actwise.handwritten.causes import Cause
from actwise.handwritten.numeric import FloatArray, differentiate, resolution_of

VECTORS = np.array([[1.0, 2.0, -1.0], [0.3, -0.7, 1.9], [-2.0, 0.5, 4.0]])
UPSTREAM = np.array([1.0, -0.5, 0.3])
"""The gradient with respect to the outputs by which an elementwise derivative is multiplied."""
TOLERANCE = 1e-5
ERROR_MARGIN = 5.0
"""Of the bound on the error of the numerical Jacobian, which is large where `f` works in float32."""
LARGEST_ERROR = 1e-3
"""Relative to the largest entry: no function is excused more."""
COUPLED = 1e-9
ROUNDING = 64.0
"""Vectorised and single exponentials may differ in the last places; anything more is another entry's influence."""


@dataclass(frozen=True)
class _Jacobian:
    """The matrix of d f_i / d x_j at a vector, shape (3, 3), and how far off the entries of a right one may be."""

    matrix: FloatArray
    tolerance: float


@dataclass(frozen=True)
class VectorFinding:
    """What is wrong with the derivative of a function of a whole vector.

    Attributes
    ----------
    cause : str
        As in `DerivativeReport`.
    point : array, shape (3,), or None
        The first vector at which it is wrong.
    expected, got : array, shape (3,)
        The gradient with respect to the input for the upstream gradient (1, -0.5, 0.3).
    error : float
        Largest error relative to the largest entry of the Jacobian.
    factor : float or None
        What to multiply the Jacobian by.
    """

    cause: Cause
    point: FloatArray | None
    expected: FloatArray
    got: FloatArray
    error: float
    factor: float | None = None


def is_elementwise(f: UserFunction, sample: FloatingArray) -> bool:
    """Whether each output depends on the input at its own place alone."""
    if f.mode == "scalar":
        return True
    together = f(sample)
    apart = np.concatenate([f(sample[i : i + 1]) for i in range(len(sample))])
    with np.errstate(invalid="ignore"):
        tolerance = max(COUPLED, ROUNDING * resolution_of(together))
        differs = np.abs(together - apart) > tolerance * np.maximum(np.abs(together), np.abs(apart))
    if differs.any() and f.raw(sample).shape == ():
        raise InputError(
            f"{f.name} returned one number for a vector of {len(sample)}; return one number for each input"
        )
    return not bool(differs.any())


def check_vector_derivative(f: UserFunction, derivative: UserFunction, called_with: str) -> VectorFinding:
    """Compare a Jacobian matrix, or an elementwise derivative, with the numerical Jacobian of `f`."""
    jacobians = [_jacobian(f, vector) for vector in VECTORS]
    given = [_given(f, derivative, vector, called_with) for vector in VECTORS]
    if given[0].ndim == 2:
        return _check_matrices(f, derivative, called_with, jacobians, given)
    expected = [UPSTREAM @ jacobian.matrix for jacobian in jacobians]
    got = [UPSTREAM * values for values in given]
    return _finding("elementwise_softmax", expected, got, jacobians)


def _check_matrices(
    f: UserFunction,
    derivative: UserFunction,
    called_with: str,
    jacobians: list[_Jacobian],
    given: list[FloatArray],
) -> VectorFinding:
    expected = [UPSTREAM @ jacobian.matrix for jacobian in jacobians]
    got = [UPSTREAM @ matrix for matrix in given]
    if _same(given, jacobians):
        return _finding("correct", expected, got, jacobians)
    truth, claimed = np.concatenate([each.matrix for each in jacobians]), np.concatenate(given)
    other = "y" if called_with == "x" else "x"
    if _same([_given(f, derivative, vector, other) for vector in VECTORS], jacobians):
        given_x = called_with == "x"
        cause: Cause = "wrong_convention_expects_y_given_x" if given_x else "wrong_convention_expects_x_given_y"
        return _finding(cause, expected, got, jacobians)
    factor = float(np.sum(truth * claimed) / np.sum(claimed * claimed)) if claimed.any() else 0.0
    if _same([factor * matrix for matrix in given], jacobians):
        cause = "wrong_sign" if abs(factor + 1) < TOLERANCE else "missing_factor"
        return _finding(cause, expected, got, jacobians, factor)
    return _finding("wrong_formula", expected, got, jacobians)


def _finding(
    cause: Cause,
    expected: list[FloatArray],
    got: list[FloatArray],
    jacobians: list[_Jacobian],
    factor: float | None = None,
) -> VectorFinding:
    differences = [float(np.max(np.abs(a - b))) for a, b in zip(expected, got, strict=True)]
    errors = [difference / np.max(np.abs(j.matrix)) for difference, j in zip(differences, jacobians, strict=True)]
    wrong = [difference > j.tolerance for difference, j in zip(differences, jacobians, strict=True)]
    worst = 0 if cause == "correct" else int(np.argmax(wrong))
    point = None if cause == "correct" else VECTORS[worst]
    return VectorFinding(cause, point, expected[worst], got[worst], float(max(errors)), factor)


def _same(given: list[FloatArray], jacobians: list[_Jacobian]) -> bool:
    return all(
        bool(np.max(np.abs(matrix - jacobian.matrix)) <= jacobian.tolerance)
        for matrix, jacobian in zip(given, jacobians, strict=True)
    )


def _jacobian(f: UserFunction, vector: FloatArray) -> _Jacobian:
    def sample(offsets: FloatArray) -> NDArray[np.floating]:
        return np.array([[f(vector + offset * direction) for direction in np.eye(len(vector))] for offset in offsets])

    found = differentiate(sample, n_steps=8)
    size = float(np.max(np.abs(found.slope)))
    error = float(np.max(found.error[np.isfinite(found.error)], initial=0.0))
    return _Jacobian(found.slope.T, TOLERANCE * size + ERROR_MARGIN * min(error, LARGEST_ERROR * size))


def _given(f: UserFunction, derivative: UserFunction, vector: FloatArray, called_with: str) -> FloatArray:
    """What the derivative returns at a vector: a matrix (3, 3), or values (3,) to multiply elementwise."""
    result: NDArray[Any] = derivative.raw(vector if called_with == "x" else np.asarray(f(vector), np.float64))
    n = len(vector)
    if result.shape in ((), (n,), (n, n)):
        return np.asarray(result if result.ndim == 2 else np.broadcast_to(result, (n,)), np.float64)
    raise InputError(
        f"{derivative.name} returned an array of shape {result.shape} for a vector of {n}; "
        f"return the Jacobian matrix of shape ({n}, {n})"
    )
