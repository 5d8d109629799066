"""Training steps for tiny networks, rendered with every weight in a variable of its own.

A network of a dozen weights spends its time on loops and calls, not on arithmetic. For such a network the
whole step is written out: weights, gradients and the optimiser's state live in registers, and what forward
and backward pass have in common (an exponential, say) is computed once. The rendered stage takes the place
of ``run_steps`` in `engines.numba.compiled.loop`, reads and leaves the same context, and does the same arithmetic
in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from actwise.engines.numba import build
from actwise.engines.numba.unrolled import (
    RULES,
    Rule,
    backward,
    count_parameters,
    exact_layers,
    forward,
    helpers,
    indented,
)
from actwise.model.program import ProgramLayer, ProgramLoss

FEWEST_STEPS = 50_000  # compiling takes about a second: with fewer steps it would not pay


# What `close_epoch` in compiled/loop.py does where no rows are judged by, without a call and without the weights
# going through memory; the best weights are kept between the two parts.
CLOSE_EPOCH = (
    "loss = floats[LOSS_SUM] / floats[WEIGHT_SUM] if floats[WEIGHT_SUM] > 0.0 else 0.0",
    "place_in_history = context[HISTORY_ROW] * HISTORY_COLUMNS",
    "history[place_in_history + TRAINING_LOSS] = loss",
    "history[place_in_history + VALIDATION_LOSS] = NAN",
    "history[place_in_history + LEARNING_RATE] = floats[RATE]",
    "history[place_in_history + GRADIENT_NORM] = 0.0",
    "context[HISTORY_ROW] += 1",
    "context[EPOCH] += 1",
    "floats[LOSS_SUM] = 0.0",
    "floats[WEIGHT_SUM] = 0.0",
    "context[STALE_EPOCHS] += 1",
    "if loss < floats[BEST_LOSS] - floats[TOLERANCE]:",
    "    context[STALE_EPOCHS] = 0",
    "if loss < floats[BEST_LOSS]:",
    "    floats[BEST_LOSS] = loss",
    "    context[BEST_EPOCH] = context[EPOCH]",
)
CLOSED_BECAUSE = (
    "ended = EPOCHS_DONE if context[EPOCH] >= context[EPOCHS] else PAUSED",
    "ended = STALE if context[PATIENCE] > 0 and context[STALE_EPOCHS] >= context[PATIENCE] else ended",
    "ended = ended if isfinite(loss) else NOT_FINITE",
)


def stage_address(layers: Sequence[ProgramLayer], loss: ProgramLoss, rule: str, element: str) -> int:
    """Compile the steps of a network, or load them from the cache; return the stage's address."""
    module = build.rendered("tiny", source(exact_layers(layers, element), loss, rule), element)
    address: int = module.run_steps.address
    return address


@cache
def source(layers: tuple[ProgramLayer, ...], loss: ProgramLoss, rule: str) -> str:
    """Render the module.

    >>> from actwise.model.network import Network
    >>> from actwise.model.layers import Dense
    >>> from actwise.model.losses import loss
    >>> net = Network([Dense(2, "tanh"), Dense(1, "sigmoid")], n_inputs=2)
    >>> text = source(net.structure, loss("squared_error").for_engine(1), "sgd")
    >>> "p8 -= rate" in text, "p9" in text
    (True, False)
    """
    written = helpers(layers, loss)
    body = _steps(layers, loss, RULES[rule])
    return f"""from math import inf as INFINITY, isfinite, nan as NAN

from numba import cfunc, float64, njit, types
from numpy import sqrt as square_root  # of float32 it is float32, as in the general loop

from .calls import call_stage
from .context import *
from .element import ELEMENT
{written.imports}from .loop import EPOCHS_DONE, NOT_FINITE, PAUSED, STALE
from .randomness import shuffle
from .tiles import multiply_add


{written.text}@cfunc(types.intp(*[types.intp] * 4), cache=True, error_model="numpy")
def run_steps(context_at, max_steps, unused_1, unused_2):
{body}
    return ended
"""


def _steps(layers: tuple[ProgramLayer, ...], loss: ProgramLoss, rule: Rule) -> str:
    n_parameters = count_parameters(layers)
    n_inputs, n_targets = layers[0].n_inputs, loss.n_targets
    every = range(n_parameters)
    names = [{"p": f"p{i}", "g": f"g{i}", "m": f"m{i}", "v": f"v{i}"} for i in every]
    row = [f"x{j} = inputs[row * context[ROW_STRIDE] + {j} * context[COLUMN_STRIDE]]" for j in range(n_inputs)]
    row += [f"target{j} = float64(targets[row * {n_targets} + {j}])" for j in range(n_targets)]
    row += ["weight = float64(weights[row])", "weight_sum += weight", *forward(layers, loss), *backward(layers, loss)]
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
    close = [
        *CLOSE_EPOCH,
        *(f"    best[{i}] = p{i}" for i in every),
        *CLOSED_BECAUSE,
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
best = elements(context[BEST], {n_parameters})
history = doubles(context[HISTORY], context[HISTORY_SIZE])
inputs = elements(context[INPUTS], (n_rows - 1) * context[ROW_STRIDE] + {n_inputs - 1} * context[COLUMN_STRIDE] + 1)
targets = elements(context[TARGETS], n_rows * {n_targets})
weights = elements(context[WEIGHTS], n_rows)
order = integers(context[ORDER], n_rows)
{indented(rule.constants)}
{indented(load)}
ended = PAUSED
for step in range(max_steps):
    start = context[POSITION]
    if start == 0 and context[SHUFFLED]:
        shuffle(order, words(context[RANDOM], 4))
    stop = min(start + batch_size, n_rows)
    loss_sum, weight_sum = 0.0, 0.0
{indented([f"g{i} = ELEMENT(0)" for i in every], 1)}
    for place in range(start, stop):
        row = order[place]
{indented(row, 2)}
    floats[RATE] = rates[step]
    floats[LOSS_SUM] += loss_sum
    floats[WEIGHT_SUM] += weight_sum
    finite = isfinite(loss_sum)
    if finite:
        inverse = ELEMENT(1.0 / ((stop - start) * floats[MEAN_WEIGHT]))
        context[STEP] += 1
{indented([f"g{i} *= inverse" for i in every], 2)}
        number, learning_rate = context[STEP], rates[step]
{indented([*rule.each_step, *rule.each_rate], 2)}
{indented(update, 2)}
        context[POSITION] = stop if stop < n_rows else 0
    if stop == n_rows or not finite:
        if context[N_JUDGED] > 0 or not finite:
{indented(store, 3)}
            ended = call_stage(context[EPOCH_STAGE], context_at, 0, 0, 0)
            if not finite:
                return NOT_FINITE
        else:
{indented(close, 3)}
        if ended != PAUSED:
            break
{indented(store)}
"""
    return indented(text.strip("\n").split("\n"), 1)
