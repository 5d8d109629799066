"""The doctor for tables: the network that a fit would train, or did train, on the rows that it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import polars as pl

from actwise.doctor.causes import Suspicion
from actwise.doctor.changes import FEW_UPDATES
from actwise.doctor.data import FEWEST_TEST_ROWS, Data
from actwise.doctor.diagnosis import Diagnosis
from actwise.doctor.examine import DEFAULT_UPDATES, examine
from actwise.doctor.rules import suspicions
from actwise.doctor.setup import Origin, Setup
from actwise.doctor.targets import as_targets
from actwise.experiments.budget import Budget
from actwise.model.layers import Dense, Dropout, Maxout
from actwise.model.losses import loss
from actwise.recipes.fitting import with_chosen_penalty
from actwise.tabular.fitting import Prepared as PreparedEvent
from actwise.tabular.fitting import fit_table
from actwise.tabular.learning import Prepared, prepare_rows, split_table
from actwise.tabular.model import TableModel
from actwise.tabular.report import NETWORK, FitReport
from actwise.tabular.settings import MAXOUT, FitSettings
from actwise.tasks.metrics import beats
from actwise.tasks.splits import Split

_OPTIONS = (
    "optimizer",
    "learning_rate",
    "epochs",
    "batch_size",
    "l2",
    "dropout",
)  # that a fit calls as a training does
MOST_ROWS = 5_000  # a sample tells as much about scales and ranges
WORTH_SAYING = 0.5  # weight from which a suspicion is worth a line


def diagnose_table(
    frame: pl.DataFrame,
    targets: str | Sequence[str],
    settings: FitSettings | None = None,
    *,
    updates: int = DEFAULT_UPDATES,
    budget: float = inf,
    seed: int = 0,
    observe: Callable[[str, float], object] = lambda what, share: None,
) -> Diagnosis:
    """Say whether the network that `fit_table` would train learns what can be learned, and if not, why.

    `targets` and `settings` are those of `fit_table`, the others those of `actwise.diagnose`.
    """
    setup, data = adapt_fit(frame, targets, settings or FitSettings())
    return examine(setup, data, Budget(updates, budget), seed=seed, observe=observe)


def adapt_fit(frame: pl.DataFrame, targets: str | Sequence[str], settings: FitSettings) -> tuple[Setup, Data]:
    """Describe what a fit would train, and on what."""
    target, split, _ = split_table(frame, targets, settings)
    return _adapt(frame, prepare_rows(frame, target, split, settings), split, settings)


def adapt_model(model: TableModel, frame: pl.DataFrame, seed: int) -> tuple[Setup, Data]:
    """Describe the training of a model of a table, to be repeated on the rows given."""
    settings = _settings_of(model, seed)
    _, split, _ = split_table(frame, model.target.names, settings)
    prepared = prepare_rows(frame, model.target, split, settings, model.encoding)
    setup, data = _adapt(frame, prepared, split, settings)
    fitted = model.network.predict(data.X.astype(model.network.dtype))
    return replace(setup, origin=replace(setup.origin, fitted_outputs=fitted)), data


def needs_doctor(report: FitReport) -> bool:
    """Whether a fit went so badly that it is worth asking why.

    It does where the network is no better than a constant, and where it stopped early without having converged: the
    weights that are kept were reached within fewer updates than a network of any size needs, and a linear model, where
    there is one to compare with, does better.
    """
    if report.training.stopped_because == "interrupted":
        return False
    if report.failure is not None:
        return True
    facts, linear = report.training, report.scores.get("linear")
    updates = facts.updates * facts.best_epoch / max(1, facts.epochs_done)
    early = facts.stopped_because == "no improvement" and updates < FEW_UPDATES
    return early and (linear is None or beats(linear, report.scores[NETWORK]))


def cautions(fit: PreparedEvent) -> tuple[Suspicion, ...]:
    """Say what looks wrong with a fit before it trains, the most plausible first; nothing for most fits."""
    step = -(-len(fit.training) // MOST_ROWS)
    X, y = fit.training.X[::step], fit.training.y[::step]
    task = as_targets(y.astype(np.float64), fit.target.task.kind)
    if task.is_classification and len(np.unique(task.truth)) < 2:
        return ()
    rows, plan = np.arange(len(X)), fit.plan
    batch_size, epochs = min(plan.batch_size, len(X)), plan.epochs * step  # as many updates as all rows make
    setup = Setup(
        fit.network, loss(fit.target.task.loss), plan.optimizer, batch_size, epochs, scale_inputs=plan.scale_inputs
    )
    found = suspicions(setup, Data(X.astype(np.float64), task, rows, rows))
    return tuple(each for each in found if each.weight >= WORTH_SAYING)


def _settings_of(model: TableModel, seed: int) -> FitSettings:
    """Return settings with which a fit trains such a model."""
    hidden = [layer for layer in model.network.layers[:-1] if isinstance(layer, Dense | Maxout)]
    dropped = [layer.rate for layer in model.network.layers if isinstance(layer, Dropout)]
    uses = [MAXOUT if isinstance(layer, Maxout) else layer.activation for layer in hidden]
    facts = model.report.training
    by_size = facts.regime is not None and (facts.optimizer == "lbfgs" or facts.schedule is not None)
    steps = facts.optimizer != "lbfgs"
    patience = None
    if facts.stopped_because == "no improvement" and facts.best_epoch:
        patience = max(1, facts.epochs_done - facts.best_epoch)
    return FitSettings(
        task="classification" if model.target.is_classification else "regression",
        hidden=tuple(layer.units for layer in hidden), activation=tuple(uses), dropout=max(dropped, default=0.0),
        l2=facts.l2, optimizer="auto" if by_size else facts.optimizer,
        learning_rate=facts.learning_rate if steps and not by_size else None,
        batch_size=facts.batch_size if steps else None, epochs=facts.epochs_allowed,
        patience=patience, seed=seed, baselines=False,
    )  # fmt: skip


def _changed(settings: FitSettings, changed: Mapping[str, Any]) -> FitSettings:
    new = {name: changed[name] for name in _OPTIONS if name in changed}
    if "hidden" in changed:
        new["hidden"] = tuple(changed["hidden"])
    if "activation" in changed:
        new["activation"] = (changed["activation"],)
    elif "hidden" in changed:
        new["activation"] = settings.activation[:1]
    if "patience" in changed:
        new |= {"patience": None, "validation_size": 0}  # training is not stopped early
    return replace(settings, **new, baselines=False)


def _adapt(frame: pl.DataFrame, prepared: Prepared, split: Split, settings: FitSettings) -> tuple[Setup, Data]:
    rows = np.concatenate([split.train, split.validation, split.test])
    n_train, n_validation = len(split.train), len(split.validation)
    places = np.arange(len(rows))
    train, validation, test = np.split(places, [n_train, n_train + n_validation])
    target, encoding = prepared.target, prepared.encoding
    task = as_targets(target.encode(frame, rows).astype(np.float64), target.task.kind)
    X = encoding.encode(frame, rows).astype(np.float64)
    # Where there are few test rows the validation rows are scored as well, or else the training rows.
    scored = test if len(test) >= FEWEST_TEST_ROWS else np.concatenate([validation, test])
    scored = scored if len(scored) >= FEWEST_TEST_ROWS else train

    def rebuild(changed: Mapping[str, Any], rows: object, seed: int) -> TableModel:
        return fit_table(frame, target.names, _changed(settings, changed).changed(seed=seed)).model

    def described(prepared: Prepared) -> Setup:
        fitting = with_chosen_penalty(prepared.fitting, prepared.strata)
        plan = fitting.plan
        return Setup(
            fitting.network, fitting.loss, plan.optimizer, plan.batch_size if plan.stochastic else n_train, plan.epochs,
            l2=fitting.l2, patience=plan.patience if plan.stochastic else 0, tolerance=plan.tolerance,
            scale_inputs=plan.scale_inputs, early_stopping=bool(n_validation), restarts=plan.restarts, origin=origin,
        )  # fmt: skip

    def describe(changed: Mapping[str, Any]) -> Setup:
        return described(prepare_rows(frame, target, split, _changed(settings, changed), encoding))

    origin = Origin("fit", rebuild, describe=describe)
    return described(prepared), Data(X, task, train, scored, validation if n_validation else None)
