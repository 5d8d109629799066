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
        ("$-5", -5.0),
        ("2 300", 2300.0),
        ("2\u202f300.5", 2300.5),
        ("21'212.88", 21212.88),
        ("2,39,554", 239554.0),
        ("212.13-", -212.13),
        ("\N{MINUS SIGN}5", -5.0),
        ("CHF 5", 5.0),
        ("Rs. 500", 500.0),
        ("R$ 3,400.00", 3400.0),
        ("10,000+", 10000.0),
        ("<0.006", 0.006),
        ("~212", 212.0),
        ("212*", 212.0),
        ("2.5D+02", 250.0),
        ("19M", 19e6),
        ("$28.34M", 28.34e6),
        ("€1.5bn", 1.5e9),
        ("201k", 201e3),
        ("3 million", 3e6),
        ("5 Lakh", 5e5),
        ("£2.5m", 2.5e6),
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
        "2 30",
        "1 2345",
        "9 pm",
        "26 to 30",
        "34 m",
        "Room 12",
        "5/20",
        "555-1234",
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


def test_numbers_of_one_unit() -> None:
    texts = pl.Series(["74 bhp", "1,200bhp", "9", "12 kg", "Varies with device", None])
    assert cells.find_unit(texts.head(3)) == "bhp"
    read = cells.read_numbers(texts, unit="bhp")
    assert read.values.to_list() == [74, 1200, 9, None, None, None]
    assert read.strange.to_list() == [False, False, False, True, True, False]
    assert cells.find_unit(pl.Series(["1 a", "2 b", "3 c"])) == ""


def test_durations_are_seconds() -> None:
    texts = pl.Series(["3:38", "125:30", "1:02:03.5", "1 days 00:00:01", "-0:30"])
    assert cells.find_unit(texts) == cells.DURATION
    assert cells.read_numbers(texts, unit=cells.DURATION).values.to_list() == [218, 7530, 3723.5, 86401, -30]
    assert cells.read_numbers(texts).values.null_count() == 5


@pytest.mark.parametrize("column", [pl.Series(["-200", "1.0", "-200.0", "x"]), pl.Series([-200.0, 1.0, -200.0, None])])
def test_declared_words_are_missing_among_numbers_of_any_type(column: pl.Series) -> None:
    assert cells.read_numbers(column, ["-200", "x"]).values.to_list() == [None, 1.0, None, None]
    assert not cells.read_numbers(column, ["-200", "x"]).strange.any()
    assert cells.read_text(column, ["-200", "x"]).null_count() == 3


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
