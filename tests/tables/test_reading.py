"""Reading: the same table out of every format and packing, and one clear sentence for each kind of damage."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actwise.errors import ActwiseWarning, TableError
from actwise.tables import (
    ReadOptions,
    default_targets,
    read_table,
    read_training_table,
    sample_names,
    sample_table,
    scan_batches,
)

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


TABLES = {
    "cp1251": "возраст,город\n49,Москва\n34,Казань\n20,Тверь\n",
    "koi8-r": "возраст,город\n49,Москва\n34,Казань\n20,Нижний Новгород\n17,Ростов-на-Дону\n12,Екатеринбург\n",
    "cp949": "나이,도시\n49,서울\n34,부산\n21,대구\n",
    "shift_jis": "年齢,都市\n49,東京\n34,大阪\n30,カタカナ\n",
    "gb18030": "年龄,城市\n49,北京\n34,上海\n33,广州\n",
    "big5": "年齡,城市\n49,臺北\n34,高雄\n33,臺中\n",
    "cp1250": "věk,město\n49,Plzeň\n34,Děčín\n22,Łódź\n11,České Budějovice\n",
    "iso8859-7": "ηλικία,πόλη\n49,Αθήνα\n34,Πάτρα\n",
    "cp1255": "גיל,עיר\n49,ירושלים\n34,חיפה\n12,תל אביב\n17,ראשון לציון\n20,פתח תקווה\n",
    "cp1256": "العمر,المدينة\n49,القاهرة\n34,دمشق\n",
    "cp874": "อายุ,เมือง\n49,กรุงเทพ\n34,เชียงใหม่\n",
    "cp1252": "âge,ville\n49,Orléans\n34,Besançon\n22,Köln\n",
    "latin-1": "t,r\n5 \N{DEGREE SIGN}C,2\n4 \N{DEGREE SIGN}C,3\n",
}


@pytest.mark.parametrize("encoding", TABLES)
def test_text_in_any_code_page_is_read_and_the_page_is_remembered(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "page.csv", TABLES[encoding].encode(encoding))
    expected = list(csv.reader(io.StringIO(TABLES[encoding])))
    with pytest.warns(ActwiseWarning, match=r"'page.csv' is not UTF-8 text and was read as .*--encoding"):
        frame, options = read_training_table(path)
    assert [tuple(frame.columns), *frame.rows()] == [tuple(row) for row in expected]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_table(path, options).equals(frame)
        assert read_table(path, ReadOptions(encoding=encoding)).equals(frame)
        written(tmp_path, "page.csv", TABLES[encoding])  # a file in UTF-8 is that, whatever the training file was
        assert read_table(path, options).equals(frame)


def test_a_code_page_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "page.csv", TABLES["cp1251"].encode("cp1251"))
    with pytest.raises(TableError, match=r"is damaged, or is no shift_jis text: .*--encoding"):
        read_table(path, ReadOptions(encoding="shift_jis"))


HEADED = "a,b,y\n1,u,2.5\n3,v,4.5\n5,w,6.5\n"
ABOVE = {"a": ["1", "3", "5"], "b": ["u", "v", "w"], "y": ["2.5", "4.5", "6.5"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Data source: office\nRetrieved: 2024-05-01\n\n" + HEADED, "names of 'table.csv' seem to stand in line 4"),
        ("Office of numbers,\n" + HEADED, "seem to stand in line 2"),
        ("Office of numbers,,\n,,\n" + HEADED, "seem to stand in line 3"),
        ('"Sales, by\nquarter"\n' + HEADED, "seem to stand in line 3"),
        ("# made by sensor 4\n# units: mm\n" + HEADED, None),
        ("# a, b and c\n# of mm\n" + HEADED, None),
        ("% made\n" + HEADED.replace("3,v", "% pause\n3,v"), None),
        ("# made by sensor 4\n#a,b,y\n" + HEADED.partition("\n")[2], None),
        ("sep=;\n" + HEADED.replace(",", ";"), None),
        (HEADED.replace("y\n", "y,\n", 1), None),
        (HEADED.replace("\n", ",\n").replace("y,\n", "y\n", 1), None),
        (HEADED + "\n\n \n", None),
        (HEADED + "Source: office of numbers\n\n", r"the last line of 'table.csv' \('Source: office of numbers'\)"),
        (HEADED + '"Source: a, b"\nnote\n', "the last 2 lines of 'table.csv'"),
        (HEADED.replace("\n", "\r") + "\n", None),
        (HEADED.replace("\n", "\r\r\n"), None),
        (HEADED.replace("3,v", "\n\r\n3,v"), None),
        (HEADED.replace("y\n", "y\n\n \n", 1), None),
    ],
)
def test_what_stands_around_a_table_is_left_out(tmp_path: Path, text: str, told: str | None) -> None:
    path = written(tmp_path, "table.csv", text)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = read_table(path)
    for name in [each for each in frame.columns if each.startswith("unnamed")]:
        assert frame[name].null_count() == 3
        frame = frame.drop(name)
    assert frame.to_dict(as_series=False) == ABOVE
    assert [bool(re.search(told or "", str(each.message))) for each in caught] == [True] * (told is not None)
    assert pl.concat(scan_batches(path, 2)).select(frame.columns).equals(frame)


def test_rows_with_names_and_names_that_begin_with_a_mark(tmp_path: Path) -> None:
    named = written(tmp_path, "r.csv", '"a" "b"\n"one" 1 2\n"two" 3 4\n'.replace(" ", ","))
    assert read_table(named).to_dict(as_series=False) == {"unnamed_1": ["one", "two"], "a": ["1", "3"], "b": ["2", "4"]}
    marked = written(tmp_path, "mark.csv", "#,name\n1,Ada\n2,Grace\n")
    assert read_table(marked).columns == ["#", "name"]


def test_lines_to_leave_out_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "table.csv", "x,y,z\nmm,mm,mm\n" + HEADED + "; pause\n")
    frame = read_table(path, ReadOptions(skip_rows=2, comment=";"))
    assert frame.to_dict(as_series=False) == ABOVE


def test_repeated_names_are_numbered_aloud(tmp_path: Path) -> None:
    path = written(tmp_path, "twice.csv", "a,a,a_2,,a\n1,2,3,4,5\n")
    with pytest.warns(ActwiseWarning, match="several columns of one name, read as 'a', 'a_3', 'a_4'"):
        assert read_table(path).columns == ["a", "a_3", "a_2", "unnamed_4", "a_4"]


def test_rows_without_a_value_are_rows_and_blank_lines_are_none(tmp_path: Path) -> None:
    path = written(tmp_path, "gaps.csv", "a,b\n1,2\n,\n\n3,4\n,\n\n")
    frame = read_table(path)
    assert frame["a"].to_list() == ["1", None, "3", None]
    for batch_rows in (1, 2, 3):
        assert pl.concat(scan_batches(path, batch_rows)).equals(frame)


def total(sales: list[float], last: list[tuple[str | None, float | None]]) -> pl.DataFrame:
    shops = [f"shop {k}" for k in range(len(sales))]
    return pl.DataFrame({"shop": [*shops, *(name for name, _ in last)], "sales": [*sales, *(each for _, each in last)]})


@pytest.mark.parametrize(
    ("last", "left_out"),
    [
        ([("Total", 24.5)], 1),
        ([("Mean", 6.125)], 1),
        ([(None, 24.5)], 1),
        ([("Average", 6.125), ("Grand total", 24.5)], 2),
        ([("Grand total", 24.5), ("Source: office", None)], 2),
        ([("Source: office", None)], 0),
        ([("shop 1", 24.5)], 0),  # no new shop
        ([("shop 9", 24.0)], 0),
    ],
)
def test_rows_that_sum_up_the_others_are_no_examples(last: list[tuple[str | None, float]], left_out: int) -> None:
    frame = total([3.0, 5.0, 9.0, 7.5], last)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_training_table(frame).frame
    assert found.height == frame.height - left_out
    assert len(caught) == (left_out > 0)
    assert read_table(frame).height == frame.height  # a row to predict has its answer


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1, "b": "u"}, {"a": 2.5, "b": null, "c": [1]}]',
        '{"a": 1, "b": "u"}\n{"a": 2.5, "b": null, "c": [1]}\n',
        '{"a": [1, 2.5], "b": ["u", null], "c": [null, [1]]}',
        '{"a": {"0": 1, "1": 2.5}, "b": {"0": "u", "1": null}, "c": {"0": null, "1": [1]}}',
    ],
)
def test_json_is_a_table(tmp_path: Path, text: str) -> None:
    frame = read_table(written(tmp_path, "table.json", text))
    assert frame.select("a", "b").to_dict(as_series=False) == {"a": [1.0, 2.5], "b": ["u", None]}


def test_a_zip_archive_with_one_data_file_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/table.csv", TEXT.encode("utf-16"))
        archive.writestr("__MACOSX/folder/._table.csv", "x")
        archive.writestr("readme.md", "x")
    assert read_table(path).to_dict(as_series=False) == ROWS
    assert pl.concat(scan_batches(path, 2)).to_dict(as_series=False) == ROWS
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "x")
    with pytest.raises(TableError, match=r"should hold one data file, and holds 'folder/table.csv', 'other.csv'"):
        read_table(path)


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
        ("twice.csv", "1,2,1\n1,2,3\n", "several columns called '1'"),
        ("noise.json", "[{", "it is no JSON: Expecting"),
        ("numbers.json", "[1, 2]", "it should be an array of objects"),
        ("uneven.json", '{"a": [1], "b": [1, 2]}', "it should be an array of objects"),
        ("noise.zip", b"PK\x03\x04rest", "is damaged and cannot be unpacked"),
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
    expected = [tuple(cell or None for cell in row) for row in rows]
    frame = read_table(path)
    assert frame.rows() == expected
    batches = list(scan_batches(path, batch_rows))
    assert pl.concat(batches).equals(frame)
    assert all(batch.height == batch_rows for batch in batches[:-1])
