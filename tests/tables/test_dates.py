"""Dates and times of day, against Python's own datetime."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.tables.dates import LAYOUTS, TIME_OF_DAY, find_dates, read_moments
from actwise.tables.options import ReadOptions

MOMENT = st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)
# By the order of parts; the last lists are read alike in every order.
PYTHON_FORMATS = {
    "day first": ["%d.%m.%Y", "%d.%m.%Y %H:%M", "%d/%m/%Y", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y", "%d %m %Y"],
    "month first": ["%m/%d/%Y", "%m/%d/%Y %I:%M %p", "%m-%d-%Y", "%m.%d.%Y %I:%M:%S %p"],
    "year first": ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y.%m.%d %H:%M:%S"],
}
ANY_ORDER = [
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y-%b-%d",
    "%a, %d %b %Y %H:%M:%S",
    "%A, %d %B %Y",
    "%a %b %d %H:%M:%S %Y",
    "%Y-%m",
    "%m/%Y",
    "%b %Y",
    "%B-%Y",
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_dates_read_as_python_writes_them(data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(list(PYTHON_FORMATS)))
    moments = data.draw(st.lists(MOMENT, min_size=1, max_size=5))
    patterns = [data.draw(st.sampled_from(PYTHON_FORMATS[layout] + ANY_ORDER)) for _ in moments]
    texts = [moment.strftime(pattern) for moment, pattern in zip(moments, patterns, strict=True)]
    expected = [datetime.datetime.strptime(*pair) for pair in zip(texts, patterns, strict=True)]
    values, odd = read_moments(pl.Series(texts), layout)
    assert values.to_list() == expected
    assert not odd.any()


@settings(max_examples=200, deadline=None)
@given(st.dates(datetime.date(1930, 1, 1), datetime.date(2029, 12, 31)), st.sampled_from(["/", "-", "."]))
def test_years_of_two_digits_are_those_from_1930_to_2029(day: datetime.date, mark: str) -> None:
    at = datetime.datetime.combine(day, datetime.time())
    for layout, pattern in {"day first": "%d-%m-%y", "month first": "%m-%d-%y", "year first": "%y-%m-%d"}.items():
        assert read_moments(pl.Series([day.strftime(pattern.replace("-", mark))]), layout).values.to_list() == [at]
    for pattern in ("%d-%b-%y", "%d %B %y"):
        assert read_moments(pl.Series([day.strftime(pattern)]), "year first").values.to_list() == [at]
    month = read_moments(pl.Series([day.strftime("%b-%y")]), "year first")
    assert month.values.to_list() == [at.replace(day=1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20141013T000000", (2014, 10, 13)),
        ("20141013", (2014, 10, 13)),
        ("2014-10-13 10:05:30.25 UTC", (2014, 10, 13, 10, 5, 30, 250_000)),
        ("2014-10-13T10:05:30Z", (2014, 10, 13, 10, 5, 30)),
        ("2014-10-13T10:05:30+02:00", (2014, 10, 13, 8, 5, 30)),
        ("2014-10-13 10:05:30-0330", (2014, 10, 13, 13, 35, 30)),
        ("Tue Feb 24 11:35:52 -0800 2015", (2015, 2, 24, 19, 35, 52)),
        ("Tue, 24 Feb 2015 11:35:52 -0800", (2015, 2, 24, 19, 35, 52)),
        ("13 octobre 2014", (2014, 10, 13)),
        ("3. März 2014", (2014, 3, 3)),
        ("12 de enero de 2014", (2014, 1, 12)),
        ("3rd March 2014", (2014, 3, 3)),
        ("1949M03", (1949, 3, 1)),
        ("2020Q3", (2020, 7, 1)),
        ("Q3-2020", (2020, 7, 1)),
        ("2020-W05", (2020, 1, 27)),
        ("2020-W05-3", (2020, 1, 29)),
        ("13/10/2014 9pm", (2014, 10, 13, 21)),
        ("13/10/2014 12:05 a.m.", (2014, 10, 13, 0, 5)),
    ],
)
def test_dates_as_machines_and_people_write_them(text: str, expected: tuple[int, ...]) -> None:
    assert read_moments(pl.Series([text]), "day first").values.to_list() == [datetime.datetime(*expected)]


@pytest.mark.parametrize(
    "text",
    [
        "2014-02-30",
        "0000-00-00",
        "31/04/2014",
        "12:61",
        "1.2.3",
        "5/20",
        "192.168.1.1",
        "abc 12",
        "never",
        "0999-01-01",
    ],
)
def test_other_text_is_no_date(text: str) -> None:
    assert read_moments(pl.Series([text]), "day first").values.to_list() == [None]
    assert find_dates(pl.Series([text]), (), None) is None


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("14:05", 14 + 5 / 60),
        ("18.00.00", 18),
        ("0:44:00", 44 / 60),
        ("6:32 PM", 18 + 32 / 60),
        ("12am", 0),
        ("7h30", 7.5),
    ],
)
def test_times_of_day(text: str, hours: float) -> None:
    found = read_moments(pl.Series([text]), TIME_OF_DAY).values
    assert found.to_list() == [datetime.datetime(1970, 1, 1) + datetime.timedelta(minutes=round(60 * hours))]


def test_times_beyond_the_day_are_none() -> None:
    assert read_moments(pl.Series(["24:00", "18.00", "18", "13 pm"]), TIME_OF_DAY).strange.all()


def days(first: datetime.date, step: int, n: int, pattern: str) -> pl.Series:
    return pl.Series("x", [(first + datetime.timedelta(days=step * k)).strftime(pattern) for k in range(n)])


def months(n: int, pattern: str) -> pl.Series:
    return pl.Series("x", [datetime.date(1957 + k // 12, 1 + k % 12, 1).strftime(pattern) for k in range(n)])


@pytest.mark.parametrize(
    ("texts", "layout"),
    [
        (days(datetime.date(2024, 1, 1), 1, 40, "%d/%m/%Y"), "day first"),
        (days(datetime.date(2024, 1, 1), 1, 40, "%m/%d/%Y"), "month first"),
        (days(datetime.date(2024, 1, 1), 1, 40, "%m-%d-%y"), "month first"),
        (days(datetime.date(2024, 1, 1), 31, 40, "%y-%m-%d"), "year first"),
        (days(datetime.date(2030, 1, 1), -11, 300, "%d.%m.%y"), "day first"),  # many of them could be times
        (months(60, "%d/%m/%Y"), "day first"),
        (months(60, "%m/%d/%Y"), "month first"),
        (months(10, "%d-%m-%Y"), "day first"),
        # Records in the order of time.
        (pl.Series("x", ["05/03/2024", "07/03/2024", "11/03/2024", "02/04/2024", "06/04/2024"]), "day first"),
    ],
)
def test_the_whole_column_tells_the_order_of_parts(texts: pl.Series, layout: str) -> None:
    found = find_dates(texts, (), None)
    assert found is not None
    assert (found.layout, found.doubtful) == (layout, None)


@pytest.mark.parametrize(("mark", "layout"), [("/", "month first"), ("-", "day first"), (".", "day first")])
def test_what_nothing_tells_is_said_and_can_be_chosen(mark: str, layout: str) -> None:
    texts = pl.Series("x", [each.replace("/", mark) for each in ("05/06/2024", "03/02/2024", "07/09/2024")])
    found = find_dates(texts, (), None)
    assert found is not None
    assert (found.layout, found.doubtful) == (layout, texts[0])
    for order in ("day", "month"):
        chosen = find_dates(texts, (), order)
        assert chosen is not None
        assert (chosen.layout, chosen.doubtful) == (f"{order} first", None)
    assert ReadOptions(date_order="day").date_order == "day"


def test_typed_columns_and_time_zones() -> None:
    ten = datetime.datetime(2024, 1, 1, 10)
    zoned = pl.Series([ten]).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    assert read_moments(zoned, "year first").values.to_list() == [ten]
    assert read_moments(pl.Series([datetime.date(2024, 1, 1)]), "year first").values.to_list() == [ten.replace(hour=0)]
    assert read_moments(pl.Series([20240101, None]), "year first").values.to_list() == [ten.replace(hour=0), None]
    assert read_moments(pl.Series([1, None]), "year first").strange.to_list() == [True, False]
    assert read_moments(pl.Series([[1]]), "year first").strange.to_list() == [True]


def test_layouts_of_older_models_are_known() -> None:
    for layout, text in {
        "year-month-day": "2024-02-01",
        "day.month.year": "01.02.2024",
        "month/day/year": "02/01/2024",
        "day/month/year": "01/02/2024",
        "day-month-year": "01-02-2024",
        "day month-name year": "1 Feb 2024",
        "month-name day, year": "Feb 1, 2024",
    }.items():
        assert layout in LAYOUTS
        assert read_moments(pl.Series([text]), layout).values.to_list() == [datetime.datetime(2024, 2, 1)]
