"""What a network is to learn: numbers, one of two classes, one of several, or several yes-or-no answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from actwise.arrays import as_numbers
from actwise.errors import InputError, suggest

Kind: TypeAlias = Literal["regression", "binary", "multiclass", "multilabel"]
Numbers: TypeAlias = npt.NDArray[np.floating[Any]]
KINDS: tuple[Kind, ...] = get_args(Kind)
WORST_R2 = -1.0  # everything worse counts alike, so that one diverged run does not rule a mean
MOST_CLASSES = 30  # whole numbers with more distinct values than this are taken for amounts, not for classes


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learned, and how well outputs do.

    Parameters
    ----------
    kind : {"regression", "binary", "multiclass", "multilabel"}
        The kind.
    given : ndarray of shape (n_rows, n_columns)
        The targets as they are handed to the network.
    truth : ndarray
        Numbers (n_rows, n_columns) of a regression, class indices (n_rows,), or 0 and 1 (n_rows, n_columns).
    labels : ndarray
        The values that stand for the classes in a single target column, ascending; empty for numbers.
    """

    kind: Kind
    given: Numbers
    truth: npt.NDArray[Any]
    labels: Numbers

    @property
    def metric(self) -> str:
        """What `score` measures."""
        return "R2" if self.kind == "regression" else "balanced accuracy"

    @property
    def is_classification(self) -> bool:
        """Whether classes are to be told apart."""
        return self.kind != "regression"

    @property
    def n_outputs(self) -> int:
        """How many outputs a well-built network has for this task."""
        if self.kind == "binary":
            return 1
        return len(self.labels) if self.kind == "multiclass" else self.truth.shape[1]

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
        """Judge a network's outputs for some rows.

        Parameters
        ----------
        outputs : ndarray of shape (len(rows), n_outputs)
            The outputs on the scale of `given`.
        rows : ndarray of int
            Which rows they are for.

        Returns
        -------
        float
            R2, at least -1, or balanced accuracy; a mean over columns where there are several.
        """
        if not np.all(np.isfinite(outputs)):
            return self.worst
        truth = self.truth[rows]
        if self.kind == "regression":
            return _mean_r2(truth, outputs.astype(np.float64))
        if self.kind == "multilabel":
            middle = self.given.min() + np.ptp(self.given) / 2
            said = np.broadcast_to(outputs > middle, truth.shape)
            return float(np.mean([_balanced(truth[:, k], said[:, k]) for k in range(truth.shape[1])]))
        if outputs.shape[1] > 1:
            return _balanced(truth, outputs.argmax(axis=1))
        if len(self.labels) < 2:
            return 1.0
        # One output: the label that lies nearest.
        middles = (self.labels[1:] + self.labels[:-1]) / 2
        return _balanced(truth, np.searchsorted(middles, outputs[:, 0], side="left"))


def _mean_r2(truth: Numbers, outputs: Numbers) -> float:
    wide = np.broadcast_shapes(truth.shape, outputs.shape)
    truth, outputs = np.broadcast_to(truth, wide), np.broadcast_to(outputs, wide)
    spread = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(over="ignore"):
        error = ((truth - outputs) ** 2).sum(axis=0)
    # A constant target is compared with the answer 0.
    spread = np.where(spread > 0, spread, (truth**2).sum(axis=0))
    shares = np.where(spread > 0, error / np.where(spread > 0, spread, 1), (error > 0) * 1.0)
    return float(max(WORST_R2, np.mean(1 - shares)))


def _balanced(truth: npt.NDArray[Any], said: npt.NDArray[Any]) -> float:
    return float(np.mean([np.mean(said[truth == label] == label) for label in np.unique(truth)]))


def find_task(y: npt.ArrayLike, kind: str | None = None, *, classes: bool | None = None) -> Task:
    """Find out what is to be learned.

    Parameters
    ----------
    y : array_like of shape (n_rows,) or (n_rows, n_columns)
        The targets as the network is given them: numbers, labels, one-hot rows or 0 and 1.
    kind : str, optional
        One of `KINDS`, where it is known.
    classes : bool, optional
        Whether whole numbers are labels; where not given, they are up to 30 distinct ones.

    Raises
    ------
    InputError
        If the targets are no numbers, or do not fit the kind.

    Examples
    --------
    >>> find_task([0, 1, 1, 0]).kind, find_task([[0, 1], [1, 0]]).kind, find_task([0.2, 0.7, 0.4]).kind
    ('binary', 'multiclass', 'regression')
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"unknown task {kind!r}; {suggest(kind, KINDS, noun='tasks')}")
    given = as_numbers(y, "float64", "y")
    given = given.reshape(-1, 1) if given.ndim == 1 else given
    if given.ndim != 2 or not given.size:
        raise InputError(f"y must have the shape (rows,) or (rows, columns) and hold rows, not {given.shape}")
    if not np.all(np.isfinite(given)):
        return Task("regression", given, given, np.empty(0))  # the rules say that it is not finite
    found: Kind = _guess(given, classes) if kind is None else next(each for each in KINDS if each == kind)
    if found == "regression":
        return Task(found, given, given, np.empty(0))
    if found == "multilabel":
        low, high = given.min(), given.max()
        return Task(found, given, (given > (low + high) / 2).astype(np.int64), np.array([low, high]))
    if given.shape[1] > 1:
        return Task(found, given, given.argmax(axis=1), np.arange(given.shape[1], dtype=float))
    labels, index = np.unique(given[:, 0], return_inverse=True)
    return Task("binary" if len(labels) <= 2 else found, given, index.reshape(-1), labels)


def _guess(given: Numbers, classes: bool | None) -> Kind:
    if given.shape[1] > 1:
        if not np.isin(given, (0.0, 1.0)).all():
            return "regression"
        return "multiclass" if np.all(given.sum(axis=1) == 1) else "multilabel"
    distinct = np.unique(given)
    if len(distinct) == 2 and classes is not False:
        return "binary"
    whole = bool(np.all(distinct == np.floor(distinct))) and len(distinct) <= MOST_CLASSES
    if classes is None:
        classes = whole and len(distinct) < len(given) / 3
    return "multiclass" if classes and whole else "regression"
