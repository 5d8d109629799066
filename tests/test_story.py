"""A small part of `benchmarks/story.py`: every door learns the truth tables, and the doctor agrees."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import actwise as aw

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
story = pytest.importorskip("story")
CELLS = [("XOR", 4, 2, "sigmoid"), ("XOR", 20, 2, "sigmoid"), ("XOR", 200, 2, "tanh"), ("AND", 20, 4, "relu"),
         ("OR", 40, 8, "sigmoid")]  # fmt: skip


@pytest.mark.parametrize("door", story.DOORS)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(map(str, cell)))
def test_every_door_learns_a_truth_table(door, cell):
    for seed in (0, 1):
        _, answers = story.DOORS[door](*cell, seed)
        assert np.array_equal(answers, story.TABLES[cell[0]]), seed


def test_all_doors_choose_the_same_way():
    X, y = story.table("XOR", 20)
    run, _ = story.by_train("XOR", 20, 2, "sigmoid", 0)
    estimator, _ = story.by_estimator("XOR", 20, 2, "sigmoid", 0)
    table, _ = story.by_table("XOR", 20, 2, "sigmoid", 0)
    chosen = {type(run.settings.optimizer).__name__.lower(), type(estimator.choices_.optimizer).__name__.lower()}
    assert chosen == {table.report.training.optimizer} == {"lbfgs"}
    assert estimator.choices_.regime == table.report.training.regime == "tiny"
    proba = estimator.predict_proba(X)
    np.testing.assert_allclose(table.predict_proba(story.frame("XOR", 20)), proba, atol=0.05)
    assert (proba.argmax(axis=1) == y).all()


def test_the_doctor_calls_it_healthy():
    model, _ = story.by_table("XOR", 20, 2, "sigmoid", 0)
    assert aw.diagnose(model, story.frame("XOR", 20)).verdict == "healthy"
