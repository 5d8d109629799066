"""One training of a study: an arm learns from the training rows of a split and is scored on its test rows."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError

Rows = npt.NDArray[np.int64]
INNER_SHARE = 0.2  # of the training rows, by which an arm picks its learning rate


@dataclass(frozen=True)
class Trial:
    """A training to be done.

    Parameters
    ----------
    arm : str
        Name of the arm.
    estimator : estimator
        Unfitted.
    split : int
        Index of the split.
    seed_index : int
        Which of the split's seeds.
    seed : int
        Of initial weights and order of rows; the same for all arms.
    """

    arm: str
    estimator: Any
    split: int
    seed_index: int
    seed: int


@dataclass(frozen=True)
class Trained:
    """A training that is done.

    Parameters
    ----------
    arm : str
        Name of the arm.
    split, seed_index : int
        Which split, and which of its seeds.
    score : float
        On the test rows, larger is better; NaN where the training diverged.
    seconds : float
        Of the fit.
    learning_rate : float or None
        The one that was picked, where there was a choice.
    """

    arm: str
    split: int
    seed_index: int
    score: float
    seconds: float
    learning_rate: float | None = None


@dataclass(frozen=True)
class Experiment:
    """What all trainings of a study share; workers read it from a file.

    Parameters
    ----------
    X : ndarray or polars.DataFrame
        Inputs of all rows; columns of a frame are encoded anew for each split, by its training rows.
    y : ndarray
        Targets of all rows.
    splits : tuple of (ndarray, ndarray)
        Training and test rows.
    scorer : callable
        Takes a fitted estimator, X and y; larger is better.
    learning_rates : tuple of float
        To pick from on some of the training rows; none: the estimator's own.
    ignore : tuple of str
        Columns of a frame to leave out.
    version : str
        Of Actwise, which workers must share.
    process : int
        Number of the process that runs the study.
    reading : ReadOptions or None
        How the cells of a frame are read.
    """

    X: Any
    y: npt.NDArray[Any]
    splits: tuple[tuple[Rows, Rows], ...]
    scorer: Any
    learning_rates: tuple[float, ...] = ()
    ignore: tuple[str, ...] = ()
    version: str = ""
    process: int = 0
    reading: Any = None

    def inputs(self, train: Rows, *others: Rows) -> list[Any]:
        """Return the inputs of training rows and of others, shape (n_rows, n_features) each."""
        if isinstance(self.X, np.ndarray):
            return [self.X[rows] for rows in (train, *others)]
        from actwise.tables import TableEncoding

        encoding = TableEncoding.learn(self.X, (), train, ignore=self.ignore, options=self.reading)
        return [encoding.encode(self.X, rows) for rows in (train, *others)]


@lru_cache(maxsize=2)
def _load(path: str) -> Experiment:
    import joblib

    from actwise import __version__

    try:
        experiment: Experiment = joblib.load(path, mmap_mode="r")
    except FileNotFoundError as error:
        raise InputError(
            f"a worker does not find the data of the study at {path}: give --study a folder that all workers see"
        ) from error
    if experiment.version != __version__:
        raise InputError(
            f"a worker has Actwise {__version__} and the study is of {experiment.version}: install one version "
            "everywhere"
        )
    if experiment.process != os.getpid():  # a worker's own process, which does nothing else
        _quiet()
    return experiment


@contextmanager
def quietly() -> Iterator[None]:
    """Let no training warn, as its score says enough, nor use several threads for a product."""
    from threadpoolctl import threadpool_limits

    # Both are settings of the whole process: threads that set them for themselves would undo each other's.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        yield


def _quiet() -> None:
    from threadpoolctl import threadpool_limits

    warnings.simplefilter("ignore")
    threadpool_limits(1)


def run_trials(path: Path, trials: Sequence[Trial]) -> list[Trained]:
    """Do some trainings, in a worker or here; `path` is where the experiment lies."""
    experiment = _load(str(path))
    encoded: dict[int, list[Any]] = {}
    done = []
    for trial in trials:
        train, test = experiment.splits[trial.split]
        if trial.split not in encoded:
            encoded = {trial.split: experiment.inputs(train, test)}
        X_train, X_test = encoded[trial.split]
        done.append(_train(experiment, trial, X_train, experiment.y[train], X_test, experiment.y[test]))
    return done


def _train(experiment: Experiment, trial: Trial, X: Any, y: Any, X_test: Any, y_test: Any) -> Trained:
    began = time.perf_counter()
    with np.errstate(all="ignore"):
        rate = _pick_rate(experiment, trial, X, y) if experiment.learning_rates else None
        try:
            fitted = seeded(trial.estimator, trial.seed, rate).fit(X, y)
            seconds = time.perf_counter() - began
            score = float(experiment.scorer(fitted, X_test, y_test))
        except ValueError as error:
            if "finite" not in str(error) and "NaN" not in str(error):
                raise InputError(f"arm {trial.arm!r} cannot be trained on these rows: {error}") from error
            seconds, score = time.perf_counter() - began, math.nan
    return Trained(trial.arm, trial.split, trial.seed_index, score if math.isfinite(score) else math.nan, seconds, rate)


def _pick_rate(experiment: Experiment, trial: Trial, X: Any, y: Any) -> float | None:
    """Return the learning rate with the best score on some of the training rows; None where there is none to set."""
    if "learning_rate_init" not in trial.estimator.get_params(deep=False):
        return None
    order = np.random.default_rng(trial.seed).permutation(len(y))
    n = max(1, round(INNER_SHARE * len(y)))
    inner, kept = order[:n], order[n:]
    best, found = -math.inf, experiment.learning_rates[0]
    for rate in experiment.learning_rates:
        try:
            score = float(
                experiment.scorer(seeded(trial.estimator, trial.seed, rate).fit(X[kept], y[kept]), X[inner], y[inner])
            )
        except ValueError:  # a class that no inner row has, or a training that diverged
            continue
        if score > best:
            best, found = score, rate
    return found


def seeded(estimator: Any, seed: int, learning_rate: float | None = None) -> Any:
    """Return an unfitted copy with a seed and, where given, a learning rate."""
    from sklearn.base import clone

    found = clone(estimator)
    settings: dict[str, Any] = {} if learning_rate is None else {"learning_rate_init": learning_rate}
    seeds = {name: seed for name in found.get_params(deep=True) if name.split("__")[-1] == "random_state"}
    return found.set_params(**seeds, **settings)
