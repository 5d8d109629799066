"""The estimators among scikit-learn's tools: copies, searches, pipelines, frames, sparse columns, routing."""

import pickle
from io import BytesIO

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import actwise as aw
from actwise.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::actwise.errors.ActwiseWarning"
)
X, Y = make_classification(150, 4, n_informative=3, n_redundant=0, class_sep=1.5, random_state=0)
NAMES = ["a", "b", "c", "d"]
SMALL = {"hidden_layer_sizes": 6, "solver": "adam", "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
ACTIVATIONS = [["tanh"], ["x * sigmoid(2 * x)"], "geglu", aw.activations.maxout(3), aw.activation("silu")]


def fitted(**parameters):
    return MLPClassifier(**(SMALL | parameters)).fit(X, Y)


def same(one, other):
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def through_joblib(model):
    buffer = BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_copies_predict_the_same(activation):
    model = fitted(activation=activation)
    same(model, pickle.loads(pickle.dumps(model)))
    same(model, through_joblib(model))
    unfitted = clone(model)
    assert not hasattr(unfitted, "coefs_")
    same(model, unfitted.fit(X, Y))


def test_clone_keeps_every_parameter():
    schedule = aw.CosineDecay(0.01)
    model = MLPClassifier(
        (3, 2), ["tanh", "relu"], solver=aw.SGD(0.1), learning_rate=schedule, loss=aw.loss("soft_cross_entropy"),
        class_weight={0: 1.0, 1: 2.0}, weight_averaging=0.5, max_gradient_norm=1.0, dropout=[0.1, 0.2],
    )  # fmt: skip
    given, copied = model.get_params(), clone(model).get_params()
    assert given.keys() == copied.keys()
    assert all(repr(given[name]) == repr(copied[name]) for name in given)
    assert copied["activation"] == ["tanh", "relu"]
    assert copied["dropout"] == [0.1, 0.2]


def test_weights_written_into_a_copy_stay_there():
    model = fitted()
    other = through_joblib(model)
    other.coefs_[0][...] = 0
    assert np.ptp(other.predict_proba(X), axis=0).max() == 0
    assert np.ptp(model.predict_proba(X), axis=0).max() > 0.1


def test_a_pipeline_scales_what_comes_in():
    huge = X * [1e4, 1e-4, 1, 1] + [0, 5, 0, 0]
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).fit(huge, Y)
    twin = MLPClassifier(**SMALL).fit(StandardScaler().fit_transform(huge), Y)
    np.testing.assert_array_equal(
        pipeline.predict_proba(huge), twin.predict_proba(StandardScaler().fit_transform(huge))
    )
    assert pipeline.score(huge, Y) > 0.8


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_a_pipeline_that_puts_out_frames(kind):
    pytest.importorskip(kind)
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).set_output(transform=kind)
    frame = pd.DataFrame(X, columns=NAMES)
    pipeline.fit(frame, Y)
    assert list(pipeline[-1].feature_names_in_) == NAMES
    plain = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).fit(X, Y)
    # scikit-learn's scaler adds up a frame's columns in another order than an array's.
    np.testing.assert_allclose(pipeline.predict_proba(frame), plain.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames_are_rows_with_names(kind):
    frames = pytest.importorskip(kind)
    frame = frames.DataFrame(dict(zip(NAMES, X.T, strict=True)))
    labels = frames.Series(np.where(Y == 1, "yes", "no"))
    model = MLPClassifier(**SMALL).fit(frame, labels)
    assert list(model.feature_names_in_) == NAMES
    np.testing.assert_array_equal(model.predict_proba(frame), fitted().predict_proba(X))
    assert set(model.predict(frame)) == {"yes", "no"}
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[NAMES[::-1]])
    target = frames.Series(X[:, 0])
    regressor = MLPRegressor(**SMALL).fit(frame, target)
    np.testing.assert_array_equal(regressor.predict(frame), MLPRegressor(**SMALL).fit(X, X[:, 0]).predict(X))


def test_frames_as_validation_rows_and_with_weights():
    frame = pd.DataFrame(X, columns=NAMES)
    weights = pd.Series(np.linspace(0.5, 2, len(X)))
    model = MLPClassifier(**SMALL)
    model.fit(frame[:100], pd.Series(Y[:100]), weights[:100], X_val=frame[100:], y_val=pd.Series(Y[100:]))
    twin = MLPClassifier(**SMALL).fit(X[:100], Y[:100], weights.to_numpy()[:100], X[100:], Y[100:])
    np.testing.assert_array_equal(model.predict_proba(frame), twin.predict_proba(X))


def test_a_search_finds_the_activation_that_can():
    target = np.sin(2 * X[:, 0])
    search = GridSearchCV(
        MLPRegressor(hidden_layer_sizes=8, solver="lbfgs", max_iter=60, random_state=0),
        {"loss": ["squared_error"], "hidden_layer_sizes": [8], "activation": ["identity", ["tanh"], "sin(x)"]}, cv=2,
    )  # fmt: skip
    search.fit(X, target)
    scores = dict(
        zip(map(str, search.cv_results_["param_activation"]), search.cv_results_["mean_test_score"], strict=True)
    )
    assert search.best_params_["activation"] != "identity"
    assert scores["identity"] < search.best_score_ - 0.1


def test_a_search_in_processes_gives_the_same():
    grid = {"activation": ["relu", "x * sigmoid(x)", aw.activations.maxout(2)], "alpha": [1e-4, 1.0]}
    one = GridSearchCV(MLPClassifier(**SMALL), grid, cv=2, n_jobs=1).fit(X, Y)
    two = GridSearchCV(MLPClassifier(**SMALL), grid, cv=2, n_jobs=2).fit(X, Y)
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    assert len(set(one.cv_results_["mean_test_score"])) > 1
    same(one, two)


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(loss, method):
    model = CalibratedClassifierCV(MLPClassifier(**SMALL, loss=loss), method=method, cv=2).fit(X, Y)
    shares = model.predict_proba(X)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert accuracy_score(Y, shares.argmax(axis=1)) > 0.8


def test_permutations_show_which_column_matters():
    target = 3 * X[:, 1]
    model = MLPRegressor(hidden_layer_sizes=6, random_state=0).fit(X, target)
    importance = permutation_importance(model, X, target, n_repeats=3, random_state=0).importances_mean
    assert importance.argmax() == 1
    assert importance[1] > 100 * max(abs(np.delete(importance, 1)).max(), 1e-6)


def test_weights_of_rows_are_routed():
    weights = np.where(Y == 1, 10.0, 0.1)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = MLPClassifier(**SMALL).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_val_score(asked, X, Y, params={"sample_weight": weights}, cv=2)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asked)
        routed = pipeline.fit(X, Y, sample_weight=weights)
        deaf = MLPClassifier(**SMALL).set_fit_request(sample_weight=False).set_score_request(sample_weight=False)
        unweighted = cross_val_score(deaf, X, Y, params={}, cv=2)
    scaled = StandardScaler().fit_transform(X)
    twin = MLPClassifier(**SMALL).fit(scaled, Y, weights)
    np.testing.assert_array_equal(routed.predict_proba(X), twin.predict_proba(scaled))
    assert np.abs(routed.predict_proba(X) - MLPClassifier(**SMALL).fit(scaled, Y).predict_proba(scaled)).max() > 0.01
    assert not np.array_equal(scores, unweighted)


def test_validation_rows_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        asked = MLPClassifier(**SMALL).set_fit_request(X_val=True, y_val=True)
        routed = make_pipeline(StandardScaler(), asked).fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    assert len(routed[-1].validation_loss_curve_) == routed[-1].n_iter_


@pytest.mark.parametrize("format_", ["csr", "csc", "coo"])
@pytest.mark.parametrize("Model", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("solver", ["auto", "adam", "lbfgs"])
def test_sparse_columns_are_columns(Model, format_, solver):
    thin = np.where(np.abs(X) > 0.7, X, 0)
    sparse = scipy.sparse.csr_array(thin).asformat(format_)
    settings = SMALL | {"solver": solver}
    dense = Model(**settings).fit(thin, Y)
    model = Model(**settings).fit(sparse, Y, X_val=None)
    np.testing.assert_array_equal(model.predict(sparse), dense.predict(thin))
    np.testing.assert_array_equal(model.predict(thin), dense.predict(thin))


def test_sparse_validation_rows():
    sparse = scipy.sparse.csr_array(X)
    model = MLPClassifier(**SMALL).fit(sparse[:100], Y[:100], X_val=sparse[100:], y_val=Y[100:])
    twin = MLPClassifier(**SMALL).fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    np.testing.assert_array_equal(model.predict_proba(X), twin.predict_proba(X))


@pytest.mark.parametrize("solver", ["auto", "adam", "lbfgs"])
def test_several_labels_for_a_row(solver):
    rows, labels = make_multilabel_classification(150, 6, n_classes=3, random_state=0)
    model = MLPClassifier(10, solver=solver, max_iter=150, learning_rate_init=0.02, random_state=0).fit(rows, labels)
    assert model.predict(rows).shape == (150, 3)
    np.testing.assert_array_equal(model.predict(rows), model.predict_proba(rows) > 0.5)
    most_frequent = np.maximum(labels.mean(axis=0), 1 - labels.mean(axis=0)).mean()
    assert (model.predict(rows) == labels).mean() > most_frequent + 0.05
    sparse = clone(model).fit(rows, scipy.sparse.csr_array(labels))
    np.testing.assert_array_equal(sparse.predict(rows), model.predict(rows))


def test_several_labels_judged_by_rows_held_out():
    rows, labels = make_multilabel_classification(150, 6, n_classes=3, random_state=0)
    model = MLPClassifier(**SMALL, early_stopping=True).fit(rows, labels)
    assert len(model.validation_scores_) == model.n_iter_
    given = MLPClassifier(**SMALL).fit(rows[:100], labels[:100], X_val=rows[100:], y_val=labels[100:])
    assert given.best_validation_score_ == pytest.approx(given.score(rows[100:], labels[100:]))


def test_several_columns_of_classes_need_a_model_each():
    both = np.column_stack([Y, np.where(X[:, 0] > 0, 6, 5)])
    with pytest.raises(ValueError, match=r"[Mm]ultioutput"):
        MLPClassifier(**SMALL).fit(X, both)
    model = MultiOutputClassifier(MLPClassifier(**SMALL)).fit(X, both)
    assert (model.predict(X) == both).mean() > 0.8


@pytest.mark.parametrize("solver", ["auto", "adam", "lbfgs"])
def test_several_targets(solver):
    rows, targets = make_regression(150, 5, n_targets=3, random_state=0)
    model = MLPRegressor(hidden_layer_sizes=20, solver=solver, max_iter=150, learning_rate_init=0.02, random_state=0)
    model.fit(rows, targets * [1, 100, 0.01] if solver == "auto" else targets)
    assert model.predict(rows).shape == (150, 3)
    expected = targets * [1, 100, 0.01] if solver == "auto" else targets
    assert model.score(rows, expected) > 0.8
    assert model.network_.n_outputs == 3


def test_cross_validation_gives_estimators_that_differ():
    result = cross_validate(MLPClassifier(**SMALL), X, Y, cv=3, return_estimator=True)
    assert len({each.loss_ for each in result["estimator"]}) == 3
    assert result["test_score"].min() > 0.6
