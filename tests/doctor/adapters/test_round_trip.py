"""What is tried on an estimator or a fit of a table is what comes back repaired: setting by setting."""

import warnings

import numpy as np
import polars as pl
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline

import actwise as aw
from actwise.doctor.adapters import describe
from actwise.doctor.adapters.tables import adapt_fit, diagnose_table
from actwise.doctor.changes import all_changes
from actwise.doctor.standard import with_standard_network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
NUMBERS = X[:, 0] + 0.5 * X[:, 1]
ROWS = np.arange(240)
FEW = {"max_iter": 3}
OWNERS = {
    "sklearn": (MLPClassifier((6, 5), alpha=300, solver="sgd", learning_rate="invscaling", **FEW), LABELS),
    "sklearn numbers": (MLPRegressor(hidden_layer_sizes=6, alpha=40, early_stopping=True, **FEW), NUMBERS),
    "ours": (aw.MLPClassifier(8, alpha=300), LABELS),
    "ours with adam": (aw.MLPClassifier((8, 8, 8, 8), ["tanh"] * 4, solver="adam", alpha=30, dropout=0.3, **FEW),
                       LABELS),
    "ours for numbers": (aw.MLPRegressor(hidden_layer_sizes=4, solver="sgd", alpha=9, scale_inputs=False, **FEW),
                         NUMBERS),
}  # fmt: skip


def facts(setup):
    layers = [(type(x).__name__, getattr(x, "units", None), getattr(x, "rate", None), str(getattr(x, "init", None)),
               getattr(getattr(x, "activation", None), "name", None)) for x in setup.network.layers]  # fmt: skip
    return {
        "layers": layers, "loss": setup.loss.name, "optimizer": setup.optimizer, "batch_size": setup.batch_size,
        "epochs": setup.epochs, "l2": setup.l2, "patience": setup.patience, "tolerance": setup.tolerance,
        "inputs": setup.scale_inputs, "targets": setup.scale_targets, "early_stopping": setup.early_stopping,
    }  # fmt: skip


def inner(model):
    """The perceptron inside of what was put around it, and what that does."""
    around = {"inputs": False, "targets": False}
    if isinstance(model, Pipeline):
        around["inputs"], model = True, model[-1]
    if isinstance(model, TransformedTargetRegressor):
        around["targets"], model = True, model.regressor_
    return model, around


@pytest.mark.parametrize("owner", OWNERS)
def test_what_is_tried_is_what_comes_back(owner):
    model, targets = OWNERS[owner]
    handed = describe(model, X, targets, None, {})
    data = handed.data(len(X), 0)
    changes = [*all_changes(handed.setup, data), with_standard_network(handed.setup, data)]
    assert {"no_l2", "standard_network", "longer", "batch_32"} <= {change.name for change in changes}
    for change in changes:
        if change.settings.get("epochs", 0) > 3000:
            continue  # nothing but the time that it takes is different
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few epochs, and faults that are left
            rebuilt = change.setup.origin.rebuild(change.setup.origin.settings, ROWS, 0)
        found, around = inner(rebuilt)
        said = facts(describe(found, X, targets, None, {}).setup)
        tried = facts(change.setup)
        if "sklearn" in owner:
            said |= around
        assert tried == said, change.name


def test_every_change_of_a_fit_is_what_the_fit_would_train():
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": NUMBERS})
    settings = aw.FitSettings(
        hidden=(6, 5), activation=("silu",), l2=30.0, dropout=0.4, epochs=4, optimizer="sgd", validation_size=60
    )
    setup, data = adapt_fit(frame, "y", settings)
    changes = [*all_changes(setup, data), with_standard_network(setup, data)]
    assert {"no_l2", "no_dropout", "hidden_relu", "standard_network"} <= {change.name for change in changes}
    for change in changes:
        if change.settings.get("epochs", 0) > 100:
            continue
        model = change.setup.origin.rebuild(change.setup.origin.settings, data.train, 3)
        told, tried = model.report.training, change.setup
        rate = getattr(tried.optimizer, "learning_rate", None)
        assert (told.l2, told.batch_size, told.epochs_allowed, told.learning_rate) == (
            tried.l2, tried.batch_size, tried.epochs, rate), change.name  # fmt: skip
        assert [type(x) for x in model.network.layers] == [type(x) for x in tried.network.layers]
        assert [x.activation.name for x in model.network.computed_layers] == [
            x.activation.name for x in tried.network.computed_layers
        ]


@pytest.mark.parametrize(
    "model", [MLPClassifier(16, alpha=300), aw.MLPClassifier(16, alpha=300)], ids=["theirs", "ours"]
)
def test_a_penalty_that_holds_everything_back_is_named_and_left_out(model):
    found = aw.diagnose(model, X, LABELS, updates=600_000)
    assert (found.verdict, found.findings[0].code) == ("broken", "regularization")
    assert found.cured, str(found)
    assert found.fixed().score(X[found.data.test], LABELS[found.data.test]) > 0.9
    assert "alpha=0" in found.code_of_cure


@pytest.mark.parametrize("owner", OWNERS)
def test_the_standard_network_comes_back_as_good_as_it_was_confirmed(owner, monkeypatch):
    monkeypatch.setattr("actwise.doctor.search.all_changes", lambda setup, data: [])  # nothing else to try
    model, targets = OWNERS[owner]
    found = aw.diagnose(model, X, targets, updates=600_000)
    assert found.cured, str(found)
    assert found.cure.startswith("the standard network")
    assert found.settings_of_cure["l2"] == 0
    rows = found.data.test
    reached = found.data.task.score(outputs_of(found.fixed(), targets)[rows], rows)
    assert reached > min(found.scores_after) - 0.05


def outputs_of(model, targets):
    return (model.predict(X) if targets is NUMBERS else model.predict_proba(X)[:, 1]).reshape(-1, 1)


def test_a_table_set_anew_comes_back_as_good_as_it_was_confirmed(monkeypatch):
    monkeypatch.setattr("actwise.doctor.search.all_changes", lambda setup, data: [])
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": NUMBERS})
    found = diagnose_table(frame, "y", aw.FitSettings(hidden=(6,), l2=300.0, dropout=0.9, epochs=20), updates=600_000)
    assert found.cure.startswith("the standard network")
    assert "--l2 0 --dropout 0" in found.code_of_cure
    assert found.fixed().report.scores["network"]["r2"] > min(found.scores_after) - 0.05


def test_a_rate_that_falls_by_scikit_learns_rule_is_followed():
    model = MLPClassifier(4, solver="sgd", learning_rate="invscaling", power_t=0.3, batch_size=50, max_iter=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, LABELS)
    rates = describe(model, X, LABELS, None, {}).setup.optimizer.learning_rate.rates(np.arange(40), 40)
    assert rates[0] == 0.001
    assert rates[35] == pytest.approx(model._optimizer.learning_rate)  # five steps an epoch: after seven of them
    crawls = MLPClassifier(16, solver="sgd", learning_rate="invscaling", max_iter=300, random_state=0)
    found = aw.diagnose(crawls, X, LABELS, updates=600_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        reached = crawls.fit(X[found.data.train], LABELS[found.data.train]).score(
            X[found.data.test], LABELS[found.data.test]
        )
    assert abs(np.median(found.scores) - reached) < 0.2
    assert found.verdict == "broken"
    assert found.findings[0].code in {"learning_rate_too_low", "undertrained", "optimizer"}, str(found)
    assert aw.diagnose(crawls, X, LABELS, updates=600_000).findings[0].code != "unlucky_fit"


@pytest.mark.parametrize("kind", [MLPClassifier, aw.MLPClassifier])
def test_a_rate_that_adapts_is_examined_as_constant_and_the_report_says_so(kind):
    found = aw.diagnose(
        kind(8, solver="sgd", learning_rate="adaptive", learning_rate_init=0.1), X, LABELS, updates=600_000
    )
    assert found.verdict == "healthy", str(found)
    assert "constant rate that it begins with" in str(found)
    assert found.setup.patience == 0
