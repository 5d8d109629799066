"""Judges the gradient of a program: right up to a factor and a penalty, or wrong, with the mistake and its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.handwritten.comparison import Comparison, compare, probe
from actwise.handwritten.differences import measure
from actwise.handwritten.findings import FunctionsFinding, NetworkCause
from actwise.handwritten.gradient_causes import GradientCause, judge
from actwise.handwritten.layers import PlainLayer, recognise, structures
from actwise.handwritten.learning import standard, unscaled
from actwise.handwritten.mistakes import Explanation, Point, explain_gradient
from actwise.handwritten.program import Array, Program
from actwise.handwritten.usual_losses import SAME_FACTOR, UsualLoss, losses_of

N_POINTS = 3
NEAR_END, MOST_HALVINGS = 1e-3, 20
COUPLED = 1e-6


@dataclass(frozen=True, eq=False)
class Judgement:
    """What is said of the gradient.

    `loss`: which it belongs to, or was compared with, in words; `layers`: of a plain network, as recognised.
    """

    loss: str
    findings: tuple[FunctionsFinding, ...] = ()
    note: str = ""
    layers: tuple[PlainLayer, ...] | None = None
    n_wrong: int = 0
    explained: bool = False
    broadcast: bool = field(default=False)


def judge_gradient(program: Program, loss: Callable[..., Any] | str | None, rng: np.random.Generator) -> Judgement:
    """Judge the gradient with the targets as they are and, where it is wrong, with those in the outputs' shape."""
    handed, state = np.shape(program.targets), rng.bit_generator.state
    may_broadcast = handed != program.shape and program.y.size == int(np.prod(handed))
    try:
        judged = _judge(program, loss, rng)
    except InputError:
        if not may_broadcast:
            raise
        judged = None
    if judged is not None and not (judged.findings and may_broadcast):
        return judged
    fitting = program.as_returned(program.y)
    ways = {"the gradient": replace(program, targets=fitting)}
    if callable(loss):
        ways["the loss"] = replace(program, loss_targets=fitting)
        ways["the gradient and the loss"] = replace(program, targets=fitting, loss_targets=fitting)
    best, where = judged, ""
    for name, mended in ways.items():
        rng.bit_generator.state = state
        try:
            found = _judge(mended, loss, rng)
        except InputError:  # the user's code wants the targets as they are
            continue
        if best is None or (found.n_wrong, not found.explained) < (best.n_wrong, not best.explained):
            best, where = found, name
    if best is None:
        return _judge(program, loss, rng)
    return best if not where else replace(
        best, findings=(_broadcast(program, handed, where), *best.findings), broadcast=True
    )  # fmt: skip


def _broadcast(program: Program, handed: tuple[int, ...], where: str) -> FunctionsFinding:
    column = len(program.shape) > len(handed)
    fix = f"Write `y = {'y.reshape(-1, 1)' if column else 'y.ravel()'}` before the training"
    if where == "the loss":
        fix = "Write `y = y.reshape(outputs.shape)` as the first line of the loss"
    both = np.broadcast_shapes(handed, program.shape)
    seen = (
        f"forward returns outputs of shape {program.shape} and y has the shape {handed}: in {where} `outputs - y` is "
        f"broadcast to {both}, each output against every target"
    )
    return FunctionsFinding("broadcast", seen, fix)


def _judge(program: Program, loss: Callable[..., Any] | str | None, rng: np.random.Generator) -> Judgement:
    X = standard(program.X) if unscaled(program.X) else program.X
    # At random parameters: a start of equal weights would hide what differs between units. At several: at one of them
    # a wrong gradient may be in proportion to that of another loss.
    points = [_drawn_inside(program, X, rng) for _ in range(N_POINTS)]
    made = [program.gradients(each, X) for each in points]
    outputs = program.outputs(points[0], X)
    if not _repeats(program, points[0], X, outputs):
        raise InputError(
            "forward gives other outputs when it is called again with the same parameters; leave out dropout and "
            "noise, or draw the mask once and keep it"
        )
    losses = losses_of(program, loss, outputs)
    probes = [probe(program, losses, X, at, given, rng) for at, given in zip(points, made, strict=True)]
    shapes = [each.shape for each in program.arrays]
    kinds = _weights_among(program)
    compared = [
        compare(program.names, shapes, kinds, each, [found[i] for found in probes]) for i, each in enumerate(losses)
    ]
    best = min(compared, key=lambda each: len(each.wrong) + 0.5 * each.turned + 0.25 * bool(each.decay))
    n_rows, n_outputs = program.y.shape
    name = best.loss.spoken
    if best.factors:
        steady = np.ptp(best.factors) <= 3 * SAME_FACTOR * abs(best.factors[0])
        name = best.loss.sized(1 / abs(best.factors[0]), n_rows, n_outputs) if steady else (
            f"{best.loss.spoken}, but for a factor that changes from point to point (clipped? normalised?)"
        )  # fmt: skip
    if best.decay:
        strength = best.decay / abs(best.factors[0])
        name += f", with a penalty (weight decay) on the weights of {strength:.4g} times themselves"
    layers = recognise(points[0], np.asarray(X, np.float64), outputs, program.resolution)
    if not best.wrong:
        if not best.turned:
            return Judgement(name, layers=layers)
        seen = "every gradient has the wrong sign: each step climbs the loss instead of descending"
        fix = "Subtract the gradient, or turn the error around (output - target)"
        found = FunctionsFinding("wrong_sign", seen, fix, program.names)
        return Judgement(name, (found,), layers=layers, n_wrong=len(shapes))
    axis = _softmax_over_rows(program, points[0], X, outputs)
    if axis:
        fix = "Write `axis=1, keepdims=True` in the sums and maxima of softmax"
        found = FunctionsFinding("softmax_axis", axis, fix, tuple(program.names[k] for k in best.wrong))
        return Judgement(name, (found,), layers=layers, n_wrong=len(best.wrong), explained=True)
    explained = _explained(program, X, layers, points, made, compared)
    if explained is not None:
        best, told = explained
        arrays = tuple(program.names[k] for k in best.wrong)
        some = f"{len(arrays)} of {len(shapes)} gradients ({', '.join(arrays)}) are not those of {best.loss.spoken}"
        fix = "With this one mistake planted, the same network gives exactly these numbers"
        found = FunctionsFinding(told.mistake, f"{some}: {told.sentence}", fix, arrays)
        return Judgement(best.loss.spoken, (found,), layers=layers, n_wrong=len(arrays), explained=True)
    placed = _placed(program, X, layers, points[0], made[0], best, len(compared) > 1 and loss is None)
    return Judgement(best.loss.spoken, (placed,), layers=layers, n_wrong=len(best.wrong))


def _drawn_inside(program: Program, X: npt.NDArray[Any], rng: np.random.Generator) -> list[Array]:
    """Draw parameters at which outputs between 0 and 1 are not so near the ends that digits are lost."""
    arrays = [
        rng.normal(0, 1.5 / np.sqrt(max(1.0, float(np.mean(each.shape)))) ** 0.5, each.shape) for each in program.arrays
    ]
    for _ in range(MOST_HALVINGS):
        outputs = program.outputs(arrays, X)
        if np.any((outputs < 0) | (outputs > 1)) or np.all((outputs > NEAR_END) & (outputs < 1 - NEAR_END)):
            break
        arrays = [each / 2 for each in arrays]
    return arrays


def _repeats(program: Program, arrays: list[Array], X: npt.NDArray[Any], outputs: Array) -> bool:
    return np.array_equal(program.outputs(arrays, X), outputs, equal_nan=True)


def _weights_among(program: Program) -> list[bool]:
    """Which arrays are weights, not biases: by the layers that they make, or by their shapes."""
    found = next(structures(program.arrays, program.X.shape[1], program.y.shape[1]), None)
    if found is not None:
        weights = {w for w, _ in found[0]}
        return [k in weights for k in range(len(program.arrays))]
    return [each.ndim > 1 and min(each.shape) > 1 for each in program.arrays]


def _explained(
    program: Program,
    X: npt.NDArray[Any],
    layers: tuple[PlainLayer, ...] | None,
    points: Sequence[list[Array]],
    made: Sequence[list[Array]],
    compared: Sequence[Comparison],
) -> tuple[Comparison, Explanation] | None:
    if layers is None or any(g.shape != a.shape for g, a in zip(made[0], points[0], strict=True)):
        return None
    best: tuple[Comparison, Explanation] | None = None
    rows = np.asarray(X, np.float64)
    for each in compared:
        slope = _slope_of(each.loss, program.y)
        weights, targets = _effective(program, layers, [program.outputs(at, X) for at in points], slope)
        known = [
            Point(at, given, rows, slope, program.y, weights, targets) for at, given in zip(points, made, strict=True)
        ]
        penalised = [k for k, weight in enumerate(_weights_among(program)) if weight]
        found = explain_gradient(layers, known, each.factors, each.wrong, penalised, program.resolution)
        if found is not None and (best is None or found.n_layers < best[1].n_layers):
            best = each, found
    return best


def _slope_of(loss: UsualLoss, y: Array) -> Callable[[Array], Array]:
    return lambda outputs: loss.slope(outputs, y)


def _effective(
    program: Program, layers: Sequence[PlainLayer], outputs: Sequence[Array], slope: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """The weights and targets of a loss whose gradient by the pre-activations is ``weights * (outputs - targets)``.

    A cross-entropy has it with its sigmoid or softmax, whatever weights classes have and however labels are smoothed.
    """
    activation = layers[-1].activation
    errors = [activation.back(slope(each), np.log(np.abs(each) + 1e-300), each) for each in outputs[:2]] if (
        activation.row
    ) else [slope(each) * activation.from_output(each) for each in outputs[:2]]  # fmt: skip
    apart = outputs[0] - outputs[1]
    weights = ((errors[0] - errors[1]) * apart).sum(axis=1, keepdims=True) / (apart**2).sum(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        targets = outputs[0] - errors[0] / weights
    if not np.isfinite(targets).all() or np.abs(weights * (outputs[1] - targets) - errors[1]).max() > 1e-4:
        return np.ones((len(program.y), 1)), program.y
    return weights, targets


def _softmax_over_rows(program: Program, arrays: list[Array], X: npt.NDArray[Any], outputs: Array) -> str:
    """The sentence for outputs that are shares of the sum over all rows; empty where they are not."""
    close = max(1e-6, 1e3 * program.resolution)
    if outputs.shape[1] < 2 or np.any(outputs < 0) or np.allclose(outputs.sum(axis=1), 1, atol=close):
        return ""
    over_rows = np.allclose(outputs.sum(axis=0), 1, atol=close)
    if not over_rows and abs(outputs.sum() - 1) > close:
        return ""
    over = "over axis 0, the rows," if over_rows else "over everything"
    sums = ", ".join(f"{each:.3g}" for each in outputs.sum(axis=1)[:2])
    return (
        f"the outputs of one row depend on the other rows: their sum {over} is 1, and the sums of rows are {sums} ...; "
        "softmax needs axis=1"
    )


def _coupling(program: Program, arrays: list[Array], X: npt.NDArray[Any], outputs: Array) -> str:
    """What to look at where the outputs of a row depend on the other rows, or on the place of the row."""
    mask = (
        "The forward pass multiplies by numbers that belong to the place of a row, as a dropout mask that is kept: the "
        "error must be multiplied by the same mask on the way back"
    )
    try:
        alone, turned = program.outputs(arrays, X[: len(X) // 2]), program.outputs(arrays, X[::-1])
    except InputError:
        return mask
    if alone.shape == outputs[: len(X) // 2].shape and np.allclose(alone, outputs[: len(X) // 2], rtol=COUPLED):
        return ""
    if np.allclose(turned[::-1], outputs, rtol=COUPLED, atol=COUPLED):
        return (
            "The outputs of a row depend on the other rows, as with batch normalisation: the way back through the "
            "normalisation has a term for the mean and one for the variance"
        )
    return mask


def _placed(
    program: Program,
    X: npt.NDArray[Any],
    layers: Sequence[PlainLayer] | None,
    arrays: list[Array],
    given: list[Array],
    compared: Comparison,
    guessed: bool,
) -> FunctionsFinding:
    """Place a mistake that nothing explains where it enters: at the wrong array nearest the output."""
    order = list(range(len(arrays)))
    if layers is not None:
        order = [k for each in layers for k in (each.weights, each.bias) if k is not None]
    wrong = [k for k in order if k in compared.wrong] or list(compared.wrong)
    last = wrong[-1]
    factor = compared.factors[0] if compared.factors else 1.0

    def value(changed: list[Array]) -> npt.NDArray[np.floating]:
        outputs = program.outputs(changed, X)
        return np.array([compared.loss.value(outputs, program.y, changed)])

    truths = {k: measure(value, arrays, k, program.names[k], 0, program.resolution) for k in order if k in wrong}
    n_rows = len(program.y)
    scaled = compared.arrays[last].factor if compared.arrays[last].state == "scaled" else None
    first = judge(truths[last], factor * given[last], [*truths.values()], n_rows, scaled)
    names = tuple(program.names[k] for k in sorted(wrong))
    seen = f"the gradient of {program.names[last]} {first.sentence}".rstrip(".")
    code: GradientCause | NetworkCause = first.cause if first.cause != "correct" else "wrong_formula"
    verdict = compared.arrays[last]
    if verdict.state == "decayed" or "decay" in first.sentence:
        code = "weight_decay"
        seen += f": the penalty (weight decay) on {program.names[last]} is not that of the other arrays"
    right_after = [program.names[k] for k in order[order.index(last) + 1 :]] if last in order else []
    fix = f"Check the step back into this layer: from {right_after[0]} on all are right" if right_after else (
        "Look at the derivative of the loss and of the output, where the way back starts" if len(wrong) > 1
        else f"Look at the line that computes the gradient of {program.names[last]}"
    )  # fmt: skip
    hint = _coupling(program, arrays, X, program.outputs(arrays, X))
    if hint and first.cause in ("wrong_formula", "correct"):
        fix = hint
    if len(wrong) > 1:
        seen += f"; wrong are {', '.join(names)}"
    if guessed:
        seen += f" (compared with {compared.loss.spoken}; hand over another as loss)"
    return FunctionsFinding(code, seen, fix, names)
