"""How much may be trained: counted in updates, so that it is the same on every machine; seconds only end it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf


class OutOfTimeError(Exception):
    """The seconds of a budget have passed while something was being trained."""


@dataclass
class Budget:
    """A number of updates, and seconds after which everything ends.

    Whether an experiment is made depends on updates alone. The clock never decides between experiments: when the
    seconds have passed, the experiment that is running is abandoned with `OutOfTimeError`.

    >>> now = iter([0.0, 4.0, 11.0])
    >>> budget = Budget(updates=1000, seconds=10.0, clock=lambda: next(now))
    >>> budget.spend(250)
    >>> budget.left, budget.share_used, budget.is_out_of_time
    (750, 0.4, True)
    """

    updates: float = inf
    seconds: float = inf
    clock: Callable[[], float] = time.perf_counter
    _spent: float = field(default=0, init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def spend(self, updates: float) -> None:
        """Count updates that were made."""
        self._spent += updates

    @property
    def left(self) -> float:
        """Updates that are left."""
        return max(0, self.updates - self._spent)

    @property
    def seconds_taken(self) -> float:
        """Seconds since the budget was made."""
        return self.clock() - self._began

    @property
    def is_out_of_time(self) -> bool:
        """Whether the seconds have passed."""
        return self.seconds_taken >= self.seconds

    @property
    def share_used(self) -> float:
        """The larger of the shares of updates and seconds that are used up, at most 1."""
        return min(1.0, max(self._spent / self.updates, self.seconds_taken / self.seconds))
