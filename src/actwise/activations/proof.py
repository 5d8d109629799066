"""Tries to refute what a declaration claims, with NumPy alone.

How exact the compiled kernels are is another question; `actwise.proof` answers it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from actwise.activations.spec import Activation

Float64Array = npt.NDArray[np.float64]
STEP = 2.0**-8  # of the dense part of the scan; kinks closer together than this look like one
DENSE = 64.0
ROUNDING = 1e-9  # relative; larger differences are not rounding
JUMP = 1e-6  # a slope that changes by more than this between neighbouring numbers jumps
TIGHT = 1e-3  # a bound that is missed by more than this share is not the least one
CRUDE = 1e-5  # what differences over 1e-5 are good for, also where the slope has a kink
UNBOUNDED = 1e30


def refuted_claims(activation: Activation) -> tuple[str, ...]:
    """List the claims of a declaration that are wrong.

    Result: A sentence for each claim that is refuted; empty if none is.

    >>> from actwise.activations import Claims, activation
    >>> from dataclasses import replace
    >>> relu = activation("relu")
    >>> refuted_claims(relu)
    ()
    >>> refuted_claims(replace(relu, claims=Claims(range=(0, 1), kinks=(0,))))
    ('relu(1.797...e+308) = 1.797...e+308 lies outside of the claimed range (0.0, 1.0)',)
    """
    x = _scan(activation.kinks)
    y, slopes = activation(x), activation.derivative(x)
    with np.errstate(all="ignore"):
        return _refuted(activation, x, y, slopes)


def _refuted(activation: Activation, x: Float64Array, y: Float64Array, slopes: Float64Array) -> tuple[str, ...]:
    checks = (_range, _odd, _monotonic, _lipschitz, _slopes_are_slopes)
    found = [each(activation, x, y, slopes) for each in checks]
    return (*(each for each in found if each is not None), *_kinks(activation, x, slopes))


def _scan(kinks: tuple[float, ...]) -> Float64Array:
    sizes = np.concatenate([
        np.arange(0.0, DENSE, STEP), np.geomspace(1e-300, 1e300, 2401), [5e-324, np.finfo(float).max, np.inf],
    ])  # fmt: skip
    at = np.abs(np.array(kinks))
    sizes = np.concatenate([sizes, at, np.nextafter(at, np.inf), np.nextafter(at, 0)])
    return np.unique(np.concatenate([-sizes, sizes]))


def _range(activation: Activation, x: Float64Array, y: Float64Array, slopes: Float64Array) -> str | None:
    low, high = activation.range
    known = ~np.isnan(y)
    slack = ROUNDING * np.maximum(1e-300, np.abs(y))
    outside = known & ((y < low - slack) | (y > high + slack))
    if outside.any():
        at = int(np.argmax(np.where(outside & np.isfinite(x), np.abs(y), -1)))
        return f"{activation.name}({x[at]:g}) = {y[at]:.17g} lies outside of the claimed range ({low}, {high})"
    for bound, reached in ((low, float(y[known].min())), (high, float(y[known].max()))):
        short = abs(reached) < UNBOUNDED if np.isinf(bound) else abs(reached - bound) > TIGHT * max(abs(bound), TIGHT)
        if short:
            return f"{activation.name} is claimed to come near {bound:g}, but it only reaches {reached:g}"
    return None


def _odd(activation: Activation, x: Float64Array, y: Float64Array, slopes: Float64Array) -> str | None:
    different = np.isfinite(y) & (np.abs(y + y[::-1]) > ROUNDING * np.abs(y))
    if activation.odd and different.any():
        at = x[np.argmax(different)]
        return f"{activation.name} is claimed to be odd, but not at {at:g} and {-at:g}"
    if not activation.odd and not different.any():
        return f"{activation.name} is odd, and the claims do not say so"
    return None


def _monotonic(activation: Activation, x: Float64Array, y: Float64Array, slopes: Float64Array) -> str | None:
    falls = (y[1:] < y[:-1] - ROUNDING * np.abs(y[:-1])) | (slopes[1:] < -ROUNDING)
    if activation.monotonic and falls.any():
        at = x[1:][falls & np.isfinite(x[1:])][0]
        return f"{activation.name} is claimed to be monotonic, but it falls at {at:g}"
    if not activation.monotonic and not falls.any():
        return f"{activation.name} is claimed to fall somewhere, but it never does"
    return None


def _lipschitz(activation: Activation, x: Float64Array, y: Float64Array, slopes: Float64Array) -> str | None:
    inside = np.isfinite(x) & (np.abs(x) <= DENSE)
    secants = np.abs(np.diff(y[inside]) / np.diff(x[inside])) if inside.sum() > 1 else np.zeros(1)
    wide = np.diff(x[inside]) >= STEP / 2  # closer points give rounding, not slopes
    finite = np.abs(slopes[np.isfinite(slopes)])
    largest, bound = float(finite.max()), activation.lipschitz
    steepest = max(largest, float(secants[wide].max()))
    if steepest > bound * (1 + ROUNDING):
        return f"{activation.name} is claimed to be nowhere steeper than {bound:g}, but it is as steep as {steepest:g}"
    jumps = any(_jump(activation, kink) > JUMP for kink in activation.kinks)
    if np.isfinite(bound) and jumps:
        return f"{activation.name} is claimed to be nowhere steeper than {bound:g}, but it jumps"
    if np.isinf(bound) and not jumps and largest < UNBOUNDED:
        return f"{activation.name} is claimed to be arbitrarily steep, but it is nowhere steeper than {steepest:g}"
    if np.isfinite(bound) and steepest < bound * (1 - TIGHT):
        return f"{activation.name} is claimed to be as steep as {bound:g}, but it is nowhere steeper than {steepest:g}"
    return None


def _slopes_are_slopes(activation: Activation, x: Float64Array, y: Float64Array, slopes: Float64Array) -> str | None:
    """Compare the derivative with central differences where the function is smooth."""
    centre = x[(np.abs(x) <= DENSE) & (np.abs(x) > STEP)]
    for kink in activation.kinks:
        centre = centre[np.abs(centre - kink) > 2 * STEP]
    step = 1e-5
    change = (activation(centre + step) - activation(centre - step)) / (2 * step)
    slope = activation.derivative(centre)
    wrong = np.abs(change - slope) > CRUDE * (1 + np.abs(slope) + np.abs(activation(centre)))
    if wrong.any():
        at = int(np.argmax(wrong))
        return f"the derivative of {activation.name} at {centre[at]:g} is {change[at]:.6g}, not {slope[at]:.6g}"
    return None


def _kinks(activation: Activation, x: Float64Array, slopes: Float64Array) -> list[str]:
    wrong = []
    for kink in activation.kinks:
        left, right = (activation.derivative(np.nextafter(kink, side)) for side in (-np.inf, np.inf))
        if abs(left - right) <= JUMP and _jump(activation, kink) <= JUMP:
            wrong.append(
                f"{activation.name} is claimed to have a kink at {kink:g}, but its slope is {left:g} on both sides"
            )
    for at in _jumps(activation, x[np.abs(x) <= DENSE]):
        if not any(abs(at - kink) <= ROUNDING * max(1, abs(kink)) for kink in activation.kinks):
            wrong.append(f"the derivative of {activation.name} jumps at {at:g}, which is not among the claimed kinks")
    return wrong


def _jump(activation: Activation, kink: float) -> float:
    """Return by how much the function itself jumps."""
    return float(abs(activation(np.nextafter(kink, np.inf)) - activation(np.nextafter(kink, -np.inf))))


def _jumps(activation: Activation, x: Float64Array) -> list[float]:
    """Halve all intervals at once, each towards the larger change of the slope, as long as there is one."""
    low, high = x[:-1], x[1:]
    first, last = activation.derivative(low), activation.derivative(high)
    while low.size:
        changes = np.abs(last - first) > JUMP * (1 + np.abs(last))
        low, high, first, last = low[changes], high[changes], first[changes], last[changes]
        if np.all(np.nextafter(low, np.inf) >= high):
            break
        middle = low + (high - low) / 2
        value = activation.derivative(middle)
        to_left = np.abs(value - first) >= np.abs(last - value)
        low, first = np.where(to_left, low, middle), np.where(to_left, first, value)
        high, last = np.where(to_left, middle, high), np.where(to_left, value, last)
    return [float(each) for each in high]
