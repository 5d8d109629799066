"""Estimators of both libraries, fitted and not, and pipelines that end in one: examined, and given back repaired."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectKBest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import actwise as aw
from actwise.doctor.adapters import describe
from actwise.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
NUMBERS = X[:, 0] + 0.5 * X[:, 1] + 0.1 * RNG.normal(size=300)
WIDE = X * [1.0, 3000.0, 1.0] + [0, 9000.0, 0]
BUDGET = {"updates": 600_000}


@pytest.mark.parametrize(
    ("model", "targets"),
    [
        (aw.MLPClassifier(8), LABELS),
        (aw.MLPRegressor(hidden_layer_sizes=8), NUMBERS * 1000),
        (aw.MLPClassifier(8, loss="hinge", solver="adam", learning_rate_init=0.02), LABELS),
        (aw.MLPClassifier(16, class_weight="balanced", early_stopping=True, max_iter=100), LABELS),
        (aw.MLPRegressor("quantile", 8, max_iter=100), NUMBERS),
        (aw.MLPClassifier(8), np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)),
        (aw.MLPClassifier(8, label_smoothing=0.1, max_iter=100), np.digitize(X[:, 0], [-0.5, 0.5])),
    ],
    ids=["plain", "numbers", "hinge", "weights", "quantile", "labels", "smoothed"],
)
@pytest.mark.parametrize("fitted", [False, True])
def test_sound_estimators_are_healthy(model, targets, fitted):
    model = clone(model).set_params(random_state=0)
    before = model.get_params()
    if fitted:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, targets)
    found = aw.diagnose(model, X, targets, **BUDGET)
    assert found.verdict == "healthy", str(found)
    assert model.get_params() == before
    assert hasattr(model, "coefs_") is fitted


@pytest.mark.parametrize(
    ("model", "inputs", "targets", "codes"),
    [
        (aw.MLPClassifier(8, solver="sgd", learning_rate_init=1e-6, max_iter=50), X, LABELS, {"learning_rate_too_low"}),
        (aw.MLPClassifier(8, solver="adam", scale_inputs=False, max_iter=30), WIDE, LABELS, {"unscaled_inputs"}),
        (aw.MLPRegressor(hidden_layer_sizes=8, output_activation="sigmoid"), X, NUMBERS,
         {"output_activation_mismatch"}),
        (aw.MLPRegressor(hidden_layer_sizes=8, learning_rate=aw.CosineDecay(1e-7), max_iter=40), X, NUMBERS,
         {"learning_rate_too_low", "optimizer"}),
        (aw.MLPClassifier((8, 8), activation=["tanh", "identity"], solver=aw.SGD(50.0), max_iter=40), X, LABELS,
         {"learning_rate_too_high"}),
        (MLPClassifier(8, solver="adam", max_iter=30), WIDE, LABELS, {"unscaled_inputs"}),
        (MLPRegressor(hidden_layer_sizes=8, solver="sgd", learning_rate_init=0.001, max_iter=40), X, NUMBERS * 1e4,
         {"unscaled_targets"}),
        (make_pipeline(StandardScaler(), MLPClassifier(8, max_iter=2)), WIDE, LABELS,
         {"undertrained", "learning_rate_too_low"}),
        (make_pipeline(StandardScaler(), aw.MLPClassifier(8, solver="sgd", learning_rate_init=1e-7)), WIDE, LABELS,
         {"learning_rate_too_low"}),
    ],
    ids=["rate", "unscaled", "output", "schedule", "high", "sklearn", "targets", "pipeline", "pipeline of ours"],
)  # fmt: skip
def test_a_broken_estimator_comes_back_repaired(model, inputs, targets, codes):
    found = aw.diagnose(model, inputs, targets, **BUDGET)
    assert found.verdict == "broken"
    assert found.findings[0].code in codes, str(found)
    assert found.cured, str(found)
    repaired = found.fixed(seed=3)
    assert isinstance(repaired, Pipeline) or not isinstance(model, Pipeline)
    rows = found.data.test
    assert repaired.score(inputs[rows], targets[rows]) > 0.85
    assert np.median(found.scores_after) > np.median(found.scores) + 0.02
    assert found.findings[0].settings
    assert found.code_of_cure


def test_choices_of_the_estimator_are_those_of_the_subject():
    """Every number that trains the setup is one that the estimator was told or chose."""
    model = aw.MLPRegressor(
        hidden_layer_sizes=(7, 5), solver="adam", alpha=0.3, batch_size=25, max_iter=9, learning_rate_init=0.02,
        max_gradient_norm=2.0, scale_inputs=True, scale_targets=False, shuffle=False, tol=1e-5, n_iter_no_change=4,
        dropout=0.25,
    )  # fmt: skip
    setup = describe(model, X, NUMBERS, None, {}).setup
    assert (setup.batch_size, setup.epochs, setup.shuffle, setup.patience) == (25, 9, False, 5)
    assert (setup.l2, setup.tolerance, setup.max_gradient_norm) == (pytest.approx(0.3 / 25), 1e-5, 2.0)
    assert (setup.scale_inputs, setup.scale_targets) == (True, False)
    assert setup.optimizer == aw.Adam(0.02)
    assert [type(layer).__name__ for layer in setup.network.layers] == [
        "Dense",
        "Dropout",
        "Dense",
        "Dropout",
        "Dense",
    ]
    ours = describe(aw.MLPRegressor(hidden_layer_sizes=7), X, NUMBERS, None, {}).setup
    assert (ours.scale_inputs, ours.scale_targets, ours.restarts) == (True, True, None)


def test_class_weights_reach_the_training():
    rare = np.where(X[:, 0] > 1.4, "rare", "common")
    weighted = describe(aw.MLPClassifier(8, class_weight="balanced"), X, rare, None, {})
    share = float(np.mean(rare == "rare"))
    assert weighted.weights is not None
    assert weighted.weights[rare == "rare"][0] == pytest.approx(0.5 / share)


def test_weights_that_answer_nothing_are_told_from_settings_that_are_sound():
    model = aw.MLPClassifier(8, random_state=0).fit(X, LABELS)
    for each in model.coefs_:
        each[:] = 0
    found = aw.diagnose(model, X, LABELS, **BUDGET)
    assert (found.verdict, found.findings[0].code) == ("broken", "unlucky_fit")
    assert found.fixed().score(X, LABELS) > 0.9
    foreign = MLPClassifier(8, random_state=0, max_iter=400).fit(X, LABELS[::-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert aw.diagnose(foreign, X, LABELS, **BUDGET).findings[0].code == "unlucky_fit"


@pytest.mark.parametrize("fitted", [False, True])
def test_first_steps_of_a_pipeline_do_not_see_the_test_rows(fitted):
    """Ten of 1500 columns of noise, chosen with the labels of all rows, would seem to tell the labels."""
    own = np.random.default_rng(0)
    noise, labels = own.normal(size=(240, 1500)), own.integers(0, 2, 240)
    model = make_pipeline(SelectKBest(k=10), StandardScaler(), aw.MLPClassifier(8, max_iter=60, random_state=0))
    if fitted:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(noise, labels)
    found = aw.diagnose(model, noise, labels, **BUDGET)
    assert (found.verdict, found.findings[0].code) == ("hopeless", "no_signal"), str(found)
    assert found.data.X.shape == (240, 10)
    inside = clone(model[:-1]).fit(noise[found.data.train], labels[found.data.train])
    np.testing.assert_allclose(found.data.X, inside.transform(noise))


def test_the_weights_of_a_fitted_pipeline_are_scored_on_what_its_own_steps_make_of_the_rows():
    model = make_pipeline(StandardScaler(), aw.MLPClassifier(8, random_state=0)).fit(WIDE[:40], LABELS[:40])
    found = aw.diagnose(model, WIDE, LABELS, **BUDGET)
    outputs = found.setup.origin.fitted_outputs
    np.testing.assert_allclose(outputs[:, 0], model.predict_proba(WIDE)[:, 1], atol=1e-6)


def test_frames_and_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    assert aw.diagnose(aw.MLPClassifier(8), frame, LABELS, **BUDGET).verdict == "healthy"
    assert aw.diagnose(aw.MLPClassifier(8), sparse.csr_matrix(X), LABELS, **BUDGET).verdict == "healthy"
    found = aw.diagnose(aw.MLPClassifier(8, solver="sgd", learning_rate_init=1e-7), frame, LABELS, **BUDGET)
    assert list(found.fixed().feature_names_in_) == ["a", "b", "c"]


@pytest.mark.parametrize("model", [aw.MLPClassifier(8), MLPClassifier(8), make_pipeline(aw.MLPClassifier(8))])
def test_bad_rows_are_a_finding_or_one_sentence(model):
    bad = X.copy()
    bad[4, 1] = np.nan
    found = aw.diagnose(model, bad, LABELS, **BUDGET)
    assert (found.verdict, found.findings[0].code) == ("broken", "not_finite")
    with pytest.raises(InputError, match="one class only"):
        aw.diagnose(model, X, np.full(300, "yes"))
    with pytest.raises(InputError, match="300 rows and y 9"):
        aw.diagnose(model, X, LABELS[:9])
    with pytest.raises(InputError, match="epochs belongs to a network"):
        aw.diagnose(model, X, LABELS, epochs=3)


def test_a_fitted_model_and_rows_of_another_width():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = MLPClassifier(8, max_iter=2).fit(X, LABELS)
    with pytest.raises(InputError, match="fitted with 3 inputs, and X has 2"):
        aw.diagnose(fitted, X[:, :2], LABELS)
    with pytest.raises(ValueError, match="3 features"):
        aw.diagnose(aw.MLPClassifier(8).fit(X, LABELS), X[:, :2], LABELS)
