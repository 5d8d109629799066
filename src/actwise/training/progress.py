"""A training under way: compiled steps in calls that are short enough for a person to interrupt.

Between two calls Python looks at the clock, answers Ctrl-C and hands out records. What is learned does not
depend on when those pauses fall.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from actwise.engines.numba import build, engine, halves, tiny, unrolled
from actwise.engines.threads import processors
from actwise.model import optimizers
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.model.schedules import as_schedule
from actwise.training.records import History, Run, StoppedBecause, TrainingSettings

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
PAUSE_SECONDS = 0.1  # aimed at between two looks at the clock: prompt for a person, cheap for the loop
PAUSED = 0  # of engines/numba/compiled/loop.py, as are the keys of ENDINGS
ENDINGS: dict[int, StoppedBecause] = {1: "all epochs done", 2: "no improvement", 3: "loss is not finite"}
N_RULE_CONSTANTS = 4
FIRST_STEPS = 64  # steps before the first look at the clock
TRIES_OTHER_EACH = 16  # calls after which the slower number of threads is tried again
MOST_EPOCHS_PER_CALL = 20_000  # bounds the memory for records and learning rates of one call
ITERATIONS_PER_CALL = 200  # of L-BFGS between two looks at the clock


@dataclass(frozen=True)
class OptimizerState:
    """What a training needs to go on as if it had not paused: moments, steps taken, random words."""

    first: FloatArray
    second: FloatArray
    step: int
    random: npt.NDArray[np.uint64]


@dataclass
class ThreadChoice:
    """Decides whether one thread or two work on the next steps, by how fast the last ones were.

    Two are slower where other programs want the processors too; the bits are the same.
    """

    two_allowed: bool
    paces: dict[int, float] = field(default_factory=dict)
    calls: int = 0

    def tries(self) -> bool:
        """Whether the next steps only serve to learn a pace, and should be few."""
        return self.two_allowed and (len(self.paces) < 2 or self.calls % TRIES_OTHER_EACH == 0)

    def threads(self) -> int:
        """Say how many threads should work on the next steps."""
        if not self.two_allowed:
            return 1
        untried = [threads for threads in (2, 1) if threads not in self.paces]
        if untried:
            return untried[0]
        faster, slower = sorted(self.paces, key=lambda threads: self.paces[threads])
        return slower if self.tries() else faster

    def took(self, threads: int, seconds_per_step: float) -> None:
        """Note how fast steps were; the first call is left out, since it may have compiled."""
        self.calls += 1
        if self.calls > 1:
            self.paces[threads] = seconds_per_step


@dataclass
class Progress:
    """A training under way; `run` gives its result at any time.

    Iterating yields lists of new epoch records. An interruption between two lists loses nothing. Where
    `callback` is given it is called after every epoch, and ends the training by returning true.
    """

    network: Network
    settings: TrainingSettings
    rows: FloatArray
    targets: FloatArray
    weights: FloatArray | None
    validation: tuple[FloatArray, FloatArray, FloatArray | None] | None
    callback: Callable[[Progress], bool] | None = None
    resumed: OptimizerState | None = None
    stopped_because: StoppedBecause = "interrupted"
    _context: engine.Context | None = field(default=None, repr=False)
    _tables: list[npt.NDArray[np.float64]] = field(default_factory=list, repr=False)
    _seconds: list[npt.NDArray[np.float64]] = field(default_factory=list, repr=False)
    _halves: dict[str, engine.Context] = field(default_factory=dict, repr=False)
    _started: float = field(default_factory=time.perf_counter, repr=False)

    def __iter__(self) -> Iterator[History]:
        optimizer = self.settings.optimizer
        steps = self._minimise(optimizer) if isinstance(optimizer, LBFGS) else self._step(optimizer)
        with one_blas_thread():
            yield from steps

    def run(self) -> Run:
        """Return the result so far."""
        clipped = np.isfinite(self.settings.max_gradient_norm)
        history = History(
            np.concatenate([*self._tables, np.empty((0, 4))]), np.concatenate([*self._seconds, []]), clipped
        )
        seconds = time.perf_counter() - self._started
        if self._context is None:
            return Run(self.network, history, self.stopped_because, 0, 0, seconds, self.settings)
        best_epoch = self._context.get("BEST_EPOCH")
        # After a loss that is not finite, without a single good epoch, the best are the initial parameters.
        keep_best = self.stopped_because == "loss is not finite" or (best_epoch > 0 and self.validation is not None)
        chosen = self._context["BEST" if keep_best else "PARAMETERS"]
        if keep_best and not np.all(np.isfinite(chosen)):
            # An epoch's loss is that of the weights before each step: the last step can have overflowed.
            chosen, best_epoch = self.network.values, 0
        return Run(
            self.network.with_parameters(chosen),
            history,
            self.stopped_because,
            best_epoch,
            self._context.get("STEP"),
            seconds,
            self.settings,
        )

    @property
    def parameters(self) -> FloatArray:
        """The parameters as they are now; training changes the array."""
        return self.network.values if self._context is None else self._context["PARAMETERS"]

    @property
    def latest(self) -> History:
        """The records of the epochs since the last pause."""
        clipped = np.isfinite(self.settings.max_gradient_norm)
        return History(self._tables[-1], self._seconds[-1], clipped)

    @property
    def state(self) -> OptimizerState:
        """A copy of the optimiser's state, to go on from with the parameters."""
        assert self._context is not None, "training has not begun"
        first, second, random = (self._context[name].copy() for name in ("FIRST", "SECOND", "RANDOM"))
        return OptimizerState(first, second, self._context.get("STEP"), random)

    def prepared(self) -> engine.Context:
        """Lay out all arrays for an optimiser that goes step by step, and compile what is missing."""
        optimizer = self.settings.optimizer
        assert not isinstance(optimizer, LBFGS)
        context = self._prepare(self.batch_size, optimizer.rule)
        constants = context.hold("RULE_CONSTANTS", np.zeros(N_RULE_CONSTANTS))
        constants[: len(optimizer.constants)] = optimizer.constants
        if halves.is_worked_in_halves(self.network.structure, self.batch_size):
            described = self.settings.loss.for_engine(self.network.n_outputs)
            self._halves = halves.halves_of(context, self.network.structure, described)
            context.set(
                HALVES_STAGE=build.stage("halves", "both", context.dtype.name).address,
                **{name: half.integers.ctypes.data for name, half in self._halves.items()},
            )
        return context

    @property
    def batch_size(self) -> int:
        """Rows per step."""
        return min(self.settings.batch_size, len(self.rows))

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which all rows are seen."""
        return -(-len(self.rows) // self.batch_size)

    @property
    def written_out_rule(self) -> str | None:
        """The name of the rule with which steps for tiny networks do what is asked for; None where they cannot."""
        settings, network = self.settings, self.network
        if settings.l2 != 0 or np.isfinite(settings.max_gradient_norm) or isinstance(settings.optimizer, LBFGS):
            return None
        described = settings.loss.for_engine(network.n_outputs)
        if not unrolled.can_be_written_out(network.structure, described, network.n_parameters):
            return None
        return unrolled.rule_of(settings.optimizer.rule, settings.optimizer.constants)

    def _prepare(self, batch_size: int, update: str | None) -> engine.Context:
        """Compile what is missing and lay out all arrays."""
        network, settings = self.network, self.settings
        dtype = np.dtype(network.dtype)
        build.compile_ahead(dtype.name)
        context = engine.prepare(network.structure, dtype, batch_size, settings.loss.for_engine(network.n_outputs))
        if update is not None:
            context.set(UPDATE_STAGE=build.stage("updates", update, dtype.name).address)
        engine.set_parameters(context, network.values.copy())
        engine.set_rows(context, self.rows, self.targets, self.weights)
        if self.validation is not None:
            engine.set_rows(context, *self.validation, judged=True)
        size = network.n_parameters
        context.hold("GRADIENTS", np.zeros(size, dtype))
        for name in ("FIRST", "SECOND"):
            context.hold(name, np.zeros(size + 1, dtype))  # the last entry is for what a rule keeps beside them
        context.hold("BEST", network.values.copy())
        context.hold("RANDOM", engine.random_state(settings.seed))
        context.set(
            N_FIRST=size + 1,
            N_SECOND=size + 1,
            EPOCHS=settings.epochs,
            SHUFFLED=bool(settings.shuffle),
            PATIENCE=settings.patience,
            L2=settings.l2,
            LARGEST_NORM=settings.max_gradient_norm,
            TOLERANCE=settings.tolerance,
            BEST_LOSS=np.inf,
        )
        if self.resumed is not None:
            context["FIRST"][:], context["SECOND"][:] = self.resumed.first, self.resumed.second
            context["RANDOM"][:] = self.resumed.random
            context.set(STEP=self.resumed.step)
        self._context = context
        return context

    def _out_of_time(self) -> bool:
        limit = self.settings.time_limit
        return limit is not None and time.perf_counter() - self._started >= limit

    def _step(self, optimizer: optimizers.SteppingOptimizer) -> Iterator[History]:
        settings = self.settings
        context = self.prepared()
        steps_per_epoch = self.steps_per_epoch
        total_steps = steps_per_epoch * settings.epochs
        schedule = as_schedule(optimizer.learning_rate)
        rule = self.written_out_rule if total_steps >= tiny.FEWEST_STEPS else None
        if rule is not None:
            described = settings.loss.for_engine(self.network.n_outputs)
            address = tiny.stage_address(self.network.structure, described, rule, self.network.dtype)
        else:
            address = build.stage("loop", "run_steps", self.network.dtype).address
        run_steps = engine.training_stage(address, self.network.dtype)
        thread_choice = ThreadChoice(bool(self._halves) and (settings.threads or processors()) > 1)
        planned, done, before_us = FIRST_STEPS, 0, context.get("STEP")
        stopped: StoppedBecause | None = None
        clipped = np.isfinite(settings.max_gradient_norm)
        while stopped is None:
            most = (
                steps_per_epoch * MOST_EPOCHS_PER_CALL
                if self.callback is None
                else steps_per_epoch - done % steps_per_epoch
            )
            trial = thread_choice.tries()
            steps = max(1, min(FIRST_STEPS if trial else planned, total_steps - done, most))
            table = context.hold("HISTORY", np.zeros((steps // steps_per_epoch + 2, 4)))
            coming = np.arange(done, done + steps) + before_us
            context.hold("RATES", schedule.rates(coming, total_steps + before_us))
            context.set(HISTORY_ROW=0, HISTORY_SIZE=table.size)
            before = time.perf_counter()
            threads = thread_choice.threads()
            with halves.second_thread(context) if threads == 2 else nullcontext():
                ended = context.call(run_steps, steps)
            now = time.perf_counter()
            thread_choice.took(threads, (now - before) / steps)
            done += steps
            table = table[: context.get("HISTORY_ROW")]
            taken = np.linspace(before, now, len(table) + 1)[1:] - self._started
            self._tables.append(table)
            self._seconds.append(taken)
            stopped = self._why(ended)
            if len(table) and self.callback is not None and self.callback(self):
                stopped = stopped or "asked to stop"
            if len(table):
                yield History(table, taken, clipped)
            # The first call may have compiled; only later ones tell how fast the steps are.
            if done > FIRST_STEPS and not trial:
                planned = int(np.clip(steps * PAUSE_SECONDS / max(now - before, 1e-9), 1, 4 * steps))
        self.stopped_because = stopped

    def _minimise(self, optimizer: LBFGS) -> Iterator[History]:
        """Let SciPy's L-BFGS minimise the mean loss over all rows; one iteration is one epoch."""
        from scipy.optimize import minimize

        settings = self.settings
        context = self._prepare(min(len(self.rows), engine.PREDICTION_BATCH), None)
        parameters = context["PARAMETERS"]
        table = context.hold("HISTORY", np.zeros((1, 4)))
        context.set(HISTORY_SIZE=table.size)
        wide = parameters.astype(np.float64)

        def objective(point: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            parameters[:] = point
            context.run("loop", "loss_and_gradient")
            loss = context.float("LOSS_SUM") / context.float("WEIGHT_SUM")
            penalty = sum(
                float(np.sum(point[s.weights_at : s.weights_at + s.n_weights] ** 2)) for s in self.network.structure
            )
            return loss + settings.l2 / 2 * penalty, context["GRADIENTS"].astype(np.float64)

        ended, asked, evaluations = PAUSED, False, 0

        def after_iteration(intermediate_result: Any) -> None:
            nonlocal ended, asked
            parameters[:] = intermediate_result.x
            step = context.get("STEP") + 1
            context.set(HISTORY_ROW=0, STEP=step, LOSS_SUM=float(intermediate_result.fun), WEIGHT_SUM=1.0)
            ended = context.run("loop", "close_epoch")
            self._tables.append(table.copy())
            self._seconds.append(np.array([time.perf_counter() - self._started]))
            asked = self.callback is not None and self.callback(self)
            if ended != PAUSED or asked or self._out_of_time():
                raise StopIteration

        stopped: StoppedBecause | None = None
        while stopped is None:
            # SciPy cannot pause: it gets some iterations at a time, and its memory starts anew after them.
            allowed = min(settings.epochs - context.get("EPOCH"), ITERATIONS_PER_CALL)
            allowed_evaluations = min(20 * allowed, optimizer.most_evaluations - evaluations)
            known = len(self._tables)
            result = minimize(
                objective, wide, jac=True, method="L-BFGS-B", callback=after_iteration,
                options={
                    "maxiter": allowed, "maxfun": allowed_evaluations, "maxcor": optimizer.memory,
                    "gtol": optimizer.gradient_tolerance,
                },
            )  # fmt: skip
            wide = np.asarray(result.x, np.float64)
            parameters[:] = wide
            evaluations += result.nfev
            if not self._tables and np.isfinite(result.fun):
                with suppress(StopIteration):
                    after_iteration(result)  # at rest where it started: a record tells the loss there
            stopped = self._why(ended)
            done = len(self._tables) - known
            if stopped is None and asked:
                stopped = "asked to stop"
            elif stopped is None and evaluations >= optimizer.most_evaluations:
                stopped = "all epochs done"
            elif stopped is None and done < allowed:
                stopped = "converged" if np.isfinite(result.fun) else "loss is not finite"
            if done:
                yield History(np.concatenate(self._tables[known:]), np.concatenate(self._seconds[known:]), False)
        self.stopped_because = stopped

    def _why(self, ended: int) -> StoppedBecause | None:
        """Say why training ends here, or None where it goes on."""
        if ended == PAUSED:
            return "time limit" if self._out_of_time() else None
        return ENDINGS[ended]


@cache
def _controller() -> ThreadpoolController:
    """Looking for the libraries that have threads takes milliseconds; SciPy's BLAS is loaded by then."""
    engine.gemm_address("float32")
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread: what is left to it is small. The setting is one of the whole process."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
