"""Layer records."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np

from actwise.activations import Activation, AnyActivation, GatedActivation, maxout
from actwise.activations import activation as get_activation
from actwise.errors import InputError
from actwise.formula.differentiate import differentiate, times_upstream
from actwise.formula.expression import Expression, number, symbol
from actwise.model.initializers import Initializer, initializer
from actwise.model.program import LARGEST, Formula


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
        initializer(self.init, 1.0)
        initializer(self.bias_init, 1.0)

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
        given: object = self.rate  # of whatever type: annotations are not checked when they are broken
        if not isinstance(given, int | float | np.integer | np.floating) or not 0 <= given < 1:
            raise InputError(f"a dropout rate must be a number of at least 0 and below 1, not {self.rate!r}")


@dataclass(frozen=True, eq=False, init=False)
class ActivationLayer:
    """An activation by itself, without weights, such as after a `BatchNorm`.

    Parameters
    ----------
    activation : str or Activation
        A name, a formula in ``x``, or an activation.

    Examples
    --------
    >>> ActivationLayer("relu")
    ActivationLayer(activation('relu'))
    """

    activation: AnyActivation

    def __init__(self, activation: str | AnyActivation) -> None:
        object.__setattr__(self, "activation", get_activation(activation))

    def __repr__(self) -> str:
        return f"ActivationLayer({self.activation!r})"

    @cached_property
    def formula(self) -> Formula:
        """The activation for the compiled passes."""
        return activation_formula(self.activation)


@dataclass(frozen=True)
class BatchNorm:
    """Gives every column of a batch mean 0 and variance 1, then a trained factor and shift.

    Predictions use averages that training keeps: of all batches so far at first, and of the last
    ``1 / (1 - momentum)`` or so later on.

    Parameters
    ----------
    momentum : float
        Share of the averages that is kept per step.
    epsilon : float
        Added to the variance.

    References
    ----------
    Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise InputError(f"momentum of BatchNorm must be at least 0 and below 1, not {self.momentum!r}")
        if not (np.isfinite(self.epsilon) and self.epsilon > 0):
            raise InputError(f"epsilon of BatchNorm must be positive, not {self.epsilon!r}")

    @cached_property
    def activation(self) -> AnyActivation:
        """The identity."""
        return get_activation("identity")

    @cached_property
    def formula(self) -> Formula:
        """The identity for the compiled passes."""
        return activation_formula(self.activation)


LinearLayer: TypeAlias = Dense | Maxout
ComputedLayer: TypeAlias = Dense | Maxout | ActivationLayer | BatchNorm
Layer: TypeAlias = Dense | Maxout | ActivationLayer | BatchNorm | Dropout


@lru_cache(256)  # equal layers then hold the same record, and many networks are told to be alike at a glance
def activation_formula(what: AnyActivation) -> Formula:
    """Describe an activation for the compiled passes.

    Raises
    ------
    InputError
        If it is too large to be compiled in reasonable time.
    """
    # The value first: the derivatives of what is far too large would not come to an end.
    _check_size(what, Formula(what.expression, (), tuple(getattr(what, "params", ()))))
    formula = _with_gradients(what)
    _check_size(what, formula)
    return formula


def _check_size(what: AnyActivation, formula: Formula) -> None:
    if formula.size > LARGEST:
        shown = repr(what)
        raise InputError(
            f"{shown if len(shown) < 80 else shown[:77] + '...'} would take too long to compile: with derivatives it "
            f"has the size {formula.size}, and {LARGEST} is the limit; use a shorter formula or fewer pieces"
        )


def _with_gradients(what: AnyActivation) -> Formula:
    upstream: Expression = symbol("g")
    if isinstance(what, GatedActivation):
        return Formula(what.expression, tuple(times_upstream(each, upstream) for each in what.partial_expressions))
    if not isinstance(what, Activation):
        return Formula(what.expression, (what.vjp_expression,))
    trained: tuple[Expression, ...] = ()
    if any(param.trained for param in what.params.values()):
        trained = tuple(
            differentiate(what.expression, name) * upstream if param.trained else number(0)
            for name, param in what.params.items()
        )
    return Formula(
        what.expression, (times_upstream(what.derivative_expression, upstream),), tuple(what.params), trained
    )
