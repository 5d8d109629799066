"""``actwise diagnose``: the letter, the exit status, and the doctor inside ``actwise fit``."""

import json

import numpy as np
import polars as pl
import pytest

SMALL = ["--hidden", "8", "--learning-rate", "0.02", "--epochs", "150", "--updates", "600000"]


@pytest.fixture
def tables(tmp_path):
    """A table in which one column decides, and one of pure noise."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(260, 2))
    label = np.where(inputs[:, 0] + 0.2 * random.normal(size=260) > 0, "a", "b")
    table = pl.DataFrame({"x": inputs[:, 0], "z": inputs[:, 1], "y": label})
    table.write_csv(tmp_path / "good.csv")
    table.with_columns(y=pl.Series(random.choice(["a", "b"], 260))).write_csv(tmp_path / "noise.csv")


def test_a_healthy_network_has_exit_status_0(aw, tables):
    result = aw("diagnose", "good.csv", "--target", "y", *SMALL)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("This network is healthy.")
    assert result.stderr == ""


def test_a_broken_one_has_1_and_a_letter(aw, tables):
    result = aw("diagnose", "good.csv", "--target", "y", "--hidden", "8", "--optimizer", "sgd", "--learning-rate",
                "1e-6", "--epochs", "5", "--updates", "600000")  # fmt: skip
    assert result.exit_code == 1
    assert "Cause: " in result.stdout
    assert "learning_rate_too_low" in result.stdout
    assert "--learning-rate" in result.stdout


def test_noise_is_hopeless_and_json_is_all_there_is(aw, tables):
    result = aw("diagnose", "noise.csv", "--target", "y", *SMALL, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["verdict"] == "hopeless"
    assert document["findings"][0]["code"] == "no_signal"


@pytest.mark.filterwarnings("default::actwise.errors.ActwiseWarning")
def test_a_table_that_fits_with_words_declared_is_diagnosed_with_them(aw, tables, tmp_path):
    table = pl.read_csv(tmp_path / "good.csv").with_columns(y=(pl.col("y") == "a").cast(pl.Int64))
    lost = table["x"].cast(pl.String).scatter([3], "lost")
    table.with_columns(x=lost).write_csv(tmp_path / "lost.csv")
    arguments = ["diagnose", "lost.csv", "--target", "y", *SMALL]
    assert "'lost' in row 4" in aw(*arguments).stderr
    result = aw(*arguments, "--missing", "lost", "--task", "classification", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["verdict"] == "healthy"


def test_a_saved_model_is_diagnosed_on_its_data(aw, tables):
    assert aw("fit", "good.csv", "--target", "y", "--out", "model", "--no-baselines", *SMALL[:-2]).exit_code == 0
    result = aw("diagnose", "model", "good.csv", "--updates", "600000")
    assert result.exit_code == 0, result.output
    assert "healthy" in result.stdout


def test_fit_asks_the_doctor_where_the_network_fails(aw, tables):
    arguments = ["fit", "good.csv", "--target", "y", "--hidden", "8", "--optimizer", "sgd", "--learning-rate", "1e-9",
                 "--epochs", "3", "--no-baselines", "--validation-size", "0"]  # fmt: skip
    failed = aw(*arguments)
    assert "caution" in failed.stdout
    assert "learning_rate_too_low" in failed.stdout
    if failed.exit_code == 3:
        assert "This network does not learn" in failed.stdout
    silent = aw(*arguments, "--no-doctor")
    assert "caution" not in silent.stdout
    assert "does not learn what" not in silent.stdout


def test_a_fit_that_goes_well_is_left_alone(aw, tables):
    result = aw("fit", "good.csv", "--target", "y", *SMALL[:-2], "--json")
    assert result.exit_code == 0
    assert "diagnosis" not in json.loads(result.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good.csv"], "name the column to predict with --target; 'good.csv' has x, z, y"),
        (["good.csv", "--target", "nothing"], "nothing"),
        (["missing.csv", "--target", "y"], "missing.csv"),
        (["good.csv", "--target", "y", "--budget", "0"], "--budget must be a positive number"),
        (["one", "two", "three"], "actwise diagnose [DIR] DATA"),
        ([".", "--target", "y"], "a model's folder and a data file"),
        (["good.csv", "--target", "y", "--hidden", "0"], "should be positive whole numbers between commas"),
    ],
)
def test_bad_input_is_refused(refused, tables, arguments, message):
    assert message in refused("diagnose", *arguments)
