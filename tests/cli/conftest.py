"""Runs commands as a user would, in an empty folder."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from actwise.cli import main

QUICK = ["--hidden", "8", "--epochs", "30", "--learning-rate", "0.01", "--no-baselines"]


@pytest.fixture
def aw(tmp_path, monkeypatch):
    """Run ``actwise`` with these arguments; what escapes as an exception fails the test."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **how):
        return CliRunner(catch_exceptions=False).invoke(main, [str(each) for each in arguments], **how)

    return run


@pytest.fixture
def refused(aw, tmp_path):
    """Run ``actwise`` and make sure that it refuses with one sentence and leaves nothing behind."""

    def run(*arguments):
        before = sorted(tmp_path.rglob("*"))
        result = aw(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.stderr
        assert sorted(tmp_path.rglob("*")) == before
        return result.stderr

    return run


@pytest.fixture(scope="session")
def houses():
    """A small table of houses with a price and a district."""
    random = np.random.default_rng(0)
    size = random.normal(100, 20, 100)
    district = random.choice(["north", "south"], 100)
    return pl.DataFrame({"size": size, "district": district, "price": size * 2 + 50 * (district == "north")})


@pytest.fixture(scope="session")
def saved(houses, tmp_path_factory):
    """A folder with ``houses.csv`` and a model of it in ``model``."""
    folder = tmp_path_factory.mktemp("houses")
    houses.write_csv(folder / "houses.csv")
    arguments = ["fit", str(folder / "houses.csv"), "--target", "district", "--out", str(folder / "model"), "--json"]
    result = CliRunner(catch_exceptions=False).invoke(main, [*arguments, *QUICK])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["target"]["names"] == ["district"]
    return folder
