"""Hand-written networks: functions of NumPy arrays, checked as they are called."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from actwise.derivatives.parameters import named_arrays, rebuilt
from actwise.doctor.function_checks import (
    SOLVED,
    Array,
    FunctionsFinding,
    Patient,
    check_bias,
    check_derivatives,
    check_gradients,
    check_nonlinearity,
    check_range,
    check_start,
    descend,
    try_runs,
)  # fmt: skip
from actwise.errors import InputError
from actwise.inputs import as_numbers

WIDTH = 100
WHAT_NEXT = (
    "What to do: draw other initial weights, add hidden units, or describe the same layers as an aw.Network and "
    "let aw.diagnose search further."
)


@dataclass(frozen=True)
class FunctionsDiagnosis:
    """What `diagnose_functions` found.

    Parameters
    ----------
    verdict : {"correct", "broken"}
        Whether anything is wrong with what was written; whether it learned is another question.
    findings : tuple of FunctionsFinding
        The most certain first.
    learns : bool or None
        Whether it learned when it was run with the learning rate given; None where none was.
    note : str
        What else came out of the run.
    """

    verdict: Literal["correct", "broken"]
    findings: tuple[FunctionsFinding, ...]
    learns: bool | None = None
    note: str = ""

    @property
    def cause(self) -> str:
        """The first finding's code, or ``correct``."""
        return self.findings[0].code if self.findings else "correct"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "verdict": self.verdict,
            "learns": self.learns,
            "note": self.note,
            "findings": [asdict(each) for each in self.findings],
        }

    def __str__(self) -> str:
        if not self.findings and self.learns is False:
            told = f"Its gradient is that of its loss, but it did not learn. {self.note} {WHAT_NEXT}"
            return textwrap.fill(told, WIDTH)
        if not self.findings:
            learned = " It learned when it was run." if self.learns else ""
            told = f"Nothing is wrong with this network: its gradient is that of its loss.{learned}"
            return textwrap.fill(told, WIDTH)
        lines = []
        for k, each in enumerate(self.findings):
            word = "Cause" if k == 0 else "Also"
            lines.append(textwrap.fill(f"{word}: {each.code}. {each.evidence}. {each.fix}.", WIDTH))
        if self.learns and self.findings:
            lines.append("It learns all the same, which proves nothing.")
        return "\n".join(lines)


def diagnose_functions(
    forward: Callable[[Any, Any], Any],
    gradient: Callable[[Any, Any, Any], Any] | None,
    parameters: Any,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    step: Callable[[Any, Any, Any], Any] | None = None,
    loss: Callable[[Any, Any], float] | None = None,
    derivatives: Iterable[tuple[Callable[..., Any], Callable[..., Any], Literal["x", "y"]]] = (),
    learning_rate: float | None = None,
    epochs: int = 1000,
    seed: int = 0,
) -> FunctionsDiagnosis:
    """Say why a network that was written by hand does not learn.

    Parameters
    ----------
    forward : callable
        ``forward(parameters, X)`` returns the outputs.
    gradient : callable or None
        ``gradient(parameters, X, y)`` returns the gradients in the form of the parameters.
    parameters : array, or list, tuple or dict of arrays
        The initial weights and biases, each bias after its weights.
    X, y : array_like
        Inputs (n_rows, n_inputs) and targets.
    step : callable, optional
        In place of `gradient`: ``step(parameters, X, y)`` returns the parameters after one update.
    loss : callable, optional
        ``loss(outputs, y)`` returns a number. Half the squared error, summed over rows, where not given. A
        positive constant factor on the gradient is never a mistake: the learning rate takes it up.
    derivatives : iterable of (f, df, "x" or "y"), optional
        Activations with their derivatives, and what each derivative is called with.
    learning_rate : float, optional
        With it the network is trained on all rows at once, to see whether it learns.
    epochs : int
        How long.
    seed : int
        Of everything random.

    Returns
    -------
    FunctionsDiagnosis
        With ``.verdict``, ``.findings`` and ``.cause``; ``str()`` explains.

    Raises
    ------
    InputError
        If the functions and the data do not fit together.

    Examples
    --------
    >>> def sigmoid(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> def forward(p, X):
    ...     return sigmoid(sigmoid(X @ p[0] + p[1]) @ p[2] + p[3])
    >>> def prime(x):
    ...     return sigmoid(x) * (1 - sigmoid(x))
    >>> def gradient(p, X, t):
    ...     h = sigmoid(X @ p[0] + p[1])
    ...     y = sigmoid(h @ p[2] + p[3])
    ...     d2 = (y - t) * prime(y)
    ...     d1 = d2 @ p[2].T * prime(h)
    ...     return [X.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)]
    >>> rng = np.random.default_rng(0)
    >>> start = [rng.normal(size=s) for s in [(2, 2), (2,), (2, 1), (1,)]]
    >>> X, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
    >>> diagnose_functions(forward, gradient, start, X, t).cause
    'wrong_convention_expects_x_given_y'
    """
    patient = _admit(forward, gradient, parameters, X, y, step, loss)
    rng = np.random.default_rng(seed)
    outputs = patient.outputs(patient.arrays, patient.X)
    if outputs.shape != patient.y.shape:
        raise InputError(f"forward returned outputs of shape {outputs.shape} for targets of shape {patient.y.shape}")
    findings = [*check_derivatives(derivatives), *check_gradients(patient, rng)]
    findings += [*check_start(patient), *check_bias(patient, rng), *check_range(patient, rng)]
    findings += check_nonlinearity(patient, rng)
    learns, note = None, ""
    if learning_rate is not None:
        share = descend(patient, patient.arrays, learning_rate, epochs)
        learns = share <= SOLVED
        if not learns and not findings:
            note, findings = try_runs(patient, learning_rate, epochs, share, rng)
    elif not np.isfinite(outputs).all():
        findings.append(
            FunctionsFinding("exploding_gradient", "the outputs are not finite at the start", "Start smaller")
        )
    unique = {each.code: each for each in reversed(findings)}
    ordered = tuple(each for each in findings if unique.get(each.code) is each)
    return FunctionsDiagnosis("broken" if ordered else "correct", ordered, learns, note)


def _admit(
    forward: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    parameters: Any,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    step: Callable[..., Any] | None,
    loss: Callable[..., float] | None,
) -> Patient:
    if (gradient is None) == (step is None):
        raise InputError("give either gradient, which returns gradients, or step, which returns updated parameters")
    rows, targets = as_numbers(X, "float64", "X"), as_numbers(y, "float64", "y")
    if rows.ndim != 2 or len(targets) != len(rows) or not len(rows):
        raise InputError(
            f"X must have the shape (rows, inputs) and y as many rows, not {rows.shape} and {targets.shape}"
        )
    if not (np.isfinite(rows).all() and np.isfinite(targets).all()):
        raise InputError("X or y holds NaN or infinity; drop those rows first")
    arrays = [np.array(array, np.float64) for _, array in named_arrays(parameters, "parameters")]

    def gradients(given: list[Array], some: Array, wanted: Array) -> list[Array]:
        with np.errstate(all="ignore"):
            inside = rebuilt(parameters, iter([a.copy() for a in given]))
            made = gradient(inside, some, wanted) if gradient is not None else step(inside, some, wanted)  # type: ignore[misc]  # one of them is given
        found = [np.array(array, np.float64) for _, array in named_arrays(made, "gradient")]
        return found if gradient is not None else [old - new for old, new in zip(given, found, strict=True)]

    def half_squared(outputs: Array, wanted: Array) -> float:
        return float(0.5 * np.sum((outputs - wanted) ** 2))

    chosen = half_squared if loss is None else lambda outputs, wanted: float(loss(outputs, wanted))
    return Patient(forward, gradients, parameters, arrays, rows, targets.reshape(len(rows), -1), chosen)
