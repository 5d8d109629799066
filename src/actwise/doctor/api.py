"""`diagnose`: the front door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.arrays import check_number, check_whole
from actwise.doctor.examine import examine
from actwise.doctor.findings import Diagnosis
from actwise.doctor.models import as_subject
from actwise.doctor.rules import Suspicion, suspicions
from actwise.doctor.subjects import Data
from actwise.errors import InputError

DEFAULT_BUDGET = 10.0


def diagnose(
    model: object,
    X: npt.ArrayLike,
    y: npt.ArrayLike | None = None,
    *,
    task: str | None = None,
    n_train: int | None = None,
    budget: float = DEFAULT_BUDGET,
    seed: int = 0,
    on_progress: Callable[[str, float], object] = lambda what, share: None,
    **settings: Any,
) -> Diagnosis:
    """Say whether a network learns what can be learned, and if not, why; proven by retraining with the fix.

    It is trained from several initial draws and compared with a constant, a linear model, boosted trees (where
    rows can be held back) and a well-set network. If it falls short, single changes are tried, then pairs. The
    cause is the smallest change that closes most of the gap.

    Parameters
    ----------
    model : Network, Run, TableModel, MLPClassifier, MLPRegressor or Pipeline
        What is to be examined: a network with the settings below, the result of `actwise.train`, a model of a table,
        a perceptron of Actwise or of scikit-learn, fitted or not, or scikit-learn's pipeline that ends in one. Any
        other object can join in with a method ``diagnosed(X, y, budget, seed, observe)``.
    X : array_like of shape (n_rows, n_inputs)
        Inputs as the network is given them; for a `TableModel` a frame with its columns and targets.
    y : array_like of shape (n_rows,) or (n_rows, n_columns), optional
        Targets as the network is given them: numbers, labels, one-hot rows.
    task : {"regression", "binary", "multiclass", "multilabel"}, optional
        What is to be learned; guessed from `y` and the loss where not given.
    n_train : int, optional
        The first so many rows are learned from, the others judge. Where not given, a quarter judges if there
        are 200 rows or more.
    budget : float
        Seconds. If they are too few the verdict is ``"undecided"``.
    seed : int
        Of everything random.
    on_progress : callable
        Called with what is done next, and the share of the budget that is used up.
    **settings
        For a `Network` how it is trained, with the names and defaults of `actwise.train`: loss, optimizer,
        learning_rate, batch_size, epochs, shuffle, l2, max_gradient_norm, patience, tolerance.

    Returns
    -------
    Diagnosis
        With ``.verdict``, ``.findings``, ``.fixed()``, ``.plot()``, ``.to_dict()``; ``str()`` is a short letter.
        Ctrl-C returns what is known so far.

    Raises
    ------
    InputError
        If model and data do not fit together.

    Examples
    --------
    >>> import actwise as aw
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = aw.Network([aw.Dense(4, "identity"), aw.Dense(1, "sigmoid")], n_inputs=2)
    >>> found = aw.diagnose(net, X, y, loss="binary_cross_entropy", optimizer="adam", learning_rate=0.05, epochs=400)
    >>> found.verdict, found.findings[0].code
    ('broken', 'missing_nonlinearity')
    """
    budget, seed = check_number("budget", budget), check_whole("seed", seed, least=0)
    if not isinstance(model, type) and callable(own := getattr(model, "diagnosed", None)):
        for name in ("task", "n_train"):
            settings |= {name: given} if (given := {"task": task, "n_train": n_train}[name]) is not None else {}
        if settings:
            raise InputError(f"{next(iter(settings))} belongs to a network; a {type(model).__name__} has its own")
        answer: Diagnosis = own(X, y, budget=budget, seed=seed, observe=on_progress)
        return answer
    if y is None:
        raise InputError("y is missing: hand over the targets that go with X")
    subject, data = _prepare(model, X, y, task, n_train, seed, settings)
    return examine(subject, data, budget=budget, seed=seed, observe=on_progress)


def check_settings(
    model: object, X: npt.ArrayLike, y: npt.ArrayLike, *, task: str | None = None, **settings: Any
) -> list[Suspicion]:
    """Say what looks wrong without any training, the most plausible first; a weight of 1 is certain.

    The parameters are those of `diagnose`.
    """
    return suspicions(*_prepare(model, X, y, task, None, 0, settings))


def _prepare(
    model: object,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    task: str | None,
    n_train: int | None,
    seed: int,
    settings: dict[str, Any],
) -> tuple[Any, Data]:
    handed = as_subject(model, X, y, task, settings)
    network, rows, targets = handed.subject.network, handed.X, handed.task
    if rows.shape[1] != network.n_inputs:
        raise InputError(f"the network takes {network.n_inputs} inputs, and X has {rows.shape[1]} columns")
    if len(targets.given) != len(rows):
        raise InputError(f"X has {len(rows)} rows and y {len(targets.given)}")
    if targets.is_classification and len(np.unique(targets.truth)) < 2:
        raise InputError("y holds one class only: there is nothing to tell apart; bring rows of another class")
    if len(rows) < 2:
        raise InputError("one row is the same answer for every row; bring more rows")
    if n_train is not None and not 2 <= check_whole("n_train", n_train) <= len(rows):
        raise InputError(f"n_train must be between 2 and the number of rows, {len(rows)}, not {n_train}")
    data = handed.data(n_train, seed)
    if handed.has_steps and data.held_out:
        handed = as_subject(model, X, y, task, settings, data.train)
        data = replace(data, X=handed.X)
    handed.subject.targets(data)  # refuses outputs and columns that do not go together
    return handed.subject, data
