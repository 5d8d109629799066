"""The doctor for tables gives back models of tables."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import actwise as aw
from actwise.doctor.adapters.tables import diagnose_table, needs_doctor

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(300, 2))
FRAME = pl.DataFrame(
    {"a": INPUTS[:, 0] * 1000, "b": INPUTS[:, 1], "y": INPUTS.sum(axis=1) + 0.1 * RANDOM.normal(size=300)}
)
SLOW = aw.FitSettings(hidden=(8,), activation=("tanh",), optimizer="sgd", learning_rate=1e-6, epochs=60, dropout=0.0)


@pytest.mark.parametrize("how", ["settings", "model"])
def test_what_comes_back_is_a_model_that_learned(how):
    if how == "settings":
        found = diagnose_table(FRAME, "y", SLOW, updates=600_000)
    else:
        model = aw.fit_table(FRAME, "y", SLOW).model
        found = aw.diagnose(model, FRAME, updates=600_000)
    assert found.verdict == "broken"
    assert "--learning-rate" in found.code_of_cure
    repaired = found.fixed(seed=1)
    assert isinstance(repaired, aw.TableModel)
    assert repaired.report.scores["network"]["r2"] > 0.8
    assert repaired.report.training.epochs_allowed >= 60


def test_the_doctor_is_asked_where_a_fit_fails_or_stops_early_without_having_converged():
    report = aw.fit_table(FRAME, "y", aw.FitSettings(hidden=(4,), epochs=3, baselines=False)).model.report
    facts = replace(report.training, stopped_because="no improvement", best_epoch=10, epochs_done=15, updates=105)
    early = replace(report, training=facts)
    better, worse = ({"rmse": 1.0, "mae": 1.0, "r2": report.scores["network"]["r2"] + each} for each in (0.1, -0.1))
    assert needs_doctor(early), "without baselines too"
    assert needs_doctor(replace(early, scores=report.scores | {"linear": better}))
    assert not needs_doctor(replace(early, scores=report.scores | {"linear": worse}))
    assert not needs_doctor(replace(early, training=replace(facts, updates=15_000)))
    assert not needs_doctor(replace(early, training=replace(facts, stopped_because="all epochs done")))
    assert needs_doctor(replace(early, training=replace(facts, updates=15_000), failure="no better than a constant"))
    assert not needs_doctor(replace(early, training=replace(facts, stopped_because="interrupted")))


def test_a_setting_of_a_network_is_refused():
    model = aw.fit_table(FRAME, "y", SLOW).model
    with pytest.raises(aw.InputError, match="epochs belongs to a network"):
        aw.diagnose(model, FRAME, epochs=3)
