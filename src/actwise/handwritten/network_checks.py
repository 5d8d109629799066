"""What can be wrong with a network that was written by hand: a function for each check, as the network is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.handwritten.causes import Cause
from actwise.handwritten.check import check_derivative
from actwise.handwritten.gradient import GradientReport, check_gradient
from actwise.handwritten.gradient_causes import GradientCause, GradientFinding
from actwise.handwritten.mistakes import Point, explain_gradient, layer_places, recognise
from actwise.handwritten.parameters import rebuilt
from actwise.handwritten.usual_losses import SAME_FACTOR, UsualLoss, users_own, usual

Array: TypeAlias = npt.NDArray[np.float64]
N_DRAWS = 64  # random parameters at which the network is looked at
WIDE = 10.0  # their spread: activations then reach the ends of their ranges
SAME = 1e-9
NEAR_END, MOST_HALVINGS = 1e-3, 20
N_POINTS = 3
SOLVED = 0.05  # of the best constant's mean squared error: below it the network has learned
RATE_STEPS = (10.0, 100.0, 1000.0, 10_000.0)
OTHER_STARTS = 4
# Causes that `actwise.diagnose` names in the same way.
NetworkCause: TypeAlias = Literal[
    "broadcast", "exploding_gradient", "init", "learning_rate_too_high", "learning_rate_too_low", "missing_bias",
    "missing_nonlinearity", "output_activation_mismatch", "undertrained",
]  # fmt: skip


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

    code: Cause | GradientCause | NetworkCause
    evidence: str
    fix: str


@dataclass(frozen=True, eq=False)
class Patient:
    """The functions and the data, with the parameters as a list of arrays.

    Parameters
    ----------
    forward, gradient : callable
        As the user calls them, but that `gradient` takes and returns a list of arrays.
    parameters : Any
        In the user's form.
    arrays : list of ndarray
        The same as a list.
    X : ndarray of shape (n_rows, n_inputs)
        Inputs.
    handed : Any
        The targets as the user's functions get them.
    y : ndarray of shape (n_rows, n_outputs)
        The targets of each output, to compare with.
    shape : tuple of int
        Of what `forward` returns for `X`.
    loss : callable or UsualLoss, optional
        The user's own, of outputs and targets in the user's shapes; or the one that was named.
    """

    forward: Callable[[Any, Array], Any]
    gradient: Callable[[list[Array], Array, Any], list[Array]]
    parameters: Any
    arrays: list[Array]
    X: Array
    handed: Any
    y: Array
    shape: tuple[int, ...]
    loss: Callable[[Array, Any], float] | UsualLoss | None

    def outputs(self, arrays: Sequence[Array], X: Array) -> Array:
        """Compute the outputs, shape (n_rows, n_outputs)."""
        with np.errstate(all="ignore"):
            made = np.asarray(self.forward(rebuilt(self.parameters, iter([a.copy() for a in arrays])), X), np.float64)
        return made.reshape(len(X), -1)

    def gradients(self, arrays: Sequence[Array]) -> list[Array]:
        """Compute the user's gradients on all rows."""
        return self.gradient([*arrays], self.X, self.handed)

    def losses(self, outputs: Array) -> tuple[UsualLoss, ...]:
        """Return the loss that the gradient must belong to, or those that it may."""
        given = self.loss
        if given is None:
            return usual(outputs, self.y)
        if isinstance(given, UsualLoss):
            return (given,)
        return (users_own(lambda made: float(given(made.reshape(self.shape), self.handed))),)

    def drawn(self, rng: np.random.Generator, spread: float) -> list[Array]:
        """Draw parameters from a normal distribution."""
        return [rng.normal(0, spread, each.shape) for each in self.arrays]

    def drawn_inside(self, rng: np.random.Generator) -> list[Array]:
        """Draw parameters at which outputs between 0 and 1 are not so near the ends that digits are lost."""
        arrays = self.drawn(rng, 1.0)
        for _ in range(MOST_HALVINGS):
            outputs = self.outputs(arrays, self.X)
            if np.any((outputs < 0) | (outputs > 1)) or np.all((outputs > NEAR_END) & (outputs < 1 - NEAR_END)):
                break
            arrays = [each / 2 for each in arrays]
        return arrays


def check_derivatives(
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


def _factor(finding: GradientFinding) -> float | None:
    """What a gradient is to be multiplied by; any factor fits a single entry, which then has to fit the others'."""
    if finding.factor is None and finding.n_checked == 1 and finding.expected is not None and finding.got:
        return finding.expected / finding.got
    return finding.factor


def check_gradients(patient: Patient, rng: np.random.Generator) -> tuple[str, list[FunctionsFinding]]:
    """Compare the gradient with that of the loss, but for a positive factor, which the learning rate takes up."""
    # At random parameters: a start of equal weights would hide what differs between units. At several: at one of them
    # a wrong gradient may be in proportion to that of another loss.
    points = [patient.drawn_inside(rng) for _ in range(N_POINTS)]
    made = [patient.gradients(each) for each in points]
    outputs = patient.outputs(points[0], patient.X)
    reports = []
    for loss in patient.losses(outputs):
        reports.append((loss, _compared(patient, loss, points[0], made[0])))
        factor = _common_factor(reports[-1][1], made[0])
        if factor is None:
            continue
        elsewhere = [
            _common_factor(_compared(patient, loss, *at), at[1]) for at in zip(points[1:], made[1:], strict=True)
        ]
        if not all(each is not None and abs(each - factor) < SAME_FACTOR * abs(factor) for each in elsewhere):
            continue
        name = loss.sized(1 / abs(factor), len(patient.X), outputs.shape[1])
        if factor > 0:  # a sum for a mean, or a 2
            return name, []
        seen = "every gradient has the wrong sign: each step climbs the loss instead of descending"
        fix = "Subtract the gradient, or turn the error around (output - target)"
        return name, [FunctionsFinding("wrong_sign", seen, fix)]
    layers = recognise(points[0], patient.X, outputs)
    best = None
    for loss, report in reports:
        if layers is None:
            break
        known = [
            Point(each, loss.slope(patient.outputs(each, patient.X), patient.y), given)
            for each, given in zip(points, made, strict=True)
        ]
        explained = explain_gradient(layers, patient.X, known)
        if explained is not None and (best is None or explained.n_layers < best[2].n_layers):
            best = loss, report, explained
    if best is not None:
        loss, report, explained = best
        wrong = sum(each.cause != "correct" for each in report.findings)
        seen = f"{wrong} of {len(report.findings)} gradients are not those of {loss.spoken}: {explained.sentence}"
        return loss.spoken, [FunctionsFinding(explained.mistake, seen, "With this one mistake planted, a correct twin "
                                              "gives exactly these numbers")]  # fmt: skip
    loss, report = min(reports, key=lambda each: sum(finding.cause != "correct" for finding in each[1].findings))
    first = next(each for each in report.findings if each.cause != "correct")
    seen = f"the gradient of {first.name} {first.sentence}".rstrip(".")
    if patient.loss is None:
        seen += f" (compared with {' and '.join(each.spoken for each, _ in reports)}; hand over another as loss)"
    return loss.spoken, [FunctionsFinding(first.cause, seen, "Check the step back into this layer")]


def _compared(patient: Patient, loss: UsualLoss, arrays: list[Array], given: list[Array]) -> GradientReport:
    def value(changed: list[Array]) -> float:
        return loss.value(patient.outputs(changed, patient.X), patient.y)

    return check_gradient(value, arrays, given, n_rows=len(patient.X))


def _common_factor(report: GradientReport, given: Sequence[Array]) -> float | None:
    """What all gradients are to be multiplied by, if it is the same for all; of those that are rightly 0 any is."""
    if report.correct:
        return 1.0
    known = [
        1.0 if each.cause == "correct" else _factor(each)
        for each, array in zip(report.findings, given, strict=True)
        if each.cause != "correct" or array.any()
    ]
    factors = np.array([each for each in known if each is not None])
    if len(factors) < len(known) or float(np.ptp(factors)) >= SAME_FACTOR * abs(float(factors[0])):
        return None
    return float(factors[0])


def check_start(patient: Patient) -> list[FunctionsFinding]:
    """Units of a layer that start alike and get the same gradient stay alike."""
    for transposed in (False, True):
        places = layer_places(patient.arrays, patient.X.shape[1], transposed)
        if places is not None:
            break
    else:
        return []
    given = patient.gradients(patient.arrays)
    for k, _ in places[:-1]:
        matrix, slopes = patient.arrays[k], given[k]
        if matrix.ndim != 2 or slopes.shape != matrix.shape:
            continue
        units, changes = (matrix, slopes) if transposed else (matrix.T, slopes.T)
        if len(units) > 1 and np.all(units == units[:1]) and np.allclose(changes, changes[:1], rtol=1e-9, atol=1e-15):
            seen = f"all {len(units)} units of array {k} start with the same weights and get the same gradient"
            return [FunctionsFinding("init", seen, "Draw the initial weights at random: equal units stay equal for "
                                     "ever")]  # fmt: skip
    return []


def check_bias(patient: Patient, rng: np.random.Generator) -> list[FunctionsFinding]:
    """See whether the answer for inputs of 0 can change at all."""
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


def check_range(patient: Patient, rng: np.random.Generator) -> list[FunctionsFinding]:
    """See whether outputs come as far as the targets."""
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


def check_nonlinearity(patient: Patient, rng: np.random.Generator) -> list[FunctionsFinding]:
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


def _is_linear_task(patient: Patient) -> bool:
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


def descend(patient: Patient, start: Sequence[Array], rate: float, epochs: int) -> float:
    """Train on all rows and return the squared error as a share of the best constant's."""
    arrays = [each.copy() for each in start]
    for _ in range(epochs):
        gradient = patient.gradients(arrays)
        arrays = [a - rate * g.reshape(a.shape) for a, g in zip(arrays, gradient, strict=True)]
        if not all(np.isfinite(a).all() for a in arrays):
            return np.inf
    error = float(np.sum((patient.outputs(arrays, patient.X) - patient.y) ** 2))
    return error / max(float(np.sum((patient.y - patient.y.mean(axis=0)) ** 2)), SAME)


def try_runs(
    patient: Patient, rate: float, epochs: int, share: float, rng: np.random.Generator
) -> tuple[str, list[FunctionsFinding]]:
    """Where it does not learn, try other starts, then other rates and more epochs; return a note and findings."""
    starts = [[rng.normal(0, each.std() or 0.5, each.shape) for each in patient.arrays] for _ in range(OTHER_STARTS)]
    learned = sum(descend(patient, start, rate, epochs) <= SOLVED for start in starts)
    if learned >= OTHER_STARTS / 2:
        note = f"From {learned} of {OTHER_STARTS} other starts it did: bad luck with this one."
        return note, []
    tried: list[tuple[NetworkCause, float, int]]
    tried = [("learning_rate_too_high", rate / each, epochs) for each in RATE_STEPS]
    tried += [("learning_rate_too_low", rate * each, epochs) for each in RATE_STEPS]
    tried += [("undertrained", rate, 10 * epochs)]
    for code, other, longer in tried:
        reached = min(descend(patient, start, other, longer) for start in [patient.arrays, *starts[:2]])
        if reached <= SOLVED:
            what = f"a rate of {other:g}" if longer == epochs else f"{longer:,} epochs"
            seen = (
                f"with a rate of {rate:g} and {epochs:,} epochs the error ends at {share:.2g} of a constant's, with "
                f"{what} at {reached:.2g}"
            )
            return "", [FunctionsFinding(code, seen, f"Use {what}")]
    return (
        f"The error ended at {share:.2g} of a constant's; from other starts it learned in {learned} of {OTHER_STARTS} "
        "runs, and no other rate or length that was tried helps.",
        [],
    )
