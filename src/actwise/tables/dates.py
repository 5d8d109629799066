"""Dates and times of day: what a cell means as a moment, whichever way it is written.

A date is read by its parts, not by a list of layouts: a year of four digits or the name of a month says which
part is which. Only of dates such as 01/02/03 the order of the parts has to be known; the whole column tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from actwise.tables.cells import Cells, all_strange, is_text, nowhere, read_text
from actwise.tables.options import DateOrder

MOMENT = pl.Datetime("us")
FIRST_YEAR = 1000
FIRST_SHORT_YEAR = 30  # 30 to 99 are of the last century, as in the spreadsheets that write such years
FEWEST_ORDERED = 5  # fewer moments are in order by chance too often
TIME_OF_DAY = "time of day"

# Layouts that a column is saved with, and which part stands first in dates that can be read in several ways.
ORDERS: dict[str, DateOrder] = {"day first": "day", "month first": "month", "year first": "year"}
LAYOUTS: dict[str, DateOrder | None] = {
    **ORDERS,
    TIME_OF_DAY: None,
    # of models that were saved by version 0.1
    "year-month-day": "year",
    "year/month/day": "year",
    "day.month.year": "day",
    "month/day/year": "month",
    "day/month/year": "day",
    "day-month-year": "day",
    "day month-name year": "day",
    "month-name day, year": "month",
}

# In Dutch, English, French, German, Italian, Polish, Portuguese, Spanish and Swedish, without accents.
_MONTH_NAMES = (
    "january jan janvier janv januar jaenner januari gennaio gen janeiro enero ene stycznia sty",
    "february feb fevrier fevr februar februari febbraio fevereiro fev febrero lutego lut",
    "march mar mars marz maerz mrz maart mrt marzo marco marca",
    "april apr avril avr aprile abril abr kwietnia kwi",
    "may mai mei maggio mag maio mayo maj maja",
    "june jun juin juni giugno giu junho junio czerwca cze",
    "july jul juillet juil juli luglio lug julho julio lipca lip",
    "august aug aout augustus agosto ago augusti sierpnia sie",
    "september sep sept septembre settembre set setembro septiembre wrzesnia wrz",
    "october oct octobre oktober okt ottobre ott outubro out octubre pazdziernika paz",
    "november nov novembre novembro noviembre listopada lis",
    "december dec decembre dezember dez dicembre dic dezembro diciembre grudnia gru",
)
MONTHS = {name: str(k) for k, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_ACCENTS = str.maketrans("áàâãäåçéèêëíìîïñóòôõöúùûüýśżźćńłę", "aaaaaaceeeeiiiinooooouuuuyszzcnle")

_S = r"\s?[-/. ]\s?"
_YEAR, _DAY, _MONTH = r"(?P<year>\d{4})", r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.|º)?", r"(?P<month>\d{1,2})"
_NAME, _ANY_YEAR = r"(?P<name>\p{L}{3,})\.?", r"'?(?P<year>\d{4}|\d{2})"
_NAMED = rf"{_DAY}(?:\s?[-/. ]\s?|\s?de\s|)\s?{_NAME}(?:\s?[-/., ]+\s?|\s?de\s|){_ANY_YEAR}"
_DAYS = (
    rf"{_YEAR}{_S}{_MONTH}{_S}(?P<day>\d{{1,2}})",
    r"(?P<year>(?:1[5-9]|2[01])\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-3]\d)",
    rf"(?P<a>\d{{1,2}}){_S}(?P<b>\d{{1,2}}){_S}(?P<c>\d{{4}}|\d{{2}})",
    r"(?P<a>\d{1,2})(?P<b>\d{2})(?P<c>(?:19|20)\d{2})",
    _NAMED,
    rf"{_NAME}\s?[-/. ]?\s?{_DAY}(?:\s?[-/., ]+\s?){_ANY_YEAR}",
    rf"{_YEAR}{_S}{_NAME}{_S}(?P<day>\d{{1,2}})",
    rf"{_YEAR}(?:{_S}|m){_MONTH}",
    rf"{_MONTH}{_S}{_YEAR}",
    rf"{_NAME}[-/. ']*\s?{_ANY_YEAR}",
    rf"{_YEAR}\s?[-/. ]?\s?{_NAME}",
    r"(?P<year>\d{4})\s?[-/]?\s?q(?P<quarter>[1-4])",
    r"q(?P<quarter>[1-4])\s?[-/]?\s?(?P<year>\d{4})",
    r"(?P<year>\d{4})-?w(?P<week>\d{1,2})(?:-?(?P<weekday>[1-7]))?",
)
_CLOCK = (
    r"(?P<hour>\d{1,2})(?:[:.h]?(?P<minute>[0-5]\d)(?:[:.]?(?P<second>[0-5]\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s?(?P<half>[ap]\.?m\.?)?"
)
_ZONE = r"(?:\s?(?P<zone>utc|gmt|z|[+-]\d{2}:?\d{2}|[+-]\d{2}))?"
_WEEKDAY = r"(?:\p{L}{2,10}\.?,?\s)?"
# "Tue Feb 24 11:35:52 -0800 2015", as Unix and Twitter write it, stands before the others.
_UNIX = rf"^\p{{L}}{{3}}\s{_NAME}\s+(?P<day>\d{{1,2}})\s{_CLOCK}{_ZONE}\s{_YEAR}$"
_PATTERNS = (
    _UNIX,
    *(rf"^{_WEEKDAY}{day}(?:(?:\s?t|,?\s)\s?{_CLOCK}{_ZONE})?(?:,?\s\p{{L}}{{3,10}})?$" for day in _DAYS),
)
# A time needs two colons' worth of parts or a half of the day: 18.00 is a number.
_TIME = (
    r"^(?:\d{1,2}[:h]\d{2}(?:[:.]\d{2})?(?:[.,]\d+)?\s?(?:[ap]\.?m\.?)?|\d{1,2}\.\d{2}\.\d{2}|\d{1,2}\s?[ap]\.?m\.?)$"
)
_PARTS = ("a", "b", "c", "year", "month", "day", "name", "quarter", "week", "weekday", "hour", "minute", "second",
          "fraction", "half", "zone")  # fmt: skip


class DateReading(NamedTuple):
    """How the dates of a column are to be read."""

    layout: str
    cells: Cells
    doubtful: str | None  # a cell that could be read in another way as well, where nothing decides


def read_moments(column: pl.Series, layout: str, words: Sequence[str] = ()) -> Cells:
    """Read cells as moments in time, in microseconds; those with a time zone are taken to UTC.

    >>> read_moments(pl.Series(["31.12.1999", "Jan-49", "Tue, 24 Feb 2015 11:35 -0800"]), "day first").values.to_list()
    [datetime.datetime(1999, 12, 31, 0, 0), datetime.datetime(1949, 1, 1, 0, 0), datetime.datetime(2015, 2, 24, 19, 35)]
    """
    if column.dtype == pl.Date:
        return Cells(column.cast(MOMENT), nowhere(column))
    if isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return Cells(column.cast(MOMENT), nowhere(column))
    if not is_text(column) and not column.dtype.is_numeric():
        return all_strange(column, MOMENT)
    text = read_text(column, words)
    different = text.drop_nulls().unique()
    order = LAYOUTS[layout]
    read = _read_times(different) if order is None else _moments(_parts(different), order)
    known = read.is_not_null()
    values = text.replace_strict(different.filter(known), read.filter(known), default=None, return_dtype=MOMENT)
    return Cells(values, values.is_null() & text.is_not_null())


def find_dates(column: pl.Series, words: Sequence[str], given: DateOrder | None) -> DateReading | None:
    """Find out whether texts, or whole numbers, are dates or times of day, and in which order their parts stand.

    >>> find_dates(pl.Series(["2024-01-31", "2024-02-01 12:30"]), (), None).layout
    'year first'
    >>> find_dates(pl.Series(["01/02/2024", "31/01/2024"]), (), None).layout
    'day first'
    """
    text = read_text(column, words)
    different = text.drop_nulls().unique(maintain_order=True)
    # A few texts settle that most columns hold no dates.
    first = different.head(100)
    if 2 * first.str.contains(r"\d").sum() <= len(first):
        return None
    n_times = _read_times(first).count() if first.str.to_lowercase().str.contains(_TIME).any() else 0
    parts = _parts(first)
    n_dates = 0
    if (parts["year"].is_not_null() | parts["c"].is_not_null()).any():
        n_dates = max(moments.count() for moments in _in_each_order(parts).values())
    if 2 * max(n_times, n_dates) <= len(first):
        return None
    if n_times > n_dates:
        return DateReading(TIME_OF_DAY, read_moments(column, TIME_OF_DAY, words), None)
    parts = _parts(different)
    order, doubtful = (given, None) if given is not None else _find_order(different, parts)
    layout = next(name for name, each in ORDERS.items() if each == order)
    return DateReading(layout, read_moments(column, layout, words), doubtful)


def _in_each_order(parts: pl.DataFrame) -> dict[DateOrder, pl.Series]:
    """Put dates together in every order of parts that makes a difference."""
    if parts["c"].null_count() == len(parts):
        return {"year": _moments(parts, "year")}
    return {order: _moments(parts, order) for order in ORDERS.values()}


def _find_order(texts: pl.Series, parts: pl.DataFrame) -> tuple[DateOrder, str | None]:
    """Choose the order in which most dates can be read; say an example where it is a guess."""
    read = _in_each_order(parts)
    most = max(moments.count() for moments in read.values())
    found: dict[DateOrder, pl.Series] = {}
    for order, moments in read.items():
        if moments.count() == most and not any(moments.equals(each) for each in found.values()):
            found[order] = moments
    if len(found) == 1:
        return next(iter(found)), None
    # Records are kept in the order of time: one order of parts that leaves them sorted beside one that does not.
    ordered = [each for each, moments in found.items() if _is_ordered(moments.drop_nulls())]
    if len(ordered) == 1:
        return ordered[0], None
    # A series of months, quarters or years has the same day throughout.
    days = {order: moments.dt.day().n_unique() for order, moments in found.items() if moments.count() > 2}
    same = [order for order, n_days in days.items() if n_days == 1]
    if len(same) == 1:
        return same[0], None
    example = texts.filter(parts["c"].is_not_null())[0]
    likeliest: DateOrder = "month" if "/" in example else "day"
    return (likeliest if likeliest in found else next(iter(found))), example


def _is_ordered(moments: pl.Series) -> bool:
    return len(moments) >= FEWEST_ORDERED and (moments.is_sorted() or moments.is_sorted(descending=True))


def _read_times(text: pl.Series) -> pl.Series:
    lower = text.str.to_lowercase()
    groups = lower.set(~lower.str.contains(_TIME), None).str.extract_groups(rf"^{_CLOCK}$").struct.unnest()
    return _moments(
        _complete(groups).with_columns(year=pl.lit("1970"), month=pl.lit("1"), day=pl.lit("1")), "year"
    ).set(groups["hour"].is_null(), None)


def _parts(text: pl.Series) -> pl.DataFrame:
    """Take dates apart."""
    lower = text.str.to_lowercase().str.strip_suffix(".0").str.replace_all(r"[\s\u00a0]+", " ")
    found = _complete(pl.DataFrame({"a": [None] * len(text)}, schema={"a": pl.String}))
    for pattern in _PATTERNS:
        unread = (found["year"].is_null() & found["c"].is_null()).arg_true()
        if not len(unread):
            break
        rows = unread.filter(lower.gather(unread).str.contains(pattern))
        if len(rows):
            groups = lower.gather(rows).str.extract_groups(pattern).struct.unnest()
            found = found.with_columns(found[name].scatter(rows, groups[name]) for name in groups.columns)
    names = found["name"].map_elements(lambda name: name.translate(_ACCENTS), return_dtype=pl.String)
    number = names.replace_strict(MONTHS, default=None, return_dtype=pl.String)
    wrong = number.is_null() & found["name"].is_not_null()
    month = pl.Series("month", found["month"]).zip_with(number.is_null(), number)
    return found.with_columns(month.set(wrong, "0").alias("month"))


def _complete(groups: pl.DataFrame) -> pl.DataFrame:
    return groups.select(
        groups[name].alias(name) if name in groups.columns else pl.lit(None, pl.String).alias(name) for name in _PARTS
    )


def _moments(parts: pl.DataFrame, order: DateOrder) -> pl.Series:
    """Put dates together; null where there is no such day or time."""
    part = {name: pl.col(name).cast(pl.Int64, strict=False) for name in _PARTS if name not in ("half", "zone", "name")}
    places = {"day": ("c", "b", "a"), "month": ("c", "a", "b"), "year": ("a", "b", "c")}[order]
    written = {"year": pl.col("year"), "month": pl.col("month"), "day": pl.col("day")}
    triple = pl.col("c").is_not_null()
    # A year of four digits stands last whatever the order of the others is said to be.
    if order == "year":
        late = triple & (pl.col("c").str.len_chars() == 4)
        places_late = ("c", "b", "a")
    else:
        late, places_late = pl.lit(value=False), places
    for name, place, place_late in zip(written, places, places_late, strict=True):
        chosen = pl.when(late).then(pl.col(place_late)).otherwise(pl.col(place))
        written[name] = pl.when(triple).then(chosen).otherwise(written[name])
    year = written["year"].cast(pl.Int64, strict=False)
    short = written["year"].str.len_chars() <= 2
    year = (
        pl.when(short).then(pl.when(year >= FIRST_SHORT_YEAR).then(year + 1900).otherwise(year + 2000)).otherwise(year)
    )
    month = written["month"].cast(pl.Int64, strict=False).fill_null(part["quarter"] * 3 - 2)
    day = written["day"].cast(pl.Int64, strict=False).fill_null(1)
    half, written_hour = pl.col("half").str.slice(0, 1), part["hour"]
    no_hour = half.is_not_null() & ((written_hour > 12) | (written_hour == 0))
    hour = (
        pl.when(no_hour)
        .then(99)
        .when((half == "p") & (written_hour < 12))
        .then(written_hour + 12)
        .when((half == "a") & (written_hour == 12))
        .then(0)
        .otherwise(written_hour.fill_null(0))
    )

    def padded(value: pl.Expr, digits: int) -> pl.Expr:
        return value.cast(pl.String).str.zfill(digits)

    clock = [padded(hour, 2), padded(part["minute"].fill_null(0), 2), padded(part["second"].fill_null(0), 2)]
    fraction = pl.col("fraction").fill_null("0")
    week = pl.concat_str([pl.col("year"), padded(part["week"], 2), part["weekday"].fill_null(1)], separator="-")
    plain = pl.concat_str([padded(year, 4), padded(month, 2), padded(day, 2)], separator="-")
    time = pl.concat_str([pl.concat_str(clock, separator=":"), fraction], separator=".")
    digits = pl.col("zone").str.extract(r"([+-]\d{2}):?\d{0,2}$").cast(pl.Int64, strict=False)
    minutes = pl.col("zone").str.extract(r"[+-]\d{2}:?(\d{2})$").cast(pl.Int64, strict=False).fill_null(0)
    shift = (digits * 60 + pl.when(digits < 0).then(-minutes).otherwise(minutes)).fill_null(0)
    read = parts.select(
        by_day=pl.concat_str([plain, time], separator=" ").str.to_datetime(
            "%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us"
        ),
        by_week=week.str.to_datetime("%G-%V-%u", strict=False, time_unit="us") if _has(parts, "week") else None,
        shift=pl.duration(minutes=shift),
    )
    moments = read.select(value=pl.col("by_day").fill_null(pl.col("by_week")) - pl.col("shift"))["value"]
    return moments.set(moments.dt.year() < FIRST_YEAR, None).alias("moment")


def _has(parts: pl.DataFrame, name: str) -> bool:
    return parts[name].null_count() < len(parts)
