"""Holds an activation's compiled kernels and claims against the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.activations.proof import refuted_claims
from actwise.activations.reference import Reference
from actwise.formula.dialects import evaluate
from actwise.formula.precise import high_precision_table
from actwise.proof.compiled import compiled
from actwise.proof.points import hard_points, random_points
from actwise.proof.records import FloatProof, FromOutputProof, Largest, Proof
from actwise.proof.ulp import error_against_exact, error_against_float64

FloatArray = npt.NDArray[np.floating[Any]]
SUSPECTS = 50  # the points with the largest errors against float64 are looked at exactly
AGREEMENT_DIGITS = 14  # the constants of a declaration are float64
MODERATE = 30.0  # beyond it outputs saturate so far that even many digits do not tell them apart
HALF_OF_THE_DIGITS = 2.0**-12  # float32 has 24 bits


def prove(activation: Activation, n_random: int = 2_000_000, n_exact: int = 2_000, seed: int = 0) -> Proof:
    """Look for the largest errors of an activation, and try to refute its claims.

    >>> from actwise.activations import activation
    >>> prove(activation("relu"), n_random=1000, n_exact=10).holds
    True
    """
    rng = np.random.default_rng(seed)
    reference = Reference(activation)
    return Proof(
        name=activation.name,
        values=dict(activation.values),
        single=_prove_single(activation, reference, n_random, n_exact, rng),
        double=_prove_double(activation, reference, n_exact, rng),
        refuted=refuted_claims(activation),
        from_output=_prove_from_output(activation, reference),
    )


def _prove_single(
    activation: Activation, reference: Reference, n_random: int, n_exact: int, rng: np.random.Generator
) -> FloatProof:
    hard = hard_points(activation, np.float32)
    points = np.concatenate([hard, random_points(n_random, np.float32, rng)])
    computed = compiled(activation, np.float32)(points)
    with np.errstate(invalid="ignore"):  # signalling NaN among the random bits
        wide = points.astype(np.float64)
    stage_one = (activation(wide), activation.derivative(wide))
    errors = [error_against_float64(c, r) for c, r in zip(computed, stage_one, strict=True)]
    suspects = np.concatenate([np.argsort(each)[-SUSPECTS:] for each in errors])
    exact = np.unique(np.concatenate([np.arange(min(len(hard) + n_exact, len(points))), suspects]))
    truth = reference.at(points[exact].tolist())
    largest, reference_error = [], 0.0
    for c, r, e, t in zip(computed, stage_one, errors, truth, strict=True):
        true_error = error_against_exact(c[exact], t)
        as_float32 = np.array([np.nan if each is None else float(each) for each in t])
        with np.errstate(over="ignore"):
            distance = error_against_float64(r[exact].astype(np.float32), as_float32)
        reference_error = max(reference_error, float(np.max(_beyond_rounding(r[exact], as_float32, distance))))
        e = e.copy()
        e[exact] = true_error
        at = int(np.argmax(e))
        wanted = as_float32[np.searchsorted(exact, at)] if at in exact else r[at]
        largest.append(Largest(float(e[at]), float(points[at]), float(c[at]), float(wanted)))
    return FloatProof(largest[0], largest[1], len(points), len(exact), reference_error)


def _beyond_rounding(found: FloatArray, true: FloatArray, distance: FloatArray) -> FloatArray:
    """Return the error of float64 numbers in ulp of float32."""
    with np.errstate(all="ignore"):
        relative = np.abs(found - true) / np.abs(true) * 2.0**24
    small = (np.abs(true) < np.finfo(np.float32).smallest_normal) | ~np.isfinite(true) | ~np.isfinite(found)
    beyond = np.abs(true) >= float(np.finfo(np.float32).max)
    return np.where(beyond & (distance == 0), 0.0, np.where(small, np.where(distance <= 1, 0.0, distance), relative))


def _prove_double(activation: Activation, reference: Reference, n_exact: int, rng: np.random.Generator) -> FloatProof:
    points = np.concatenate([hard_points(activation, np.float64), random_points(n_exact, np.float64, rng)])
    computed = compiled(activation, np.float64)(points)
    truth = reference.at(points.tolist())
    largest = []
    for c, t in zip(computed, truth, strict=True):
        errors = error_against_exact(c, t)
        at = int(np.argmax(errors))
        wanted = np.nan if t[at] is None else float(t[at])
        largest.append(Largest(float(errors[at]), float(points[at]), float(c[at]), wanted))
    return FloatProof(largest[0], largest[1], len(points), len(points))


def _prove_from_output(activation: Activation, reference: Reference) -> FromOutputProof | None:
    expression = activation.derivative_from_output_expression
    if expression is None:
        return None
    import mpmath as mp

    sizes = np.concatenate([np.geomspace(1e-6, 1e6, 1500), np.linspace(0.01, 30.0, 1500)]).astype(np.float32)
    x = np.unique(np.concatenate([-sizes, sizes, np.zeros(1, np.float32)]))
    rounded = activation(x)
    true = activation.derivative(x.astype(np.float64))
    found = activation.derivative_from_output(rounded)
    errors = error_against_float64(found, true)
    with np.errstate(all="ignore"):
        relative = np.where(true == found, 0.0, np.abs(found - true) / np.abs(true))
    agrees = True
    moderate = x[np.abs(x) <= MODERATE]
    for each in moderate[:: len(moderate) // 60].tolist():
        if each in activation.kinks:
            continue
        (y,), (slope,) = reference.at([each])
        with mp.workdps(400):
            constants = {name: mp.mpf(value) for name, value in activation.values.items()}
            in_output = evaluate(expression, {"y": y, **constants}, high_precision_table())
            agrees = agrees and abs(in_output - slope) <= abs(slope) * mp.mpf(10) ** -AGREEMENT_DIGITS
    return FromOutputProof(
        agrees=bool(agrees),
        exact_between=_holds_between(x, errors <= 1.0),
        half_lost_beyond=_holds_between(x, relative < HALF_OF_THE_DIGITS),
    )


def _holds_between(x: FloatArray, holds: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the ends of the interval around 0 in which something holds; infinite where it never fails."""
    below, above = x[(x <= 0) & ~holds], x[(x >= 0) & ~holds]
    return (
        float(below.max()) if below.size else -np.inf,
        float(above.min()) if above.size else np.inf,
    )
