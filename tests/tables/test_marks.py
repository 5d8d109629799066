"""Whether a point marks thousands or decimals is told by the other cells of the file, or said aloud."""

import warnings
from pathlib import Path

import pytest

from actwise.errors import ActwiseWarning
from actwise.tables import ReadOptions, cells, read_table, read_training_table, scan_batches


def numbers(folder: Path, text: str) -> dict[str, list[float | None]]:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    frame = read_table(path)
    assert next(iter(scan_batches(path, batch_rows=100))).equals(frame)
    return {name: cells.read_numbers(frame[name]).values.to_list() for name in frame.columns}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The column itself has a decimal comma, or two groups.
        ("x;y\n1;520,5\n2;1.522\n", [520.5, 1522]),
        ("x;y\n1;-1.522\n2;476.899,46\n", [-1522, 476899.46]),
        ("x;y\n1;1.522\n2;1.234.567\n", [1522, 1234567]),
        ('x,y\n1,"1.522"\n2,"476.899,46"\n', [1522, 476899.46]),
        # Another column has one.
        ("x;y\n26,0;520\n76,1;1.522\n", [520, 1522]),
        ("x\ty\n,5\t1.522 €\n76,1\t0,25 €\n", [1522, 0.25]),
        ('x,y\n"26,0","520"\n"76,1","1.522"\n', [520, 1522]),
        # Units, parentheses and exponents.
        ("x;y\n1;(1.522,10 €)\n2;€ 1.522\n", [-1522.1, 1522]),
        ("x;y\n1;1,5e3\n2;+45,5%\n", [1500, 45.5]),
        ("x;y\n1;1.522,5 EUR\n2;2 300,50\n", [1522.5, 2300.5]),
        # Points before decimals, and commas for thousands there.
        ("x;y\n1;0.522\n2;1.522\n", [0.522, 1.522]),
        ("x;y\n1;12.5\n2;1.522\n", [12.5, 1.522]),
        ("x;y\n1;1234.567\n2;1.522\n", [1234.567, 1.522]),
        ("x;y\n1;12.5\n2;1,522\n", [12.5, 1522]),
        ("x;y\n0.5;7\n2;1.522\n", [7, 1.522]),
        ("x;y\n1,5;0.522\n2,5;1.522\n", [0.522, 1.522]),
        ('x,y\n1,"1,522"\n2,1.522\n', [1522, 1.522]),
        # Both in one column: each cell that tells is read as it says.
        ("x;y\n1;12.5\n2;76,1\n", [12.5, 76.1]),
    ],
)
def test_the_file_tells(tmp_path: Path, text: str, expected: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(tmp_path, text)["y"] == expected


@pytest.mark.parametrize(
    ("text", "expected", "said"),
    [
        ("x;y\n1;520\n2;1.522\n", [520, 1.522], "such as '1.522'.*whether the point.*taken to mark decimals"),
        ("x;y\n1;520\n2;1,522\n", [520, 1.522], "such as '1,522'.*whether the comma.*taken to mark decimals"),
        ("x;z;y\n0.5;1,5;520\n2;2;1.522\n", [520, 1522], "taken to mark thousands; write such numbers with a decimal"),
        ('x,z,y\n0.5,"1,5",520\n2,2,1.522\n', [520, 1.522], "taken to mark decimals"),
        ("x;y\n1.234;520\n2;1.522\n", [520, 1.522], "column 'x'.*and so were 1 more columns"),
    ],
)
def test_what_nothing_tells_is_said(tmp_path: Path, text: str, expected: list[float], said: str) -> None:
    with pytest.warns(ActwiseWarning, match=said):
        assert numbers(tmp_path, text)["y"] == expected


def test_where_commas_separate_a_point_is_a_point(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(tmp_path, 'x,y\n"a, b",1.522\nc,520\n')["y"] == [1.522, 520]


def test_a_person_can_say_it_and_what_the_file_shows_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x;y\n1;520\n2;1.522\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for decimal, expected in {"comma": "1522", "point": "1.522"}.items():
            frame, options = read_training_table(path, ReadOptions(decimal=decimal))
            assert frame["y"].to_list() == ["520", expected]
            assert options.decimal == decimal
        path.write_text("x;y\n1,5;520\n2;1.522\n")
        options = read_training_table(path).options
        assert options.decimal == "comma"
        path.write_text("x;y\n1;520\n2;1.522\n")  # to predict: what nothing tells here was told by the training
        assert read_table(path, options)["y"].to_list() == ["520", "1522"]


@pytest.mark.parametrize("text", ["31.12.1999", "192.168.1.10", "0.1.522", "1.2345.678", "1.522 kg 7", "a1.522"])
def test_other_cells_stay_as_they_are(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"x;y\n1,5;{text}\n")
    assert read_table(path)["y"].to_list() == [text]
