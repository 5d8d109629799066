"""The training loop as Python sees it: it yields a record per epoch and never prints.

The steps run in compiled code (`kernels.compiled.loop`), many epochs at a time where epochs are short;
in between Python looks at the clock, answers Ctrl-C and hands out records. What is learned does not depend
on when those pauses fall.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from actwise import losses, optimizers
from actwise.errors import InputError
from actwise.kernels import build, engine
from actwise.layers import Dropout
from actwise.losses import Loss
from actwise.network import Network
from actwise.optimizers import LBFGS, Optimizer
from actwise.schedules import Schedule, as_schedule

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
StoppedBecause: TypeAlias = Literal[
    "all epochs done", "no improvement", "time limit", "interrupted", "loss is not finite", "converged"
]
PAUSE_SECONDS = 0.1  # aimed at between two looks at the clock: prompt for a person, cheap for the loop
FIRST_STEPS = 64  # steps before the first look at the clock
MOST_EPOCHS_PER_CALL = 20_000  # bounds the memory for records and learning rates of one call
DEFAULT_EPOCHS = 100
DEFAULT_ITERATIONS = 1000  # of L-BFGS, which stops by itself where the gradient vanishes
SMALL_WORK = 100_000  # rows times parameters up to which L-BFGS is the default: a few milliseconds
TINY_WORK = 5_000  # rows times parameters up to which several starts are the default
STARTS_FOR_TINY = 20  # a start that succeeds half the time then fails once in a million
SOLVED_SHARE = 0.01  # of the best constant's loss: below it no further start is tried
THREADED_WORK = 4_000_000  # multiply-adds per step of the largest product from which two threads pay


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What happened in one epoch.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    training_loss : float
        Weighted mean over the rows, each judged by the weights of its own step.
    validation_loss : float or None
        Loss on the validation rows after the epoch.
    learning_rate : float
        Of the last step.
    gradient_norm : float or None
        The largest norm of a gradient before clipping; None where clipping is off.
    seconds : float
        Since training began.
    """

    epoch: int
    training_loss: float
    validation_loss: float | None
    learning_rate: float
    gradient_norm: float | None
    seconds: float


class History(Sequence[EpochRecord]):
    """The records of a training, kept as columns; indexing makes the record."""

    def __init__(self, table: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64], clipped: bool) -> None:
        self._table = table
        self._seconds = seconds
        self._clipped = clipped

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, index: int) -> EpochRecord: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    def __getitem__(self, index: int | slice) -> EpochRecord | History:
        if isinstance(index, slice):
            return History(self._table[index], self._seconds[index], self._clipped)
        number = range(len(self))[index]
        training, validation, rate, norm = (float(each) for each in self._table[number])
        judged = None if np.isnan(validation) and not np.isnan(training) else validation
        return EpochRecord(
            number + 1, training, judged, rate, norm if self._clipped else None, float(self._seconds[number])
        )

    def __repr__(self) -> str:
        return f"<History of {len(self)} epochs>"

    @property
    def training_losses(self) -> npt.NDArray[np.float64]:
        """Training loss of each epoch."""
        return self._table[:, 0].copy()

    @property
    def validation_losses(self) -> npt.NDArray[np.float64]:
        """Validation loss of each epoch, NaN where there were no validation rows."""
        return self._table[:, 1].copy()


@dataclass(frozen=True)
class Run:
    """The result of a training.

    Parameters
    ----------
    network : Network
        With the best parameters where there were validation rows or the loss became non-finite, with the
        last ones otherwise.
    history : History
        A record per epoch.
    stopped_because : str
        Why training ended.
    best_epoch : int
        The epoch with the lowest validation (or training) loss; 0 if there was none.
    updates : int
        How many steps were taken.
    seconds : float
        How long it took.
    """

    network: Network
    history: History
    stopped_because: StoppedBecause
    best_epoch: int
    updates: int
    seconds: float


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; the parameters of `train` as a record."""

    loss: Loss
    optimizer: Optimizer
    batch_size: int = 32
    epochs: int = 100
    seed: int = 0
    shuffle: bool = True
    l2: float = 0.0
    largest_gradient_norm: float = np.inf
    patience: int = 0
    tolerance: float = 0.0
    time_limit: float | None = None
    threads: int | None = None


@dataclass
class Progress:
    """A training under way; `run` gives its result at any time.

    Iterating yields lists of new epoch records. An interruption between two lists loses nothing.
    """

    network: Network
    settings: TrainingSettings
    rows: FloatArray
    targets: FloatArray
    weights: FloatArray | None
    validation: tuple[FloatArray, FloatArray, FloatArray | None] | None
    stopped_because: StoppedBecause = "interrupted"
    _state: Any = field(default=None, repr=False)
    _tables: list[npt.NDArray[np.float64]] = field(default_factory=list, repr=False)
    _seconds: list[npt.NDArray[np.float64]] = field(default_factory=list, repr=False)
    _started: float = field(default_factory=time.perf_counter, repr=False)

    def __iter__(self) -> Iterator[History]:
        optimizer = self.settings.optimizer
        steps = self._minimise() if isinstance(optimizer, LBFGS) else self._step(optimizer)
        with threadpool_limits(_blas_threads(self.network, self.settings), user_api="blas"):
            yield from steps

    def run(self) -> Run:
        """Return the result so far."""
        clipped = np.isfinite(self.settings.largest_gradient_norm)
        if self._state is None:
            return Run(self.network, History(np.empty((0, 4)), np.empty(0), clipped), self.stopped_because, 0, 0, 0.0)
        loop = build.compiled("loop")
        best_epoch = int(self._state.integers[loop.BEST_EPOCH])
        keep_best = self.validation is not None or self.stopped_because == "loss is not finite"
        chosen = self._state.best if keep_best else self._state.parameters
        history = History(
            np.concatenate([*self._tables, np.empty((0, 4))]), np.concatenate([*self._seconds, []]), clipped
        )
        return Run(
            self.network.with_parameters(chosen),
            history,
            self.stopped_because,
            best_epoch,
            int(self._state.integers[loop.STEP]),
            time.perf_counter() - self._started,
        )

    def _prepare(self, batch_size: int, first: bool, second: bool) -> tuple[Any, Any, Any, Any]:
        """Compile, lay out arrays; return plan, rows, validation rows and row order."""
        network, settings = self.network, self.settings
        dtype = np.dtype(network.dtype)
        loss = settings.loss.for_engine(network.n_outputs)
        prepared = engine.prepare(network.structure, dtype, batch_size, loss)
        loop = build.compiled("loop")
        rows = engine.rows_of(self.rows, self.targets, self.weights)
        validation = engine.no_rows(dtype)
        if self.validation is not None:
            validation = engine.rows_of(*self.validation)
        random = np.zeros(4, np.uint64)
        build.compiled("randomness").seed_state(settings.seed, random)
        size = network.n_parameters
        parameters = network.values.copy()
        self._state = loop.State(
            parameters=parameters,
            gradients=np.zeros(size, dtype),
            first=np.zeros(size if first else 0, dtype),
            second=np.zeros(size if second else 0, dtype),
            best=parameters.copy(),
            work=np.zeros(prepared.work_size, dtype),
            batch_targets=np.empty(batch_size * prepared.plan.n_targets, dtype),
            batch_weights=np.empty(batch_size, dtype),
            order=np.arange(len(self.rows)),
            random=random,
            integers=np.zeros(6, np.int64),
            floats=np.array([0.0, 0.0, np.inf, 0.0]),
            history=np.empty((1, 4)),
        )
        in_order = np.arange(max(len(self.rows), validation.n_rows))
        return prepared.plan, rows, validation, in_order

    def _loop_settings(self, **changed: Any) -> Any:
        settings = self.settings
        values: dict[str, Any] = {
            "rule": 0,
            "rule_constants": np.zeros(4),
            "rates": np.zeros(1),
            "batch_size": min(settings.batch_size, len(self.rows)),
            "epochs": settings.epochs,
            "shuffled": bool(settings.shuffle),
            "l2": float(settings.l2),
            "largest_norm": float(settings.largest_gradient_norm),
            "patience": int(settings.patience),
            "tolerance": float(settings.tolerance),
            "max_steps": 1,
        }
        return build.compiled("loop").Settings(**(values | changed))

    def _out_of_time(self) -> bool:
        limit = self.settings.time_limit
        return limit is not None and time.perf_counter() - self._started >= limit

    def _step(self, optimizer: optimizers.SteppingOptimizer) -> Iterator[History]:
        settings = self.settings
        batch_size = min(settings.batch_size, len(self.rows))
        plan, rows, validation, in_order = self._prepare(
            batch_size, first=optimizer.rule != 3, second=optimizer.rule != 0
        )
        loop = build.compiled("loop")
        steps_per_epoch = -(-len(self.rows) // batch_size)
        total_steps = steps_per_epoch * settings.epochs
        schedule = as_schedule(optimizer.learning_rate)
        constants = np.zeros(4)
        constants[: len(optimizer.constants)] = optimizer.constants
        steps, done, ended = FIRST_STEPS, 0, loop.PAUSED
        clipped = np.isfinite(settings.largest_gradient_norm)
        while ended == loop.PAUSED:
            steps = max(1, min(steps, total_steps - done, steps_per_epoch * MOST_EPOCHS_PER_CALL))
            table = np.zeros((steps // steps_per_epoch + 2, 4))
            rates = schedule.rates(np.arange(done, done + steps), total_steps)
            call = self._loop_settings(
                rule=optimizer.rule, rule_constants=constants, rates=rates, max_steps=steps, batch_size=batch_size
            )
            self._state.integers[loop.HISTORY_ROW] = 0
            before = time.perf_counter()
            ended = loop.run_steps(plan, call, rows, validation, self._state._replace(history=table), in_order)
            now = time.perf_counter()
            done += steps
            table = table[: self._state.integers[loop.HISTORY_ROW]]
            taken = np.linspace(before, now, len(table) + 1)[1:] - self._started
            self._tables.append(table)
            self._seconds.append(taken)
            if ended == loop.PAUSED and self._out_of_time():
                self.stopped_because = "time limit"
                ended = None
            elif ended != loop.PAUSED:
                self.stopped_because = {
                    loop.EPOCHS_DONE: "all epochs done",
                    loop.STALE: "no improvement",
                    loop.NOT_FINITE: "loss is not finite",
                }[ended]
            if len(table):
                yield History(table, taken, clipped)
            # The first call may have compiled; only later ones tell how fast the steps are.
            if done > FIRST_STEPS:
                steps = int(np.clip(steps * PAUSE_SECONDS / max(now - before, 1e-9), 1, 4 * steps))

    def _minimise(self) -> Iterator[History]:
        """Let SciPy's L-BFGS minimise the mean loss over all rows; one iteration is one epoch."""
        from scipy.optimize import minimize

        settings = self.settings
        assert isinstance(settings.optimizer, LBFGS)
        batch_size = min(len(self.rows), engine.PREDICTION_BATCH)
        plan, rows, validation, in_order = self._prepare(batch_size, first=True, second=False)
        loop = build.compiled("loop")
        call = self._loop_settings(batch_size=batch_size)
        state = self._state
        wide = state.parameters.astype(np.float64)

        def objective(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            state.parameters[:] = parameters
            loss = loop.loss_and_gradient(plan, call, rows, state, in_order)
            penalty = sum(
                float(np.sum(parameters[s.weights_at : s.weights_at + s.n_inputs * s.n_linear] ** 2))
                for s in self.network.structure
            )
            return loss + settings.l2 / 2 * penalty, state.gradients.astype(np.float64)

        memory = settings.optimizer.memory
        corrections: dict[str, Any] = {"maxcor": memory, "gtol": settings.optimizer.gradient_tolerance}
        epoch, ended = 0, loop.PAUSED
        while ended == loop.PAUSED:
            # SciPy cannot pause, so it runs a few iterations at a time; each call starts a new memory.
            allowed = min(settings.epochs - epoch, max(4 * memory, 50))
            losses_seen: list[float] = []
            table_rows: list[list[float]] = []
            times: list[float] = []

            def after_iteration(intermediate_result: Any) -> None:
                state.parameters[:] = intermediate_result.x
                table = np.zeros((1, 4))
                state.integers[loop.HISTORY_ROW] = 0
                state.floats[loop.LOSS_SUM] = float(intermediate_result.fun)
                state.floats[loop.WEIGHT_SUM] = 1.0
                losses_seen.append(float(intermediate_result.fun))
                ended_now = loop.close_epoch(plan, call, validation, state._replace(history=table), in_order)
                state.integers[loop.STEP] += 1
                table_rows.append(list(table[0]))
                times.append(time.perf_counter() - self._started)
                nonlocal ended
                ended = ended_now
                if ended_now != loop.PAUSED or self._out_of_time():
                    raise StopIteration

            result = minimize(
                objective, wide, jac=True, method="L-BFGS-B", callback=after_iteration,
                options={"maxiter": allowed, "maxfun": 20 * allowed, **corrections},
            )  # fmt: skip
            wide = np.asarray(result.x, np.float64)
            state.parameters[:] = wide
            epoch += len(table_rows)
            if ended == loop.PAUSED and self._out_of_time():
                self.stopped_because, ended = "time limit", None
            elif ended == loop.PAUSED and len(table_rows) < allowed:
                finite = np.isfinite(result.fun)
                self.stopped_because, ended = ("converged" if finite else "loss is not finite"), None
            elif ended is not None and ended != loop.PAUSED:
                self.stopped_because = {
                    loop.EPOCHS_DONE: "all epochs done",
                    loop.STALE: "no improvement",
                    loop.NOT_FINITE: "loss is not finite",
                }[ended]
            if table_rows:
                self._tables.append(np.array(table_rows))
                self._seconds.append(np.array(times))
                yield History(self._tables[-1], self._seconds[-1], False)


def _blas_threads(network: Network, settings: TrainingSettings) -> int:
    """More than one thread only where the largest matrix product is worth the hand-over."""
    largest = max(layer.n_inputs * layer.n_linear for layer in network.structure) * settings.batch_size
    if largest < THREADED_WORK:
        return 1
    import os

    return settings.threads or os.cpu_count() or 1


def is_small(network: Network, n_rows: int) -> bool:
    """Whether second-order steps on all rows at once are the better default."""
    stochastic = any(isinstance(layer, Dropout) for layer in network.layers)
    return n_rows * network.n_parameters <= SMALL_WORK and not stochastic


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
    validation: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    sample_weight: npt.ArrayLike | None = None,
    shuffle: bool = True,
    l2: float = 0.0,
    largest_gradient_norm: float = np.inf,
    patience: int = 0,
    tolerance: float = 0.0,
    time_limit: float | None = None,
    threads: int | None = None,
    keep_parameters: bool = False,
) -> Progress:
    """Set up a training without running it; iterate over the result to train.

    The parameters are those of `train`, which runs it to the end.
    """
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
    if isinstance(found, LBFGS) and any(isinstance(layer, Dropout) for layer in network.layers):
        raise InputError("lbfgs needs the same loss at every call, which dropout prevents; use optimizer='adam'")
    for name, value in (("batch_size", batch_size), ("epochs", epochs)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise InputError(f"{name} must be a positive whole number, not {value!r}")
    for name, number in (("l2", l2), ("patience", patience), ("tolerance", tolerance)):
        if not (np.isfinite(number) and number >= 0):
            raise InputError(f"{name} must be 0 or a positive number, not {number!r}")
    if not largest_gradient_norm > 0:
        raise InputError(f"largest_gradient_norm must be positive, not {largest_gradient_norm!r}")
    if time_limit is not None and not time_limit > 0:
        raise InputError(f"time_limit must be a positive number of seconds, not {time_limit!r}")
    if threads is not None and threads < 1:
        raise InputError(f"threads must be a positive whole number, not {threads!r}")
    if seed is None:
        seed = int(np.random.default_rng().integers(2**63))
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number, 0 or larger, or None, not {seed!r}")
    network = network if keep_parameters else network.initialised(int(seed))
    settings = TrainingSettings(
        loss=chosen,
        optimizer=found,
        batch_size=int(batch_size),
        epochs=int(epochs),
        seed=int(seed),
        shuffle=shuffle,
        l2=l2,
        largest_gradient_norm=largest_gradient_norm,
        patience=int(patience),
        tolerance=tolerance,
        time_limit=time_limit,
        threads=threads,
    )
    judged = None
    if validation is not None:
        judged = (*_check_rows(network, chosen, *validation, "validation "), None)
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight, network.dtype)
        if weights.shape != (len(rows),) or not np.all(np.isfinite(weights)) or np.any(weights < 0):
            raise InputError(f"sample_weight must hold {len(rows)} finite numbers, none of them negative")
        if not np.any(weights > 0):
            raise InputError("all sample weights are 0: nothing can be learned")
    return Progress(network, settings, rows, targets, weights, judged)


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
        validation : (X, y)
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
            For matrix products large enough to be worth it.
        keep_parameters : bool
            Go on from the network's own parameters.

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
    if starts is not None and (not isinstance(starts, int | np.integer) or starts < 1):
        raise InputError(f"starts must be a positive whole number, not {starts!r}")
    progress = start(network, X, y, **settings)
    best, solved = _run_to_end(progress, on_epochs), np.inf
    if starts is None:
        tiny = isinstance(progress.settings.optimizer, LBFGS) and len(progress.rows) * network.n_parameters <= TINY_WORK
        starts = STARTS_FOR_TINY if tiny and not settings.get("keep_parameters") else 1
    if starts > 1:
        solved = SOLVED_SHARE * progress.settings.loss.of_best_constant(progress.targets, network.n_outputs)
    for k in range(1, starts):
        if _reached(best) <= solved or best.stopped_because in ("interrupted", "time limit"):
            break
        seed = int(np.random.SeedSequence([progress.settings.seed, k]).generate_state(1)[0])
        other = _run_to_end(start(network, X, y, **(settings | {"seed": seed})), on_epochs)
        best = min(best, other, key=_reached)
    return best


def _run_to_end(progress: Progress, on_epochs: Callable[[History], object] | None) -> Run:
    try:
        for records in progress:
            if on_epochs is not None:
                on_epochs(records)
    except KeyboardInterrupt:
        progress.stopped_because = "interrupted"
    return progress.run()


def _reached(run: Run) -> float:
    """The loss of the parameters that a run kept."""
    if not len(run.history):
        return np.inf
    record = run.history[-1]
    judged = record.training_loss if record.validation_loss is None else min(run.history.validation_losses)
    return float(judged) if np.isfinite(judged) else np.inf


def _check_rows(
    network: Network, loss: Loss, X: npt.ArrayLike, y: npt.ArrayLike, what: str
) -> tuple[FloatArray, FloatArray]:
    rows = network.check_inputs(X)
    try:
        targets = np.asarray(y, network.dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"the {what}targets are not numbers ({error}); number the classes from 0") from error
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
    finite = np.isfinite(rows.sum(dtype=np.float64)) or np.all(np.isfinite(rows))
    if not finite:
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise InputError(
            f"the {what}inputs contain {rows[row, column]} in row {row}, column {column}; fill or drop it first"
        )
    if loss.target == "class":
        low, high = targets.min(), targets.max()
        if low < 0 or high >= network.n_outputs or np.any(targets != np.floor(targets)):
            raise InputError(
                f"class indices must be whole numbers from 0 to {network.n_outputs - 1} for this network"
            )
    if loss.name == "binary_cross_entropy" and (targets.min() < 0 or targets.max() > 1):
        raise InputError(
            "binary_cross_entropy needs targets between 0 and 1; map the two labels to 0 and 1 first"
        )
    return rows, targets
