"""One pair of functions saves and loads networks and table models."""

import numpy as np
import pytest

import actwise as aw
from actwise.errors import InputError
from actwise.tables import read_table


def test_both_kinds_come_back_as_what_they_were(tmp_path):
    table = read_table("sample:iris")
    model = aw.fit_table(table, "species", aw.FitSettings(hidden=(4,), epochs=3, baselines=False)).model
    aw.save(model, tmp_path / "table")
    aw.save(model.network, tmp_path / "network")
    again, network = aw.load(tmp_path / "table"), aw.load(tmp_path / "network")
    assert isinstance(again, aw.TableModel)
    np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table))
    assert isinstance(network, aw.Network)
    np.testing.assert_array_equal(network.values, model.network.values)


def test_anything_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="network"):
        aw.save({"weights": 1}, tmp_path / "model")
