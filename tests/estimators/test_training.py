"""What the estimators have beyond scikit-learn's: each feature does what it says, seen in the weights."""

import warnings
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer
from sklearn.utils import compute_sample_weight

import actwise as aw
from actwise.errors import ActwiseWarning, InputError
from actwise.estimators import MLPClassifier, MLPRegressor
from actwise.recipes import fitting

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::actwise.errors.ActwiseWarning"
)
X, Y = make_classification(120, 5, n_informative=4, n_redundant=0, n_classes=3, flip_y=0.2, random_state=0)
X_VAL, Y_VAL = make_classification(60, 5, n_informative=4, n_redundant=0, n_classes=3, flip_y=0.2, random_state=1)
X_NUMBERS, NUMBERS = make_regression(120, 5, noise=5.0, random_state=0)
# A solver by name trains as scikit-learn does: on columns as they are and in the dtype of X.
BY_STEPS = {"solver": "adam", "hidden_layer_sizes": 6, "random_state": 3, "batch_size": 30}


def flat(model):
    return np.concatenate([np.ravel(each) for each in (*model.coefs_, *model.intercepts_)])


def classifier(**parameters):
    return MLPClassifier(**(BY_STEPS | parameters)).fit(X, Y)


def softmax(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# Activations


def test_one_activation_for_each_layer():
    swish = aw.activation("silu")
    model = classifier(hidden_layer_sizes=(5, 4, 3), activation=["tanh", "x * sigmoid(2 * x)", swish], max_iter=3)
    hidden = X
    functions = (np.tanh, lambda x: x / (1 + np.exp(-2 * x)), lambda x: x / (1 + np.exp(-x)))
    for function, weights, biases in zip(functions, model.coefs_, model.intercepts_, strict=False):
        hidden = function(hidden @ weights + biases)
    expected = softmax(hidden @ model.coefs_[-1] + model.intercepts_[-1])
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-10)
    assert [layer.activation.name for layer in model.network_.layers][::2] == ["tanh", "silu"]


def test_too_few_activations_are_refused():
    with pytest.raises(InputError, match="2 entries for 1 hidden layers"):
        classifier(activation=["tanh", "relu"])


def test_an_unknown_activation_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="tanh"):
        classifier(activation="tanhh")


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "auto"])
@pytest.mark.parametrize(
    ("activation", "pieces", "unit"),
    [
        ("glu", 2, lambda a, b: a / (1 + np.exp(-b))),
        (aw.activation("maxout"), 2, np.maximum),
        (aw.activations.maxout(3), 3, lambda a, b, c: np.maximum(np.maximum(a, b), c)),
    ],
    ids=["glu", "maxout", "maxout3"],
)
def test_units_with_several_linear_maps(activation, pieces, unit, solver):
    model = MLPRegressor(
        hidden_layer_sizes=4, activation=activation, solver=solver, max_iter=20, random_state=0, dtype="float64"
    ).fit(X_NUMBERS, NUMBERS)
    assert model.coefs_[0].shape == (5, 4 * pieces)
    hidden = unit(*np.split(X_NUMBERS @ model.coefs_[0] + model.intercepts_[0], pieces, axis=1))
    expected = (hidden @ model.coefs_[1] + model.intercepts_[1])[:, 0]
    np.testing.assert_allclose(model.predict(X_NUMBERS), expected, rtol=1e-9, atol=1e-9)


def test_a_gated_layer_learns_on():
    settings = {"activation": "glu", "warm_start": True, "max_iter": 10}
    model = classifier(**settings)
    before = model.loss_
    assert model.fit(X, Y).loss_ < before
    assert len(model.loss_curve_) == 20


def test_the_output_activation_is_used_and_bounds_predictions():
    target = np.tanh(X_NUMBERS[:, 0])
    model = MLPRegressor(hidden_layer_sizes=4, output_activation="tanh", random_state=0).fit(X_NUMBERS, target)
    assert model.out_activation_ == "tanh"
    assert model.score(X_NUMBERS, target) > 0.9
    assert np.abs(model.predict(1e3 * X_NUMBERS)).max() <= 1
    wide = MLPRegressor(hidden_layer_sizes=4, random_state=0).fit(X_NUMBERS, target)
    assert np.abs(wide.predict(1e3 * X_NUMBERS)).max() > 1


# What is minimised


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0, 2: 0.5}])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_are_weights_of_rows(class_weight, solver):
    rare = np.r_[np.arange(60), np.flatnonzero(Y == 1)]
    settings = BY_STEPS | {"solver": solver, "max_iter": 10}
    given = MLPClassifier(**settings, class_weight=class_weight).fit(X[rare], Y[rare])
    twin = MLPClassifier(**settings).fit(X[rare], Y[rare], compute_sample_weight(class_weight, Y[rare]))
    none = MLPClassifier(**settings).fit(X[rare], Y[rare])
    np.testing.assert_array_equal(flat(given), flat(twin))
    assert np.abs(flat(given) - flat(none)).max() > 1e-4


def test_class_weights_and_row_weights_multiply():
    own = np.linspace(0.5, 2, len(X))
    given = MLPClassifier(**BY_STEPS, max_iter=5, class_weight={0: 1.0, 1: 3.0, 2: 0.5}).fit(X, Y, own)
    twin = MLPClassifier(**BY_STEPS, max_iter=5).fit(X, Y, own * np.array([1.0, 3.0, 0.5])[Y])
    np.testing.assert_allclose(flat(given), flat(twin), rtol=1e-12)


def test_class_weights_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="no row a weight"):
        classifier(class_weight=dict.fromkeys(range(3), 0.0))
    with pytest.raises(InputError, match="balanced"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_another_name_of_the_identity_is_the_identity():
    one, other = (
        MLPRegressor(**BY_STEPS | {"solver": "auto"}, max_iter=5, output_activation=name).fit(X_NUMBERS, NUMBERS)
        for name in ("identity", "linear")
    )
    np.testing.assert_array_equal(flat(one), flat(other))


# Steps


def test_a_long_gradient_is_scaled_to_the_given_norm():
    def after_one_step(rate, **parameters):
        return flat(
            classifier(
                solver="sgd",
                batch_size=len(X),
                max_iter=1,
                momentum=0.0,
                alpha=0.0,
                learning_rate_init=rate,
                **parameters,
            )
        )

    once, twice = after_one_step(0.01), after_one_step(0.02)
    step = once - twice  # the rate times the gradient
    start = once + step
    length = np.linalg.norm(step) / 0.01
    clipped = after_one_step(0.01, max_gradient_norm=length / 4)
    np.testing.assert_allclose(clipped, start - step / 4, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(after_one_step(0.01, max_gradient_norm=2 * length), once)


@pytest.mark.parametrize(
    "asked",
    [
        {"max_gradient_norm": 1.0}, {"weight_averaging": 0.5}, {"dropout": 0.5}, {"dropout": [0.5]},
        {"scoring": "accuracy"}, {"learning_rate_init": "find"}, {"learning_rate": aw.CosineDecay(0.01)},
    ],
    ids=str,
)  # fmt: skip
def test_what_goes_by_steps_is_refused_by_lbfgs_and_chosen_for_by_auto(asked):
    (name,) = asked
    with pytest.raises(InputError, match=f"{name}=.*solver='adam'"):
        classifier(solver="lbfgs", batch_size="auto", **asked)
    model = MLPClassifier(hidden_layer_sizes=6, max_iter=3, random_state=0, **asked).fit(X, Y)
    assert model.choices_.stochastic


def test_early_stopping_that_lbfgs_does_not_hear_is_said():
    model = MLPClassifier(6, solver="lbfgs", max_iter=500, random_state=0)
    with pytest.warns(ActwiseWarning, match="X_val"):
        warned = clone(model).set_params(early_stopping=True).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ActwiseWarning)
        silent = model.fit(X, Y)
        clone(warned).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)  # these it hears
    np.testing.assert_array_equal(flat(warned), flat(silent))


@pytest.mark.parametrize("solver", ["auto", "sgd", "adam"])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_rate_that_is_found_is_one_of_those_tried_and_learns(kind, solver):
    Model, data = (MLPClassifier, (X, Y)) if kind == "classifier" else (MLPRegressor, (X_NUMBERS, NUMBERS / 50))
    model = Model(hidden_layer_sizes=8, solver=solver, learning_rate_init="find", max_iter=20, random_state=0).fit(
        *data
    )
    found = model.learning_rate_init_
    tried = np.geomspace(fitting.LOWEST_RATE, fitting.HIGHEST_RATE, fitting.RANGE_STEPS)
    assert np.abs(tried / found - 1).min() < 1e-9
    assert found > 10 * fitting.LOWEST_RATE
    assert model.choices_.optimizer.learning_rate == found
    assert model.loss_curve_[-1] < 0.95 * model.loss_curve_[0]


def test_rows_without_weight_have_no_say_in_the_rate():
    kept = np.arange(len(X)) < 80
    wild = np.where(kept[:, None], X, 1e3)
    settings = BY_STEPS | {"learning_rate_init": "find", "max_iter": 2}
    calm = MLPClassifier(**settings).fit(X, Y, kept.astype(float)).learning_rate_init_
    assert MLPClassifier(**settings).fit(wild, Y, kept.astype(float)).learning_rate_init_ == pytest.approx(calm)
    assert MLPClassifier(**settings).fit(wild, Y).learning_rate_init_ != pytest.approx(calm)


@dataclass(frozen=True)
class FirstStepsOnly:
    """A schedule of the user's own."""

    rate: float
    steps: int

    def rates(self, steps, total_steps):
        return np.where(steps < self.steps, self.rate, 0.0)


def test_a_schedule_of_ones_own_is_obeyed():
    steps_per_epoch = len(X) // 30
    settings = {"solver": "sgd", "momentum": 0.0}
    stopped = classifier(learning_rate=FirstStepsOnly(0.1, 2 * steps_per_epoch), max_iter=6, **settings)
    two_epochs = classifier(learning_rate_init=0.1, max_iter=2, **settings)
    np.testing.assert_array_equal(flat(stopped), flat(two_epochs))


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_schedules_act_on_every_solver_of_steps(solver):
    settings = {"solver": solver, "max_iter": 4}
    constant = classifier(learning_rate=aw.ExponentialDecay(0.01, factor=1.0), **settings)
    np.testing.assert_array_equal(flat(constant), flat(classifier(learning_rate_init=0.01, **settings)))
    falling = classifier(learning_rate=aw.CosineDecay(0.01), **settings)
    assert np.abs(flat(falling) - flat(constant)).max() > 1e-4


@pytest.mark.parametrize(("given", "used"), [(1, 1), (2, 2), (None, None), (-1, None)])
def test_n_jobs_reaches_the_training_and_changes_no_bit(given, used, monkeypatch):
    seen, original = [], fitting.start
    monkeypatch.setattr(fitting, "start", lambda *a, **named: seen.append(named["threads"]) or original(*a, **named))
    model = classifier(max_iter=2, n_jobs=given)
    assert seen == [used]
    monkeypatch.undo()
    np.testing.assert_array_equal(flat(model), flat(classifier(max_iter=2)))


def test_no_thread_is_no_number_of_threads():
    with pytest.raises(ValueError, match="'n_jobs' parameter"):
        classifier(n_jobs=0)


def test_dtype_is_that_of_the_arithmetic():
    single, double = classifier(max_iter=5, dtype="float32"), classifier(max_iter=5, dtype="float64")
    assert single.coefs_[0].dtype == double.coefs_[0].dtype == np.float64
    assert np.array_equal(flat(single), flat(single).astype(np.float32))
    assert not np.array_equal(flat(double), flat(double).astype(np.float32))
    np.testing.assert_allclose(flat(single), flat(double), atol=1e-3)
    np.testing.assert_array_equal(flat(double), flat(classifier(max_iter=5)))
    narrow = MLPClassifier(**BY_STEPS, max_iter=5, dtype="float64").fit(X.astype(np.float32), Y)
    assert narrow.coefs_[0].dtype == narrow.predict_proba(X.astype(np.float32)).dtype == np.float32


# Rows to judge by


def test_weights_with_the_lowest_validation_loss_are_kept():
    model = MLPClassifier(hidden_layer_sizes=30, max_iter=60, random_state=0).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    curve = model.validation_loss_curve_
    assert len(curve) == model.n_iter_
    assert curve[-1] > min(curve)
    assert log_loss(Y_VAL, model.predict_proba(X_VAL)) == pytest.approx(min(curve), rel=1e-4)


def test_lbfgs_keeps_the_iteration_with_the_lowest_validation_loss():
    model = MLPClassifier(solver="lbfgs", alpha=0.0, max_iter=60, random_state=0).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    curve = model.validation_loss_curve_
    assert curve[-1] > 1.1 * min(curve)
    assert log_loss(Y_VAL, model.predict_proba(X_VAL)) == pytest.approx(min(curve))


def test_without_early_stopping_validation_rows_are_only_watched():
    model = classifier(max_iter=5, early_stopping=False)
    watched = MLPClassifier(**BY_STEPS, max_iter=5, early_stopping=False).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_array_equal(flat(watched), flat(model))
    assert log_loss(Y_VAL, model.predict_proba(X_VAL)) == pytest.approx(watched.validation_loss_curve_[-1])
    assert model.validation_loss_curve_ is None


def test_weights_of_validation_rows_count():
    weights = np.linspace(0.1, 3, len(X_VAL))
    model = MLPClassifier(**BY_STEPS, max_iter=5, early_stopping=False)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=weights)
    expected = log_loss(Y_VAL, model.predict_proba(X_VAL), sample_weight=weights)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0, 2: 0.5}])
@pytest.mark.parametrize("own", [None, np.linspace(0.1, 3, len(X_VAL))], ids=["plain", "weighted"])
def test_class_weights_weigh_validation_rows_as_they_do_the_others(class_weight, own):
    rare = np.r_[np.arange(60), np.flatnonzero(Y == 1)]
    judged = np.flatnonzero(Y_VAL != 2)  # a class that is not there takes no weight from the others
    own = None if own is None else own[judged]
    model = MLPClassifier(**BY_STEPS, max_iter=5, early_stopping=False, class_weight=class_weight)
    model.fit(X[rare], Y[rare], X_val=X_VAL[judged], y_val=Y_VAL[judged], sample_weight_val=own)
    of_class = dict(zip(Y[rare], compute_sample_weight(class_weight, Y[rare]), strict=True))
    weights = np.array([of_class[each] for each in Y_VAL[judged]]) * (1 if own is None else own)
    expected = log_loss(Y_VAL[judged], model.predict_proba(X_VAL[judged]), sample_weight=weights, labels=[0, 1, 2])
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


def test_class_weights_that_leave_no_validation_row_a_weight_are_refused():
    model = MLPClassifier(**BY_STEPS, class_weight={0: 1.0, 1: 1.0, 2: 0.0})
    with pytest.raises(InputError, match="no row of X_val a weight above 0"):
        model.fit(X, Y, X_val=X_VAL[Y_VAL == 2], y_val=Y_VAL[Y_VAL == 2])


def test_validation_rows_of_a_regressor():
    model = MLPRegressor(**BY_STEPS, max_iter=8).fit(X_NUMBERS[:80], NUMBERS[:80], None, X_NUMBERS[80:], NUMBERS[80:])
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ == pytest.approx(model.score(X_NUMBERS[80:], NUMBERS[80:]))


def test_validation_rows_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="belong together"):
        MLPClassifier(max_iter=2).fit(X, Y, X_val=X_VAL)
    with pytest.raises(ValueError, match="features"):
        MLPClassifier(max_iter=2).fit(X, Y, X_val=X_VAL[:, :3], y_val=Y_VAL)
    with pytest.raises(ValueError, match="classes"):
        MLPClassifier(max_iter=2).fit(X, Y, X_val=X_VAL, y_val=Y_VAL + 1)


def counts_class_two(estimator, rows, y):
    return float(np.mean(estimator.predict(rows) == 2))


@pytest.mark.parametrize(
    ("scoring", "own"),
    [
        ("balanced_accuracy", lambda model: balanced_accuracy_score(Y_VAL, model.predict(X_VAL))),
        (
            make_scorer(balanced_accuracy_score),
            lambda model: balanced_accuracy_score(Y_VAL, model.predict(X_VAL)),
        ),
        ("neg_log_loss", lambda model: -log_loss(Y_VAL, model.predict_proba(X_VAL))),
        (counts_class_two, lambda model: counts_class_two(model, X_VAL, Y_VAL)),
    ],
    ids=["name", "scorer", "probabilities", "own"],
)
@pytest.mark.parametrize("solver", ["adam", "auto"])
def test_a_metric_of_ones_own_judges(scoring, own, solver):
    model = MLPClassifier(**(BY_STEPS | {"solver": solver}), max_iter=12, scoring=scoring)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert len(model.validation_scores_) == model.n_iter_
    assert len(set(model.validation_scores_)) > 1
    assert model.best_validation_score_ == max(model.validation_scores_) == pytest.approx(own(model), rel=1e-6)


def test_a_metric_ends_training():
    model = MLPClassifier(**BY_STEPS, max_iter=50, scoring=lambda *_: 0.5, early_stopping=True, n_iter_no_change=3)
    assert model.fit(X, Y).n_iter_ == 5  # as scikit-learn counts: the first improves, then more than three do not


# Averages of weights


def averages(keep, epochs, **parameters):
    """The twin: a moving average, corrected for its start, of the weights after each epoch."""
    total = 0.0
    for epoch in range(1, epochs + 1):
        total = keep * total + (1 - keep) * flat(classifier(max_iter=epoch, **parameters))
        yield total / (1 - keep**epoch)


def test_the_average_of_weights_is_kept():
    model = classifier(max_iter=5, weight_averaging=0.8)
    np.testing.assert_allclose(flat(model), [*averages(0.8, 5)][-1], rtol=1e-10, atol=1e-12)
    assert np.abs(flat(model) - flat(classifier(max_iter=5))).max() > 1e-4


def test_the_average_of_weights_of_scaled_columns():
    settings = {"solver": "auto", "learning_rate_init": 0.01, "dtype": "float64"}
    model = classifier(max_iter=4, weight_averaging=0.5, **settings)
    # Averages and the scaling of columns are both linear in the weights, so that they may change places.
    np.testing.assert_allclose(flat(model), [*averages(0.5, 4, **settings)][-1], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss"])
def test_the_average_is_what_is_judged(scoring):
    model = MLPClassifier(**BY_STEPS, max_iter=6, weight_averaging=0.7, scoring=scoring, early_stopping=True)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    scratch, judged = classifier(max_iter=1), []
    sizes = [each.size for each in (*scratch.coefs_, *scratch.intercepts_)]
    for average in averages(0.7, model.n_iter_):
        parts = np.split(average, np.cumsum(sizes)[:-1])
        for place, part in zip((*scratch.coefs_, *scratch.intercepts_), parts, strict=True):
            place[...] = part.reshape(place.shape)
        if scoring is None:
            judged.append(scratch.score(X_VAL, Y_VAL))
        else:
            judged.append(-log_loss(Y_VAL, scratch.predict_proba(X_VAL)))
    np.testing.assert_allclose(model.validation_scores_, judged, rtol=1e-9)


# Callbacks

callback = pytest.importorskip("sklearn.callback")


class Ends:
    """Ends training after some epochs, and writes down what it was told."""

    def __init__(self, epochs):
        self.epochs, self.told = epochs, []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X, fitted_estimator=None):
        self.told.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator=None):
        self.told.append(f"end {context.task_name}")
        return self.told.count("end epoch") >= self.epochs


def test_a_callback_ends_training():
    ends = Ends(3)
    model = MLPClassifier(**BY_STEPS, max_iter=9).set_callbacks(ends).fit(X, Y)
    assert model.n_iter_ == 3
    assert ends.told == ["setup", "begin fit", *["begin epoch", "end epoch"] * 3, "end fit", "teardown"]
    np.testing.assert_array_equal(flat(model), flat(classifier(max_iter=3)))


@pytest.mark.parametrize("solver", ["adam", "auto", "lbfgs"])
def test_callbacks_see_every_epoch(solver):
    ends = Ends(100)
    model = MLPClassifier(**(BY_STEPS | {"solver": solver}), max_iter=4).set_callbacks(ends).fit(X, Y)
    assert ends.told.count("begin epoch") == ends.told.count("end epoch") == model.n_iter_


def test_scores_are_those_after_each_epoch():
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    model = MLPClassifier(**BY_STEPS, max_iter=4).set_callbacks(monitor).fit(X, Y)
    scores = [row["neg_log_loss"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    expected = [-log_loss(Y, classifier(max_iter=epochs).predict_proba(X)) for epochs in range(1, 5)]
    np.testing.assert_allclose(scores, expected)
    assert scores[-1] == pytest.approx(-log_loss(Y, model.predict_proba(X)))


def test_the_progress_bar_moves(capsys):
    pytest.importorskip("rich")
    MLPClassifier(**BY_STEPS, max_iter=4).set_callbacks(callback.ProgressBar()).fit(X, Y)
    shown = capsys.readouterr().out
    assert "MLPClassifier - fit" in shown
    assert "100%" in shown


def test_an_error_in_a_callback_is_the_users():
    class Fails(Ends):
        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator=None):
            raise RuntimeError("mine")

    fails = Fails(1)
    with pytest.raises(RuntimeError, match="mine"):
        MLPClassifier(**BY_STEPS, max_iter=4).set_callbacks(fails).fit(X, Y)
    assert fails.told[-1] == "teardown"


# How scikit-learn counts epochs and lowers rates


@pytest.mark.parametrize("patience", [1, 4])
def test_epochs_without_improvement_are_counted_as_in_scikit_learn(patience):
    model = classifier(solver="sgd", tol=0.02, n_iter_no_change=patience, max_iter=60)
    stale, best, ended = 0, np.inf, None
    for epoch, loss in enumerate(model.loss_curve_, start=1):
        stale = stale + 1 if loss > best - 0.02 else 0
        best = min(best, loss)
        if stale > patience:
            ended = epoch
            break
    assert model.n_iter_ == ended < 60


def test_infinite_patience_runs_to_the_end():
    model = classifier(solver="sgd", tol=1e9, n_iter_no_change=np.inf, max_iter=30)
    assert model.n_iter_ == 30
    assert classifier(solver="sgd", tol=1e9, n_iter_no_change=3, max_iter=30).n_iter_ == 5


def test_the_inverse_scaling_of_rates_over_two_fits():
    settings = {"solver": "sgd", "momentum": 0.0, "shuffle": False, "batch_size": len(X), "alpha": 0.0}
    model = classifier(learning_rate="invscaling", learning_rate_init=0.5, max_iter=1, warm_start=True, **settings)
    for fits in range(1, 4):
        before = flat(model)
        plain = deepcopy(model).set_params(learning_rate="constant")
        plain.fit(X, Y)
        model.fit(X, Y)
        seen = fits * len(X)
        whole, scaled = flat(plain) - before, flat(model) - before
        np.testing.assert_allclose(scaled, whole / np.sqrt(seen + 1), rtol=1e-6, atol=1e-12)


def test_a_second_fit_forgets_the_rates_of_the_first():
    settings = {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "max_iter": 3}
    model = classifier(**settings)
    first = flat(model)
    np.testing.assert_array_equal(flat(model.fit(X, Y)), first)


def test_the_inverse_scaling_of_rates_in_partial_fits():
    settings = {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "alpha": 0.0}
    settings |= {"batch_size": len(X), "momentum": 0.0, "random_state": 0, "hidden_layer_sizes": 6}
    model = MLPClassifier(**settings).partial_fit(X, Y, classes=[0, 1, 2])
    for steps in range(1, 4):
        before, plain = flat(model), deepcopy(model).set_params(learning_rate="constant").partial_fit(X, Y)
        model.partial_fit(X, Y)
        whole, scaled = flat(plain) - before, flat(model) - before
        np.testing.assert_allclose(scaled, whole / np.sqrt(steps * len(X) + 1), rtol=1e-6, atol=1e-12)


def test_the_adaptive_rate_is_divided_by_five_when_training_stalls(capsys):
    settings = {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e9, "n_iter_no_change": 2, "verbose": True}
    model = classifier(learning_rate_init=0.1, max_iter=100, **settings)
    said = [line for line in capsys.readouterr().out.splitlines() if "learning rate" in line.lower()]
    rates = [float(line.rsplit(" ", 1)[1]) for line in said[:-1]]
    np.testing.assert_allclose(rates, 0.1 / 5.0 ** np.arange(1, len(rates) + 1), atol=5e-7)
    assert said[-1].endswith("Learning rate too small. Stopping.")
    assert model.choices_.optimizer.learning_rate.rate <= 1e-6
    assert model.n_iter_ < 100


# Targets and weights at the edge


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_class_weights_that_are_no_weights_are_refused(weight):
    with pytest.raises(InputError, match="class_weight must hold finite numbers of at least 0"):
        classifier(class_weight={0: 1.0, 1: weight, 2: 1.0})


def test_one_target_for_all_rows_is_predicted():
    assert np.all(MLPClassifier(4, random_state=0).fit(X, np.full(len(X), 7)).predict(X) == 7)
    constant = MLPRegressor(hidden_layer_sizes=4, random_state=0).fit(X, np.full(len(X), 7.0))
    np.testing.assert_allclose(constant.predict(X), 7, rtol=1e-5)


def test_few_rows_get_enough_updates():
    model = MLPClassifier(16, random_state=0).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)  # rows to judge by lead to Adam
    choices = model.choices_
    assert choices.epochs * -(-len(X) // choices.batch_size) >= 1500


def test_of_equal_scores_the_later_epoch_is_kept():
    given = {"scoring": lambda model, rows, y: 1.0, "max_iter": 5, "random_state": 0}
    kept = MLPClassifier(4, **given).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    last = MLPClassifier(4, **given, early_stopping=False, alpha=kept.choices_.alpha).fit(
        X, Y, X_val=X_VAL, y_val=Y_VAL
    )
    np.testing.assert_array_equal(flat(kept), flat(last))
    like_theirs = MLPClassifier(4, solver="adam", early_stopping=True, **given).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    first = MLPClassifier(4, solver="adam", early_stopping=True, **(given | {"max_iter": 1})).fit(
        X, Y, X_val=X_VAL, y_val=Y_VAL
    )
    np.testing.assert_array_equal(flat(like_theirs), flat(first))
