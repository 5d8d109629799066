"""Training steps for tiny networks, rendered with every weight in a variable of its own.

A network of a dozen weights spends its time on loops and calls, not on arithmetic. For such a network the
whole step is written out: weights, gradients and the optimiser's state live in registers, and what forward
and backward pass have in common (an exponential, say) is computed once. The rendered stage takes the place
of ``run_steps`` in `kernels.compiled.loop`, reads and leaves the same context, and does the same arithmetic
in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from actwise.formula.emit import statements
from actwise.formula.expression import REDUCTIONS, Expression, walk
from actwise.kernels import build
from actwise.kernels.engine import LinearLayer, Loss
from actwise.kernels.rendering import with_own_names

MOST_PARAMETERS = 64  # beyond it the state no longer fits the registers and compiling takes seconds
FEWEST_STEPS = 50_000  # compiling takes about a second: with fewer steps it would not pay


def is_tiny(layers: Sequence[LinearLayer], loss: Loss, n_parameters: int, n_steps: int) -> bool:
    """Whether these layers can be written out, and so many steps are worth compiling them."""
    plain = all(
        layer.map == "linear"
        and layer.formula.pieces == 1
        and not (layer.trained_at or layer.dropout or _couples(layer.formula.value))
        for layer in layers
    )
    elementwise = loss.formula.target == "value" and not _couples(loss.formula.value)
    return plain and elementwise and n_parameters <= MOST_PARAMETERS and n_steps >= FEWEST_STEPS


def _couples(expression: Expression) -> bool:
    return any(node.operation in REDUCTIONS for node in walk(expression))


def stage_address(layers: Sequence[LinearLayer], loss: Loss, rule: str, element: str) -> int:
    """Compile the steps of a network, or load them from the cache; return the stage's address."""
    module = build.rendered("tiny", source(tuple(layers), loss, rule), element)
    address: int = module.run_steps.address
    return address


@dataclass(frozen=True, slots=True)
class _Rule:
    """An optimiser written out for one weight: what is read once, and the lines of a step."""

    constants: tuple[str, ...]
    each_step: tuple[str, ...]
    each_weight: tuple[str, ...]


# The same arithmetic as in compiled/updates.py; {p}, {g}, {m}, {v} are a weight, its gradient and its state.
_RULES = {
    "sgd": _Rule(
        ("momentum = ELEMENT(constants[0])", "nesterov = constants[1] != 0.0"),
        ("rate = ELEMENT(rates[step])",),
        (
            "{m} = momentum * {m} + {g}",
            "{p} -= rate * (({g} + momentum * {m} if nesterov else {m}) if momentum != 0 else {g})",
        ),
    ),
    "adam": _Rule(
        (
            "beta1, beta2 = ELEMENT(constants[0]), ELEMENT(constants[1])",
            "rest1, rest2 = ELEMENT(1.0 - constants[0]), ELEMENT(1.0 - constants[1])",
            "epsilon = ELEMENT(constants[2])",
        ),
        (
            "keep = ELEMENT(1.0 - rates[step] * constants[3])",
            "scaled_rate = ELEMENT(rates[step] / (1.0 - constants[0] ** context[STEP]))",
            "to_unbiased = ELEMENT(1.0 / sqrt(1.0 - constants[1] ** context[STEP]))",
        ),
        (
            "{m} = beta1 * {m} + rest1 * {g}",
            "{v} = beta2 * {v} + rest2 * {g} * {g}",
            "{p} = keep * {p} - scaled_rate * {m} / (sqrt({v}) * to_unbiased + epsilon)",
        ),
    ),
}
RULES = frozenset(_RULES)


@cache
def source(layers: tuple[LinearLayer, ...], loss: Loss, rule: str) -> str:
    """Render the module.

    Examples
    --------
    >>> from actwise.network import Network
    >>> from actwise.layers import Dense
    >>> from actwise.losses import loss
    >>> net = Network([Dense(2, "tanh"), Dense(1, "sigmoid")], n_inputs=2)
    >>> text = source(net.structure, loss("squared_error").for_engine(1), "sgd")
    >>> "p8 -= rate" in text, "p9" in text
    (True, False)
    """
    functions: set[str] = set()
    helpers: list[str] = []
    for index, layer in enumerate(layers):
        formula = with_own_names(layer.formula)
        for name, symbols, expression in (
            ("activation", "x", formula.value),
            ("activation_gradient", "x, y, g", formula.gradients[0]),
        ):
            helpers.append(_function(f"{name}_{index}", symbols, formula.parameters, expression, functions))
    described = with_own_names(loss.formula)
    helpers.append(_function("loss_value", "x, t", described.parameters, described.value, functions))
    helpers.append(_function("loss_gradient", "x, t", described.parameters, described.gradient, functions))
    functions.add("sqrt")
    body = _steps(layers, loss, _RULES[rule])
    return f"""from math import inf as INFINITY, isfinite, nan as NAN

from numba import cfunc, float64, njit, types

from .calls import call_stage
from .context import *
from .element import ELEMENT
from .elementary import {", ".join(sorted(functions))}
from .loop import NOT_FINITE, PAUSED
from .randomness import shuffle
from .tiles import multiply_add


{"".join(helpers)}@cfunc(types.intp(*[types.intp] * 4), cache=True, error_model="numpy")
def run_steps(context_at, max_steps, unused_1, unused_2):
{body}
    return ended
"""


def _function(name: str, symbols: str, parameters: tuple[str, ...], expression: Expression, used: set[str]) -> str:
    written = statements(expression)
    used |= written.functions
    lines = "".join(f"    {line}\n" for line in written.lines)
    arguments = ", ".join([symbols, *parameters])
    return f'@njit(error_model="numpy")\ndef {name}({arguments}):\n{lines}    return {written.results[0]}\n\n\n'


def _constants(values: tuple[float, ...]) -> str:
    return "".join(f", {value!r}" for value in values)


def _steps(layers: tuple[LinearLayer, ...], loss: Loss, rule: _Rule) -> str:
    n_parameters = max(
        max(layer.weights_at + layer.n_inputs * layer.n_units, layer.biases_at + layer.n_units) for layer in layers
    )
    n_inputs, n_targets = layers[0].n_inputs, loss.n_targets
    every = range(n_parameters)
    names = [{"p": f"p{i}", "g": f"g{i}", "m": f"m{i}", "v": f"v{i}"} for i in every]
    row = [f"x{j} = inputs[row * context[ROW_STRIDE] + {j} * context[COLUMN_STRIDE]]" for j in range(n_inputs)]
    row += [f"target{j} = float64(targets[row * {n_targets} + {j}])" for j in range(n_targets)]
    row += ["weight = float64(weights[row])", "weight_sum += weight", *_forward(layers, loss), *_backward(layers, loss)]
    load = [
        f"{name}{i} = {array}[{i}]"
        for name, array in (("p", "parameters"), ("m", "first"), ("v", "second"))
        for i in every
    ]
    store = [
        f"{array}[{i}] = {name}{i}"
        for name, array in (("p", "parameters"), ("m", "first"), ("v", "second"))
        for i in every
    ]
    update = [line.format(**each) for each in names for line in rule.each_weight]
    text = f"""
context = integers(context_at, N_INTEGERS)
floats = doubles(context[FLOATS], N_FLOATS)
rates = doubles(context[RATES], max_steps)
constants = doubles(context[RULE_CONSTANTS], 4)
n_rows, batch_size = context[N_ROWS], context[BATCH_SIZE]
parameters = elements(context[PARAMETERS], {n_parameters})
first = elements(context[FIRST], {n_parameters})
second = elements(context[SECOND], {n_parameters})
inputs = elements(context[INPUTS], (n_rows - 1) * context[ROW_STRIDE] + {n_inputs - 1} * context[COLUMN_STRIDE] + 1)
targets = elements(context[TARGETS], n_rows * {n_targets})
weights = elements(context[WEIGHTS], n_rows)
order = integers(context[ORDER], n_rows)
{_lines(rule.constants)}
{_lines(load)}
ended = PAUSED
for step in range(max_steps):
    start = context[POSITION]
    if start == 0 and context[SHUFFLED]:
        shuffle(order, words(context[RANDOM], 4))
    stop = min(start + batch_size, n_rows)
    loss_sum, weight_sum = 0.0, 0.0
{_lines([f"g{i} = ELEMENT(0)" for i in every], 1)}
    for place in range(start, stop):
        row = order[place]
{_lines(row, 2)}
    floats[RATE] = rates[step]
    floats[LOSS_SUM] += loss_sum
    floats[WEIGHT_SUM] += weight_sum
    finite = isfinite(loss_sum)
    if finite:
        inverse = ELEMENT(1.0 / weight_sum) if weight_sum > 0.0 else ELEMENT(0)
        context[STEP] += 1
{_lines([f"g{i} *= inverse" for i in every], 2)}
{_lines(rule.each_step, 2)}
{_lines(update, 2)}
        context[POSITION] = stop if stop < n_rows else 0
    if stop == n_rows or not finite:
{_lines(store, 2)}
        ended = call_stage(context[EPOCH_STAGE], context_at, 0, 0, 0)
        if not finite:
            return NOT_FINITE
        if ended != PAUSED:
            return ended
{_lines(store)}
"""
    return _lines(text.strip("\n").split("\n"), 1)


def _lines(lines: Sequence[str], level: int = 0) -> str:
    return "\n".join("    " * level + line for line in lines)


def _chain(start: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Add up products in the order and with the roundings of the matrix products in `compiled.tiles`."""
    for left, right in pairs:
        start = f"multiply_add({left}, {right}, {start})"
    return start


def _inputs_of(layers: tuple[LinearLayer, ...], index: int) -> list[str]:
    before = layers[index].n_inputs
    return [f"x{j}" if index == 0 else f"a{index - 1}_{j}" for j in range(before)]


def _forward(layers: tuple[LinearLayer, ...], loss: Loss) -> list[str]:
    lines = []
    for index, layer in enumerate(layers):
        sources = _inputs_of(layers, index)
        skipped = loss.on_pre_activation and index == len(layers) - 1
        for unit in range(layer.n_units):
            bias = f"p{layer.biases_at + unit}" if layer.biases_at >= 0 else "ELEMENT(0)"
            pairs = [(s, f"p{layer.weights_at + j * layer.n_units + unit}") for j, s in enumerate(sources)]
            lines.append(f"z{index}_{unit} = {_chain(bias, pairs)}")
            if not skipped:
                call = f"activation_{index}(float64(z{index}_{unit}){_constants(layer.constants)})"
                lines.append(f"a{index}_{unit} = ELEMENT({call})")
    return lines


def _backward(layers: tuple[LinearLayer, ...], loss: Loss) -> list[str]:
    lines = []
    last = len(layers) - 1
    end = "z" if loss.on_pre_activation else "a"
    for unit in range(layers[last].n_units):
        given = f"float64({end}{last}_{unit}), target{unit}{_constants(loss.constants)}"
        lines.append(f"loss_sum += weight * loss_value({given})")
        delta = "d" if loss.on_pre_activation else "e"
        lines.append(f"{delta}{last}_{unit} = ELEMENT(weight * loss_gradient({given}))")
    for index in range(last, -1, -1):
        layer = layers[index]
        sources = _inputs_of(layers, index)
        for unit in range(layer.n_units):
            name = f"{index}_{unit}"
            if not (index == last and loss.on_pre_activation):
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
