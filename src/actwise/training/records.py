"""What a training is asked to do and what it hands out: frozen records, no work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import Optimizer
from actwise.training.settings import add_fields, recorded, with_present_names

StoppedBecause: TypeAlias = Literal[
    "all epochs done", "no improvement", "time limit", "interrupted", "loss is not finite", "converged", "asked to stop"
]


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What happened in one epoch.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    training_loss : float
        Weighted mean over the rows, each with the weights before its own step.
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
        if not len(self):
            raise IndexError(
                "the history is empty: training ended within its first epoch; run.stopped_because says why"
            )
        number = range(len(self))[index]
        training, validation, rate, norm = (float(each) for each in self._table[number])
        loss = None if np.isnan(validation) and not np.isnan(training) else validation
        return EpochRecord(
            number + 1, training, loss, rate, norm if self._clipped else None, float(self._seconds[number])
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


def _with_further_settings(cls: type) -> type:
    """Let a record hold what the table has beside the fields that are declared for the type checker."""
    return add_fields(cls, ((row.name, row.default) for row in recorded()))


@dataclass(frozen=True)
@_with_further_settings
class TrainingSettings:
    """How a network was trained: what `train` was asked for, with the defaults that were chosen."""

    loss: Loss
    optimizer: Optimizer
    batch_size: int
    epochs: int
    l2: float
    max_gradient_norm: float
    shuffle: bool
    seed: int
    patience: int
    tolerance: float
    time_limit: float | None
    threads: int | None

    def __getattr__(self, name: str) -> Any:
        (present,) = with_present_names({name: None})
        if present == name:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self, present)


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
    settings : TrainingSettings
        What was asked for, with the defaults that were chosen, the optimiser among them.
    """

    network: Network
    history: History
    stopped_because: StoppedBecause
    best_epoch: int
    updates: int
    seconds: float
    settings: TrainingSettings
