"""`actwise compare`: the answer as text, table and JSON, and what is refused."""

import json

import numpy as np
import polars as pl
import pytest

QUICK = ("--hidden", 4, "--splits", 5)


@pytest.fixture
def curve(tmp_path):
    x = np.linspace(-3, 3, 80)
    pl.DataFrame({"x": x, "y": np.sin(2 * x)}).write_csv(tmp_path / "curve.csv")


def test_a_table_stands_above_the_paragraph(aw, curve):
    result = aw("compare", "curve.csv", "--target", "y", "--activations", "identity,tanh", *QUICK)
    assert result.exit_code == 0, result.output
    assert "R2 over 5 splits" in result.stdout
    assert "tanh is better than identity, beyond chance." in " ".join(result.stdout.split())


def test_json_is_all_there_is(aw, curve):
    found = aw("compare", "curve.csv", "--target", "y", "--activations", "identity,tanh", *QUICK, "--json")
    document = json.loads(found.stdout)
    assert document["winner"] == "tanh"
    assert {arm["name"] for arm in document["arms"]} == {"identity", "tanh"}


def test_baselines_stand_in_the_same_table(aw, curve):
    arguments = ("compare", "curve.csv", "--target", "y", "--activations", "tanh", "--baselines", *QUICK, "--json")
    names = {arm["name"] for arm in json.loads(aw(*arguments).stdout)["arms"]}
    assert names == {"tanh", "linear model", "boosted trees"}


def test_types_of_columns_hold(refused, curve):
    arguments = ("compare", "curve.csv", "--target", "y", "--activations", "identity,tanh", *QUICK)
    assert "no column is left to learn from: x: left out" in refused(*arguments, "--type", "x=ignore")


def test_a_study_goes_on_and_a_picture_is_drawn(aw, curve, tmp_path):
    pytest.importorskip("matplotlib")
    arguments = ("compare", "curve.csv", "--target", "y", "--activations", "identity,tanh", *QUICK, "--study", "kept")
    first = aw(*arguments, "--quiet").stdout
    assert aw(*arguments, "--quiet", "--plot", "arms.png").stdout == first
    assert (tmp_path / "arms.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the one column to predict"),
        (("--target", "y", "--activations", "relu"), "two arms at least"),
        (("--target", "y", "--activations", "relu,relu"), "names 'relu' twice"),
        (("--target", "y", "--activations", "relu,rleu"), "did you mean 'relu'"),
        (("--target", "y", "--metric", "accuracy"), "does not fit targets that are numbers"),
        (("--target", "y", "--tune", "fast"), "--tune takes learning rates"),
        (("--target", "y", "--workers", "0"), "--workers must be"),
        (("--target", "y", "--workers", "many"), "--workers must be a number"),
        (("--target", "y", "--plot", "no/arms.png"), "make it first"),
        (("--target", "y", "--splits", "1"), "two splits at least"),
    ],
)
def test_what_cannot_be_compared_is_refused(refused, curve, arguments, said):
    assert said in refused("compare", "curve.csv", *arguments)
