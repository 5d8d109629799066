"""`compare`: the front door of studies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise import __version__
from actwise.arrays import check_number, check_whole
from actwise.errors import InputError
from actwise.study.arms import ArmSpec, describe, make_arms
from actwise.study.conclusion import Comparison
from actwise.study.metrics import make_metric
from actwise.study.race import Progress, Study, run_study
from actwise.study.trials import Experiment, Rows
from actwise.tasks import find_task

N_FOLDS = 5
N_SPLITS = 15
LARGEST_SEED = 2**31 - 1


def compare(
    arms: Mapping[str, ArmSpec] | Sequence[ArmSpec],
    X: Any,
    y: Any,
    *,
    splits: int | Any = N_SPLITS,
    seeds: int = 1,
    seed: int = 0,
    budget: float | None = None,
    metric: str | Callable[..., float] | None = None,
    rope: float | None = None,
    settings: Mapping[str, Any] | None = None,
    tune: Sequence[float] = (),
    task: str = "auto",
    ignore: Sequence[str] = (),
    reading: Any = None,
    study: str | None = None,
    workers: int | None = None,
    race: bool = True,
    on_progress: Callable[[Progress], object] | None = None,
) -> Comparison:
    """Compare activations, settings or learners on some data by paired experiments.

    All arms see the same splits, the same seeds and the same order of rows. Arms that are clearly worse are dropped
    early, and the study ends when every arm is known to be worse than the best or practically as good.

    Parameters
    ----------
    arms : sequence, or mapping of str to arm
        Two or more. An arm is an activation (a name, a formula in ``x``, a record, or a list with one for each hidden
        layer), a dictionary of parameters of `actwise.MLPClassifier` or `actwise.MLPRegressor`, or any estimator of
        scikit-learn.
    X : array_like of shape (n_rows, n_features), or DataFrame
        Inputs. The columns of a frame are encoded as `actwise.fit_table` does, anew for the training rows of each
        split.
    y : array_like of shape (n_rows,), or str
        Labels or numbers; or the column of a frame that holds them.
    splits : int or splitter of scikit-learn
        At most so many splits: repetitions of five folds, stratified for classes. A splitter's are used as they are.
    seeds : int
        Trainings for each arm and split.
    seed : int
        Of the splits and of all trainings.
    budget : float, optional
        Seconds after which no further repetition is begun. Without it the answer does not depend on the machine.
    metric : str or callable, optional
        The name of a scorer of scikit-learn, such as ``"accuracy"``, or a scorer. By default log-loss for classes
        and R2 for numbers.
    rope : float, optional
        Half the width of the region of practical equivalence: differences up to it do not matter. By default 0.01 for
        log-loss and for scores from 0 to 1, and 1 % of the best arm's mean for all others.
    settings : mapping, optional
        Parameters that all arms that are networks share, such as ``{"hidden_layer_sizes": (32, 32)}``.
    tune : sequence of float
        Learning rates of which each arm picks one for each training, on a fifth of the training rows.
    task : {"auto", "classification", "regression"}
        What is to be learned; by default text, truth values and few whole numbers are classes.
    ignore : sequence of str
        Columns of a frame to leave out.
    reading : actwise.tables.ReadOptions, optional
        How the cells of a frame are read, where that is not left to evidence.
    study : str, optional
        A folder that keeps every training that was done. Called again with it, an interrupted study goes on; arms and
        splits may be added.
    workers : int, optional
        Trainings at a time; by default one for each processor. `joblib.parallel_config` says where they run: in
        threads, processes, or on a cluster.
    race : bool
        Whether arms that are clearly worse are dropped and a decided study ends early.
    on_progress : callable, optional
        Called with a `Progress` after every batch of trainings.

    Returns
    -------
    Comparison
        ``.winner``, ``.recommended``, ``.equivalent``, ``.arms``; ``str()`` is a paragraph, ``.plot()`` a figure,
        ``.to_frame()`` a table. Ctrl-C ends the study early and returns the answer so far.

    Raises
    ------
    InputError
        If something does not fit together; the message says what.

    Examples
    --------
    >>> import actwise as aw
    >>> import numpy as np
    >>> x = np.linspace(-3, 3, 120).reshape(-1, 1)
    >>> found = aw.compare(["identity", "tanh"], x, np.sin(2 * x[:, 0]), settings={"hidden_layer_sizes": 8}, splits=5)
    >>> found.winner
    'tanh'

    References
    ----------
    Nadeau and Bengio 2003, Machine Learning 52: the variance of scores over overlapping splits. Corani and Benavoli
    2015, Machine Learning 100: probabilities of better, equivalent and worse. Holm 1979: several contrasts at once.
    Lan and DeMets 1983, Biometrika 70: several looks at one study.
    """
    inputs, targets, labels = _read(X, y, task, reading)
    classifies = labels is not None
    n_classes = 0 if labels is None else len(labels)
    seed = check_whole("seed", seed, least=0)
    n_seeds = check_whole("seeds", seeds)
    budget = None if budget is None else check_number("budget", budget)
    found = make_arms(arms, classifies=classifies, settings=settings or {})
    measured = make_metric(metric, classifies=classifies, n_classes=n_classes, rope=rope)
    pairs, n_folds = _split(splits, targets, classifies, seed)
    rates = tuple(check_number("tune", each) for each in tune)
    experiment = Experiment(
        inputs, targets, tuple(pairs), measured.scorer, rates, tuple(ignore), __version__, os.getpid(), reading
    )
    plan = Study(
        arms=tuple(found),
        experiment=experiment,
        metric=measured,
        seeds=_seeds(seed, len(pairs), n_seeds),
        n_folds=n_folds,
        race=race,
        identity={
            "data": describe([_digest(inputs), targets]),
            "splitter": describe(
                seed if isinstance(splits, int | np.integer) else [np.concatenate(each) for each in pairs]
            ),
            "seeds": n_seeds,
            "metric": measured.name,
            "learning rates": list(rates),
            "columns": {"left out": sorted(ignore), "read by": repr(reading)},
            "actwise": __version__,
        },
    )
    return run_study(plan, directory=study, workers=workers, budget=budget, on_progress=on_progress)


def _seeds(seed: int, n_splits: int, n_seeds: int) -> npt.NDArray[np.int64]:
    """Draw the seeds, shape (n_splits, n_seeds); more splits leave the first ones as they are."""
    return np.array(
        [np.random.default_rng([seed, split]).integers(LARGEST_SEED, size=n_seeds) for split in range(n_splits)],
        np.int64,
    )


def _read(X: Any, y: Any, task: str, reading: Any) -> tuple[Any, npt.NDArray[Any], tuple[Any, ...] | None]:
    """Return inputs, targets as numbers, and the labels of classes, which the targets then count."""
    if task not in ("auto", "classification", "regression"):
        raise InputError(f"task must be 'auto', 'classification' or 'regression', not {task!r}")
    if isinstance(y, str):
        return _read_frame(X, y, task, reading)
    from sklearn.utils import check_X_y

    try:
        inputs, targets = check_X_y(X, y, dtype=[np.float64, np.float32], y_numeric=task == "regression")
    except ValueError as error:
        raise InputError(str(error)) from error
    found = find_task(targets, None if task == "auto" else task)
    if not found.is_classification:
        return inputs, np.asarray(targets, np.float64), None
    if len(found.labels) < 2:
        raise InputError(f"y is {found.labels[0]!r} in every row: there is nothing to tell apart")
    return inputs, found.encode(targets).astype(np.int64), found.labels


def _read_frame(
    frame: Any, target: str, task: str, reading: Any
) -> tuple[Any, npt.NDArray[Any], tuple[Any, ...] | None]:
    from actwise.tables import ReadOptions, read_table
    from actwise.tables.targets import find_target

    table = read_table(frame)
    found = find_target(table, target, task, reading or ReadOptions())
    rows = found.labelled_rows(table)
    table = table[rows]
    if found.is_classification:
        codes = found.encode(table).astype(np.int64)
        return table.drop(target), codes, found.labels
    return table.drop(target), found.values(table, np.arange(table.height))[:, 0].astype(np.float64), None


def _digest(inputs: Any) -> Any:
    """Return an array as it is and a frame as text, which no version of a library hashes in another way."""
    return inputs if isinstance(inputs, np.ndarray) else hashlib.sha256(inputs.write_csv().encode()).hexdigest()


def _split(splits: Any, targets: npt.NDArray[Any], classifies: bool, seed: int) -> tuple[list[tuple[Rows, Rows]], int]:
    """Return training and test rows of every split, and the number of folds in a repetition (0: a splitter's own)."""
    from sklearn.model_selection import KFold, StratifiedKFold

    rows = np.zeros(len(targets))
    if not isinstance(splits, int | np.integer) or isinstance(splits, bool):
        if isinstance(splits, str | bool) or not hasattr(splits, "split"):
            raise InputError(f"splits must be a number or a splitter of scikit-learn, not {splits!r}")
        try:
            found = [(np.asarray(train), np.asarray(test)) for train, test in splits.split(rows, targets)]
        except ValueError as error:
            raise InputError(f"these rows cannot be split so: {error}") from error
        if len(found) < 2:
            raise InputError("a comparison needs two splits at least: one tells nothing of chance")
        return found, 0
    if splits < 2:
        raise InputError(f"a comparison needs two splits at least, not {splits}: one tells nothing of chance")
    n_folds = min(N_FOLDS, int(splits))
    if classifies:
        fewest = int(np.bincount(targets).min())
        if fewest < n_folds:
            raise InputError(
                f"the rarest class has {fewest} {'row' if fewest == 1 else 'rows'}, too few for {n_folds} folds: "
                "drop or "
                "merge it, get more rows, or give fewer splits"
            )
    elif len(targets) < 2 * n_folds:
        raise InputError(f"{len(targets)} rows are too few for {n_folds} folds: get more rows, or give fewer splits")
    folds = StratifiedKFold if classifies else KFold
    pairs: list[tuple[Rows, Rows]] = []
    repetition = 0
    while len(pairs) < splits:
        shuffled = folds(
            n_folds, shuffle=True, random_state=int(np.random.default_rng([seed, repetition]).integers(2**31))
        )
        pairs += list(shuffled.split(rows, targets))
        repetition += 1
    return pairs[:splits], n_folds
