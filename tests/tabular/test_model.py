"""A model for tables: its answers, in batches and after saving, and for rows unlike those it learned from."""

import json

import numpy as np
import polars as pl
import pytest

from actwise.errors import ActwiseWarning, InputError, ModelError, TableError
from actwise.persistence import read_model, write_model
from actwise.tables import reading
from actwise.tabular import FitSettings, TableModel, fit_table


@pytest.fixture(scope="module")
def saved(tmp_path_factory, classification):
    directory = tmp_path_factory.mktemp("models") / "dear"
    classification.model.save(directory, classification.history)
    return directory


def test_labels_are_those_of_the_likeliest_class(table, classification):
    model = classification.model
    found = model.predict_proba(table)
    assert model.target.labels == ("no", "yes!")
    assert found.sum(axis=1) == pytest.approx(1)
    assert (model.predict(table) == np.array(["no", "yes!"])[found.argmax(axis=1)]).all()
    assert (model.predict(table) == table["dear"].to_numpy()).mean() > 0.9


def test_probabilities_are_those_of_the_network(table, classification):
    model = classification.model
    outputs = model.network.predict(model.encoding.encode(table))
    assert model.predict_proba(table)[:, 1] == pytest.approx(outputs[:, 0], abs=1e-6)


@pytest.mark.filterwarnings("ignore:.*gives the target away")
def test_probabilities_never_round_to_certainty():
    table = pl.DataFrame({"x": [-1.0, 1.0] * 30, "y": ["a", "b"] * 30})
    settings = FitSettings(hidden=(8,), l2=0.0, epochs=400, learning_rate=0.1, patience=400, baselines=False)
    model = fit_table(table, "y", settings).model
    X = np.linspace(1, 20, 40, dtype=np.float32).reshape(-1, 1)
    certain = model.network.predict(X)[:, 0] == 1
    assert certain.any(), "float32 says 1"
    probabilities = model.predict_encoded(X)[certain]
    assert (probabilities[:, 0] > 0).all()
    assert (np.diff(probabilities[:, 0]) < 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_numbers_come_in_their_own_units(table, regression):
    found = regression.model.predict(table)
    assert found.shape == (120,)
    assert np.corrcoef(found, table["price"])[0, 1] > 0.95
    assert np.abs(found - table["price"].to_numpy()).mean() < 10


def test_a_regression_has_no_probabilities(table, regression):
    with pytest.raises(InputError, match=r"predicts numbers .'price'.*leave out --proba"):
        regression.model.predict_proba(table)


def test_batches_together_are_the_whole(table, classification, tmp_path, monkeypatch):
    path = tmp_path / "new.csv"
    table.write_csv(path)
    monkeypatch.setattr(reading.scan_batches, "__defaults__", (7, reading.DEFAULT))
    model = classification.model
    batches = list(model.predict_batches(path, proba=True))
    assert [batch.height for batch in batches] == [7] * 17 + [1]
    joined = pl.concat(batches)
    assert joined.columns == ["dear", "probability of no", "probability of yes!"]
    assert joined["dear"].to_list() == list(model.predict(path))
    assert joined.select(pl.last()).to_numpy()[:, 0] == pytest.approx(model.predict_proba(path)[:, 1], abs=1e-6)


def test_errors_in_later_batches_name_the_row_of_the_file(classification, tmp_path, table, monkeypatch):
    path = tmp_path / "new.csv"
    table.with_columns(pl.Series("sunny", ["true"] * 50 + ["perhaps"] + ["false"] * 69)).write_csv(path)
    monkeypatch.setattr(reading.scan_batches, "__defaults__", (7, reading.DEFAULT))
    with pytest.warns(ActwiseWarning, match="'perhaps' in row 51"):
        list(classification.model.predict_batches(path))


@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
def test_new_labels_and_gaps_are_answered(table, regression):
    strange = table.head(3).with_columns(
        pl.Series("port", ["Belfast", None, "Cherbourg"]),
        pl.lit(None).cast(pl.Float64).alias("size"),
        pl.lit(None).cast(pl.Boolean).alias("sunny"),
        pl.lit(None).cast(pl.Date).alias("day"),
    )
    assert np.isfinite(regression.model.predict(strange)).all()


def test_lacking_columns_are_named(table, regression):
    with pytest.raises(TableError, match="lacks 2 of the 4 columns the model uses: 'size', 'port'"):
        regression.model.predict(table.drop("size", "port"))


def test_labels_keep_their_type():
    X = np.linspace(-1, 1, 40)
    for labels in ([3, 7], [True, False], ["a", "b"]):
        frame = pl.DataFrame({"x": X, "y": pl.Series([labels[0]] * 20 + [labels[1]] * 20)})
        model = fit_table(frame, "y", FitSettings(hidden=(4,), epochs=5, baselines=False)).model
        (answers,) = model.predict_batches(frame)
        assert answers["y"].dtype == frame["y"].dtype


def test_a_saved_model_answers_the_same_bits(saved, table, classification):
    loaded = TableModel.load(saved)
    assert np.array_equal(loaded.predict_proba(table), classification.model.predict_proba(table))
    assert loaded.report == classification.model.report
    assert loaded.encoding == classification.model.encoding


def test_files_of_a_saved_model(saved, classification):
    assert sorted(each.name for each in saved.iterdir()) == [
        "history.jsonl",
        "metrics.json",
        "model.json",
        "weights.safetensors",
    ]
    assert json.loads((saved / "metrics.json").read_text()) == classification.model.report.to_dict()
    lines = [json.loads(line) for line in (saved / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, len(classification.history) + 1))
    assert lines[-1]["validation_loss"] == classification.history[-1].validation_loss


def damaged(document, path, value):
    """A copy of the document with another value at a path; the value None takes the field away."""
    copy = json.loads(json.dumps(document))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "network"),
        (("report",), None),
        (("report", "scores"), {}),
        (("report", "scores", "network"), 3),
        (("report", "scores", "network", "accuracy"), "high"),
        (("report", "rows", "train"), "many"),
        (("report", "training", "loss"), 1),
        (("report", "versions"), [1]),
        (("report", "failure"), 1),
        (("target", "labels"), ["a", "b", "c"]),
        (("target", "names"), ["other"]),
        (("encoding", "targets"), ["other"]),
        (("encoding", "columns"), []),
        (("network", "n_inputs"), 3),
    ],
)
def test_a_forged_model_is_refused(saved, tmp_path, path, value):
    document, arrays = read_model(saved)
    write_model(tmp_path / "forged", damaged(document, path, value), arrays)
    with pytest.raises(ModelError, match=r"forged: "):
        TableModel.load(tmp_path / "forged")


def test_parts_that_do_not_belong_together_are_refused(classification, regression):
    with pytest.raises(ModelError, match="do not belong together"):
        TableModel(
            classification.model.network,
            regression.model.encoding,
            regression.model.target,
            regression.model.report,
        )


def test_a_place_that_holds_something_else_is_refused_before_and_after(tmp_path, classification):
    (tmp_path / "thesis.tex").write_text("42")
    for attempt in (TableModel.check_place, classification.model.save):
        with pytest.raises(ModelError, match=r"thesis\.tex"):
            attempt(tmp_path)
    with pytest.raises(ModelError, match="cannot be"):
        TableModel.check_place(tmp_path / "thesis.tex" / "model")
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]
