"""Differences of a loss by arrays of parameters: what every gradient is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from actwise.handwritten.gradient_causes import Measured
from actwise.handwritten.numeric import FloatArray, Slopes, differentiate, noise_of

Loss: TypeAlias = Callable[[list[FloatArray]], NDArray[np.floating]]  # of arrays; shape (n_losses,)

MAX_ENTRIES = 32
"""Arrays up to this size are checked entry by entry, larger ones at as many entries drawn at random."""
FIRST_STEP, N_STEPS = 2e-3, 7
"""Short, so that few kinks of ReLU units lie within the steps: down to 3e-5."""
COARSE_STEP, N_COARSE_STEPS = 0.12, 8
"""For float32, and longer for what is coarser: long steps drown the noise, extrapolation sees to the curvature."""
RELATIVE_TOLERANCE = 1e-4
SMALL_ENTRY = 1e-6
"""Entries below this part of the largest in their array are as good as 0."""
ERROR_MARGIN = 5.0
DOUBLE, SINGLE = (float(np.finfo(each).eps) for each in (np.float64, np.float32))
COARSER = (SINGLE, 2.0**-10, 2.0**-7)
"""Relative spacing of float32, float16 and bfloat16."""
GRAIN_SPACING = 6.0
"""Spacing, in units of the precision, of the values by which the noise of a program is measured."""
COARSE_NOISE = 1e-11
"""Relative noise from which on a program does not compute in float64."""
LONGEST_STEP = 0.5


def resolution_at(loss_at: Loss, arrays: list[FloatArray], seed: int) -> float:
    """The precision in which a loss is computed, whatever type it is returned in, by its noise along one direction."""
    generator = np.random.default_rng(seed)
    direction = [generator.normal(size=each.shape) for each in arrays]
    for precision in COARSER:
        offsets = GRAIN_SPACING * precision * np.arange(-3.0, 4.0)
        moved = [loss_at([a + h * d for a, d in zip(arrays, direction, strict=True)]) for h in offsets]
        values = np.array(moved, np.float64)
        if not np.ptp(values) and np.abs(values).max() and any(each.any() for each in direction):
            continue  # too coarse to change at all
        noise = float(np.max(noise_of(values)))
        size = max(float(np.abs(values).max()), 1e-300)
        return precision if noise > COARSE_NOISE * size else DOUBLE
    return DOUBLE


def along(
    loss_at: Callable[[list[FloatArray]], NDArray[np.floating]],
    arrays: Sequence[FloatArray],
    which: int,
    direction: FloatArray,
    resolution: float,
) -> Slopes:
    """Differentiate along a direction in one array; shapes (n_losses,)."""

    def sample(offsets: FloatArray) -> NDArray[np.floating]:
        different, places = np.unique(offsets, return_inverse=True)
        made = [
            loss_at([*arrays[:which], arrays[which] + offset * direction, *arrays[which + 1 :]]) for offset in different
        ]
        return np.stack(made)[places]

    if resolution > DOUBLE:
        first = min(LONGEST_STEP, COARSE_STEP * (resolution / SINGLE) ** 0.25)
        return differentiate(sample, first_step=first, n_steps=N_COARSE_STEPS, noise_spacing=GRAIN_SPACING * resolution)
    return differentiate(sample, first_step=FIRST_STEP, n_steps=N_STEPS, noise_spacing=0.0)


def measure(loss_at: Loss, arrays: list[FloatArray], which: int, name: str, seed: int, resolution: float) -> Measured:
    """Differentiate a loss, shape (1,), by one array, at some of its entries where it is large."""
    array = arrays[which]
    entries = np.arange(array.size)
    if array.size > MAX_ENTRIES:
        # The same entries in arrays of the same shape, so that they can be compared with one another.
        entries = np.sort(np.random.default_rng([seed, *array.shape]).choice(entries, MAX_ENTRIES, replace=False))
    directions = np.zeros((len(entries), array.size))
    directions[np.arange(len(entries)), entries] = 1.0
    found = [along(loss_at, arrays, which, each.reshape(array.shape), resolution) for each in directions]
    slope, lower, upper, error = (
        np.array([float(getattr(each, key)[0]) for each in found]) for key in ("slope", "lower", "upper", "error")
    )
    size = np.maximum(np.abs(lower), np.abs(upper))
    tolerance = RELATIVE_TOLERANCE * size + SMALL_ENTRY * np.max(size, initial=0.0) + ERROR_MARGIN * error
    return Measured(name, array, entries, slope, lower, upper, tolerance)
