"""Which loss a hand-written gradient may belong to: the user's own, or those that are usual for such outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
SAME_FACTOR = 1e-3  # relative difference up to which two factors are one
SUMS_TO_ONE = 1e-9


@dataclass(frozen=True, eq=False)
class UsualLoss:
    """A loss of outputs and targets, both of shape (n_rows, n_outputs), summed over everything.

    Parameters
    ----------
    name : str
        In words.
    value : callable
        The loss.
    slope : callable
        Its gradient by the outputs.
    sizes : bool
        Whether a sum, a mean and a half of it are told apart by name.
    """

    name: str
    value: Callable[[Array, Array], float]
    slope: Callable[[Array, Array], Array]
    sizes: bool = True

    @property
    def spoken(self) -> str:
        """The name as a sentence goes on with it."""
        return f"the {self.name}" if self.sizes else self.name

    def sized(self, factor: float, n_rows: int, n_outputs: int) -> str:
        """Name the loss whose gradient is this one's times `factor`."""
        if not self.sizes:
            return self.name
        halves = 2.0 if self is SQUARED_ERROR else 1.0  # its plain form is half of the square
        means = {
            "summed over the rows": 1.0,
            "its mean over the rows": 1 / n_rows,
            "its mean over rows and outputs": 1 / (n_rows * n_outputs),
        }
        for how, size in means.items():
            for name, known in ((f"half the {self.name}", size), (f"the {self.name}", halves * size)):
                if abs(factor - known) < SAME_FACTOR * known and (self is SQUARED_ERROR or name.startswith("the")):
                    return f"{name}, {how}"
        return f"the {self.name}, but for a constant factor"


SQUARED_ERROR = UsualLoss("squared error", lambda y, t: float(0.5 * np.sum((y - t) ** 2)), lambda y, t: y - t)
# Of outputs between 0 and 1 by themselves, and of outputs that are shares of 1.
BINARY_CROSS_ENTROPY = UsualLoss(
    "cross-entropy",
    lambda y, t: -float(np.sum(t * np.log(y) + (1 - t) * np.log1p(-y))),
    lambda y, t: (y - t) / (y * (1 - y)),
)
CROSS_ENTROPY = UsualLoss("cross-entropy", lambda y, t: -float(np.sum(t * np.log(y))), lambda y, t: -t / y)
NAMES = ("squared_error", "cross_entropy")


def are_shares(outputs: Array) -> bool:
    """Whether each row's outputs sum to 1, as those of softmax do."""
    return outputs.shape[1] > 1 and bool(np.all(np.abs(outputs.sum(axis=1) - 1) < SUMS_TO_ONE))


def usual(outputs: Array, targets: Array) -> tuple[UsualLoss, ...]:
    """Return the losses that are usual for outputs such as these, the squared error first.

    Shapes: `outputs` and `targets` (n_rows, n_outputs).
    """
    inside = bool(np.all((outputs > 0) & (outputs < 1)) and np.all((targets >= 0) & (targets <= 1)))
    if not inside:
        return (SQUARED_ERROR,)
    return SQUARED_ERROR, CROSS_ENTROPY if are_shares(outputs) else BINARY_CROSS_ENTROPY


def users_own(value: Callable[[Array], float]) -> UsualLoss:
    """Make one of a function of the outputs; its slope comes from central differences."""

    def slope(outputs: Array, targets: Array) -> Array:
        found = np.empty_like(outputs)
        for place in np.ndindex(outputs.shape):
            h = 1e-5 * max(1.0, abs(float(outputs[place])))
            up, down = outputs.copy(), outputs.copy()
            up[place] += h
            down[place] -= h
            found[place] = (value(up) - value(down)) / (2 * h)
        return found

    return UsualLoss("its loss", lambda outputs, targets: value(outputs), slope, sizes=False)
