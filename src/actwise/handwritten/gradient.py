"""Checks the gradient of a hand-written network, array by array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from actwise.errors import InputError
from actwise.handwritten.calls import quietly
from actwise.handwritten.differences import ERROR_MARGIN, RELATIVE_TOLERANCE, Loss, along, measure, resolution_at
from actwise.handwritten.gradient_causes import GradientFinding, Measured, judge
from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.parameters import as_array, in_form_of, named_arrays, rebuilt

N_DIRECTIONS = 2
"""Random directions in which the whole of a larger array is checked."""
SUMS_TO_ZERO = 1e-5


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
    resolution = resolution_at(loss_at, arrays, seed)
    measured = [measure(loss_at, arrays, i, name, seed, resolution) for i, (name, _) in enumerate(named)]
    findings = []
    for i, truth in enumerate(measured):
        finding = judge(truth, given[i], measured, n_rows)
        if finding.cause == "correct" and not truth.complete:
            finding = _check_directions(finding, loss_at, arrays, i, given[i].reshape(truth.shape), seed, resolution)
        findings.append(finding)
    return _report(tuple(findings), _softmax_hint(measured, given, findings))


def _one_number(result: object) -> NDArray[np.floating]:
    """The loss, shape (1,), in the floating-point format in which it was computed."""
    array = as_array(result)
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
    gradient = in_form_of(gradient, parameters)
    given = [np.asarray(array, np.float64) for _, array in named_arrays(gradient, "gradient")]
    if len(given) != len(named):
        raise InputError(
            f"the gradient has {len(given)} arrays for {len(named)} parameters; return one for each, in their order"
        )
    return given


def _check_directions(
    finding: GradientFinding,
    loss_at: Loss,
    arrays: list[FloatArray],
    which: int,
    given: FloatArray,
    seed: int,
    resolution: float,
) -> GradientFinding:
    """Check the entries of a large array that were not drawn, all together, along random directions."""
    generator = np.random.default_rng([seed, which])
    for _ in range(N_DIRECTIONS):
        direction = generator.choice([-1.0, 1.0], size=given.shape) / np.sqrt(given.size)
        found = along(loss_at, arrays, which, direction, resolution)
        slope, lower, upper, error = (float(each[0]) for each in (found.slope, found.lower, found.upper, found.error))
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


def _report(findings: tuple[GradientFinding, ...], hint: str) -> GradientReport:
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
    if hint:
        lines.append(hint)
    return GradientReport("wrong", findings, "\n".join(lines))


def _softmax_hint(measured: list[Measured], given: list[FloatArray], findings: list[GradientFinding]) -> str:
    """What to look at where the biases of the output tell of a softmax: their gradients then sum to 0."""
    last = measured[-1]
    values = given[-1]
    together = bool(last.complete and last.slope.size > 2 and abs(last.slope.sum()) <= SUMS_TO_ZERO * last.size)
    if (
        not together
        or findings[-1].cause == "correct"
        or values.shape != last.shape
        or max(last.shape) != last.slope.size
    ):
        return ""
    if abs(values.sum()) <= SUMS_TO_ZERO * np.abs(values).max():
        return (
            f"The gradients of {last.name} sum to 0 and so do yours: the step back through the softmax is right, and "
            "the targets in it are others than those of the loss. Are the labels off by one class, or is the class "
            "number used where a one-hot row belongs?"
        )
    return (
        f"The gradients of {last.name} sum to 0, as softmax with the cross-entropy makes them, and yours do not: the "
        "error there is outputs - one-hot targets, with no derivative multiplied in; that of softmax is no elementwise "
        "one."
    )
