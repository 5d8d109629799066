"""What a cell means: missing, a number, a truth value or a moment.

Each reader takes a column of any type and returns its values, null where the cell is missing, beside a mask
of the strange cells: those that are present but cannot be read that way. It looks at one cell at a time,
so the answer for a row never depends on which other rows came along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

# What pandas and R write or read for a missing value, and the question mark of the UCI repository.
MISSING_MARKERS = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "NULL", "null", "None", "?")

# What stands for a missing value among numbers only: a lone "-" may well be a class. The dots are of SAS,
# Stata and the World Bank, the errors of spreadsheets.
NUMBER_GAPS = (
    "-",
    "--",
    ".",
    "..",
    "na",
    "n.a.",
    "unknown",
    "Unknown",
    "#DIV/0!",
    "#VALUE!",
    "#NUM!",
    "#REF!",
)

TRUTH_WORDS = {
    "true": True, "false": False, "yes": True, "no": False, "y": True, "n": False,
    "t": True, "f": False, "on": True, "off": False, "1": True, "0": False, "1.0": True, "0.0": False,
}  # fmt: skip
TRUTH_PAIRS = tuple(frozenset(pair) for pair in (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f")))

THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"

# What may stand beside the digits: a sign and a currency before them, a currency or a percent sign behind them.
_CURRENCY = r"(?:[$€£¥₹]|USD|EUR|GBP)"
BEFORE_DIGITS = rf"[+-]?(?:{_CURRENCY}\s?)?"
BEHIND_DIGITS = rf"(?:\s?(?:%|{_CURRENCY}))?"

# A sum of money or a percentage; and how accountants write negative ones: in parentheses. A whole number there
# needs a unit or thousands, since (1) may well be a label.
WITH_UNIT = rf"^([+-]?)(?:{_CURRENCY}\s?([\d,.]*\d)|([\d,.]*\d)\s?(?:%|{_CURRENCY}))$"
NEGATIVE = rf"^\(({_CURRENCY}\s?[\d,.]*\d|[\d,.]*\d\s?(?:%|{_CURRENCY})|[\d,]*[,.]\d+)\)$"

_CLOCKS = ("%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p")


def _with_clock(*days: str) -> tuple[str, ...]:
    return tuple(each for day in days for each in (day, *(f"{day} {clock}" for clock in _CLOCKS)))


# Where a column fits two of them, such as 01/02/2024, the first one listed wins.
DATE_LAYOUTS: dict[str, tuple[str, ...]] = {
    "year-month-day": (
        *_with_clock("%Y-%m-%d"),
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f %#z",
    ),
    "year/month/day": _with_clock("%Y/%m/%d"),
    "day.month.year": _with_clock("%d.%m.%Y"),
    "month/day/year": _with_clock("%m/%d/%Y"),
    "day/month/year": _with_clock("%d/%m/%Y"),
    "day-month-year": _with_clock("%d-%m-%Y"),
    "day month-name year": _with_clock("%d %b %Y", "%d-%b-%Y", "%d %B %Y"),
    "month-name day, year": _with_clock("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
}
FIRST_YEAR = 1000  # a year of two digits would be read as one of the first century
MOMENT = pl.Datetime("us")


class Cells(NamedTuple):
    """A column that was read in one way.

    Parameters
    ----------
    values : polars.Series
        What the cells mean; null where they are missing or strange.
    strange : polars.Series of bool
        True where a cell is present but means nothing of the kind.
    """

    values: pl.Series
    strange: pl.Series


def is_text(column: pl.Series) -> bool:
    """Tell whether a column holds text or labels."""
    return column.dtype in (pl.String, pl.Categorical, pl.Enum)


def read_text(column: pl.Series) -> pl.Series:
    """Read cells as text.

    Result: without blanks around it; null where the cell is empty or holds a missing marker.

    >>> read_text(pl.Series([" a", "?", None])).to_list()
    ['a', None, None]
    """
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text.is_in(MISSING_MARKERS), None)


def read_numbers(column: pl.Series, missing_words: Sequence[str] = ()) -> Cells:
    """Read cells as numbers.

    Result: float64 values; NaN counts as missing, infinities stay, a sign of a currency or percent is
    left out, and what stands in parentheses is negative.

    >>> read_numbers(pl.Series(["1.5", " 2", "1,234", "NA", "many"])).values.to_list()
    [1.5, 2.0, 1234.0, None, None]
    >>> read_numbers(pl.Series(["-$5,678.90", "45%", "12 €", "($3.50)"])).values.to_list()
    [-5678.9, 45.0, 12.0, -3.5]
    """
    if column.dtype == pl.Duration:
        values = column.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif column.dtype == pl.Time:
        values = column.cast(pl.Int64).cast(pl.Float64) / 1e9
    elif column.dtype.is_temporal() or column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return _all_strange(column, pl.Float64)
    else:
        text_column = is_text(column)
        source = column.cast(pl.String) if text_column else column
        values = source.cast(pl.Float64, strict=False)
        unread = (values.is_null() & source.is_not_null()).arg_true() if text_column else pl.Series([])
        if len(unread):
            return _read_untidy_numbers(source, values, unread, missing_words)
    return Cells(values.fill_nan(None), _nowhere(column))


def read_truth(column: pl.Series) -> Cells:
    """Read cells as truth values.

    `column`: truth values, 0 and 1, or text such as ``yes`` and ``no``, in any case.

    >>> read_truth(pl.Series(["Yes", "no", "", "maybe"])).values.to_list()
    [True, False, None, None]
    """
    if column.dtype == pl.Boolean:
        return Cells(column, _nowhere(column))
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return _all_strange(column, pl.Boolean)
    text = read_text(column).str.to_lowercase()
    values = text.replace_strict(TRUTH_WORDS, default=None, return_dtype=pl.Boolean)
    return Cells(values, values.is_null() & text.is_not_null())


def read_moments(column: pl.Series, layout: str) -> Cells:
    """Read cells as moments in time.

    Result: datetimes in microseconds; moments with a time zone are taken to UTC.

    >>> read_moments(pl.Series(["31.12.1999"]), "day.month.year").values.to_list()
    [datetime.datetime(1999, 12, 31, 0, 0)]
    """
    if column.dtype == pl.Date:
        return Cells(column.cast(MOMENT), _nowhere(column))
    if column.dtype == pl.Datetime:
        return Cells(_without_zone(column), _nowhere(column))
    if not is_text(column):
        return _all_strange(column, MOMENT)
    text = read_text(column)
    values = pl.Series(column.name, [None], dtype=MOMENT).new_from_index(0, len(text))
    for pattern in DATE_LAYOUTS[layout]:
        unread = (values.is_null() & text.is_not_null()).arg_true()
        if not len(unread):
            break
        found = text.gather(unread).str.to_datetime(pattern, strict=False, time_unit="us")
        found = _without_zone(found)
        values = values.scatter(unread, found.set(found.dt.year() < FIRST_YEAR, None))
    return Cells(values, values.is_null() & text.is_not_null())


def find_date_layout(texts: pl.Series) -> str | None:
    """Find the layout in which every text is a date.

    >>> find_date_layout(pl.Series(["2024-01-31", "2024-02-01 12:30"]))
    'year-month-day'
    >>> find_date_layout(pl.Series(["01/02/2024", "31/01/2024"]))
    'day/month/year'
    """
    # A few texts settle most columns, so the rest is read only in a layout that fits these.
    first = texts.head(50)
    for layout in DATE_LAYOUTS:
        if not read_moments(first, layout).strange.any() and not read_moments(texts, layout).strange.any():
            return layout
    return None


def find_two_layouts(texts: pl.Series) -> tuple[str, str] | None:
    """Find out whether texts that fit no single layout are dates all the same, most of them.

    Result: A date in the layout of most of them, and a text that is not written so.

    >>> find_two_layouts(pl.Series(["2024-01-31", "2024-02-01", "01.03.2024"]))
    ('2024-01-31', '01.03.2024')
    """
    first = texts.head(50)
    dates = pl.DataFrame({layout: ~read_moments(first, layout).strange for layout in DATE_LAYOUTS})
    if dates.select(pl.any_horizontal(pl.all()).mean()).item() <= 0.5:
        return None
    likeliest = max(DATE_LAYOUTS, key=lambda layout: dates[layout].sum())
    strange = read_moments(texts, likeliest).strange
    return (texts.filter(~strange)[0], texts.filter(strange)[0]) if strange.any() else None


def _read_untidy_numbers(
    source: pl.Series, values: pl.Series, unread: pl.Series, missing_words: Sequence[str]
) -> Cells:
    """Read the cells that are no numbers as they stand: blanks, missing markers, units, thousands commas."""
    text = read_text(source.gather(unread))
    if missing_words:
        text = text.set(text.is_in(list(missing_words)), None)
    text = text.str.replace(NEGATIVE, "-$1").str.replace(WITH_UNIT, "$1$2$3")
    grouped = text.str.contains(THOUSANDS).fill_null(value=False)
    if grouped.any():
        text = text.zip_with(~grouped, text.str.replace_all(",", "", literal=True))
    found = text.cast(pl.Float64, strict=False)
    strange = _nowhere(source).scatter(unread, found.is_null() & text.is_not_null())
    return Cells(values.scatter(unread, found).fill_nan(None), strange)


def _without_zone(moments: pl.Series) -> pl.Series:
    if isinstance(moments.dtype, pl.Datetime) and moments.dtype.time_zone is not None:
        moments = moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return moments.cast(MOMENT)


def _nowhere(column: pl.Series) -> pl.Series:
    return pl.Series(column.name, [False], dtype=pl.Boolean).new_from_index(0, len(column))


def _all_strange(column: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> Cells:
    empty = pl.Series(column.name, [None], dtype=dtype).new_from_index(0, len(column))
    return Cells(empty, column.is_not_null())
