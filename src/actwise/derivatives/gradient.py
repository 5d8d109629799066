"""Checks the gradient of a hand-written network, array by array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from actwise.derivatives.calls import quietly
from actwise.derivatives.numeric import FloatArray, differentiate
from actwise.derivatives.parameters import named_arrays, rebuilt
from actwise.derivatives.words import number
from actwise.errors import InputError

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

Loss = Callable[[list[FloatArray]], NDArray[np.floating]]

MAX_ENTRIES = 32
"""Arrays up to this size are checked entry by entry, larger ones at as many entries drawn at random."""
N_DIRECTIONS = 2
"""Random directions in which the whole of a larger array is checked."""
FIRST_STEP = 0.03
N_STEPS = 8
RELATIVE_TOLERANCE = 1e-4
SMALL_ENTRY = 1e-6
"""Entries below this part of the largest in their array are as good as 0."""
ERROR_MARGIN = 5.0
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
class GradientReport:
    """What `check_gradient` found.

    Attributes
    ----------
    verdict : {"correct", "wrong"}
        "correct" if the gradient of every array is.
    findings : tuple of GradientFinding
        One for each parameter array, in their order.
    explanation : str
        All of it in words; also ``str(report)``.
    """

    verdict: Literal["correct", "wrong"]
    findings: tuple[GradientFinding, ...]
    explanation: str

    @property
    def correct(self) -> bool:
        """Whether the verdict is "correct"."""
        return self.verdict == "correct"

    def __str__(self) -> str:
        return self.explanation


@dataclass(frozen=True)
class _Measured:
    """The numerical gradient of one array at some of its entries."""

    name: str
    array: FloatArray
    entries: NDArray[np.intp]
    slope: FloatArray
    lower: FloatArray
    upper: FloatArray
    tolerance: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def complete(self) -> bool:
        return len(self.entries) == int(np.prod(self.shape))

    @property
    def size(self) -> float:
        return float(np.max(np.abs(self.slope), initial=0.0))

    def right(self, given: FloatArray) -> NDArray[np.bool_]:
        """Compare an array of the right shape at the measured entries."""
        values = given.ravel()[self.entries]
        with np.errstate(invalid="ignore"):
            return (values >= self.lower - self.tolerance) & (values <= self.upper + self.tolerance)

    def agrees(self, given: FloatArray) -> bool:
        return bool(self.right(given).all())


def check_gradient(
    loss: Callable[[Any], Any],
    parameters: Any,
    gradient: Any,
    *,
    n_rows: int | None = None,
    seed: int = 0,
) -> GradientReport:
    """Compare the gradient of a whole hand-written network with that of its loss, array by array.

    Parameters
    ----------
    loss : callable
        Takes the parameters and returns one number. It must be the same function at every call: no dropout, no
        new mini-batch.
    parameters : array, or list, tuple or dict of arrays
        The point at which the gradient is checked; lists may be nested.
    gradient : callable, or arrays in the form of `parameters`
        Takes the parameters and returns their gradients in the same form; or these gradients.
    n_rows : int, optional
        Rows in the batch, to tell a sum over rows in place of a mean from any other factor.
    seed : int
        For the entries and directions drawn in large arrays.

    Returns
    -------
    GradientReport
        With `.verdict` and `.findings`; `str(report)` explains.

    Raises
    ------
    InputError
        If the loss is not one finite number or changes from call to call, or the gradient has another form.

    Examples
    --------
    A layer whose bias gradient takes the mean over the rows where the loss takes the sum:

    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 2.0]])
    >>> t = np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> def loss(p):
    ...     return 0.5 * np.sum((np.tanh(X @ p["W"] + p["b"]) - t) ** 2)
    >>> def gradient(p):
    ...     y = np.tanh(X @ p["W"] + p["b"])
    ...     delta = (y - t) * (1 - y**2)
    ...     return {"W": X.T @ delta, "b": delta.mean(axis=0)}
    >>> report = check_gradient(loss, {"W": np.array([[0.3], [-0.2]]), "b": np.array([0.1])}, gradient, n_rows=4)
    >>> [(each.name, each.cause) for each in report.findings]
    [('W', 'correct'), ('b', 'mean_instead_of_sum')]
    >>> print(report)
    Wrong: 1 of 2 gradients is wrong.
    W: right.
    b: too small by the factor 4, the number of rows: it is a mean over the rows where the loss takes the sum.
    """
    if not callable(loss):
        raise InputError(f"loss must be a function of the parameters, but it is {type(loss).__name__}")
    named = [(name, np.array(array, np.float64)) for name, array in named_arrays(parameters, "parameters")]
    if not named:
        raise InputError("parameters holds no arrays; hand over the weights and biases of the network")
    arrays = [array for _, array in named]

    def loss_at(changed: list[FloatArray]) -> NDArray[np.floating]:
        with quietly():
            return _one_number(loss(rebuilt(parameters, iter([array.copy() for array in changed]))))

    here = loss_at(arrays)
    if not np.isfinite(here).all():
        raise InputError(f"the loss is {here[0]} at these parameters; check the gradient where it is finite")
    if not np.array_equal(here, loss_at(arrays)):
        raise InputError("the loss changes from call to call; leave out dropout, noise and new mini-batches")
    given = _given(gradient, parameters, named)
    measured = [_measure(loss_at, arrays, i, name, seed) for i, (name, _) in enumerate(named)]
    findings = []
    for i, truth in enumerate(measured):
        finding = _judge(truth, given[i], measured, n_rows)
        if finding.cause == "correct" and not truth.complete:
            finding = _check_directions(finding, loss_at, arrays, i, given[i].reshape(truth.shape), seed)
        findings.append(finding)
    return _report(tuple(findings))


def _one_number(result: object) -> NDArray[np.floating]:
    """The loss, shape (1,), in the floating-point format in which it was computed."""
    array = np.asarray(result)
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise InputError(
            f"the loss returned {type(result).__name__} of shape {array.shape}; it must return one number, so sum it "
            "over the rows or take the mean"
        )
    floating = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    return array.reshape(1).astype(floating)


def _given(gradient: Any, parameters: Any, named: list[tuple[str, FloatArray]]) -> list[FloatArray]:
    if callable(gradient):
        gradient = gradient(rebuilt(parameters, iter([array.copy() for _, array in named])))
    if isinstance(parameters, dict) and isinstance(gradient, dict):
        missing = [str(key) for key in parameters if key not in gradient]
        if missing:
            raise InputError(f"the gradient has no entry {missing[0]!r}; it must have the keys of the parameters")
        gradient = {key: gradient[key] for key in parameters}
    given = [np.asarray(array, np.float64) for _, array in named_arrays(gradient, "gradient")]
    if len(given) != len(named):
        raise InputError(
            f"the gradient has {len(given)} arrays for {len(named)} parameters; return one for each, in their order"
        )
    return given


def _measure(
    loss_at: Loss,
    arrays: list[FloatArray],
    which: int,
    name: str,
    seed: int,
) -> _Measured:
    array = arrays[which]
    entries = np.arange(array.size)
    if array.size > MAX_ENTRIES:
        # The same entries in arrays of the same shape, so that they can be compared with one another.
        entries = np.sort(np.random.default_rng([seed, *array.shape]).choice(entries, MAX_ENTRIES, replace=False))
    directions = np.zeros((len(entries), array.size))
    directions[np.arange(len(entries)), entries] = 1.0
    slope, lower, upper, error = (
        np.array([_slope(loss_at, arrays, which, direction.reshape(array.shape)) for direction in directions])
        .reshape(-1, 4)
        .T
    )
    size = np.maximum(np.abs(lower), np.abs(upper))
    tolerance = RELATIVE_TOLERANCE * size + SMALL_ENTRY * np.max(size, initial=0.0) + ERROR_MARGIN * error
    return _Measured(name, array, entries, slope, lower, upper, tolerance)


def _slope(
    loss_at: Loss,
    arrays: list[FloatArray],
    which: int,
    direction: FloatArray,
) -> tuple[float, float, float, float]:
    """The derivative of the loss along a direction, its one-sided range and the bound on its error."""

    def sample(offsets: FloatArray) -> NDArray[np.floating]:
        different, places = np.unique(offsets, return_inverse=True)
        values = [
            loss_at([*arrays[:which], arrays[which] + offset * direction, *arrays[which + 1 :]]) for offset in different
        ]
        return np.concatenate(values)[places]

    found = differentiate(sample, first_step=FIRST_STEP, n_steps=N_STEPS, noise_spacing=0.0)
    return float(found.slope), float(found.lower), float(found.upper), float(found.error)


def _judge(truth: _Measured, given: FloatArray, measured: list[_Measured], n_rows: int | None) -> GradientFinding:
    if not np.isfinite(given).all():
        return _found(truth, given, "not_finite", "contains infinities or NaN.")
    if given.shape != truth.shape:
        return _judge_shape(truth, given)
    if truth.agrees(given):
        return _found(truth, given, "correct", "right.")
    if not given.any():
        return _found(truth, given, "zero", "is 0 everywhere, but the loss depends on it: was it never computed?")
    factor = _common_factor(truth, given)
    if factor is not None:
        return _judge_factor(truth, given, factor, n_rows)
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


def _judge_shape(truth: _Measured, given: FloatArray) -> GradientFinding:
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


def _judge_factor(truth: _Measured, given: FloatArray, factor: float, n_rows: int | None) -> GradientFinding:
    """Name a constant factor; an integer above 2 is a number of rows unless `n_rows` says otherwise."""
    if abs(factor + 1) < SAME:
        return _found(truth, given, "wrong_sign", "has the wrong sign.", factor)
    rows, too_large = (1 / factor, True) if abs(factor) < 1 else (factor, False)
    whole = round(rows)
    is_whole = abs(rows - whole) < SAME * abs(rows)
    if is_whole and (whole == n_rows if n_rows is not None else whole > 2):
        known = "the number of rows" if n_rows is not None else "the number of rows, it seems"
        if too_large:
            sentence = (
                f"too large by the factor {whole}, {known}: it is a sum over the rows where the loss takes the mean."
            )
            return _found(truth, given, "sum_instead_of_mean", sentence, factor)
        sentence = f"too small by the factor {whole}, {known}: it is a mean over the rows where the loss takes the sum."
        return _found(truth, given, "mean_instead_of_sum", sentence, factor)
    hint = " (is there a 1/2 in the loss?)" if abs(factor) in (0.5, 2.0) or abs(abs(factor) - 2) < SAME else ""
    return _found(truth, given, "missing_factor", f"must be multiplied by {number(factor)}{hint}.", factor)


def _common_factor(truth: _Measured, given: FloatArray) -> float | None:
    values = given.ravel()[truth.entries]
    usable = (values != 0) & (np.abs(truth.slope) > SAME * truth.size)
    if not usable.any():
        return None
    factor = float(np.median(truth.slope[usable] / values[usable]))
    # With one entry any factor fits; only -1, 2 and the like then say something.
    telling = len(truth.entries) > 1 or number(abs(factor)).replace("1/", "").isdigit()
    return factor if factor != 0 and telling and truth.agrees(factor * given) else None


def _decay(truth: _Measured, given: FloatArray) -> str:
    """The sentence for a gradient that is off by a multiple of its array, as a penalty on large weights makes it."""
    values = truth.array.ravel()[truth.entries]
    missing = truth.slope - given.ravel()[truth.entries]
    strength = float(missing @ values) / max(float(values @ values), float(np.finfo(np.float64).tiny))
    if len(values) == 1 or not truth.agrees(given + strength * truth.array):
        return ""
    return f"lacks {strength:.6g} times {truth.name} itself (look at the weight decay)."


def _reordered(truth: _Measured, given: FloatArray) -> bool:
    return truth.complete and bool(
        np.all(np.abs(np.sort(given, axis=None) - np.sort(truth.slope)) <= np.max(truth.tolerance))
    )


def _same_total(truth: _Measured, given: FloatArray) -> bool:
    total = float(truth.slope.sum())
    enough = truth.complete and len(truth.entries) + given.size > 2 and abs(total) > SAME * truth.size
    return enough and abs(float(given.sum()) - total) <= float(np.sum(truth.tolerance))


def _check_directions(
    finding: GradientFinding,
    loss_at: Loss,
    arrays: list[FloatArray],
    which: int,
    given: FloatArray,
    seed: int,
) -> GradientFinding:
    """Check the entries of a large array that were not drawn, all together, along random directions."""
    generator = np.random.default_rng([seed, which])
    for _ in range(N_DIRECTIONS):
        direction = generator.choice([-1.0, 1.0], size=given.shape) / np.sqrt(given.size)
        slope, lower, upper, error = _slope(loss_at, arrays, which, direction)
        # At a kink the range along a direction does not follow from those of the entries.
        tolerance = RELATIVE_TOLERANCE * float(np.linalg.norm(given)) + ERROR_MARGIN * error
        got = float(np.sum(given * direction))
        if lower == upper and abs(got - slope) > tolerance:
            sentence = (
                f"is right at the {finding.n_checked} entries drawn, but wrong at others: along a random direction "
                f"the loss rises by {slope:.6g}, by the gradient it should by {got:.6g}."
            )
            return GradientFinding(
                finding.name, "wrong_formula", None, slope, got, None, None, finding.n_checked, sentence
            )
    return finding


def _found(
    truth: _Measured, given: FloatArray, cause: GradientCause, sentence: str, factor: float | None = None
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


def _report(findings: tuple[GradientFinding, ...]) -> GradientReport:
    wrong = [each for each in findings if each.cause != "correct"]
    lines = [f"{each.name}: {each.sentence}" for each in findings]
    if not wrong:
        first = f"Right: all {len(findings)} gradients are those of the loss."
        return GradientReport("correct", findings, first)
    verb = "is" if len(wrong) == 1 else "are"
    lines.insert(0, f"Wrong: {len(wrong)} of {len(findings)} gradients {verb} wrong.")
    right_after = findings[findings.index(wrong[-1]) + 1 :]
    if (
        len(wrong) > 1
        and len({(each.cause, each.factor is None) for each in wrong}) == 1
        and len(wrong) == len(findings)
    ):
        lines.append("All are wrong in the same way: look at the derivative of the loss, where the way back starts.")
    elif (
        right_after and len(wrong) > 1 and wrong == list(findings[: len(wrong)]) and wrong[-1].cause == "wrong_formula"
    ):
        lines.append(
            f"From {right_after[0].name} on all are right: look at the step back from there, at the derivative of "
            "the activation before it first."
        )
    return GradientReport("wrong", findings, "\n".join(lines))
