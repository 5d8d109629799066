"""Why a network with a right gradient does not learn all the same: each answer with what shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from actwise.errors import InputError
from actwise.handwritten.findings import FunctionsFinding, NetworkCause
from actwise.handwritten.layers import PlainLayer, structures
from actwise.handwritten.program import Array, Program

N_DRAWS = 64  # random parameters at which the network is looked at
WIDE = 10.0  # their spread: activations then reach the ends of their ranges
SAME = 1e-9
SOLVED = 0.05  # of the best constant's mean squared error: below it the network has learned
RATE_STEPS = (10.0, 100.0, 1000.0, 10_000.0)
OTHER_STARTS = 4
LARGE = 10.0  # root mean square of a column of inputs or targets that is far from 1


def check_start(program: Program) -> list[FunctionsFinding]:
    """Units of a layer that start alike and get the same gradient stay alike."""
    found = next(structures(program.arrays, program.X.shape[1], program.y.shape[1]), None)
    if found is None:
        return []
    places, transposed = found
    given = program.gradients(program.arrays)
    for k, _ in places[:-1]:
        matrix, slopes = program.arrays[k], given[k]
        if matrix.ndim != 2 or slopes.shape != matrix.shape:
            continue
        units, changes = (matrix, slopes) if transposed else (matrix.T, slopes.T)
        if len(units) > 1 and np.all(units == units[:1]) and np.allclose(changes, changes[:1], rtol=1e-6, atol=1e-15):
            what = f"the weights {program.names[k]} are all 0" if not matrix.any() else "they start with equal weights"
            seen = f"all {len(units)} units of array {k} start with the same weights and get the same gradient: {what}"
            return [FunctionsFinding("init", seen, "Draw the initial weights at random: equal units stay equal for "
                                     "ever")]  # fmt: skip
    return []


def _drawn(program: Program, rng: np.random.Generator, spread: float) -> list[Array]:
    return [rng.normal(0, spread, each.shape) for each in program.arrays]


def check_bias(program: Program, rng: np.random.Generator) -> list[FunctionsFinding]:
    """See whether the answer for inputs of 0 can change at all."""
    zero = np.flatnonzero(~program.X.any(axis=1))
    if not len(zero):
        return []
    answers = np.array([program.outputs(_drawn(program, rng, 3.0), program.X)[zero[0]] for _ in range(N_DRAWS)])
    fixed = np.ptp(answers, axis=0) < SAME
    if not fixed.all() or np.abs(answers[0] - program.y[zero[0]]).max() < SAME:
        return []
    seen = (
        f"for inputs of 0 the output is {answers[0][0]:.4g} whatever the weights, and the target there is "
        f"{program.y[zero[0]][0]:.4g}"
    )
    return [FunctionsFinding("missing_bias", seen, "Add a bias to every layer")]


def check_range(program: Program, rng: np.random.Generator) -> list[FunctionsFinding]:
    """See whether outputs come as far as the targets."""
    drawn = np.array([program.outputs(_drawn(program, rng, WIDE), program.X) for _ in range(N_DRAWS)])
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return []
    low, high = float(drawn.min()), float(drawn.max())
    lowest, highest = float(program.y.min()), float(program.y.max())
    margin = 0.05 * max(high - low, SAME)
    if lowest >= low - margin and highest <= high + margin:
        return []
    if high <= 0 and np.allclose(np.exp(drawn.reshape(-1, program.y.shape[1])).sum(axis=1), 1):
        return []  # logarithms of probabilities, whose targets are labels
    seen = (
        f"targets run from {lowest:.4g} to {highest:.4g}; with {N_DRAWS} draws of wild weights outputs stay "
        f"between {low:.4g} and {high:.4g}"
    )
    return [FunctionsFinding("output_activation_mismatch", seen, "Use a linear output, or scale the targets")]


def check_nonlinearity(
    program: Program, layers: Sequence[PlainLayer] | None, rng: np.random.Generator
) -> list[FunctionsFinding]:
    """A network whose outputs change along one direction only has no working hidden layer."""
    if layers is not None:
        hidden = layers[:-1]
        linear = bool(hidden) and all(each.activation.name == "identity" for each in hidden)
        narrow = bool(hidden) and not linear and min(len(program.arrays[each.weights].T) for each in hidden) == 1
    else:
        linear, narrow = _follows_one_direction(program, rng), False
    single = narrow and program.X.shape[1] > 1 and _follows_one_direction(program, rng)
    if not (linear or single) or _is_linear_task(program):
        return []
    if single:
        seen = "a hidden layer has one unit, so that the output depends on one weighted sum of the inputs only"
        return [FunctionsFinding("capacity", seen, "Give it more hidden units")]
    seen = (
        "the hidden layers are linear, so that the whole network is one linear map before its output, and no linear "
        "map separates or fits the targets"
        if layers is not None
        else "the output depends on one weighted sum of the inputs only, and the targets are not separable by one"
    )
    return [
        FunctionsFinding("missing_nonlinearity", seen, "Put a nonlinear activation such as tanh into the hidden layer")
    ]


def _follows_one_direction(program: Program, rng: np.random.Generator) -> bool:
    """Whether the slopes of the one output by the inputs are parallel everywhere; of one input they always are."""
    n, n_inputs = program.X.shape
    if program.y.shape[1] > 1 or n_inputs == 1 or n < 3 or program.resolution > 1e-12:
        return False
    if not any(each.ndim == 2 for each in program.arrays):
        return False
    for _ in range(4):
        arrays = _drawn(program, rng, 1.0)
        points = rng.normal(size=(n, n_inputs))
        slopes = np.empty_like(points)
        for j in range(n_inputs):
            h = np.zeros(n_inputs)
            h[j] = 1e-5
            slopes[:, j] = (program.outputs(arrays, points + h) - program.outputs(arrays, points - h))[:, 0]
        norms = np.linalg.norm(slopes, axis=1)
        strong = norms > 1e-3 * norms.max()
        useful = slopes[strong] / norms[strong, None]
        if len(useful) < 3 or np.abs(np.abs(useful @ useful[0]) - 1).max() > 1e-5:
            return False
    return True


def _is_linear_task(program: Program) -> bool:
    """Whether a plane separates the targets above their middle from the others, or a linear map fits them."""
    from scipy.optimize import linprog

    rows = np.hstack([np.asarray(program.X, np.float64), np.ones((len(program.X), 1))])
    for t in program.y.T:
        fitted = rows @ np.linalg.lstsq(rows, t, rcond=None)[0]
        if np.sum((fitted - t) ** 2) <= SOLVED * np.sum((t - t.mean()) ** 2):
            continue
        if len(np.unique(t)) > 2:
            return False
        side = np.where(t > (t.min() + t.max()) / 2, 1.0, -1.0)
        # Separable if some w has side * (row . w) >= 1 for every row.
        found = linprog(np.zeros(rows.shape[1]), A_ub=-side[:, None] * rows, b_ub=-np.ones(len(t)), bounds=(None, None))
        if not found.success:
            return False
    return True


def descend(program: Program, start: Sequence[Array], rate: float, epochs: int, *, own_steps: bool = False) -> float:
    """Train on all rows and return the squared error as a share of the best constant's."""
    arrays = [each.copy() for each in start]
    for _ in range(epochs):
        try:
            arrays = program.step(arrays, rate, own=own_steps)
        except InputError:  # numbers too large for the user's code
            return np.inf
        if not all(np.isfinite(a).all() for a in arrays):
            return np.inf
    error = float(np.sum((program.outputs(arrays, program.X) - program.y) ** 2))
    share = error / max(float(np.sum((program.y - program.y.mean(axis=0)) ** 2)), SAME)
    return share if np.isfinite(share) else np.inf


def try_runs(
    program: Program, rate: float, epochs: int, share: float, rng: np.random.Generator
) -> tuple[str, list[FunctionsFinding]]:
    """Where it does not learn, try scaled data, other starts, other rates and more epochs; a note, and findings."""
    for scaled, code, what in _scaled(program):
        reached = descend(scaled, program.arrays, rate, epochs)
        if reached <= 2 * SOLVED:
            seen = (
                f"{what} with nothing else changed, the error ends at {reached:.2g} of a constant's, as they are at "
                f"{share:.2g}"
            )
            name = "X" if code == "unscaled_inputs" else "y"
            fix = f"Write `{name} = ({name} - {name}.mean(axis=0)) / np.maximum({name}.std(axis=0), 1e-12)` first"
            return "", [FunctionsFinding(code, seen, fix)]
    starts = [[rng.normal(0, each.std() or 0.5, each.shape) for each in program.arrays] for _ in range(OTHER_STARTS)]
    learned = sum(descend(program, start, rate, epochs) <= SOLVED for start in starts)
    if learned >= OTHER_STARTS / 2:
        return f"From {learned} of {OTHER_STARTS} other starts it did: bad luck with this one.", []
    tried: list[tuple[NetworkCause, float, int]] = []
    for each in RATE_STEPS:
        tried += [("learning_rate_too_high", rate / each, epochs), ("learning_rate_too_low", rate * each, epochs)]
    for code, other, longer in [*tried, ("undertrained", rate, 10 * epochs)]:
        reached = np.inf
        for start in [program.arrays, *starts[:2]]:
            reached = min(reached, descend(program, start, other, longer))
            if reached <= SOLVED:
                break
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


def standard(X: Array) -> Array:
    """Columns of mean 0 and deviation 1, in the precision of `X`; constant ones become 0."""
    scale = X.std(axis=0)
    return np.asarray((X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0), X.dtype if X.dtype.kind == "f" else None)


def unscaled(X: Array) -> bool:
    """Whether a column is far from the scale that weights near 1 are made for."""
    sizes = np.sqrt(np.mean(np.square(X.astype(np.float64)), axis=0))
    return bool(np.any(sizes > LARGE) or np.all(sizes < 1 / LARGE))


def _scaled(program: Program) -> list[tuple[Program, NetworkCause, str]]:
    """The same network on standardised data."""
    found: list[tuple[Program, NetworkCause, str]] = []
    if unscaled(program.X):
        found.append((replace(program, X=standard(program.X)), "unscaled_inputs", "with inputs of mean 0 and "
                      "deviation 1"))  # fmt: skip
    if unscaled(program.y) and program.y.size == np.size(program.targets):
        y = standard(program.y)
        shape = np.shape(program.targets)
        handed = y.T.reshape(shape) if program.layout == "columns" else y.reshape(shape)
        found.append((replace(program, y=y, targets=handed), "unscaled_targets", "with targets of mean 0 and "
                      "deviation 1"))  # fmt: skip
    return found
