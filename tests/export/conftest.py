"""An independent runtime for exported models, and networks that hand an activation exactly what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import actwise as aw
from actwise.activations import AnyActivation, GatedActivation
from actwise.export.onnx.model import build_model
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import CONDITIONS, Expression
from actwise.model.network import Network
from actwise.training.descriptions import description_of


@pytest.fixture(scope="session")
def onnx_run() -> Callable[..., dict[str, Any]]:
    """Return a function that runs a model in onnxruntime; it gives the outputs by name."""
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3

    def run(model: object, inputs: Any) -> dict[str, Any]:
        content = model if isinstance(model, str | bytes) else build_model(description_of(model)).SerializeToString()
        session = runtime.InferenceSession(content, options)
        given = inputs if isinstance(inputs, dict) else {"X": np.asarray(inputs, np.float32)}
        names = [each.name for each in session.get_outputs()]
        return dict(zip(names, session.run(names, given), strict=True))

    return run


@pytest.fixture(scope="session")
def spread() -> Callable[..., Any]:
    """Return a function that says how far small errors in every operation move a formula's value."""

    def measure(expression: Expression, values: dict[str, Any], noise: float) -> Any:
        """Let each result be off by plus or minus `noise`; the largest change, relative to max(1, |value|)."""
        wide = {name: np.asarray(each, np.float64) for name, each in values.items()}
        with np.errstate(all="ignore"):
            exact = evaluate(expression, wide, numpy_table())
            shape = wide["x"].shape
            found = [evaluate(expression, wide, _noisy_table(seed, noise, shape)) for seed in range(8)]
            moved = np.max([np.broadcast_to(np.abs(each - exact), shape) for each in found], axis=0)
            moved = moved / np.maximum(1, np.abs(exact))
        # Where some errors change the answer at will, there is none to compare with.
        return np.where(np.isfinite(moved), moved, np.inf)

    return measure


def _noisy_table(seed: int, noise: float, shape: tuple[int, ...]) -> dict[str, Callable[..., Any]]:
    rng = np.random.default_rng(seed)

    def noisy(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            signs = rng.choice([-1, 1], shape) if seed > 1 else 1 - 2 * seed
            return function(*arguments) * (1 + noise * signs) + 1e-36 * signs

        return call

    exact = CONDITIONS | {"number", "where", "negate", "absolute"}
    return {name: each if name in exact else noisy(each) for name, each in numpy_table().items()}


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
