"""The doctor for tables: the network that a fit would train, or did train, on the rows that it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from actwise.doctor import FEW_UPDATES, FEWEST_HELD_OUT, Data, Diagnosis, Origin, Subject, as_targets, examine
from actwise.model import optimizers
from actwise.model.layers import Dense, Dropout, Maxout
from actwise.model.losses import loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.tables import TableEncoding, Target
from actwise.tabular.fitting import fit_table, learn_table
from actwise.tabular.model import TableModel
from actwise.tabular.report import NETWORK, FitReport
from actwise.tabular.settings import MAXOUT, MOST_EPOCHS, FitSettings, build_network, training_options
from actwise.tasks.metrics import beats
from actwise.tasks.splits import Split, split_rows

_OPTIONS = (
    "optimizer",
    "learning_rate",
    "epochs",
    "batch_size",
    "l2",
    "dropout",
)  # that a fit calls as a training does
DEFAULT_BUDGET = 20.0  # seconds: a fit trains longer than most networks that are handed over by themselves


def diagnose_table(
    frame: pl.DataFrame,
    targets: str | Sequence[str],
    settings: FitSettings | None = None,
    *,
    budget: float = DEFAULT_BUDGET,
    seed: int = 0,
    observe: Callable[[str, float], object] = lambda what, share: None,
) -> Diagnosis:
    """Say whether the network that `fit_table` would train learns what can be learned, and if not, why.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    targets : str or sequence of str
        The columns to predict.
    settings : FitSettings, optional
        How it would be fitted.
    budget, seed, observe
        As for `actwise.diagnose`, `observe` being its `on_progress`.
    """
    subject, data = prepare(frame, targets, settings or FitSettings())
    return examine(subject, data, budget=budget, seed=seed, observe=observe)


def diagnose_model(
    model: TableModel,
    frame: pl.DataFrame,
    *,
    budget: float = DEFAULT_BUDGET,
    seed: int = 0,
    observe: Callable[[str, float], object] = lambda what, share: None,
) -> Diagnosis:
    """Say whether a model of a table learned what can be learned; its training is repeated on the rows given.

    Parameters
    ----------
    model : TableModel
        From `fit_table` or `load`.
    frame : polars.DataFrame
        Rows with the columns of the model and its targets.
    budget, seed, observe
        As for `diagnose_table`.
    """
    labelled = model.target.labelled_rows(frame)
    classes = model.target.encode(frame, labelled) if model.target.is_classification else None
    found = split_rows(len(labelled), classes=classes, test_size=0.2, validation_size=0.15, seed=seed)
    split = Split(labelled[found.train], labelled[found.validation], labelled[found.test])
    facts = model.report.training
    optimizer = optimizers.optimizer(facts.optimizer, facts.learning_rate)
    options = {
        "loss": loss(facts.loss), "optimizer": optimizer, "batch_size": facts.batch_size, "l2": facts.l2,
        "epochs": facts.epochs_allowed, "patience": 0,
    }  # fmt: skip
    if facts.stopped_because == "no improvement" and facts.best_epoch:
        options["patience"] = max(1, facts.epochs_done - facts.best_epoch)
    subject, data = _subject(
        frame, model.target, model.encoding, split, model.network, options, _settings_of(model, options, seed)
    )
    fitted = model.network.predict(data.X.astype(model.network.dtype))
    subject = replace(subject, origin=replace(subject.origin, fitted_outputs=fitted))
    return examine(subject, data, budget=budget, seed=seed, observe=observe)


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


def prepare(frame: pl.DataFrame, targets: str | Sequence[str], settings: FitSettings) -> tuple[Subject, Data]:
    """Describe what a fit would train, and on what."""
    target, encoding, split = learn_table(frame, targets, settings)
    network, loss_name = build_network(settings, target, encoding.n_features, len(split.train))
    options = training_options(settings, loss_name, len(split.train))
    return _subject(frame, target, encoding, split, network, options, settings)


def _settings_of(model: TableModel, options: dict[str, Any], seed: int) -> FitSettings:
    """Return settings with which a fit trains such a model."""
    hidden = [layer for layer in model.network.layers[:-1] if isinstance(layer, Dense | Maxout)]
    dropped = [layer.rate for layer in model.network.layers if isinstance(layer, Dropout)]
    uses = [MAXOUT if isinstance(layer, Maxout) else layer.activation for layer in hidden]
    facts, batched = model.report.training, not isinstance(options["optimizer"], LBFGS)
    return FitSettings(
        task="classification" if model.target.is_classification else "regression",
        hidden=tuple(layer.units for layer in hidden), activation=tuple(uses), dropout=max(dropped, default=0.0),
        l2=facts.l2, optimizer=facts.optimizer, learning_rate=facts.learning_rate if batched else None,
        batch_size=facts.batch_size if batched else None, epochs=facts.epochs_allowed,
        patience=options["patience"] or None, seed=seed, baselines=False,
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
        new["patience"] = changed.get("epochs") or settings.epochs or MOST_EPOCHS
    return replace(settings, **new, baselines=False)


def _subject(
    frame: pl.DataFrame,
    target: Target,
    encoding: TableEncoding,
    split: Split,
    network: Network,
    options: dict[str, Any],
    settings: FitSettings,
) -> tuple[Subject, Data]:
    rows = np.concatenate([split.train, split.validation, split.test])
    n_train, n_watch = len(split.train), len(split.validation)
    places = np.arange(len(rows))
    train, watch, test = places[:n_train], places[n_train : n_train + n_watch], places[n_train + n_watch :]
    task = as_targets(target.encode(frame, rows).astype(np.float64), target.task.kind)
    X = encoding.encode(frame, rows).astype(np.float64)
    # Held-out rows are few in a small table: those that stop the training then judge as well, or all rows do.
    judge = test if len(test) >= FEWEST_HELD_OUT else np.concatenate([watch, test])
    judge = judge if len(judge) >= FEWEST_HELD_OUT else train

    def rebuild(changed: Mapping[str, Any], rows: object, seed: int) -> TableModel:
        return fit_table(frame, target.names, replace(_changed(settings, changed), seed=seed)).model

    def described(network: Network, options: Mapping[str, Any]) -> Subject:
        batch_size = n_train if isinstance(options["optimizer"], LBFGS) else options["batch_size"]
        return Subject(
            network, options["loss"], options["optimizer"], int(batch_size), int(options["epochs"]),
            l2=float(options["l2"]), patience=int(options["patience"]), watches=bool(n_watch), origin=origin,
        )  # fmt: skip

    def describe(changed: Mapping[str, Any]) -> Subject:
        chosen = _changed(settings, changed)
        built, loss_name = build_network(chosen, target, encoding.n_features, n_train)
        return described(built, training_options(chosen, loss_name, n_train))

    origin = Origin("fit", rebuild, describe=describe)
    return described(network, options), Data(X, task, train, judge, watch if n_watch else None)
