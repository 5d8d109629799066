"""Targets as they are handed in, what is to be learned from them, and how well outputs do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.arrays import as_numbers
from actwise.errors import InputError
from actwise.tasks import find_task
from actwise.tasks.metrics import balanced_accuracy, r2
from actwise.tasks.task import Kind, Task

Numbers: TypeAlias = npt.NDArray[np.floating[Any]]
WORST_R2 = -1.0  # everything worse counts alike, so that one diverged run does not rule a mean


@dataclass(frozen=True, eq=False)
class Targets:
    """Rows of targets, and how well outputs do on them."""

    task: Task
    given: Numbers  # (n_rows, n_columns), as they are handed to the network
    truth: npt.NDArray[Any]  # numbers like `given`, class indices (n_rows,), or 0 and 1 like `given`

    @property
    def kind(self) -> Kind:
        """What is to be learned."""
        return self.task.kind

    @property
    def labels(self) -> Numbers:
        """The values that stand for the classes in a single target column, ascending; empty for numbers."""
        return np.asarray(self.task.labels, np.float64)

    @property
    def metric(self) -> str:
        """What `score` measures."""
        return "R2" if self.kind == "regression" else "balanced accuracy"

    @property
    def is_classification(self) -> bool:
        """Whether classes are to be told apart."""
        return self.task.is_classification

    @property
    def n_outputs(self) -> int:
        """How many outputs a well-built network has for this task."""
        return self.task.n_outputs

    @property
    def worst(self) -> float:
        """The score of outputs that are not finite."""
        return WORST_R2 if self.kind == "regression" else 0.0

    def constant_score(self, rows: npt.NDArray[np.int64]) -> float:
        """Score of the best answer that is the same for all rows."""
        if self.kind == "regression":
            return 0.0
        return 0.5 if self.kind == "multilabel" else 1.0 / max(1, len(np.unique(self.truth[rows])))

    def score(self, outputs: Numbers, rows: npt.NDArray[np.int64]) -> float:
        """Score outputs (n_rows, n_outputs), on the scale of `given`, for some rows.

        Result: R2, at least -1, or balanced accuracy; a mean over columns where there are several.
        """
        if not np.all(np.isfinite(outputs)):
            return self.worst
        truth = self.truth[rows]
        if self.kind == "regression":
            wide = np.broadcast_shapes(truth.shape, outputs.shape)
            found = r2(np.broadcast_to(truth, wide), np.broadcast_to(outputs.astype(np.float64), wide))
            return max(WORST_R2, found) if np.isfinite(found) else WORST_R2
        if self.kind == "multilabel":
            middle = self.given.min() + np.ptp(self.given) / 2
            said = np.broadcast_to(outputs > middle, truth.shape)
            return float(np.mean([balanced_accuracy(truth[:, k], said[:, k]) for k in range(truth.shape[1])]))
        if outputs.shape[1] > 1:
            return balanced_accuracy(truth, outputs.argmax(axis=1))
        labels = self.labels
        if len(labels) < 2:
            return 1.0
        # One output: the label that lies nearest.
        middles = (labels[1:] + labels[:-1]) / 2
        return balanced_accuracy(truth, np.searchsorted(middles, outputs[:, 0], side="left"))

    def row_errors(self, outputs: Numbers, rows: npt.NDArray[np.int64]) -> Numbers | None:
        """Return each row's squared error as a share of the variance, whose mean is 1 - R2; None for classes."""
        if self.is_classification:
            return None
        truth = self.truth[rows].astype(np.float64)
        with np.errstate(all="ignore"):
            return np.asarray(((truth - outputs) ** 2 / truth.var(axis=0)).mean(axis=1))


def as_targets(y: npt.ArrayLike, kind: str | None = None) -> Targets:
    """Find out what is to be learned from targets (n_rows,) or (n_rows, n_columns) as a network is given them.

    >>> as_targets([0, 1, 1, 0]).kind, as_targets([[0, 1], [1, 0]]).kind, as_targets([0.2, 0.7, 0.4]).kind
    ('binary', 'multiclass', 'regression')
    """
    given = as_numbers(y, "float64", "y")
    given = given.reshape(-1, 1) if given.ndim == 1 else given
    if given.ndim != 2 or not given.size:
        raise InputError(f"y must have the shape (rows,) or (rows, columns) and hold rows, not {given.shape}")
    finite = bool(np.isfinite(given).all())
    task = find_task(given, kind if finite else "regression")  # the rules say where it is not finite
    if task.kind == "regression":
        return Targets(task, given, given)
    if task.kind == "multilabel":
        return Targets(task, given, (given > (given.min() + given.max()) / 2).astype(np.int64))
    if given.shape[1] > 1:
        return Targets(task, given, given.argmax(axis=1))
    return Targets(task, given, task.encode(given[:, 0]))
