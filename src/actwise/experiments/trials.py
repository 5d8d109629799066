"""Several things, each trained with several seeds: by threads, or by whatever joblib is told to use."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from threadpoolctl import threadpool_limits

from actwise.experiments.budget import Budget, OutOfTimeError

FEWEST_SEEDS = 2  # of each thing, whatever is left of the budget
FEWEST_UPDATES = 10_000  # of each training, whatever is left: fewer would tell nothing


class Trained(Protocol):
    """What a training comes to."""

    @property
    def updates(self) -> float:
        """Updates that it took; one of a large network may count as several."""


Result = TypeVar("Result")
Outcome = TypeVar("Outcome", bound=Trained)
Outcome_co = TypeVar("Outcome_co", bound=Trained, covariant=True)


class Trainable(Protocol[Outcome_co]):
    """Something that can be trained with a seed."""

    def train(self, seed: int, most_updates: float, should_stop: Callable[[], bool]) -> Outcome_co:
        """Train it for at most so many updates; where `should_stop` says so, what comes out is thrown away."""


@dataclass
class Stop:
    """Tells trainings under way to end; in other processes, which have another clock, it never does."""

    budget: Budget
    asked: bool = False

    def __call__(self) -> bool:
        """Tell whether to end."""
        return self.asked or self.budget.is_out_of_time

    def __reduce__(self) -> tuple[type[Stop], tuple[Budget]]:
        return Stop, (Budget(),)


Call: TypeAlias = Callable[[], Result]


def in_threads(calls: Sequence[Call[Result]], stop: Stop) -> list[Result]:
    """Make calls side by side in threads: compiled training leaves Python's lock to others."""
    with threadpool_limits(1), ThreadPoolExecutor(min(len(calls), os.cpu_count() or 1)) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            return [future.result() for future in futures]
        except BaseException:
            # Ctrl-C reaches this thread only: the others end at their next look.
            stop.asked = True
            for future in futures:
                future.cancel()
            raise


def by_joblib(calls: Sequence[Call[Result]], stop: Stop) -> list[Result]:
    """Make calls with the backend that `joblib.parallel_config` names: processes, Dask, Ray."""
    from joblib import Parallel, delayed

    try:
        found: list[Result] = Parallel()(delayed(call)() for call in calls)
        return found
    except BaseException:
        stop.asked = True
        raise


@dataclass(frozen=True, eq=False)
class _Training:
    """One training as a call without arguments that other processes can be given."""

    thing: Trainable[Trained]
    seed: int
    most_updates: float
    stop: Stop

    def __call__(self) -> Trained:
        return self.thing.train(self.seed, self.most_updates, self.stop)


@dataclass
class Trials:
    """Trains things with the seeds `seed`, `seed` + 1, ... within a budget.

    Parameters
    ----------
    budget : Budget
        What all trainings together may take.
    seed : int
        The first seed.
    run_all : callable
        `in_threads` or `by_joblib`.
    """

    budget: Budget
    seed: int = 0
    run_all: Callable[[Sequence[Call[Trained]], Stop], list[Trained]] = in_threads
    _costliest: float = field(default=0.0, init=False)

    def run(
        self, things: Sequence[Trainable[Outcome]], n_seeds: int, first: int = 0, share: float = 1.0
    ) -> list[list[Outcome]]:
        """Train each thing with so many seeds, the same for all; outcomes come by thing, then by seed.

        Where `share` of what is left does not allow for that, by the costliest training so far, there are fewer seeds;
        and each training is limited to its part.
        """
        left = share * self.budget.left
        if self._costliest > 0:
            n_seeds = min(n_seeds, max(FEWEST_SEEDS, int(min(left / self._costliest / len(things), n_seeds))))
        most = max(FEWEST_UPDATES, left / (n_seeds * len(things)))
        stop = Stop(self.budget)
        outcomes = self.run_all(
            [_Training(thing, self.seed + first + k, most, stop) for thing in things for k in range(n_seeds)], stop
        )
        if self.budget.is_out_of_time:
            raise OutOfTimeError
        for each in outcomes:
            self.budget.spend(each.updates)
            self._costliest = max(self._costliest, each.updates)
        return [outcomes[k * n_seeds : (k + 1) * n_seeds] for k in range(len(things))]  # type: ignore[misc]  # as trained
