"""The target columns of a table: what is to be learned from them, and how their cells are read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from actwise.errors import ActwiseWarning, InputError, TableError, suggest
from actwise.persistence import records
from actwise.tables import cells
from actwise.tables.refusals import refuse_infinite, refuse_missing, refuse_strange
from actwise.tasks.scaling import Scaling
from actwise.tasks.task import MOST_NUMBER_CLASSES, Label, Task
from actwise.tasks.task import find_task as find_task_of

KindName = Literal["binary_classification", "multiclass_classification", "regression", "multi_output_regression"]
# What a person would take for a number, with whatever unit or marks of thousands.
LIKE_A_NUMBER = rf"^\(?{cells.BEFORE_DIGITS}[\d.,'’\s]*\d\s?[^\d\s:/-]{{0,9}}\)?$"


@dataclass(frozen=True)
class Target:
    """The target columns of a table.

    Parameters
    ----------
    names : tuple of str
        The columns.
    task : Task
        What is to be learned; of a regression with the scaling of its targets after `learn`.
    n_missing : int
        Rows without a value in every target column; they can be neither learned from nor tested on.
    """

    names: tuple[str, ...]
    task: Task
    n_missing: int = 0

    @property
    def kind(self) -> KindName:
        """The task in a few words."""
        if self.task.is_classification:
            return "binary_classification" if self.task.kind == "binary" else "multiclass_classification"
        return "regression" if len(self.names) == 1 else "multi_output_regression"

    @property
    def is_classification(self) -> bool:
        """Whether classes are predicted."""
        return self.task.is_classification

    @property
    def labels(self) -> tuple[Label, ...]:
        """The classes, sorted, in their own type; empty for a regression."""
        return self.task.labels

    def labelled_rows(self, frame: pl.DataFrame) -> NDArray[np.int64]:
        """Find the rows that have a value in every target column."""
        return np.flatnonzero(~missing_rows(frame, self.names)).astype(np.int64)

    def learn(self, frame: pl.DataFrame, rows: ArrayLike) -> Target:
        """Learn the scaling of a regression's targets from training rows; classes need nothing."""
        if self.is_classification:
            return self
        values = self.values(frame, rows)
        if len(values) < 2:
            raise TableError(
                f"{len(values)} training row is too few to learn numbers from: add rows, or make the parts for test "
                "and validation smaller (--test-size, --validation-size)"
            )
        for name, column in zip(self.names, values.T, strict=True):
            if column.min() == column.max():
                raise TableError(f"target {name!r} is {column[0]:g} in every training row: nothing can be learned")
        return replace(self, task=self.task.learn(values))

    def values(self, frame: pl.DataFrame, rows: ArrayLike | None = None) -> NDArray[np.float64]:
        """Read the targets of a regression in their own units, shape (n_rows, n_outputs).

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
        """Turn targets into what a network learns, as `Task.encode` does.

        `rows`: the positions of the rows; all of them if left out.
        """
        if not self.is_classification:
            if self.task.scaling is None:
                raise InputError("a regression target is encoded after learn(frame, training_rows) only")
            return self.task.encode(self.values(frame, rows))
        column, numbers = target_cells(frame, self.names[0], rows)
        codes, missing = self._codes(column)
        refuse_missing(self.names[0], missing, numbers)
        refuse_strange(column, codes.is_null(), numbers, "one of the classes")
        return codes.to_numpy().astype(np.int64)

    def decode(self, encoded: ArrayLike) -> NDArray[Any]:
        """Turn class indices into labels (n_rows,), or outputs into numbers; one target (n_rows,), several as given."""
        if not self.is_classification and self.task.scaling is None:
            raise InputError("a regression target is decoded after learn(frame, training_rows) only")
        found = self.task.decode(encoded)
        return found.reshape(-1) if len(self.names) == 1 else found

    def describe(self) -> list[str]:
        """Say what is predicted."""
        lines = [self.task.reason]
        if self.n_missing:
            rows = "1 row is" if self.n_missing == 1 else f"{self.n_missing} rows are"
            lines.append(f"{rows} left out: no value in {' or '.join(map(repr, self.names))}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Turn the target into plain data."""
        scaling = self.task.scaling
        return {
            "kind": self.kind,
            "names": list(self.names),
            "reason": self.task.reason,
            "n_missing": self.n_missing,
            "labels": list(self.labels),
            "centres": [] if scaling is None else scaling.centres.tolist(),
            "scales": [] if scaling is None else scaling.scales.tolist(),
            "transform": self.task.transform,
        }

    @classmethod
    def from_dict(cls, data: object) -> Target:
        """Build a target from plain data."""
        if isinstance(data, dict):
            data = {"transform": "none", **data}  # models saved before there were others say nothing of it
        saved = records.from_plain(_Saved, data, "a target")
        if saved.labels:
            task = Task.of_classes(saved.labels, saved.reason)
        else:
            scaling = Scaling(saved.centres, saved.scales) if saved.scales else None
            task = Task("regression", len(saved.names), (), saved.reason, scaling, saved.transform)
        return cls(saved.names, task, saved.n_missing)

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


@dataclass(frozen=True)
class _Saved:
    """A target as it lies in a file, checked."""

    kind: KindName
    names: tuple[str, ...]
    reason: str
    n_missing: int
    labels: tuple[Label, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    transform: Literal["none", "log"]

    def __post_init__(self) -> None:
        n_labels, is_class = len(self.labels), self.kind.endswith("classification")
        fitting = {"binary_classification": n_labels == 2, "multiclass_classification": n_labels > 2}
        records.require(fitting.get(self.kind, n_labels == 0), f"{n_labels} classes do not make a {self.kind}")
        records.require(len({type(label) for label in self.labels}) <= 1, "classes should be of one type")
        records.require(list(self.labels) == sorted(set(self.labels)), "classes should be sorted, each one once")
        one = self.kind != "multi_output_regression"
        records.require(len(set(self.names)) == len(self.names) > 0, "targets should be named, each one once")
        records.require(one == (len(self.names) == 1), f"{len(self.names)} target columns do not make a {self.kind}")
        lengths = {len(self.centres), len(self.scales)}
        allowed = ({0},) if is_class else ({0}, {len(self.names)})
        records.require(lengths in allowed, "a target should have a centre and a scale per output")
        records.require(all(scale > 0 for scale in self.scales), "the scales of a target should be positive")
        logarithm = self.kind == "regression" and len(self.scales) == 1
        records.require(self.transform == "none" or logarithm, f"no logarithm is learned for a {self.kind}")
        records.require(self.n_missing >= 0, f"{self.n_missing} rows cannot lack their target")


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


def find_target(frame: pl.DataFrame, targets: str | Sequence[str], task: str = "auto") -> Target:
    """Find out what is to be learned from the target columns, as `actwise.tasks.find_task` does.

    Several columns are a regression. Text that reads as numbers counts as numbers.

    >>> table = pl.DataFrame({"x": [1, 2, 3, 4], "kind": ["cat", "dog", "cat", "dog"]})
    >>> target = find_target(table, "kind")
    >>> target.task.reason
    "target 'kind' holds 2 different texts: classification"
    >>> target.encode(table), target.decode([1, 0])
    (array([0, 1, 0, 1]), array(['dog', 'cat'], dtype='<U3'))
    """
    if task not in ("auto", "classification", "regression"):
        raise InputError(f"task {task!r} is unknown: it is 'auto', 'classification' or 'regression'")
    names = (targets,) if isinstance(targets, str) else tuple(targets)
    _refuse_bad_names(frame, names)
    missing = missing_rows(frame, names)
    n_missing = int(missing.sum())
    if n_missing == frame.height:
        raise TableError(f"no row has a value in {' and '.join(map(repr, names))}: there is nothing to learn from")
    positions = np.flatnonzero(~missing)
    if len(positions) == 1:
        raise TableError(f"only one row has a value in {' and '.join(map(repr, names))}: add rows to learn from")
    if len(names) > 1:
        if task == "classification":
            raise TableError(f"{len(names)} targets cannot be classes: name one, or ask for a regression")
        for name in names:
            _refuse_no_regression(*target_cells(frame, name, positions))
        reason = f"{len(names)} targets: multi-output regression"
        return Target(names, Task("regression", len(names), reason=reason), n_missing)
    column, numbers = target_cells(frame, names[0], positions)
    _refuse_nested(column)
    found = find_task_of(_plain(column), task)
    reason = f"target {names[0]!r} {found.reason}"
    if not found.is_classification:
        _refuse_no_regression(column, numbers)
        return Target(names, replace(found, reason=reason), n_missing)
    labels = _find_labels(column, number_alternative=task == "auto")
    return Target(names, Task.of_classes(labels, reason), n_missing)


def _plain(column: pl.Series) -> NDArray[Any]:
    """Read a column without missing cells as truth values, numbers or text, whichever it holds."""
    if column.dtype == pl.Boolean:
        return column.to_numpy()
    read = cells.read_numbers(column)
    many = read.values.count() > len(column) / 2 and read.values.n_unique() > MOST_NUMBER_CLASSES
    if read.strange.any() and not many:
        return cells.read_text(column).to_numpy()
    return read.values.drop_nulls().to_numpy()  # save for a few cells, of which the first will be refused


def _find_labels(column: pl.Series, *, number_alternative: bool) -> tuple[Label, ...]:
    """List the classes of a column without missing cells, in their own type."""
    values: pl.Series
    whole = False
    read = cells.read_numbers(column)
    if column.dtype == pl.Boolean:
        values = column
    elif read.strange.any() or (cells.is_text(column) and _holds_codes(column)):
        values = cells.read_text(column)
    else:
        refuse_infinite(column.name, read.values.to_numpy(), np.arange(1, len(column) + 1))
        values = read.values
        whole = column.dtype.is_integer() or (cells.is_text(column) and not _holds_points(column))
    counts = values.alias("label").value_counts(name="rows").sort("label")
    labels: list[Label] = counts["label"].to_list()
    if len(labels) == 1:
        raise TableError(f"target {column.name!r} is {labels[0]!r} in every row: there is nothing to tell apart")
    single = [labels[int(i)] for i in (counts["rows"] == 1).arg_true()]
    if len(single) > MOST_NUMBER_CLASSES and len(single) > len(labels) / 2:
        unread = cells.read_text(column.filter(read.strange))
        alike = unread.filter(unread.str.contains(LIKE_A_NUMBER))
        way_out = "so choose another target column"
        if len(alike) > len(column) / 2:
            way_out = (
                f"and cells such as {alike[0]!r} do not read as numbers: write them without a unit, with a decimal "
                "point and no mark of thousands, or choose another target column"
            )
        raise TableError(
            f"target {column.name!r} holds {len(labels)} different values in {len(column)} rows, most of "
            f"them once: they are no classes, {way_out}"
        )
    if labels and isinstance(labels[0], str):
        _warn_of_twins(column.name, pl.Series(labels))
    if single:
        shown = ", ".join(repr(int(each) if whole else each) for each in single[:5])
        more = f" and {len(single) - 5} more classes" if len(single) > 5 else ""
        numeric = number_alternative and not isinstance(labels[0], str | bool)
        also = ", or ask for task 'regression' if they are quantities" if numeric else ""
        raise TableError(
            f"target {column.name!r} has one row only of {shown}{more}, which cannot be learned and tested: "
            f"drop such rows or merge the class with another{also}"
        )
    return tuple(int(label) for label in labels) if whole else tuple(labels)


def _warn_of_twins(name: str, labels: pl.Series) -> None:
    """Say that labels differ by case or blanks only, as those of one class do that was typed in several ways."""
    plain = labels.str.to_lowercase().str.replace_all(r"\s+", "")
    shared = plain.filter(plain.is_duplicated())
    if len(shared):
        said = " and ".join(map(repr, labels.filter(plain == shared[0])))
        warnings.warn(
            f"target {name!r}: the classes {said} differ by case or blanks only: write them alike if they are one",
            ActwiseWarning,
            stacklevel=4,
        )


def _holds_codes(column: pl.Series) -> bool:
    """Tell whether text that reads as numbers has leading zeros, such as ``007``: then it is a code."""
    return bool(column.cast(pl.String).str.contains(r"^\s*[+-]?0\d").any())


def _holds_points(column: pl.Series) -> bool:
    """Tell whether text that reads as numbers is written with a decimal point or an exponent."""
    return bool(column.cast(pl.String).str.contains(r"[.eE]").any())


def _refuse_bad_names(frame: pl.DataFrame, names: tuple[str, ...]) -> None:
    if not names:
        raise TableError(f"name a target column; {suggest('', frame.columns, noun='columns')}")
    for name in names:
        if name not in frame.columns:
            near = suggest(name, frame.columns, noun="columns")
            numeric = pl.Series(frame.columns).cast(pl.Float64, strict=False)
            lost = "; the column names are numbers: does the file lack a first line with names?"
            raise TableError(f"no target column {name!r}: {near}" + lost * (numeric.count() > frame.width / 2))
    if len(set(names)) < len(names):
        raise TableError(f"each target column should be named once, not {', '.join(map(repr, names))}")


def _refuse_no_regression(column: pl.Series, numbers: NDArray[np.int64]) -> None:
    """Refuse a target that is no finite number somewhere, or the same one everywhere."""
    _refuse_nested(column)
    values, strange = cells.read_numbers(column)
    if strange.any():
        first = strange.arg_max() or 0
        raise TableError(
            f"target {column.name!r} should hold numbers for a regression, but row {numbers[first]} holds "
            f"{records.shown(column[first])}: correct the cell, or choose another target or task"
        )
    refuse_infinite(column.name, values.to_numpy(), numbers)
    if values.min() == values.max():
        raise TableError(f"target {column.name!r} is {values[0]:g} in every row: there is nothing to predict")


def _refuse_nested(column: pl.Series) -> None:
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise TableError(f"target {column.name!r} holds {column.dtype} cells: choose a column of single values")
