"""What can be reached on some rows: by a standard network, a linear model, boosted trees."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from actwise.doctor.data import Data
from actwise.doctor.setup import Outcome, Training
from actwise.doctor.standard import standard_setup
from actwise.doctor.targets import Numbers
from actwise.experiments.trials import Trials
from actwise.tasks.baselines import boosted_trees, linear_model

MOST_BASELINE_ROWS, MOST_BASELINE_CELLS = 20_000, 1_000_000  # seconds, and more would not change a verdict
MOST_TREES = 300  # boosting grows a tree per class and round
MOST_TREE_COLUMNS, MOST_TREE_TARGETS = 200, 8  # seconds, and rarely the best with more
FEWEST_BASELINE_ROWS = 50
FEWEST_FOLDED_ROWS, FOLDS = 30, 5
MEMORISED = 0.15  # by so much more is reached on rows that were trained on than on others
NETWORK, LINEAR, TREES = "a standard network", "a linear model", "boosted trees"


@dataclass(frozen=True)
class Reference:
    """What can be reached on some rows: the score of each model by its name."""

    scores: Mapping[str, float]
    row_errors: Mapping[str, Numbers | None] = field(default_factory=dict)  # of the test rows, for a regression
    is_cross_validated: bool = False  # because the standard network would memorise the rows

    @property
    def score(self) -> float:
        """The best of them."""
        return max(self.scores.values())

    @property
    def name(self) -> str:
        """Which is the best."""
        return max(self.scores, key=lambda each: self.scores[each])


def find_reference(data: Data, trials: Trials, n_seeds: int = 3) -> Reference:
    """Train what a network is compared with."""
    (outcomes,) = trials.run([Training(standard_setup(data), data)], n_seeds)
    middle = sorted(outcomes, key=lambda each: each.score)[len(outcomes) // 2]
    own = middle.score
    if data.held_out:
        outputs = _baselines(data) if len(data.train) >= FEWEST_BASELINE_ROWS else {}
        scores = {name: data.task.score(each, data.test) for name, each in outputs.items()}
        errors = {name: data.task.row_errors(each, data.test) for name, each in outputs.items()}
        return Reference({NETWORK: own, **scores}, {NETWORK: middle.row_errors, **errors})
    if data.task.kind in ("binary", "multiclass") and len(data.train) >= FEWEST_FOLDED_ROWS and not data.is_complete:
        left_out = cross_validated(data, trials)
        if left_out < own - MEMORISED:
            # Labels that cannot be told from the inputs can only be memorised: no fair aim.
            linear = data.task.score(_baselines(data)[LINEAR], data.test)
            return Reference({f"{NETWORK}, cross-validated,": left_out, LINEAR: linear}, is_cross_validated=True)
    return Reference({NETWORK: own})


def cross_validated(data: Data, trials: Trials) -> float:
    """Score the standard network on rows that it has not seen, a fifth of them at a time."""
    order = np.random.default_rng(trials.seed).permutation(data.train)
    tests = [np.sort(order[fold::FOLDS]) for fold in range(FOLDS)]
    parts = [Data(data.X, data.task, np.setdiff1d(data.train, test), test) for test in tests]
    outcomes: list[list[Outcome]] = trials.run([Training(standard_setup(part), part) for part in parts], 1)
    return float(np.mean([each.score for (each,) in outcomes]))


def _baselines(data: Data) -> dict[str, Numbers]:
    """Return outputs for the test rows of simple models, as a network would put them out."""
    rows = data.train
    task, X = data.task, data.scaled_inputs
    most = max(FEWEST_BASELINE_ROWS, min(MOST_BASELINE_ROWS, MOST_BASELINE_CELLS // X.shape[1]))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    # The answers of several yes-or-no questions are learned one by one.
    n_classes = 0 if task.kind == "regression" else max(2, len(task.labels))
    models = {LINEAR: linear_model(n_classes), TREES: boosted_trees(n_classes, most_trees=MOST_TREES)}
    columns = task.truth.reshape(len(task.truth), -1)
    if X.shape[1] > MOST_TREE_COLUMNS or columns.shape[1] > MOST_TREE_TARGETS:
        del models[TREES]
    found: dict[str, Numbers] = {}
    for name, model in models.items():
        predicted: Numbers = np.empty((len(data.test), columns.shape[1]))
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            for k in range(columns.shape[1]):
                if len(np.unique(columns[rows, k])) < 2:
                    predicted[:, k] = columns[rows[0], k]
                else:
                    predicted[:, k] = model.fit(X[rows], columns[rows, k]).predict(X[data.test])
        if task.kind == "multilabel":
            predicted = task.given.min() + predicted * np.ptp(task.given)
        elif task.is_classification:
            predicted = (predicted == np.arange(max(2, len(task.labels)))).astype(float)
        found[name] = predicted
    return found
