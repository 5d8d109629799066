"""The engine for CPUs: kernels rendered from formulas, compiled by Numba and cached; see `actwise.model.engine`."""

from __future__ import annotations

from collections.abc import Sequence

from actwise.engines.numba.prediction import Predictor
from actwise.model.engine import FloatArray
from actwise.model.program import ProgramLayer


def predictor(layers: Sequence[ProgramLayer], parameters: FloatArray) -> Predictor:
    """Prepare predictions; see `actwise.model.engine.Engine`."""
    return Predictor(layers, parameters)
