"""What is to be predicted, as a frozen record: it turns targets into numbers and predictions back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from actwise.errors import InputError, TableError, suggest
from actwise.persistence import records
from actwise.tables import cells
from actwise.tables.learning import has_heavy_tail
from actwise.tables.refusals import refuse_infinite, refuse_missing, refuse_strange

Task = Literal["binary_classification", "multiclass_classification", "regression", "multi_output_regression"]
Label = str | int | float | bool

# Where the logarithm is learned: so many spreads below the centre counts a target of new rows that is not positive,
# and beyond this a prediction would overflow.
LEAST = -10.0
LARGEST_LOGARITHM = 700.0


@dataclass(frozen=True)
class Target:
    """What is predicted, and how it is written as numbers.

    Parameters
    ----------
    kind : {"binary_classification", "multiclass_classification", "regression", "multi_output_regression"}
        The task.
    names : tuple of str
        The target columns.
    reason : str
        Why it is this task, for a person.
    n_missing : int
        Rows without a value in every target column; they can be neither learned from nor tested on.
    labels : tuple of str, int, float or bool
        The classes, sorted, in their original type; empty for regression.
    centres, scales : tuple of float
        For regression, mean and standard deviation of each output in training rows; empty before `learn`.
    transform : {"none", "log"}
        What is learned of a regression's single target; ``log`` is its logarithm, of which `centres` and `scales` are.
    """

    kind: Task
    names: tuple[str, ...]
    reason: str
    n_missing: int = 0
    labels: tuple[Label, ...] = ()
    centres: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    transform: Literal["none", "log"] = "none"

    def __post_init__(self) -> None:
        n_labels = len(self.labels)
        fitting = {"binary_classification": n_labels == 2, "multiclass_classification": n_labels > 2}
        records.require(fitting.get(self.kind, n_labels == 0), f"{n_labels} classes do not make a {self.kind}")
        records.require(len({type(label) for label in self.labels}) <= 1, "classes should be of one type")
        records.require(list(self.labels) == sorted(set(self.labels)), "classes should be sorted, each one once")
        one = self.kind != "multi_output_regression"
        records.require(len(set(self.names)) == len(self.names) > 0, "targets should be named, each one once")
        records.require(one == (len(self.names) == 1), f"{len(self.names)} target columns do not make a {self.kind}")
        lengths = {len(self.centres), len(self.scales)}
        allowed = ({0},) if self.is_classification else ({0}, {len(self.names)})
        records.require(lengths in allowed, "a target should have a centre and a scale per output")
        records.require(all(scale > 0 for scale in self.scales), "the scales of a target should be positive")
        logarithm = self.kind == "regression" and len(self.scales) == 1
        records.require(self.transform == "none" or logarithm, f"no logarithm is learned for a {self.kind}")
        records.require(self.n_missing >= 0, f"{self.n_missing} rows cannot lack their target")

    @property
    def is_classification(self) -> bool:
        """Whether classes are predicted."""
        return self.kind in ("binary_classification", "multiclass_classification")

    def labelled_rows(self, frame: pl.DataFrame) -> NDArray[np.int64]:
        """Find the rows that have a value in every target column."""
        return np.flatnonzero(~missing_rows(frame, self.names)).astype(np.int64)

    def learn(self, frame: pl.DataFrame, rows: ArrayLike) -> Target:
        """Learn centre and scale of each output from training rows; classes need nothing.

        A target that is positive with a heavy tail is learned as its logarithm: among squared errors of the target
        itself a few rows outweigh all others, so that the validation loss tells by luck when training should stop.
        """
        if self.is_classification:
            return self
        values = self.values(frame, rows)
        if len(values) < 2:
            raise TableError(
                f"{len(values)} training row is too few to learn numbers from: add rows, or make the parts for test "
                "and validation smaller (--test-size, --validation-size)"
            )
        transform, reason = self.transform, self.reason
        if self.kind == "regression" and has_heavy_tail(values):
            if values.min() > 0 and not has_heavy_tail(np.log(values)):
                transform, values = "log", np.log(values)
                reason += "; its logarithm is learned, since it is positive and its tail is long"
            else:
                reason += "; a few values lie so far out that their errors outweigh all others"
        # Computed on numbers of size 1, so that no square overflows.
        size = np.maximum(np.abs(values).max(axis=0), np.finfo(np.float64).tiny)
        centres, scales = (values / size).mean(axis=0) * size, (values / size).std(axis=0) * size
        for name, column, scale in zip(self.names, values.T, scales, strict=True):
            if column.min() == column.max() or not scale > 0:
                raise TableError(f"target {name!r} is {column[0]:g} in every training row: nothing can be learned")
        return replace(
            self, reason=reason, centres=tuple(centres.tolist()), scales=tuple(scales.tolist()), transform=transform
        )

    def values(self, frame: pl.DataFrame, rows: ArrayLike | None = None) -> NDArray[np.float64]:
        """Read the targets of a regression in their own units.

        Shapes: the result (n_rows, n_outputs).
        `rows`: the positions of the rows; all of them if left out.
        """
        columns = []
        for name in self.names:
            column, numbers = target_cells(frame, name, rows)
            read, strange = cells.read_numbers(column)
            refuse_strange(column, strange, numbers, "numbers")
            refuse_missing(name, read.is_null(), numbers)
            refuse_infinite(name, read.to_numpy(), numbers)
            columns.append(read.to_numpy())
        return np.stack(columns, axis=1)

    def encode(self, frame: pl.DataFrame, rows: ArrayLike | None = None) -> NDArray[np.int64] | NDArray[np.float32]:
        """Turn targets into numbers to train on.

        Shapes: the result (n_rows,).
        `rows`: the positions of the rows; all of them if left out.
        Result: int64 of shape (n_rows,), positions in `labels`; or, for regression, float32 of shape
        (n_rows, n_outputs), centred and scaled.
        """
        if not self.is_classification:
            if not self.scales:
                raise InputError("a regression target is encoded after learn(frame, training_rows) only")
            values = self.values(frame, rows)
            if self.transform == "log":
                with np.errstate(all="ignore"):
                    standard = np.nan_to_num((np.log(values) - self.centres) / self.scales, nan=LEAST, neginf=LEAST)
                return np.maximum(standard, LEAST).astype(np.float32)
            standard = (values - self.centres) / self.scales
            return standard.astype(np.float32)
        column, numbers = target_cells(frame, self.names[0], rows)
        codes, missing = self._codes(column)
        refuse_missing(self.names[0], missing, numbers)
        refuse_strange(column, codes.is_null(), numbers, "one of the classes")
        return codes.to_numpy().astype(np.int64)

    def decode(self, encoded: ArrayLike) -> NDArray[Any]:
        """Turn numbers back into labels, or into the target's own units.

        Shapes: the result (n_rows,).
        `encoded`: positions in `labels`, shape (n_rows,); or standardised outputs, shape (n_rows,
        n_outputs), or (n_rows,) for a single one.
        Result: labels of shape (n_rows,); or float64 of shape (n_rows,) for one output, else (n_rows,
        n_outputs).
        """
        if self.is_classification:
            return np.asarray(self.labels)[np.asarray(encoded, dtype=np.int64)]
        if not self.scales:
            raise InputError("a regression target is decoded after learn(frame, training_rows) only")
        outputs = np.asarray(encoded, dtype=np.float64).reshape(-1, len(self.names))
        plain: NDArray[np.float64] = outputs * self.scales + self.centres
        if self.transform == "log":
            plain = np.exp(np.minimum(plain, LARGEST_LOGARITHM))
        return plain[:, 0] if len(self.names) == 1 else plain

    def describe(self) -> list[str]:
        """Say what is predicted."""
        lines = [self.reason]
        if self.n_missing:
            rows = "1 row is" if self.n_missing == 1 else f"{self.n_missing} rows are"
            lines.append(f"{rows} left out: no value in {' or '.join(map(repr, self.names))}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Turn the target into plain data."""
        return records.to_plain(self)

    @classmethod
    def from_dict(cls, data: object) -> Target:
        """Build a target from plain data."""
        if isinstance(data, dict):
            data = {"transform": "none", **data}  # models saved before there were others say nothing of it
        return records.from_plain(cls, data, "a target")

    def _codes(self, column: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Look up each cell among the labels; null where it is none of them, beside what is missing."""
        kind = type(self.labels[0])
        if kind is str:
            values = cells.read_text(column)
            return values.cast(
                pl.Enum([str(label) for label in self.labels]), strict=False
            ).to_physical(), values.is_null()
        values, strange = cells.read_truth(column) if kind is bool else cells.read_numbers(column)
        positions = {label: position for position, label in enumerate(self.labels)}
        keys = pl.Series(list(positions), dtype=pl.Boolean if kind is bool else pl.Float64)
        found = values.replace_strict(keys, list(positions.values()), default=None, return_dtype=pl.Int64)
        return found, values.is_null() & ~strange


def target_cells(frame: pl.DataFrame, name: str, rows: ArrayLike | None) -> tuple[pl.Series, NDArray[np.int64]]:
    """Take rows of a target column, beside their row numbers for errors.

    `rows`: the positions of the rows; all of them if None.
    """
    if name not in frame.columns:
        raise TableError(f"no target column {name!r}: {suggest(name, frame.columns, noun='columns')}")
    if rows is None:
        return frame[name], np.arange(1, frame.height + 1)
    positions = np.asarray(rows, dtype=np.int64)
    return frame[name].gather(positions), positions + 1


def missing_rows(frame: pl.DataFrame, names: Sequence[str]) -> NDArray[np.bool_]:
    """Tell for each row whether any of the target columns has no value there.

    Shapes: the result (n_rows,).
    Result: true where a value is missing.
    """
    missing = np.zeros(frame.height, dtype=bool)
    for name in names:
        column, _ = target_cells(frame, name, None)
        if cells.is_text(column):
            column = cells.read_text(column)
        elif column.dtype.is_float():
            column = column.fill_nan(None)
        missing |= column.is_null().to_numpy()
    return missing
