"""Tells which activation of the catalogue a user's function is, and whose derivative a wrong one is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from actwise.handwritten.calls import UserFunction
from actwise.handwritten.numeric import FloatArray, resolution_of
from actwise.handwritten.reference import CORE, Claim, Reference

SAME = 1e-5
"""Relative to the largest value: constants typed with six digits, and code in float32."""
MIN_DIFFERENT = 8
"""A derivative with fewer values is that of many piecewise linear functions."""


@dataclass(frozen=True)
class OtherFunction:
    """Whose derivative a wrong one is.

    Attributes
    ----------
    name : str
        The activation of the catalogue whose derivative the user's is.
    own_name : str
        The one that the user's function is; empty if it is none of them.
    slopes_apart, values_apart : float
        How far the two derivatives and the two functions differ at most between -5 and 5.
    from_output : bool
        Whether it is the other's derivative from the output.
    """

    name: str
    own_name: str
    slopes_apart: float
    values_apart: float
    from_output: bool


def other_function(claim: Claim, reference: Reference) -> OtherFunction | None:
    """Find the activation of the catalogue whose derivative the user's function computes, if it is another."""
    from actwise.activations import ENTRIES, Activation

    core = (np.abs(reference.points) <= CORE) & reference.judged & ~reference.kinked
    x, y, got = reference.points[core], reference.output[core], claim.values[core]
    if len(np.unique(got.round(6))) < MIN_DIFFERENT:
        return None
    given = x if claim.called_with == "x" else y
    for each in ENTRIES:
        if not isinstance(each, Activation):
            continue
        from_y = each.derivative_from_output_expression is not None
        ways = [(False, each.derivative(given)), (True, each.derivative_from_output(given) if from_y else None)]
        for from_output, slopes in ways:
            if slopes is not None and _same(slopes, got):
                theirs = each.derivative(x)
                return OtherFunction(
                    each.name,
                    activation_of(reference.f),
                    float(np.max(np.abs(theirs - reference.slope[core]))),
                    float(np.max(np.abs(each(x) - y))),
                    from_output,
                )
    return None


@cache
def _tried() -> FloatArray:
    return np.linspace(-CORE, CORE, 41) + 1 / (8 * np.e)


def activation_of(f: UserFunction) -> str:
    """The name of the activation of the catalogue that computes what the user's function computes, or ""."""
    from actwise.activations import ENTRIES, Activation

    x = _tried()
    values = f(x)
    slack = max(SAME, 64 * resolution_of(values))
    for each in ENTRIES:
        if isinstance(each, Activation) and _same(each(x), np.asarray(values, np.float64), slack):
            return each.name
    return ""


def _same(one: FloatArray, other: FloatArray, slack: float = SAME) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.max(np.abs(one - other)) <= slack * np.max(np.abs(one)))
