"""Activations as ONNX nodes: an operator of ONNX where one means the same, else the formula, node by node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation, AnyActivation, GatedActivation, RowActivation, is_from_catalogue
from actwise.export.onnx.dialect import enough_in_float32, in_operators, with_values
from actwise.export.onnx.graph import GraphBuilder
from actwise.formula.expression import SYMBOL, Expression, walk

How: TypeAlias = Literal["operator", "formula", "formula in float64"]


@dataclass(frozen=True, slots=True)
class Native:
    """An operator of ONNX that is an activation of the catalogue.

    Parameters
    ----------
    operator : str
        The operator.
    attributes : callable
        Its attributes, from the activation's parameters.
    inputs : callable
        Its further inputs, from the activation's parameters.
    when : callable
        For which parameter values it means the same.
    """

    operator: str
    attributes: Callable[..., dict[str, Any]] = lambda **_: {}
    inputs: Callable[..., tuple[npt.ArrayLike, ...]] = lambda **_: ()
    when: Callable[..., bool] = lambda **_: True


# A row for each; tests hold every one against the declaration, kinks and far tails included.
NATIVE: dict[str, Native] = {
    "sigmoid": Native("Sigmoid"),
    "relu": Native("Relu"),
    "leaky_relu": Native("LeakyRelu", lambda slope: {"alpha": slope}),
    "prelu": Native("PRelu", inputs=lambda slope: ([slope],)),
    "rrelu": Native("LeakyRelu", lambda lower, upper: {"alpha": (lower + upper) / 2}),
    "elu": Native("Elu", lambda alpha: {"alpha": alpha}),
    "celu": Native("Celu", lambda alpha: {"alpha": alpha}),
    "selu": Native("Selu"),
    "gelu": Native("Gelu", lambda: {"approximate": "none"}),
    "gelu_tanh": Native("Gelu", lambda: {"approximate": "tanh"}),
    "mish": Native("Mish"),
    "softplus": Native("Softplus", when=lambda beta: beta == 1),
    "softsign": Native("Softsign"),
    "hardsigmoid": Native("HardSigmoid", lambda: {"alpha": 1 / 6, "beta": 0.5}),
    "hardsigmoid_keras2": Native("HardSigmoid", lambda: {"alpha": 0.2, "beta": 0.5}),
    "hardswish": Native("HardSwish"),
    "hardtanh": Native("Clip", inputs=lambda low, high: (low, high), when=lambda low, high: low <= high),
    "relu6": Native("Clip", inputs=lambda: (0, 6)),
    "clipped_relu": Native("Clip", inputs=lambda ceiling: (0, ceiling)),
    "hardshrink": Native("Shrink", lambda threshold: {"lambd": threshold, "bias": 0.0}),
    "softshrink": Native("Shrink", lambda threshold: {"lambd": threshold, "bias": threshold}),
    "shrink": Native("Shrink", lambda threshold, bias: {"lambd": threshold, "bias": bias}),
    "threshold": Native(
        "ThresholdedRelu", lambda threshold, value: {"alpha": threshold}, when=lambda threshold, value: value == 0
    ),
    "softmax": Native("Softmax", lambda: {"axis": -1}),
    "log_softmax": Native("LogSoftmax", lambda: {"axis": -1}),
}

# Where a formula is tried in float32 before it is trusted to it: pre-activations of any size that a network sees.
FARTHEST_TRIED = 1e4
_GRID = np.geomspace(
    1.1e-6, FARTHEST_TRIED, 301
)  # none of its points is a round number such as 0.1, a likely threshold
_COARSE = np.geomspace(1e-3, FARTHEST_TRIED, 15)


def native(what: AnyActivation, values: Mapping[str, float]) -> Native | None:
    """Find the operator that means the same as an activation, if there is one.

    Result: the operator; None where the formula has to be written out.
    """
    found = NATIVE.get(what.name) if is_from_catalogue(what) else None
    return found if found is not None and found.when(**values) else None


def how_exported(what: AnyActivation, values: Mapping[str, float] | None = None) -> tuple[How, tuple[str, ...]]:
    """Say how an activation is exported.

    `values`: its parameters; its own where not given.

    >>> from actwise.activations import activation
    >>> how_exported(activation("elu"))
    ('operator', ('Elu',))
    """
    builder = GraphBuilder()
    symbols = [f"x{k}" for k in range(what.pieces)] if isinstance(what, GatedActivation) else ["x"]
    how = _add(builder, what, what.values if values is None else values, dict(zip(symbols, symbols, strict=True)), "y")
    used = sorted({each.op_type for each in builder.nodes} - {"Identity", "Cast"}) or ["Identity"]
    return how[1] if len(used) > 1 else "operator", tuple(used)


def add_activation(
    builder: GraphBuilder, what: AnyActivation, values: Mapping[str, float], x: str, n_units: int, output: str
) -> str:
    """Add an activation to a graph.

    Shapes: the result (n_rows, n_units).
    """
    symbols = {"x": x}
    if isinstance(what, GatedActivation):
        names = [f"x{k}" for k in range(what.pieces)]
        blocks = [x] if what.pieces == 1 else _blocks(builder, x, what.pieces, n_units)
        symbols = dict(zip(names, blocks, strict=True))
    return _add(builder, what, values, symbols, output)[0]


def _blocks(builder: GraphBuilder, x: str, pieces: int, n_units: int) -> list[str]:
    sizes = builder.constant([n_units] * pieces, np.int64, "split_sizes")
    return builder.add_many("Split", [x, sizes], [f"{x}_{k}" for k in range(pieces)], axis=1)


def _add(
    builder: GraphBuilder, what: AnyActivation, values: Mapping[str, float], symbols: Mapping[str, str], output: str
) -> tuple[str, How]:
    found = native(what, values)
    if found is not None:
        further = [builder.constant(each, np.float32) for each in found.inputs(**values)]
        return builder.add(
            found.operator, symbols["x"], *further, output=output, **found.attributes(**values)
        ), "operator"
    if isinstance(what, GatedActivation) and is_maxout(what):
        return builder.add("Max", *symbols.values(), output=output), "operator"
    expression = with_values(what.expression, values)
    wide = not enough_in_float32(expression, _points(what, expression))
    return (
        builder.formula(expression, symbols, float64=wide, output=output),
        "formula in float64" if wide else "formula",
    )


def is_maxout(what: GatedActivation) -> bool:
    """Tell whether a gated activation is the largest of its pre-activations."""
    from actwise.activations import maxout

    return what.name == "maxout" and what.pieces > 1 and what.expression == maxout(what.pieces).expression


def _points(what: AnyActivation, expression: Expression) -> Iterator[dict[str, npt.NDArray[np.float64]]]:
    """Yield the pre-activations at which a formula is tried, all of them numbers that float32 holds."""
    if isinstance(what, Activation):
        # Not the thresholds themselves: as constants of a graph they are rounded to float32.
        beside = [each * (1 + side) for each in _thresholds(expression) for side in (-1e-6, 1e-6)]
        yield {"x": _float32(np.concatenate([-_GRID[::-1], [0.0], _GRID, beside]))}
        return
    rng = np.random.default_rng(0)
    if isinstance(what, RowActivation):
        for size in (1e-3, 1.0, 30.0, 1e3, FARTHEST_TRIED):
            yield {"x": _float32(rng.normal(size=(50, 6)) * size)}
        return
    coarse = np.concatenate([-_COARSE[::-1], [0.0], _COARSE])
    columns = rng.choice(coarse, size=(what.pieces, 4000))
    yield {f"x{k}": _float32(column) for k, column in enumerate(columns)}


def _float32(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values.astype(np.float32).astype(np.float64)


def _thresholds(expression: Expression) -> list[float]:
    """Find numbers that x itself is compared with: where a formula may jump."""
    found = set()
    for node in walk(in_operators(expression)):
        if len(node.arguments) == 2 and node.is_condition:
            for one, other in (node.arguments, node.arguments[::-1]):
                if one.operation == SYMBOL and other.is_number and abs(other.number) <= FARTHEST_TRIED:
                    found.add(other.number)
    return sorted(found)
