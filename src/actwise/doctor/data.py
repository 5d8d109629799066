"""The rows that the doctor trains on and those that it scores on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.doctor.targets import Numbers, Targets
from actwise.errors import InputError
from actwise.tasks import Scaling, split_rows
from actwise.tasks.splits import is_complete

FEWEST_TEST_ROWS = 50  # with fewer a score on them would mostly be noise
ROWS_TO_SPLIT = 200  # from so many rows on a quarter is held out where no split is given
Rows: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Data:
    """Rows and what they serve for; `train` and `test` are the same where there are too few."""

    X: Numbers  # (n_rows, n_inputs), as the network is given them
    task: Targets
    train: Rows
    test: Rows
    validation: Rows | None = None  # for early stopping
    weights: Numbers | None = None  # how much each row counts in training

    @property
    def held_out(self) -> bool:
        """Whether scores are of rows that were not trained on."""
        return self.test is not self.train

    def with_validation(self, share: float, seed: int) -> Data:
        """Take a share of the training rows for early stopping."""
        order = np.random.default_rng(seed).permutation(self.train)
        n = max(1, round(share * len(order)))
        train = np.sort(order[n:])
        return replace(self, train=train, test=self.test if self.held_out else train, validation=np.sort(order[:n]))

    @cached_property
    def is_complete(self) -> bool:
        """Whether these rows are all there can be, such as a truth table: nothing is left to generalise to."""
        return is_complete(self.X)

    @cached_property
    def constant_score(self) -> float:
        """Score of the best constant answer."""
        return self.task.constant_score(self.test)

    @cached_property
    def scaled_inputs(self) -> Numbers:
        """Inputs of mean 0 and standard deviation 1 over the training rows."""
        return self.scaling.apply(self.X)

    @cached_property
    def scaling(self) -> Scaling:
        """Centre and scale of each input column."""
        return scaling_of(self.X[self.train], inputs=True)


def scaling_of(rows: Numbers, *, inputs: bool) -> Scaling:
    """Learn a scaling; leave numbers that have none, such as NaN, as they are: rules speak of those."""
    try:
        return Scaling.learn(rows, inputs=inputs)
    except InputError:
        return Scaling.none(rows.shape[1])


def split(X: Numbers, task: Targets, n_train: int | None, seed: int, weights: Numbers | None = None) -> Data:
    """Hold out the rows after `n_train`, or a quarter where there are enough."""
    rows = np.arange(len(X))
    train, test = (rows, rows[:0]) if n_train is None else (rows[:n_train], rows[n_train:])
    if n_train is None and len(X) >= ROWS_TO_SPLIT and not is_complete(X):
        found = split_rows(len(X), test_size=len(X) // 4, validation_size=0, seed=seed)
        train, test = found.train, found.test
    return Data(X, task, train, test if len(test) >= FEWEST_TEST_ROWS else train, weights=weights)
