"""Answers reach their file whole or not at all."""

from pathlib import Path

import polars as pl
import pytest

from actwise.errors import InputError, TableError
from actwise.tables import read_table
from actwise.tabular.writing import WRITERS, write_table

BATCHES = [pl.DataFrame({"kind": ["a", "b"], "size": [1.5, 2.5]}), pl.DataFrame({"kind": ["c,d"], "size": [3.5]})]


@pytest.mark.parametrize("ending", WRITERS)
def test_batches_become_one_file(tmp_path, ending):
    place = tmp_path / f"answers{ending}"
    place.write_text("something older")
    assert write_table(iter(BATCHES), place) == 3
    found = read_table(place).cast({"size": pl.Float64})
    assert found.equals(pl.concat(BATCHES))
    assert [each.name for each in tmp_path.iterdir()] == [place.name]


@pytest.mark.parametrize("ending", WRITERS)
def test_an_error_on_the_way_leaves_what_was_there(tmp_path, ending):
    place = tmp_path / f"answers{ending}"
    place.write_text("older")

    def batches():
        yield BATCHES[0]
        raise TableError("bad row")

    with pytest.raises(TableError, match="bad row"):
        write_table(batches(), place)
    assert place.read_text() == "older"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("answers.xls", "cannot tell the format of .*answers.xls.*use one of .csv"),
        ("answers", "cannot tell the format"),
        (".", "is a directory"),
        ("nowhere/answers.csv", "there is no folder .*nowhere.*make it first"),
    ],
)
def test_a_bad_place_is_refused_before_any_batch_is_made(tmp_path, name, message):
    def batches():
        pytest.fail("asked for a batch")
        yield

    with pytest.raises(InputError, match=message):
        write_table(batches(), tmp_path / name)


def test_a_system_that_refuses_is_told(tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=r"answers\.csv' cannot be written .*No space left"):
        write_table(BATCHES, tmp_path / "answers.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("numbers", "written"),
    [([0.64 + 1e-9, 0.0], ["0.64", "0.0"]), ([1e200], ["1e200"]), ([1 / 3 * 1e-60], [repr(1 / 3 * 1e-60)])],
)
def test_numbers_have_the_digits_of_float32_where_it_holds_them(tmp_path, numbers, written):
    write_table([pl.DataFrame({"y": numbers})], tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().split()
    assert [float(each) for each in lines[1:]] == [float(each) for each in written]
    assert max(map(len, lines)) <= max(map(len, written)) + 1
