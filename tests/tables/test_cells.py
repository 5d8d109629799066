"""The meaning of single cells, against Python's own float() and datetime."""

from __future__ import annotations

import datetime
import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.tables import cells

PLAIN_NUMBER = st.floats(allow_nan=False).map(repr) | st.integers(-(10**15), 10**15).map(str)
BLANKS = st.sampled_from(["", " ", "\t", "  "])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(BLANKS, PLAIN_NUMBER, BLANKS).map("".join) | st.sampled_from(cells.MISSING_MARKERS)))
def test_numbers_read_as_python_reads_them(texts: list[str]) -> None:
    values, strange = cells.read_numbers(pl.Series("x", texts, dtype=pl.String))
    assert not strange.any()
    expected = [None if text.strip() in cells.MISSING_MARKERS else float(text) for text in texts]
    assert values.to_list() == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", 1234.0),
        ("-12,345,678.5", -12345678.5),
        ("+7", 7.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e400", math.inf),
        ("-$5,678.90", -5678.9),
        ("$.5", 0.5),
        ("45%", 45.0),
        ("+4.5 %", 4.5),
        ("€ 12", 12.0),
        ("USD 7", 7.0),
        ("8 EUR", 8.0),
        ("($6,395.05)", -6395.05),
        ("(12 €)", -12.0),
        ("(1,234)", -1234.0),
        ("(0.5)", -0.5),
    ],
)
def test_unusual_numbers(text: str, value: float) -> None:
    assert cells.read_numbers(pl.Series([text])).values.to_list() == [value]


@pytest.mark.parametrize(
    "text",
    [
        "1,23",
        "12O",
        "1 2",
        "0x10",
        "1_000",
        "--",
        "five",
        "1,2345",
        "$",
        "%",
        "$5$",
        "$-5",
        "5%%",
        "%5",
        "$1,2,3",
        "1,23%",
        "5 apples",
        "(5)",
        "($)",
        "(-$5)",
        "(1,23)",
        "($5",
    ],
)
def test_words_are_no_numbers(text: str) -> None:
    read = cells.read_numbers(pl.Series(["1", text, None]))
    assert read.strange.to_list() == [False, True, False]
    assert read.values.to_list() == [1.0, None, None]


def test_typed_columns_read_as_numbers() -> None:
    second = datetime.timedelta(seconds=1.5)
    typed = {
        "truth": ([True, None], [1.0, None]),
        "count": ([3, None], [3.0, None]),
        "nan": ([math.nan, 2.0], [None, 2.0]),
        "span": ([second, None], [1.5, None]),
        "clock": ([datetime.time(1, 0, 1), None], [3601.0, None]),
        "nothing": ([None, None], [None, None]),
    }
    for name, (given_cells, expected) in typed.items():
        assert cells.read_numbers(pl.Series(name, given_cells)).values.to_list() == expected, name
    for column in (pl.Series([[1], None]), pl.Series([datetime.date(2000, 1, 1), None]), pl.Series([b"1", None])):
        assert cells.read_numbers(column).strange.to_list() == [True, False]


def test_truth_values_in_any_case() -> None:
    texts = ["TRUE", "f", "Yes", "N", "1", "0", "off", None, "?", "maybe"]
    values, strange = cells.read_truth(pl.Series(texts))
    assert values.to_list() == [True, False, True, False, True, False, False, None, None, None]
    assert strange.arg_true().to_list() == [9]
    assert cells.read_truth(pl.Series([0.0, 1.0, 2.0])).strange.to_list() == [False, False, True]


MOMENT = st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)
PYTHON_FORMATS = {
    "year-month-day": ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    "year/month/day": ["%Y/%m/%d", "%Y/%m/%d %H:%M:%S"],
    "day.month.year": ["%d.%m.%Y", "%d.%m.%Y %H:%M"],
    "month/day/year": ["%m/%d/%Y", "%m/%d/%Y %I:%M %p"],
    "day/month/year": ["%d/%m/%Y", "%d/%m/%Y %H:%M:%S"],
    "day-month-year": ["%d-%m-%Y"],
    "day month-name year": ["%d %b %Y", "%d-%b-%Y", "%d %B %Y"],
    "month-name day, year": ["%b %d, %Y", "%B %d, %Y"],
}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_dates_read_as_python_writes_them(data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(list(PYTHON_FORMATS)))
    moments = data.draw(st.lists(MOMENT, min_size=1, max_size=5))
    patterns = [data.draw(st.sampled_from(PYTHON_FORMATS[layout])) for _ in moments]
    texts = [moment.strftime(pattern) for moment, pattern in zip(moments, patterns, strict=True)]
    expected = [datetime.datetime.strptime(*pair) for pair in zip(texts, patterns, strict=True)]
    values, strange = cells.read_moments(pl.Series(texts), layout)
    assert values.to_list() == expected
    assert not strange.any()


def test_time_zones_are_taken_to_utc() -> None:
    texts = ["2024-01-01T12:00:00+02:00", "2024-01-01T10:00:00Z", "2024-01-01 10:00:00.5"]
    values = cells.read_moments(pl.Series(texts), "year-month-day").values
    ten = datetime.datetime(2024, 1, 1, 10)
    assert values.to_list() == [ten, ten, ten.replace(microsecond=500_000)]
    zoned = pl.Series([ten]).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    assert cells.read_moments(zoned, "year-month-day").values.to_list() == [ten]


def test_only_dates_are_dates() -> None:
    assert cells.find_date_layout(pl.Series(["2024-01-31", "soon"])) is None
    assert cells.find_date_layout(pl.Series(["1/2/20", "31/1/20"])) is None  # two digits do not tell the century
    assert cells.find_date_layout(pl.Series(["2024-02-30"])) is None
    strange = cells.read_moments(pl.Series(["31.01.2024", "2024-01-31"]), "year-month-day").strange
    assert strange.to_list() == [True, False]
    assert cells.read_moments(pl.Series([1, None]), "year-month-day").strange.to_list() == [True, False]
