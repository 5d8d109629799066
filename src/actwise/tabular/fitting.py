"""Fit a network to a table: split, encode, train, and judge by the test rows, in this order."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from actwise.engines.numba import build
from actwise.errors import ActwiseWarning, InputError, TableError, suggest
from actwise.model.layers import Dropout
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.tables import TableEncoding, Target, find_target
from actwise.tables.learning import read_times
from actwise.tables.options import ReadOptions, merged
from actwise.tabular.leaks import telling_columns
from actwise.tabular.model import TableModel
from actwise.tabular.report import CONSTANT, NETWORK, FitReport, RowCounts, TrainingFacts, current_versions
from actwise.tabular.settings import FitSettings, build_network, training_options
from actwise.tasks import baselines
from actwise.tasks.baselines import Rows, baseline_predictions, constant_prediction
from actwise.tasks.metrics import METRICS, Scores, beats, class_scores, decisive_metric, number_scores
from actwise.tasks.splits import Split, split_groups, split_in_order, split_rows
from actwise.training import History, Run, start
from actwise.training.api import train_in_silence

NEARLY_PERFECT = 0.1  # of the constant's error is left
FEWEST_TRAINING_ROWS = 2  # one row is the same answer for every row


@dataclass(frozen=True)
class Prepared:
    """Everything is ready for training.

    Parameters
    ----------
    target : Target
        The task that was found.
    encoding : TableEncoding
        What is done with each column.
    rows : RowCounts
        How many rows serve for what.
    network : Network
        The network, untrained.
    options : mapping
        How it will be trained: keyword arguments of `actwise.training.start`.
    untested : tuple of str
        The classes of which there is no test row.
    training : Rows
        Encoded rows to train on.
    """

    target: Target
    encoding: TableEncoding
    rows: RowCounts
    network: Network
    options: Mapping[str, Any]
    untested: tuple[str, ...]
    training: Rows


@dataclass(frozen=True)
class EpochsDone:
    """Some more epochs were done.

    Parameters
    ----------
    epochs : int
        How many so far.
    history : History
        The records of the new ones.
    """

    epochs: int
    history: History


@dataclass(frozen=True)
class Trained:
    """The training ended.

    Parameters
    ----------
    run : Run
        Its result.
    """

    run: Run


@dataclass(frozen=True)
class BaselineDone:
    """A baseline was trained and judged.

    Parameters
    ----------
    name : str
        Which one.
    """

    name: str


FitEvent: TypeAlias = Prepared | EpochsDone | Trained | BaselineDone


@dataclass(frozen=True)
class FitResult:
    """What a fit comes to.

    Parameters
    ----------
    model : TableModel
        The model, with its report.
    history : History
        A record per epoch.
    """

    model: TableModel
    history: History


def fit_table(
    frame: pl.DataFrame,
    targets: str | Sequence[str],
    settings: FitSettings | None = None,
    *,
    observe: Callable[[FitEvent], object] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Fit a network to a table and test it on rows that it has never seen.

    The rows are split first. What is learned about the columns, the network and the baselines come from the
    training rows; the validation rows decide when training stops; the test rows are only judged by.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    targets : str or sequence of str
        The columns to predict; several make a multi-output regression.
    settings : FitSettings, optional
        How.
    observe : callable, optional
        Called with a record whenever something was done, about ten times a second while training.
    should_stop : callable, optional
        Asked about ten times a second whether to end the training early; the best weights are kept and the
        linear model and the trees are left out. A `KeyboardInterrupt` while training does the same.

    Returns
    -------
    FitResult
        The model, its report and the history.

    Raises
    ------
    TableError
        If the table or a target cannot be learned from.

    Examples
    --------
    >>> from actwise.tables import read_table
    >>> settings = FitSettings(hidden=(8,), epochs=30, baselines=False)
    >>> result = fit_table(read_table("sample:iris"), "species", settings)
    >>> result.model.report.rows.test, result.model.report.failure
    (30, None)
    """
    settings = settings or FitSettings()
    target, encoding, split = learn_table(frame, targets, settings)
    training, validation = (
        Rows(encoding.encode(frame, rows), target.encode(frame, rows)) for rows in (split.train, split.validation)
    )
    X = encoding.encode(frame, split.test)
    judge = _judge(target, frame, split.test)
    judging = validation if len(validation) else None
    network, loss = build_network(settings, target, encoding.n_features, len(training))
    options = training_options(settings, loss, len(training))
    counts = RowCounts(len(training), len(validation), len(split.test), min(len(training), baselines.MOST_ROWS))
    observe(Prepared(target, encoding, counts, network, options, _untested(target, frame, split.test), training))

    run = _train(network, training, judging, options, observe, should_stop)
    observe(Trained(run))

    report = FitReport(counts, _training_facts(run, options, settings), {}, current_versions())
    model = TableModel(run.network, encoding, target, report)
    n_classes = len(target.labels)
    predictions = {
        NETWORK: model.predict_encoded(X),
        CONSTANT: model.decode(constant_prediction(training, n_classes, len(X))),
    }
    if settings.baselines and run.stopped_because != "interrupted":
        for name, prediction in baseline_predictions(training, judging, X, n_classes=n_classes, seed=settings.seed):
            predictions[name] = model.decode(prediction)
            observe(BaselineDone(name))
            if should_stop():
                break
    scores = {name: judge(prediction) for name, prediction in predictions.items()}
    _warn_of_leaks(encoding, target, training, scores)
    by_target = _scores_by_target(target, frame, split.test, predictions)
    report = replace(report, scores=scores, failure=_failure(run, scores), scores_by_target=by_target)
    return FitResult(model.with_report(report), run.history)


def _warn_of_leaks(encoding: TableEncoding, target: Target, training: Rows, scores: Mapping[str, Scores]) -> None:
    """Name columns that alone tell the target, where the network is nearly perfect."""
    error = "accuracy" if target.is_classification else "r2"
    reached, constant = scores[NETWORK].get(error), scores[CONSTANT].get(error)
    if reached is None or constant is None or 1 - reached > NEARLY_PERFECT * (1 - constant):
        return
    for name, by_gaps in telling_columns(encoding, target.task, training):
        how = "whether it is filled" if by_gaps else "it"
        warnings.warn(
            f"column {name!r} gives the target away: {how} alone tells nearly every answer; if it is not known when "
            f"you predict, leave it out (--ignore {shlex.quote(name)})",
            ActwiseWarning,
            stacklevel=3,
        )


def learn_table(
    frame: pl.DataFrame, targets: str | Sequence[str], settings: FitSettings
) -> tuple[Target, TableEncoding, Split]:
    """Split the rows, then learn target and columns from the training rows; return positions in the frame."""
    reading = replace(settings.reading, missing=merged(settings.reading.missing, settings.missing))
    target = find_target(frame, targets, settings.task, reading)
    labelled = target.labelled_rows(frame)
    found = _split(frame, target, labelled, settings, reading)
    split = Split(labelled[found.train], labelled[found.validation], labelled[found.test])
    if len(split.train) < FEWEST_TRAINING_ROWS:
        raise TableError(
            f"{len(labelled)} rows with a target are too few: {len(split.train)} is left to learn from beside "
            f"{len(split.validation)} for validation and {len(split.test)} for the test; get more rows"
        )
    return target.learn(frame, split.train), _learn_encoding(frame, target, split, settings), split


def _split(
    frame: pl.DataFrame,
    target: Target,
    labelled: npt.NDArray[np.int64],
    settings: FitSettings,
    reading: ReadOptions,
) -> Split:
    """Split the rows at random, by groups or by time."""
    sizes = {"test_size": settings.test_size, "validation_size": settings.validation_size}
    for name in (settings.split_by, settings.time):
        if name is not None and name not in frame.columns:
            raise TableError(f"no column {name!r}: {suggest(name, frame.columns, noun='columns')}")
    if settings.time is not None:
        return split_in_order(read_times(frame[settings.time][labelled], reading), **sizes)
    if settings.split_by is not None:
        groups = frame[settings.split_by][labelled].cast(pl.String).fill_null("").to_numpy()
        return split_groups(groups, seed=settings.seed, **sizes)
    classes = target.encode(frame, labelled) if target.is_classification else None
    return split_rows(len(labelled), classes=classes, seed=settings.seed, **sizes)


def _learn_encoding(frame: pl.DataFrame, target: Target, split: Split, settings: FitSettings) -> TableEncoding:
    for name in settings.ignore:
        if name in target.names:
            raise InputError(f"column {name!r} is to be predicted and ignored at once: choose one of them")
    return TableEncoding.learn(
        frame,
        target.names,
        split.train,
        ignore=settings.ignore if settings.split_by is None else (*settings.ignore, settings.split_by),
        missing=settings.missing,
        options=settings.reading,
    )


def _train(
    network: Network,
    training: Rows,
    validation: Rows | None,
    options: Mapping[str, Any],
    observe: Callable[[FitEvent], object],
    should_stop: Callable[[], bool],
) -> Run:
    # One step on one row compiles all that the training needs, so that the clock of the time limit, the
    # records and the time left are those of the training alone.
    first = slice(0, 1)
    warm_up = {**options, "epochs": 1, "time_limit": None}
    train_in_silence(network, training.X[first], training.y[first], restarts=0, **warm_up)
    build.mark_compiled(network.dtype)
    judging = None if validation is None else (validation.X, validation.y)
    progress = start(network, training.X, training.y, validation=judging, **options)
    epochs = 0
    try:
        for records in progress:
            epochs += len(records)
            observe(EpochsDone(epochs, records))
            if should_stop():
                progress.stopped_because = "interrupted"
                break
    except KeyboardInterrupt:
        progress.stopped_because = "interrupted"
    return progress.run()


def _judge(
    target: Target, frame: pl.DataFrame, rows: npt.NDArray[np.int64]
) -> Callable[[npt.NDArray[np.float64]], Scores]:
    """Return what judges predictions of some rows of the table."""
    if target.is_classification:
        classes = target.encode(frame, rows).astype(np.int64)
        return lambda probabilities: class_scores(classes, probabilities)
    numbers = target.values(frame, rows)
    return lambda predicted: number_scores(numbers, predicted)


def _scores_by_target(
    target: Target,
    frame: pl.DataFrame,
    rows: npt.NDArray[np.int64],
    predictions: Mapping[str, npt.NDArray[np.float64]],
) -> dict[str, dict[str, Scores]]:
    """Judge the predictions of each target by themselves, where there are several."""
    if len(target.names) == 1:
        return {}
    numbers = target.values(frame, rows)
    return {
        name: {model: number_scores(numbers[:, [k]], found[:, [k]]) for model, found in predictions.items()}
        for k, name in enumerate(target.names)
    }


def _untested(target: Target, frame: pl.DataFrame, rows: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Name the classes that the test can say nothing about."""
    present = set(target.encode(frame, rows).tolist()) if target.is_classification else set()
    return tuple(str(label) for code, label in enumerate(target.labels) if code not in present)


def _training_facts(run: Run, options: Mapping[str, Any], settings: FitSettings) -> TrainingFacts:
    optimizer = options["optimizer"]
    best = run.history[run.best_epoch - 1] if 0 < run.best_epoch <= len(run.history) else None
    return TrainingFacts(
        loss=options["loss"].name,
        optimizer=type(optimizer).__name__.lower(),
        learning_rate=None if isinstance(optimizer, LBFGS) else float(optimizer.learning_rate),
        batch_size=options["batch_size"],
        l2=options["l2"],
        dropout=max((layer.rate for layer in run.network.layers if isinstance(layer, Dropout)), default=0.0),
        seed=settings.seed,
        epochs_allowed=options["epochs"],
        epochs_done=len(run.history),
        best_epoch=run.best_epoch,
        updates=run.updates,
        seconds=run.seconds,
        stopped_because=run.stopped_because,
        training_loss=best.training_loss if best else None,
        validation_loss=best.validation_loss if best else None,
    )


def _failure(run: Run, scores: Mapping[str, Scores]) -> str | None:
    """Say why the network is of no use, or nothing."""
    if run.stopped_because == "loss is not finite":
        kept = f"the weights of epoch {run.best_epoch}" if run.best_epoch else "the initial weights"
        return (
            f"the loss became infinite or NaN in epoch {len(run.history)}, and {kept} were kept: try a learning "
            "rate ten times smaller, another activation, or adam as optimizer"
        )
    if not beats(scores[NETWORK], scores[CONSTANT]):
        return (
            "on the test rows the network is no better than one constant answer for every row: "
            f"{_comparison(scores[NETWORK], scores[CONSTANT])}; look for columns "
            "that tell more, or try more rows, more epochs or another learning rate"
        )
    return None


def _comparison(network: Scores, constant: Scores) -> str:
    """Say by which measure the network failed."""
    metric = decisive_metric(constant)
    if metric is None:
        return "no measure is defined on these rows"
    reached = network[metric]
    shown = "undefined" if reached is None else f"{reached:.4g}"
    what = "probabilities" if metric == "log_loss" else "predictions"
    how = "no better than" if reached == constant[metric] else "worse than"
    return f"its {what} are {how} the constant's ({METRICS[metric].label} {shown} against {constant[metric]:.4g})"
