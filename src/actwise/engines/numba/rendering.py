"""Renders formulas as Numba source: one small kernel each, called by address from the training loop.

A kernel reads arrays through addresses, does its arithmetic in float64 whatever the arrays hold, and stores the result
in the arrays' type. Parameters are read from an array in the order of their declaration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, reduce
from operator import or_
from typing import Any, TypeVar

import numpy as np

from actwise.engines.numba import build
from actwise.engines.numba.staging import NEAR_FUNCTIONS, Staged, angles_in, by_lanes, indent, stage
from actwise.formula.compensate import compensated
from actwise.formula.expression import (
    Expression,
    absolute,
    substitute,
    symbol,
)
from actwise.model.program import Formula, LossFormula

# An angle beyond the limit has to be reduced with hundreds of digits of pi. That such angles are absent is looked
# up a block at a time: a look at every element would keep the loop from being vectorised.
NEAR_ANGLE = 2.0**20
ANGLE_BLOCK = 256
_ARRAYS = ("pre_activations", "outputs", "upstream", "gradients")


_AnyFormula = TypeVar("_AnyFormula", Formula, LossFormula)


@dataclass(frozen=True, slots=True)
class ActivationKernels:
    """Addresses of an activation's compiled kernels.

    Parameters
    ----------
    forward : int
        From pre-activations to outputs.
    learning : int
        The forward pass of training. Where it puts slopes in the place of the pre-activations, there is no backward
        kernel: the upstream gradient is multiplied with them.
    backward : int
        The gradients by pre-activation, or 0.
    parameter_gradient : int
        The gradients of trained parameters, or 0.
    """

    forward: int
    learning: int
    backward: int
    parameter_gradient: int


@cache
def activation_kernels(formula: Formula, dtype: np.dtype[np.floating], plain: bool = False) -> ActivationKernels:
    """Compile an activation's kernels, or load them from the cache.

    `plain`: leave rounding errors in float64 where they fall, which is faster.
    """
    module = build.rendered("activation", activation_source(formula, dtype.name, plain), dtype.name)
    trained = module.parameter_gradient.address if formula.parameter_gradients else 0
    forward = module.forward.address
    return ActivationKernels(forward, forward, module.backward.address, trained)


@cache
def layer_kernels(formula: Formula, dtype: np.dtype[np.floating]) -> ActivationKernels:
    """Compile the kernels that a layer with this activation needs, or load them from the cache."""
    source = learning_source(formula, dtype.name)
    if source is None:
        return activation_kernels(formula, dtype)
    module = build.rendered("learning", source, dtype.name)
    return ActivationKernels(module.forward.address, module.learning.address, 0, 0)


@cache
def loss_kernel(formula: LossFormula, dtype: np.dtype[np.floating]) -> int:
    """Compile a loss kernel, or load it from the cache; return its address."""
    address: int = build.rendered("loss", loss_source(formula, dtype.name), dtype.name).loss.address
    return address


def activation_source(formula: Formula, element: str, plain: bool = False) -> str:
    """Render the module with an activation's kernels.

    >>> from actwise.formula.expression import symbol, number, where
    >>> x, g = symbol("x"), symbol("g")
    >>> relu = Formula(where(x > 0, x, 0), (where(x > 0, 1, 0) * g,))
    >>> "def backward(" in activation_source(relu, "float32")
    True
    """
    formula = with_own_names(formula if plain else as_exact_as(element, formula))
    backward = _Kernel("backward", element, formula.parameters, formula.pieces, _ARRAYS)
    kernels = [
        _forward(formula, element),
        backward.stores({"gradients": formula.gradients}),
    ]
    if formula.parameter_gradients:
        trained = _Kernel("parameter_gradient", element, formula.parameters, formula.pieces, _ARRAYS)
        kernels.append(trained.sums(formula.parameter_gradients))
    return _module(kernels)


def learning_source(formula: Formula, element: str) -> str | None:
    """Render the module of an activation whose slope is worked out together with its value; None for others."""
    formula = with_own_names(as_exact_as(element, formula))
    if formula.slope is None:
        return None
    learning = _Kernel("learning", element, formula.parameters, 1, _ARRAYS[:2])
    stored = {"outputs": (formula.value,), "pre_activations": (formula.slope,)}
    return _module([_forward(formula, element), learning.stores(stored)])


def _forward(formula: Formula, element: str) -> _Rendered:
    kernel = _Kernel("forward", element, formula.parameters, formula.pieces, _ARRAYS[:2])
    return kernel.stores({"outputs": (formula.value,)})


def loss_source(formula: LossFormula, element: str) -> str:
    """Render the module with a loss kernel."""
    formula = with_own_names(formula)
    kernel = _Kernel("loss", element, formula.parameters, 1, ("outputs", "targets", "weights", "deltas"))
    return _module([kernel.loss(formula)])


def as_exact_as(element: str, formula: Formula) -> Formula:
    """Carry rounding errors along where the arrays hold float64; float32 has no use for them."""
    if element != "float64":
        return formula
    # The product with the upstream gradient is left out of it: the derivative may be stored before it is known.
    factor = formula.factor
    gradients = tuple(compensated(each) for each in (formula.gradients if factor is None else (factor,)))
    if factor is not None:
        gradients = (gradients[0] * symbol("g"),)
    return replace(formula, value=compensated(formula.value), gradients=gradients)


def with_own_names(formula: _AnyFormula) -> _AnyFormula:
    """Rename the parameters of an activation or loss, so that none is taken for a variable of the kernel.

    Nor for each other: Python takes a ligature and its letters for the same name.
    """
    names = {name: f"parameter_{name if name.isascii() else i}" for i, name in enumerate(formula.parameters)}
    symbols = {old: symbol(new) for old, new in names.items()}

    def renamed(value: Any) -> Any:
        if isinstance(value, Expression):
            return substitute(value, symbols)
        return tuple(map(renamed, value)) if isinstance(value, tuple) else value

    changed = {each.name: renamed(getattr(formula, each.name)) for each in fields(formula)}
    return replace(formula, **(changed | {"parameters": tuple(names.values())}))


@dataclass(frozen=True, slots=True)
class _Rendered:
    lines: tuple[str, ...]
    functions: frozenset[str]


def _module(kernels: Sequence[_Rendered]) -> str:
    functions = sorted(frozenset().union(*(each.functions for each in kernels)))
    imports = f"from .elementary import {', '.join(functions)}\n" if functions else ""
    body = "\n\n\n".join("\n".join(each.lines) for each in kernels)
    return f"""from math import inf as INFINITY, nan as NAN

from numba import carray, cfunc, float32, float64, int64, types, uint64

from .calls import LANES, lanes, pointer
{imports}

{body}
"""


@dataclass(frozen=True, slots=True)
class _Kernel:
    """Writes one kernel; the methods differ in what is done with the values."""

    name: str
    element: str
    parameters: tuple[str, ...]
    pieces: int
    arrays: tuple[str, ...]

    def _header(self, returned: str = "void", extra: dict[str, str] | None = None) -> list[str]:
        addresses = [f"{each}_at" for each in self.arrays] + [f"unused_{i}" for i in range(4 - len(self.arrays))]
        lines = [
            f"@cfunc(types.{returned}(*[types.intp] * 7), cache=True, error_model='numpy')",
            f"def {self.name}({', '.join(addresses)}, rows, units, constants_at):",
        ]
        wide = {"pre_activations", "gradients"} if self.pieces > 1 else set()
        sizes = {each: f"rows * units{f' * {self.pieces}' if each in wide else ''}" for each in self.arrays}
        elements = dict.fromkeys(self.arrays, self.element)
        for each, size in (extra or {}).items():
            elements[each], _, sizes[each] = size.partition(" ")
        lines += [
            f"    {each} = carray(pointer({each}_at, {elements[each]}(0)), {sizes[each]})" for each in self.arrays
        ]
        if self.parameters:
            lines.append(f"    constants = carray(pointer(constants_at, float64(0)), {len(self.parameters)})")
            lines += [f"    {name} = constants[{i}]" for i, name in enumerate(self.parameters)]
        return lines

    def _loads(self, needed: set[str]) -> dict[str, str]:
        if self.pieces == 1:
            loads = {"x": "pre_activations[i]"}
        else:
            loads = {
                f"x{k}": f"pre_activations[row * units * {self.pieces} + {k} * units + column]"
                for k in range(self.pieces)
            }
        loads |= {"y": "outputs[i]", "g": "upstream[i]"}
        return {name: f"float64({source})" for name, source in loads.items() if name in needed}

    def _loops(self, last: list[str]) -> list[str]:
        """Loop over all elements: one flat loop where a unit has one pre-activation."""
        if self.pieces == 1:
            return indent(["for i in range(rows * units):", *indent(last, 1)], 1)
        body = ["for column in range(units):", *indent(["i = row * units + column", *last], 1)]
        return indent(["for row in range(rows):", *indent(body, 1)], 1)

    def stores(self, results: Mapping[str, tuple[Expression, ...]]) -> _Rendered:
        """Store the value of expressions, the k-th one in the k-th piece of an array."""
        expressions = tuple(each for stored in results.values() for each in stored)
        staged = stage(expressions, self._loads)
        places = [
            f"{array}[i]" if len(stored) == 1 else f"{array}[row * units * {self.pieces} + {k} * units + column]"
            for array, stored in results.items()
            for k in range(len(stored))
        ]

        def stored(each: Staged) -> list[str]:
            return [*each.lines, *(f"{at} = {value}" for at, value in zip(places, each.results, strict=True))]

        angles = angles_in(expressions)
        if angles and self.pieces == 1 and not staged.reductions:
            near = stage(expressions, self._loads, NEAR_FUNCTIONS)
            check = stage((reduce(or_, (absolute(each) > NEAR_ANGLE for each in angles)),), self._loads)
            # The loops run over views, since Numba allows for a negative index where a loop does not begin at 0.
            lines = [
                *(f"all_{each} = {each}" for each in self.arrays),
                f"for first in range(0, rows * units, {ANGLE_BLOCK}):",
                *(f"    {each} = all_{each}[first : first + {ANGLE_BLOCK}]" for each in self.arrays),
                f"    size, far = {next(iter(results))}.size, False",
                "    for i in range(size):",
                *indent([*check.lines, f"far |= {check.results[0]}"], 2),
                "    if far:",
                "        for i in range(size):",
                *indent(stored(staged), 3),
                "    else:",
                "        for i in range(size):",
                *indent(stored(near), 3),
            ]
            called = staged.functions | near.functions | check.functions
            return _Rendered((*self._header(), *indent(lines, 1)), called)
        if staged.reductions:
            looped = indent(by_lanes(staged, dict(zip(places, staged.results, strict=True))), 1)
        else:
            looped = self._loops(stored(staged))
        return _Rendered((*self._header(), *looped), staged.functions)

    def sums(self, expressions: tuple[Expression, ...]) -> _Rendered:
        """Store the sum of each expression over all elements, in float64."""
        staged = stage(expressions, self._loads)
        totals = [f"total_{k}" for k in range(len(expressions))]
        added = [f"{name} += {value}" for name, value in zip(totals, staged.results, strict=True)]
        looped = indent(by_lanes(staged, {}, added), 1) if staged.reductions else self._loops([*staged.lines, *added])
        header = self._header(extra={"gradients": f"float64 {len(expressions)}"})
        return _Rendered(
            (
                *header,
                *indent([f"{name} = 0.0" for name in totals], 1),
                *looped,
                *indent([f"gradients[{k}] = {name}" for k, name in enumerate(totals)], 1),
            ),
            staged.functions,
        )

    def loss(self, formula: LossFormula) -> _Rendered:
        """Sum the weighted loss and store its gradient."""
        target = {
            "value": "float64(targets[i])",
            "class": "1.0 if column == int64(targets[row]) else 0.0",
        }[formula.target]

        def loads(needed: set[str]) -> dict[str, str]:
            return {"x": "float64(outputs[i])"} | ({"t": target} if "t" in needed else {})

        staged = stage((formula.value, formula.gradient), loads)
        value, gradient = staged.results
        staged = replace(staged, loads=staged.loads | {"weight": "float64(weights[row])"})
        per_row = {"weights": f"{self.element} rows"}
        if formula.target == "class":
            per_row["targets"] = f"{self.element} rows"
        # A row's loss is summed over its outputs, then the rows are added up in their order.
        lines = [
            *self._header("float64", per_row),
            "    total = 0.0",
            *indent(
                by_lanes(
                    staged,
                    {"deltas[i]": f"weight * ({gradient})"},
                    [f"losses[lane] += weight * ({value})"],
                    ["for lane in range(count):", "    total += losses[lane]"],
                ),
                1,
            ),
            "    return total",
        ]
        return _Rendered(tuple(lines), staged.functions)
