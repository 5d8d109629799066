"""Layer records and how their weights start."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation, AnyActivation, GatedActivation, maxout
from actwise.activations import activation as get_activation
from actwise.errors import InputError, suggest
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression, number, symbol
from actwise.kernels.rendering import Formula

Weights: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Uniform:
    """Initial values drawn uniformly between two bounds."""

    low: float
    high: float

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True, slots=True)
class Normal:
    """Initial values drawn from a normal distribution around 0."""

    std: float

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        return rng.normal(0.0, self.std, shape)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same initial value everywhere."""

    value: float

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        return np.full(shape, self.value)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Initial values whose variance is ``scale / fan``.

    Parameters
    ----------
    scale : float
        The numerator; a gain squared.
    fan : {"in", "average"}
        Inputs of a unit, or the mean of its inputs and outputs.
    uniform : bool
        Uniform instead of normal.
    """

    scale: float
    fan: str = "average"
    uniform: bool = True

    def draw(self, shape: tuple[int, ...], fans: tuple[float, float], rng: np.random.Generator) -> Weights:
        """Draw values; see `Initializer`."""
        fan = fans[0] if self.fan == "in" else (fans[0] + fans[1]) / 2
        std = float(np.sqrt(self.scale / fan))
        return (
            Uniform(-std * np.sqrt(3), std * np.sqrt(3)).draw(shape, fans, rng)
            if self.uniform
            else (rng.normal(0.0, std, shape))
        )


Initializer: TypeAlias = Uniform | Normal | Constant | Scaled
INITIALIZERS: dict[str, Initializer] = {
    "zeros": Constant(0.0),
    "glorot_uniform": Scaled(1.0), "glorot_normal": Scaled(1.0, uniform=False),
    "he_uniform": Scaled(2.0, "in"), "he_normal": Scaled(2.0, "in", uniform=False),
    "lecun_uniform": Scaled(1.0, "in"), "lecun_normal": Scaled(1.0, "in", uniform=False),
}  # fmt: skip


def initializer(what: str | Initializer, gain: float) -> Initializer:
    """Get an initialiser by name; ``"auto"`` follows from the activation's gain.

    Raises
    ------
    InputError
        If the name is unknown.

    Examples
    --------
    >>> initializer("auto", gain=2.0)
    Scaled(scale=4.0, fan='average', uniform=True)
    """
    if not isinstance(what, str):
        return what
    if what == "auto":
        return Scaled(gain**2)
    if what not in INITIALIZERS:
        raise InputError(f"unknown initializer {what!r}; {suggest(what, [*INITIALIZERS, 'auto'], noun='initializers')}")
    return INITIALIZERS[what]


def _check_units(units: object, layer: str) -> None:
    if not isinstance(units, int | np.integer) or isinstance(units, bool) or units < 1:
        raise InputError(f"{layer} needs a positive whole number of units, not {units!r}")


@dataclass(frozen=True, eq=False, init=False)
class Dense:
    """A fully connected layer: a linear map and an activation.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or Activation
        A name, a formula in ``x``, or an activation.
    bias : bool
        Whether a bias is added.
    init : str or Initializer
        ``"auto"`` (variance by the activation's gain), another name or a record such as
        ``aw.Uniform(-1, 1)``.
    bias_init : str or Initializer
        The same for the biases.

    Examples
    --------
    >>> Dense(3, "tanh").activation.name
    'tanh'
    """

    units: int
    activation: AnyActivation
    bias: bool
    init: str | Initializer
    bias_init: str | Initializer

    def __init__(
        self,
        units: int,
        activation: str | AnyActivation = "identity",
        bias: bool = True,
        init: str | Initializer = "auto",
        bias_init: str | Initializer = "zeros",
    ) -> None:
        # Written out, since the field holds an activation where the argument may be a name.
        _check_units(units, "Dense")
        initializer(init, 1.0)
        initializer(bias_init, 1.0)
        found = get_activation(activation)
        for name, value in (("units", units), ("activation", found), ("bias", bias), ("init", init)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "bias_init", bias_init)

    def __repr__(self) -> str:
        return f"Dense({self.units}, {self.activation!r}{'' if self.bias else ', bias=False'})"

    @cached_property
    def formula(self) -> Formula:
        """The activation for the compiled passes."""
        return activation_formula(self.activation)

    @property
    def gain(self) -> float:
        """Factor on initial weights."""
        return self.activation.gain


@dataclass(frozen=True, eq=False)
class Maxout:
    """A layer whose units put out the largest of several linear maps.

    Parameters
    ----------
    units : int
        Number of outputs.
    pieces : int
        Linear maps per unit.
    bias, init, bias_init
        As for `Dense`.

    References
    ----------
    Goodfellow et al. 2013, arXiv:1302.4389.
    """

    units: int
    pieces: int = 2
    bias: bool = True
    init: str | Initializer = "auto"
    bias_init: str | Initializer = "zeros"
    gain: float = field(default=1.0, init=False)

    def __post_init__(self) -> None:
        _check_units(self.units, "Maxout")
        if not isinstance(self.pieces, int | np.integer) or self.pieces < 2:
            raise InputError(f"Maxout needs at least 2 pieces, not {self.pieces!r}")

    def __repr__(self) -> str:
        return f"Maxout({self.units}, pieces={self.pieces}{'' if self.bias else ', bias=False'})"

    @property
    def activation(self) -> None:
        """Maxout is its own nonlinearity."""
        return None

    @cached_property
    def formula(self) -> Formula:
        """The maximum for the compiled passes; at a tie the first piece gets the gradient."""
        return activation_formula(maxout(self.pieces))


@dataclass(frozen=True)
class Dropout:
    """Sets a random share of the values that reach the next layer to 0 in training, and scales up the rest.

    Parameters
    ----------
    rate : float
        The share, at least 0 and below 1.

    References
    ----------
    Srivastava et al. 2014, JMLR 15.
    """

    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise InputError(f"a dropout rate must be at least 0 and below 1, not {self.rate!r}")


LinearLayer: TypeAlias = Dense | Maxout
Layer: TypeAlias = Dense | Maxout | Dropout


def activation_formula(what: AnyActivation) -> Formula:
    """Describe an activation for the compiled passes."""
    upstream: Expression = symbol("g")
    if isinstance(what, GatedActivation):
        return Formula(what.expression, tuple(each * upstream for each in what.partial_expressions))
    if not isinstance(what, Activation):
        return Formula(what.expression, (what.vjp_expression,))
    trained: tuple[Expression, ...] = ()
    if any(param.trained for param in what.params.values()):
        trained = tuple(
            differentiate(what.expression, name) * upstream if param.trained else number(0)
            for name, param in what.params.items()
        )
    return Formula(what.expression, (what.derivative_expression * upstream,), tuple(what.params), trained)
