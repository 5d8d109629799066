"""The trial of penalties takes the strongest before the loss on rows held out rises."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

from actwise.estimators import MLPRegressor
from actwise.recipes import fitting
from actwise.recipes.fitting import Fitting, choose_alpha

ALPHAS = (0.1, 1.0, 10.0)
INF, NAN = np.inf, np.nan
X, Y = make_classification(100, 4, random_state=0)


@pytest.fixture
def ready(monkeypatch):
    """A fit that is about to try penalties, which then are `ALPHAS`."""
    seen = []
    monkeypatch.setattr("actwise.recipes.fitting.choose_alpha", lambda given, *_: seen.append(given) or 0.5)
    with pytest.warns(ConvergenceWarning):
        MLPRegressor(hidden_layer_sizes=2, random_state=0, max_iter=9, batch_size=20).fit(X, Y)
    (one,) = seen
    return replace(one, plan=replace(one.plan, alphas=ALPHAS, alpha=0.5))


@pytest.mark.parametrize(
    ("last_losses", "chosen", "tried"),
    [
        ([3.0, 2.0, 1.0], 10.0, 3),
        ([3.0, 2.0, 2.5], 1.0, 3),
        ([1.0, 2.0, 0.5], 0.1, 2),  # what comes after a rise is not seen
        ([1.0, 1.0, 1.0], 0.1, 3),
        ([2.0, 2.0, 1.0], 10.0, 3),
        ([INF, 2.0, 3.0], 1.0, 3),
        ([NAN, 2.0, 1.0], 10.0, 3),
        ([INF, INF, INF], 0.5, 3),
        ([1.0, INF, 0.5], 0.1, 2),
        ([None, 1.0, 2.0], 1.0, 3),
    ],
)
def test_the_penalty_before_the_loss_rises(last_losses, chosen, tried, ready, monkeypatch):
    trials = []

    def history(self, seed):
        last = last_losses[len(trials)]
        trials.append(self)
        return SimpleNamespace(validation_losses=np.array([] if last is None else [0.0, last]))

    monkeypatch.setattr(Fitting, "history", history)
    assert choose_alpha(ready, 0, None) == chosen
    assert len(trials) == tried
    for trial, alpha in zip(trials, ALPHAS, strict=False):
        assert (len(trial.rows), len(trial.held)) == (80, 20)
        assert trial.plan.epochs == 4  # half of 9, rounded to even
        # Beside the sum of the losses of all rows the penalty is the same: beside a mean it counts per row.
        assert trial.l2 * len(trial.rows) == pytest.approx(alpha / 20 * len(X))


def test_rows_that_are_given_to_judge_by_are_those_of_the_trial(ready, monkeypatch):
    trials = []
    monkeypatch.setattr(
        Fitting, "history", lambda self, _: trials.append(self) or SimpleNamespace(validation_losses=np.ones(1))
    )
    monkeypatch.setattr(fitting, "TRIAL_ROWS", 30)
    held = ready.rows.take(np.arange(10))
    choose_alpha(replace(ready, held=held), 0, None)
    assert all(trial.held is held and len(trial.rows) == 30 for trial in trials)


def test_rows_without_weight_decide_nothing(ready, monkeypatch):
    monkeypatch.setattr(Fitting, "history", None)
    nothing = replace(ready.rows, weights=np.zeros(len(X)))
    assert choose_alpha(replace(ready, rows=nothing), 0, None) == 0.5
