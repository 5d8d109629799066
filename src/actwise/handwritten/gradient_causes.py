"""Names what is wrong with the gradient of one parameter array of a hand-written network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.words import number

GradientCause = Literal[
    "correct",
    "zero",
    "not_finite",
    "wrong_sign",
    "sum_instead_of_mean",
    "mean_instead_of_sum",
    "missing_factor",
    "transposed",
    "not_summed_over_rows",
    "summed_over_wrong_axis",
    "wrong_shape",
    "belongs_to_other_array",
    "wrong_formula",
]

SAME = 1e-4


@dataclass(frozen=True)
class GradientFinding:
    """What is wrong with the gradient of one parameter array, or that nothing is.

    Attributes
    ----------
    name : str
        Where the array is: its key, or ``parameters[2]``.
    cause : str
        ``correct``, ``zero``, ``not_finite``, ``wrong_sign``, ``sum_instead_of_mean``, ``mean_instead_of_sum``,
        ``missing_factor``, ``transposed``, ``not_summed_over_rows``, ``summed_over_wrong_axis``, ``wrong_shape``,
        ``belongs_to_other_array`` or ``wrong_formula``.
    index : tuple of int or None
        The first entry that is wrong.
    expected, got : float or None
        The gradient there, and what was given.
    factor : float or None
        What to multiply the given gradient by.
    largest_relative_error : float or None
        Over the entries checked, relative to the largest of the true gradient; None where the shapes differ.
    n_checked : int
        How many entries were compared.
    sentence : str
        The finding in words.
    """

    name: str
    cause: GradientCause
    index: tuple[int, ...] | None
    expected: float | None
    got: float | None
    factor: float | None
    largest_relative_error: float | None
    n_checked: int
    sentence: str


@dataclass(frozen=True)
class Measured:
    """The numerical gradient of one array at some of its entries.

    Attributes
    ----------
    name : str
        Where the array is.
    array : array
        The parameters themselves.
    entries : int array, shape (n,)
        Which of them were measured, counted through the flattened array.
    slope, lower, upper : array, shape (n,)
        The derivative of the loss there, and its one-sided range.
    tolerance : array, shape (n,)
        How far off a right gradient may be.
    """

    name: str
    array: FloatArray
    entries: NDArray[np.intp]
    slope: FloatArray
    lower: FloatArray
    upper: FloatArray
    tolerance: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the parameters."""
        return self.array.shape

    @property
    def complete(self) -> bool:
        """Whether every entry was measured."""
        return len(self.entries) == int(np.prod(self.shape))

    @property
    def size(self) -> float:
        """The largest derivative, without its sign."""
        return float(np.max(np.abs(self.slope), initial=0.0))

    def right(self, given: FloatArray) -> NDArray[np.bool_]:
        """Compare an array of the right shape at the measured entries."""
        values = given.ravel()[self.entries]
        with np.errstate(invalid="ignore"):
            return (values >= self.lower - self.tolerance) & (values <= self.upper + self.tolerance)

    def agrees(self, given: FloatArray) -> bool:
        """Whether it is right at all of them."""
        return bool(self.right(given).all())


def judge(
    truth: Measured, given: FloatArray, measured: list[Measured], n_rows: int | None, known_factor: float | None = None
) -> GradientFinding:
    """Name what is wrong with the gradient of one array, by trying which single repair makes it right.

    `known_factor`: what it must be multiplied by, as other points have shown.
    """
    if not np.isfinite(given).all():
        return _found(truth, given, "not_finite", "contains infinities or NaN.")
    if given.shape != truth.shape:
        return _judge_shape(truth, given)
    if truth.agrees(given):
        return _found(truth, given, "correct", "right.")
    if not given.any():
        return _found(truth, given, "zero", "is 0 everywhere, but the loss depends on it: was it never computed?")
    factor = _common_factor(truth, given) if known_factor is None else known_factor
    if factor is not None:
        last = measured[-1].array
        n_outputs = last.size if last.size == max(last.shape, default=1) else 1  # the biases of the last layer
        return _judge_factor(truth, given, factor, n_rows, n_outputs)
    if len(truth.shape) == 2 and truth.shape[0] == truth.shape[1] and truth.agrees(given.T):
        return _found(truth, given, "transposed", "is transposed: write `.T` behind it.")
    for other in measured:
        if other is not truth and other.shape == truth.shape and other.agrees(given):
            sentence = f"is the gradient of {other.name}: are the layers off by one?"
            return _found(truth, given, "belongs_to_other_array", sentence)
    if _reordered(truth, given):
        sentence = "has the right numbers in another order (flipped? reshaped where `.T` was meant?)."
        return _found(truth, given, "wrong_formula", sentence)
    if _same_total(truth, given):
        sentence = "has the right sum but not the right entries: it is summed over the wrong axis."
        return _found(truth, given, "summed_over_wrong_axis", sentence)
    return _found(truth, given, "wrong_formula", _decay(truth, given) or "is not the gradient of the loss.")


def _judge_shape(truth: Measured, given: FloatArray) -> GradientFinding:
    shapes = f"has shape {given.shape} where the array has {truth.shape}"
    if given.T.shape == truth.shape and truth.agrees(given.T):
        return _found(truth, given, "transposed", f"{shapes}: it is transposed, write `.T` behind it.")
    if given.size == int(np.prod(truth.shape)) and truth.agrees(given.reshape(truth.shape)):
        sentence = f"{shapes}: the numbers are right, write `.reshape({truth.shape})` behind it."
        return _found(truth, given, "wrong_shape", sentence)
    if given.ndim and given[0].size == int(np.prod(truth.shape)):
        for name, total in (("sum", given.sum(axis=0)), ("mean", given.mean(axis=0))):
            if truth.agrees(total.reshape(truth.shape)):
                sentence = f"{shapes}: it has one row for each row of data, write `.{name}(axis=0)` behind it."
                return _found(truth, given, "not_summed_over_rows", sentence)
    if _same_total(truth, given):
        sentence = f"{shapes}: it is summed over the wrong axis."
        return _found(truth, given, "summed_over_wrong_axis", sentence)
    return _found(truth, given, "wrong_shape", f"{shapes}, and its numbers are not those of the gradient.")


def _judge_factor(
    truth: Measured, given: FloatArray, factor: float, n_rows: int | None, n_outputs: int
) -> GradientFinding:
    """Name a constant factor; an integer above 2 is a number of rows or entries unless `n_rows` says otherwise."""
    if abs(factor + 1) < SAME:
        return _found(truth, given, "wrong_sign", "has the wrong sign.", factor)
    rows, too_large = (1 / factor, True) if abs(factor) < 1 else (factor, False)
    whole = round(rows)
    counted = _counted(whole, n_rows, n_outputs) if abs(rows - whole) < SAME * abs(rows) else None
    if counted is not None:
        name, over = counted
        if too_large:
            sentence = f"too large by the factor {whole}, {name}: it is a sum {over} where the loss takes the mean."
            return _found(truth, given, "sum_instead_of_mean", sentence, factor)
        sentence = f"too small by the factor {whole}, {name}: it is a mean {over} where the loss takes the sum."
        return _found(truth, given, "mean_instead_of_sum", sentence, factor)
    hint = " (is there a 1/2 in the loss?)" if abs(factor) in (0.5, 2.0) or abs(abs(factor) - 2) < SAME else ""
    return _found(truth, given, "missing_factor", f"must be multiplied by {number(factor)}{hint}.", factor)


def _counted(whole: int, n_rows: int | None, n_outputs: int) -> tuple[str, str] | None:
    """Say what there are so many of in a batch, and over what a sum or mean of them is."""
    entries = f"over the entries (rows times {n_outputs} outputs)"
    if n_rows is None and whole > 2:
        if n_outputs > 1 and whole % n_outputs == 0:
            return "the number of rows or of entries, it seems", f"over the rows, or {entries},"
        return "the number of rows, it seems", "over the rows"
    if whole == n_rows:
        return "the number of rows", "over the rows"
    if n_rows is not None and whole == n_rows * n_outputs:
        return "the number of entries", entries
    return None


def _common_factor(truth: Measured, given: FloatArray) -> float | None:
    values = given.ravel()[truth.entries]
    usable = (values != 0) & (np.abs(truth.slope) > SAME * truth.size)
    if not usable.any():
        return None
    factor = float(np.median(truth.slope[usable] / values[usable]))
    # With one entry any factor fits; only -1, 2 and the like then say something.
    telling = len(truth.entries) > 1 or number(abs(factor)).replace("1/", "").isdigit()
    return factor if factor != 0 and telling and truth.agrees(factor * given) else None


def _decay(truth: Measured, given: FloatArray) -> str:
    """The sentence for a gradient that is off by a multiple of its array, as a penalty on large weights makes it."""
    values = truth.array.ravel()[truth.entries]
    missing = truth.slope - given.ravel()[truth.entries]
    strength = float(missing @ values) / max(float(values @ values), float(np.finfo(np.float64).tiny))
    if len(values) == 1 or not truth.agrees(given + strength * truth.array):
        return ""
    return f"lacks {strength:.6g} times {truth.name} itself (look at the weight decay)."


def _reordered(truth: Measured, given: FloatArray) -> bool:
    return truth.complete and bool(
        np.all(np.abs(np.sort(given, axis=None) - np.sort(truth.slope)) <= np.max(truth.tolerance))
    )


def _same_total(truth: Measured, given: FloatArray) -> bool:
    total = float(truth.slope.sum())
    enough = truth.complete and len(truth.entries) + given.size > 2 and abs(total) > SAME * truth.size
    return enough and abs(float(given.sum()) - total) <= float(np.sum(truth.tolerance))


def _found(
    truth: Measured, given: FloatArray, cause: GradientCause, sentence: str, factor: float | None = None
) -> GradientFinding:
    index = expected = got = error = None
    if given.shape == truth.shape and len(truth.entries):
        values = given.ravel()[truth.entries]
        outside = np.maximum(np.maximum(truth.lower - values, values - truth.upper), 0.0)
        error = float(np.max(outside)) / max(truth.size, float(np.finfo(np.float64).tiny))
        wrong = np.flatnonzero(~truth.right(given))
        if cause != "correct" and len(wrong):
            place = np.unravel_index(truth.entries[wrong[0]], truth.shape)
            index = tuple(int(each) for each in place)
            expected, got = float(truth.slope[wrong[0]]), float(values[wrong[0]])
            if cause == "wrong_formula":
                sentence = f"{sentence[:-1]}: at {index} it is {got:.6g}, the gradient is {expected:.6g}."
    return GradientFinding(truth.name, cause, index, expected, got, factor, error, len(truth.entries), sentence)
