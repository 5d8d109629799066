"""Networks of one shape that are trained together: their arrays lie side by side, and tasks train them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.engines.numba import build, engine, halves, lanes
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.model.schedules import Schedule, as_schedule
from actwise.training.progress import ENDINGS, FIRST_STEPS, PAUSE_SECONDS, PAUSED, Progress
from actwise.training.records import History, Run, StoppedBecause

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
FEWEST_FOR_LANES = 4  # networks; with fewer most lanes would be empty
FEWEST_STEPS_FOR_LANES = 100_000  # of all networks together: compiling takes one to two seconds
STEPS_PER_TABLE = 2**16  # learning rates that are worked out at once
_OF_A_NETWORK = ("FLOATS", "PARAMETERS", "BEST", "FIRST", "SECOND", "RANDOM", "ORDER", "HISTORY")
_OF_A_TASK = (
    "WORK", "GRADIENTS", "TRANSPOSED", "CONSTANTS", "CONSTANT_GRADIENTS", "BATCH_TARGETS", "BATCH_WEIGHTS", "RATES",
)  # fmt: skip


@dataclass
class Clock:
    """When all work began, how long it may take, and whether somebody asked to stop."""

    time_limit: float | None = None
    began: float = field(default_factory=time.perf_counter)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.perf_counter() - self.began

    def ended_because(self) -> StoppedBecause | None:
        """Say why work that is not finished has to end, or None where it goes on."""
        if self.time_limit is not None and self.seconds >= self.time_limit:
            return "time limit"
        return "interrupted" if self.stop.is_set() else None


class Group:
    """Networks of one shape and what each of them needs, a row each.

    Parameters
    ----------
    template : Progress
        A training of the first network that has not begun; rows, targets and settings are those of all.
    networks : sequence of Network
        The descriptions.
    parameters : ndarray of shape (n_networks, n_parameters)
        Where each one starts.
    seeds : sequence of int
        For the order of rows and dropout.
    learning_rates : sequence of float, schedule or None
        In place of the optimiser's own.
    clock : Clock
        Asked between two calls of compiled code.
    """

    def __init__(
        self,
        template: Progress,
        networks: Sequence[Network],
        parameters: FloatArray,
        seeds: Sequence[int],
        learning_rates: Sequence[float | Schedule | None],
        clock: Clock,
    ) -> None:
        optimizer = template.settings.optimizer
        assert not isinstance(optimizer, LBFGS)
        self.template, self.networks, self.clock = template, networks, clock
        self.settings = [
            replace(
                template.settings,
                seed=seed,
                optimizer=optimizer if rate is None else replace(optimizer, learning_rate=rate),
            )
            for seed, rate in zip(seeds, learning_rates, strict=True)
        ]
        self.total_steps = template.steps_per_epoch * template.settings.epochs
        self.context = template.prepared()
        self.context.hold("HISTORY", np.zeros((template.settings.epochs, 4)))
        self.context.set(HISTORY_SIZE=4 * template.settings.epochs)
        self.integers = np.tile(self.context.integers, (len(networks), 1))
        self.arrays: dict[str, npt.NDArray[Any]] = {}
        for name in _OF_A_NETWORK:
            own = self.context[name]
            rows = np.zeros((len(networks), own.size), own.dtype)
            if name != "HISTORY":  # its pages are touched as they are written
                rows[:] = own.reshape(-1)
            self.arrays[name] = rows
            self.integers[:, self.context.place(name)] = rows.ctypes.data + np.arange(len(networks)) * rows.strides[0]
        self.arrays["PARAMETERS"][:] = self.arrays["BEST"][:] = parameters
        self.arrays["RANDOM"][:] = [engine.random_state(each) for each in seeds]
        self.stopped_because: list[StoppedBecause | None] = [None] * len(networks)
        self.seconds = np.zeros(len(networks))
        self._scratches: list[dict[str, Any]] = []  # of tasks that have ended
        self._usual_steps = FIRST_STEPS  # of a call; the first tasks find out

    def column(self, name: str) -> npt.NDArray[np.int64]:
        """An integer of all contexts."""
        return self.integers[:, self.context.place(name)]

    def tasks(self) -> list[Callable[[], None]]:
        """Make the pieces of work that threads can share."""
        count = len(self.networks)
        pays = count >= FEWEST_FOR_LANES and count * self.total_steps >= FEWEST_STEPS_FOR_LANES
        rule = self.template.written_out_rule if pays else None
        if rule is not None:
            return [
                partial(self._train_lanes, rule, range(first, min(first + lanes.LANES, count)))
                for first in range(0, count, lanes.LANES)
            ]
        return [partial(self._train_one, index) for index in range(count)]

    def run(self, index: int) -> Run:
        """Make the run of a network."""
        done = int(self.column("HISTORY_ROW")[index])
        table = self.arrays["HISTORY"][index].reshape(-1, 4)[:done].copy()
        settings, best_epoch = self.settings[index], int(self.column("BEST_EPOCH")[index])
        seconds = float(self.seconds[index])
        history = History(table, np.linspace(0.0, seconds, done + 1)[1:], bool(np.isfinite(settings.max_gradient_norm)))
        stopped = self.stopped_because[index] or "interrupted"
        keep_best = stopped == "loss is not finite" or (best_epoch > 0 and self.template.validation is not None)
        chosen = self.arrays["BEST" if keep_best else "PARAMETERS"][index]
        return Run(
            self.networks[index].with_parameters(chosen), history, stopped, best_epoch,
            int(self.column("STEP")[index]), seconds, settings,
        )  # fmt: skip

    def loss(self, index: int) -> float:
        """Return the loss that a network reached, infinite where it is not finite."""
        done = int(self.column("HISTORY_ROW")[index])
        if not done:
            return float("inf")
        table = self.arrays["HISTORY"][index].reshape(-1, 4)[:done]
        reached = table[-1, 0] if self.template.validation is None else np.min(table[:, 1])
        return float(reached) if np.isfinite(reached) else float("inf")

    def _scratch(self) -> dict[str, Any]:
        """Make the arrays and contexts that a task works in."""
        made: dict[str, Any] = {
            name: np.array(self.context[name]) for name in _OF_A_TASK if name != "RATES" and self.context.get(name)
        }
        if self.context.get("HALVES_STAGE"):
            network = self.template.network
            described = self.template.settings.loss.for_engine(network.n_outputs)
            made |= halves.halves_of(self.context, network.structure, described)
        return made

    def _tables(self, members: range, done: int, steps: int) -> dict[int, npt.NDArray[np.float64]]:
        """Work out learning rates of coming steps and tell the contexts where they lie; the caller keeps them alive."""
        tables: dict[int, npt.NDArray[np.float64]] = {}  # one for all whose rate is the same object
        for index in members:
            optimizer = self.settings[index].optimizer
            assert not isinstance(optimizer, LBFGS)
            rate = optimizer.learning_rate
            if id(rate) not in tables:
                rates = as_schedule(rate).rates(np.arange(done, done + steps), self.total_steps)
                tables[id(rate)] = np.ascontiguousarray(rates, np.float64)
            self.integers[index, self.context.place("RATES")] = tables[id(rate)].ctypes.data
        return tables

    def _call(self, members: range, call: Callable[[int], int]) -> None:
        """Call compiled code for some steps at a time until it says that nobody goes on, or the clock does."""
        done, steps, began = 0, self._usual_steps, time.perf_counter()
        scratch = self._scratches.pop() if self._scratches else self._scratch()
        for name, held in scratch.items():
            address = (held.integers if isinstance(held, engine.Context) else held).ctypes.data
            self.integers[members, self.context.place(name)] = address
        ended: StoppedBecause | None = None
        going = 1
        while going and ended is None:
            steps = max(1, min(steps, self.total_steps - done, STEPS_PER_TABLE))
            tables = self._tables(members, done, steps)
            before = time.perf_counter()
            going = call(steps)
            taken = time.perf_counter() - before
            done += steps
            if done > FIRST_STEPS:
                steps = self._usual_steps = max(1, min(int(steps * PAUSE_SECONDS / max(taken, 1e-9)), 4 * steps))
            ended = self.clock.ended_because()
            del tables
        self._scratches.append(scratch)
        for index in members:
            self.seconds[index] = time.perf_counter() - began
            self.stopped_because[index] = self.stopped_because[index] or ended or "all epochs done"

    def _train_one(self, index: int) -> None:
        dtype = self.context.dtype.name
        stage = engine.training_stage(build.stage("loop", "run_steps", dtype).address, dtype)

        def call(steps: int) -> int:
            ended = stage(self.integers[index].ctypes.data, steps, 0, 0)
            if ended != PAUSED:
                self.stopped_because[index] = ENDINGS[ended]
            return int(ended == PAUSED)

        self._call(range(index, index + 1), call)

    def _train_lanes(self, rule: str, members: range) -> None:
        settings, network = self.template.settings, self.template.network
        described = settings.loss.for_engine(network.n_outputs)
        stage = lanes.stage(network.structure, described, rule, network.dtype)
        rows = [self.integers[index] for index in members]
        # Lanes without a network work on a copy of the last one, which is thrown away.
        spare = _copy_of(rows[-1], self.context, {name: self.arrays[name][members[-1]] for name in _OF_A_NETWORK})
        contexts = rows + [spare.integers] * (lanes.LANES - len(rows))
        block = lanes.block(contexts, len(rows), network.structure, described, network.dtype)

        def call(steps: int) -> int:
            spare.integers[self.context.place("RATES")] = rows[-1][self.context.place("RATES")]
            going = stage(block["block"].ctypes.data, steps, 0, 0)
            for lane, index in enumerate(members):
                if not block["active"][lane]:
                    self.stopped_because[index] = ENDINGS[int(block["ended"][lane])]
            return going

        self._call(members, call)


@dataclass(frozen=True)
class _Spare:
    integers: npt.NDArray[np.int64]
    kept: list[npt.NDArray[Any]]


def _copy_of(integers: npt.NDArray[np.int64], context: engine.Context, arrays: dict[str, npt.NDArray[Any]]) -> _Spare:
    copy, kept = integers.copy(), []
    for name, array in arrays.items():
        kept.append(array.copy())
        copy[context.place(name)] = kept[-1].ctypes.data
    return _Spare(copy, kept)
