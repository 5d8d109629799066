"""What every adapter makes of a model that was handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actwise.arrays import as_numbers
from actwise.doctor.data import Data, split
from actwise.doctor.setup import Setup
from actwise.doctor.targets import Numbers, Targets
from actwise.errors import InputError


@dataclass(frozen=True, eq=False)
class Described:
    """A setup, and the rows that came with it."""

    setup: Setup
    X: Numbers
    task: Targets
    weights: Numbers | None = None  # how much each row counts in training
    validation_share: float = 0.0  # of the training rows, for early stopping

    def data(self, n_train: int | None, seed: int) -> Data:
        """Choose the rows to train on, to score on and to stop early by."""
        data = split(self.X, self.task, n_train, seed, self.weights)
        return data.with_validation(self.validation_share, seed) if self.validation_share else data


def as_rows(X: Any) -> Numbers:
    """Return inputs as numbers, one row each."""
    rows = as_numbers(X.toarray() if hasattr(X, "toarray") else X, "float64", "X")
    if rows.ndim != 2 or not rows.size:
        raise InputError(f"X must have the shape (rows, inputs) and hold rows, not {rows.shape}")
    return rows
