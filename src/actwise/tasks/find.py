"""Find out from the target columns what kind of task they pose, and say why."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import ActwiseWarning, InputError, TableError, suggest
from actwise.persistence import records
from actwise.tables import cells
from actwise.tables.refusals import refuse_infinite
from actwise.tasks.targets import Label, Target, Task, missing_rows, target_cells

# Whole numbers are classes if there are at most 20 different ones, and at most the square root of the number
# of rows, so that a class has about as many rows as there are classes; two different ones always are.
MOST_NUMBER_CLASSES = 20

# What a person would take for a number, with whatever unit or marks of thousands.
LIKE_A_NUMBER = rf"^\(?{cells.BEFORE_DIGITS}[\d.,'’\s]*\d\s?[^\d\s:/-]{{0,9}}\)?$"


def find_task(frame: pl.DataFrame, targets: str | Sequence[str], task: str = "auto") -> Target:
    """Find out what kind of task the target columns pose.

    Several targets, fractions, or many different numbers are a regression; text, truth values, two
    different whole numbers, or few of them (at most 20, and at most the square root of the rows) are classes.

    >>> table = pl.DataFrame({"x": [1, 2, 3, 4], "kind": ["cat", "dog", "cat", "dog"]})
    >>> target = find_task(table, "kind")
    >>> target.reason
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
        return Target("multi_output_regression", names, f"{len(names)} targets: multi-output regression", n_missing)
    column, numbers = target_cells(frame, names[0], positions)
    _refuse_nested(column)
    is_class, reason = _decide(column, task)
    reason = f"target {names[0]!r} {reason}"
    if not is_class:
        _refuse_no_regression(column, numbers)
        return Target("regression", names, reason, n_missing)
    labels = _find_labels(column, number_alternative=task == "auto")
    kind: Task = "binary_classification" if len(labels) == 2 else "multiclass_classification"
    return Target(kind, names, reason, n_missing, labels)


def _decide(column: pl.Series, task: str) -> tuple[bool, str]:
    """Tell whether a column without missing cells holds classes, and why."""
    if task == "regression":
        return False, "holds quantities, as asked: regression"
    if task == "classification":
        return True, "holds classes, as asked: classification"
    if column.dtype == pl.Boolean:
        return True, "holds truth values: classification"
    read = cells.read_numbers(column)
    n_different = read.values.n_unique()
    if read.strange.any():
        if read.values.count() > len(column) / 2 and n_different > MOST_NUMBER_CLASSES:
            return False, "holds numbers"  # save for a few cells, of which the first will be refused
        return True, f"holds {_count(cells.read_text(column).n_unique(), 'text')}: classification"
    if not (read.values == read.values.floor()).all():
        return False, f"holds {_count(n_different, 'number')}, not all of them whole: regression"
    most = min(MOST_NUMBER_CLASSES, int(len(column) ** 0.5))
    if n_different <= max(2, most):
        return True, (
            f"holds {_count(n_different, 'whole number')}, which are taken for classes: classification "
            "(ask for task 'regression' if they are quantities)"
        )
    return False, (
        f"holds {_count(n_different, 'whole number')}, too many for classes of {len(column)} rows: "
        "regression (ask for task 'classification' if they are)"
    )


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


def _count(n: int, noun: str) -> str:
    return f"{n} different {noun}s" if n > 1 else f"1 {noun}"
