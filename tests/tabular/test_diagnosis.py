"""The doctor for tables gives back models of tables."""

import numpy as np
import polars as pl
import pytest

import actwise as aw
from actwise.tabular import diagnose_table

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(300, 2))
FRAME = pl.DataFrame({"a": INPUTS[:, 0] * 1000, "b": INPUTS[:, 1], "y": INPUTS[:, 0] + 0.1 * RANDOM.normal(size=300)})
SLOW = aw.FitSettings(hidden=(8,), activation=("tanh",), optimizer="sgd", learning_rate=1e-6, epochs=60, dropout=0.0)


@pytest.mark.parametrize("how", ["settings", "model"])
def test_what_comes_back_is_a_model_that_learned(how):
    if how == "settings":
        found = diagnose_table(FRAME, "y", SLOW, budget=6)
    else:
        model = aw.fit_table(FRAME, "y", SLOW).model
        found = aw.diagnose(model, FRAME, budget=6)
    assert found.verdict == "broken"
    assert "--learning-rate" in found.code_of_cure
    repaired = found.fixed(seed=1)
    assert isinstance(repaired, aw.TableModel)
    assert repaired.report.scores["network"]["r2"] > 0.8
    assert repaired.report.training.epochs_allowed >= 60


def test_a_setting_of_a_network_is_refused():
    model = aw.fit_table(FRAME, "y", SLOW).model
    with pytest.raises(aw.InputError, match="epochs belongs to a network"):
        aw.diagnose(model, FRAME, epochs=3)
