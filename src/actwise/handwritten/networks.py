"""Hand-written networks: functions of NumPy arrays, checked as they are called."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from actwise.arrays import as_numbers
from actwise.errors import InputError
from actwise.handwritten.network_checks import (
    SOLVED,
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
from actwise.handwritten.parameters import named_arrays, rebuilt
from actwise.handwritten.target_shapes import check_shapes
from actwise.handwritten.usual_losses import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    NAMES,
    SQUARED_ERROR,
    Array,
    UsualLoss,
    are_shares,
)  # fmt: skip

WIDTH = 100
WHAT_NEXT = (
    "What to do: draw other initial weights, add hidden units, or describe the same layers as an aw.Network and "
    "let aw.diagnose search further."
)


def _filled(text: str) -> str:
    """Break lines, but not within code."""
    kept = re.sub("`[^`]*`", lambda code: code[0].replace(" ", "\0"), text)
    return textwrap.fill(kept, WIDTH).replace("\0", " ")


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
    loss : str
        The loss that the gradient belongs to, or that it was compared with, in words.
    """

    verdict: Literal["correct", "broken"]
    findings: tuple[FunctionsFinding, ...]
    learns: bool | None = None
    note: str = ""
    loss: str = "its loss"

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
            "loss": self.loss,
            "findings": [asdict(each) for each in self.findings],
        }

    def __str__(self) -> str:
        if not self.findings and self.learns is False:
            told = f"Its gradient is that of {self.loss}, but it did not learn. {self.note} {WHAT_NEXT}"
            return _filled(told)
        if not self.findings:
            learned = " It learned when it was run." if self.learns else ""
            told = f"Nothing is wrong with this network: its gradient is that of {self.loss}.{learned}"
            return _filled(told)
        lines = []
        for k, each in enumerate(self.findings):
            word = "Cause" if k == 0 else "Also"
            lines.append(_filled(f"{word}: {each.code}. {each.evidence}. {each.fix}."))
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
    loss: Callable[[Any, Any], float] | str | None = None,
    derivatives: Iterable[tuple[Callable[..., Any], Callable[..., Any], Literal["x", "y"]]] = (),
    learning_rate: float | None = None,
    epochs: int = 1000,
    seed: int = 0,
) -> FunctionsDiagnosis:
    """Say why a network that was written by hand does not learn.

    Parameters
    ----------
    forward : callable
        ``forward(parameters, X)`` returns the outputs, (n_rows, n_outputs) or (n_rows,).
    gradient : callable or None
        ``gradient(parameters, X, y)`` returns the gradients in the form of the parameters.
    parameters : array, or list, tuple or dict of arrays
        The initial weights and biases, each bias after its weights.
    X, y : array_like
        Inputs (n_rows, n_inputs) and targets: numbers for each row and output, or the index of each row's class. The
        functions get y as it is given.
    step : callable, optional
        In place of `gradient`: ``step(parameters, X, y)`` returns the parameters after one update.
    loss : callable or {"squared_error", "cross_entropy"}, optional
        ``loss(outputs, y)`` returns a number. Where it is not given, the gradient may belong to the squared error or,
        if outputs lie between 0 and 1, to the cross-entropy. A positive constant factor on the gradient (sum or mean,
        half or whole) is never a mistake: the learning rate takes it up.
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
    rng = np.random.default_rng(seed)
    patient, shapes = check_shapes(_admit(forward, gradient, parameters, X, y, step, loss), rng)
    outputs = patient.outputs(patient.arrays, patient.X)
    belongs_to, gradients = check_gradients(patient, rng)
    findings = [*shapes, *check_derivatives(derivatives), *gradients]
    findings += [*check_start(patient), *check_bias(patient, rng), *check_range(patient, rng)]
    findings += check_nonlinearity(patient, rng)
    learns, note = None, ""
    if learning_rate is not None and not shapes:
        share = descend(patient, patient.arrays, learning_rate, epochs)
        learns = share <= SOLVED
        if not learns and not findings:
            note, findings = try_runs(patient, learning_rate, epochs, share, rng)
    elif learning_rate is None and not np.isfinite(outputs).all():
        findings.append(
            FunctionsFinding("exploding_gradient", "the outputs are not finite at the start", "Start smaller")
        )
    unique = {each.code: each for each in reversed(findings)}
    ordered = tuple(each for each in findings if unique.get(each.code) is each)
    return FunctionsDiagnosis("broken" if ordered else "correct", ordered, learns, note, belongs_to)


def _admit(
    forward: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    parameters: Any,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    step: Callable[..., Any] | None,
    loss: Callable[..., float] | str | None,
) -> Patient:
    if (gradient is None) == (step is None):
        raise InputError("give either gradient, which returns gradients, or step, which returns updated parameters")
    if isinstance(loss, str) and loss not in NAMES:
        raise InputError(f"loss must be a function of outputs and y, or one of {', '.join(map(repr, NAMES))}")
    rows, targets = as_numbers(X, "float64", "X"), as_numbers(y, "float64", "y")
    if rows.ndim != 2 or targets.ndim not in (1, 2) or len(targets) != len(rows) or not len(rows):
        raise InputError(
            f"X must have the shape (rows, inputs) and y as many rows, not {rows.shape} and {targets.shape}"
        )
    if not (np.isfinite(rows).all() and np.isfinite(targets).all()):
        raise InputError("X or y holds NaN or infinity; drop those rows first")
    arrays = [np.array(array, np.float64) for _, array in named_arrays(parameters, "parameters")]
    with np.errstate(all="ignore"):
        outputs = np.asarray(forward(rebuilt(parameters, iter([a.copy() for a in arrays])), rows), np.float64)
    if outputs.ndim not in (1, 2) or len(outputs) != len(rows):
        turned = "; write `.T` behind what it returns" if outputs.ndim == 2 and outputs.shape[1] == len(rows) else ""
        raise InputError(
            f"forward returned outputs of shape {outputs.shape} for {len(rows)} rows: it must return one row for each "
            f"row of X, of shape ({len(rows)}, n_outputs) or ({len(rows)},){turned}"
        )
    flat = outputs.reshape(len(rows), -1)

    def gradients(given: list[Array], some: Array, wanted: Any) -> list[Array]:
        with np.errstate(all="ignore"):
            inside = rebuilt(parameters, iter([a.copy() for a in given]))
            made = gradient(inside, some, wanted) if gradient is not None else step(inside, some, wanted)  # type: ignore[misc]  # one of them is given
        found = [np.array(array, np.float64) for _, array in named_arrays(made, "gradient")]
        return found if gradient is not None else [old - new for old, new in zip(given, found, strict=True)]

    known: Callable[..., float] | UsualLoss | None
    if isinstance(loss, str):
        entropy = CROSS_ENTROPY if are_shares(flat) else BINARY_CROSS_ENTROPY
        known = SQUARED_ERROR if loss == "squared_error" else entropy
    else:
        known = loss
    return Patient(
        forward, gradients, parameters, arrays, rows, y, _by_output(targets, flat.shape[1], outputs.shape),
        outputs.shape, known,
    )  # fmt: skip


def _by_output(targets: Array, n_outputs: int, shape: tuple[int, ...]) -> Array:
    """Return the targets of each output; class indices become columns of 0 and 1."""
    if targets.size == targets.shape[0] * n_outputs:
        return targets.reshape(len(targets), -1)
    classes = np.arange(n_outputs)
    if targets.size == len(targets) and np.isin(targets, classes).all():
        return np.asarray(targets.reshape(-1, 1) == classes, np.float64)
    raise InputError(f"forward returned outputs of shape {shape} for targets of shape {targets.shape}")
