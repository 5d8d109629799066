"""How weights start: records that draw them, and their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError, suggest

Weights: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Uniform:
    """Initial values drawn uniformly between two bounds."""

    low: float
    high: float

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True, slots=True)
class Normal:
    """Initial values drawn from a normal distribution around 0."""

    std: float

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        return rng.normal(0.0, self.std, shape)


@dataclass(frozen=True, slots=True)
class TruncatedNormal:
    """Initial values from a normal distribution around 0, drawn again beyond two standard deviations.

    Parameters
    ----------
    std : float
        Standard deviation of the normal distribution before it is cut.
    """

    std: float

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        values = rng.normal(size=shape)
        while np.any(outside := np.abs(values) > 2):
            values[outside] = rng.normal(size=int(outside.sum()))
        return values * self.std


@dataclass(frozen=True, slots=True)
class Orthogonal:
    """A random matrix whose rows or columns, whichever are fewer, are orthogonal and of the length `gain`.

    References
    ----------
    Saxe et al. 2014, arXiv:1312.6120.
    """

    gain: float = 1.0

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        tall = (max(shape), min(shape)) if len(shape) == 2 else (shape[0], 1)
        q, r = np.linalg.qr(rng.normal(size=tall))
        # Without the signs the distribution would not be uniform (Mezzadri 2007, arXiv:math-ph/0609050).
        q = q * np.sign(np.diag(r))
        return self.gain * (q if q.shape == shape else q.T.reshape(shape))


@dataclass(frozen=True, slots=True)
class Constant:
    """The same initial value everywhere, or one for each unit."""

    value: float | tuple[float, ...]

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        return np.full(shape, self.value, np.float64)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Initial values whose variance is ``scale / fan``.

    Parameters
    ----------
    scale : float
        The numerator; a gain squared.
    fan : {"in", "average"}
        Inputs of a unit, or the mean of its inputs and outputs.
    uniform : bool
        Uniform instead of normal.
    """

    scale: float
    fan: Literal["in", "average"] = "average"
    uniform: bool = True

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        fan = fans[0] if self.fan == "in" else (fans[0] + fans[1]) / 2
        std = float(np.sqrt(self.scale / fan))
        if self.uniform:
            return rng.uniform(-std * np.sqrt(3), std * np.sqrt(3), shape)
        return rng.normal(0.0, std, shape)


Initializer: TypeAlias = Uniform | Normal | TruncatedNormal | Orthogonal | Constant | Scaled
INITIALIZERS: dict[str, Initializer] = {
    "zeros": Constant(0.0), "ones": Constant(1.0), "orthogonal": Orthogonal(),
    # The bounds and deviations that Keras takes where none are given.
    "random_uniform": Uniform(-0.05, 0.05), "random_normal": Normal(0.05), "truncated_normal": TruncatedNormal(0.05),
    "glorot_uniform": Scaled(1.0), "glorot_normal": Scaled(1.0, uniform=False),
    "he_uniform": Scaled(2.0, "in"), "he_normal": Scaled(2.0, "in", uniform=False),
    "lecun_uniform": Scaled(1.0, "in"), "lecun_normal": Scaled(1.0, "in", uniform=False),
}  # fmt: skip


def initializer(what: str | Initializer, gain: float) -> Initializer:
    """Get an initialiser by name; ``"auto"`` follows from the activation's gain.

    >>> initializer("auto", gain=2.0)
    Scaled(scale=4.0, fan='average', uniform=True)
    """
    if not isinstance(what, str):
        return what
    if what == "auto":
        return Scaled(gain**2)
    if what not in INITIALIZERS:
        raise InputError(f"unknown initializer {what!r}; {suggest(what, [*INITIALIZERS, 'auto'], noun='initializers')}")
    return INITIALIZERS[what]
