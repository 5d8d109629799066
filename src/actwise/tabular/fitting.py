"""Fit a network to a table: split, encode, train as the recipe says, and judge by rows that it has not seen."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from actwise.errors import ActwiseWarning, TableError
from actwise.model.layers import Dropout
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.model.schedules import as_schedule
from actwise.recipes.fitting import Fitting
from actwise.recipes.plan import Plan
from actwise.tables import TableEncoding, Target
from actwise.tabular import learning
from actwise.tabular.leaks import telling_columns
from actwise.tabular.learning import Positions, prepare_rows, split_table, train
from actwise.tabular.model import TableModel
from actwise.tabular.report import (
    CONSTANT,
    LEARNED_FROM,
    LEFT_OUT,
    NETWORK,
    TEST_ROWS,
    FitReport,
    JudgedBy,
    RowCounts,
    TrainingFacts,
    current_versions,
)
from actwise.tabular.settings import FitSettings
from actwise.tasks import baselines
from actwise.tasks.baselines import Rows, baseline_predictions, constant_prediction
from actwise.tasks.metrics import METRICS, Scores, beats, class_scores, decisive_metric, number_scores
from actwise.tasks.splits import Split, fold_of_rows
from actwise.training import History, Run

FOLDS = 5
NEARLY_PERFECT = 0.1  # of the constant's error is left
SOME_STEPS = np.arange(1000)  # of a schedule, whose highest rate is looked for
Predictions: TypeAlias = dict[str, npt.NDArray[np.float64]]


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
    plan : Plan
        How it will be trained, save for a penalty that is chosen by trial.
    untested : tuple of str
        The classes of which there is no test row.
    training : Rows
        Encoded rows to train on.
    """

    target: Target
    encoding: TableEncoding
    rows: RowCounts
    network: Network
    plan: Plan
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
    training rows; validation rows, where there are any, decide when training stops; the test rows only judge. Of
    tables so small that fewer than 30 rows would be left for the test, all rows are learned from, and the figures
    are those of five more networks, each judged by a fifth of the rows that it has not seen. Where the rows are all
    there can be, as in a truth table, they are learned from and judged by.

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
    target, split, judged_by = split_table(frame, targets, settings)
    prepared = prepare_rows(frame, target, split, settings)
    n_train, fitting = len(prepared.training), prepared.fitting
    counts = RowCounts(n_train, len(split.validation), len(split.test), min(n_train, baselines.MOST_ROWS), judged_by)
    untested = _untested(prepared.target, frame, split.test) if judged_by == TEST_ROWS else ()
    observe(
        Prepared(prepared.target, prepared.encoding, counts, fitting.network, fitting.plan, untested, prepared.training)
    )

    epochs = 0

    def on_epochs(records: History) -> None:
        nonlocal epochs
        epochs += len(records)
        observe(EpochsDone(epochs, records))
        if should_stop():
            raise KeyboardInterrupt

    fitting, fitted, network = train(prepared, settings, on_epochs)
    run = fitted.run
    observe(Trained(run))

    report = FitReport(counts, _training_facts(run, fitting, settings), {}, current_versions())
    model = TableModel(network, prepared.encoding, prepared.target, report)
    rows = split.test if judged_by == TEST_ROWS else split.train
    predictions = None
    if judged_by == LEFT_OUT:
        if run.stopped_because != "interrupted":
            predictions = _left_out(frame, target, rows, settings, observe, should_stop)
        judged_by = LEFT_OUT if predictions else LEARNED_FROM
    if predictions is None:
        compared = settings.baselines and run.stopped_because != "interrupted"
        predictions = _predictions(model, prepared, frame, rows, compared, settings.seed, should_stop, observe)
    judge = _judge(prepared.target, frame, rows)
    scores = {name: judge(prediction) for name, prediction in predictions.items()}
    _warn_of_leaks(prepared.encoding, prepared.target, prepared.training, scores)
    by_target = _scores_by_target(prepared.target, frame, rows, predictions)
    report = replace(
        report, rows=replace(counts, judged_by=judged_by), scores=scores, failure=_failure(run, scores, judged_by),
        scores_by_target=by_target,
    )  # fmt: skip
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


def _predictions(
    model: TableModel,
    prepared: learning.Prepared,
    frame: pl.DataFrame,
    rows: Positions,
    compared: bool,
    seed: int,
    should_stop: Callable[[], bool] = lambda: False,
    observe: Callable[[FitEvent], object] = lambda _: None,
) -> Predictions:
    """Predict rows of the table with the network, the constant and, if they are to be compared, the baselines."""
    X, n_classes = model.encoding.encode(frame, rows), len(model.target.labels)
    found = {
        NETWORK: model.predict_encoded(X),
        CONSTANT: model.decode(constant_prediction(prepared.training, n_classes, len(X))),
    }
    if compared:
        rest = baseline_predictions(prepared.training, prepared.validation, X, n_classes=n_classes, seed=seed)
        for name, prediction in rest:
            found[name] = model.decode(prediction)
            observe(BaselineDone(name))
            if should_stop():
                break
    return found


def _left_out(
    frame: pl.DataFrame,
    target: Target,
    rows: Positions,
    settings: FitSettings,
    observe: Callable[[FitEvent], object],
    should_stop: Callable[[], bool],
) -> Predictions | None:
    """Predict every row with models that have not seen it; None where that was stopped or folds are too small."""
    classes = target.encode(frame, rows) if target.is_classification else None
    folds = fold_of_rows(len(rows), min(FOLDS, len(rows)), classes=classes, seed=settings.seed)
    found: Predictions = {}
    for fold in np.unique(folds):
        if should_stop():
            return None
        split = Split(rows[folds != fold], rows[:0], rows[folds == fold])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ActwiseWarning)  # what there is to say of the columns has been said
            try:
                prepared = prepare_rows(frame, target, split, settings)
            except TableError:
                return None
            fitting, fitted, network = train(prepared, settings)
            report = FitReport(
                RowCounts(len(split.train), 0, 0, 0), _training_facts(fitted.run, fitting, settings), {}, {}
            )
            model = TableModel(network, prepared.encoding, prepared.target, report)
            part = _predictions(model, prepared, frame, split.test, settings.baselines, settings.seed)
        for name, prediction in part.items():
            found.setdefault(name, np.empty((len(rows), prediction.shape[1])))[folds == fold] = prediction
    for name in found.keys() - {NETWORK, CONSTANT}:
        observe(BaselineDone(name))
    return found


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


def _training_facts(run: Run, fitting: Fitting, settings: FitSettings) -> TrainingFacts:
    plan, optimizer = fitting.plan, fitting.plan.optimizer
    rate = None if isinstance(optimizer, LBFGS) else optimizer.learning_rate
    best = run.history[run.best_epoch - 1] if 0 < run.best_epoch <= len(run.history) else None
    return TrainingFacts(
        loss=fitting.loss.name,
        optimizer=type(optimizer).__name__.lower(),
        learning_rate=None if rate is None else float(as_schedule(rate).rates(SOME_STEPS, len(SOME_STEPS)).max()),
        batch_size=len(fitting.rows) if isinstance(optimizer, LBFGS) else plan.batch_size,
        l2=fitting.l2,
        dropout=max((layer.rate for layer in run.network.layers if isinstance(layer, Dropout)), default=0.0),
        seed=settings.seed,
        epochs_allowed=plan.epochs,
        epochs_done=len(run.history),
        best_epoch=run.best_epoch,
        updates=run.updates,
        seconds=run.seconds,
        stopped_because=run.stopped_because,
        training_loss=best.training_loss if best else None,
        validation_loss=best.validation_loss if best else None,
        recipe=plan.recipe,
        regime=plan.regime,
        schedule=None if rate is None or isinstance(rate, int | float) else str(rate),
    )


def _failure(run: Run, scores: Mapping[str, Scores], judged_by: JudgedBy) -> str | None:
    """Say why the network is of no use, or nothing."""
    if run.stopped_because == "loss is not finite":
        kept = f"the weights of epoch {run.best_epoch}" if run.best_epoch else "the initial weights"
        return (
            f"the loss became infinite or NaN in epoch {len(run.history)}, and {kept} were kept: try a learning "
            "rate ten times smaller, another activation, or adam as optimizer"
        )
    if not beats(scores[NETWORK], scores[CONSTANT]):
        return (
            f"on the {judged_by} the network is no better than one constant answer for every row: "
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
