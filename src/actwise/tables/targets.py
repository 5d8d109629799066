"""The target columns of a table: what is to be learned from them, and how their cells are read."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from actwise.errors import ActwiseWarning, InputError, TableError, suggest
from actwise.persistence import records
from actwise.tables import cells
from actwise.tables.learning import find_numbers
from actwise.tables.odd import find_odd, tell_odd
from actwise.tables.options import DEFAULT, ReadOptions
from actwise.tables.refusals import (
    refuse_bad_targets,
    refuse_infinite,
    refuse_missing,
    refuse_nested_target,
    refuse_strange,
)
from actwise.tasks.scaling import Scaling
from actwise.tasks.splits import is_complete
from actwise.tasks.task import MOST_NUMBER_CLASSES, Label, Task
from actwise.tasks.task import find_task as find_task_of

FEWEST_ROWS = 2  # of a class, one to learn from and one to test
FEWEST_TO_JUDGE = 10

KindName = Literal["binary_classification", "multiclass_classification", "regression", "multi_output_regression"]


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
    missing_words : tuple of str
        Words that stand for a missing value beside the usual ones. Words that are among the labels are labels.
    written_unit : str
        What stands behind the digits of a regression's target.
    remarks : tuple of str
        What a person should know of the target.
    """

    names: tuple[str, ...]
    task: Task
    n_missing: int = 0
    missing_words: tuple[str, ...] = ()
    written_unit: str = ""
    remarks: tuple[str, ...] = field(default=(), compare=False)

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
        """Find the rows that have a value in every target column, of one of the classes or a number."""
        usable = np.ones(frame.height, dtype=bool)
        for name in self.names:
            column, _ = target_cells(frame, name, None)
            found = self._codes(column)[0] if self.is_classification else self.read_numbers(column).values
            usable &= found.is_not_null().to_numpy()
        return np.flatnonzero(usable).astype(np.int64)

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
            read, strange = self.read_numbers(column)
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
        return [*lines, *self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """Turn the target into plain data."""
        scaling = self.task.scaling or Scaling((), ())
        found: dict[str, Any] = records.to_plain(
            _Saved(
                self.kind, self.names, self.task.reason, self.n_missing, self.labels, tuple(scaling.centres),
                tuple(scaling.scales), self.task.transform, self.missing_words, self.written_unit,
            )
        )  # fmt: skip
        return found

    @classmethod
    def from_dict(cls, data: object, where: str = "target") -> Target:
        """Build a target from plain data."""
        saved = records.from_plain(_Saved, data, where)
        if saved.labels:
            task = Task.of_classes(saved.labels, saved.reason)
        else:
            scaling = Scaling(saved.centres, saved.scales) if saved.scales else None
            task = Task("regression", len(saved.names), (), saved.reason, scaling, saved.transform)
        return cls(saved.names, task, saved.n_missing, saved.missing_words, saved.written_unit)

    def read_numbers(self, column: pl.Series) -> cells.Cells:
        """Read the cells of a regression's target."""
        return cells.read_numbers(column, (*cells.NUMBER_GAPS, *self.missing_words), self.written_unit)

    def _codes(self, column: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Look up each cell among the labels; null where it is none of them, beside what is missing."""
        kind = type(self.labels[0])
        if kind is str:
            labels = [str(label) for label in self.labels]
            values = cells.read_text(column, self.missing_words, labels)
            return values.cast(pl.Enum(labels), strict=False).to_physical(), values.is_null()
        values, strange = cells.read_truth(column, self.missing_words) if kind is bool else self.read_numbers(column)
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
    transform: Literal["none", "log"] = "none"
    missing_words: tuple[str, ...] = ()
    written_unit: str = ""

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


records.CUSTOM[Target] = (Target.to_dict, Target.from_dict)


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


def find_target(
    frame: pl.DataFrame, targets: str | Sequence[str], task: str = "auto", options: ReadOptions = DEFAULT
) -> Target:
    """Find out what is to be learned from the target columns, as `actwise.tasks.find_task` does.

    Several columns are a regression. Text that reads as numbers counts as numbers. Rows whose target is missing, or
    does not fit the others, are left out.

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
    refuse_bad_targets(frame, names)
    if len(names) == 1 and task == "auto":
        task = {"number": "regression", "category": "classification"}.get(options.type_of(names[0]) or "", task)
    if len(names) > 1:
        if task == "classification":
            raise TableError(f"{len(names)} targets cannot be classes: name one, or ask for a regression")
        found = Task("regression", len(names), reason=f"{len(names)} targets: multi-output regression")
        return _of_numbers(frame, names, found, options)
    column = frame[names[0]]
    refuse_nested_target(column)
    values, whole, unit = _read_target(frame, column, options, task)
    present = values.drop_nulls()
    if not len(present) and task == "regression":
        _refuse_no_regression(Target(names, Task("regression", 1), 0, options.missing, unit), column)
    if not len(present):
        raise TableError(f"no row has a value in {names[0]!r}: there is nothing to learn from")
    if len(present) == 1:
        raise TableError(f"only one row has a value in {names[0]!r}: add rows to learn from")
    found = find_task_of(present.to_numpy(), task)
    found = replace(found, reason=f"target {names[0]!r} {found.reason}")
    if not found.is_classification:
        return _of_numbers(frame, names, found, options, unit)
    if present.dtype.is_numeric():
        refuse_infinite(column.name, values.to_numpy(), np.arange(1, len(values) + 1))
        if cells.is_text(column) and _holds_codes(column):
            present, whole = cells.read_text(column, options.missing).drop_nulls(), False
    counts = present.alias("label").value_counts(name="rows").sort("label")
    single = counts.filter(pl.col("rows") == 1)["label"]
    if len(single) and len(counts) > 2 and task == "auto" and present.dtype.is_numeric():
        reason = f"target {names[0]!r} holds {len(counts)} different numbers, some of them once: regression"
        return _of_numbers(frame, names, Task("regression", 1, reason=reason), options, unit)
    kept = _find_labels(column, counts, frame.drop(names).filter(values.is_not_null()), asks=task == "auto")
    labels = tuple(int(each) for each in kept) if whole else kept
    task_found, n_missing = Task.of_classes(labels, found.reason), frame.height - len(present)
    return Target(names, task_found, n_missing, options.missing, unit, _remarks(counts, kept))


def _of_numbers(
    frame: pl.DataFrame, names: tuple[str, ...], task: Task, options: ReadOptions, unit: str = ""
) -> Target:
    target = Target(names, task, 0, options.missing, unit)
    odd = []
    for name in names:
        _refuse_no_regression(target, frame[name])
        odd.append(find_odd(frame[name], target.read_numbers(frame[name]).strange, "number"))
    tell_odd([each for each in odd if each is not None], learning=True)
    rows = target.labelled_rows(frame)
    if len(rows) < FEWEST_ROWS:
        said = "no row has a value" if not len(rows) else "only one row has a value"
        step = "there is nothing to learn from" if not len(rows) else "add rows to learn from"
        raise TableError(f"{said} in {' and '.join(map(repr, names))}: {step}")
    return replace(target, n_missing=frame.height - len(rows))


def _read_target(
    frame: pl.DataFrame, column: pl.Series, options: ReadOptions, task: str
) -> tuple[pl.Series, bool, str]:
    """Read a target as truth values, numbers or labels; say whether numbers are whole, and their unit."""
    if column.dtype == pl.Boolean:
        return column, False, ""
    numbers = find_numbers(column, options)
    if numbers is None and task != "regression":
        return cells.read_text(column, options.missing, _markers_for_labels(frame, column, options)), False, ""
    if numbers is None:
        return cells.read_numbers(column, (*cells.NUMBER_GAPS, *options.missing)).values, False, ""
    whole = column.dtype.is_integer() or (cells.is_text(column) and not _holds_points(column))
    return numbers.cells.values, whole, numbers.unit


def _markers_for_labels(frame: pl.DataFrame, column: pl.Series, options: ReadOptions) -> tuple[str, ...]:
    """List the words for a missing value that are labels in this target, aloud.

    A word such as None is missing where it stands among truth values, or among the numbers of another column: then it
    is what the table says for missing. Else nothing speaks for that, and to leave out its rows might lose a class.
    """
    text = column.cast(pl.String).str.strip_chars()
    found = [each for each in cells.MISSING_MARKERS if each and each not in (*options.missing, *options.present)]
    found = text.filter(text.is_in(found)).unique(maintain_order=True).to_list()
    if not found or cells.read_truth(cells.read_text(column, options.missing)).strange.sum() == 0:
        return options.present
    for other in frame:
        if other.name != column.name and cells.is_text(other):
            values = cells.read_numbers(other)
            if values.values.count() > values.strange.sum():
                words = other.cast(pl.String).str.strip_chars()
                found = [each for each in found if not (words == each).any()]
    found = [each for each in found if (text == each).sum() >= FEWEST_ROWS]
    for each in found:
        warnings.warn(
            f"target {column.name!r}: {each!r} is taken for a class, of {int((text == each).sum())} rows: say "
            f"--na {shlex.quote(each)} if it means that the answer is missing",
            ActwiseWarning,
            stacklevel=5,
        )
    return (*options.present, *found)


def is_truth_table(features: pl.DataFrame) -> bool:
    """Whether every combination of the columns' values is a row, so that nothing is left to generalise to."""
    if any(dtype.is_nested() or dtype in (pl.Binary, pl.Object) for dtype in features.dtypes):
        return False
    codes = features.select(pl.all().rank("dense")).to_numpy()
    return bool(codes.size) and is_complete(codes.astype(np.float64))


def _find_labels(column: pl.Series, counts: pl.DataFrame, features: pl.DataFrame, *, asks: bool) -> tuple[Label, ...]:
    """List the classes that have two rows or more, which is what it takes to learn and to test them.

    A truth table is learned from and judged by all of its rows: there one row of a class will do.
    """
    labels: list[Label] = counts["label"].to_list()
    if len(labels) == 1:
        raise TableError(f"target {column.name!r} is {labels[0]!r} in every row: there is nothing to tell apart")
    kept = counts.filter(pl.col("rows") > 1)["label"].to_list()
    n_single = len(labels) - len(kept)
    if n_single > MOST_NUMBER_CLASSES and n_single > len(labels) / 2:
        raise TableError(
            f"target {column.name!r} holds {len(labels)} different values in {len(column)} rows, most of "
            "them once: they are no classes, so choose another target column"
        )
    if len(kept) < FEWEST_ROWS and is_truth_table(features):
        kept = labels
    if len(kept) < FEWEST_ROWS:
        rare = ", ".join(f"{each:g}" if isinstance(each, float) else repr(each) for each in labels if each not in kept)
        numeric = asks and not isinstance(labels[0], str | bool)
        also = ", or ask for task 'regression' if they are quantities" if numeric else ""
        raise TableError(
            f"target {column.name!r} has one row only of {rare}, which cannot be learned and tested: "
            f"drop such rows or merge the class with another{also}"
        )
    if isinstance(labels[0], str):
        _warn_of_twins(column.name, pl.Series(labels))
    return tuple(kept)


def _remarks(counts: pl.DataFrame, kept: Sequence[Label]) -> tuple[str, ...]:
    """Say which classes are too rare to be learned, or to be judged."""
    remarks = []
    single = [each for each in counts["label"].to_list() if each not in kept]
    if single:
        shown = ", ".join(map(repr, single[:5])) + (", ..." if len(single) > 5 else "")
        what = "the only one of its class" if len(single) == 1 else "each the only one of its class"
        rows = "1 row is" if len(single) == 1 else f"{len(single)} rows are"
        remarks.append(f"{rows} left out, {what}: {shown}")
    most = counts["rows"].max()
    rare = counts.filter((pl.col("rows") > 1) & (pl.col("rows") < FEWEST_TO_JUDGE) & (pl.col("rows") * 10 <= most))
    if len(rare):
        said = ", ".join(f"{label!r} ({n} rows)" for label, n in rare.head(5).iter_rows())
        remarks.append(f"too rare for a test to say much about: {said}" + (", ..." if len(rare) > 5 else ""))
    return tuple(remarks)


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


def _refuse_no_regression(target: Target, column: pl.Series) -> None:
    """Refuse a target that is mostly no number, infinite somewhere, or the same one everywhere."""
    refuse_nested_target(column)
    values, strange = target.read_numbers(column)
    if strange.sum() > values.count():
        first = strange.arg_max() or 0
        raise TableError(
            f"target {column.name!r} should hold numbers for a regression, but row {first + 1} holds "
            f"{records.shown(column[first])}: choose another target or task"
        )
    refuse_infinite(column.name, values.to_numpy(), np.arange(1, len(values) + 1))
    if values.count() > 1 and values.min() == values.max():
        value = values.drop_nulls()[0]
        raise TableError(f"target {column.name!r} is {value:g} in every row: there is nothing to predict")
