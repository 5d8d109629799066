"""How a table is read can be said, is kept in the model, and holds for the rows to predict."""

from __future__ import annotations

import random

import pytest

from actwise.tabular import TableModel

QUICK = ["--hidden", "4", "--epochs", "10", "--no-baselines", "--no-doctor"]


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def table(n):
    """Rows with a code for missing, a date of unclear order, codes of towns and Russian names, above them a title."""
    drawn = random.Random(0)
    lines = ["made by hand", "имя;день;размер;код;цена"]
    for _ in range(n):
        size = drawn.choice([1, 2, 3, 4, -999])
        day = f"{drawn.randint(1, 12):02}/{drawn.randint(1, 12):02}/2024"
        lines.append(f"{drawn.choice(['Анна', 'Борис'])};{day};{size};{drawn.choice(['01', '02', 'NA'])};{size * 1.5}")
    return "\n".join(lines) + "\n"


@pytest.mark.filterwarnings("default::actwise.errors.ActwiseWarning")
def test_what_was_said_to_fit_holds_for_predict(aw, tmp_path):
    written(tmp_path / "t.csv", table(80), "koi8-r")
    result = aw(
        *("fit", "t.csv", "--target", "имя", "--out", "m", "--encoding", "koi8-r", "--skip-rows", 1, *QUICK),
        *("--na", -999, "--no-na", "NA", "--date-order", "day", "--type", "код=category", "--type", "цена=ignore"),
    )
    assert result.exit_code in (0, 3), result.output
    assert "Warning" not in result.stderr
    model = TableModel.load(tmp_path / "m")
    assert model.target.labels == ("Анна", "Борис")
    options = model.encoding.options
    assert (options.encoding, options.skip_rows, options.missing, options.present) == ("koi8-r", 1, ("-999",), ("NA",))
    day, size, code, price = model.encoding.columns
    assert day.layout == "day first"
    assert size.n_missing > 0
    assert code.categories == ("01", "02", "NA")
    assert price.kind == "dropped"
    written(tmp_path / "new.csv", "\n".join(table(80).splitlines()[:8]) + "\n;;;;\n", "koi8-r")
    said = aw("predict", "m", "new.csv")
    assert said.exit_code == 0, said.output
    assert len(said.stdout.splitlines()) == 1 + 7
    assert "1 of 7 rows hold no value of the model's columns" in said.stderr
    # What is about one file can be said for another.
    written(tmp_path / "plain.csv", "\n".join(table(80).splitlines()[1:8]) + "\n", "cp1251")
    other = aw("predict", "m", "plain.csv", "--encoding", "cp1251", "--skip-rows", 0)
    assert other.stdout.splitlines() == said.stdout.splitlines()[:7]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--type", "x"), "--type must be written COLUMN=TYPE"),
        (("--encoding", "klingon"), "--encoding must be one such as utf-8"),
        (("--skip-rows", -1), "--skip-rows must be 0 or a positive whole number, not -1"),
        (("--comment", ""), "--comment must be the first one to five characters"),
        (("--split-by", "nowhere"), "no column 'nowhere'"),
        (("--time", "district"), "column 'district' should hold the time of every row"),
    ],
)
def test_options_of_reading_say_what_is_wrong(refused, saved, option, said):
    assert said in refused("fit", saved / "houses.csv", "--target", "price", *option, *QUICK, "--out", "m")


def test_rows_are_split_by_groups_and_by_time(aw, tmp_path):
    drawn = random.Random(0)
    rows = [f"p{k % 20},{2024 + k % 7}-01-{1 + k % 28:02},{drawn.gauss(0, 1):.3f}" for k in range(200)]
    written(tmp_path / "t.csv", "person,day,x\n" + "\n".join(rows) + "\n")
    for option in (("--split-by", "person"), ("--time", "day")):
        result = aw("fit", "t.csv", "--target", "x", *option, *QUICK, "--out", "m")
        assert result.exit_code in (0, 3), result.output
    model = TableModel.load(tmp_path / "m")
    assert model.report.rows.test == 40
