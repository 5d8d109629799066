"""Training a network: checks what it is given, chooses defaults, and runs it, with restarts where they help."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.arrays import as_numbers
from actwise.errors import ActwiseWarning, InputError
from actwise.model import optimizers
from actwise.model.layers import BatchNorm, Dropout
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.training.not_finite import activation_at_fault
from actwise.training.progress import Progress
from actwise.training.records import History, Run, TrainingSettings
from actwise.training.regimes import RESTARTS_IF_TINY, SMALL_WORK, SOLVED_SHARE, n_distinct, regime_of
from actwise.training.settings import (
    complete,
    document,
    recorded,
    refuse_unknown,
    rows,
    setting,
    with_present_names,
)

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
DEFAULT_EPOCHS = 100
DEFAULT_ITERATIONS = 1000  # of L-BFGS, which stops by itself where the gradient vanishes


def is_small(network: Network, n_rows: int) -> bool:
    """Whether second-order steps on all rows at once are the better default."""
    return regime_of(n_rows, network.n_parameters) != "large" and not _changes_the_loss(network)


def _changes_the_loss(network: Network) -> bool:
    """Whether the loss depends on more than the parameters, which a line search cannot bear."""
    return any(isinstance(layer, Dropout | BatchNorm) for layer in network.layers)


def start(network: Network, X: npt.ArrayLike, y: npt.ArrayLike, **given: Any) -> Progress:
    """Set up a training without running it; iterate over the result to train.

    The parameters are those of `train`, which runs it to the end.
    """
    if not isinstance(network, Network):
        raise InputError(f"the network must be an aw.Network, not {type(network).__name__}")
    given = with_present_names(given)
    refuse_unknown(given, [row.name for row in rows("train") if row.name != "restarts"], "train")
    if given.get("seed", 0) is None:
        given["seed"] = int(np.random.default_rng().integers(2**63))
    chosen = complete(given)
    loss: Loss = chosen["loss"]
    output = network.output_activation
    if output is not None:
        loss.check_output(output, network.n_outputs)
    elif loss.output is not None:
        raise InputError(f"{loss.name} needs {loss.output!r} as output activation, not maxout")
    learned, targets = _check_rows(network, loss, X, y, "")
    optimizer = chosen["optimizer"]
    if optimizer == "auto":
        optimizer = LBFGS() if chosen["learning_rate"] is None and is_small(network, len(learned)) else "adam"
    chosen["optimizer"] = optimizers.optimizer(optimizer, chosen["learning_rate"])
    if isinstance(chosen["optimizer"], LBFGS) and _changes_the_loss(network):
        raise InputError(
            "lbfgs needs the same loss at every call, which dropout and BatchNorm prevent; use optimizer='adam'"
        )
    if chosen["epochs"] is None:
        chosen["epochs"] = DEFAULT_ITERATIONS if isinstance(chosen["optimizer"], LBFGS) else DEFAULT_EPOCHS
    settings = TrainingSettings(**{row.name: chosen[row.name] for row in recorded()})
    network = network if chosen["keep_parameters"] else network.initialised(settings.seed)
    validation, weights = chosen["validation"], chosen["sample_weight"]
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
            raise InputError("must be a pair (X, y) or a triple (X, y, sample_weight)", "validation")
        X_val, y_val = _check_rows(network, loss, validation[0], validation[1], "validation ")
        weights_val = _check_weights(validation[2], len(X_val), network) if len(validation) == 3 else None
        validation = (X_val, y_val, weights_val)
    weights = None if weights is None else _check_weights(weights, len(learned), network)
    return Progress(network, settings, learned, targets, weights, validation, chosen["callback"], chosen["resumed"])


@document("train")
def train(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
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
    on_epochs : callable, optional
        Called with the records of new epochs, about ten times a second.
    **settings
        Keyword arguments:

        {settings}

    Returns
    -------
    Run
        The trained network and its history. Ctrl-C ends the training early and returns what was reached.

    Raises
    ------
    InputError
        If something does not fit together.

    Notes
    -----
    With ``optimizer="auto"``, L-BFGS is used where rows times parameters are at most 100,000 and neither dropout,
    batch normalisation nor a learning rate is asked for. Where distinct rows times parameters are at most 5,000 it
    starts up to 19 times anew. By default there are 100 epochs, or 1000 iterations of L-BFGS.

    Examples
    --------
    >>> import actwise as aw
    >>> net = aw.Network([aw.Dense(4, "tanh"), aw.Dense(1, "sigmoid")], n_inputs=2)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> run = aw.train(net, X, y, loss="binary_cross_entropy", learning_rate=0.05, epochs=400, batch_size=4)
    >>> run.network.predict(X).round().ravel()
    array([0., 1., 1., 0.], dtype=float32)
    """
    run = train_in_silence(network, X, y, on_epochs, **with_present_names(settings))
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
    on_epochs: Callable[[History], object] | None = None,
    **settings: Any,
) -> Run:
    """Train as `train` does, for callers that say themselves what went wrong."""
    restarts = setting("restarts").checked(settings.pop("restarts", None))
    progress = start(network, X, y, **settings)
    best, solved = _run_to_end(progress, on_epochs), np.inf
    if restarts is None:
        restarts = RESTARTS_IF_TINY if _is_tiny(progress) and not settings.get("keep_parameters") else 0
    if restarts:
        solved = SOLVED_SHARE * progress.settings.loss.of_best_constant(
            progress.targets, network.n_outputs, progress.weights
        )
    for k in range(1, restarts + 1):
        if reached(best) <= solved or best.stopped_because in ("interrupted", "time limit"):
            break
        seed = int(np.random.SeedSequence([progress.settings.seed, k]).generate_state(1)[0])
        other = _run_to_end(start(network, X, y, **(settings | {"seed": seed})), on_epochs)
        best = min(best, other, key=reached)
    return best


def _is_tiny(progress: Progress) -> bool:
    """Whether restarts are cheap, and L-BFGS may end in a poor minimum without them."""
    if not isinstance(progress.settings.optimizer, LBFGS):
        return False
    different = n_distinct(progress.rows, progress.targets, most=SMALL_WORK)
    return regime_of(different, progress.network.n_parameters) == "tiny"


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
    loss = record.training_loss if record.validation_loss is None else min(run.history.validation_losses)
    return float(loss) if np.isfinite(loss) else np.inf


def _check_weights(given: npt.ArrayLike, n_rows: int, network: Network) -> FloatArray:
    weights = as_numbers(given, network.dtype, "sample_weight")
    if weights.shape != (n_rows,) or not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise InputError(f"must hold {n_rows} finite numbers, none of them negative", "sample_weight")
    if not np.any(weights > 0):
        raise InputError("all sample weights are 0: nothing can be learned")
    return weights


def _check_rows(
    network: Network, loss: Loss, X: npt.ArrayLike, y: npt.ArrayLike, what: str
) -> tuple[FloatArray, FloatArray]:
    inputs = network.check_inputs(X)
    try:
        targets = as_numbers(y, network.dtype, f"{what}y")
    except InputError as error:
        if not isinstance(error.__cause__, ValueError):  # anything but text
            raise
        raise InputError(f"{error}; number the classes from 0") from error
    n_targets = loss.n_targets(network.n_outputs)
    targets = targets.reshape(-1, 1) if targets.ndim == 1 else targets
    if len(inputs) == 0:
        raise InputError(f"there are no {what}rows to train on")
    if targets.shape != (len(inputs), n_targets):
        hint = "; give class indices, not one-hot rows" if loss.target == "class" else ""
        raise InputError(
            f"the {what}targets must have the shape ({len(inputs)}, {n_targets}) for this network and loss, "
            f"not {targets.shape}{hint}"
        )
    if not np.all(np.isfinite(targets)):
        raise InputError(f"the {what}targets contain NaN or infinity; drop those rows first")
    with np.errstate(invalid="ignore"):
        # One sum tells without a mask as large as the data; infinities of both signs make it NaN.
        finite = np.isfinite(inputs.sum(dtype=np.float64)) or np.all(np.isfinite(inputs))
    if not finite:
        row, column = np.argwhere(~np.isfinite(inputs))[0]
        raise InputError(
            f"the {what}inputs contain {inputs[row, column]} in row {row}, column {column}; fill or drop it first"
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
    return inputs, targets
