"""Rows that sum up the others are left out; rows of a table of numbers alone are not taken for them."""

import polars as pl
import pytest

from actwise.errors import ActwiseWarning
from actwise.tables.totals import without_totals

SHOPS = pl.DataFrame({"shop": ["a", "b", "c", "d"], "sales": ["3", "5", "9", "2.5"], "staff": ["1", "2", "1", "4"]})


@pytest.mark.parametrize("row", [("Total", "19.5", "8"), ("Average", "4.875", "2"), ("Total", "19.5", None)])
def test_a_labelled_row_of_sums_or_means_is_left_out_aloud(row):
    frame = pl.concat([SHOPS, pl.DataFrame([row], SHOPS.schema, orient="row")])
    with pytest.warns(ActwiseWarning, match=f"left out the last row .'{row[0]}'."):
        assert without_totals(frame).equals(SHOPS)


@pytest.mark.parametrize("row", [("a", "19.5", "8"), ("e", "19.5", "7"), ("e", "19", "8")])
def test_a_row_of_a_known_label_or_of_other_numbers_stays(row):
    frame = pl.concat([SHOPS, pl.DataFrame([row], SHOPS.schema, orient="row")])
    assert without_totals(frame).equals(frame)


@pytest.mark.parametrize("answers", ["0001", "0111", "0110"])
def test_truth_tables_hold_no_totals(answers):
    """In AND the last row is the sum of the others in both inputs, and new in the answer."""
    frame = pl.DataFrame({"a": list("0011"), "b": list("0101"), "y": list(answers)})
    assert without_totals(frame).equals(frame)
