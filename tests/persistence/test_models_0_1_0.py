"""What version 0.1.0 saved loads and predicts the same bits; `models_0_1_0/make.py` made it with that version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actwise as aw

FOLDER = Path(__file__).parent / "models_0_1_0"
NAMES = sorted(each.name for each in FOLDER.iterdir() if each.is_dir() and each.name != "__pycache__")


def assert_answers(model: Any, name: str) -> None:
    with np.load(FOLDER / f"{name}.npz") as answers:
        inputs = answers["inputs"] if "inputs" in answers else FOLDER / "rows.csv"
        if hasattr(model, "feature_names_in_"):
            import pandas as pd

            inputs = pd.DataFrame(inputs, columns=model.feature_names_in_)
        for method in set(answers) - {"inputs"}:
            found, expected = getattr(model, method)(inputs), answers[method]
            assert found.dtype.kind == expected.dtype.kind
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes(), method


@pytest.mark.parametrize("name", NAMES)
def test_an_old_model_answers_as_it_did(name: str, tmp_path: Path) -> None:
    document = json.loads((FOLDER / name / "model.json").read_text("utf-8"))
    assert document["written_by"]["actwise"] == "0.1.0"
    model = aw.load(FOLDER / name)
    assert_answers(model, name)
    aw.save(model, tmp_path / name)
    assert_answers(aw.load(tmp_path / name), name)


def test_every_kind_of_model_is_among_them() -> None:
    found = [json.loads((FOLDER / name / "model.json").read_text("utf-8")) for name in NAMES]
    assert {each["kind"] for each in found} == {"network", "table_model", "mlp_classifier", "mlp_regressor"}
    labels = {each["labels"]["kind"] for each in found if each["kind"] == "mlp_classifier"}
    assert labels == {"binary", "multiclass", "multilabel"}
    columns = {column["kind"] for each in found if "encoding" in each for column in each["encoding"]["columns"]}
    assert columns == {"number", "boolean", "category", "date", "dropped"}
    layers = {layer["type"] for each in found for layer in each["network"]["layers"]}
    assert layers == {"Dense", "Maxout", "ActivationLayer", "BatchNorm", "Dropout"}


def test_what_was_kept_beside_the_weights_is_still_there() -> None:
    huber = aw.load(FOLDER / "regressor_huber")
    assert (huber.loss.name, huber.loss.params, huber.activation.name) == ("huber", {"delta": 0.7}, "own leaky")
    assert huber.solver == aw.SGD(aw.CosineDecay(0.1, 0.2), 0.5)
    assert huber.loss_curve_
    table = aw.load(FOLDER / "table_regression")
    assert {"network", "constant"} <= table.report.scores.keys()
    assert table.report.versions["actwise"] == "0.1.0"
    assert aw.load(FOLDER / "table_logarithm").target.task.transform == "log"
