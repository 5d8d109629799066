"""Hand-written networks: functions of arrays, checked as they are called."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from actwise.handwritten.check import check_derivative
from actwise.handwritten.findings import FunctionsFinding
from actwise.handwritten.learning import (
    SOLVED,
    check_bias,
    check_nonlinearity,
    check_range,
    check_start,
    descend,
    try_runs,
)  # fmt: skip
from actwise.handwritten.program import Program, program_of
from actwise.handwritten.state import put_back
from actwise.handwritten.verdict import Judgement, judge_gradient

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
        ``forward(parameters, X)`` returns the outputs, (n_rows, n_outputs) or (n_rows,), or a tuple with them and
        whatever is cached. It may take one row at a time, columns in place of rows, ``(X, parameters)``, one array
        after the other, or be a method of the object that keeps the parameters.
    gradient : callable or None
        ``gradient(parameters, X, y)`` returns the gradients in the form of the parameters; in dictionaries they are
        matched by name, ``dW1`` for ``W1``. The loss beside them is let pass, and a ``cache`` is handed on.
    parameters : array, or list, tuple or dict of arrays
        The initial weights and biases; arrays of NumPy, PyTorch or JAX.
    X, y : array_like
        Inputs (n_rows, n_inputs) and targets: numbers for each row and output, or the index of each row's class. Where
        the functions work on columns, (n_inputs, n_rows) and (n_outputs, n_rows). The functions get y as it is given.
    step : callable, optional
        In place of `gradient`: ``step(parameters, X, y)`` makes one update; it returns the parameters or changes them.
    loss : callable or {"squared_error", "cross_entropy"}, optional
        ``loss(outputs, y)`` or, with a penalty, ``loss(outputs, y, parameters)`` returns a number. Where it is not
        given, the gradient may belong to any loss that is usual for such outputs. A positive factor on the whole
        gradient (sum or mean, half or whole, clipping) is never a mistake, and neither is a penalty on all weights.
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
    functions = (forward, gradient if gradient is not None else step, loss)
    with put_back(functions):
        program = program_of(forward, gradient, parameters, X, y, step)
        judged = judge_gradient(program, loss, rng)
        findings = [*_check_derivatives(derivatives), *judged.findings]
        learns, note = None, judged.note
        outputs = program.outputs(program.arrays, program.X)
        if learning_rate is not None and not judged.broadcast:
            learns, told, causes = _run(program, judged, learning_rate, epochs, rng, bool(findings))
            note, findings = told or note, [*findings, *causes]
        elif learning_rate is None:
            findings += _obstacles(program, judged, rng)
            if not np.isfinite(outputs).all():
                seen = "the outputs are not finite at the start"
                findings.append(FunctionsFinding("exploding_gradient", seen, "Start smaller"))
    return FunctionsDiagnosis("broken" if findings else "correct", tuple(findings), learns, note, judged.loss)


def _run(
    program: Program, judged: Judgement, rate: float, epochs: int, rng: np.random.Generator, broken: bool
) -> tuple[bool, str, list[FunctionsFinding]]:
    """Train as the user does; where it does not learn although nothing is wrong, say why."""
    rate = 1.0 if program.steps else rate
    share = descend(program, program.arrays, rate, epochs, own_steps=True)
    if share <= SOLVED:
        return True, "", []
    causes = _obstacles(program, judged, rng)
    if broken or causes:
        return False, "", causes
    return False, *try_runs(program, rate, epochs, share, rng)


def _obstacles(program: Program, judged: Judgement, rng: np.random.Generator) -> list[FunctionsFinding]:
    if judged.broadcast:
        return []
    found = [*check_start(program), *check_bias(program, rng), *check_range(program, rng)]
    return [*found, *check_nonlinearity(program, judged.layers, rng)]


def _check_derivatives(
    derivatives: Iterable[tuple[Callable[..., Any], Callable[..., Any], Literal["x", "y"]]],
) -> list[FunctionsFinding]:
    """Check derivatives of activations by themselves, as they are called."""
    found = []
    for f, df, called_with in derivatives:
        report = check_derivative(f, df, called_with=called_with)
        if not report.correct:
            name = getattr(df, "__name__", "a derivative")
            found.append(FunctionsFinding(report.cause, f"{name}: {report.explanation.splitlines()[0]}", "Correct it"))
    return found
