"""`diagnose`: the front door."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy.typing as npt

from actwise.arrays import check_number, check_whole
from actwise.doctor.adapters import adapt, refuse_settings
from actwise.doctor.causes import Suspicion
from actwise.doctor.diagnosis import Diagnosis
from actwise.doctor.examine import DEFAULT_UPDATES, examine
from actwise.doctor.rules import suspicions
from actwise.experiments.budget import Budget


def diagnose(
    model: object,
    X: npt.ArrayLike,
    y: npt.ArrayLike | None = None,
    *,
    task: str | None = None,
    n_train: int | None = None,
    updates: int = DEFAULT_UPDATES,
    budget: float = inf,
    seed: int = 0,
    on_progress: Callable[[str, float], object] = lambda what, share: None,
    **settings: Any,
) -> Diagnosis:
    """Say whether a network learns what can be learned, and if not, why; proven by retraining with the fix.

    It is trained from several initial draws and compared with a constant, a linear model, boosted trees (where
    rows can be held out) and a standard network. If it falls short, single changes are tried, then pairs. The
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
        Train on the first so many rows and score on the others. Where not given, a quarter is held out if there
        are 200 rows or more.
    updates : int
        At most about so many updates for all experiments; one of a large network counts as several. The answer
        depends on this number and on nothing that the machine does. If it is too small the verdict is ``"undecided"``.
    budget : float
        Seconds after which the examination stops with what is known by then.
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
        With ``.verdict``, ``.findings``, ``.fixed()``, ``.plot()``, ``.to_dict()``; ``str()`` is a short report.
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
    seconds = check_number("budget", budget, infinite=True)
    seed = check_whole("seed", seed, least=0)
    limits = Budget(check_whole("updates", updates), seconds)
    if not isinstance(model, type) and callable(own := getattr(model, "diagnosed", None)):
        refuse_settings(model, settings, task, n_train)
        answer: Diagnosis = own(X, y, budget=seconds, seed=seed, observe=on_progress)
        return answer
    setup, data = adapt(model, X, y, task, settings, n_train, seed)
    return examine(setup, data, limits, seed=seed, observe=on_progress)


def check_settings(
    model: object, X: npt.ArrayLike, y: npt.ArrayLike, *, task: str | None = None, **settings: Any
) -> list[Suspicion]:
    """Say what looks wrong without any training, the most plausible first; a weight of 1 is certain.

    The parameters are those of `diagnose`.
    """
    return suspicions(*adapt(model, X, y, task, settings))
