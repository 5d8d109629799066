"""Targets of another shape than the outputs, which NumPy broadcasts without a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from actwise.handwritten.network_checks import SAME, FunctionsFinding, Patient
from actwise.handwritten.usual_losses import Array


def check_shapes(patient: Patient, rng: np.random.Generator) -> tuple[Patient, list[FunctionsFinding]]:
    """See whether the user's functions mean something else by targets that have another shape than the outputs."""
    shape = np.shape(patient.handed)
    if shape == patient.shape or patient.y.size != np.size(patient.handed):  # the same, or indices of classes
        return patient, []
    fitting = patient.y.reshape(patient.shape)
    arrays = patient.drawn_inside(rng)
    outputs = patient.outputs(arrays, patient.X).reshape(patient.shape)
    gradient, loss = patient.gradient, patient.loss
    mended, misled = patient, []
    if (how := _misled(lambda y: gradient(arrays, patient.X, y), patient.handed, fitting)) is not None:
        misled.append(f"the gradient{how}")
        mended = replace(mended, gradient=lambda given, X, _: gradient(given, X, fitting))
        column = len(patient.shape) > len(shape)
        fix = f"Write `y = {'y.reshape(-1, 1)' if column else 'y.ravel()'}` before the training"
    elif callable(loss):
        fix = "Write `y = y.reshape(outputs.shape)` as the first line of the loss"
    if callable(loss) and (how := _misled(lambda y: [_number(loss(outputs, y))], patient.handed, fitting)) is not None:
        misled.append(f"the loss{how}")
        mended = replace(mended, loss=lambda made, _: loss(made, fitting))
    if not misled:
        return patient, []
    seen = (
        f"forward returns outputs of shape {patient.shape} and y has the shape {shape}: in {' and '.join(misled)} "
        f"`outputs - y` is broadcast to {np.broadcast_shapes(shape, patient.shape)}, each output against every target"
    )
    return mended, [FunctionsFinding("broadcast", seen, fix)]


def _number(made: Any) -> Array:
    return np.asarray(made, np.float64)


def _misled(function: Callable[[Any], list[Array]], handed: Any, fitting: Array) -> str | None:
    """Say how a function does another thing by the targets as they are than by those in the shape of the outputs."""
    try:
        expected = function(fitting)
    except Exception:  # the user's code raises what it will: it wants the targets as they are
        return None
    try:
        made = function(handed)
    except Exception as error:  # of the kind that the shape of the targets causes: it is what is told
        return f", which stops with a {type(error).__name__},"
    same = len(made) == len(expected) and all(
        one.shape == other.shape and np.allclose(one, other, rtol=SAME, atol=SAME, equal_nan=True)
        for one, other in zip(made, expected, strict=True)
    )
    return None if same else ""
