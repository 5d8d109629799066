"""What a cell means: missing, a number or a truth value.

Each reader takes a column of any type and returns its values, null where the cell is missing, beside a mask
of the odd cells: those that are present but cannot be read that way. It looks at one cell at a time,
so the answer for a row never depends on which other rows came along.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
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

# What may stand beside the digits: a bound, a sign and a currency before them; a unit behind them.
_CURRENCY = r"(?:[A-Z]{0,3}\p{Sc}|USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|BRL|Rs\.?|[kK]r\.?|zł)"
_BOUND = "[<>~≈≤≥]"
BEFORE_DIGITS = rf"{_BOUND}?=?\s?[+\-−]?\s?(?:{_CURRENCY}\s?)?[+\-−]?"
BEHIND_DIGITS = r"(?:\s?[^\d\s.,()][^\d()]*)?"

_NUMBER = (
    rf"^(?P<opened>\()?{_BOUND}?=?\s?(?P<sign>[+\-−])?\s?(?P<before>{_CURRENCY})?\s?(?P<inner>[+\-−])?"
    r"(?P<digits>\d(?:[\d.,'’\s]*\d)?|[.,]\d+)(?P<exponent>[eEdD][+\-]?\d+)?"
    r"\s?(?P<behind>[^\d\s][^\d]*?(?:\p{L}[23])?)??(?P<closed>\))?$"
)
# Groups of three digits; of two and three, as in India; between blanks or apostrophes, as in France and Switzerland.
_GROUPED = r"^(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?:[ '’\s]\d{3})+)(?:\.\d+)?$"
_DURATION = (
    r"^(?P<sign>-)?(?:(?P<days>\d+)\s?d(?:ays?)?,?\s)?(?:(?P<hours>\d+):)?"
    r"(?P<minutes>\d+):(?P<seconds>[0-5]\d(?:[.,]\d+)?)$"
)
DURATION = "h:m:s"  # the unit of numbers that were written so
MAGNITUDES = {
    "k": 1e3, "K": 1e3, "thousand": 1e3, "M": 1e6, "m": 1e6, "mn": 1e6, "mln": 1e6, "Mio": 1e6, "million": 1e6,
    "B": 1e9, "b": 1e9, "bn": 1e9, "Bn": 1e9, "G": 1e9, "Mrd": 1e9, "billion": 1e9, "T": 1e12, "trillion": 1e12,
    "lakh": 1e5, "Lakh": 1e5, "Lac": 1e5, "Cr": 1e7, "crore": 1e7, "Crore": 1e7,
}  # fmt: skip


class Cells(NamedTuple):
    """A column that was read in one way.

    Parameters
    ----------
    values : polars.Series
        What the cells mean; null where they are missing or odd.
    strange : polars.Series of bool
        True where a cell is present but means nothing of the kind.
    """

    values: pl.Series
    strange: pl.Series


def is_text(column: pl.Series) -> bool:
    """Tell whether a column holds text or labels."""
    return column.dtype in (pl.String, pl.Categorical, pl.Enum)


def read_text(column: pl.Series, words: Sequence[str] = (), present: Sequence[str] = ()) -> pl.Series:
    """Read cells as text, without blanks around it; null where the cell is empty or says that it is missing.

    `words` stand for a missing value beside the usual ones, `present` ones do not although they are usual.

    >>> read_text(pl.Series([" a", "?", None])).to_list()
    ['a', None, None]
    >>> read_text(pl.Series(["a", "?", "none"]), words=["none"], present=["?"]).to_list()
    ['a', '?', None]
    """
    text = column.cast(pl.String).str.strip_chars()
    missing = text.is_in([each for each in (*MISSING_MARKERS, *words) if each == "" or each not in present])
    if numbers := _numbers_among(tuple(words)):
        missing |= text.cast(pl.Float64, strict=False).is_in(numbers)
    return text.set(missing, None)


def read_numbers(column: pl.Series, words: Sequence[str] = (), unit: str = "") -> Cells:
    """Read cells as float64 numbers; NaN counts as missing, infinities stay.

    Signs of a currency, percent and the unit named are left out, magnitudes are multiplied, digits may be
    grouped, and what stands in parentheses is negative. `words` are missing values, numbers among them too.

    >>> read_numbers(pl.Series(["1.5", " 2", "1,234", "NA", "many", "-9"]), words=["-9"]).values.to_list()
    [1.5, 2.0, 1234.0, None, None, None]
    >>> read_numbers(pl.Series(["-$5,678.90", "45%", "12 €", "($3.50)", "1.5M", "10,000+"])).values.to_list()
    [-5678.9, 45.0, 12.0, -3.5, 1500000.0, 10000.0]
    >>> read_numbers(pl.Series(["74 bhp", "2 300 bhp", "5 kg"]), unit="bhp").values.to_list()
    [74.0, 2300.0, None]
    """
    if column.dtype == pl.Duration:
        values = column.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif column.dtype == pl.Time:
        values = column.cast(pl.Int64).cast(pl.Float64) / 1e9
    elif column.dtype.is_temporal() or column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return all_strange(column, pl.Float64)
    elif is_text(column):
        return _read_number_text(column.cast(pl.String), words, unit)
    else:
        values = column.cast(pl.Float64, strict=False)
    if int(np.isnan(values.to_numpy()).sum()) > values.null_count():
        values = values.fill_nan(None)
    if numbers := _numbers_among(tuple(words)):
        values = values.set(values.is_in(numbers), None)
    return Cells(values, nowhere(column))


def with_plain_numbers(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Read text columns of nothing but plain numbers, all at once: one by one, thousands of them take long.

    >>> with_plain_numbers(pl.DataFrame({"x": ["1", None, "2.5"], "y": ["1", "2 kg", "3"]}), ["x", "y"]).dtypes
    [Float64, String]
    """
    schema = frame.schema
    texts = frame.select(name for name in names if schema[name] == pl.String)
    cast = texts.cast(pl.Float64, strict=False)
    plain = [new for old, new in zip(texts, cast, strict=True) if new.null_count() == old.null_count()]
    return frame.with_columns(plain)


def read_truth(column: pl.Series, words: Sequence[str] = ()) -> Cells:
    """Read cells as truth values: truth values, 0 and 1, or text such as ``yes`` and ``no``, in any case.

    >>> read_truth(pl.Series(["Yes", "no", "", "maybe"])).values.to_list()
    [True, False, None, None]
    """
    if column.dtype == pl.Boolean:
        return Cells(column, nowhere(column))
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return all_strange(column, pl.Boolean)
    text = read_text(column, words).str.to_lowercase()
    values = text.replace_strict(TRUTH_WORDS, default=None, return_dtype=pl.Boolean)
    return Cells(values, values.is_null() & text.is_not_null())


def find_unit(text: pl.Series) -> str:
    """Find the unit that stands behind at least half of the numbers; empty if none does.

    >>> find_unit(pl.Series(["74 bhp", "80 bhp", "12 kg", "9"]))
    'bhp'
    """
    units = _parse_numbers(text).filter(pl.col("value").is_not_null())["unit"]
    if not len(units):
        return ""
    # Of units that are equally frequent the first by name, so that nothing depends on the order of rows.
    first = units.value_counts(name="cells").sort(["cells", units.name], descending=[True, False])
    return str(first[units.name][0]) if 2 * first["cells"][0] >= len(units) else ""


def nowhere(column: pl.Series) -> pl.Series:
    """Return a mask that is false for every cell."""
    return pl.Series(column.name, [False], dtype=pl.Boolean).new_from_index(0, len(column))


def all_strange(column: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> Cells:
    """Read none of the cells."""
    empty = pl.Series(column.name, [None], dtype=dtype).new_from_index(0, len(column))
    return Cells(empty, column.is_not_null())


@lru_cache(maxsize=64)
def _numbers_among(words: tuple[str, ...]) -> tuple[float, ...]:
    found = pl.Series(words, dtype=pl.String).cast(pl.Float64, strict=False)
    return tuple(value for value in found if value is not None)


def _read_number_text(source: pl.Series, words: Sequence[str], unit: str) -> Cells:
    values = source.cast(pl.Float64, strict=False)
    numbers = _numbers_among(tuple(words))
    strange = nowhere(source)
    # Most cells are plain numbers; the others may have blanks, units and groups of digits, or be missing.
    unread = (values.is_null() & source.is_not_null()).arg_true()
    if len(unread):
        text = read_text(source.gather(unread), words)
        parsed = _parse_numbers(text)
        found = parsed["value"].set(~parsed["unit"].is_in(["", unit]), None)
        strange = strange.scatter(unread, found.is_null() & text.is_not_null())
        values = values.scatter(unread, found)
    values = values.fill_nan(None)
    return Cells(values.set(values.is_in(numbers), None) if numbers else values, strange)


def _parse_numbers(text: pl.Series) -> pl.DataFrame:
    """Take numbers with whatever stands beside them apart into ``value`` and ``unit``; null where there is none."""
    part = pl.col
    behind = part("behind").fill_null("").str.strip_chars(" +*†‡")
    unit = behind.str.replace(rf"^(?:{_CURRENCY}|%)\s?|\s?(?:{_CURRENCY}|%)$", "")
    # A small m is a metre as often as a million, save for money.
    is_magnitude = unit.is_in(list(MAGNITUDES)) & ((unit != "m") | part("before").is_not_null())
    factor = (
        pl.when(is_magnitude).then(unit.replace_strict(MAGNITUDES, default=1.0, return_dtype=pl.Float64)).otherwise(1.0)
    )
    grouped = part("digits").str.contains(_GROUPED)
    plain = part("digits").str.replace_all(r"[,'’\s]", "")
    unclear = part("digits").str.contains(r"[^\d.]")
    digits = pl.when(grouped).then(plain).when(unclear).then(None).otherwise(part("digits"))
    size = (digits + part("exponent").fill_null("").str.replace("[dD]", "e")).cast(pl.Float64, strict=False)
    bracketed = part("opened").is_not_null() & part("closed").is_not_null()
    # A whole number in parentheses needs a unit or a mark, since (1) may well be a label.
    labelled = (part("before").fill_null("") == "") & (behind == "") & ~part("digits").str.contains("[.,]")
    broken = (part("opened").is_not_null() & part("closed").is_null()) | (bracketed & labelled)
    minus = part("sign").is_in(["-", "−"]) | part("inner").is_in(["-", "−"]) | (behind == "-") | bracketed
    value = pl.when(minus.fill_null(value=False)).then(-size * factor).otherwise(size * factor)
    # 9 pm is a time, not a number of a unit.
    no_unit = unit.str.to_lowercase().str.replace_all(".", "", literal=True).is_in(["am", "pm"])
    currencies = part("before").is_not_null() & behind.str.contains(rf"(?:{_CURRENCY}|%)$")
    wrong = (
        broken
        | currencies
        | (bracketed & (part("sign").is_not_null() | part("inner").is_not_null()))
        | no_unit
        | (part("closed").is_not_null() & part("opened").is_null() & (behind == ""))
    )
    unit = pl.when(is_magnitude | (unit == "-")).then(pl.lit("")).otherwise(unit)
    groups = text.str.extract_groups(_NUMBER).struct.unnest()
    numbers = groups.select(value=pl.when(~wrong).then(value), unit=unit)
    plain_numbers = text.cast(pl.Float64, strict=False)  # infinities too
    if (is_plain := plain_numbers.is_not_null()).any():
        numbers = numbers.with_columns(
            value=plain_numbers.zip_with(is_plain, numbers["value"]), unit=numbers["unit"].set(is_plain, "")
        )
    durations = text.str.extract_groups(_DURATION).struct.unnest()
    if durations["seconds"].null_count() == len(text):
        return numbers
    seconds = pl.lit(0.0)
    for name, factor_of in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("seconds", 1.0)):
        number = part(name).str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        seconds += number.fill_null(0.0) * factor_of
    found = durations.select(
        value=pl.when(part("seconds").is_not_null()).then(
            pl.when(part("sign") == "-").then(-seconds).otherwise(seconds)
        )
    )["value"]
    is_duration = found.is_not_null()
    return numbers.with_columns(
        value=numbers["value"].zip_with(~is_duration, found),
        unit=numbers["unit"].zip_with(~is_duration, pl.Series([DURATION]).new_from_index(0, len(text))),
    )
