"""What an engine runs: layers and a loss as formulas, sizes and places in one array of parameters.

Networks are described by their layers (`actwise.model.layers`); this is what is left of them for an engine, and for the
oracle that engines are compared with (`actwise.model.oracle`). Symbols of a formula are:

======== ==================================================================
``x``    a pre-activation, or the network's output in a loss
``x0``.. the pre-activations of one unit of a gated layer or maxout
``y``    the activation's output
``g``    the gradient with respect to the output
``t``    the target of a loss (1 or 0 for the class of the row, where classes are numbered)
others   parameters, in the order of their declaration
======== ==================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from actwise.formula.expression import FUNCTIONS_OF_ONE, REDUCTIONS, Expression, symbol, symbols, walk

Map: TypeAlias = Literal["linear", "identity", "normalising"]
_COSTLY = frozenset(FUNCTIONS_OF_ONE) - {"absolute", "sign", "sqrt", "floor"}  # more than an instruction or two
LARGEST = 500  # size of a formula that is compiled: some twenty seconds; the largest of the catalogue has 355
_SIZE_OF_FUNCTION = 10  # of an elementary function, as it is compiled into every kernel


@dataclass(frozen=True, slots=True)
class Formula:
    """A function of one unit's pre-activations, or of a row, with what its kernels compute.

    Parameters
    ----------
    value : Expression
        The output in terms of ``x`` (or ``x0``, ``x1``...).
    gradients : tuple of Expression
        For each pre-activation of a unit, the gradient of the loss with respect to it, in terms of the
        pre-activations, ``y`` and the upstream gradient ``g``.
    parameters : tuple of str
        Names of the parameters, in the order of their array.
    parameter_gradients : tuple of Expression
        For each parameter, what one element adds to the gradient with respect to it. Empty where no
        parameter is trained.
    """

    value: Expression
    gradients: tuple[Expression, ...]
    parameters: tuple[str, ...] = ()
    parameter_gradients: tuple[Expression, ...] = ()

    @property
    def size(self) -> int:
        """What compiling costs: about a fiftieth of a second for each, and more for each one the more there are."""
        every = {node for each in (self.value, *self.gradients, *self.parameter_gradients) for node in walk(each)}
        functions = sum(node.operation in FUNCTIONS_OF_ONE for node in every)
        return len(every) + _SIZE_OF_FUNCTION * functions + len(self.parameters)

    @property
    def pieces(self) -> int:
        """How many pre-activations each unit has."""
        return len(self.gradients)

    @property
    def factor(self) -> Expression | None:
        """What the upstream gradient is multiplied by, in terms of ``x``; None where there is no such product."""
        gradient = self.gradients[0]
        if self.pieces > 1 or gradient.operation != "multiply" or gradient.arguments[1] != symbol("g"):
            return None
        return None if {"g", "y"} & symbols(gradient.arguments[0]) else gradient.arguments[0]

    @property
    def slope(self) -> Expression | None:
        """The derivative, where training works it out together with the value; None where that does not pay.

        It pays where both take elementary functions of the same numbers, an exponential say, which is then worked
        out once. The derivative stays in the place of the pre-activations, which nobody else may need.
        """
        if self.factor is None or self.parameter_gradients:
            return None
        nodes = [list(walk(each)) for each in (self.value, self.factor)]
        if any(node.operation in REDUCTIONS for each in nodes for node in each):
            return None
        of_value, of_slope = ({node.arguments[0] for node in each if node.operation in _COSTLY} for each in nodes)
        return self.factor if of_value & of_slope else None


@dataclass(frozen=True, slots=True)
class LossFormula:
    """A loss as a sum over the outputs of a row.

    Parameters
    ----------
    value : Expression
        What one output adds, in terms of ``x`` and ``t``.
    gradient : Expression
        The derivative with respect to ``x``.
    parameters : tuple of str
        Names of the parameters, in the order of their array.
    target : {"value", "class"}
        Whether the target array holds a number per output or one class index per row.
    """

    value: Expression
    gradient: Expression
    parameters: tuple[str, ...] = ()
    target: Literal["value", "class"] = "value"


@dataclass(frozen=True, slots=True)
class ProgramLayer:
    """A map, as a rule a linear one, and the activation after it, as the compiled passes see it.

    Parameters
    ----------
    n_inputs, n_units : int
        Widths of input and output.
    formula : Formula
        The activation; the linear map's width is ``n_units * formula.pieces``.
    constants : tuple of float
        Values of the activation's parameters.
    weights_at, biases_at : int
        Where weights, shape (n_inputs, n_units * pieces), and biases begin in the parameter array;
        -1 for none. The shift of a normalising layer stands in `biases_at`.
    trained_at : tuple of (int, int)
        For each trained activation parameter its index in `constants` and in the parameter array.
    dropout : float
        Share of the inputs that is dropped in training.
    map : {"linear", "identity", "normalising"}
        What stands before the activation.
    scale_at, statistics_at : int
        Of a normalising layer: where its factors begin among the parameters, and its averages (means, then
        variances) after all of them; `constants` are then momentum and epsilon.
    """

    n_inputs: int
    n_units: int
    formula: Formula
    constants: tuple[float, ...]
    weights_at: int
    biases_at: int
    trained_at: tuple[tuple[int, int], ...] = ()
    dropout: float = 0.0
    map: Map = "linear"
    scale_at: int = -1
    statistics_at: int = -1

    @property
    def n_linear(self) -> int:
        """Width of the linear map."""
        return self.n_units * self.formula.pieces

    @property
    def n_weights(self) -> int:
        """Number of weights of the linear map."""
        return self.n_inputs * self.n_linear if self.map == "linear" else 0

    @property
    def n_statistics(self) -> int:
        """Number of averages that are kept for prediction."""
        return 2 * self.n_units if self.map == "normalising" else 0


@dataclass(frozen=True, slots=True)
class ProgramLoss:
    """A loss for the compiled passes: its formula, parameter values and whether it takes logits."""

    formula: LossFormula
    constants: tuple[float, ...]
    on_pre_activation: bool
    n_targets: int
