"""Reading: the same table out of every format and packing, and one clear sentence for each kind of damage."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import warnings
from pathlib import Path

import numpy as np
import pandas
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actwise.errors import ActwiseWarning, TableError
from actwise.tables import default_targets, read_table, sample_names, sample_table, scan_batches

TEXT = 'a,b,c\n1,x,2.5\n3,ü,\n\n4,"z,z",1\n'
ROWS = {"a": ["1", "3", "4"], "b": ["x", "ü", "z,z"], "c": ["2.5", None, "1"]}


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", TEXT.encode()),
        ("marked.csv", TEXT.encode("utf-8-sig")),
        ("windows.csv", TEXT.replace("\n", "\r\n").encode()),
        ("old-mac.csv", TEXT.replace("\n", "\r").encode()),
        ("utf16.csv", TEXT.encode("utf-16")),
        ("utf32.csv", TEXT.encode("utf-32")),
        ("packed.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("packed.csv.bz2", bz2.compress(TEXT.encode())),
        ("packed.csv.xz", lzma.compress(TEXT.encode())),
        ("packed-utf16.csv.gz", gzip.compress(TEXT.encode("utf-16"), mtime=0)),
        ("packed-without-saying-so.csv", gzip.compress(TEXT.encode(), mtime=0)),
        ("brackets[1]*.csv", TEXT.encode()),
        ("semicolons.csv", TEXT.replace(",", ";").replace("z;z", "z,z").encode()),
        ("tabs.tsv", TEXT.replace(",", "\t").replace("z\tz", "z,z").encode()),
        ("bars.txt", TEXT.replace(",", "|").replace("z|z", "z,z").encode()),
        ("no-last-newline.csv", TEXT.rstrip("\n").encode()),
        ("blanks-around-names.csv", TEXT.replace("a,b,c", " a, b ,c ").encode()),
    ],
)
def test_every_way_of_writing_delimited_text_reads_alike(tmp_path: Path, name: str, content: bytes) -> None:
    path = written(tmp_path, name, content)
    frame = read_table(path)
    assert frame.to_dict(as_series=False) == ROWS
    assert pl.concat(list(scan_batches(str(path), batch_rows=2))).equals(frame)


def test_zstandard_reads_like_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "packed.csv.zst"
    pl.DataFrame(ROWS).write_csv(path, compression="zstd")
    assert path.read_bytes().startswith(b"\x28\xb5\x2f\xfd")
    assert read_table(path).to_dict(as_series=False) == ROWS


def test_latin_letters_outside_utf8_are_read_and_announced(tmp_path: Path) -> None:
    path = written(tmp_path, "latin.csv", TEXT.encode("latin-1"))
    with pytest.warns(ActwiseWarning, match=r"'latin.csv' is not UTF-8"):
        assert read_table(path).to_dict(as_series=False) == ROWS
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # batches are predicted, from a file like the one that was announced
        assert next(scan_batches(path)).to_dict(as_series=False) == ROWS


def test_decimal_commas_become_points(tmp_path: Path) -> None:
    german = written(tmp_path, "german.csv", "x;y\n1,5;a,b\n-2,25e3;1,2,3\n")
    assert read_table(german).to_dict(as_series=False) == {"x": ["1.5", "-2.25e3"], "y": ["a,b", "1,2,3"]}
    quoted = written(tmp_path, "quoted.csv", 'x,y\n"1,5",2\n')
    assert read_table(quoted)["x"].to_list() == ["1.5"]


def test_a_type_that_changes_after_thousands_of_rows_is_no_surprise(tmp_path: Path) -> None:
    path = written(tmp_path, "late.csv", "code,x\n" + "01,1\n" * 5000 + "A7,2.5\n")
    assert read_table(path)["code"].to_list() == ["01"] * 5000 + ["A7"]
    late = written(tmp_path, "late.ndjson", '{"x": 1}\n' * 5000 + '{"x": 2.5, "new": "n"}\n')
    frame = read_table(late)
    assert frame["x"][-1] == 2.5
    assert frame["new"].null_count() == 5000


@pytest.mark.parametrize("suffix", [".parquet", ".pq", ".arrow", ".feather", ".ipc", ".ndjson", ".jsonl"])
def test_typed_files_keep_types_order_and_count(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"i": range(1000), "f": np.arange(1000) / 7, "s": [f"t{i % 9}" for i in range(1000)]})
    path = tmp_path / f"table[1]{suffix}"
    write = {".parquet": frame.write_parquet, ".pq": frame.write_parquet, ".ndjson": frame.write_ndjson}
    write.get(suffix, frame.write_ndjson if suffix == ".jsonl" else frame.write_ipc)(path)
    packed = written(tmp_path, f"packed{suffix}.gz", gzip.compress(path.read_bytes(), mtime=0))
    for each in (path, packed):
        assert read_table(each).equals(frame)
        batches = list(scan_batches(each, batch_rows=300))
        assert [batch.height for batch in batches] == [300, 300, 300, 100]
        assert pl.concat(batches).equals(frame)


def test_frames_of_other_libraries_and_mappings_are_tables() -> None:
    expected = {"x": [1.0, None], "y": ["a", None]}
    frame = pl.DataFrame(expected)
    for source in (frame, frame.lazy(), frame.to_arrow(), pandas.DataFrame(expected), expected):
        assert read_table(source).to_dict(as_series=False) == expected
    assert read_table(pandas.DataFrame(np.eye(2))).columns == ["0", "1"]
    assert [batch.height for batch in scan_batches(frame, batch_rows=1)] == [1, 1]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("empty.csv", "", "is empty"),
        ("blank.csv", "\n \n", "holds only blank lines"),
        ("header.csv", "a,b\n", "holds column names but no rows"),
        ("header.ndjson", "\n", "holds only blank lines"),
        ("short.csv", 'a,b\n1,"x\ny"\n3\n', "line 4 has 1 cell where the first line has 2"),
        ("long.csv", "a,b\n1,2\n\n3,4,5\n", "line 4 has 3 cells where the first line has 2"),
        (
            "open-quote.csv",
            'a,b\n1,2\n3,"xx\n4,5\n',
            "line 3 has a quotation mark that is not closed or not doubled: close it",
        ),
        ("text-after-quote.csv", 'a,b\n1,"x" y\n', "line 2 has a quotation mark"),
        ("twice.csv", "a,b,a\n1,2,3\n", "several columns called 'a'"),
        ("nul.csv", b"a,b\n1,\x00\n", "NUL bytes"),
        ("book.csv", b"PK\x03\x04rest", "Excel workbook"),
        ("wrong.csv", b"PAR1rest", "rename it to end in .parquet"),
        (
            "cut.csv.gz",
            gzip.compress(TEXT.encode(), mtime=0)[:-12],
            "is damaged and cannot be unpacked: copy or download it again",
        ),
        ("noise.csv.zst", b"\x28\xb5\x2f\xfdnoise", "is damaged and cannot be unpacked: copy or download it again"),
        ("packed.parquet.zst", b"\x28\xb5\x2f\xfdnoise", "unpack it first"),
        (
            "noise.parquet",
            b"noise",
            "cannot read 'noise.parquet': it is no Parquet file or is damaged: export it again",
        ),
        ("noise.arrow", b"noise", "cannot read 'noise.arrow': it is no Arrow IPC file or is damaged: export it again"),
        ("noise.ndjson", '{"a": 1}\nnoise\n', "line 2 is no JSON: Expecting value at character 1; correct that line"),
        ("list.ndjson", '[{"a": 1}]\n', "line 1 is no JSON object"),
        ("table.xlsx", "x", "cannot tell the format of 'table.xlsx': it ends in '.xlsx'"),
        ("table", "x", "it has no suffix"),
    ],
)
def test_damaged_files_get_one_sentence(tmp_path: Path, name: str, content: bytes | str, problem: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(TableError) as whole:
        read_table(path)
    assert problem in str(whole.value)
    assert name in str(whole.value)
    assert "\n" not in str(whole.value)
    with pytest.raises(TableError) as batched:
        list(scan_batches(path))
    assert str(batched.value) == str(whole.value)


def test_missing_files_directories_and_strange_sources_say_what_to_do(tmp_path: Path) -> None:
    written(tmp_path, "flowers.csv", TEXT)
    with pytest.raises(TableError, match=r"did you mean 'flowers.csv'\?"):
        read_table(tmp_path / "flwers.csv")
    with pytest.raises(TableError, match="is a directory"):
        read_table(tmp_path)
    with pytest.raises(TableError, match="its folder does not exist"):
        read_table(tmp_path / "nowhere" / "flowers.csv")
    with pytest.raises(TableError, match="hand in the path of a file"):
        read_table(3)
    with pytest.raises(TableError, match="cannot read the dict as a table"):
        read_table({"a": [1, 2], "b": [1, 2, 3]})
    with pytest.raises(TableError, match="no rows"):
        read_table({"a": []})
    with pytest.raises(TableError, match="batch_rows must be at least 1, not 0"):
        next(scan_batches("sample:iris", batch_rows=0))


def test_every_sample_is_what_scikit_learn_brings() -> None:
    import sklearn.datasets

    for name in sample_names():
        frame, targets = sample_table(name)
        bunch = getattr(sklearn.datasets, f"load_{name}")()
        features = frame.drop(targets).to_numpy()
        np.testing.assert_array_equal(features, bunch.data)
        assert frame.columns[-len(targets) :] == list(targets) == list(default_targets(f"sample:{name}"))
        assert read_table(f"sample:{name}").equals(frame)
        if name in ("iris", "wine", "breast_cancer"):
            assert frame[targets[0]].to_list() == [str(bunch.target_names[i]) for i in bunch.target]
        else:
            np.testing.assert_array_equal(frame.select(targets).to_numpy().squeeze(), bunch.target)
    with pytest.raises(TableError, match=r"did you mean 'iris'\?"):
        read_table("sample:irs")
    with pytest.raises(TableError, match="sample:breast_cancer, sample:diabetes"):
        read_table("sample:")
    assert default_targets("flowers.csv") == ()


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6) | st.sampled_from(
    ["1", "-2.5", "NA", 'say "hi"', "a,b", "two\nlines", "1, 5", ";", "\t", "|"]
)
CELL = CELL.filter(lambda cell: re.search(r",\d", cell) is None)  # decimal commas become points


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12),
    batch_rows=st.integers(1, 5),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_what_is_read(
    tmp_path: Path, rows: list[list[str]], batch_rows: int, ending: str
) -> None:
    """The independent reader here is Python's own, which also wrote the file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=ending)
    writer.writerow(["first", "second", "third"])
    writer.writerows(rows)
    path = written(tmp_path, "round-trip.csv", buffer.getvalue())
    expected = [tuple(cell or None for cell in row) for row in rows if any(row)]
    if not expected:
        with pytest.raises(TableError, match="no rows"):
            read_table(path)
        return
    frame = read_table(path)
    assert frame.rows() == expected
    batches = list(scan_batches(path, batch_rows))
    assert pl.concat(batches).equals(frame)
    assert all(batch.height == batch_rows for batch in batches[:-1])
