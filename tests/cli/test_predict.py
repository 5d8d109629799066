"""``actwise predict``: one answer per row, in the row's order, in each format."""

import subprocess
import sys

import polars as pl
import pytest

from actwise.tables import read_table, reading
from actwise.tabular import TableModel


@pytest.fixture
def answers(saved):
    return TableModel.load(saved / "model").predict(saved / "houses.csv")


def test_answers_go_to_standard_output(aw, saved, answers):
    result = aw("predict", saved / "model", saved / "houses.csv")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["district", *answers]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet", "a.arrow", "a.ndjson"])
def test_formats_follow_from_the_ending(aw, saved, answers, tmp_path, name):
    result = aw("predict", saved / "model", saved / "houses.csv", "-o", name, "--proba")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"100 rows written to {name}\n"
    found = read_table(tmp_path / name)
    assert found.columns == ["district", "probability of north", "probability of south"]
    assert found["district"].to_list() == list(answers)
    assert found.select(pl.last(), pl.nth(1)).cast(pl.Float64).sum_horizontal().to_numpy() == pytest.approx(1)


def test_batches_make_no_difference(aw, saved, monkeypatch, tmp_path):
    whole = aw("predict", saved / "model", saved / "houses.csv", "--proba").stdout
    monkeypatch.setattr(reading.scan_batches, "__defaults__", (9, reading.DEFAULT))
    aw("predict", saved / "model", saved / "houses.csv", "--proba", "-o", "parts.csv")
    parts = (tmp_path / "parts.csv").read_text()
    assert parts.count("\n") == 101
    one, other = (pl.read_csv(text.encode()) for text in (whole, parts))
    assert one["district"].equals(other["district"])
    assert one[:, 1].to_numpy() == pytest.approx(other[:, 1].to_numpy(), rel=1e-4)


def test_new_labels_gaps_and_no_target_column(aw, saved, tmp_path):
    (tmp_path / "new.csv").write_text("price,extra,size\n,a,100\n300,b,\n250,c,90\n")
    result = aw("predict", saved / "model", "new.csv")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 4


def test_a_cell_that_is_refused_in_a_late_row_leaves_no_file(refused, saved, houses, tmp_path, monkeypatch):
    monkeypatch.setattr(reading.scan_batches, "__defaults__", (10, reading.DEFAULT))
    (tmp_path / "answers.csv").write_text("older")
    late = houses.with_columns(pl.col("size").cast(pl.String)).with_row_index()
    late = late.with_columns(size=pl.when(pl.col("index") == 57).then(pl.lit("inf")).otherwise("size"))
    late.write_csv(tmp_path / "late.csv")
    said = refused("predict", saved / "model", "late.csv", "-o", "answers.csv")
    assert "column 'size' holds an infinite number in row 58" in said
    assert (tmp_path / "answers.csv").read_text() == "older"


def test_a_reader_that_leaves_ends_it_quietly(saved, tmp_path):
    pl.DataFrame({"size": [100.0] * 200_000, "price": 200.0}).write_csv(tmp_path / "long.csv")
    command = [sys.executable, "-m", "actwise", "predict", str(saved / "model"), str(tmp_path / "long.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"district\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_errors_name_the_table(refused, saved, houses, tmp_path):
    houses.drop("size").write_csv(tmp_path / "new.csv")
    assert refused("predict", saved / "model", "new.csv").startswith("Error: 'new.csv': ")
