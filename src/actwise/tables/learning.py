"""Decide what a column is and learn it from its training rows: the rules, each stated once.

| a column                                                              | becomes                  |
|------------------------------------------------------------------------|--------------------------|
| without a value, or with the same one in all rows                      | left out                 |
| of numbers, or of text that reads as numbers                           | `NumberColumn`           |
| whole numbers, all different, under a name such as ``id`` or none       | left out (identifier)    |
| of true/false, yes/no, y/n, t/f                                        | `BooleanColumn`          |
| of dates, or of text that all reads as dates in one layout             | `DateColumn`             |
| of many numbers and at most 3 words that recur                          | `NumberColumn`, aloud    |
| of many numbers and at most 3 words, one of them once or with digits    | an error naming the row  |
| of text, more than 10 different, and more than one per two values      | left out (identifier)    |
| of other text                                                          | `CategoryColumn`         |
| of lists, structures or bytes                                          | left out                 |
"""

from __future__ import annotations

import re
import shlex
import warnings
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.errors import ActwiseWarning, TableError
from actwise.tables import cells
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
from actwise.tables.refusals import refuse_infinite
from actwise.tasks.scaling import has_heavy_tail

# Labels beyond the 30 most frequent share one output: each output costs a weight per unit of the first layer.
MOST_CATEGORIES = 30

# Text of which there are more than 10, and more than one per two values, tells rows apart, not kinds of rows.
FEWEST_IDENTIFIERS = 10
IDENTIFIER_SHARE = 0.5
IDENTIFIER_NAME = re.compile(
    r"(?i:(?:.*[\s_.-])?(?:id|uuid|guid)|idx|index|key|row[\s_]?(?:names?|number|num|no|nr)?|unnamed.*)"
    r"|.*[a-z0-9]I[dD]",
    re.DOTALL,
)

# At most 3 different words among more than 10 different numbers, in at most half of the cells, are slips or
# placeholders. One that recurs and holds no digit stands for a missing number; others are not guessed at, so
# that a typing error in a training row and one in a new row are refused alike.
MOST_SLIPS = 3
FEWEST_NUMBERS = 10

NUMBER_WITH_UNIT = r"^([+-]?\d[\d.,]*)\s?([^\d\s.,]\S*)$"


def learn_column(column: pl.Series, rows: NDArray[np.int64] | None = None, missing: Sequence[str] = ()) -> Column:
    """Decide what a column is and learn its centre, scale, categories and so on.

    `column`: the whole column. How its cells are to be read (as numbers, dates or text, and which words
    among numbers mean that there is none) is told by all of them; nothing else is taken from rows that
    are not for training.
    `rows`: the positions of the training rows; all rows if left out.

    >>> print(learn_column(pl.Series("age", ["20", "30", "NA", "40"])).describe())
    age: number; centred on 30, divided by 8.165; 1 missing filled with the median 30, plus a column that marks them
    >>> print(learn_column(pl.Series("port", ["Southampton", "Cherbourg"])).describe())
    port: category; one column for each of 2 labels (Cherbourg, Southampton)
    """
    rows = np.arange(len(column)) if rows is None else rows
    dtype = column.dtype
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return DroppedColumn(column.name, f"it holds {_nested_name(dtype)}, not single values")
    if dtype == pl.Boolean:
        return _learn_truth(column.gather(rows))
    if dtype in (pl.Date, pl.Datetime):
        return _learn_date(column.gather(rows), "year-month-day")
    # A word in a row of the test is read before anything is learned, as a person would who cleans the file;
    # were it met after the split only, a fit would work or die by the seed.
    read = cells.read_numbers(column, (*cells.NUMBER_GAPS, *missing))
    words = tuple(missing)
    if read.strange.any() and (found := _placeholders(column, read)):
        words += found
        read = cells.read_numbers(column, (*cells.NUMBER_GAPS, *words))
    if not read.strange.any():
        return _learn_number(column.name, read.values.gather(rows), rows + 1, words)
    return _learn_text(column, rows, read)


def _learn_number(name: str, values: pl.Series, numbers: NDArray[np.int64], missing_words: tuple[str, ...]) -> Column:
    n_missing = values.null_count()
    refuse_infinite(name, values.fill_null(0.0).to_numpy(), numbers)
    present = values.drop_nulls().to_numpy()
    if (constant := _without_variety(name, values)) is not None:
        return constant
    whole = bool((present == np.floor(present)).all())
    if whole and IDENTIFIER_NAME.fullmatch(name) and _tells_rows_apart(values.n_unique() - bool(n_missing), present):
        return DroppedColumn(name, f"its name and {len(present)} different whole numbers make it an identifier")
    if has_heavy_tail(present):
        transform, unit = "signed_log", _median(np.abs(present[present != 0]))
    else:
        transform, unit = "none", 1.0
    with np.errstate(over="ignore"):
        bent = transformed(present, transform, unit)
    centre, scale = _centre_and_scale(bent)
    if not (scale > 0 and np.isfinite(scale)):
        return DroppedColumn(name, "its numbers differ too little, or lie too far apart, for floating point")
    return NumberColumn(
        name=name,
        transform="signed_log" if transform == "signed_log" else "none",
        unit=unit,
        centre=centre,
        scale=scale,
        fill=_median(present),
        n_missing=n_missing,
        missing_words=missing_words,
    )


def _learn_truth(column: pl.Series) -> Column:
    values = cells.read_truth(column).values
    return _without_variety(column.name, values) or BooleanColumn(column.name, values.null_count())


def _learn_date(column: pl.Series, layout: str) -> Column:
    moments = cells.read_moments(column, layout).values
    if (constant := _without_variety(column.name, moments)) is not None:
        return constant
    present = moments.drop_nulls()
    days = days_since_epoch(present).to_numpy()
    centre, scale = _centre_and_scale(days)
    varying: dict[Cycle, int] = {
        "year": present.dt.month().n_unique(),
        "week": present.dt.weekday().n_unique(),
        "day": len(np.unique(cycle_phase(present, "day"))),
    }
    return DateColumn(
        name=column.name,
        layout=layout,
        centre=centre,
        scale=scale,
        fill=_median(days),
        cycles=tuple(cycle for cycle, n_different in varying.items() if n_different > 1),
        n_missing=moments.null_count(),
    )


def _learn_text(column: pl.Series, rows: NDArray[np.int64], read: cells.Cells) -> Column:
    """Decide about text that is not all numbers, looking at each different text once."""
    whole = cells.read_text(column)
    everywhere = whole.drop_nulls().unique(maintain_order=True)
    counts = whole.gather(rows).drop_nulls().alias("text").value_counts(name="rows")
    counts = counts.sort(["rows", "text"], descending=[True, False])
    different = counts["text"]
    n_present = int(counts["rows"].sum())
    n_missing = len(rows) - n_present

    if frozenset(everywhere.str.to_lowercase().unique()) in cells.TRUTH_PAIRS:
        return _learn_truth(column.gather(rows))
    if not n_present:
        return DroppedColumn(column.name, "it has no value in the training rows")
    if len(different) == 1 and n_missing == 0:
        return DroppedColumn(column.name, f"it holds {different[0]!r} in all rows")
    if (layout := cells.find_date_layout(everywhere)) is not None:
        return _learn_date(column.gather(rows), layout)
    if len(different) > FEWEST_IDENTIFIERS and len(different) > IDENTIFIER_SHARE * n_present:
        reason = f"{len(different)} different texts in {n_present} rows make it an identifier or free text"
        return DroppedColumn(column.name, reason + _second_thought(column, read, everywhere))
    kept = different.head(MOST_CATEGORIES)
    return CategoryColumn(column.name, tuple(kept.sort()), len(different) - len(kept), n_missing)


def _second_thought(column: pl.Series, read: cells.Cells, different: pl.Series) -> str:
    """Say what text that tells rows apart may have been meant for, and how it would be taken for that."""
    n_numbers = read.values.count()
    if n_numbers > cells.read_text(column).count() / 2:
        word = cells.read_text(column.filter(read.strange))[0]
        return (
            f", but {n_numbers} of {len(column)} cells read as numbers: if it is one of numbers, correct cells "
            f"such as {word!r} or declare them missing (--missing {shlex.quote(word)})"
        )
    units = different.str.extract(NUMBER_WITH_UNIT, 2)
    if units.null_count() == 0 and units.n_unique() == 1:
        number = different.str.extract(NUMBER_WITH_UNIT, 1)[0]
        return f", but its cells are numbers with the unit {units[0]!r}: write them without, such as {number}"
    if (pair := cells.find_two_layouts(different)) is not None:
        return (
            f", but most of it reads as dates, though not in one layout: write cells such as {pair[1]!r} "
            f"like {pair[0]!r}, or leave them empty"
        )
    return ""


def _placeholders(column: pl.Series, read: cells.Cells) -> tuple[str, ...]:
    """Find the words that recur in a column of many different numbers, aloud; refuse other words there."""
    words = cells.read_text(column.filter(read.strange)).alias("word").value_counts(name="cells").sort("word")
    n_numbers = read.values.count()
    mostly_numbers = n_numbers >= read.strange.sum() and read.values.n_unique() > FEWEST_NUMBERS
    if not mostly_numbers or len(words) > MOST_SLIPS:
        return ()
    slips = words.filter((pl.col("cells") == 1) | pl.col("word").str.contains(r"\d"))["word"]
    if len(slips):
        text = cells.read_text(column)
        first = text.is_in(slips.implode()).arg_max() or 0
        raise TableError(
            f"column {column.name!r} holds numbers in {n_numbers} rows, but {text[first]!r} in row "
            f"{first + 1}: correct it, declare the word missing (--missing {shlex.quote(text[first])}) or "
            f"ignore the column (--ignore {shlex.quote(column.name)})"
        )
    said = " and ".join(f"{n} cells say {word!r}" for word, n in words.iter_rows())
    warnings.warn(
        f"column {column.name!r} holds numbers, but {said}, taken as missing: ignore the column "
        f"(--ignore {shlex.quote(column.name)}) if that is wrong",
        ActwiseWarning,
        stacklevel=3,
    )
    return tuple(words["word"])


def _without_variety(name: str, values: pl.Series) -> DroppedColumn | None:
    """Drop a column without values, or with one value only."""
    present = values.drop_nulls()
    if not len(present):
        return DroppedColumn(name, "it has no value in the training rows")
    if present.min() != present.max():
        return None
    gaps = f" that has a value ({len(values) - len(present)} without)" if len(present) < len(values) else ""
    value = present[0]
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return DroppedColumn(name, f"it holds {shown} in every training row{gaps}")


def _tells_rows_apart(n_different: int, present: NDArray[np.float64]) -> bool:
    return n_different == len(present) > FEWEST_IDENTIFIERS


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
