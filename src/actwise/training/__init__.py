"""The training loop as Python sees it: it yields a record per epoch and never prints."""

from actwise.training.api import is_small, start, train
from actwise.training.population import PopulationProgress, Runs, train_many
from actwise.training.progress import OptimizerState, Progress
from actwise.training.records import EpochRecord, History, Run, StoppedBecause, TrainingSettings

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
