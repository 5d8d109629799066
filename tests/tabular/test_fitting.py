"""Fitting: nothing leaks, the same seed gives the same bits, and each way to end is told."""

import numpy as np
import polars as pl
import pytest

from actwise.errors import TableError
from actwise.tables import read_table
from actwise.tabular import (
    BaselineDone,
    EpochsDone,
    FitReport,
    FitSettings,
    Prepared,
    Trained,
    fit_table,
)
from actwise.tasks import baselines, split_rows
from actwise.tasks.splits import fold_of_rows

QUICK = {"hidden": (8,), "epochs": 30, "learning_rate": 0.01, "test_size": 0.2, "validation_size": 0}
BARE = FitSettings(**QUICK, baselines=False)


def numbers(n_rows=60, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n_rows, 2))
    y = X @ [1.0, -2.0] + random.normal(0, 0.1, n_rows)
    return pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y, "z": 100 * X[:, 0] + 5})


def changed(table, rows, **columns):
    """The table with other values in some rows."""
    mask = pl.Series(np.isin(np.arange(table.height), rows))
    return table.with_columns(
        pl.when(mask).then(pl.lit(value)).otherwise(name).alias(name) for name, value in columns.items()
    )


@pytest.mark.filterwarnings("ignore:.* recurs far from all other numbers")
def test_test_rows_change_nothing_that_is_learned():
    table = numbers()
    split = split_rows(60, test_size=0.2, validation_size=0, seed=0)
    other = changed(table, split.test, a=1e6, b=-1e6, y=1e9)
    one, two = fit_table(table.drop("z"), "y", BARE), fit_table(other.drop("z"), "y", BARE)
    assert np.array_equal(one.model.network.values, two.model.network.values)
    assert one.model.encoding == two.model.encoding
    assert one.model.target.task.scaling == two.model.target.task.scaling
    assert one.model.report.scores != two.model.report.scores, "so the rows changed are the test rows"


@pytest.mark.filterwarnings("ignore:cells that do not fit their columns count as missing")
def test_words_among_numbers_are_found_whatever_the_seed():
    table = numbers()
    income = pl.Series("income", [f"{value:.2f}" for value in table["z"]]).scatter([5, 25, 45], "missing")
    for seed in range(5):
        settings = FitSettings(hidden=(2,), epochs=1, seed=seed, baselines=False)
        columns = fit_table(table.drop("z").with_columns(income), "y", settings).model.encoding.columns
        assert columns[2].kind == "number", seed


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_long_tail_of_the_target_does_not_stop_the_training_by_luck(seed):
    random = np.random.default_rng(0)
    x, z = random.normal(size=(2, 600))
    table = pl.DataFrame({"x": x, "z": z, "y": np.exp(2 * x + z)})
    model = fit_table(table, "y", FitSettings(seed=seed, baselines=False)).model
    assert model.target.task.transform == "log"
    assert model.report.scores["network"]["r2"] > 0.95
    assert (model.predict(table) > 0).all()


@pytest.mark.filterwarnings("ignore:.* recurs far from all other numbers")
def test_validation_rows_change_nothing_that_is_learned_about_columns():
    table = numbers(240)
    split = split_rows(240, test_size=0.2, validation_size=0.15, seed=0)
    other = changed(table, split.validation, a=50.0)
    settings = FitSettings(hidden=(4,), epochs=3, test_size=0.2, validation_size=0.15, baselines=False)
    one, two = fit_table(table, ["y", "z"], settings).model, fit_table(other, ["y", "z"], settings).model
    assert one.report.rows.validation == 36
    assert one.encoding == two.encoding


def test_few_validation_rows_are_learned_from_instead():
    settings = FitSettings(hidden=(4,), epochs=3, test_size=0.2, validation_size=0.15, baselines=False)
    rows = fit_table(numbers(), ["y", "z"], settings).model.report.rows
    assert (rows.train, rows.validation, rows.test) == (48, 0, 12)


def test_large_tables_are_stopped_by_validation_rows():
    report = fit_table(numbers(10_000).drop("z"), "y", FitSettings(hidden=(2,), epochs=1, baselines=False)).model.report
    assert (report.rows.train, report.rows.validation, report.rows.test) == (6500, 1500, 2000)
    assert report.training.validation_loss is not None


def test_small_tables_are_judged_by_rows_left_out_in_turn():
    table = numbers().drop("z")
    settings = FitSettings(hidden=(4,), seed=1)
    report = fit_table(table, "y", settings).model.report
    assert (report.rows.train, report.rows.test, report.rows.judged_by) == (60, 0, "rows left out in turn")
    assert set(report.scores) == {"network", "constant", "linear", "boosting"}
    assert report.scores["linear"]["r2"] > 0.98
    # The constant of each fold is the mean of the other rows: a little worse than the mean of all.
    folds = fold_of_rows(60, 5, seed=1)
    y = table["y"].to_numpy()
    means = np.array([y[folds != fold].mean() for fold in folds])
    assert report.scores["constant"]["rmse"] == pytest.approx(np.sqrt(np.mean((y - means) ** 2)), rel=1e-5)
    assert FitReport.from_dict(report.to_dict()) == report


def test_noise_that_was_learned_by_heart_is_no_success_where_rows_are_left_out():
    random = np.random.default_rng(0)
    table = pl.DataFrame({"x": random.normal(size=40), "z": random.normal(size=40), "y": ["a", "b"] * 20})
    report = fit_table(table, "y", FitSettings(hidden=(16,), l2=0.0, baselines=False)).model.report
    assert "on the rows left out in turn the network is no better than one constant answer" in report.failure


def test_a_truth_table_is_learned_whole():
    rows = [[0, 0], [0, 1], [1, 0], [1, 1]]
    for copies in (1, 5):
        table = pl.DataFrame({"a": [a for a, _ in rows], "b": [b for _, b in rows]} | {"y": [0, 1, 1, 0]})
        table = pl.concat([table] * copies)
        model = fit_table(table, "y", FitSettings(hidden=(2,), activation=("sigmoid",))).model
        assert model.report.rows.judged_by == "rows it learned from"
        assert model.report.failure is None
        assert model.predict(table).tolist() == table["y"].to_list()


@pytest.mark.filterwarnings("ignore:.* recurs far from all other numbers")
def test_test_rows_of_classes_change_no_weight():
    table = read_table("sample:iris")
    positions = np.arange(150)
    codes = np.repeat([0, 1, 2], 50)
    test = positions[split_rows(150, classes=codes, test_size=0.2, validation_size=0, seed=0).test]
    other = changed(table, test, **{"petal width (cm)": 40.0})
    one, two = fit_table(table, "species", BARE), fit_table(other, "species", BARE)
    assert np.array_equal(one.model.network.values, two.model.network.values)
    assert one.model.report.scores["network"] != two.model.report.scores["network"]


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    def fit(seed):
        return fit_table(numbers(), ["y", "z"], FitSettings(**QUICK, seed=seed)).model

    one, again, other = fit(3), fit(3), fit(4)
    assert np.array_equal(one.network.values, again.network.values)
    assert one.report.scores == again.report.scores
    assert not np.array_equal(one.network.values, other.network.values)


def test_events_come_in_order_and_count_epochs():
    events = []
    result = fit_table(numbers(), ["y", "z"], FitSettings(**QUICK), observe=events.append)
    kinds = [type(event) for event in events]
    assert kinds == sorted(kinds, key=[Prepared, EpochsDone, Trained, BaselineDone].index)
    assert [event.name for event in events if isinstance(event, BaselineDone)] == ["linear", "boosting"]
    assert [event.epochs for event in events if isinstance(event, EpochsDone)][-1] == len(result.history) == 30
    prepared = events[0]
    assert prepared.rows == result.model.report.rows
    assert prepared.rows.train + prepared.rows.validation + prepared.rows.test == 60


def test_several_targets_are_learned_together():
    report = fit_table(numbers(200), ["y", "z"], FitSettings(hidden=(16,), learning_rate=0.01)).model.report
    assert report.failure is None
    assert report.scores["network"]["r2"] > 0.9
    assert report.scores["linear"]["r2"] > 0.99
    assert report.scores["constant"]["r2"] == pytest.approx(0, abs=0.2)


def test_scores_are_in_the_targets_own_units():
    table = numbers()
    one = fit_table(table.drop("z"), "y", BARE).model.report.scores["network"]
    large = table.drop("z").with_columns(pl.col("y") * 1000)
    two = fit_table(large, "y", BARE).model.report.scores["network"]
    assert two["rmse"] == pytest.approx(1000 * one["rmse"], rel=1e-3)
    assert two["r2"] == pytest.approx(one["r2"], rel=1e-3)


def test_rows_without_a_target_are_left_out():
    table = changed(numbers(), range(10), y=None)
    rows = fit_table(table.drop("z"), "y", BARE).model.report.rows
    assert rows.train + rows.validation + rows.test == 50


def test_a_network_that_learns_nothing_has_failed():
    random = np.random.default_rng(0)
    table = pl.DataFrame({"x": random.normal(size=80), "y": random.choice(["a", "b"], 80)})
    settings = FitSettings(
        hidden=(64,), epochs=300, l2=0.0, learning_rate=0.03, patience=300, test_size=0.2, validation_size=0
    )
    report = fit_table(table, "y", settings).model.report
    assert "no better than one constant answer" in report.failure
    assert report.rows.validation == 0
    assert report.training.validation_loss is None


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_that_is_not_finite_stops_and_says_where():
    settings = FitSettings(hidden=(8,), optimizer="sgd", learning_rate=1e25, activation=("relu",), baselines=False)
    result = fit_table(numbers(), ["y", "z"], settings)
    report = result.model.report
    assert f"in epoch {report.training.epochs_done}" in report.failure
    assert "learning rate" in report.failure
    assert report.training.stopped_because == "loss is not finite"
    assert np.isfinite(result.model.network.values).all()
    assert np.isfinite(result.model.predict(numbers())).all()


def test_asked_to_stop_it_keeps_the_best_weights_and_skips_what_takes_long():
    asked = iter([False, True])
    settings = FitSettings(hidden=(8,), epochs=10**6, patience=10**6, learning_rate=0.01, test_size=0.2)
    report = fit_table(numbers(), ["y", "z"], settings, should_stop=lambda: next(asked)).model.report
    assert report.training.stopped_because == "interrupted"
    assert 0 < report.training.best_epoch <= report.training.epochs_done < 10**6
    assert set(report.scores) == {"network", "constant"}


def test_an_interruption_ends_the_training_only():
    def observe(event):
        if isinstance(event, EpochsDone):
            raise KeyboardInterrupt

    report = fit_table(
        numbers(), ["y", "z"], FitSettings(hidden=(8,), epochs=10**6, learning_rate=0.01), observe=observe
    ).model.report
    assert report.training.stopped_because == "interrupted"
    assert report.rows.judged_by == "rows it learned from"


def test_the_time_limit_does_not_count_compilation():
    settings = FitSettings(
        hidden=(8,), epochs=10**6, patience=10**6, learning_rate=0.01, time_limit=0.3, test_size=0.2, baselines=False
    )
    facts = fit_table(numbers(), ["y", "z"], settings).model.report.training
    assert facts.stopped_because == "time limit"
    assert 0.3 <= facts.seconds < 3


def test_lbfgs_trains_too():
    settings = FitSettings(hidden=(8,), optimizer="lbfgs", epochs=50, baselines=False)
    report = fit_table(numbers(), "y", settings).model.report
    assert report.training.learning_rate is None
    assert report.scores["network"]["r2"] > 0.9


def test_large_tables_say_how_many_rows_the_baselines_saw(monkeypatch):
    monkeypatch.setattr(baselines, "MOST_ROWS", 20)
    rows = fit_table(numbers(), ["y", "z"], FitSettings(**QUICK)).model.report.rows
    assert (rows.baselines, rows.train) == (20, 48)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pl.DataFrame({"x": [1.0] * 20, "y": [1, 2] * 10}), "no column is left to predict 'y' from"),
        (pl.DataFrame({"x": [1.0, 2.0], "y": [0.5, 1.5]}), "2 rows with a target are too few"),
        (
            pl.DataFrame({"x": [1.0, 2.0] * 10 + [np.inf], "y": [1, 2] * 10 + [1]}),
            "'x' holds an infinite number in row 21",
        ),
        (pl.DataFrame({"x": range(20), "y": ["a"] * 20}), "there is nothing to tell apart"),
        (pl.DataFrame({"x": range(20), "y": ["a"] * 19 + ["b"]}), "one row only of 'b'"),
    ],
)
def test_tables_that_cannot_be_learned_from(table, message):
    with pytest.raises(TableError, match=message):
        fit_table(table, "y", BARE)


def test_each_of_several_targets_is_judged_by_itself():
    report = fit_table(numbers(), ["y", "z"], BARE).model.report
    assert set(report.scores_by_target) == {"y", "z"}
    for metric in ("rmse", "mae", "r2"):
        for model, scores in report.scores.items():
            each = [report.scores_by_target[name][model][metric] for name in ("y", "z")]
            assert np.mean(each) == pytest.approx(scores[metric])
    assert FitReport.from_dict(report.to_dict()) == report
    assert fit_table(numbers().drop("z"), "y", BARE).model.report.scores_by_target == {}


def test_classes_without_a_test_row_are_named():
    table = pl.DataFrame({"x": np.arange(60.0), "k": ["a"] * 29 + ["b"] * 29 + ["c"] * 2})
    events = []
    fit_table(table, "k", FitSettings(hidden=(4,), epochs=2, test_size=0.2, baselines=False), observe=events.append)
    assert events[0].untested == ("c",)


def test_columns_are_ignored_and_words_are_missing_on_request():
    cells = [str(i) if i % 9 else "nix" for i in range(60)]
    table = numbers().with_columns(a=pl.Series(cells))
    settings = FitSettings(**QUICK, baselines=False, ignore=("b", "z"), missing=("nix",))
    kinds = {column.name: column.kind for column in fit_table(table, "y", settings).model.encoding.columns}
    assert kinds == {"a": "number", "b": "dropped", "z": "dropped"}
    with pytest.raises(TableError, match="'Z'"):
        fit_table(table, "y", FitSettings(ignore=("Z",)))


def test_a_stop_between_the_baselines_leaves_the_rest_out():
    stopped = []

    def observe(event):
        if isinstance(event, BaselineDone):
            stopped.append(event.name)

    settings = FitSettings(hidden=(4,), epochs=3, test_size=0.2)
    report = fit_table(
        numbers().drop("z"), "y", settings, observe=observe, should_stop=lambda: bool(stopped)
    ).model.report
    assert stopped == ["linear"]
    assert set(report.scores) == {"network", "constant", "linear"}


def test_a_failure_names_the_measure():
    random = np.random.default_rng(0)
    table = pl.DataFrame({"x": random.normal(size=80), "y": random.choice(["a", "b"], 80)})
    settings = FitSettings(
        hidden=(64,), epochs=300, learning_rate=0.03, l2=0.0, test_size=0.2, validation_size=0, baselines=False
    )
    report = fit_table(table, "y", settings).model.report
    network, constant = (report.scores[name]["log_loss"] for name in ("network", "constant"))
    said = f"its probabilities are worse than the constant's (log-loss {network:.4g} against {constant:.4g})"
    assert said in report.failure


def test_three_rows_are_too_few():
    with pytest.raises(TableError, match="3 rows with a target are too few"):
        fit_table(numbers(3), "y", BARE)
