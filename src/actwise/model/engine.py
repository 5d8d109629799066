"""What networks ask of an engine, and the one place where the engine is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from actwise.model.program import ProgramLayer

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
_ENGINE = "actwise.engines.numba"


class Predictor(Protocol):
    """A network that is ready to predict; any thread may call it."""

    def __call__(self, X: FloatArray, threads: int | None = None) -> FloatArray:
        """Compute the outputs, shape (n_rows, n_outputs); their bits depend neither on other rows nor on threads."""
        ...


class Engine(Protocol):
    """Runs the programs of networks."""

    def predictor(self, layers: Sequence[ProgramLayer], parameters: FloatArray) -> Predictor:
        """Prepare predictions with parameters of shape (n_parameters,), which may change between them."""
        ...


@cache
def engine() -> Engine:
    """Load the engine: by its name, as engines stand above this room, and only when something is computed."""
    return cast(Engine, import_module(_ENGINE))
