"""The rows of a table, split and encoded, and a network trained on them as the recipe says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from actwise.engines.numba import build
from actwise.errors import InputError, TableError, suggest
from actwise.model.losses import loss
from actwise.model.network import Network
from actwise.recipes import fitting as recipe
from actwise.recipes.fitting import Fitted, Fitting, for_training, prepare, with_chosen_penalty
from actwise.recipes.plan import ENOUGH_FOR_VALIDATION, choose
from actwise.tables import TableEncoding, Target, find_target
from actwise.tables.learning import read_times
from actwise.tables.options import ReadOptions, merged
from actwise.tables.targets import is_truth_table
from actwise.tabular.report import LEARNED_FROM, LEFT_OUT, TEST_ROWS, JudgedBy
from actwise.tabular.settings import FitSettings, asked, build_network, plain_options
from actwise.tasks.baselines import Rows
from actwise.tasks.scaling import Scaling, fold
from actwise.tasks.splits import FEWEST_TO_JUDGE, Split, split_groups, split_in_order, split_rows
from actwise.training import History

FEWEST_ROWS = 4  # with fewer, one that is left out takes too much of what there is to learn from
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.15  # of the rows, where nothing was asked for
Positions: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table that is ready to be learned from.

    Parameters
    ----------
    target : Target
        What is predicted, with the scaling that training rows gave it.
    encoding : TableEncoding
        What is done with each column.
    training, validation : Rows
        Encoded; no validation rows where training is not stopped by any.
    fitting : Fitting
        The network and how it is trained, save for a penalty that is chosen by trial.
    """

    target: Target
    encoding: TableEncoding
    training: Rows
    validation: Rows | None
    fitting: Fitting

    @property
    def strata(self) -> npt.NDArray[np.int64] | None:
        """The classes by which rows are held out in equal shares."""
        return self.fitting.rows.y if self.target.is_classification else None


def split_table(
    frame: pl.DataFrame, targets: str | Sequence[str], settings: FitSettings
) -> tuple[Target, Split, JudgedBy]:
    """Find the target, and say which rows of the frame serve for what."""
    reading = replace(settings.reading, missing=merged(settings.reading.missing, settings.missing))
    target = find_target(frame, targets, settings.task, reading)
    labelled = target.labelled_rows(frame)
    n_rows = len(labelled)
    if n_rows < FEWEST_ROWS:
        raise TableError(f"{n_rows} rows with a target are too few to learn from: get more rows")
    none = labelled[:0]
    at_random = settings.split_by is None and settings.time is None
    if at_random and settings.test_size is None and round(TEST_SHARE * n_rows) < FEWEST_TO_JUDGE:
        judged_by = LEARNED_FROM if is_truth_table(frame.drop(target.names)[labelled]) else LEFT_OUT
        return target, Split(labelled, none, none), judged_by
    found = _split(frame, target, labelled, settings, reading)
    train, validation = labelled[found.train], labelled[found.validation]
    if 0 < len(validation) < FEWEST_TO_JUDGE:  # so few would stop training by luck
        train, validation = np.sort(np.concatenate([train, validation])), none
    return target, Split(train, validation, labelled[found.test]), TEST_ROWS


def _split(
    frame: pl.DataFrame, target: Target, labelled: Positions, settings: FitSettings, reading: ReadOptions
) -> Split:
    """Split the rows at random, by groups or by time."""
    test_size = TEST_SHARE if settings.test_size is None else settings.test_size
    sizes = {"test_size": test_size, "validation_size": _validation_size(settings, len(labelled))}
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


def _validation_size(settings: FitSettings, n_rows: int) -> float:
    if settings.validation_size is not None:
        return float(settings.validation_size)
    return VALIDATION_SHARE if settings.patience is not None or n_rows >= ENOUGH_FOR_VALIDATION else 0


def prepare_rows(
    frame: pl.DataFrame, target: Target, split: Split, settings: FitSettings, encoding: TableEncoding | None = None
) -> Prepared:
    """Learn target and columns from the training rows, and settle what is trained and how."""
    if target.task.scaling is None:
        target = target.learn(frame, split.train)
    if encoding is None:
        for name in settings.ignore:
            if name in target.names:
                raise InputError(f"column {name!r} is to be predicted and ignored at once: choose one of them")
        ignored = settings.ignore if settings.split_by is None else (*settings.ignore, settings.split_by)
        encoding = TableEncoding.learn(
            frame, target.names, split.train, ignore=ignored, missing=settings.missing, options=settings.reading
        )
    training = Rows(encoding.encode(frame, split.train), target.encode(frame, split.train))
    validation = None
    if len(split.validation):
        validation = Rows(encoding.encode(frame, split.validation), target.encode(frame, split.validation))
    network = build_network(settings, target, encoding.n_features)
    rows, held = _for_recipe(training), None if validation is None else _for_recipe(validation)
    distinct = rows if len(rows) > recipe.MOST_COMPARED else rows.distinct()
    plan = choose(
        asked(settings), len(rows), len(distinct), network.n_parameters,
        classifies=target.is_classification, validated=held is not None, partial=False,
    )  # fmt: skip
    rows = rows if plan.stochastic else distinct
    inputs = Scaling.learn(rows.X, rows.weights, inputs=True) if plan.scale_inputs else Scaling.none(rows.X.shape[1])
    fitting = prepare(
        network, loss(target.task.loss), plan, rows, held, inputs, Scaling.none(network.n_outputs),
        dtype=plan.dtype or "float64", options=plain_options(settings),
    )  # fmt: skip
    return Prepared(target, encoding, training, validation, fitting)


def _for_recipe(rows: Rows) -> recipe.Rows:
    targets = rows.y.reshape(len(rows), -1).astype(np.float64)
    return recipe.Rows(rows.X.astype(np.float64), rows.y, targets, None)


def train(
    prepared: Prepared, settings: FitSettings, on_epochs: Callable[[History], object] = lambda _: None
) -> tuple[Fitting, Fitted, Network]:
    """Train, and return the network for columns as they are encoded."""
    fitting = with_chosen_penalty(prepared.fitting, prepared.strata)
    # One step on one row compiles all that the training needs, so that the clock of the time limit, the
    # records and the time left are those of the training alone.
    first, once = np.zeros(1, np.int64), replace(fitting.plan, epochs=1, restarts=0)
    warm_up = replace(fitting, rows=fitting.rows.take(first), plan=once, options=fitting.options | {"time_limit": None})
    warm_up.run(settings.seed)
    build.mark_compiled(fitting.network.dtype)
    fitted = fitting.run(settings.seed, on_epochs=on_epochs)
    folded = fold(fitting.network, fitted.parameters, fitting.inputs, fitting.outputs)
    plain = build_network(settings, prepared.target, prepared.encoding.n_features)
    network = for_training(plain, "float32", 1.0, None, fitting.plan.dropout)
    return fitting, fitted, network.with_parameters(folded.astype(np.float32))
