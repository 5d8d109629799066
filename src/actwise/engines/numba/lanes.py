"""Training steps for many tiny networks of one shape at once, a network per lane of the vector registers.

The written-out step of `unrolled` stands in a loop over the lanes, which the compiler turns into vector
instructions; what differs from network to network (order of rows, end of an epoch) is done lane by lane. Every
network has a context of its own and gets the bits that it would get alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from actwise.engines.numba import build, engine
from actwise.engines.numba.engine import Stage
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

LANES = 16  # networks worked on at once: two vectors of eight float64 numbers hide each other's latency
FIELDS = ("contexts", "state", "inputs", "wide", "active", "ended")  # of a block; position and step follow them
_N_OWN = 6  # float64 numbers per lane besides the targets


def block(
    contexts: Sequence[npt.NDArray[np.int64]],
    n_networks: int,
    layers: Sequence[ProgramLayer],
    loss: ProgramLoss,
    dtype: str,
) -> dict[str, npt.NDArray[np.generic]]:
    """Make the arrays that the lanes work on.

    `n_networks`: how many of them are trained; the others only fill the lanes.
    Result: by the names in `FIELDS`; ``"block"`` holds their addresses and is what `stage` takes.
    """
    n_parameters = count_parameters(layers)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "contexts": np.array([each.ctypes.data for each in contexts], np.int64),
        "state": np.zeros(4 * n_parameters * LANES, dtype),
        "inputs": np.zeros(layers[0].n_inputs * LANES, dtype),
        "wide": np.zeros((loss.n_targets + _N_OWN) * LANES),
        "active": (np.arange(LANES) < n_networks).astype(np.int64),
        "ended": np.zeros(LANES, np.int64),
    }
    arrays["block"] = np.array([*(arrays[name].ctypes.data for name in FIELDS), 0, 0], np.int64)
    return arrays


def stage(layers: Sequence[ProgramLayer], loss: ProgramLoss, rule: str, element: str) -> Stage:
    """Compile the steps of `LANES` networks, or load them from the cache.

    The stage takes the address of a block and a number of steps; it returns how many networks go on.
    """
    module = build.rendered("lanes", source(exact_layers(layers, element), loss, rule), element)
    return engine.training_stage(module.run_steps.address, element)


@cache
def source(layers: tuple[ProgramLayer, ...], loss: ProgramLoss, rule: str) -> str:
    """Render the module.

    >>> from actwise.model.network import Network
    >>> from actwise.model.layers import Dense
    >>> from actwise.model.losses import loss
    >>> net = Network([Dense(2, "tanh"), Dense(1, "sigmoid")], n_inputs=2)
    >>> "for lane in range(16):" in source(net.structure, loss("squared_error").for_engine(1), "sgd")
    True
    """
    written = helpers(layers, loss)
    return f"""from math import inf as INFINITY, isfinite, nan as NAN

from numba import cfunc, float64, njit, types
from numpy import sqrt as square_root  # of float32 it is float32, as in the general loop

from .calls import call_stage
from .context import *
from .element import ELEMENT
{written.imports}from .loop import NOT_FINITE, PAUSED
from .randomness import shuffle
from .tiles import multiply_add


{written.text}@njit(error_model="numpy")
def close(contexts, lane, state, wide, active, ended, stopped_early):
    context = integers(contexts[lane], N_INTEGERS)
    floats = doubles(context[FLOATS], N_FLOATS)
    parameters = elements(context[PARAMETERS], {count_parameters(layers)})
    for i in range({count_parameters(layers)}):
        parameters[i] = state[i * {LANES} + lane]
    floats[LOSS_SUM] = wide[{_place("epoch_loss", loss)} + lane]
    floats[WEIGHT_SUM] = wide[{_place("epoch_weight", loss)} + lane]
    floats[RATE] = wide[{_place("rate", loss)} + lane]
    how = call_stage(context[EPOCH_STAGE], contexts[lane], 0, 0, 0)
    wide[{_place("epoch_loss", loss)} + lane] = 0.0
    wide[{_place("epoch_weight", loss)} + lane] = 0.0
    if stopped_early:
        how = NOT_FINITE
    if how != PAUSED:
        active[lane] = 0
        ended[lane] = how


@cfunc(types.intp(*[types.intp] * 4), cache=True, error_model="numpy")
def run_steps(block_at, max_steps, unused_1, unused_2):
{_steps(layers, loss, RULES[rule])}
"""


def _place(name: str, loss: ProgramLoss) -> int:
    """Where an array of one float64 number per lane begins."""
    names = ("weight", "loss_sum", "weight_sum", "epoch_loss", "epoch_weight", "rate")
    assert len(names) == _N_OWN
    return (loss.n_targets + names.index(name)) * LANES


def _steps(layers: tuple[ProgramLayer, ...], loss: ProgramLoss, rule: Rule) -> str:
    n_parameters = count_parameters(layers)
    n_inputs, n_targets = layers[0].n_inputs, loss.n_targets
    every = range(n_parameters)

    def state(which: int, i: int) -> str:
        return f"state[{(which * n_parameters + i) * LANES} + lane]"

    def wide(name: str) -> str:
        return f"wide[{_place(name, loss)} + lane]"

    load_parameters = [f"p{i} = {state(0, i)}" for i in every]
    load_gradients = [f"g{i} = {state(3, i)}" for i in every]
    one_row = [
        *load_parameters,
        *load_gradients,
        *(f"x{j} = buffer[{j * LANES} + lane]" for j in range(n_inputs)),
        *(f"target{j} = wide[{j * LANES} + lane]" for j in range(n_targets)),
        f"weight = {wide('weight')}",
        f"loss_sum = {wide('loss_sum')}",
        *forward(layers, loss),
        *backward(layers, loss),
        *(f"{state(3, i)} = g{i}" for i in every),
        f"{wide('loss_sum')} = loss_sum",
        f"{wide('weight_sum')} = {wide('weight_sum')} + weight",
    ]
    names = [{"p": f"p{i}", "g": f"g{i}", "m": f"m{i}", "v": f"v{i}"} for i in every]
    update = [
        *load_parameters,
        *load_gradients,
        *(f"m{i} = {state(1, i)}" for i in every),
        *(f"v{i} = {state(2, i)}" for i in every),
        *(f"g{i} *= inverse" for i in every),
        f"learning_rate = {wide('rate')}",
        *rule.each_rate,
        *(line.format(**each) for each in names for line in rule.each_weight),
        *(f"{state(which, i)} = {name}{i}" for which, name in enumerate("pmv") for i in every),
    ]
    gather = [
        *(
            f"buffer[{j * LANES} + lane] = inputs[row * context[ROW_STRIDE] + {j} * context[COLUMN_STRIDE]]"
            for j in range(n_inputs)
        ),
        *(f"wide[{j * LANES} + lane] = float64(targets[row * {n_targets} + {j}])" for j in range(n_targets)),
        f"{wide('weight')} = float64(weights[row])",
    ]
    text = f"""
block = integers(block_at, {len(FIELDS) + 2})
contexts = integers(block[0], {LANES})
state = elements(block[1], {4 * n_parameters * LANES})
buffer = elements(block[2], {n_inputs * LANES})
wide = doubles(block[3], {(n_targets + _N_OWN) * LANES})
active, ended = integers(block[4], {LANES}), integers(block[5], {LANES})
common = integers(contexts[0], N_INTEGERS)
floats = doubles(common[FLOATS], N_FLOATS)
constants = doubles(common[RULE_CONSTANTS], 4)
n_rows, batch_size = common[N_ROWS], common[BATCH_SIZE]
position, number = block[{len(FIELDS)}], block[{len(FIELDS) + 1}]
{indented(rule.constants)}
for lane in range({LANES}):
    context = integers(contexts[lane], N_INTEGERS)
    parameters = elements(context[PARAMETERS], {n_parameters})
    first, second = elements(context[FIRST], {n_parameters}), elements(context[SECOND], {n_parameters})
    for i in range({n_parameters}):
        state[i * {LANES} + lane] = parameters[i]
        state[({n_parameters} + i) * {LANES} + lane] = first[i]
        state[({2 * n_parameters} + i) * {LANES} + lane] = second[i]
going = 0
for lane in range({LANES}):
    going += active[lane]
for step in range(max_steps):
    if going == 0:
        break
    if position == 0 and common[SHUFFLED]:
        for lane in range({LANES}):
            context = integers(contexts[lane], N_INTEGERS)
            shuffle(integers(context[ORDER], n_rows), words(context[RANDOM], 4))
    stop = min(position + batch_size, n_rows)
    for lane in range({LANES}):
        {wide("loss_sum")} = 0.0
        {wide("weight_sum")} = 0.0
        {wide("rate")} = doubles(integers(contexts[lane], N_INTEGERS)[RATES], max_steps)[step]
    for i in range({3 * n_parameters * LANES}, {4 * n_parameters * LANES}):
        state[i] = ELEMENT(0)
    for place in range(position, stop):
        for lane in range({LANES}):
            context = integers(contexts[lane], N_INTEGERS)
            row = integers(context[ORDER], n_rows)[place]
            inputs = elements(
                context[INPUTS], (n_rows - 1) * context[ROW_STRIDE] + {n_inputs - 1} * context[COLUMN_STRIDE] + 1
            )
            targets, weights = elements(context[TARGETS], n_rows * {n_targets}), elements(context[WEIGHTS], n_rows)
{indented(gather, 3)}
        for lane in range({LANES}):
{indented(one_row, 3)}
    lost = 0
    for lane in range({LANES}):
        {wide("epoch_loss")} += {wide("loss_sum")}
        {wide("epoch_weight")} += {wide("weight_sum")}
        lost += active[lane] * (not isfinite({wide("loss_sum")}))
    if lost > 0:
        for lane in range({LANES}):
            if active[lane] and not isfinite({wide("loss_sum")}):
                close(contexts, lane, state, wide, active, ended, True)
                integers(contexts[lane], N_INTEGERS)[STEP] = number
                going -= 1
    number += 1
    inverse = ELEMENT(1.0 / ((stop - position) * floats[MEAN_WEIGHT]))
{indented(rule.each_step, 1)}
    for lane in range({LANES}):
{indented(update, 2)}
    position = stop if stop < n_rows else 0
    if position == 0:
        for lane in range({LANES}):
            if active[lane]:
                close(contexts, lane, state, wide, active, ended, False)
                if not active[lane]:
                    integers(contexts[lane], N_INTEGERS)[STEP] = number
                    going -= 1
for lane in range({LANES}):
    context = integers(contexts[lane], N_INTEGERS)
    parameters = elements(context[PARAMETERS], {n_parameters})
    first, second = elements(context[FIRST], {n_parameters}), elements(context[SECOND], {n_parameters})
    if active[lane]:
        context[STEP] = number
        for i in range({n_parameters}):
            parameters[i] = state[i * {LANES} + lane]
    for i in range({n_parameters}):
        first[i] = state[({n_parameters} + i) * {LANES} + lane]
        second[i] = state[({2 * n_parameters} + i) * {LANES} + lane]
block[{len(FIELDS)}], block[{len(FIELDS) + 1}] = position, number
return going
"""
    return indented(text.strip("\n").split("\n"), 1)
