"""Which loss a hand-written gradient may belong to: the user's own, or those that are usual for such outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.handwritten.calling import needed_by
from actwise.handwritten.calls import CALL_ERRORS, quietly
from actwise.handwritten.parameters import as_array, rebuilt
from actwise.handwritten.program import Program

Array: TypeAlias = npt.NDArray[np.float64]
Value: TypeAlias = Callable[[Array, Array, Sequence[Array]], float]
SAME_FACTOR = 1e-3  # relative difference up to which two factors are one
SUMS_TO_ONE = 1e-6
SLOPE_STEP = 1e-5


@dataclass(frozen=True, eq=False)
class UsualLoss:
    """A loss of outputs and targets, both of shape (n_rows, n_outputs), summed over everything, and of the parameters.

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
    value: Value
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


def _loss(name: str, value: Callable[[Array, Array], Any], slope: Callable[[Array, Array], Array]) -> UsualLoss:
    return UsualLoss(name, lambda y, t, _: float(np.sum(value(y, t))), slope)


def _log_sum(z: Array) -> Array:
    largest = z.max(axis=1, keepdims=True)
    return np.asarray(largest + np.log(np.exp(z - largest).sum(axis=1, keepdims=True)))


def _sigmoid(z: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * z))


SQUARED_ERROR = _loss("squared error", lambda y, t: 0.5 * (y - t) ** 2, lambda y, t: y - t)
# Of outputs between 0 and 1 by themselves, of outputs that are shares of 1, and of logits and logarithms.
BINARY_CROSS_ENTROPY = _loss(
    "cross-entropy", lambda y, t: -(t * np.log(y) + (1 - t) * np.log1p(-y)), lambda y, t: (y - t) / (y * (1 - y))
)
CROSS_ENTROPY = _loss("cross-entropy", lambda y, t: -t * np.log(y), lambda y, t: -t / y)
LOG_LIKELIHOOD = _loss("negative log-likelihood of log-probabilities", lambda y, t: -t * y, lambda y, t: -t)
SOFTMAX_CROSS_ENTROPY = _loss(
    "cross-entropy of the softmax of the outputs",
    lambda y, t: t * (_log_sum(y) - y),
    lambda y, t: np.exp(y - _log_sum(y)) * t.sum(axis=1, keepdims=True) - t,
)
SIGMOID_CROSS_ENTROPY = _loss(
    "cross-entropy of the sigmoid of the outputs", lambda y, t: np.logaddexp(0, y) - t * y, lambda y, t: _sigmoid(y) - t
)
ABSOLUTE_ERROR = _loss("absolute error", lambda y, t: np.abs(y - t), lambda y, t: np.sign(y - t))
HINGE = _loss("hinge loss", lambda y, t: np.maximum(0, 1 - t * y), lambda y, t: -t * (t * y < 1))
NAMES = ("squared_error", "cross_entropy")


def are_shares(outputs: Array) -> bool:
    """Whether each row's outputs sum to 1, as those of softmax do."""
    return outputs.shape[1] > 1 and bool(np.all(np.abs(outputs.sum(axis=1) - 1) < SUMS_TO_ONE))


def losses_of(program: Program, given: Callable[..., Any] | str | None, outputs: Array) -> tuple[UsualLoss, ...]:
    """The loss that the gradient must belong to, or those that are usual for such outputs, the squared error first.

    Shapes: `outputs` (n_rows, n_outputs).
    """
    targets = program.y
    with np.errstate(over="ignore"):
        logarithms = bool(np.all(outputs <= 0)) and are_shares(np.exp(outputs))
    inside = bool(np.all((outputs >= 0) & (outputs <= 1)) and np.all((targets >= 0) & (targets <= 1)))
    entropy = CROSS_ENTROPY if are_shares(outputs) else BINARY_CROSS_ENTROPY
    one_hot = targets.shape[1] > 1 and bool(np.all(targets >= 0) and np.allclose(targets.sum(axis=1), 1))
    of_logits = SOFTMAX_CROSS_ENTROPY if one_hot else SIGMOID_CROSS_ENTROPY
    if given == "squared_error":
        return (SQUARED_ERROR,)
    if given == "cross_entropy":
        return (entropy if inside else LOG_LIKELIHOOD if logarithms else of_logits,)
    if callable(given):
        return (users_own(program, given),)
    if given is not None:
        raise InputError(f"loss must be a function of outputs and y, or one of {', '.join(map(repr, NAMES))}")
    if inside:
        return SQUARED_ERROR, entropy
    found = [SQUARED_ERROR]
    if logarithms:
        found.append(LOG_LIKELIHOOD)
    elif np.all((targets >= 0) & (targets <= 1)):
        found.append(of_logits)
    if np.isin(targets, (-1.0, 1.0)).all():
        found.append(HINGE)
    return (*found, ABSOLUTE_ERROR)


def users_own(program: Program, given: Callable[..., Any]) -> UsualLoss:
    """Make one of a function of the outputs and targets, or of outputs, targets and parameters."""
    takes_parameters = len(needed_by(given) or ()) == 3

    def value(outputs: Array, targets: Array, arrays: Sequence[Array]) -> float:
        parameters = (rebuilt(program.structure, iter([a.copy() for a in arrays])),) if takes_parameters else ()
        try:
            with quietly():
                made = as_array(given(program.as_returned(outputs), program.loss_targets, *parameters))
        except CALL_ERRORS as error:
            raise InputError(
                f"loss(outputs, y) raised {type(error).__name__}: {error}; it gets what forward returned and y, and "
                "must return one number"
            ) from error
        if made.size != 1:
            raise InputError(f"loss returned an array of shape {made.shape}; it must return one number")
        return float(made.reshape(()))

    def slope(outputs: Array, targets: Array) -> Array:
        found = np.empty_like(outputs)
        for place in np.ndindex(outputs.shape):
            h = SLOPE_STEP * max(1.0, abs(float(outputs[place])))
            up, down = outputs.copy(), outputs.copy()
            up[place] += h
            down[place] -= h
            found[place] = (value(up, targets, program.arrays) - value(down, targets, program.arrays)) / (2 * h)
        return found

    return UsualLoss("its loss", value, slope, sizes=False)
