"""The arithmetic of tiny networks written out, a variable per weight: what `tiny` and `lanes` put into their loops.

Its results have the bits of the general passes: sums are chains of the same fused multiply-adds, and activations
and losses come from the same formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actwise.engines.numba.rendering import as_exact_as, with_own_names
from actwise.formula.emit import statements
from actwise.formula.expression import REDUCTIONS, Expression, walk
from actwise.model.program import ProgramLayer, ProgramLoss

MOST_PARAMETERS = 64  # beyond it the state no longer fits the registers and compiling takes seconds


def can_be_written_out(layers: Sequence[ProgramLayer], loss: ProgramLoss, n_parameters: int) -> bool:
    """Whether these layers are few and plain enough."""
    plain = all(
        layer.map == "linear"
        and layer.formula.pieces == 1
        and not (layer.trained_at or layer.dropout or _couples(layer.formula.value))
        for layer in layers
    )
    elementwise = loss.formula.target == "value" and not _couples(loss.formula.value)
    return plain and elementwise and n_parameters <= MOST_PARAMETERS


def _couples(expression: Expression) -> bool:
    return any(node.operation in REDUCTIONS for node in walk(expression))


def count_parameters(layers: Sequence[ProgramLayer]) -> int:
    """Count weights and biases."""
    return max(
        max(layer.weights_at + layer.n_inputs * layer.n_units, layer.biases_at + layer.n_units) for layer in layers
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """An optimiser written out: what is read once, and the lines for a step, for its learning rate, for a weight.

    The lines for a step read ``number``, its number from 1, those for the learning rate ``learning_rate``.
    """

    constants: tuple[str, ...]
    each_step: tuple[str, ...]
    each_rate: tuple[str, ...]
    each_weight: tuple[str, ...]


# The same arithmetic as in compiled/updates.py; {p}, {g}, {m}, {v} are a weight, its gradient and its state.
RULES = {
    "plain_sgd": Rule((), (), ("rate = ELEMENT(learning_rate)",), ("{p} -= rate * {g}",)),
    "sgd": Rule(
        ("momentum = ELEMENT(constants[0])", "nesterov = constants[1] != 0.0"),
        (),
        ("rate = ELEMENT(learning_rate)",),
        ("{m} = momentum * {m} + {g}", "{p} -= rate * ({g} + momentum * {m} if nesterov else {m})"),
    ),
    "adam": Rule(
        (
            "beta1, beta2 = ELEMENT(constants[0]), ELEMENT(constants[1])",
            "rest1, rest2 = ELEMENT(1.0 - constants[0]), ELEMENT(1.0 - constants[1])",
            "epsilon = ELEMENT(constants[2])",
        ),
        (
            "bias_of_first = 1.0 - constants[0] ** number",
            "to_unbiased = ELEMENT(1.0 / square_root(1.0 - constants[1] ** number))",
        ),
        ("keep = ELEMENT(1.0 - learning_rate * constants[3])", "scaled_rate = ELEMENT(learning_rate / bias_of_first)"),
        (
            "{m} = beta1 * {m} + rest1 * {g}",
            "{v} = beta2 * {v} + rest2 * {g} * {g}",
            "{p} = keep * {p} - scaled_rate * {m} / (square_root({v}) * to_unbiased + epsilon)",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Helpers:
    """The functions that written-out lines call: their text, and the elementary functions they need."""

    text: str
    functions: tuple[str, ...]

    @property
    def imports(self) -> str:
        """The line that imports the elementary functions; empty where none is needed."""
        return f"from .elementary import {', '.join(self.functions)}\n" if self.functions else ""


def exact_layers(layers: Sequence[ProgramLayer], element: str) -> tuple[ProgramLayer, ...]:
    """Return the layers with activations as the general loop computes them for arrays of this type."""
    return tuple(replace(layer, formula=as_exact_as(element, layer.formula)) for layer in layers)


def helpers(layers: Sequence[ProgramLayer], loss: ProgramLoss) -> Helpers:
    """Render the activations, their gradients, the loss and its gradient as functions."""
    functions: set[str] = set()
    texts: list[str] = []
    for index, layer in enumerate(layers):
        formula = with_own_names(layer.formula)
        if formula.slope is not None:
            computed = (formula.value, formula.slope)
            texts.append(_function(f"value_and_slope_{index}", "x", formula.parameters, computed, functions))
            continue
        for name, symbols, expression in (
            ("activation", "x", formula.value),
            ("activation_gradient", "x, y, g", formula.gradients[0]),
        ):
            texts.append(_function(f"{name}_{index}", symbols, formula.parameters, (expression,), functions))
    described = with_own_names(loss.formula)
    texts.append(_function("loss_value", "x, t", described.parameters, (described.value,), functions))
    texts.append(_function("loss_gradient", "x, t", described.parameters, (described.gradient,), functions))
    return Helpers("".join(texts), tuple(sorted(functions)))


def _function(
    name: str, symbols: str, parameters: tuple[str, ...], expressions: tuple[Expression, ...], used: set[str]
) -> str:
    written = statements(*expressions)
    used |= written.functions
    lines = "".join(f"    {line}\n" for line in written.lines)
    arguments = ", ".join([symbols, *parameters])
    # Inlined, since a loop with a call in it does not become vector instructions.
    head = f'@njit(error_model="numpy", forceinline=True)\ndef {name}({arguments}):\n'
    return f"{head}{lines}    return {', '.join(written.results)}\n\n\n"


def _constants(values: tuple[float, ...]) -> str:
    return "".join(f", {value!r}" for value in values)


def indented(lines: Sequence[str], level: int = 0) -> str:
    """Join lines at a level of indentation."""
    return "\n".join("    " * level + line for line in lines)


def _chain(start: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Add up products in the order and with the roundings of the matrix products in `compiled.tiles`."""
    for left, right in pairs:
        start = f"multiply_add({left}, {right}, {start})"
    return start


def _inputs_of(layers: tuple[ProgramLayer, ...], index: int) -> list[str]:
    before = layers[index].n_inputs
    return [f"x{j}" if index == 0 else f"a{index - 1}_{j}" for j in range(before)]


def forward(layers: tuple[ProgramLayer, ...], loss: ProgramLoss) -> list[str]:
    """Write the forward pass of one row: from ``x0``... and ``p0``... to ``z``, ``a`` and ``s`` of every unit.

    They are the pre-activation, the output and, where it is worked out here, the slope.
    """
    lines = []
    for index, layer in enumerate(layers):
        sources = _inputs_of(layers, index)
        skipped = loss.on_pre_activation and index == len(layers) - 1
        for unit in range(layer.n_units):
            bias = f"p{layer.biases_at + unit}" if layer.biases_at >= 0 else "ELEMENT(0)"
            pairs = [(s, f"p{layer.weights_at + j * layer.n_units + unit}") for j, s in enumerate(sources)]
            lines.append(f"z{index}_{unit} = {_chain(bias, pairs)}")
            given = f"float64(z{index}_{unit}){_constants(layer.constants)}"
            if skipped:
                continue
            if layer.formula.slope is None:
                lines.append(f"a{index}_{unit} = ELEMENT(activation_{index}({given}))")
            else:
                lines.append(f"value, slope = value_and_slope_{index}({given})")
                lines.append(f"a{index}_{unit}, s{index}_{unit} = ELEMENT(value), ELEMENT(slope)")
    return lines


def backward(layers: tuple[ProgramLayer, ...], loss: ProgramLoss) -> list[str]:
    """Write loss and backward pass of one row: adds to ``loss_sum`` and to ``g0``..., times ``weight``."""
    lines = []
    last = len(layers) - 1
    end = "z" if loss.on_pre_activation else "a"
    for unit in range(layers[last].n_units):
        given = f"float64({end}{last}_{unit}), target{unit}{_constants(loss.constants)}"
        lines.append(f"row_loss {'+=' if unit else '='} weight * loss_value({given})")
        delta = "d" if loss.on_pre_activation else "e"
        lines.append(f"{delta}{last}_{unit} = ELEMENT(weight * loss_gradient({given}))")
    lines.append("loss_sum += row_loss")
    for index in range(last, -1, -1):
        layer = layers[index]
        sources = _inputs_of(layers, index)
        for unit in range(layer.n_units):
            name = f"{index}_{unit}"
            if index == last and loss.on_pre_activation:
                pass
            elif layer.formula.slope is not None:
                lines.append(f"d{name} = s{name} * e{name}")
            else:
                given = f"float64(z{name}), float64(a{name}), float64(e{name}){_constants(layer.constants)}"
                lines.append(f"d{name} = ELEMENT(activation_gradient_{index}({given}))")
            for j, source in enumerate(sources):
                sum_ = f"g{layer.weights_at + j * layer.n_units + unit}"
                lines.append(f"{sum_} = {_chain(sum_, [(source, f'd{name}')])}")
            if layer.biases_at >= 0:
                lines.append(f"g{layer.biases_at + unit} += d{name}")
        if index > 0:
            for j in range(layer.n_inputs):
                pairs = [
                    (f"d{index}_{u}", f"p{layer.weights_at + j * layer.n_units + u}") for u in range(layer.n_units)
                ]
                lines.append(f"e{index - 1}_{j} = {_chain('ELEMENT(0)', pairs)}")
    return lines


def rule_of(optimizer_rule: str, constants: Sequence[float]) -> str | None:
    """Name the written-out rule of an optimiser with these constants; None where there is none."""
    if optimizer_rule == "sgd" and constants[0] == 0:
        return "plain_sgd"
    return optimizer_rule if optimizer_rule in RULES else None
