"""What the documentation and the command line say about an activation, gathered as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actwise.activations.estimates import Gap
from actwise.activations.families import AnyActivation
from actwise.activations.spec import Activation

SATURATED_SHARE = 1e-3  # of the largest slope; a smaller one passes hardly any gradient
FARTHEST = 1e6  # a slope that is not small up to here is not said to saturate
STEEPEST = 1e100  # a slope that is larger beside a kink is infinite
_SIZES = np.concatenate([np.arange(2.0**-9, 40.0, 2.0**-9), np.geomspace(40.0, FARTHEST, 4000)])
_POINTS = np.concatenate([-_SIZES[::-1], [0.0], _SIZES])


@dataclass(frozen=True, slots=True)
class Kink:
    """Where a derivative jumps, and the slopes there.

    Parameters
    ----------
    at : float
        The argument.
    left, slope, right : float
        The derivative just before, at and just after it.
    """

    at: float
    left: float
    slope: float
    right: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is said about an activation; None where it does not apply to rows and gated units.

    Parameters
    ----------
    name, aliases
        What it is called.
    kind : str
        ``"scalar"``, ``"row"`` or ``"gated"``.
    values : dict of str to float
        Parameters; those in `trained` are changed by training.
    formula, derivative : str
        As text.
    from_output : str or None
        The derivative in terms of the output ``y``, where there is one.
    range : tuple of float or None
        Infimum and supremum of the outputs.
    gaps : tuple of Gap
        Where a formula has no finite value. Unless they are single points with a limit, all that follows from the
        shape is not known, and None.
    kinks : tuple of Kink
        Where the derivative jumps.
    monotonic, falling, odd, zero_centred : bool or None
        Whether it never decreases, whether it never increases, whether ``f(-x) == -f(x)``, and whether its mean
        output is 0.
    lipschitz : float or None
        The largest absolute slope.
    gain : float or None
        The factor on initial weights.
    saturates_below, saturates_above : float or None
        Beyond these arguments the slope is less than a thousandth of its maximum, or of 1 where it has
        none; None where it is not.
    advice, source : str
        When to use it and when not, and where it comes from.
    """

    name: str
    aliases: tuple[str, ...]
    kind: str
    values: dict[str, float]
    trained: tuple[str, ...]
    formula: str
    derivative: str | None
    from_output: str | None
    range: tuple[float, float] | None
    gaps: tuple[Gap, ...]
    kinks: tuple[Kink, ...]
    monotonic: bool | None
    falling: bool | None
    odd: bool | None
    zero_centred: bool | None
    lipschitz: float | None
    gain: float | None
    saturates_below: float | None
    saturates_above: float | None
    advice: str
    source: str


def facts(activation: AnyActivation) -> Facts:
    """Gather what is known about an activation.

    Parameters
    ----------
    activation : Activation, RowActivation or GatedActivation
        From the catalogue, a formula or a declaration.

    Returns
    -------
    Facts
        The facts, at its parameter values.

    Examples
    --------
    >>> from actwise.activations import activation
    >>> about = facts(activation("sigmoid"))
    >>> about.derivative, about.from_output, round(about.saturates_above, 1)
    ('sigmoid(x) * sigmoid(-x)', 'y * (1 - y)', 8.3)
    """
    scalar = activation if isinstance(activation, Activation) else None
    found = scalar.estimates if scalar and scalar.claims is None else None
    is_known = found is None or found.is_defined()
    shape = scalar if is_known else None
    below, above = _saturation(shape) if shape else (None, None)
    return Facts(
        name=activation.name,
        aliases=activation.aliases,
        kind=activation.kind,
        values=dict(activation.values),
        trained=tuple(name for name, param in activation.params.items() if param.trained),
        formula=activation.formula,
        derivative=scalar.derivative_formula if scalar else None,
        from_output=_from_output(scalar) if scalar else None,
        range=activation.range if is_known else None,
        gaps=found.gaps if found else (),
        kinks=tuple(_kink(scalar, at) for at in scalar.kinks) if scalar else (),
        monotonic=shape.monotonic if shape else None,
        falling=shape.estimates.falling if shape else None,
        odd=shape.odd if shape else None,
        zero_centred=shape.zero_centred if shape else None,
        lipschitz=shape.lipschitz if shape else None,
        gain=activation.gain if is_known else None,
        saturates_below=below,
        saturates_above=above,
        advice=activation.summary,
        source=activation.source,
    )


def _from_output(activation: Activation) -> str | None:
    """Return the derivative in terms of y, unless it is the same for every output."""
    text = activation.derivative_from_output_formula
    return text if text is not None and "y" in text else None


def _kink(activation: Activation, at: float) -> Kink:
    slopes = activation.derivative(np.array([np.nextafter(at, -np.inf), at, np.nextafter(at, np.inf)]))
    infinite = np.where(np.abs(slopes) > STEEPEST, np.copysign(np.inf, slopes), slopes)
    return Kink(at, *(float(each) for each in infinite))


def _saturation(activation: Activation) -> tuple[float | None, float | None]:
    """Find the arguments beyond which the slope stays below a thousandth of its largest value."""
    slopes = np.abs(activation.derivative(_POINTS))
    largest = activation.lipschitz if np.isfinite(activation.lipschitz) else 1.0
    steep = np.flatnonzero(~(slopes < SATURATED_SHARE * largest))
    if not steep.size:
        return None, None
    first, last = steep[0], steep[-1]
    below = float(_POINTS[first - 1]) if first > 0 else None
    above = float(_POINTS[last + 1]) if last + 1 < len(_POINTS) else None
    return below, above
