"""Running a study: repetition after repetition, until it is decided; arms that are clearly worse are dropped."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.study.arms import Arm
from actwise.study.conclusion import Comparison, Standing, conclude, judge
from actwise.study.metrics import Metric
from actwise.study.statistics import levels_of_looks
from actwise.study.store import Store, open_store
from actwise.study.trials import Experiment, Trained, Trial, quietly, run_trials

BATCH_SECONDS = 2.0  # of trainings in one task, so that handing tasks out costs little
MOST_IN_A_BATCH = 64
DATA_FILES = "data-{}.joblib"


@dataclass(frozen=True)
class Study:
    """What is to be run.

    Parameters
    ----------
    arms : tuple of Arm
        What is compared.
    experiment : Experiment
        Rows, splits and scorer.
    metric : Metric
        What is compared by.
    seeds : ndarray of int, shape (n_splits, n_seeds)
        Of the trainings, the same for all arms.
    n_folds : int
        Splits that make a repetition; 0 where a splitter's own are used, of which all are one repetition.
    race : bool
        Whether arms are dropped and the study may end early.
    identity : mapping
        Plain data by which a kept study is known again.
    """

    arms: tuple[Arm, ...]
    experiment: Experiment
    metric: Metric
    seeds: npt.NDArray[np.int64]
    n_folds: int
    race: bool
    identity: Mapping[str, Any]

    @property
    def looks(self) -> list[int]:
        """Numbers of splits after which the scores are looked at."""
        n = len(self.seeds)
        return [*range(self.n_folds, n, self.n_folds), n] if self.n_folds and self.race else [n]

    @property
    def test_to_train(self) -> float:
        """Rows of a test part over rows of a training part, on average."""
        return float(np.mean([len(test) / len(train) for train, test in self.experiment.splits]))


@dataclass(frozen=True)
class Progress:
    """How far a study is.

    Parameters
    ----------
    done, total : int
        Trainings that are done, and those there are at most, as things stand.
    n_splits : int
        Splits that all arms still in the race have.
    dropped : tuple of str
        Arms that were found worse.
    best : str or None
        The arm with the best mean so far.
    """

    done: int
    total: int
    n_splits: int
    dropped: tuple[str, ...]
    best: str | None


def run_study(
    study: Study,
    *,
    directory: str | None,
    workers: int | None,
    budget: float | None,
    on_progress: Callable[[Progress], object] | None,
    clock: Callable[[], float] = time.monotonic,
) -> Comparison:
    """Run a study to its end, or to the end of the budget, and conclude."""
    import joblib

    fingerprints = {arm.name: arm.fingerprint for arm in study.arms}
    began = clock()
    with ExitStack() as stack:
        kept = open_store(directory)
        store = None if kept is None else stack.enter_context(kept)
        done: dict[tuple[str, int, int], Trained] = {}
        if store is not None:
            store.match(study.identity)
            done = {(each.arm, each.split, each.seed_index): each for each in store.trainings(fingerprints)}
        folder = Path(directory) if directory else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for left_over in folder.glob(DATA_FILES.format("*")):  # of a study that was killed
            left_over.unlink(missing_ok=True)
        # A name of its own: workers keep what they have read by its name.
        path = folder / DATA_FILES.format(uuid.uuid4().hex)
        stack.callback(path.unlink, missing_ok=True)
        joblib.dump(study.experiment, path)
        stack.enter_context(quietly())
        return _race(_Runner(study, path, workers, store, done, fingerprints, on_progress), budget, began, clock)


def _race(runner: _Runner, budget: float | None, began: float, clock: Callable[[], float]) -> Comparison:
    study = runner.study
    looks, dropped, stopped_because = study.looks, set[str](), "all splits done"
    levels = levels_of_looks([n / looks[-1] for n in looks])
    finished, level = 0, levels[-1]
    for n_splits, look_level in zip(looks, levels, strict=True):
        if finished and budget is not None and clock() - began >= budget:
            stopped_because = "budget used up"
            break
        try:
            runner.train(range(finished, n_splits), dropped)
        except KeyboardInterrupt:
            complete = runner.complete_splits(dropped, n_splits)
            if complete < 2:
                raise InputError(
                    "the study was interrupted before two splits were done: nothing can be said yet"
                ) from None
            finished, level, stopped_because = complete, look_level, "interrupted"
            break
        finished, level = n_splits, look_level
        active = [arm.name for arm in study.arms if arm.name not in dropped]
        standing = Standing(tuple(active), runner.scores(active, n_splits))
        verdicts = judge(standing, study.metric.width(float(standing.means().max())), study.test_to_train, level)
        if study.race:
            dropped |= {name for name, (verdict, _, _) in zip(active, verdicts, strict=True) if verdict == "worse"}
            if all(verdict != "undecided" for verdict, _, _ in verdicts):
                stopped_because = "decided" if n_splits < looks[-1] else stopped_because
                break
    return runner.conclude(finished, level, frozenset(dropped), stopped_because)


class _Runner:
    """Does trainings, in this process or by joblib's workers, and keeps their scores."""

    def __init__(
        self,
        study: Study,
        path: Path,
        workers: int | None,
        store: Store | None,
        done: dict[tuple[str, int, int], Trained],
        fingerprints: Mapping[str, str],
        on_progress: Callable[[Progress], object] | None,
    ) -> None:
        self.study, self.path, self.workers, self.store = study, path, workers, store
        self.done, self.fingerprints, self.on_progress = done, fingerprints, on_progress
        self._constants: dict[int, float] = {}

    def train(self, splits: Iterable[int], dropped: set[str]) -> None:
        """Do what is missing of some splits, and keep each batch as it comes."""
        missing = [
            Trial(arm.name, arm.estimator, split, k, int(seed))
            for split in splits
            for arm in self.study.arms
            if arm.name not in dropped
            for k, seed in enumerate(self.study.seeds[split])
            if (arm.name, split, k) not in self.done
        ]
        for trainings in self._batches(missing):
            if self.store is not None:
                self.store.add(trainings, self.fingerprints)
            self.done |= {(each.arm, each.split, each.seed_index): each for each in trainings}
            if self.on_progress is not None:
                self.on_progress(self._progress(dropped))

    def _batches(self, trials: Sequence[Trial]) -> Iterator[list[Trained]]:
        from joblib import Parallel, delayed

        if not trials:
            return
        # The first training of each kind compiles what the others load.
        first = run_trials(self.path, trials[:1]) if not self.done else []
        if first:
            yield first
            trials = trials[1:]
        mean = float(np.mean([each.seconds for each in self.done.values()])) if self.done else BATCH_SECONDS
        size = int(np.clip(BATCH_SECONDS / max(mean, 1e-9), 1, MOST_IN_A_BATCH))
        size = max(1, min(size, len(trials) // (2 * (self.workers or 2)) or 1))
        batches = [trials[k : k + size] for k in range(0, len(trials), size)]
        # Compiled training lets other threads run; `joblib.parallel_config` overrules the preference.
        parallel = Parallel(n_jobs=self.workers or _processors(), prefer="threads", return_as="generator_unordered")
        yield from parallel(delayed(run_trials)(self.path, batch) for batch in batches)

    def _progress(self, dropped: set[str]) -> Progress:
        active = [arm.name for arm in self.study.arms if arm.name not in dropped]
        n_splits = self.complete_splits(dropped, len(self.study.seeds))
        best = active[int(np.argmax(self.scores(active, n_splits).mean(axis=0)))] if n_splits else None
        total = len(active) * self.study.seeds.size + sum(each.arm in dropped for each in self.done.values())
        return Progress(len(self.done), total, n_splits, tuple(sorted(dropped)), best)

    def complete_splits(self, dropped: set[str], most: int) -> int:
        """Return how many of the first splits all arms still in the race have."""
        active = [arm.name for arm in self.study.arms if arm.name not in dropped]
        n_seeds = self.study.seeds.shape[1]
        for split in range(most):
            if any((name, split, k) not in self.done for name in active for k in range(n_seeds)):
                return split
        return most

    def scores(self, names: Sequence[str], n_splits: int) -> npt.NDArray[np.float64]:
        """Return mean scores over seeds, shape (n_splits, n_arms); NaN where an arm was not trained."""
        found = np.full((n_splits, len(names)), np.nan)
        n_seeds = self.study.seeds.shape[1]
        for split in range(n_splits):
            for k, name in enumerate(names):
                trained = [self.done.get((name, split, s)) for s in range(n_seeds)]
                values = [self._score(each) for each in trained if each is not None]
                if len(values) == n_seeds:
                    found[split, k] = np.mean(values)
        return found

    def _score(self, trained: Trained) -> float:
        return trained.score if np.isfinite(trained.score) else self._constant(trained.split)

    def _constant(self, split: int) -> float:
        """Return the score of a constant answer, which stands for that of a training that diverged."""
        if split not in self._constants:
            from sklearn.dummy import DummyClassifier, DummyRegressor

            experiment = self.study.experiment
            train, test = experiment.splits[split]
            classifies = experiment.y.dtype.kind in "iu"
            dummy = DummyClassifier(strategy="prior") if classifies else DummyRegressor()
            dummy.fit(np.zeros((len(train), 1)), experiment.y[train])
            self._constants[split] = float(experiment.scorer(dummy, np.zeros((len(test), 1)), experiment.y[test]))
        return self._constants[split]

    def conclude(self, n_splits: int, level: float, dropped: frozenset[str], stopped_because: str) -> Comparison:
        """Turn the scores of the first splits into the answer."""
        study = self.study
        names = tuple(arm.name for arm in study.arms)
        standing = Standing(names, self.scores(names, n_splits))
        mine = [each for each in self.done.values() if each.split < n_splits]
        return conclude(
            standing,
            metric=study.metric.name,
            sign=study.metric.sign,
            rope=study.metric.width(float(standing.means()[standing.best()])),
            test_to_train=study.test_to_train,
            formula_sizes=[arm.formula_size for arm in study.arms],
            level=level,
            known_worse=dropped,
            n_folds=study.n_folds,
            n_seeds=study.seeds.shape[1],
            diverged={name: sum(each.arm == name and not np.isfinite(each.score) for each in mine) for name in names},
            seconds={
                name: float(np.median([each.seconds for each in mine if each.arm == name] or [np.nan]))
                for name in names
            },
            stopped_because=stopped_because,
        )


def _processors() -> int:
    from joblib import cpu_count

    return int(cpu_count())
