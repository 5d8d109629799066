"""What the derivative of a user's activation should be, and how far a right one may be off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actwise.errors import InputError
from actwise.handwritten.calls import UserFunction
from actwise.handwritten.numeric import NOISE_SPACING, FloatArray, Slopes, differentiate, noise_of

BoolArray = NDArray[np.bool_]

ROUND_MAGNITUDES = np.array([
    0.001, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1, 1.2, 1.25, 1.5, 1.75, 2, 2.25,
    2.5, 2.7, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8, 9, 10, 12, 15, 17.5, 20, 25, 30, 40, 60, 100,
])  # fmt: skip
"""Numbers that people use as thresholds, so that kinks are met exactly."""
N_SCATTERED = 32
"""Further points that share no period with the round ones."""
GOLDEN_RATIO = (5**0.5 - 1) / 2
RELATIVE_TOLERANCE = 1e-5
"""Passes constants typed with six digits, and code that computes in float32."""
TAIL_TOLERANCE = 1e-5
"""Relative to the largest derivative between the point and 0: what is smaller in a tail moves no weight, and people
clip pre-activations at 15 and outputs at 1e-6 on purpose."""
ROUNDING_TOLERANCE = 64.0
"""Units in the last place that evaluating a right formula may lose, in size of the function."""
ERROR_MARGIN = 5.0
"""Of the bound on the error of the numerical derivative, and of the noise of the user's derivative."""
CLAIM_SPACING = 2.0**-12
"""Distance of the values by which the noise of the user's derivative is measured: digits lost far out show so."""
JUDGED_ERROR = 1e-2
"""Points where the derivative is known no better than this, relative to its size, are left out."""
MIN_JUDGED_SHARE = 0.2
FAR = 15.0
"""Beyond it the usual activations have saturated, and formulas with exp may have lost their digits."""
CORE = 5.0
"""Where most of a network's pre-activations lie."""


@dataclass(frozen=True)
class Reference:
    """The derivative of f at the probed points, with the interval that counts as right.

    Attributes
    ----------
    f : UserFunction
        The activation.
    points : array, shape (n,)
        Pre-activations in rising order.
    output : array, shape (n,)
        f at the points.
    slope, lower, upper : array, shape (n,)
        The derivative, and at a kink the range that counts as right.
    error : array, shape (n,)
        Bound on the error of these three.
    tolerance : array, shape (n,)
        How far off a right derivative may be.
    judged : boolean array, shape (n,)
        False where f is undefined, jumps, or is too rough to tell.
    kinked : boolean array, shape (n,)
        Where the one-sided derivatives differ.
    """

    f: UserFunction
    points: FloatArray
    output: FloatArray
    slope: FloatArray
    lower: FloatArray
    upper: FloatArray
    error: FloatArray
    tolerance: FloatArray
    judged: BoolArray
    kinked: BoolArray

    def excess(self, values: FloatArray) -> FloatArray:
        """How far values lie outside the interval that counts as right; 0 inside, NaN where not finite."""
        finite = np.where(np.isfinite(values), values, np.nan)
        outside = np.maximum(np.maximum(self.lower - finite, finite - self.upper), 0.0)
        # Frameworks choose 0 at some kinks (hardtanh in PyTorch), whatever the slopes on both sides.
        return np.where(self.kinked & np.isfinite(finite), np.minimum(outside, np.abs(finite)), outside)

    def right(self, values: FloatArray, noise: FloatArray | float = 0.0) -> BoolArray:
        """Where values agree with the derivative; never where they are not finite."""
        return np.asarray(self.excess(values) <= self.tolerance + ERROR_MARGIN * noise)

    def right_everywhere(self, values: FloatArray, noise: FloatArray | float = 0.0) -> bool:
        """Whether values agree at all judged points, forgiving overflow far out."""
        forgiven = ~np.isfinite(values) & (np.abs(self.points) > FAR)
        return bool(np.all(self.right(values, noise) | forgiven | ~self.judged)) and not bool(forgiven.all())


@dataclass(frozen=True)
class Claim:
    """What the user's derivative returns at the probed points, called in one of the two ways.

    Attributes
    ----------
    derivative : UserFunction
        What the user wrote.
    called_with : {"x", "y"}
        What it is given: the pre-activation or the output.
    values, noise : array, shape (n,)
        What it returns at the points of the reference, and the size of the noise therein.
    """

    derivative: UserFunction
    called_with: str
    values: FloatArray
    noise: FloatArray

    def at(self, points: FloatArray, f: UserFunction) -> FloatArray:
        """What the derivative returns for other pre-activations."""
        return np.asarray(self.derivative(points if self.called_with == "x" else f(points)), np.float64)


def probe_points() -> FloatArray:
    """The pre-activations at which a derivative is judged, rising from -100 to 100."""
    fractions = (np.arange(1, N_SCATTERED + 1) * GOLDEN_RATIO) % 1.0
    scattered = 10.0 ** (2.5 * fractions - 1.5)
    magnitudes = np.concatenate([ROUND_MAGNITUDES, scattered])
    return np.unique(np.concatenate([-magnitudes, [0.0], magnitudes]))


def slopes_at(f: UserFunction, points: FloatArray, noise_spacing: float = NOISE_SPACING) -> Slopes:
    """Differentiate f numerically at points, shape (n,)."""

    def sample(offsets: FloatArray) -> NDArray[np.floating]:
        arguments = points + offsets[:, None]
        return f(arguments.ravel()).reshape(arguments.shape)

    return differentiate(sample, noise_spacing=noise_spacing)


def reference_of(f: UserFunction, points: FloatArray) -> Reference:
    """Differentiate f numerically and say how far a right derivative may be off.

    Shapes: `points` (n,).
    """
    slopes = slopes_at(f, points)
    size = np.maximum(np.abs(slopes.lower), np.abs(slopes.upper))
    ordinary = np.isfinite(size) & (np.abs(points) <= FAR)
    typical = float(np.quantile(size[ordinary], 0.9)) if ordinary.any() else 0.0
    trusted = np.where(slopes.error <= JUDGED_ERROR * np.maximum(size, typical), size, 0.0)
    inward = _largest_towards_zero(points, trusted)
    rounding = ROUNDING_TOLERANCE * slopes.resolution * (np.abs(slopes.value) + typical)
    return Reference(
        f=f,
        points=points,
        output=slopes.value,
        slope=slopes.slope,
        lower=slopes.lower,
        upper=slopes.upper,
        error=slopes.error,
        tolerance=RELATIVE_TOLERANCE * size + TAIL_TOLERANCE * inward + rounding + ERROR_MARGIN * slopes.error,
        judged=np.isfinite(size) & (slopes.error <= JUDGED_ERROR * np.maximum(size, inward) + ERROR_MARGIN * rounding),
        kinked=slopes.kinked,
    )


def claim_of(derivative: UserFunction, reference: Reference, called_with: str) -> Claim:
    """Evaluate the user's derivative at the probed points, with the size of its own noise there."""
    arguments = reference.points + CLAIM_SPACING * np.arange(-3.0, 4.0)[:, None]
    unmeasured = Claim(derivative, called_with, np.empty(0), np.empty(0))
    values = unmeasured.at(arguments.ravel(), reference.f).reshape(arguments.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        # Beside a kink the derivative jumps, as it should.
        noise = np.where(reference.kinked, 0.0, noise_of(values))
    return replace(unmeasured, values=values[3], noise=noise + _rounding_of_its_type(unmeasured, reference))


def _rounding_of_its_type(claim: Claim, reference: Reference) -> float:
    """What a derivative that works in float32 may lose, where f works in float64."""
    sample = np.array([1.0])
    kind = claim.derivative(sample if claim.called_with == "x" else reference.f(sample)).dtype
    if kind.itemsize >= np.dtype(np.float64).itemsize:
        return 0.0
    near = np.abs(reference.slope[reference.judged & (np.abs(reference.points) <= FAR)])
    typical = float(np.quantile(near, 0.9)) if near.size else 0.0
    return ROUNDING_TOLERANCE * float(np.finfo(kind).eps) * typical / ERROR_MARGIN


def require_judgeable(reference: Reference) -> None:
    """Refuse a function whose derivative cannot be told at most points."""
    judged, defined = int(reference.judged.sum()), int(np.isfinite(reference.output).sum())
    if defined == 0:
        raise InputError(
            f"{reference.f.name} is not finite at any of {len(reference.points)} points between -100 and 100; "
            "check_derivative needs a function that is defined for ordinary numbers"
        )
    if judged < MIN_JUDGED_SHARE * defined:
        raise InputError(
            f"{reference.f.name} is too rough or too noisy: its derivative can be told at only {judged} of "
            f"{defined} points; is something random or rounded in it?"
        )


def _largest_towards_zero(points: FloatArray, size: FloatArray) -> FloatArray:
    """At each point the largest size between it and the interval [-1, 1], this interval included."""
    core = float(np.max(size[np.abs(points) <= 1], initial=0.0))
    positive = points >= 0
    outward = np.maximum.accumulate(np.where(positive, size, 0.0))
    inward = np.maximum.accumulate(np.where(positive, 0.0, size)[::-1])[::-1]
    return np.maximum(np.where(positive, outward, inward), core)
