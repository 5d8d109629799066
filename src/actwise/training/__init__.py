"""The training loop as Python sees it: it yields a record per epoch and never prints.

The names below are loaded when they are first asked for, as the command line reads `settings` without any engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actwise.training.api import is_small, start, train
    from actwise.training.population import PopulationProgress, Runs, train_many
    from actwise.training.progress import OptimizerState, Progress
    from actwise.training.records import EpochRecord, History, Run, StoppedBecause, TrainingSettings

_HOME = {
    "api": ("is_small", "start", "train"),
    "population": ("PopulationProgress", "Runs", "train_many"),
    "progress": ("OptimizerState", "Progress"),
    "records": ("EpochRecord", "History", "Run", "StoppedBecause", "TrainingSettings"),
}

__all__ = [
    "EpochRecord",
    "History",
    "OptimizerState",
    "PopulationProgress",
    "Progress",
    "Run",
    "Runs",
    "StoppedBecause",
    "TrainingSettings",
    "is_small",
    "start",
    "train",
    "train_many",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"actwise.training.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
