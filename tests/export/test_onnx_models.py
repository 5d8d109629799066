"""Whole models in onnxruntime answer as they do in Actwise: shapes, labels, columns, missing and unseen cells."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import actwise as aw
from actwise.activations import ENTRIES
from actwise.export.onnx.model import IR_VERSION, OPSET, build_model
from actwise.tables import TableEncoding
from actwise.tabular import TableModel
from actwise.tasks.scaling import Scaling
from actwise.training.descriptions import ModelDescription

onnx = pytest.importorskip("onnx")
Run = Callable[..., dict[str, Any]]
X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)


OLD = Path(__file__).parents[1] / "persistence" / "models_0_1_0"


@pytest.mark.parametrize("name", ["table_regression", "table_several", "table_logarithm"])
def test_regressions_agree_within_a_hundred_thousandth_of_the_targets_scale(name: str, onnx_run: Run) -> None:
    """The scale that is learned: of a target with a long tail that of its logarithm."""
    model = aw.load(OLD / name)
    rows = OLD / "rows.csv"
    found = onnx_run(model, model.onnx_inputs(rows))["predictions"]
    wanted = model.predict(rows).reshape(found.shape)
    if model.target.task.transform == "log":
        found, wanted = np.log(found), np.log(wanted)
    np.testing.assert_array_less(np.abs(found - wanted) / model.target.task.scaling.scales, 1e-5)


def test_a_logarithm_beyond_all_numbers_is_bounded_as_at_home(onnx_run: Run) -> None:
    network = aw.Network([aw.Dense(1)], n_inputs=1, parameters=[1.0, 0.0])
    parts = ModelDescription(network, outputs=Scaling([0.0], [1.0]), exponential=True)
    found = onnx_run(build_model(parts).SerializeToString(), np.array([[-1e4], [0.0], [1e4]]))["predictions"]
    np.testing.assert_allclose(found[:, 0], [0.0, 1.0, np.exp(700.0)])
    with pytest.raises(aw.InputError, match="scaled back"):
        ModelDescription(network, exponential=True)


# Networks


def test_a_network_of_all_kinds_of_layers(onnx_run: Run, tmp_path: Path) -> None:
    layers = [
        aw.Dense(5, "swish"), aw.Dropout(0.3), aw.Maxout(3, 3), aw.Dense(4, "swiglu", bias=False), aw.Dropout(0.1),
        aw.Dense(3, "x * sigmoid(x) + 0.1 * sin(x)"), aw.BatchNorm(), aw.ActivationLayer("prelu"),
        aw.Dense(3, "softmax"),
    ]  # fmt: skip
    network = aw.train(aw.Network(layers, n_inputs=4), X, X[:, :3], optimizer="adam", epochs=3, seed=3).network
    aw.to_onnx(network, tmp_path / "network.onnx")
    found = onnx_run(str(tmp_path / "network.onnx"), X)
    np.testing.assert_allclose(found["outputs"], network.predict(X), atol=1e-6)
    assert [each.name for each in tmp_path.iterdir()] == ["network.onnx"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_deep_network_of_each_activation(dtype: str, onnx_run: Run) -> None:
    for what in ENTRIES:
        network = aw.Network([aw.Dense(6, what), aw.Dense(5, what), aw.Dense(2)], n_inputs=4, dtype=dtype)
        outputs = network.initialised(1).predict(X)
        scale = max(1.0, np.abs(outputs).max())
        found = onnx_run(network.initialised(1), {"X": X.astype(dtype)})["outputs"]
        np.testing.assert_allclose(found, outputs, atol=1e-5 * scale, err_msg=what.name)


@settings(max_examples=15, deadline=None)
@given(n_rows=st.integers(0, 300), n_inputs=st.integers(1, 9), units=st.integers(1, 9), bias=st.booleans())
def test_any_number_of_rows(n_rows: int, n_inputs: int, units: int, bias: bool, onnx_run: Run) -> None:
    network = aw.Network([aw.Dense(units, "tanh", bias=bias), aw.Maxout(2, bias=bias)], n_inputs)
    rows = np.random.default_rng(n_rows).normal(size=(n_rows, n_inputs)).astype(np.float32)
    found = onnx_run(network, rows)["outputs"]
    assert found.shape == (n_rows, 2)
    if n_rows:
        np.testing.assert_allclose(found, network.predict(rows), atol=1e-5)


def test_the_result_of_a_training(onnx_run: Run) -> None:
    network = aw.Network([aw.Dense(4, "prelu"), aw.Dense(1)], n_inputs=4)
    run = aw.train(network, X, X[:, 0] * X[:, 1], optimizer="adam", epochs=30, seed=0)
    assert run.network.activation_values(0)["slope"] != 0.25
    np.testing.assert_allclose(onnx_run(run, X)["outputs"], run.network.predict(X), atol=1e-5)


def test_versions_names_and_metadata() -> None:
    model = build_model(ModelDescription(aw.Network([aw.Dense(2, "leaky_relu"), aw.Dense(1)], n_inputs=3)))
    assert model.producer_name == "actwise"
    assert model.producer_version == aw.__version__
    assert model.ir_version == IR_VERSION
    assert {each.domain: each.version for each in model.opset_import} == {"": OPSET, "ai.onnx.ml": 4}
    batch, width = model.graph.input[0].type.tensor_type.shape.dim
    assert (batch.dim_param, width.dim_value) == ("batch", 3)
    kept = {each.key: each.value for each in model.metadata_props}
    layers = json.loads(kept["actwise.model.layers"])
    assert layers[0]["formula"] == "where(x > 0, x, slope * x)"
    assert layers[0]["parameters"] == {"slope": 0.01}


def test_the_opset_is_the_lowest_that_has_every_native_operator() -> None:
    from actwise.export.onnx.activations import NATIVE

    since = {each.operator: onnx.defs.get_schema(each.operator, OPSET).since_version for each in NATIVE.values()}
    assert max(since.values()) == OPSET
    # IR versions by opset: ONNX's own table.
    rows = [row for row in onnx.helper.VERSION_TABLE if row[2] == OPSET]
    assert min(row[1] for row in rows) == IR_VERSION
    assert min(row[3] for row in rows) == 4


# Parts: scaling, classes


def network_of(units: int, output: str) -> aw.Network:
    return aw.Network([aw.Dense(3, "tanh"), aw.Dense(units, output)], n_inputs=4).initialised(2)


def test_scaling_on_the_way_in_and_out(onnx_run: Run) -> None:
    inputs = Scaling([1e7, 0.0, -3.0, 1.0], [2.0, 1e-3, 5.0, 1.0])
    outputs = Scaling([100.0, -1e6], [7.0, 1e5])
    parts = ModelDescription(network_of(2, "identity"), inputs=inputs, outputs=outputs)
    rows = np.asarray(inputs.undo(X), np.float32)
    wanted = outputs.undo(parts.network.predict(inputs.apply(rows)))
    found = onnx_run(build_model(parts).SerializeToString(), rows)["predictions"]
    assert found.dtype == np.float64
    np.testing.assert_allclose(outputs.apply(found), outputs.apply(wanted), atol=1e-5)


@pytest.mark.parametrize("classes", [("no", "yes"), (3, 7), (False, True), (-0.5, 2.25)], ids=str)
def test_two_classes_from_one_output(classes: tuple[Any, ...], onnx_run: Run) -> None:
    parts = ModelDescription(network_of(1, "sigmoid"), classes=classes)
    found = onnx_run(build_model(parts).SerializeToString(), X)
    p = parts.network.predict(X)[:, 0]
    np.testing.assert_allclose(found["probabilities"], np.column_stack([1 - p, p]), atol=1e-6)
    assert found["labels"].tolist() == [classes[int(each > 0.5)] for each in p]


def test_probabilities_near_0_keep_their_digits(onnx_run: Run) -> None:
    network = aw.Network([aw.Dense(1, "sigmoid", bias=False)], n_inputs=1).with_parameters([1.0])
    parts = ModelDescription(network, classes=(0, 1))
    rows = np.array([[-80.0], [-30.0], [30.0], [80.0]], np.float32)
    found = onnx_run(build_model(parts).SerializeToString(), rows)["probabilities"]
    tail = np.exp(-np.array([80.0, 30.0]))
    np.testing.assert_allclose(found, [[1, tail[0]], [1, tail[1]], [tail[1], 1], [tail[0], 1]], rtol=1e-5)


def test_two_outputs_that_are_no_sigmoid(onnx_run: Run) -> None:
    for output in ("hardsigmoid", "1 / (1 + exp(-2 * x))"):
        parts = ModelDescription(network_of(1, output), classes=("a", "b"))
        p = parts.network.predict(X)[:, 0]
        found = onnx_run(build_model(parts).SerializeToString(), X)
        np.testing.assert_allclose(found["probabilities"], np.column_stack([1 - p, p]), atol=1e-6)


def test_margins(onnx_run: Run) -> None:
    parts = ModelDescription(network_of(1, "identity"), classes=("a", "b"), margins=True)
    margin = parts.network.predict(X)[:, 0]
    found = onnx_run(build_model(parts).SerializeToString(), X)
    np.testing.assert_allclose(found["margins"], np.column_stack([-margin, margin]), atol=1e-6)
    assert found["labels"].tolist() == [parts.classes[int(each > 0)] for each in margin]
    several = ModelDescription(network_of(3, "identity"), classes=(0, 1, 2), multilabel=True, margins=True)
    found = onnx_run(build_model(several).SerializeToString(), X)
    np.testing.assert_array_equal(found["labels"], several.network.predict(X) > 0)
    only = ModelDescription(network_of(1, "sigmoid"), classes=("a",))
    assert set(onnx_run(build_model(only).SerializeToString(), X)["labels"]) == {"a"}


def test_linear_maps_of_float64_networks_keep_float64(onnx_run: Run) -> None:
    network = aw.Network([aw.Dense(3, "tanh"), aw.BatchNorm(), aw.Dense(1)], n_inputs=4, dtype="float64").initialised(0)
    far = X.astype(np.float64) + 1e7  # in float32 nothing of X would be left
    values = network.values.copy()
    values[12:15] = -1e7 * network.weights[0].sum(axis=0)
    network = network.with_parameters(values)
    for parts in (ModelDescription(network), ModelDescription(network, outputs=Scaling([3.0], [2.0]))):
        found = next(iter(onnx_run(build_model(parts).SerializeToString(), {"X": far}).values()))
        wanted = network.predict(far) if parts.outputs is None else parts.outputs.undo(network.predict(far))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    named = ModelDescription(aw.Network([aw.Dense(1, "sigmoid")], 4, dtype="float64"), classes=(0, 1))
    found = onnx_run(build_model(named).SerializeToString(), {"X": X.astype(np.float64)})["probabilities"]
    np.testing.assert_allclose(found[:, 1:], named.network.predict(X), atol=1e-6)


def test_many_classes_and_many_questions(onnx_run: Run) -> None:
    parts = ModelDescription(network_of(3, "softmax"), classes=("a", "ä", "c c"))
    found = onnx_run(build_model(parts).SerializeToString(), X)
    np.testing.assert_allclose(found["probabilities"], parts.network.predict(X), atol=1e-6)
    assert found["labels"].tolist() == [parts.classes[k] for k in parts.network.predict(X).argmax(1)]
    several = ModelDescription(network_of(3, "sigmoid"), classes=(0, 1, 2), multilabel=True)
    found = onnx_run(build_model(several).SerializeToString(), X)
    np.testing.assert_array_equal(found["labels"], several.network.predict(X) > 0.5)


# Tables


def messy_table(n_rows: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(5)

    def gaps(values: list[Any], share: float = 0.1) -> list[Any]:
        return [None if rng.random() < share else value for value in values]

    first = dt.datetime(1995, 12, 30)
    number = rng.normal(size=n_rows) * 10 + 1e6
    table = pl.DataFrame(
        {
            "far number": gaps(number.tolist()),
            "tail": np.exp(rng.normal(size=n_rows) * 4) * rng.choice([-1, 1], n_rows),
            "flag": gaps((rng.random(n_rows) < 0.5).tolist()),
            "word": rng.choice(["yes", "No", "NA"], n_rows),
            "label": rng.choice(["a", "b", " c", "d é", "", "null"], n_rows),
            "rare": np.where(rng.random(n_rows) < 0.4, [f"r{k}" for k in rng.integers(0, 90, n_rows)], "common"),
            "code": pl.Series(gaps(rng.integers(0, 4, n_rows).tolist()), dtype=pl.Int64).cast(pl.String),
            "moment": gaps([first + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 10**7 * 2, n_rows)]),
            "text number": [f"{k:,}" if k % 9 else "-" for k in rng.integers(1000, 9999, n_rows)],
            "encoded": rng.normal(size=n_rows),
        }
    )
    plain = (number - 1e6) / 10 + rng.normal(size=n_rows)
    return table.with_columns(
        answer=pl.Series(np.where(plain > 0, "up", "down")), amount=plain * 50 + 1e4, third=pl.Series(plain**2)
    )


def plain_of(table: pl.DataFrame) -> pl.Series:
    return (table["amount"] - 1e4) / 50


@pytest.fixture(scope="module")
def models() -> dict[str, TableModel]:
    table = messy_table()
    targets = {"answer": ["amount", "third"], "label": ["amount", "third", "answer"], "amount": ["answer", "third"]}
    found = {}
    for target, ignored in targets.items():
        chosen = aw.FitSettings(hidden=(6,), epochs=5, baselines=False, ignore=tuple(ignored))
        found[target] = aw.fit_table(table, target, chosen).model
    chosen = aw.FitSettings(hidden=(6,), epochs=5, baselines=False, ignore=("answer", "amount"))
    found["long tail"] = aw.fit_table(table.with_columns(third=(2 * plain_of(table)).exp()), "third", chosen).model
    chosen = aw.FitSettings(hidden=(6,), epochs=5, baselines=False, ignore=("answer",))
    found["amount and third"] = aw.fit_table(table, ["amount", "third"], chosen).model
    return found


STRANGE = {
    "far number": [1e300, -1e300, None, 0.0, 1e-300],
    "tail": [-1e308, 1e308, 0.0, -0.0, 5e-324],
    "flag": [None, True, False, None, True],
    "word": ["", "TRUE", "f", None, "0"],
    "label": ["never seen", "", "A", "d é", None],
    "rare": ["brand new", "common", "?", "r1", " common "],
    "code": ["7", "1", None, "01", "-1"],
    "moment": [dt.datetime(2000, 2, 29), None, dt.datetime(1900, 3, 1), dt.datetime(2100, 12, 31, 23, 59), None],
    "text number": ["1,234", "NA", "", "1e3", "-"],
    "encoded": [None, -1e9, 0.5, 1.0, 2.0],
}


@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
@pytest.mark.parametrize("target", ["answer", "label", "amount", "amount and third", "long tail"])
def test_messy_tables(target: str, models: dict[str, TableModel], onnx_run: Run) -> None:
    model = models[target]
    kinds = {type(column).__name__ for column in model.encoding.columns}
    assert {"NumberColumn", "BooleanColumn", "CategoryColumn", "DateColumn", "DroppedColumn"} <= kinds
    for table in (messy_table(), messy_table(7)[::-1], pl.DataFrame(STRANGE, strict=False)):
        found = onnx_run(model, model.onnx_inputs(table))
        if model.target.is_classification:
            probabilities = model.predict_proba(table)
            np.testing.assert_allclose(found["probabilities"], probabilities, atol=1e-5)
            sure = np.sort(probabilities)[:, -1] - np.sort(probabilities)[:, -2] > 1e-4
            assert found["labels"][sure].tolist() == model.predict(table)[sure].tolist()
        elif target == "long tail":
            assert model.target.task.transform == "log"
            wanted = np.log(np.maximum(model.predict(table), 1e-30))
            found_log = np.log(np.maximum(found["predictions"][:, 0], 1e-30))
            np.testing.assert_allclose(np.minimum(found_log, 88), np.minimum(wanted, 88), atol=1e-4)
        else:
            wanted = model.predict(table).reshape(len(table), -1)
            scales = model.target.task.scaling.scales
            tolerance = 1e-5 * np.maximum(1, np.abs(wanted / scales).max())
            np.testing.assert_allclose(found["predictions"] / scales, wanted / scales,
                                       atol=tolerance)  # fmt: skip


def test_saved_and_loaded_it_is_the_same_file(models: dict[str, TableModel], tmp_path: Path) -> None:
    aw.save(models["answer"], tmp_path / "model")
    aw.to_onnx(models["answer"], tmp_path / "one.onnx")
    aw.to_onnx(aw.load(tmp_path / "model"), tmp_path / "other.onnx")
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


@settings(max_examples=25, deadline=None)
@given(moments=st.lists(st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 31)), min_size=4, max_size=60))
def test_any_date_lies_where_it_does_in_the_year(moments: list[dt.datetime], onnx_run: Run) -> None:
    edges = [
        dt.datetime(year, *day) for year in (1900, 2000, 2001, 2024) for day in ((1, 1), (2, 28), (3, 1), (12, 31))
    ]
    table = pl.DataFrame({"when": [*moments, *edges, dt.datetime(2000, 2, 29)], "y": 0})
    encoding = TableEncoding.learn(table, "y")
    network = aw.Network([aw.Dense(encoding.n_features, bias=False)], encoding.n_features)
    network = network.with_parameters(np.eye(encoding.n_features).ravel())
    parts = ModelDescription(network, columns=encoding.columns)
    from actwise.export.onnx.columns import column_inputs

    found = onnx_run(build_model(parts).SerializeToString(), column_inputs(encoding.columns, table))["outputs"]
    np.testing.assert_allclose(found, encoding.encode(table), atol=2e-6)


# Bad input


@pytest.mark.parametrize("what", [None, 3, "model", {"network": 1}, aw.Network, np.zeros(3)], ids=str)
def test_what_is_no_model_is_refused(what: Any, tmp_path: Path) -> None:
    with pytest.raises(aw.InputError, match=r"cannot be exported: give an aw\.Network"):
        aw.to_onnx(what, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    network = aw.Network([aw.Dense(1)], n_inputs=1)
    with pytest.raises(aw.InputError, match="is a directory: name a file"):
        aw.to_onnx(network, tmp_path)
    with pytest.raises(aw.InputError, match=r"there is no folder .*: make it first"):
        aw.to_onnx(network, tmp_path / "missing" / "model.onnx")
    (tmp_path / "old.onnx").write_text("old")
    aw.to_onnx(network, tmp_path / "old.onnx")
    assert onnx.load(tmp_path / "old.onnx").producer_name == "actwise"
    assert [each.name for each in tmp_path.iterdir()] == ["old.onnx"]


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(aw.ActwiseError, match=r"pip install '\.\[onnx\]'"):
        aw.to_onnx(aw.Network([aw.Dense(1)], n_inputs=1), tmp_path / "model.onnx")


def test_parts_that_do_not_fit_are_refused() -> None:
    network = aw.Network([aw.Dense(3)], n_inputs=2)
    with pytest.raises(aw.InputError, match="2 inputs needs a centre"):
        ModelDescription(network, inputs=Scaling([0.0], [1.0]))
    with pytest.raises(aw.InputError, match="3 outputs needs a centre"):
        ModelDescription(network, outputs=Scaling([0.0], [1.0]))
    with pytest.raises(aw.InputError, match="4 classes do not fit"):
        ModelDescription(network, classes=(0, 1, 2, 3))
    for centres, scales in (([0.0], [0.0]), ([np.nan], [1.0]), ([0.0, 1.0], [1.0]), ([[0.0]], [[1.0]])):
        with pytest.raises(aw.InputError):
            Scaling(centres, scales)


# Estimators


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["two", "three", "text", "questions", "one", "margins", "three margins"])
def test_classifiers(target: str, dtype: str, onnx_run: Run) -> None:
    rows = (X * [1, 100, 0.01, 1] + [0, 1e5, 0, 3]).astype(dtype)  # a column far from 0
    y = {
        "two": X[:, 0] > 0, "three": np.digitize(X[:, 0], [-0.5, 0.5]), "text": np.where(X[:, 1] > 0, "ä", "b"),
        "questions": (X[:, :3] > 0).astype(int), "one": np.zeros(50), "margins": np.where(X[:, 0] > 0, 5, 2),
        "three margins": np.digitize(X[:, 0], [-0.5, 0.5]),
    }[target]  # fmt: skip
    loss = "hinge" if "margins" in target else "log_loss"
    model = aw.MLPClassifier(hidden_layer_sizes=(5,), activation="swish", loss=loss, random_state=0, max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, y)
    found = onnx_run(model, {"X": rows})
    np.testing.assert_array_equal(found["labels"], model.predict(rows))
    if loss == "hinge":
        margins = model.decision_function(rows)
        margins = np.column_stack([-margins, margins]) if margins.ndim == 1 else margins
        np.testing.assert_allclose(found["margins"], margins, rtol=1e-4, atol=1e-3 if dtype == "float32" else 1e-5)
    else:
        tolerance = 2e-2 if dtype == "float32" else 1e-5  # of float32 columns with an offset few digits are left
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(rows), atol=tolerance)


@pytest.mark.parametrize("outputs", [1, 2])
def test_regressors(outputs: int, onnx_run: Run) -> None:
    rows = X.astype(np.float64) * [1, 100, 0.01, 1] + [0, 1e5, 0, 3]
    y = 1e3 + 20 * X[:, :outputs].astype(np.float64) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = aw.MLPRegressor(hidden_layer_sizes=(5,), random_state=0).fit(rows, y.squeeze())
    np.testing.assert_allclose(onnx_run(model, {"X": rows})["outputs"], model.predict(rows).reshape(50, -1), rtol=1e-5)
