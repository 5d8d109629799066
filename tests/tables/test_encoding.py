"""Encodings: against a slow twin in plain Python, without leakage, the same whole, in batches and after saving."""

from __future__ import annotations

import contextlib
import copy
import datetime
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.errors import ActwiseWarning, InputError, ModelError, TableError
from actwise.tables import (
    BooleanColumn,
    CategoryColumn,
    DateColumn,
    DroppedColumn,
    NumberColumn,
    ReadOptions,
    TableEncoding,
    learn_column,
    read_table,
    scan_batches,
)
from actwise.tables.cells import MISSING_MARKERS

MISSING = [None, "", "NA", "?", "nan"]


def slow_numbers(training: list[float | None], new: list[float | None]) -> list[list[float]]:
    """Centre, scale, fill and tell missing cells, one at a time."""
    seen = [value for value in training if value is not None]
    centre = math.fsum(seen) / len(seen)
    scale = math.sqrt(math.fsum((value - centre) ** 2 for value in seen) / len(seen))
    median = sorted(seen)[(len(seen) - 1) // 2]
    rows = []
    for value in new:
        row = [((median if value is None else value) - centre) / scale]
        rows.append([*row, float(value is None)] if None in training else row)
    return rows


def slow_one_hot(training: list[str | None], new: list[str | None]) -> list[list[float]]:
    """Count labels, keep the 30 most frequent (then the first by name), and compare one by one."""
    seen = [value for value in training if value is not None]
    ranked = sorted(set(seen), key=lambda value: (-seen.count(value), value))
    kept = sorted(ranked[:30])
    rows = []
    for value in new:
        row = [float(value == each) for each in kept]
        if len(ranked) > 30:
            row.append(float(value is not None and value not in kept))
        if None in training:
            row.append(float(value is None))
        rows.append(row)
    return rows


# Light tails, so that no logarithm is taken: a uniform number lies within 1.2 spreads of the median.
NUMBER = st.none() | st.integers(-1000, 1000).map(lambda value: value / 8)


# Drawn columns may be empty or hold new labels only.
@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
@settings(max_examples=150, deadline=None)
@given(training=st.lists(NUMBER, min_size=2, max_size=30), new=st.lists(NUMBER, max_size=10), text=st.booleans())
def test_numbers_are_centred_scaled_and_filled_as_by_hand(
    training: list[float | None], new: list[float | None], text: bool
) -> None:
    def cells(values: list[float | None]) -> pl.Series:
        series = pl.Series("x", values, dtype=pl.Float64)
        return series.cast(pl.String).fill_null("NA") if text else series

    column = learn_column(cells(training))
    seen = {value for value in training if value is not None}
    if len(seen) < 2:
        assert isinstance(column, DroppedColumn)
        return
    assert isinstance(column, NumberColumn)
    if column.transform != "none":
        return  # covered below
    encoding = TableEncoding((column,), ("y",))
    matrix = encoding.encode(pl.DataFrame([cells(new)]))
    expected = np.array(slow_numbers(training, new), dtype=np.float32)
    np.testing.assert_allclose(matrix, expected.reshape(matrix.shape), rtol=1e-5, atol=1e-5)


def test_heavy_tails_are_bent_and_light_ones_are_not() -> None:
    random = np.random.default_rng(0)
    light = {
        "normal": random.normal(size=5000),
        "uniform": random.uniform(size=5000),
        "exponential": random.exponential(size=5000),
        "binary": random.integers(0, 2, 5000).astype(float),
    }
    heavy = {"log-normal": random.lognormal(0, 2, size=5000), "cauchy": random.standard_cauchy(5000)}
    for name, values in light.items():
        assert learn_column(pl.Series(name, values)).transform == "none", name
    for name, values in heavy.items():
        column = learn_column(pl.Series(name, values))
        assert column.transform == "signed_log", name
        out = TableEncoding((column,), ()).encode(pl.DataFrame({name: values}))[:, 0]
        unit = sorted(np.abs(values).tolist())[(len(values) - 1) // 2]
        bent = [math.copysign(math.log1p(abs(value) / unit), value) for value in values.tolist()]
        mean = math.fsum(bent) / len(bent)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in bent) / len(bent))
        np.testing.assert_allclose(out, [(value - mean) / deviation for value in bent], rtol=1e-5, atol=1e-5)
        assert (np.argsort(out, kind="stable") == np.argsort(values.astype(np.float64), kind="stable")).mean() > 0.99
        assert np.abs(out).max() < 15


LABEL = st.none() | st.sampled_from([f"label {i}" for i in range(40)]) | st.sampled_from(["a", "b"])


# Drawn columns may be empty or hold new labels only.
@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
@settings(max_examples=60, deadline=None)
@given(training=st.lists(LABEL, min_size=2, max_size=90), new=st.lists(LABEL | st.just("new"), max_size=10))
def test_labels_are_one_hot_as_by_hand(training: list[str | None], new: list[str | None]) -> None:
    column = learn_column(pl.Series("x", training, dtype=pl.String))
    if not isinstance(column, CategoryColumn):
        seen = [value for value in training if value is not None]
        identifier = len(set(seen)) > 10 and len(set(seen)) > len(seen) / 2
        assert isinstance(column, DroppedColumn)
        assert identifier or len(set(training)) == 1
        return
    matrix = TableEncoding((column,), ()).encode(pl.DataFrame({"x": pl.Series(new, dtype=pl.String)}))
    assert matrix.tolist() == slow_one_hot(training, new)


def test_labels_that_the_rows_do_not_support_are_pooled_and_new_ones_join_them() -> None:
    often = [f"l{i:02}" for i in range(40) for _ in range(3)]
    rare = [f"r{i:02}" for i in range(20) for _ in range(2)]
    column = learn_column(pl.Series("x", often + rare))
    assert isinstance(column, CategoryColumn)
    assert column.categories == tuple(f"l{i:02}" for i in range(40))
    assert column.n_others == 20
    matrix = TableEncoding((column,), ()).encode(pl.DataFrame({"x": ["l00", "r19", "new", None]}))
    assert matrix[:, -1].tolist() == [0, 1, 1, 0]
    assert matrix.sum(axis=1).tolist() == [1, 1, 1, 0]
    # The most frequent 30 are kept however rare they are.
    few = learn_column(pl.Series("x", [f"r{i:02}" for i in range(35) for _ in range(2)]))
    assert isinstance(few, CategoryColumn)
    assert (len(few.categories), few.n_others) == (30, 5)


def test_dates_become_days_and_places_in_cycles() -> None:
    start = datetime.datetime(2023, 1, 2, 6)  # a Monday
    moments = [start + datetime.timedelta(days=i, hours=i % 5) for i in range(0, 700, 7)]
    moments[3] += datetime.timedelta(days=2)
    texts = [f"{moment:%d.%m.%Y %H:%M}" for moment in moments]
    for cells in (pl.Series("t", texts), pl.Series("t", moments)):
        column = learn_column(cells)
        assert isinstance(column, DateColumn)
        assert column.cycles == ("year", "week", "day")
        matrix = TableEncoding((column,), ()).encode(pl.DataFrame([cells]))
        days = [(moment - datetime.datetime(1970, 1, 1)).total_seconds() / 86400 for moment in moments]
        mean = math.fsum(days) / len(days)
        deviation = math.sqrt(math.fsum((day - mean) ** 2 for day in days) / len(days))
        for row, moment, day in zip(matrix, moments, days, strict=True):
            clock = (moment - moment.replace(hour=0, minute=0)).total_seconds() / 86400
            phases = ((moment.timetuple().tm_yday - 1) / 366, moment.weekday() / 7, clock)
            circles = [each(2 * math.pi * phase) for phase in phases for each in (math.sin, math.cos)]
            np.testing.assert_allclose(row, [(day - mean) / deviation, *circles], atol=2e-6)


def test_dates_without_a_clock_or_a_value() -> None:
    cells = pl.Series("t", [datetime.date(2024, 1, 1), None, datetime.date(2024, 1, 9)])
    column = learn_column(cells)
    assert column.feature_names == ("t", "t: sine of week", "t: cosine of week", "t is missing")
    matrix = TableEncoding((column,), ()).encode(pl.DataFrame([cells]))
    assert matrix[1].tolist() == [-1, 0, 0, 1]  # filled with the lower median, the first day
    # What was learned from typed dates also reads ISO text.
    text = pl.DataFrame({"t": ["2024-01-01", "?", "2024-01-09"]})
    np.testing.assert_array_equal(TableEncoding((column,), ()).encode(text), matrix)


@pytest.mark.parametrize(
    ("cells", "kind", "words"),
    [
        ([True, False, None], BooleanColumn, "truth value"),
        (["yes", "No", "YES"], BooleanColumn, "truth value"),
        (["f", "t", "f"], BooleanColumn, "truth value"),
        (["f", "m", "f"], CategoryColumn, "category"),
        (["a", "a", None], CategoryColumn, "one for missing"),
        (["+", "-", "+"], CategoryColumn, "category"),
        (["1", " 2", "-", "3.5"], NumberColumn, "1 missing filled with the median 2"),
        (["7", "7.0", "7"], DroppedColumn, "holds 7 in every training row"),
        ([7, 7, None], DroppedColumn, "(1 without)"),
        (["x", "x", "x"], DroppedColumn, "holds 'x' in all rows"),
        ([None, "", "NA"], DroppedColumn, "no value"),
        (["A1", "B", "-"], CategoryColumn, "category"),
        (["<6", ">6", ">6"], CategoryColumn, "2 labels (<6, >6)"),
        (["<6m", ">6m", ">6m"], CategoryColumn, "2 labels (<6m, >6m)"),
        ([[1, 2], [3], None], DroppedColumn, "holds lists"),
        ([{"a": 1}, {"a": 2}, None], DroppedColumn, "holds structures"),
        ([f"comment {i}" for i in range(30)], DroppedColumn, "30 different texts in 30 rows"),
        (["01.02.2024", "28.02.2024"], DateColumn, "date (day first)"),
        ([1e308, -1e308, 0.0], NumberColumn, "number"),
        ([0.0, 5e-324], DroppedColumn, "differ too little"),
        ([1 << 62, (1 << 62) + 4096, 0], NumberColumn, "number"),
    ],
)
def test_each_kind_of_column_is_recognised_and_described(cells: list[Any], kind: type, words: str) -> None:
    column = learn_column(pl.Series("x", cells))
    assert isinstance(column, kind)
    assert words in column.describe()
    assert column.describe().startswith("x: ")
    assert "\n" not in column.describe()


@pytest.mark.parametrize("name", ["id", "Id", "ID", "user_id", "userId", "index", "Row Number"])
def test_counters_with_the_name_of_an_identifier_are_left_out(name: str) -> None:
    assert isinstance(learn_column(pl.Series(name, range(100))), DroppedColumn)
    assert isinstance(learn_column(pl.Series(name, [i // 2 for i in range(100)])), NumberColumn)


@pytest.mark.parametrize("name", ["age", "humid", "idea", "width", "paid"])
def test_numbers_under_other_names_are_kept(name: str) -> None:
    assert isinstance(learn_column(pl.Series(name, range(100))), NumberColumn)


def test_odd_cells_among_numbers_are_missing_and_listed_once() -> None:
    def table(n_words: int) -> pl.DataFrame:
        words = ["12O", "2100 - 2850", "so so", "two rooms", "-", "34 m"][:n_words]
        numbers = [str(k % 97) for k in range(240 - n_words)]
        return pl.DataFrame({"x": numbers + words, "z": [*(str(k % 97) for k in range(239)), "none"], "y": range(240)})

    for n_words in (1, 4, 6):
        with pytest.warns(ActwiseWarning, match="cells that do not fit their columns count as missing") as caught:
            encoding = TableEncoding.learn(table(n_words), "y")
        assert len(caught) == 1
        said = str(caught[0].message)
        assert f"'x' (number): {n_words - (n_words > 4)} cell" in said
        assert f"'12O' in row {241 - n_words}" in said
        assert "'z' (number): 1 cell, 'none' in row 240" in said
        assert "--type COLUMN=category" in said
        x = encoding.columns[0]
        assert isinstance(x, NumberColumn)
        assert x.n_missing == n_words
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # rows of the table itself were told of
            matrix = encoding.encode(table(n_words), np.arange(240))
        assert matrix[-n_words:, 1].all()


def test_odd_cells_among_dates_are_missing() -> None:
    texts = [f"2024-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(100)]
    with pytest.warns(ActwiseWarning, match=r"'t' \(date\): 2 cells, '0000-00-00' in row 101, 'never' in row 102"):
        encoding = TableEncoding.learn(pl.DataFrame({"t": [*texts, "0000-00-00", "never"], "y": 0}), "y")
    assert isinstance(encoding.columns[0], DateColumn)
    assert encoding.columns[0].n_missing == 2
    clocks = [f"{k % 24}:{k % 60:02}" for k in range(100)]
    with pytest.warns(ActwiseWarning, match="'t' .time of day.: 1 cell, 'noon' in row 101"):
        encoding = TableEncoding.learn(pl.DataFrame({"t": [*clocks, "noon"], "y": 0}), "y")
    assert encoding.feature_names == ("t", "t: sine of day", "t: cosine of day", "t is missing")


def test_a_typing_error_in_a_new_row_is_missing_and_a_column_of_them_is_refused(encoding: TableEncoding) -> None:
    good = encoding.encode(pl.DataFrame({**ROW, "age": [None]}))
    with pytest.warns(ActwiseWarning, match=r"count as missing: 'age' \(number\): 1 cell, 'old' in row 41$"):
        found = encoding.encode(pl.DataFrame({**ROW, "age": ["old"]}), first_row=41)
    np.testing.assert_array_equal(found, good)
    with pytest.raises(TableError, match=r"column 'age' held numbers in training, but row 1 holds 'old' .9 more"):
        encoding.encode(pl.DataFrame({name: cells * 10 for name, cells in {**ROW, "age": ["old"]}.items()}))


def test_words_that_recur_stand_for_missing_numbers() -> None:
    cells = pl.Series("x", [*map(str, range(175)), *["n.v."] * 100])
    column = learn_column(cells)
    assert isinstance(column, NumberColumn)
    assert column.n_missing == 100
    matrix = TableEncoding((column,), ()).encode(pl.DataFrame({"x": ["-", "87"]}))
    assert matrix[:, 1].tolist() == [1, 0]
    # More words than numbers, or few different numbers, are labels.
    assert isinstance(learn_column(pl.Series("x", [*map(str, range(20)), *["n"] * 40])), CategoryColumn)
    assert isinstance(learn_column(pl.Series("x", ["1", "2", "3"] * 20 + ["B"] * 5)), CategoryColumn)


def test_how_cells_are_read_is_told_by_all_rows_and_nothing_else_is() -> None:
    cells = pl.Series("x", [*map(str, range(50)), "missing", "missing", "1000"])
    assert learn_column(cells, np.arange(50)) == learn_column(cells.head(50))
    texts = pl.Series("x", ["yes", "no", "yes", "maybe"])
    assert learn_column(texts, np.arange(3)).kind == "category"
    assert learn_column(texts.head(3), np.arange(2)).kind == "boolean"


def test_text_that_is_left_out_is_told_what_it_may_have_been_meant_for() -> None:
    words = [f"word {'abcdefghijkl'[k]}" for k in range(12)] * 2
    column = learn_column(pl.Series("x", [*map(str, range(100)), *words]))
    assert isinstance(column, DroppedColumn)
    assert "but 100 of 124 cells read as numbers: to take the others, such as 'word a', as missing" in column.describe()
    assert "--type x=number" in column.describe()
    frame = pl.DataFrame({"x": [*map(str, range(20)), *"abcdefgh"] * 5, "z": range(140), "y": 0})
    with pytest.warns(ActwiseWarning, match="column 'x' was read as labels, but 100 of 140 cells read as numbers"):
        TableEncoding.learn(frame, "y")
    with pytest.warns(ActwiseWarning, match=r"'x' \(number\): 40 cells"):
        asked = TableEncoding.learn(frame, "y", options=ReadOptions(types=("x=number",)))
    assert isinstance(asked.columns[0], NumberColumn)


@pytest.mark.parametrize("texts", [[f"{i}{'ab'[i % 2]}" for i in range(60)], [f"text {i}" for i in range(60)]])
def test_other_text_that_is_left_out_is_told_nothing_more(texts: list[str]) -> None:
    assert learn_column(pl.Series("x", [*texts, "1c", "2d"])).describe().endswith("an identifier or free text")


def test_what_a_person_says_of_columns_is_done_and_saved() -> None:
    frame = pl.DataFrame(
        {
            "zip": ["10115", "80331", "10115", "50667"],
            "size": ["3", "x", "7", "y"],
            "day": ["05/06/2024", "07/08/2024", "01/02/2024", "soon"],
            "note": ["a", "b", "a", "b"],
            "state": ["NA", "CA", "NA", "unk"],
            "y": [1, 2, 3, 4],
        }
    )
    options = ReadOptions(
        types=("zip=category", "size=number", "day=date", "note=ignore"),
        date_order="day",
        missing=("unk",),
        present=("NA",),
    )
    with pytest.warns(ActwiseWarning, match="count as missing"):
        encoding = TableEncoding.learn(frame, "y", options=options)
    zip_code, size, day, note, state = encoding.columns
    assert isinstance(zip_code, CategoryColumn)
    assert isinstance(size, NumberColumn)
    assert size.n_missing == 2
    assert isinstance(day, DateColumn)
    assert day.layout == "day first"
    assert isinstance(note, DroppedColumn)
    assert isinstance(state, CategoryColumn)
    assert (state.categories, state.n_missing) == (("CA", "NA"), 1)
    loaded = TableEncoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert loaded == encoding
    assert loaded.options == options
    new = pl.DataFrame({"zip": [10115], "size": ["3"], "day": ["05/06/2024"], "state": ["unk"]})
    assert loaded.encode(new)[0, -3:].tolist() == [0, 0, 1]
    with pytest.raises(TableError, match="no column 'zap'"):
        TableEncoding.learn(frame, "y", options=ReadOptions(types=("zap=number",)))
    with pytest.raises(TableError, match="column 'note' holds no number that could be read: leave out its --type"):
        TableEncoding.learn(frame, "y", options=ReadOptions(types=("note=number",)))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"encoding": "klingon"}, "encoding must be one such as utf-8"),
        ({"encoding": "base64"}, "encoding must be one such as utf-8"),
        ({"skip_rows": -1}, "skip_rows must be 0 or a positive whole number, not -1"),
        ({"comment": ""}, "comment must be the first one to five characters"),
        ({"date_order": "moon"}, "date_order must be 'day' or 'month' or 'year', not 'moon'"),
        ({"decimal": ","}, "decimal must be 'point' or 'comma', not ','"),
        ({"types": ("x",)}, "type must be written COLUMN=TYPE"),
        ({"types": ("x=float",)}, "type must be written COLUMN=TYPE"),
    ],
)
def test_reading_options_say_what_is_wrong(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        ReadOptions(**values)


@pytest.mark.parametrize("words", [("-200",), ("-200.0",), ("x",)])
def test_a_number_declared_missing_is_in_text_and_in_numbers(words: tuple[str, ...]) -> None:
    present = [float(k) for k in range(40)]
    for cells in (
        pl.Series("x", [*map(str, present), "-200", "-200.0", "x"]),
        pl.Series("x", [*present, -200.0, -200.0, None]),
    ):
        column = learn_column(cells, missing=words)
        assert isinstance(column, NumberColumn)
        declared = words != ("x",)
        assert column.n_missing == (3 if declared else 1)
        assert (abs(column.centre - 19.5) < 1e-9) == declared


def test_columns_without_a_name_that_count_rows_are_left_out_and_not_asked_for() -> None:
    frame = pl.DataFrame({"unnamed_1": [*range(20), *range(20)], "a": np.arange(40.0), "y": 0})
    encoding = TableEncoding.learn(frame, "y")
    assert encoding.feature_names == ("a",)
    assert encoding.encode(pl.DataFrame({"a": [1.0]})).shape == (1, 1)
    years = frame.with_columns(unnamed_1=pl.int_range(1951, 1991) // 2)
    assert TableEncoding.learn(years, "y").feature_names == ("unnamed_1", "a")


def test_rows_without_a_value_are_kept_and_named(encoding: TableEncoding) -> None:
    rows = pl.DataFrame({name: [*cells, None, *cells] for name, cells in ROW.items()})
    with pytest.warns(ActwiseWarning, match="1 of 3 rows hold no value of the model's columns.*: row 2"):
        matrix = encoding.encode(rows)
    assert len(matrix) == 3
    np.testing.assert_array_equal(matrix[0], matrix[2])


def cities(values: list[Any], first_row: int = 1) -> np.ndarray:
    training = pl.DataFrame({"city": ["Bern", "Rome", None, "Rome"], "size": [1.0, 2.0, 3.0, 4.0], "y": 0})
    frame = pl.DataFrame({"city": values, "size": np.arange(len(values), dtype=float)}, strict=False)
    return TableEncoding.learn(training, "y").encode(frame, first_row=first_row)


def test_a_column_of_unseen_labels_is_announced_once() -> None:
    said = "column 'city': of 3 values none was seen in training, which had 'Bern', 'Rome'"
    with pytest.warns(ActwiseWarning, match=said) as caught:
        matrix = cities(["Oslo", None, "Kyiv", "7"])
    assert len(caught) == 1
    assert matrix[:, :3].tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    cities(["Oslo", "Rome"])  # one known label is enough
    cities(["Oslo"] * 5, first_row=6)  # later batches are not judged, so that a long file warns once


@pytest.mark.parametrize("numbers", [[3, 4.5], ["3", "4.5"], [3, None]])
def test_labels_that_became_numbers_are_refused(numbers: list[Any]) -> None:
    with pytest.raises(TableError, match=r"column 'city' held text such as 'Bern' .* are numbers now, such as 3"):
        cities(numbers)
    codes = learn_column(pl.Series("x", ["1", "A", "1"]))
    with pytest.warns(ActwiseWarning, match="of 2 values none was seen"):
        TableEncoding((codes,), ()).encode(pl.DataFrame({"x": [7, 8]}))


@pytest.mark.parametrize("empty", [[None, None], ["NA", ""], ["-", None]])
def test_a_column_without_a_value_is_announced(empty: list[Any]) -> None:
    encoding = TableEncoding.learn(pl.DataFrame({"x": [1.0, 2.0, 4.0], "z": [1, 5, 2], "y": 0}), "y")
    with pytest.warns(ActwiseWarning, match="column 'x' has no value in 2 rows"):
        encoding.encode(pl.DataFrame({"x": empty, "z": [1, 2]}))
    gaps = TableEncoding.learn(pl.DataFrame({"x": [1.0, 2.0, None], "y": 0}), "y")
    gaps.encode(pl.DataFrame({"x": empty}))  # no surprise: it had gaps before
    with pytest.warns(ActwiseWarning, match="column 'x' has no value in 10 rows"):
        gaps.encode(pl.DataFrame({"x": empty * 5}))


def test_rare_labels_of_training_are_no_surprise_in_a_few_rows() -> None:
    column = learn_column(pl.Series("x", [f"l{i:02}" for i in range(40) for _ in range(2)]))
    encoding = TableEncoding((column,), ())
    assert encoding.encode(pl.DataFrame({"x": ["l39"] * 9}))[:, -1].all()
    with pytest.warns(ActwiseWarning, match="of 10 values none is among the 30 labels kept from training"):
        encoding.encode(pl.DataFrame({"x": ["l39"] * 10}))


# A table of all kinds, from any strategy of cells, for the properties that hold of every table.
ANY_NUMBER = st.none() | st.floats(allow_nan=True, allow_infinity=False)
ANY_DATE = st.none() | st.dates()
ANY_TEXT = st.sampled_from([*MISSING, "a", "b", "c", "yes", "no", "1", "2.5", "2024-05-06", "ü"])


@st.composite
def tables(draw: st.DrawFn, n_rows: int) -> pl.DataFrame:
    def column(cells: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(cells, min_size=n_rows, max_size=n_rows))

    return pl.DataFrame(
        {
            "steady": list(range(n_rows)),
            "number": pl.Series(column(ANY_NUMBER), dtype=pl.Float64),
            "whole": pl.Series(column(st.none() | st.integers(-(2**63), 2**63 - 1)), dtype=pl.Int64),
            "numeric text": pl.Series(column(st.sampled_from([*MISSING, "1", " 2.5", "-3e300", "7"])), dtype=pl.String),
            "text": pl.Series(column(ANY_TEXT), dtype=pl.String),
            "truth": pl.Series(column(st.none() | st.booleans()), dtype=pl.Boolean),
            "date": pl.Series(column(ANY_DATE), dtype=pl.Date),
            "y": [0] * n_rows,
        }
    )


# Drawn columns may be empty or hold new labels only.
@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_holds_of_every_table(data: st.DataObject) -> None:
    n_training, n_new = data.draw(st.integers(2, 12)), data.draw(st.integers(1, 8))
    training, new = data.draw(tables(n_training)), data.draw(tables(n_new))
    rows = np.arange(n_training)
    encoding = TableEncoding.learn(pl.concat([training, new]), "y", rows)

    # No leakage: other rows beside the training rows change nothing, save for what kind of text a column holds.
    alone = TableEncoding.learn(training, "y")
    for here, there in zip(encoding.columns, alone.columns, strict=True):
        assert here == there or (here.name == "text" and here.kind != there.kind)
    assert encoding == TableEncoding.learn(pl.concat([training, new.reverse()]), "y", rows)

    # A cell that is a number, a date or a truth value in training may be text in a new row; else it encodes.
    fitting = new.with_columns(training["text"].extend_constant(None, n_new).head(n_new).alias("text"))
    matrix = encoding.encode(fitting)
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    assert matrix.shape == (n_new, len(encoding.feature_names))
    assert np.isfinite(matrix).all()

    # The order of columns, further columns, and the cut into batches do not matter.
    shuffled = fitting.select(reversed(fitting.columns)).with_columns(extra=pl.lit("x"))
    np.testing.assert_array_equal(encoding.encode(shuffled), matrix)
    pieces = [encoding.encode(piece) for piece in fitting.iter_slices(3)]
    np.testing.assert_array_equal(np.concatenate(pieces), matrix)
    picked = np.arange(n_new)[::-2]
    np.testing.assert_array_equal(encoding.encode(fitting, picked), matrix[picked])

    # Saved as JSON and loaded, it is the same encoding.
    loaded = TableEncoding.from_dict(json.loads(json.dumps(encoding.to_dict(), allow_nan=False)))
    assert loaded == encoding
    np.testing.assert_array_equal(loaded.encode(fitting), matrix)


def test_text_from_csv_encodes_like_typed_cells_from_parquet(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    n = 500
    frame = pl.DataFrame(
        {
            "real": random.normal(size=n),
            "whole": random.integers(0, 9, n),
            "truth": random.integers(0, 2, n).astype(bool),
            "label": random.choice(["a", "b", "c"], n),
            "date": [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(i)) for i in random.integers(0, 900, n)],
            "y": random.choice(["u", "v"], n),
        }
    ).with_columns(pl.when(pl.col("real") > 1).then(None).otherwise(pl.col("real")).alias("real"))
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    text, typed = read_table(tmp_path / "t.csv"), read_table(tmp_path / "t.parquet")
    one, other = TableEncoding.learn(text, "y"), TableEncoding.learn(typed, "y")
    assert one == other
    matrix = one.encode(text)
    np.testing.assert_array_equal(matrix, one.encode(typed))
    for file in ("t.csv", "t.parquet"):
        batches = [one.encode(batch) for batch in scan_batches(tmp_path / file, batch_rows=77)]
        np.testing.assert_array_equal(np.concatenate(batches), matrix)


@pytest.fixture
def encoding() -> TableEncoding:
    frame = pl.DataFrame(
        {
            "age": ["20", "30", None, "50"],
            "sex": ["f", "m", "f", "m"],
            "smoker": ["yes", "no", "no", "no"],
            "joined": ["2024-01-01", "2024-02-01", "2024-03-05", "2024-04-07"],
            "note": [None] * 4,
            "y": [1, 2, 3, 4],
        }
    )
    return TableEncoding.learn(frame, "y")


ROW = {"age": ["40"], "sex": ["f"], "smoker": ["no"], "joined": ["2024-01-05"]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"age": [datetime.date(2024, 1, 1)]}, "column 'age' held numbers in training, but row 41 holds datetime"),
        ({"age": [[1]]}, "column 'age' held numbers in training, but row 41"),
        ({"joined": [7]}, "column 'joined' held dates in training, but row 41 holds 7"),
        ({"sex": [["f"]]}, "column 'sex' held labels in training, but row 41"),
        ({"age": ["inf"]}, "column 'age' holds an infinite number in row 41: correct the cell"),
        ({"age": [math.inf]}, "column 'age' holds an infinite number in row 41: correct the cell"),
    ],
)
def test_cells_that_changed_their_nature_are_named(encoding: TableEncoding, change: dict, problem: str) -> None:
    with pytest.raises(TableError) as caught:
        encoding.encode(pl.DataFrame({**ROW, **change}), first_row=41)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lacking_columns_are_listed_and_dropped_ones_not_asked_for(encoding: TableEncoding) -> None:
    assert encoding.encode(pl.DataFrame(ROW)).shape == (1, encoding.n_features)
    with pytest.raises(TableError, match=r"lacks 2 of the 4 columns .*: 'age', 'sex'; did you mean 'Age'\?"):
        encoding.encode(pl.DataFrame({"Age": [1], "smoker": ["no"], "joined": ["2024-01-05"]}))


def test_learning_says_what_cannot_be_learned() -> None:
    frame = pl.DataFrame({"a": [1.0, math.inf, 2.0], "b": [1, 1, 1], "y": [1, 2, 3]})
    with pytest.raises(TableError, match="column 'a' holds an infinite number in row 2"):
        TableEncoding.learn(frame, "y")
    with pytest.raises(TableError, match="no column is left to predict 'y' from: a: left out; as asked; b: left out"):
        TableEncoding.learn(frame, "y", ignore=["a"])
    with pytest.raises(TableError, match="no column is left to predict 'y' from: the table has no other column"):
        TableEncoding.learn(frame.select("y"), "y")
    with pytest.raises(TableError, match="no column 'c': columns are 'a', 'b', 'y'"):
        TableEncoding.learn(frame, "y", ignore=["c"])


def test_tampered_data_is_refused_with_the_reason(encoding: TableEncoding) -> None:
    good = encoding.to_dict()
    kinds = [column["kind"] for column in good["columns"]]
    assert kinds == ["number", "category", "boolean", "date", "dropped"]

    def refused(problem: str, *path: Any, value: Any) -> None:
        bad = copy.deepcopy(good)
        place = bad
        for key in path[:-1]:
            place = place[key]
        if value is KeyError:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        with pytest.raises(ModelError, match=problem):
            TableEncoding.from_dict(bad)

    refused("encoding lacks the field 'targets'", "targets", value=KeyError)
    refused("skip_rows must be a whole number or null, not", "options", "skip_rows", value="1")
    refused("unknown field 'more'", "more", value=1)
    refused("encoding.columns must be a list", "columns", value={})
    refused(r"targets\[0\] must be a text, not 1", "targets", value=[1])
    refused("kind is the unknown 'pickle'", "columns", 0, "kind", value="pickle")
    refused(r"columns\[0\] must be an object, not a list", "columns", 0, value=[])
    refused(r"columns\[0\] lacks the field 'scale'", "columns", 0, "scale", value=KeyError)
    refused(r"columns\[0\].scale must be a finite number, not '1'", "columns", 0, "scale", value="1")
    refused("scale must be a finite number, not True", "columns", 0, "scale", value=True)
    refused("centre must be a finite number, not nan", "columns", 0, "centre", value=math.nan)
    refused("centre must be a finite number, not 'nan'", "columns", 0, "centre", value="nan")
    refused("positive scale, not 0.0", "columns", 0, "scale", value=0)
    refused("positive unit", "columns", 0, "unit", value=-1.0)
    refused("transform is the unknown 'exp'; known words are", "columns", 0, "transform", value="exp")
    refused("cannot have -1 missing", "columns", 0, "n_missing", value=-1)
    refused("missing_words must be a list", "columns", 0, "missing_words", value="NA")
    refused("must be a text, not 1", "columns", 1, "categories", 0, value=1)
    refused("each category once", "columns", 1, "categories", 1, value="f")
    refused("should have categories", "columns", 1, "categories", value=[])
    refused("known date layout", "columns", 3, "layout", value="stardate")
    refused(r"cycles\[0\] is the unknown 'moon'", "columns", 3, "cycles", 0, value="moon")
    refused("each cycle once", "columns", 3, "cycles", value=["day", "day"])
    refused("should be in a table encoding once", "targets", value=["age"])
    refused("at least one feature", "columns", value=[])
    with pytest.raises(ModelError, match="encoding must be an object, not None"):
        TableEncoding.from_dict(None)


JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.text(max_size=2))


@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
def test_any_tampering_is_refused_or_still_encodes_finite_numbers(encoding: TableEncoding) -> None:
    frame = pl.DataFrame(ROW)

    @settings(max_examples=200, deadline=None)
    @given(column=st.integers(0, 4), field=st.integers(0, 9), junk=JUNK)
    def tamper(column: int, field: int, junk: object) -> None:
        plain = encoding.to_dict()
        fields = plain["columns"][column]
        fields[sorted(fields)[field % len(fields)]] = junk
        with contextlib.suppress(ModelError, TableError):
            assert np.isfinite(TableEncoding.from_dict(plain).encode(frame)).all()

    tamper()


def test_missing_markers_are_those_documented() -> None:
    frame = pl.DataFrame({"x": ["1", "2", *MISSING_MARKERS], "y": 0})
    column = TableEncoding.learn(frame, "y").columns[0]
    assert isinstance(column, NumberColumn)
    assert column.n_missing == len(MISSING_MARKERS)
