"""Decide what a column is and learn it from its training rows: the rules, each stated once.

| a column                                                              | becomes                  |
|------------------------------------------------------------------------|--------------------------|
| without a value, or with the same one in all rows                      | left out                 |
| of true/false, yes/no, y/n, t/f                                        | `BooleanColumn`          |
| nearly all numbers, with one unit at most                              | `NumberColumn`           |
| nearly all dates, or times of day                                      | `DateColumn`             |
| whole numbers, all different, under a name such as ``id``              | left out (identifier)    |
| whole numbers, without a name                                          | left out (index)         |
| of text, more than 10 different, and more than one per two values      | left out (identifier)    |
| of other text                                                          | `CategoryColumn`         |
| of lists, structures or bytes                                          | left out                 |

Of a column that is nearly all of one kind the other cells count as missing. They are told, and stop nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import TableError
from actwise.tables import cells, dates
from actwise.tables.cells import Cells
from actwise.tables.columns import (
    BooleanColumn,
    CategoryColumn,
    Column,
    DateColumn,
    DroppedColumn,
    NumberColumn,
    transformed,
)
from actwise.tables.moments import Cycle, cycle_phase, days_since_epoch
from actwise.tables.odd import OddCells, find_odd
from actwise.tables.options import DEFAULT, ReadOptions, merged
from actwise.tables.refusals import refuse_infinite
from actwise.tasks.scaling import has_heavy_tail

# A label has an output of its own if it is among the 30 most frequent, or in at least 3 training rows, as long as
# the outputs of a column are no more than 1,000, nor so many that the encoded rows fill the memory.
ALWAYS_KEPT = 30
FEWEST_ROWS = 3
MOST_CATEGORIES = 1000
MOST_ENCODED_LABELS = 1 << 26

# Text of which there are more than 10, and more than one per two values, tells rows apart, not kinds of rows.
FEWEST_IDENTIFIERS = 10
IDENTIFIER_SHARE = 0.5
IDENTIFIER_NAME = re.compile(
    r"(?i:(?:.*[\s_.-])?(?:id|uuid|guid)|idx|index|key|row[\s_]?(?:names?|number|num|no|nr)?|unnamed.*)"
    r"|.*[a-z0-9]I[dD]",
    re.DOTALL,
)
INDEX_ROWS = 10  # what is left of a larger table is still indexed as there
NO_NAME = re.compile(r"(?:unnamed(?:_\d+|: ?\d+)|__index_level_\d+__)?", re.IGNORECASE)

# Odd cells among those of one kind: up to one in ten, if there are ten different ones of the kind or more, since
# few different ones may be labels. Or up to 3 different words, which stand for missing, in half of the cells.
MOST_ODD = 0.10
ODD_PER_DIFFERENT = 0.01
MOST_WORDS = 3
FEWEST_VALUES = 10

CODE_SHARE = 0.01  # of the rows, which a number for missing ones stands in at least

# 20141013 may be a date, and so may 10132014 and 1132014.
FIRST_COMPACT_DATE, LAST_COMPACT_DATE = 1_011_900, 31_122_100


class Learned(NamedTuple):
    """A column, beside what a person should know about its reading."""

    column: Column
    odd: OddCells | None = None
    remark: str | None = None
    code: float | None = None  # a number that may stand for a missing one


class ColumnReading(NamedTuple):
    """One way to read a column."""

    kind: str  # what its cells are then, for a person
    cells: Cells
    layout: str | None = None  # of dates
    unit: str = ""  # of numbers
    doubtful: str | None = None


def learn_column(
    column: pl.Series,
    rows: NDArray[np.int64] | None = None,
    missing: Sequence[str] = (),
    options: ReadOptions = DEFAULT,
) -> Column:
    """Decide what a column is and learn its centre, scale, categories and so on.

    `column`: the whole column. How its cells are to be read (as numbers, dates or text) is told by all of
    them; nothing else is taken from rows that are not for training.
    `rows`: the positions of the training rows; all rows if left out. Words of `missing` join those of the options.

    >>> print(learn_column(pl.Series("age", ["20", "30", "NA", "40"])).describe())
    age: number; centred on 30, divided by 8.165; 1 missing filled with the median 30, plus a column that marks them
    >>> print(learn_column(pl.Series("port", ["Southampton", "Cherbourg"])).describe())
    port: category; one column for each of 2 labels (Cherbourg, Southampton)
    """
    return learn(column, rows, replace(options, missing=merged(options.missing, missing))).column


def learn(column: pl.Series, rows: NDArray[np.int64] | None, options: ReadOptions) -> Learned:
    """Learn a column as `learn_column` does; tell what is odd about it too."""
    rows = np.arange(len(column)) if rows is None else rows
    name, dtype, words = column.name, column.dtype, options.missing
    asked = options.type_of(name)
    if asked == "ignore":
        return Learned(DroppedColumn(name, "as asked"))
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return Learned(DroppedColumn(name, f"it holds {_nested_name(dtype)}, not single values"))
    if asked is None and dtype == pl.Boolean:
        return Learned(_learn_truth(column.gather(rows), words))
    reading = _as_asked(column, asked, options) if asked else _find_reading(column, options)
    if reading is None:
        return _learn_text(column, rows, options, asked)
    found: Column
    if reading.layout is not None:
        found = _learn_date(reading.cells.values.gather(rows), reading.layout, words)
    else:
        found = _learn_number(name, reading.cells.values.to_numpy()[rows], rows + 1, words, reading.unit, asked)
    remark = None
    if reading.doubtful is not None and found.feature_names:
        assumed = "day" if reading.layout == "day first" else "month"
        other = "month" if assumed == "day" else "day"
        remark = (
            f"column {name!r} holds dates such as {reading.doubtful!r}, and no cell tells whether the day or the month "
            f"stands first: the {assumed} was taken to (--date-order {other} if that is wrong)"
        )
    code = _code_for_missing(reading.cells.values.to_numpy()) if isinstance(found, NumberColumn) else None
    return Learned(found, find_odd(column, reading.cells.strange, reading.kind), remark, code)


def read_times(column: pl.Series, options: ReadOptions) -> NDArray[np.float64]:
    """Read a column that says when each row was: dates as days since 1970, or numbers, shape (n_rows,)."""
    reading = _find_reading(column, options)
    if reading is None or reading.cells.values.null_count():
        row = 0 if reading is None else (reading.cells.values.is_null().arg_max() or 0)
        raise TableError(
            f"column {column.name!r} should hold the time of every row, as a date or a number, but one holds "
            f"{column[row]!r}: correct it, or name another column"
        )
    values = reading.cells.values
    found: NDArray[np.float64] = (values if reading.layout is None else days_since_epoch(values)).to_numpy()
    return found


def _as_asked(column: pl.Series, asked: str, options: ReadOptions) -> ColumnReading | None:
    """Read a column as a person said that it is to be read; None for labels."""
    reading: ColumnReading | None
    if asked == "category":
        return None
    reading = _dates(column, options) if asked == "date" else _numbers(column, options)
    if reading is None or not reading.cells.values.count():
        raise TableError(f"column {column.name!r} holds no {asked} that could be read: leave out its --type")
    return reading


def _find_reading(column: pl.Series, options: ReadOptions) -> ColumnReading | None:
    """Find out whether nearly all cells are numbers or dates; None if they are text."""
    if column.dtype in (pl.Date, pl.Datetime):
        return _dates(column, options)
    plain = _plain_numbers(column, options)
    if _differs_by_bounds_only(column, plain):
        return None
    if not plain.cells.strange.any():
        return _compact_dates(column, plain, options) or plain
    return _best(column, plain, (lambda: _dates(column, options), lambda: _numbers(column, options)), options)


def _differs_by_bounds_only(column: pl.Series, plain: ColumnReading) -> bool:
    """Tell labels such as <6m and >6m, which are one number without their marks."""
    values = plain.cells.values
    if not cells.is_text(column) or not values.count() or values.min() != values.max():
        return False
    return bool(column.cast(pl.String).str.contains(r"[<>≤≥~+]").any()) and column.drop_nulls().n_unique() > 1


def find_numbers(column: pl.Series, options: ReadOptions) -> ColumnReading | None:
    """Read a column as numbers if nearly all of its cells are; None otherwise."""
    plain = _plain_numbers(column, options)
    if not plain.cells.strange.any():
        return plain
    return _best(column, plain, (lambda: _numbers(column, options),), options)


def _best(
    column: pl.Series,
    plain: ColumnReading,
    others: Sequence[Callable[[], ColumnReading | None]],
    options: ReadOptions,
) -> ColumnReading | None:
    """Choose the way to read a column in which most cells make sense, if nearly all do."""
    text = cells.read_text(column, options.missing)
    if frozenset(text.drop_nulls().str.to_lowercase().unique()) in cells.TRUTH_PAIRS:
        return None
    readings = [plain, *(found for each in others if (found := each()) is not None)]
    best = max(readings, key=lambda each: each.cells.values.count())
    return best if _nearly_all(best.cells, text) and not _differs_by_bounds_only(column, best) else None


def _plain_numbers(column: pl.Series, options: ReadOptions) -> ColumnReading:
    return ColumnReading("number", cells.read_numbers(column, (*cells.NUMBER_GAPS, *options.missing)))


def _numbers(column: pl.Series, options: ReadOptions) -> ColumnReading:
    words = (*cells.NUMBER_GAPS, *options.missing)
    unit = cells.find_unit(cells.read_text(column, words)) if cells.is_text(column) else ""
    return ColumnReading("number", cells.read_numbers(column, words, unit), unit=unit)


def _dates(column: pl.Series, options: ReadOptions) -> ColumnReading | None:
    if not cells.is_text(column) and not column.dtype.is_numeric():
        return ColumnReading("date", dates.read_moments(column, "year first", options.missing), "year first")
    found = dates.find_dates(column, options.missing, options.date_order)
    if found is None:
        return None
    kind = dates.TIME_OF_DAY if found.layout == dates.TIME_OF_DAY else "date"
    return ColumnReading(kind, found.cells, found.layout, doubtful=found.doubtful)


def _compact_dates(column: pl.Series, plain: ColumnReading, options: ReadOptions) -> ColumnReading | None:
    """Read whole numbers such as 20141013 as dates, where each one is a date."""
    values = plain.cells.values.to_numpy()
    present = values[~np.isnan(values)]
    if not len(present) or not FIRST_COMPACT_DATE <= present.min() <= present.max() <= LAST_COMPACT_DATE:
        return None
    if len(np.unique(present)) <= FEWEST_VALUES or (present != np.floor(present)).any():
        return None
    found = _dates(column, options)
    return found if found and found.cells.values.count() == len(present) else None


def _nearly_all(read: Cells, text: pl.Series) -> bool:
    n_read, n_odd = read.values.count(), int(read.strange.sum())
    n_different = read.values.drop_nulls().n_unique()
    if n_odd <= min(MOST_ODD, ODD_PER_DIFFERENT * n_different) * (n_read + n_odd):
        return n_read > 0
    few_words = text.filter(read.strange).n_unique() <= MOST_WORDS
    return n_different > FEWEST_VALUES and few_words and n_odd <= n_read


def _code_for_missing(values: NDArray[np.float64]) -> float | None:
    """Find a number that recurs and lies farther from all others than these do from each other, such as -999."""
    different, rows = np.unique(values[~np.isnan(values)], return_counts=True)
    if len(different) <= FEWEST_VALUES:
        return None
    for place, others in ((0, different[1:]), (-1, different[:-1])):
        gap = np.abs(others - different[place]).min()
        recurs = max(FEWEST_ROWS, CODE_SHARE * rows.sum()) <= rows[place] <= rows.sum() / 2
        if recurs and gap > others[-1] - others[0]:
            return float(different[place])
    return None


def _learn_number(
    name: str,
    values: NDArray[np.float64],
    numbers: NDArray[np.int64],
    words: tuple[str, ...],
    unit: str,
    asked: str | None,
) -> Column:
    """Learn a column of numbers, NaN where they are missing, shape (n_training_rows,)."""
    refuse_infinite(name, values, numbers)
    present = values[~np.isnan(values)]
    n_missing = len(values) - len(present)
    if (constant := _without_variety(name, pl.Series(present), n_missing)) is not None:
        return constant
    if asked is None and (present == np.floor(present)).all():
        # An index counts to about the number of rows; years in a column without a name do not.
        if NO_NAME.fullmatch(name) and 0 <= present.min() <= present.max() <= INDEX_ROWS * len(values):
            return DroppedColumn(name, "whole numbers without a name count the rows")
        tells_rows_apart = len(np.unique(present)) == len(present) > FEWEST_IDENTIFIERS
        if tells_rows_apart and IDENTIFIER_NAME.fullmatch(name):
            return DroppedColumn(name, f"its name and {len(present)} different whole numbers make it an identifier")
    if has_heavy_tail(present):
        transform, bend = "signed_log", _median(np.abs(present[present != 0]))
    else:
        transform, bend = "none", 1.0
    with np.errstate(over="ignore"):
        bent = transformed(present, transform, bend)
    centre, scale = _centre_and_scale(bent)
    if not (scale > 0 and np.isfinite(scale)):
        return DroppedColumn(name, "its numbers differ too little, or lie too far apart, for floating point")
    return NumberColumn(
        name=name,
        transform="signed_log" if transform == "signed_log" else "none",
        unit=bend,
        centre=centre,
        scale=scale,
        fill=_median(present),
        n_missing=n_missing,
        missing_words=words,
        written_unit=unit,
    )


def _learn_truth(column: pl.Series, words: tuple[str, ...]) -> Column:
    values = cells.read_truth(column, words).values
    n_missing = values.null_count()
    return _without_variety(column.name, values.drop_nulls(), n_missing) or BooleanColumn(column.name, n_missing, words)


def _learn_date(moments: pl.Series, layout: str, words: tuple[str, ...]) -> Column:
    present = moments.drop_nulls()
    if (constant := _without_variety(moments.name, present, moments.null_count())) is not None:
        return constant
    days = days_since_epoch(present).to_numpy()
    centre, scale = _centre_and_scale(days)
    varying: dict[Cycle, int] = {
        "year": present.dt.month().n_unique(),
        # The first of each month falls on all weekdays, and none of them means anything.
        "week": min(present.dt.weekday().n_unique(), present.dt.day().n_unique()),
        "day": len(np.unique(cycle_phase(present, "day"))),
    }
    return DateColumn(
        name=moments.name,
        layout=layout,
        centre=centre,
        scale=scale,
        fill=_median(days),
        cycles=tuple(cycle for cycle, n_different in varying.items() if n_different > 1),
        n_missing=moments.null_count(),
        missing_words=words,
    )


def _learn_text(column: pl.Series, rows: NDArray[np.int64], options: ReadOptions, asked: str | None) -> Learned:
    """Decide about text that is neither numbers nor dates."""
    name, words = column.name, options.missing
    whole = cells.read_text(column, words, options.present)
    everywhere = whole.drop_nulls().unique(maintain_order=True)
    counts = whole.gather(rows).drop_nulls().alias("text").value_counts(name="rows")
    counts = counts.sort(["rows", "text"], descending=[True, False])
    different = counts["text"]
    n_present = int(counts["rows"].sum())
    n_missing = len(rows) - n_present

    if asked is None and frozenset(everywhere.str.to_lowercase().unique()) in cells.TRUTH_PAIRS:
        return Learned(_learn_truth(column.gather(rows), words))
    if not n_present:
        return Learned(DroppedColumn(name, "it has no value in the training rows"))
    if len(different) == 1 and n_missing == 0:
        return Learned(DroppedColumn(name, f"it holds {different[0]!r} in all rows"))
    hint = _second_thought(column, options) if asked is None and len(everywhere) > FEWEST_IDENTIFIERS else None
    if asked is None and len(different) > FEWEST_IDENTIFIERS and len(different) > IDENTIFIER_SHARE * n_present:
        reason = f"{len(different)} different texts in {n_present} rows make it an identifier or free text"
        return Learned(DroppedColumn(name, reason + (f", but {hint}" if hint else "")))
    supported = int((counts["rows"] >= FEWEST_ROWS).sum())
    room = min(MOST_CATEGORIES, MOST_ENCODED_LABELS // len(rows))
    kept = different.head(max(ALWAYS_KEPT, min(supported, room)))
    found = CategoryColumn(name, tuple(kept.sort()), len(different) - len(kept), n_missing, words)
    return Learned(found, remark=f"column {name!r} was read as labels, but {hint}" if hint else None)


def _second_thought(column: pl.Series, options: ReadOptions) -> str | None:
    """Say what else text may have been meant for, and how it would be taken for that."""
    for kind, reading in (("number", _numbers(column, options)), ("date", _dates(column, options))):
        if reading is not None and reading.cells.values.count() > reading.cells.strange.sum():
            n_read, n_odd = reading.cells.values.count(), int(reading.cells.strange.sum())
            odd = cells.read_text(column.filter(reading.cells.strange))[0]
            return (
                f"{n_read} of {n_read + n_odd} cells read as {kind}s: to take the others, such as {odd!r}, as missing "
                f"say --type {shlex.quote(f'{column.name}={kind}')}"
            )
    return None


def _without_variety(name: str, present: pl.Series, n_missing: int) -> DroppedColumn | None:
    """Drop a column without values, or with one value only."""
    if not len(present):
        return DroppedColumn(name, "it has no value in the training rows")
    if present.min() != present.max():
        return None
    gaps = f" that has a value ({n_missing} without)" if n_missing else ""
    value = present[0]
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return DroppedColumn(name, f"it holds {shown} in every training row{gaps}")


def _centre_and_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation, computed on numbers of size 1 so that no square overflows."""
    size = float(np.abs(values).max()) or 1.0
    small = values / size
    return float(small.mean()) * size, float(small.std()) * size


def _median(values: NDArray[np.float64]) -> float:
    """Take the lower median: a value that is there, and no sum of two that could overflow."""
    middle = (len(values) - 1) // 2
    return float(np.partition(values, middle)[middle])


def _nested_name(dtype: pl.DataType) -> str:
    return {pl.Struct: "structures", pl.Binary: "bytes", pl.Object: "Python objects"}.get(type(dtype), "lists")
