"""Studies: what they find, that they can be interrupted and go on, and what is refused."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import polars as pl
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold

import actwise as aw
from actwise.errors import InputError
from actwise.study import race
from actwise.study.trials import Trained
from actwise.tables import ReadOptions

SMALL = {"hidden_layer_sizes": 4, "max_iter": 30}


@pytest.fixture(scope="module")
def curve():
    x = np.linspace(-3, 3, 80).reshape(-1, 1)
    return x, np.sin(2 * x[:, 0])


@pytest.fixture(scope="module")
def classes():
    random = np.random.default_rng(0)
    X = random.normal(size=(90, 3))
    return X, (X[:, 0] + 0.3 * random.normal(size=90) > 0).astype(int)


def _plain(found):
    """Everything but the times, which no two runs share."""
    plain = found.to_dict()
    for arm in plain["arms"]:
        del arm["seconds"]
    return json.dumps(plain)


def test_a_curve_needs_an_activation_that_is_not_the_identity(curve):
    found = aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=10)
    assert found.winner == "tanh"
    assert found.metric == "R2"
    assert found.best.n_trainings == found.n_splits
    assert "Take tanh." in str(found)


def test_a_linear_problem_is_answered_by_any(classes):
    X, _ = classes
    found = aw.compare({"a": Ridge(), "b": Ridge(alpha=1.0001)}, X, X @ [1.0, 2.0, 3.0], splits=10)
    assert found.winner is None
    assert set(found.equivalent) == {"a", "b"}


def test_every_kind_of_arm_stands_in_one_table(classes):
    arms = {
        "formula": "x * sigmoid(1.5 * x)",
        "record": aw.activation("leaky_relu", slope=0.1),
        "layers": {"activation": ["relu", "tanh"], "hidden_layer_sizes": (4, 3)},
        "settings": {"solver": "adam", "max_iter": 5},
        "linear": LogisticRegression(),
    }
    found = aw.compare(arms, *classes, splits=5, race=False)
    assert {arm.name for arm in found.arms} == set(arms)
    assert found.metric == "log-loss"
    assert not found.larger_is_better
    assert found.best.score == min(arm.score for arm in found.arms)


def test_scores_are_those_of_a_plain_loop(classes):
    """The slow twin: the same splits, an estimator for each, scikit-learn's scores."""
    X, y = classes
    splitter = KFold(4, shuffle=True, random_state=0)
    found = aw.compare(
        {"a": LogisticRegression(), "b": LogisticRegression(C=0.01)}, X, y, splits=splitter, metric="accuracy"
    )
    for arm, C in (("a", 1.0), ("b", 0.01)):
        expected = [
            LogisticRegression(C=C).fit(X[train], y[train]).score(X[test], y[test]) for train, test in splitter.split(X)
        ]
        assert next(each for each in found.arms if each.name == arm).score == pytest.approx(np.mean(expected))


def test_frames_are_encoded_within_each_split():
    random = np.random.default_rng(0)
    frame = pl.DataFrame({"city": random.choice(["a", "b", "c"], 80), "size": random.normal(size=80)})
    frame = frame.with_columns(price=pl.col("size") * 2 + (pl.col("city") == "a").cast(pl.Float64))
    found = aw.compare(["identity", "relu"], frame, "price", settings=SMALL, splits=5)
    assert found.best.score > 0.8
    without = aw.compare(
        ["identity", "relu"], frame, "price", settings=SMALL, splits=5, reading=ReadOptions(types=("size=ignore",))
    )
    assert without.best.score < 0.5


def test_the_answer_does_not_depend_on_workers_or_on_the_order_in_which_trainings_end(curve):
    alone = aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=5, seeds=2, workers=1)
    together = aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=5, seeds=2, workers=3)
    assert _plain(alone) == _plain(together)


def test_an_interrupted_study_goes_on_to_the_same_bits(curve, tmp_path):
    whole = aw.compare(["identity", "tanh", "relu"], *curve, settings=SMALL, splits=10, race=False)

    def interrupt(progress):
        if progress.n_splits >= 3:
            raise KeyboardInterrupt

    study = str(tmp_path / "study")
    partly = aw.compare(
        ["identity", "tanh", "relu"], *curve, settings=SMALL, splits=10, race=False, study=study, on_progress=interrupt
    )
    assert partly.stopped_because == "interrupted"
    assert 3 <= partly.n_splits < 10
    rest = aw.compare(["identity", "tanh", "relu"], *curve, settings=SMALL, splits=10, race=False, study=study)
    assert _plain(rest) == _plain(whole)


def test_a_finished_study_trains_nothing_again_and_takes_more_arms_and_splits(curve, tmp_path, monkeypatch):
    study = str(tmp_path / "study")
    first = aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=5, race=False, study=study)
    trained = []
    run = race.run_trials
    monkeypatch.setattr(race, "run_trials", lambda path, trials: trained.extend(trials) or run(path, trials))
    assert _plain(
        aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=5, race=False, study=study)
    ) == _plain(first)
    assert not trained
    more = aw.compare(["identity", "tanh", "relu"], *curve, settings=SMALL, splits=10, race=False, study=study)
    assert {(each.arm, each.split) for each in trained} == {("relu", k) for k in range(10)} | {
        (arm, k) for arm in ("identity", "tanh") for k in range(5, 10)
    }
    monkeypatch.undo()
    assert _plain(more) == _plain(
        aw.compare(["identity", "tanh", "relu"], *curve, settings=SMALL, splits=10, race=False)
    )


KILLED = """
import sys, numpy as np, actwise as aw
x = np.linspace(-3, 3, 80).reshape(-1, 1)
aw.compare(["identity", "tanh"], x, np.sin(2 * x[:, 0]), settings={"hidden_layer_sizes": 4, "max_iter": 30}, splits=40,
           race=False, study=sys.argv[1], on_progress=lambda progress: print(progress.done, flush=True))
"""


def test_a_killed_study_loses_nothing(curve, tmp_path):
    study = str(tmp_path / "study")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, study],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    seen = 0
    for line in process.stdout:
        seen = int(line)
        if seen >= 10:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    found = aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=40, race=False, study=study)
    assert seen >= 10
    assert _plain(found) == _plain(aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=40, race=False))


def test_another_study_in_the_folder_is_refused(curve, classes, tmp_path):
    study = str(tmp_path)
    aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=5, study=study)
    with pytest.raises(InputError, match=r"another study \(data was"):
        aw.compare(["identity", "tanh"], curve[0], curve[1] + 1, settings=SMALL, splits=5, study=study)
    with pytest.raises(InputError, match="columns was"):
        aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=5, study=study, ignore=["x"])
    with pytest.raises(InputError, match="metric was"):
        aw.compare(["identity", "tanh"], *curve, settings=SMALL, splits=5, study=study, metric="rmse")
    with pytest.raises(InputError, match="another arm of the name 'identity'"):
        aw.compare(["identity", "tanh"], *curve, settings=SMALL | {"hidden_layer_sizes": 5}, splits=5, study=study)


def test_a_training_that_diverges_is_an_answer(curve, monkeypatch):
    run = race.run_trials

    def diverging(path, trials):
        done = run(path, trials)
        return [
            Trained(each.arm, each.split, each.seed_index, np.nan, 0.0) if each.arm == "b" and each.split < 2 else each
            for each in done
        ]

    monkeypatch.setattr(race, "run_trials", diverging)
    found = aw.compare({"a": Ridge(), "b": Ridge(alpha=2.0), "c": DummyRegressor()}, *curve, splits=5, race=False)
    b = next(arm for arm in found.arms if arm.name == "b")
    assert b.diverged == 2
    assert "b diverged in 2 of 5 trainings" in str(found)


def test_arms_that_are_clearly_worse_are_dropped(curve):
    found = aw.compare(["identity", "tanh", "sin(x)"], *curve, settings=SMALL | {"max_iter": 200}, splits=25)
    identity = next(arm for arm in found.arms if arm.name == "identity")
    assert identity.verdict == "worse"
    assert identity.n_splits < 25


def test_a_budget_ends_a_study_after_a_repetition(curve, monkeypatch):
    times = iter(range(0, 10_000, 100))
    run = partial(race.run_study, clock=lambda: next(times))
    monkeypatch.setattr("actwise.study.api.run_study", run)
    stopped = aw.compare({"a": Ridge(), "b": Ridge(alpha=30.0)}, *curve, rope=0.0, splits=50, budget=10)
    assert stopped.n_splits == 5
    assert stopped.stopped_because == "budget used up"


def test_each_training_picks_a_learning_rate(curve, tmp_path):
    settings = {"hidden_layer_sizes": 4, "solver": "adam", "max_iter": 40}
    tuned = aw.compare(["tanh", "relu"], *curve, settings=settings, splits=5, tune=[1e-5, 0.05], race=False)
    slow = aw.compare(["tanh", "relu"], *curve, settings=settings | {"learning_rate_init": 1e-5}, splits=5, race=False)
    assert tuned.best.score > slow.best.score + 0.2


@pytest.mark.parametrize(
    ("arms", "options", "message"),
    [
        (["relu"], {}, "two arms at least, not 1"),
        ("relu", {}, "must be a list or a dictionary"),
        (["relu", "relu"], {}, "two arms are called 'relu'"),
        (["relu", "max(x, 0)"], {}, None),
        (["relu", "rleu"], {}, "did you mean 'relu'"),
        (["relu", {"hiden": 3}], {}, "no setting is called 'hiden'"),
        (["relu", LogisticRegression()], {}, "does not fit this task, a regression"),
        (["relu", 3], {}, "an arm is an activation"),
        (["relu", "tanh"], {"splits": 1}, "needs two splits at least"),
        (["relu", "tanh"], {"splits": "many"}, "splits must be a number or a splitter"),
        (["relu", "tanh"], {"metric": "acuracy"}, "no metric 'acuracy'"),
        (["relu", "tanh"], {"metric": "accuracy"}, "does not fit targets that are numbers"),
        (["relu", "tanh"], {"rope": -1}, "rope must be"),
        (["relu", "tanh"], {"seeds": 0}, "seeds must be"),
        (["relu", "tanh"], {"budget": 0}, "budget must be"),
        (["relu", "tanh"], {"settings": {"activation": "relu"}}, "set it in one place"),
        (["relu", "tanh"], {"task": "ranking"}, "task must be"),
    ],
)
def test_what_cannot_be_compared_is_refused(curve, arms, options, message):
    if message is None:
        aw.compare(arms, *curve, settings=SMALL, splits=2)
        return
    with pytest.raises(InputError, match=message):
        aw.compare(arms, *curve, **options)


def test_a_class_too_rare_for_the_folds_is_refused():
    X = np.arange(20.0).reshape(-1, 1)
    with pytest.raises(InputError, match="rarest class has 2 rows, too few for 5 folds"):
        aw.compare(["relu", "tanh"], X, ["a"] * 18 + ["b"] * 2)


def test_the_figure_shows_every_arm(curve, tmp_path):
    pytest.importorskip("matplotlib")
    found = aw.compare({"a": Ridge(), "b": Ridge(alpha=30.0)}, *curve, splits=5)
    figure = found.plot(str(tmp_path / "arms.png"))
    assert [each.get_text() for each in figure.axes[0].get_yticklabels()] == [arm.name for arm in found.arms]
    assert (tmp_path / "arms.png").stat().st_size > 1000


def test_the_search_has_scikit_learns_interface(classes):
    search = aw.ActivationSearchCV(aw.MLPClassifier(4, random_state=0), ["relu", "tanh"], cv=5)
    search.fit(*classes)
    assert search.predict(classes[0]).shape == (90,)
    assert search.predict_proba(classes[0]).shape == (90, 2)
    assert search.score(*classes) > 0.8
    assert search.best_params_["activation"] == search.cv_results_["params"][search.best_index_]["activation"]
    assert set(search.classes_) == {0, 1}
    with pytest.raises(InputError, match="no parameter 'activation'"):
        aw.ActivationSearchCV(LogisticRegression()).fit(*classes)
