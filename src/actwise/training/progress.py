"""A training under way: compiled steps in calls that are short enough for a person to interrupt.

Between two calls Python looks at the clock, answers Ctrl-C and hands out records. What is learned does not
depend on when those pauses fall.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from actwise import optimizers
from actwise.kernels import build, engine
from actwise.network import Network
from actwise.optimizers import LBFGS
from actwise.schedules import as_schedule
from actwise.training.records import History, Run, StoppedBecause, TrainingSettings

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
PAUSE_SECONDS = 0.1  # aimed at between two looks at the clock: prompt for a person, cheap for the loop
FIRST_STEPS = 64  # steps before the first look at the clock
MOST_EPOCHS_PER_CALL = 20_000  # bounds the memory for records and learning rates of one call
ITERATIONS_PER_CALL = 200  # of L-BFGS between two looks at the clock
THREADED_WORK = 4_000_000  # multiply-adds per step of the largest product from which two threads pay


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
        steps, done = FIRST_STEPS, 0
        stopped: StoppedBecause | None = None
        clipped = np.isfinite(settings.largest_gradient_norm)
        while stopped is None:
            steps = max(1, min(steps, total_steps - done, steps_per_epoch * MOST_EPOCHS_PER_CALL))
            table = np.zeros((steps // steps_per_epoch + 2, 4))
            rates = schedule.rates(np.arange(done, done + steps), total_steps)
            call = self._loop_settings(
                rule=optimizer.rule,
                rule_constants=constants,
                rates=rates,
                max_steps=steps,
                batch_size=batch_size,
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
            stopped = self._why(ended)
            if len(table):
                yield History(table, taken, clipped)
            # The first call may have compiled; only later ones tell how fast the steps are.
            if done > FIRST_STEPS:
                steps = int(np.clip(steps * PAUSE_SECONDS / max(now - before, 1e-9), 1, 4 * steps))
        self.stopped_because = stopped

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

        records: list[list[float]] = []
        times: list[float] = []
        ended = loop.PAUSED

        def after_iteration(intermediate_result: Any) -> None:
            nonlocal ended
            state.parameters[:] = intermediate_result.x
            state.integers[loop.HISTORY_ROW] = 0
            state.integers[loop.STEP] += 1
            state.floats[loop.LOSS_SUM], state.floats[loop.WEIGHT_SUM] = float(intermediate_result.fun), 1.0
            table = np.zeros((1, 4))
            ended = loop.close_epoch(plan, call, validation, state._replace(history=table), in_order)
            records.append(list(table[0]))
            times.append(time.perf_counter() - self._started)
            if ended != loop.PAUSED or self._out_of_time():
                raise StopIteration

        stopped: StoppedBecause | None = None
        while stopped is None:
            # SciPy cannot pause: it gets some iterations at a time, and its memory starts anew after them.
            allowed = min(settings.epochs - int(state.integers[loop.EPOCH]), ITERATIONS_PER_CALL)
            records.clear()
            times.clear()
            result = minimize(
                objective, wide, jac=True, method="L-BFGS-B", callback=after_iteration,
                options={
                    "maxiter": allowed, "maxfun": 20 * allowed, "maxcor": settings.optimizer.memory,
                    "gtol": settings.optimizer.gradient_tolerance,
                },
            )  # fmt: skip
            wide = np.asarray(result.x, np.float64)
            state.parameters[:] = wide
            stopped = self._why(ended)
            if stopped is None and len(records) < allowed:
                stopped = "converged" if np.isfinite(result.fun) else "loss is not finite"
            if records:
                self._tables.append(np.array(records))
                self._seconds.append(np.array(times))
                yield History(self._tables[-1], self._seconds[-1], False)
        self.stopped_because = stopped

    def _why(self, ended: int) -> StoppedBecause | None:
        """Say why training ends here, or None where it goes on."""
        loop = build.compiled("loop")
        if ended == loop.PAUSED:
            return "time limit" if self._out_of_time() else None
        reasons: dict[int, StoppedBecause] = {
            loop.EPOCHS_DONE: "all epochs done",
            loop.STALE: "no improvement",
            loop.NOT_FINITE: "loss is not finite",
        }
        return reasons[ended]


def _blas_threads(network: Network, settings: TrainingSettings) -> int:
    """More than one thread only where the largest matrix product is worth the hand-over."""
    largest = max(layer.n_inputs * layer.n_linear for layer in network.structure) * settings.batch_size
    if largest < THREADED_WORK:
        return 1
    return settings.threads or os.cpu_count() or 1
