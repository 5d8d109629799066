"""Training a network: checks what it is given, chooses defaults, and runs it from one or several starts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.arrays import as_numbers, check_number, check_whole
from actwise.errors import ActwiseWarning, InputError, suggest
from actwise.model import losses, optimizers
from actwise.model.layers import BatchNorm, Dropout
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Optimizer
from actwise.model.schedules import Schedule
from actwise.training.blame import activation_at_fault
from actwise.training.progress import OptimizerState, Progress
from actwise.training.records import History, Run, TrainingSettings

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
DEFAULT_EPOCHS = 100
DEFAULT_ITERATIONS = 1000  # of L-BFGS, which stops by itself where the gradient vanishes
SMALL_WORK = 100_000  # rows times parameters up to which L-BFGS is the default: a few milliseconds
TINY_WORK = 5_000  # rows times parameters up to which several starts are the default
STARTS_FOR_TINY = 20  # a start that succeeds half the time then fails once in a million
SOLVED_SHARE = 0.01  # of the best constant's loss: below it no further start is tried


def is_small(network: Network, n_rows: int) -> bool:
    """Whether second-order steps on all rows at once are the better default."""
    return n_rows * network.n_parameters <= SMALL_WORK and not _changes_the_loss(network)


def _changes_the_loss(network: Network) -> bool:
    """Whether the loss depends on more than the parameters, which a line search cannot bear."""
    return any(isinstance(layer, Dropout | BatchNorm) for layer in network.layers)


def start(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    loss: str | Loss = "squared_error",
    optimizer: str | Optimizer = "auto",
    learning_rate: float | Schedule | None = None,
    batch_size: int = 32,
    epochs: int | None = None,
    seed: int | None = 0,
    validation: tuple[npt.ArrayLike, npt.ArrayLike] | tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike] | None = None,
    sample_weight: npt.ArrayLike | None = None,
    shuffle: bool = True,
    l2: float = 0.0,
    largest_gradient_norm: float = np.inf,
    patience: int = 0,
    tolerance: float = 0.0,
    time_limit: float | None = None,
    threads: int | None = None,
    keep_parameters: bool = False,
    watch: Callable[[Progress], bool] | None = None,
    resumed: OptimizerState | None = None,
) -> Progress:
    """Set up a training without running it; iterate over the result to train.

    The parameters are those of `train`, which runs it to the end.
    """
    if not isinstance(network, Network):
        raise InputError(f"the network must be an aw.Network, not {type(network).__name__}")
    chosen = losses.loss(loss)
    output = network.output_activation
    if output is not None:
        chosen.check_output(output, network.n_outputs)
    elif chosen.output is not None:
        raise InputError(f"{chosen.name} needs {chosen.output!r} as output activation, not maxout")
    rows, targets = _check_rows(network, chosen, X, y, "")
    if optimizer == "auto":
        tiny = learning_rate is None and is_small(network, len(rows))
        optimizer = LBFGS() if tiny else "adam"
    found = optimizers.optimizer(optimizer, learning_rate)
    if epochs is None:
        epochs = DEFAULT_ITERATIONS if isinstance(found, LBFGS) else DEFAULT_EPOCHS
    if isinstance(found, LBFGS) and _changes_the_loss(network):
        raise InputError(
            "lbfgs needs the same loss at every call, which dropout and BatchNorm prevent; use optimizer='adam'"
        )
    if seed is None:
        seed = int(np.random.default_rng().integers(2**63))
    seed = check_whole("seed", seed, least=0)
    if not isinstance(shuffle, bool | np.bool_):
        raise InputError(f"shuffle must be True or False, not {shuffle!r}")
    network = network if keep_parameters else network.initialised(seed)
    settings = TrainingSettings(
        loss=chosen,
        optimizer=found,
        batch_size=check_whole("batch_size", batch_size),
        epochs=check_whole("epochs", epochs),
        seed=seed,
        shuffle=bool(shuffle),
        l2=check_number("l2", l2, zero=True),
        largest_gradient_norm=check_number("largest_gradient_norm", largest_gradient_norm, infinite=True),
        patience=check_whole("patience", patience, least=0),
        tolerance=check_number("tolerance", tolerance, zero=True),
        time_limit=None if time_limit is None else check_number("time_limit", time_limit, infinite=True),
        threads=None if threads is None else check_whole("threads", threads),
    )
    judged = None
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
            raise InputError("validation must be a pair (X, y) or a triple (X, y, sample_weight)")
        judged_rows, judged_targets = _check_rows(network, chosen, *validation[:2], "validation ")
        judged_weights = _check_weights(validation[2], len(judged_rows), network) if len(validation) == 3 else None
        judged = (judged_rows, judged_targets, judged_weights)
    weights = None if sample_weight is None else _check_weights(sample_weight, len(rows), network)
    return Progress(network, settings, rows, targets, weights, judged, watch, resumed)


def train(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    starts: int | None = None,
    on_epochs: Callable[[History], object] | None = None,
    **settings: Any,
) -> Run:
    """Train a network.

    Parameters
    ----------
    network : Network
        The description; its parameters are drawn anew with `seed` unless `keep_parameters` is set.
    X : array_like of shape (n_rows, n_inputs)
        Inputs.
    y : array_like of shape (n_rows,) or (n_rows, n_targets)
        Targets; for categorical cross-entropy the index of each row's class.
    starts : int, optional
        Train from so many initial draws, until one solves the problem, and keep the best. By default 20
        where the problem is tiny (rows times parameters at most 5,000) and L-BFGS is used, otherwise 1.
    on_epochs : callable, optional
        Called with the records of new epochs, about ten times a second.
    **settings
        Keyword arguments:

        loss : str or Loss
            Default ``"squared_error"``.
        optimizer : str or optimiser
            Default ``"auto"``: L-BFGS, which uses all rows at once, where rows times parameters are at most
            100,000 and neither dropout nor a learning rate is asked for; Adam otherwise.
        learning_rate : float or schedule
            In place of the optimiser's own.
        batch_size, epochs : int
            Defaults 32, and 100 epochs or 1000 iterations of L-BFGS.
        seed : int or None
            For initial weights, order of rows and dropout; the same seed gives the same bits. Default 0.
        validation : (X, y) or (X, y, sample_weight)
            Rows to judge by after every epoch; the best parameters are then kept.
        sample_weight : array_like of shape (n_rows,)
            Weight of each row.
        shuffle : bool
            New order of rows in each epoch. Default True.
        l2 : float
            Adds ``l2 / 2 * sum(weights ** 2)``, biases left out.
        largest_gradient_norm : float
            Longer gradients are scaled down to it.
        patience : int
            Stop after so many epochs without an improvement by more than `tolerance`. 0: never.
        tolerance : float
            See `patience`.
        time_limit : float
            Seconds.
        threads : int
            At most so many; a second one shares batches that are large enough, without changing a bit.
        keep_parameters : bool
            Go on from the network's own parameters.
        watch : callable
            Called with the `Progress` after every epoch; the training ends where it returns true.
        resumed : OptimizerState
            Go on from what `Progress.state` gave, with `keep_parameters`.

    Returns
    -------
    Run
        The trained network and its history. Ctrl-C ends the training early and returns what was reached.

    Raises
    ------
    InputError
        If something does not fit together.

    Examples
    --------
    >>> import actwise as aw
    >>> net = aw.Network([aw.Dense(4, "tanh"), aw.Dense(1, "sigmoid")], n_inputs=2)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> run = aw.train(net, X, y, loss="binary_cross_entropy", learning_rate=0.05, epochs=400, batch_size=4)
    >>> run.network.predict(X).round().ravel()
    array([0., 1., 1., 0.], dtype=float32)
    """
    run = train_in_silence(network, X, y, starts, on_epochs, **settings)
    if run.stopped_because == "loss is not finite" and not run.best_epoch:
        # What came out has the parameters that training began with.
        cause = activation_at_fault(run.network, X)
        warnings.warn(
            "nothing was learned, since the loss was infinite or NaN in the first epoch: "
            f"{cause or 'try a learning rate ten times smaller, and inputs and targets of moderate size'}",
            ActwiseWarning,
            stacklevel=2,
        )
    return run


def train_in_silence(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    starts: int | None = None,
    on_epochs: Callable[[History], object] | None = None,
    **settings: Any,
) -> Run:
    """Train as `train` does, for callers that say themselves what went wrong."""
    if starts is not None:
        starts = check_whole("starts", starts)
    known = [
        name for name, parameter in signature(start).parameters.items() if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for name in settings:
        if name not in known:
            raise InputError(f"train has no setting {name!r}; {suggest(name, known, noun='its settings')}")
    progress = start(network, X, y, **settings)
    best, solved = _run_to_end(progress, on_epochs), np.inf
    if starts is None:
        tiny = isinstance(progress.settings.optimizer, LBFGS) and len(progress.rows) * network.n_parameters <= TINY_WORK
        starts = STARTS_FOR_TINY if tiny and not settings.get("keep_parameters") else 1
    if starts > 1:
        solved = SOLVED_SHARE * progress.settings.loss.of_best_constant(
            progress.targets, network.n_outputs, progress.weights
        )
    for k in range(1, starts):
        if reached(best) <= solved or best.stopped_because in ("interrupted", "time limit"):
            break
        seed = int(np.random.SeedSequence([progress.settings.seed, k]).generate_state(1)[0])
        other = _run_to_end(start(network, X, y, **(settings | {"seed": seed})), on_epochs)
        best = min(best, other, key=reached)
    return best


def _run_to_end(progress: Progress, on_epochs: Callable[[History], object] | None) -> Run:
    try:
        for records in progress:
            if on_epochs is not None:
                on_epochs(records)
    except KeyboardInterrupt:
        progress.stopped_because = "interrupted"
    return progress.run()


def reached(run: Run) -> float:
    """Return the loss of the parameters that a run kept."""
    if not len(run.history):
        return np.inf
    record = run.history[-1]
    judged = record.training_loss if record.validation_loss is None else min(run.history.validation_losses)
    return float(judged) if np.isfinite(judged) else np.inf


def _check_weights(given: npt.ArrayLike, n_rows: int, network: Network) -> FloatArray:
    weights = as_numbers(given, network.dtype, "sample_weight")
    if weights.shape != (n_rows,) or not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise InputError(f"sample_weight must hold {n_rows} finite numbers, none of them negative")
    if not np.any(weights > 0):
        raise InputError("all sample weights are 0: nothing can be learned")
    return weights


def _check_rows(
    network: Network, loss: Loss, X: npt.ArrayLike, y: npt.ArrayLike, what: str
) -> tuple[FloatArray, FloatArray]:
    rows = network.check_inputs(X)
    try:
        targets = as_numbers(y, network.dtype, f"{what}y")
    except InputError as error:
        if not isinstance(error.__cause__, ValueError):  # anything but text
            raise
        raise InputError(f"{error}; number the classes from 0") from error
    n_targets = loss.n_targets(network.n_outputs)
    targets = targets.reshape(-1, 1) if targets.ndim == 1 else targets
    if len(rows) == 0:
        raise InputError(f"there are no {what}rows to train on")
    if targets.shape != (len(rows), n_targets):
        hint = "; give class indices, not one-hot rows" if loss.target == "class" else ""
        raise InputError(
            f"the {what}targets must have the shape ({len(rows)}, {n_targets}) for this network and loss, "
            f"not {targets.shape}{hint}"
        )
    if not np.all(np.isfinite(targets)):
        raise InputError(f"the {what}targets contain NaN or infinity; drop those rows first")
    with np.errstate(invalid="ignore"):
        # One sum tells without a mask as large as the data; infinities of both signs make it NaN.
        finite = np.isfinite(rows.sum(dtype=np.float64)) or np.all(np.isfinite(rows))
    if not finite:
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise InputError(
            f"the {what}inputs contain {rows[row, column]} in row {row}, column {column}; fill or drop it first"
        )
    if loss.target == "class":
        low, high = targets.min(), targets.max()
        if low < 0 or high >= network.n_outputs or np.any(targets != np.floor(targets)):
            raise InputError(f"class indices must be whole numbers from 0 to {network.n_outputs - 1} for this network")
    low, high = loss.target_range
    if targets.min() < low or targets.max() > high:
        allowed = f"between {low:g} and {high:g}" if np.isfinite(high) else f"of at least {low:g}"
        labels = "; map the two labels to them first" if np.isfinite(high) else ""
        raise InputError(f"{loss.name} needs {what}targets {allowed}{labels}")
    return rows, targets
