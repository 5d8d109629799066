"""Hand-written networks: functions of NumPy arrays, checked as they are called."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.derivatives import check_derivative, check_gradient
from actwise.derivatives.parameters import named_arrays, rebuilt
from actwise.doctor.twins import Point, explain_gradient, recognise
from actwise.errors import InputError
from actwise.inputs import as_numbers

Array: TypeAlias = npt.NDArray[np.float64]
N_DRAWS = 64  # random parameters at which the network is looked at
WIDE = 10.0  # their spread: activations then reach the ends of their ranges
SAME, SAME_FACTOR = 1e-9, 1e-3
SOLVED = 0.05  # of the best constant's mean squared error: below it the network has learned
RATE_STEPS = (10.0, 100.0, 1000.0, 10_000.0)
OTHER_STARTS = 4
WIDTH = 100


@dataclass(frozen=True)
class FunctionsFinding:
    """One thing that is wrong.

    Parameters
    ----------
    code : str
        Its name.
    evidence : str
        What was measured.
    fix : str
        What to do.
    """

    code: str
    evidence: str
    fix: str


@dataclass(frozen=True)
class FunctionsDiagnosis:
    """What `diagnose_functions` found.

    Parameters
    ----------
    verdict : {"correct", "broken"}
        Whether anything is wrong.
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
        if not self.findings:
            learned = " It learned when it was run." if self.learns else ""
            told = f"Nothing is wrong with this network: its gradient is that of its loss.{learned} {self.note}"
            return textwrap.fill(told, WIDTH)
        lines = []
        for k, each in enumerate(self.findings):
            word = "Cause" if k == 0 else "Also"
            lines.append(textwrap.fill(f"{word}: {each.code}. {each.evidence}. {each.fix}.", WIDTH))
        if self.learns and self.findings:
            lines.append("It learns all the same, which proves nothing.")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class _Patient:
    """The functions and the data, with the parameters as a list of arrays."""

    forward: Callable[[Any, Array], Any]
    gradient: Callable[[list[Array], Array, Array], list[Array]]
    parameters: Any
    arrays: list[Array]
    X: Array
    y: Array
    loss: Callable[[Array, Array], float]

    def outputs(self, arrays: Sequence[Array], X: Array) -> Array:
        with np.errstate(all="ignore"):
            made = np.asarray(self.forward(rebuilt(self.parameters, iter([a.copy() for a in arrays])), X), np.float64)
        return made.reshape(len(X), -1)

    def loss_of(self, arrays: Sequence[Array]) -> float:
        return float(self.loss(self.outputs(arrays, self.X), self.y))

    def drawn(self, rng: np.random.Generator, spread: float) -> list[Array]:
        return [rng.normal(0, spread, each.shape) for each in self.arrays]


def diagnose_functions(
    forward: Callable[[Any, Any], Any],
    gradient: Callable[[Any, Any, Any], Any] | None,
    parameters: Any,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    step: Callable[[Any, Any, Any], Any] | None = None,
    loss: Callable[[Any, Any], float] | None = None,
    derivatives: Iterable[tuple[Callable[..., Any], Callable[..., Any], str]] = (),
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
        ``loss(outputs, y)`` returns a number. Half the squared error, summed over rows, where not given; a
        constant factor on the gradient is then no mistake.
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
    findings = [*_check_derivatives(derivatives), *_check_gradients(patient, loss is not None or step is None, rng)]
    findings += [*_check_start(patient), *_check_bias(patient, rng), *_check_range(patient, rng)]
    findings += _check_nonlinearity(patient, rng)
    learns, note = None, ""
    if learning_rate is not None:
        share = _descend(patient, patient.arrays, learning_rate, epochs)
        learns = share <= SOLVED
        if not learns and not findings:
            note, findings = _try_runs(patient, learning_rate, epochs, share, rng)
    elif not np.isfinite(outputs).all():
        findings.append(FunctionsFinding("overflow", "the outputs are not finite at the start", "start smaller"))
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
) -> _Patient:
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
    return _Patient(forward, gradients, parameters, arrays, rows, targets.reshape(len(rows), -1), chosen)


def _check_derivatives(
    derivatives: Iterable[tuple[Callable[..., Any], Callable[..., Any], str]],
) -> list[FunctionsFinding]:
    found = []
    for f, df, called_with in derivatives:
        report = check_derivative(f, df, called_with=called_with)  # type: ignore[arg-type]  # refuses other words itself
        if not report.correct:
            name = getattr(df, "__name__", "a derivative")
            found.append(FunctionsFinding(report.cause, f"{name}: {report.explanation.splitlines()[0]}", "Correct it"))
    return found


def _check_gradients(patient: _Patient, exact: bool, rng: np.random.Generator) -> list[FunctionsFinding]:
    """Compare the gradient with the loss's, where the start is as good as any other place."""
    # At random parameters: a start of equal weights would hide what differs between units.
    arrays = patient.drawn(rng, 1.0)
    given = patient.gradient(arrays, patient.X, patient.y)
    report = check_gradient(patient.loss_of, arrays, given, n_rows=len(patient.X))
    if report.correct:
        return []
    first = next(each for each in report.findings if each.cause != "correct")
    factors = np.array([each.factor for each in report.findings if each.factor is not None])
    if len(factors) == len(report.findings) and float(np.ptp(factors)) < SAME_FACTOR * abs(float(factors[0])):
        if factors[0] > 0:
            return []  # a sum for a mean, or a 2: the learning rate takes it up
        seen = "every gradient has the wrong sign: each step climbs the loss instead of descending"
        return [
            FunctionsFinding("wrong_sign", seen, "Subtract the gradient, or turn the error around (output - target)")
        ]
    layers = recognise(arrays, patient.X, patient.outputs(arrays, patient.X))
    if layers is not None:
        elsewhere = [arrays, *(patient.drawn(rng, 1.0) for _ in range(2))]
        points = [
            Point(each, _output_error(patient, each), patient.gradient(each, patient.X, patient.y))
            for each in elsewhere
        ]
        explained = explain_gradient(layers, patient.X, points)
        if explained is not None:
            wrong = sum(each.cause != "correct" for each in report.findings)
            seen = f"{wrong} of {len(report.findings)} gradients are not those of the loss: {explained.sentence}"
            return [FunctionsFinding(explained.mistake, seen, "With this one mistake planted, a correct twin gives "
                                     "exactly these numbers")]  # fmt: skip
    return [FunctionsFinding(first.cause, f"the gradient of {first.name} {first.sentence}".rstrip("."),
                             "Check the step back into this layer")]  # fmt: skip


def _output_error(patient: _Patient, arrays: Sequence[Array]) -> Array:
    """The loss's gradient by the outputs, by central differences where it is the user's own."""
    outputs = patient.outputs(arrays, patient.X)
    error = np.empty_like(outputs)
    for place in np.ndindex(outputs.shape):
        h = 1e-5 * max(1.0, abs(float(outputs[place])))
        up, down = outputs.copy(), outputs.copy()
        up[place] += h
        down[place] -= h
        error[place] = (patient.loss(up, patient.y) - patient.loss(down, patient.y)) / (2 * h)
    return error


def _check_start(patient: _Patient) -> list[FunctionsFinding]:
    """Units of a layer that start alike and get the same gradient stay alike."""
    matrices = [(k, a) for k, a in enumerate(patient.arrays) if a.ndim == 2 and min(a.shape) >= 1]
    given = patient.gradient(patient.arrays, patient.X, patient.y)
    for k, matrix in matrices[:-1]:
        for axis in (0, 1):
            units = matrix if axis == 0 else matrix.T
            slopes = given[k] if axis == 0 else given[k].T
            if len(units) < 2 or slopes.shape != units.shape:
                continue
            if np.all(units == units[:1]) and np.allclose(slopes, slopes[:1], rtol=1e-9, atol=1e-15):
                seen = f"all {len(units)} units of array {k} start with the same weights and get the same gradient"
                return [
                    FunctionsFinding(
                        "init", seen, "Draw the initial weights at random: equal units stay equal for ever"
                    )
                ]
    return []


def _check_bias(patient: _Patient, rng: np.random.Generator) -> list[FunctionsFinding]:
    zero = np.flatnonzero(~patient.X.any(axis=1))
    if not len(zero):
        return []
    answers = np.array([patient.outputs(patient.drawn(rng, 3.0), patient.X[zero[:1]])[0] for _ in range(N_DRAWS)])
    fixed = np.ptp(answers, axis=0) < SAME
    if not fixed.all() or np.abs(answers[0] - patient.y[zero[0]]).max() < SAME:
        return []
    seen = (
        f"for inputs of 0 the output is {answers[0][0]:.4g} whatever the weights, and the target there is "
        f"{patient.y[zero[0]][0]:.4g}"
    )
    return [FunctionsFinding("missing_bias", seen, "Add a bias to every layer")]


def _check_range(patient: _Patient, rng: np.random.Generator) -> list[FunctionsFinding]:
    drawn = np.array([patient.outputs(patient.drawn(rng, WIDE), patient.X) for _ in range(N_DRAWS)])
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return []
    low, high = float(drawn.min()), float(drawn.max())
    lowest, highest = float(patient.y.min()), float(patient.y.max())
    margin = 0.05 * max(high - low, SAME)
    if lowest >= low - margin and highest <= high + margin:
        return []
    seen = (
        f"targets run from {lowest:.4g} to {highest:.4g}; with {N_DRAWS} draws of wild weights outputs stay "
        f"between {low:.4g} and {high:.4g}"
    )
    return [FunctionsFinding("output_activation_mismatch", seen, "Use a linear output, or scale the targets")]


def _check_nonlinearity(patient: _Patient, rng: np.random.Generator) -> list[FunctionsFinding]:
    """A network whose outputs change along one direction only has no working hidden layer."""
    if patient.y.shape[1] > 1 or len([a for a in patient.arrays if a.ndim == 2]) < 1:
        return []
    if _is_linear_task(patient):
        return []
    for _ in range(4):
        arrays = patient.drawn(rng, 1.0)
        points = rng.normal(size=(12, patient.X.shape[1]))
        slopes = np.empty_like(points)
        for j in range(points.shape[1]):
            h = np.zeros(points.shape[1])
            h[j] = 1e-5
            slopes[:, j] = (patient.outputs(arrays, points + h) - patient.outputs(arrays, points - h))[:, 0]
        norms = np.linalg.norm(slopes, axis=1)
        useful = slopes[norms > 1e-3 * norms.max()] / norms[norms > 1e-3 * norms.max(), None]
        if len(useful) < 3 or np.abs(np.abs(useful @ useful[0]) - 1).max() > 1e-5:
            return []
    seen = "the output depends on one weighted sum of the inputs only, and the targets are not separable by one"
    return [
        FunctionsFinding("missing_nonlinearity", seen, "Put a nonlinear activation such as tanh into the hidden layer")
    ]


def _is_linear_task(patient: _Patient) -> bool:
    """Whether a plane separates the targets above their middle from the others, or a linear map fits them."""
    from scipy.optimize import linprog

    t = patient.y[:, 0]
    rows = np.hstack([patient.X, np.ones((len(t), 1))])
    fitted = rows @ np.linalg.lstsq(rows, t, rcond=None)[0]
    if np.sum((fitted - t) ** 2) <= SOLVED * np.sum((t - t.mean()) ** 2):
        return True
    if len(np.unique(t)) > 2:
        return False
    side = np.where(t > (t.min() + t.max()) / 2, 1.0, -1.0)
    # Separable if some w has side * (row . w) >= 1 for every row.
    found = linprog(np.zeros(rows.shape[1]), A_ub=-side[:, None] * rows, b_ub=-np.ones(len(t)), bounds=(None, None))
    return bool(found.success)


def _descend(patient: _Patient, start: Sequence[Array], rate: float, epochs: int) -> float:
    """Train on all rows and return the squared error as a share of the best constant's."""
    arrays = [each.copy() for each in start]
    for _ in range(epochs):
        gradient = patient.gradient(arrays, patient.X, patient.y)
        arrays = [a - rate * g.reshape(a.shape) for a, g in zip(arrays, gradient, strict=True)]
        if not all(np.isfinite(a).all() for a in arrays):
            return np.inf
    error = float(np.sum((patient.outputs(arrays, patient.X) - patient.y) ** 2))
    return error / max(float(np.sum((patient.y - patient.y.mean(axis=0)) ** 2)), SAME)


def _try_runs(
    patient: _Patient, rate: float, epochs: int, share: float, rng: np.random.Generator
) -> tuple[str, list[FunctionsFinding]]:
    """Where it does not learn, try other starts, then other rates and more epochs; return a note and findings."""
    starts = [[rng.normal(0, each.std() or 0.5, each.shape) for each in patient.arrays] for _ in range(OTHER_STARTS)]
    learned = sum(_descend(patient, start, rate, epochs) <= SOLVED for start in starts)
    if learned >= OTHER_STARTS / 2:
        note = f"From this start it did not learn, from {learned} of {OTHER_STARTS} others it did: bad luck."
        return note, []
    tried = [("learning_rate_too_high", rate / each, epochs) for each in RATE_STEPS]
    tried += [("learning_rate_too_low", rate * each, epochs) for each in RATE_STEPS]
    tried += [("undertrained", rate, 10 * epochs)]
    for code, other, longer in tried:
        reached = min(_descend(patient, start, other, longer) for start in [patient.arrays, *starts[:2]])
        if reached <= SOLVED:
            what = f"a rate of {other:g}" if longer == epochs else f"{longer:,} epochs"
            seen = (
                f"with a rate of {rate:g} and {epochs:,} epochs the error ends at {share:.2g} of a constant's, with "
                f"{what} at {reached:.2g}"
            )
            return "", [FunctionsFinding(code, seen, f"Use {what}")]
    return f"It did not learn when it was run: the error ended at {share:.2g} of a constant's.", []
