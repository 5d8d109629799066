"""Training the same thing several times, and many things side by side, within a budget of seconds."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from actwise.doctor.subjects import Data, Outcome, Subject, train_once, warm_up
from actwise.doctor.wellset import reference_subject

SHORTEST_SECONDS = 0.3  # a training gets at least so long
FEWEST_SEEDS = 2
MOST_BASELINE_ROWS, MOST_BASELINE_CELLS = 20_000, 1_000_000  # seconds, and more would not change a verdict
MOST_TREES = 300  # boosting grows a tree per class and round
FEWEST_BASELINE_ROWS = 50
FEWEST_FOLDED_ROWS, FOLDS = 30, 5
LEARNED_BY_HEART = 0.15  # by so much more is reached on rows that were learned from than on others


@dataclass
class Laboratory:
    """Runs trainings in threads: compiled stages leave Python's lock to others.

    Parameters
    ----------
    data : Data
        The rows.
    seed : int
        The first seed; others follow it.
    budget : float
        Seconds.
    observe : callable
        Called with a word on what is done next and the share of the budget that is used up.
    """

    data: Data
    seed: int
    budget: float
    observe: Callable[[str, float], object]
    _stopped: bool = False
    _longest: float = 0.0
    _began: float = field(default_factory=time.perf_counter)

    @property
    def seconds_left(self) -> float:
        """Seconds until the budget is used up."""
        return max(0.0, self._began + self.budget - time.perf_counter())

    def train(
        self, subjects: Sequence[Subject], n_seeds: int, first: int = 0, share: float = 1.0, *, whole: bool = False
    ) -> list[list[Outcome]]:
        """Train each subject with so many seeds.

        `n_seeds`: how often; less often where the time that is left does not allow it, by what trainings
        took so far.
        """
        processors = os.cpu_count() or 1
        affordable = int(share * self.seconds_left * processors / max(self._longest, 1e-9) / len(subjects))
        n_seeds = min(n_seeds, max(FEWEST_SEEDS, affordable))
        jobs = [(subject, self.seed + first + k) for subject in subjects for k in range(n_seeds)]
        workers = min(len(jobs), processors)

        before = time.perf_counter()
        for subject in subjects:
            warm_up(subject, self.data, whole=whole)
        self._began += time.perf_counter() - before  # compiling is not charged to the budget
        each = max(SHORTEST_SECONDS, share * self.seconds_left * workers / max(1, len(jobs)))

        def run(job: tuple[Subject, int]) -> Outcome:
            return train_once(job[0], self.data, job[1], each, lambda: self._stopped, whole=whole)

        with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(run, job) for job in jobs]
            try:
                outcomes = [future.result() for future in futures]
                self._longest = max(self._longest, *(outcome.seconds for outcome in outcomes))
            except BaseException:
                # Ctrl-C reaches this thread only: the others end at their next look.
                self._stopped = True
                for future in futures:
                    future.cancel()
                raise
        return [outcomes[k * n_seeds : (k + 1) * n_seeds] for k in range(len(subjects))]

    def say(self, what: str) -> None:
        """Tell what is done next."""
        self.observe(what, 1 - self.seconds_left / self.budget)


@dataclass(frozen=True)
class Reference:
    """What can be reached on these rows.

    Parameters
    ----------
    scores : dict of str to float
        By name: a well-set network (the median of its seeds), a linear model, boosted trees.
    is_of_others : bool
        Whether the well-set network is judged by rows left out in turn, because it would learn the judging
        rows by heart.
    """

    scores: dict[str, float]
    is_of_others: bool = False

    @property
    def score(self) -> float:
        """The best of them."""
        return max(self.scores.values())

    @property
    def name(self) -> str:
        """Which is the best."""
        return max(self.scores, key=lambda each: self.scores[each])


def find_reference(laboratory: Laboratory, n_seeds: int = 3) -> Reference:
    """Train what a network is compared with."""
    data = laboratory.data
    (outcomes,) = laboratory.train([reference_subject(data)], n_seeds)
    scores = {"a well-set network": float(np.median([each.score for each in outcomes]))}
    by_heart = False
    if data.held_out:
        if len(data.train) >= FEWEST_BASELINE_ROWS:
            scores |= _classic_scores(data)
    elif data.task.kind in ("binary", "multiclass") and len(data.train) >= FEWEST_FOLDED_ROWS and not data.is_complete:
        left_out = _score_of_left_out_rows(laboratory)
        by_heart = left_out is not None and left_out < scores["a well-set network"] - LEARNED_BY_HEART
        if left_out is not None and by_heart:
            # Labels that cannot be told from the inputs can only be learned by heart: no fair aim.
            scores = {"a well-set network on rows left out in turn": left_out,
                      "a linear model": _classic_scores(data)["a linear model"]}  # fmt: skip
    return Reference(scores, by_heart)


def _score_of_left_out_rows(laboratory: Laboratory) -> float | None:
    """Score the well-set network on rows that it has not seen, a fifth of them at a time; None without the time."""
    data = laboratory.data
    order = np.random.default_rng(laboratory.seed).permutation(data.train)
    scores = []
    for fold in range(FOLDS):
        judge = np.sort(order[fold::FOLDS])
        part = Data(data.X, data.task, np.setdiff1d(data.train, judge), judge)
        each = max(SHORTEST_SECONDS, laboratory.seconds_left / (FOLDS - fold))
        outcome = train_once(reference_subject(part), part, laboratory.seed, each)
        if outcome.epochs_share < 1:
            return None
        scores.append(outcome.score)
    return float(np.mean(scores))


def _classic_scores(data: Data) -> dict[str, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    rows = data.train
    task, X = data.task, data.standard_inputs
    most = max(FEWEST_BASELINE_ROWS, min(MOST_BASELINE_ROWS, MOST_BASELINE_CELLS // X.shape[1]))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    rounds = max(10, min(100, MOST_TREES // max(1, len(task.labels))))
    if task.kind == "regression":
        models = {"a linear model": Ridge(), "boosted trees": HistGradientBoostingRegressor(max_iter=100)}
    else:
        models = {"a linear model": LogisticRegression(max_iter=500),
                  "boosted trees": HistGradientBoostingClassifier(max_iter=rounds)}  # fmt: skip
    found = {}
    columns = task.truth.reshape(len(task.truth), -1)
    for name, model in models.items():
        if name == "boosted trees" and (X.shape[1] > 200 or columns.shape[1] > 8):
            continue  # seconds, and rarely the best with so many columns
        said = np.empty((len(data.judge), columns.shape[1]))
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            for k in range(columns.shape[1]):
                if len(np.unique(columns[rows, k])) < 2:
                    said[:, k] = columns[rows[0], k]
                else:
                    said[:, k] = model.fit(X[rows], columns[rows, k]).predict(X[data.judge])
        found[name] = _score_of_answers(data, said)
    return found


def _score_of_answers(data: Data, said: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """Judge answers: class indices or numbers."""
    task = data.task
    if task.kind in ("regression", "multilabel"):
        wide = said if task.kind == "regression" else task.given.min() + said * np.ptp(task.given)
        return task.score(wide, data.judge)
    n_classes = max(2, len(task.labels))
    return task.score((said == np.arange(n_classes)).astype(float), data.judge)
