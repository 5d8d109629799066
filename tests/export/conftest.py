"""An independent runtime for exported models, and networks that hand an activation exactly what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import actwise as aw
from actwise.activations import AnyActivation, GatedActivation
from actwise.export.onnx.model import build_model
from actwise.network import Network
from actwise.parts import parts_of


@pytest.fixture(scope="session")
def onnx_run() -> Callable[..., dict[str, Any]]:
    """Return a function that runs a model in onnxruntime; it gives the outputs by name."""
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3

    def run(model: object, inputs: Any) -> dict[str, Any]:
        content = model if isinstance(model, str | bytes) else build_model(parts_of(model)).SerializeToString()
        session = runtime.InferenceSession(content, options)
        given = inputs if isinstance(inputs, dict) else {"X": np.asarray(inputs, np.float32)}
        names = [each.name for each in session.get_outputs()]
        return dict(zip(names, session.run(names, given), strict=True))

    return run


@pytest.fixture(scope="session")
def bare() -> Callable[[AnyActivation, int, str], Network]:
    """Return a function that makes a network whose pre-activations are its inputs, exactly."""

    def make(what: AnyActivation, n_units: int = 1, dtype: str = "float32") -> Network:
        width = n_units * (what.pieces if isinstance(what, GatedActivation) else 1)
        network = aw.Network([aw.Dense(n_units, what, bias=False)], width, dtype=dtype)
        values = network.values.copy()
        values[: width * width] = np.eye(width).ravel()
        return network.with_parameters(values)

    return make
