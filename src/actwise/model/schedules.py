"""Learning-rate schedules: the rate as a function of the step.

A schedule is a frozen record with one method, `rates`, that works on arrays of steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError

Rates: TypeAlias = npt.NDArray[np.float64]


class Schedule(Protocol):
    """Anything that gives a learning rate for each step."""

    def rates(self, steps: npt.NDArray[np.int64], total_steps: int) -> Rates:
        """Return the learning rate of each step.

        `steps`: step numbers, counted from 0.
        """
        ...


def _positive(value: float, what: str) -> None:
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"must be a positive number, not {value!r}; 0.001 is a common start for Adam", what)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same rate at every step."""

    rate: float

    def __post_init__(self) -> None:
        _positive(self.rate, "learning_rate")

    def rates(self, steps: npt.NDArray[np.int64], total_steps: int) -> Rates:
        """Return the learning rate of each step."""
        return np.full(steps.shape, self.rate)


@dataclass(frozen=True, slots=True)
class ExponentialDecay:
    """``rate * factor ** (step / every)``, in stairs if asked.

    Examples
    --------
    >>> ExponentialDecay(0.1, factor=0.5, every=10).rates(np.array([0, 10, 20]), 100)
    array([0.1  , 0.05 , 0.025])
    """

    rate: float
    factor: float = 0.96
    every: int = 1000
    stairs: bool = False

    def __post_init__(self) -> None:
        _positive(self.rate, "learning_rate")
        _positive(self.factor, "the factor of a decay")
        _positive(self.every, "the number of steps between decays")

    def rates(self, steps: npt.NDArray[np.int64], total_steps: int) -> Rates:
        """Return the learning rate of each step."""
        times = steps / self.every
        return np.asarray(self.rate * self.factor ** (np.floor(times) if self.stairs else times))


@dataclass(frozen=True, slots=True)
class InverseTimeDecay:
    """``rate / (1 + decay * step)``, the ``decay`` of Keras 2."""

    rate: float
    decay: float

    def __post_init__(self) -> None:
        _positive(self.rate, "learning_rate")

    def rates(self, steps: npt.NDArray[np.int64], total_steps: int) -> Rates:
        """Return the learning rate of each step."""
        return np.asarray(self.rate / (1.0 + self.decay * steps))


@dataclass(frozen=True, slots=True)
class InverseScaling:
    """``rate / (rows seen + 1) ** power``, changed after each epoch (scikit-learn's ``"invscaling"``)."""

    rate: float
    power: float
    rows: int
    steps_per_epoch: int
    rows_before: int = 0
    steps_before: int = 0

    def rates(self, steps: npt.NDArray[np.int64], total_steps: int) -> Rates:
        """Return the learning rate of each step."""
        seen = self.rows_before + (steps - self.steps_before) // self.steps_per_epoch * self.rows
        return np.asarray(self.rate / (seen + 1.0) ** self.power)


@dataclass(frozen=True, slots=True)
class CosineDecay:
    """A linear warm-up, then half a cosine down to a share of the rate.

    Parameters
    ----------
    rate : float
        The highest rate.
    warmup : float
        Share of all steps over which the rate rises from 0.
    final : float
        The last rate as a share of the highest.

    References
    ----------
    Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts.
    """

    rate: float
    warmup: float = 0.0
    final: float = 0.0

    def __post_init__(self) -> None:
        _positive(self.rate, "learning_rate")
        if not (0 <= self.warmup < 1 and 0 <= self.final <= 1):
            raise InputError("warmup and final of CosineDecay are shares between 0 and 1")

    def rates(self, steps: npt.NDArray[np.int64], total_steps: int) -> Rates:
        """Return the learning rate of each step."""
        rising = self.warmup * total_steps
        share = np.clip((steps - rising) / max(1.0, total_steps - rising), 0.0, 1.0)
        falling = self.final + (1 - self.final) * 0.5 * (1 + np.cos(np.pi * share))
        return np.asarray(self.rate * np.where(steps < rising, (steps + 1) / (rising + 1), falling))


def as_schedule(rate: float | Schedule) -> Schedule:
    """Turn a number into a constant schedule."""
    if isinstance(rate, int | float | np.floating | np.integer):
        return Constant(float(rate))
    if not hasattr(rate, "rates"):
        raise InputError(f"a learning rate is a number or a schedule such as aw.CosineDecay, not {rate!r}")
    return rate
