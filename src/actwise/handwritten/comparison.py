"""Compares the gradient of a program with differences of its loss: which arrays are right, up to one common factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.handwritten.differences import ERROR_MARGIN, RELATIVE_TOLERANCE, along
from actwise.handwritten.program import Program
from actwise.handwritten.usual_losses import UsualLoss

Array: TypeAlias = npt.NDArray[np.float64]
State: TypeAlias = Literal["right", "scaled", "decayed", "wrong", "unknown"]

N_DIRECTIONS = 4
KNOWN = 0.05
"""Where the error of a difference is more than this part of what is measured, nothing can be told."""
SAME_FACTOR = 1e-3
SAME_DECAY = 1e-2
SCALAR_VOTE = 0.4
"""One number is in proportion to any other: it counts for less than an array."""


@dataclass(frozen=True, eq=False)
class Probe:
    """Derivatives of one loss along random directions in each array at one point, and what the gradient says of them.

    Shapes (n_arrays, n_directions): `truth`, `error` (infinite where there is a kink), `claim` (NaN where the shape of
    the gradient is another one) and `own`, the array itself along the direction, as a penalty would add it.
    """

    truth: Array
    error: Array
    claim: Array
    own: Array

    @property
    def scale(self) -> Array:
        """The largest derivative of each array, shape (n_arrays, 1)."""
        known = np.where(np.isfinite(self.error), np.abs(self.truth), 0.0)
        return np.asarray(known.max(axis=1, keepdims=True))

    @property
    def tolerance(self) -> Array:
        """How far off a right gradient may be."""
        return RELATIVE_TOLERANCE * self.scale + ERROR_MARGIN * self.error

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Where the differences tell anything."""
        largest = float(self.scale.max(initial=0.0))
        return np.isfinite(self.error) & (self.error <= KNOWN * self.scale + 1e-9 * largest)


@dataclass(frozen=True)
class ArrayVerdict:
    """What is said of the gradient of one array: what to multiply it by, or how much of the array is added."""

    name: str
    state: State
    factor: float = 1.0
    decay: float = 0.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """A gradient against one loss.

    `factors`: what the gradient is to be multiplied by at each point, the same for all arrays; empty where no two
    arrays agree on it.
    """

    loss: UsualLoss
    arrays: tuple[ArrayVerdict, ...]
    factors: tuple[float, ...]
    wrong: tuple[int, ...]

    @property
    def turned(self) -> bool:
        """Whether every step climbs the loss."""
        return bool(self.factors) and self.factors[0] < 0

    @property
    def decay(self) -> float:
        """The strength of a penalty that is on all weights; 0 where there is none."""
        return max((each.decay for k, each in enumerate(self.arrays) if self._decayed(k)), default=0.0)

    def _decayed(self, k: int) -> bool:
        return self.arrays[k].state == "decayed" and k not in self.wrong


def _oddly_decayed(arrays: Sequence[ArrayVerdict], weights: Sequence[bool]) -> list[int]:
    """Penalties that are not the same on all weights, and on all biases or none; the odd ones out."""
    found: list[int] = []
    usual = max((each.decay for each in arrays if each.state == "decayed"), default=0.0)
    for kind in (True, False):
        group = [k for k, each in enumerate(weights) if each is kind and arrays[k].state in ("right", "decayed")]
        strong = [k for k in group if abs(arrays[k].decay - usual) <= SAME_DECAY * abs(usual) and usual > 0]
        without = [k for k in group if arrays[k].decay == 0]
        found += [k for k in group if k not in strong and k not in without]
        if strong and without:
            found += strong if len(strong) < len(without) or not kind else without
    return found


def probe(
    program: Program, losses: Sequence[UsualLoss], X: npt.NDArray[np.floating], arrays: Sequence[Array],
    given: Sequence[Array], rng: np.random.Generator,
) -> list[Probe]:  # fmt: skip
    """Measure each loss along random directions at one point."""

    def values(changed: Sequence[Array]) -> Array:
        outputs = program.outputs(changed, X)
        with np.errstate(all="ignore"):
            return np.array([loss.value(outputs, program.y, changed) for loss in losses], np.float64)

    resolution = program.resolution
    found = [[np.empty((len(arrays), N_DIRECTIONS)) for _ in range(4)] for _ in losses]
    for k, array in enumerate(arrays):
        for j in range(N_DIRECTIONS):
            direction = rng.choice([-1.0, 1.0], size=array.shape) * rng.uniform(0.5, 1.5, array.shape)
            direction /= max(1.0, float(np.linalg.norm(direction)) / 2)
            slopes = along(values, arrays, k, direction, resolution)
            claim = float(np.sum(given[k] * direction)) if given[k].shape == array.shape else np.nan
            own = float(np.sum(array * direction))
            for i, place in enumerate(found):
                error = np.inf if slopes.kinked[i] else float(slopes.error[i])
                for table, value in zip(place, (float(slopes.slope[i]), error, claim, own), strict=True):
                    table[k, j] = value
    return [Probe(*each) for each in found]


def compare(
    names: Sequence[str], shapes: Sequence[tuple[int, ...]], weights: Sequence[bool], loss: UsualLoss,
    probes: Sequence[Probe],
) -> Comparison:  # fmt: skip
    """Judge each array after dividing out the factor on which most arrays agree."""
    factors = [_common_factor(each, shapes) for each in probes]
    if any(each is None for each in factors):
        factors = []
    known = [float(each) for each in factors if each is not None]
    verdicts = tuple(_verdict(name, k, probes, known or [1.0] * len(probes)) for k, name in enumerate(names))
    bad = [k for k, each in enumerate(verdicts) if each.state in ("scaled", "wrong")]
    wrong = tuple(sorted({*bad, *_oddly_decayed(verdicts, weights)}))
    return Comparison(loss, verdicts, tuple(known), wrong)


def _common_factor(at: Probe, shapes: Sequence[tuple[int, ...]]) -> float | None:
    """The factor on which most arrays agree, of those nearest the output where they tie."""
    votes: list[tuple[float, float]] = []
    for k, shape in enumerate(shapes):
        ok = at.usable[k]
        t, g, own, tolerance = at.truth[k][ok], at.claim[k][ok], at.own[k][ok], at.tolerance[k][ok]
        if len(t) < 2 or not np.isfinite(g).all() or not g.any() or not np.any(np.abs(t) > tolerance):
            continue
        factor = float(t @ g / (g @ g))
        if np.all(np.abs(t - factor * g) <= tolerance):
            votes.append((factor, (SCALAR_VOTE if int(np.prod(shape)) == 1 else 1.0) + 1e-3 * k))
        elif len(t) > 2 and int(np.prod(shape)) > 2:
            fitted, *_ = np.linalg.lstsq(np.stack([g, -own], axis=1), t, rcond=None)
            if np.all(np.abs(t - fitted[0] * g + fitted[1] * own) <= tolerance):
                votes.append((float(fitted[0]), 0.9 + 1e-3 * k))
    if not votes:
        return None
    slack = 3 * SAME_FACTOR + 10 * float(np.median(at.error[at.usable] / np.maximum(at.scale.max(), 1e-300)))
    weights = [sum(w for other, w in votes if abs(other - f) <= slack * abs(f)) for f, _ in votes]
    return votes[int(np.argmax(weights))][0]


def _verdict(name: str, k: int, probes: Sequence[Probe], factors: Sequence[float]) -> ArrayVerdict:
    ok = np.concatenate([each.usable[k] for each in probes])
    t = np.concatenate([each.truth[k] for each in probes])[ok]
    g = np.concatenate([f * each.claim[k] for f, each in zip(factors, probes, strict=True)])[ok]
    own = np.concatenate([each.own[k] for each in probes])[ok]
    tolerance = np.concatenate([each.tolerance[k] for each in probes])[ok]
    tolerance = tolerance + 5 * SAME_FACTOR * RELATIVE_TOLERANCE * np.abs(t)
    if len(t) < 3:
        return ArrayVerdict(name, "unknown")
    if not np.isfinite(g).all():
        return ArrayVerdict(name, "wrong")
    if np.all(np.abs(t - g) <= tolerance):
        return ArrayVerdict(name, "right")
    if g.any():
        factor = float(t @ g / (g @ g))
        if factor and np.all(np.abs(t - factor * g) <= tolerance * max(1.0, abs(factor))):
            return ArrayVerdict(name, "scaled", factor)
    if own.any():
        decay = float((g - t) @ own / (own @ own))
        if np.all(np.abs(g - decay * own - t) <= tolerance):
            return ArrayVerdict(name, "decayed", decay=decay)
    return ArrayVerdict(name, "wrong")
