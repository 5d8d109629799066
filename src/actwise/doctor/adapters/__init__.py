"""What a model that was handed in is turned into: a setup and rows, with a way back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.arrays import check_whole
from actwise.doctor.adapters.described import Described
from actwise.doctor.adapters.estimators import describe_estimator, describe_pipeline
from actwise.doctor.adapters.networks import describe_network, describe_run
from actwise.doctor.data import Data, Rows
from actwise.doctor.setup import Setup
from actwise.errors import InputError
from actwise.model.network import Network
from actwise.training import Run


def adapt(
    model: object,
    X: Any,
    y: npt.ArrayLike | None,
    task: str | None = None,
    settings: Mapping[str, Any] | None = None,
    n_train: int | None = None,
    seed: int = 0,
) -> tuple[Setup, Data]:
    """Turn a model and rows into what is examined; `settings` are those that a network is trained with."""
    given = settings or {}
    if (tabular := sys.modules.get("actwise.tabular.model")) and isinstance(model, tabular.TableModel):
        from actwise.doctor.adapters.tables import adapt_model

        refuse_settings(model, given, task, n_train)
        if y is not None or not isinstance(X, sys.modules["polars"].DataFrame):
            raise InputError("a model of a table is diagnosed with a frame that has its columns and targets, without y")
        return adapt_model(model, X, seed)
    if y is None:
        raise InputError("y is missing: hand over the targets that go with X")
    found = describe(model, X, y, task, given)
    _check(found, n_train)
    data = found.data(n_train, seed)
    if _has_steps(model) and data.held_out:
        # The first steps of a pipeline must not have seen the rows that are held out.
        found = describe(model, X, y, task, given, data.train)
        data = replace(data, X=found.X)
    found.setup.targets(data)  # refuses outputs and columns that do not go together
    return found.setup, data


def describe(
    model: object,
    X: Any,
    y: npt.ArrayLike,
    task: str | None = None,
    settings: Mapping[str, Any] | None = None,
    rows: Rows | None = None,
) -> Described:
    """Describe a model; the first steps of a pipeline are fitted to `rows`, or to all."""
    given = settings or {}
    if isinstance(model, Run):
        return describe_run(model, X, y, task, given)
    if isinstance(model, Network):
        return describe_network(model, X, y, task, given)
    if isinstance(model, type):
        raise InputError(f"{model.__name__} is a class; hand over an instance of it")
    refuse_settings(model, given, task, None)
    return describe_pipeline(model, X, y, rows) if _has_steps(model) else describe_estimator(model, X, y)


def _has_steps(model: object) -> bool:
    steps = getattr(model, "steps", None)
    return isinstance(steps, list) and bool(steps)


def refuse_settings(model: object, settings: Mapping[str, Any], task: str | None, n_train: int | None) -> None:
    """Refuse what a network is examined with; other models have their own."""
    given = [*settings, *["task"] * (task is not None), *["n_train"] * (n_train is not None)]
    if given:
        raise InputError(f"{given[0]} belongs to a network; a {type(model).__name__} has its own")


def _check(found: Described, n_train: int | None) -> None:
    network, rows, task = found.setup.network, found.X, found.task
    if rows.shape[1] != network.n_inputs:
        raise InputError(f"the network takes {network.n_inputs} inputs, and X has {rows.shape[1]} columns")
    if len(task.given) != len(rows):
        raise InputError(f"X has {len(rows)} rows and y {len(task.given)}")
    if task.is_classification and len(np.unique(task.truth)) < 2:
        raise InputError("y holds one class only: there is nothing to tell apart; bring rows of another class")
    if len(rows) < 2:
        raise InputError("one row is the same answer for every row; bring more rows")
    if n_train is not None and not 2 <= check_whole("n_train", n_train) <= len(rows):
        raise InputError(f"n_train must be between 2 and the number of rows, {len(rows)}, not {n_train}")
