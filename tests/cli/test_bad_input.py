"""Whatever a user gets wrong: one sentence that names it and the next step, status 2, and nothing left behind."""

import json
import re

import numpy as np
import polars as pl
import pytest

from actwise.cli.status import INTERRUPTED

ROWS = "size,kind,y\n" + "".join(f"{i},{'ab'[i % 2]},{i * 1.5}\n" for i in range(40))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "'data.csv' is empty"),
        ("size,y\n", "'data.csv' holds column names but no rows"),
        ("size,y\n1,2\n3\n4,5\n", "'data.csv': .*line 3"),
        ("size,y\n1,2\n3,4,5\n", "'data.csv': .*line 3"),
        (ROWS.replace("\n3,b,4.5\n", "\n3,b,\n").replace("y", "z"), "no target column 'y': "),
        ("size,y\n" + "1,\n2,\n" * 9, "no row has a value in 'y'"),
        ("size,y\n" + "1,a\n2,a\n" * 9, "target 'y' is 'a' in every row"),
        ("size,y\n" + "1,a\n2,a\n" * 9 + "3,b\n", "target 'y' has one row only of 'b'"),
        ("size,y\n" + "1,a\n1,b\n" * 9, "no column is left to predict 'y' from: size: left out"),
        ("y\n" + "a\nb\n" * 9, "no column is left to predict 'y' from"),
        ("size,y\n" + "1,1.5\n2,2.5\n" * 9 + "inf,1.5\n", "column 'size' holds an infinite number in row 19"),
        ("size,y\n" + "1,1.5\n2,inf\n" * 9, "column 'y' holds an infinite number in row 2"),
        ("size,y\n1,2.5\n2,3.5\n", "2 rows .*are too few"),
        ("size,y\n1,2.5\n2,3.5\n3,4.5\n", "3 rows .*are too few"),
    ],
)
def test_a_table_that_cannot_be_learned_from(refused, tmp_path, content, said):
    (tmp_path / "data.csv").write_text(content)
    assert_says(refused("fit", "data.csv", "--target", "y"), said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "dota.csv", "--target", "y"], "no file 'dota.csv': did you mean 'data.csv'"),
        (["fit", ".", "--target", "y"], "'.' is a directory"),
        (["fit", "nowhere/data.csv", "--target", "y"], "no file 'nowhere/data.csv'"),
        (["fit", "data.csv"], "name the column to predict with --target; 'data.csv' has size, kind, y"),
        (["fit", "data.csv", "--target", "Y"], "no target column 'Y': did you mean 'y'"),
        (["fit", "data.csv", "--target", "kind", "--task", "regression"], "target 'kind' should hold numbers"),
        (["fit", "data.csv", "--target", "y", "--target", "kind"], "target 'kind' should hold numbers"),
        (["fit", "data.csv", "--target", "y", "--task", "ranking"], "'--task': 'ranking' is not one of"),
        (["fit", "data.csv", "--target", "y", "--activation", "sigmiod"], "did you mean 'sigmoid'"),
        (["fit", "data.csv", "--target", "y", "--activation", "relu,tanh"], "2 activations .* for 1 hidden layer"),
        (["fit", "data.csv", "--target", "y", "--activation", "x * ("], r"\n    x \* \(\n +\^"),
        (["fit", "data.csv", "--target", "y", "--activation", "import(x)"], "import"),
        (["fit", "data.csv", "--target", "y", "--hidden", "8,0"], "--hidden '8,0' .* not '0'"),
        (["fit", "data.csv", "--target", "y", "--hidden", "-8"], "--hidden '-8'"),
        (["fit", "data.csv", "--target", "y", "--epochs", "0"], "--epochs must be a positive whole number, not 0"),
        (["fit", "data.csv", "--target", "y", "--epochs", "many"], "'--epochs': 'many' is not a valid integer"),
        (["fit", "data.csv", "--target", "y", "--batch-size", "-1"], "--batch-size must be a positive"),
        (["fit", "data.csv", "--target", "y", "--learning-rate", "-1"], "--learning-rate must be a positive number"),
        (["fit", "data.csv", "--target", "y", "--optimizer", "adm"], "did you mean 'adam'"),
        (["fit", "data.csv", "--target", "y", "--test-size", "0.99"], "40 rows are too few"),
        (["fit", "data.csv", "--target", "y", "--test-size", "1.5"], "--test-size must be"),
        (["fit", "data.csv", "--target", "y", "--seed", "-1"], "--seed must be"),
        (["fit", "data.csv", "--target", "y", "--time-limit", "0"], "--time-limit must be a positive number, not 0"),
        (["fit", "data.csv", "--target", "y", "--dropout", "1"], "--dropout must be 0 or a positive number below 1"),
        (
            ["fit", "data.csv", "--target", "y", "--optimizer", "lbfgs", "--batch-size", "8"],
            "--batch-size is of no use to lbfgs",
        ),
        (["fit", "data.csv", "--target", "y", "--ignore", "kidn"], "no column 'kidn': did you mean 'kind'"),
        (["fit", "data.csv", "--target", "y", "--ignore", "y"], "column 'y' is to be predicted and ignored at once"),
        (["fit", "data.csv", "--target", "y", "--activation", "elu(alhpa=1)"], "did you mean 'alpha'"),
        (["fit", "data.csv", "--target", "y", "--activation", "elu(alpha=one)"], "'alpha=one' should be a parameter"),
        (["fit", "data.csv", "--target", "y", "--out", "thesis"], "thesis holds 'chapter.tex'"),
        (["fit", "data.csv", "--target", "y", "--out", "data.csv"], "data.csv is a file"),
        (["fit", "data.csv", "--target", "y", "--out", "data.csv/model"], "data.csv/model cannot be"),
        (["fit", "data.csv", "--target", "y", "--out", "/proc/model"], "/proc/model cannot be written"),
        (["fit", "data.csv", "--target", "y", "--out", "."], "current directory"),
        (["fit", "data.xyz", "--target", "y"], "cannot tell the format of 'data.xyz'"),
        (["fit", "sample:irsi"], "did you mean 'iris'"),
        (["fit"], "Missing argument 'DATA'. See 'main fit --help'."),
        (["fit", "data.csv", "--targt", "y"], "--targt"),
        (["predict", "thesis", "data.csv"], "thesis is not a whole Actwise model"),
        (["predict", "nowhere", "data.csv"], "there is no model at nowhere"),
        (["describe", "data.csv"], "data.csv is a file"),
        (["describe", "thesis"], "thesis is not a whole Actwise model"),
    ],
)
def test_an_argument_that_cannot_be_used(refused, tmp_path, arguments, said):
    (tmp_path / "data.csv").write_text(ROWS)
    (tmp_path / "data.xyz").write_text(ROWS)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.tex").write_text("42")
    assert_says(refused(*arguments), said)


def test_the_place_is_checked_before_the_work(refused, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("42")
    monkeypatch.setattr("actwise.tables.read_training_table", lambda *_: pytest.fail("it was read"))
    assert "thesis.tex" in refused("fit", "sample:iris", "--out", "full")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("answers.xls", "cannot tell the format of 'answers.xls' by its ending: use one of .csv"),
        ("nowhere/answers.csv", "there is no folder 'nowhere'"),
        (".", "'.' is a directory"),
    ],
)
def test_a_file_for_answers_that_cannot_be_written(refused, saved, name, said):
    assert said in refused("predict", saved / "model", saved / "houses.csv", "-o", name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop("size"), "lacks 1 of the 2 columns .*'size'"),
        (lambda table: table.rename({"price": "prise"}), "'price'; did you mean 'prise'"),
        (lambda table: table.with_columns(size=pl.lit("big")), "column 'size' held numbers .* row 1 holds 'big'"),
        (lambda table: table.with_columns(size=np.inf), "column 'size' holds an infinite number in row 1"),
        (lambda table: table.head(0), "holds column names but no rows"),
    ],
)
def test_a_table_that_does_not_fit_the_model(refused, saved, houses, tmp_path, change, said):
    change(houses).write_csv(tmp_path / "new.csv")
    assert_says(refused("predict", saved / "model", "new.csv", "-o", "answers.parquet"), said)


def test_numbers_have_no_probabilities(aw, refused, houses, tmp_path):
    houses.write_csv(tmp_path / "houses.csv")
    assert aw("fit", "houses.csv", "--target", "price", "--epochs", 2, "--quiet", "--no-baselines").exit_code in (0, 3)
    assert "leave out --proba" in refused("predict", "houses-model", "houses.csv", "--proba", "-o", "a.csv")


@pytest.mark.parametrize("alias", [None, "symlink", "link"])
def test_answers_are_not_written_over_the_table(refused, saved, houses, tmp_path, alias):
    houses.write_csv(tmp_path / "same.csv")
    before = (tmp_path / "same.csv").read_bytes()
    output = "./same.csv"
    if alias == "symlink":
        (tmp_path / "other.csv").symlink_to("same.csv")
        output = "other.csv"
    elif alias == "link":
        (tmp_path / "other.csv").hardlink_to(tmp_path / "same.csv")
        output = "other.csv"
    said = refused("predict", saved / "model", "same.csv", "-o", output)
    assert "is the table that is read: choose another file" in said
    assert (tmp_path / "same.csv").read_bytes() == before


def newer(document):
    return json.dumps(json.loads(document) | {"version": 99})


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("model.json", newer, "upgrade Actwise"),
        ("model.json", lambda text: text[: len(text) // 2], "model.json is damaged"),
        ("model.json", lambda text: text.replace("south", "north"), "changed or damaged"),
        ("weights.safetensors", lambda data: data[:-7], "truncated"),
        ("weights.safetensors", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "changed or damaged"),
    ],
)
def test_a_model_that_is_not_as_it_was_written(refused, saved, tmp_path, file, change, said):
    (tmp_path / "model").mkdir()
    for each in (saved / "model").iterdir():
        (tmp_path / "model" / each.name).write_bytes(each.read_bytes())
    place = tmp_path / "model" / file
    if file.endswith(".json"):
        place.write_text(change(place.read_text()))
    else:
        place.write_bytes(change(place.read_bytes()))
    for command in (["describe", "model"], ["predict", "model", saved / "houses.csv", "-o", "answers.csv"]):
        found = refused(*command)
        assert said in found
        assert "model: " in found


def test_an_interruption_before_the_training_leaves_nothing(aw, tmp_path, monkeypatch):
    def pressed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("actwise.tables.read_training_table", pressed)
    result = aw("fit", "sample:iris")
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "Interrupted: nothing was written.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("default::actwise.errors.ActwiseWarning")
def test_a_warning_is_a_line(aw, tmp_path):
    (tmp_path / "data.csv").write_bytes(ROWS.replace("kind", "käse").encode("cp1252"))
    result = aw("fit", "data.csv", "--target", "y", "--epochs", 1, "--quiet", "--no-baselines")
    assert result.stderr.startswith("Warning: 'data.csv' is not UTF-8")
    assert "reading.py" not in result.stderr


def assert_says(found, pattern):
    assert re.search(pattern, found), found
    assert "\n    " in found or found.count("\n") == 1, "one sentence, unless a formula is pointed at"
