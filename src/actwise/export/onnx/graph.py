"""A small builder of ONNX graphs: nodes, constants and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.export.onnx.dialect import OPERATORS, in_operators
from actwise.export.requirements import require
from actwise.formula.expression import SYMBOL, Expression, walk

FLOAT, STRING, INT64, DOUBLE = 1, 8, 7, 11  # onnx.TensorProto.FLOAT and so on
ML_DOMAIN = "ai.onnx.ml"


class GraphBuilder:
    """Collects the nodes and constants of a graph; every value has a name."""

    def __init__(self) -> None:
        self._onnx = require("onnx")
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._constants: dict[tuple[str, bytes, tuple[int, ...]], str] = {}
        self._taken: set[str] = set()

    def name(self, wanted: str) -> str:
        """Make a name that no other value has."""
        found, count = wanted, 1
        while found in self._taken:
            found, count = f"{wanted}_{count}", count + 1
        self._taken.add(found)
        return found

    def add(self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.add_many(operator, inputs, [output or operator.lower()], domain=domain, **attributes)[0]

    def add_many(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs and return their names."""
        names = [self.name(each) for each in outputs]
        node = self._onnx.helper.make_node(
            operator, list(inputs), names, name=self.name(f"node_{names[0]}"), domain=domain, **attributes
        )
        self.nodes.append(node)
        return names

    def array(self, values: npt.NDArray[Any], name: str) -> str:
        """Store an array under a name of its own."""
        stored = self.name(name)
        self.initializers.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), stored))
        return stored

    def constant(self, value: Any, dtype: npt.DTypeLike, name: str = "constant") -> str:
        """Store a number or a short list, once however often it is asked for."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.tobytes() if array.dtype != object else repr(value).encode(), array.shape)
        if key not in self._constants:
            stored = self.name(name)
            self.initializers.append(self._onnx.numpy_helper.from_array(array, stored))
            self._constants[key] = stored
        return self._constants[key]

    def cast(self, value: str, to: int) -> str:
        """Change the type of numbers."""
        return self.add("Cast", value, output=f"{value}_as_{'double' if to == DOUBLE else 'float'}", to=to)

    def formula(
        self, expression: Expression, symbols: Mapping[str, str], *, float64: bool = False, output: str = "formula"
    ) -> str:
        """Add the nodes of a formula.

        Result: the name of its value, in float32 and of the shape of the symbols.
        """
        rewritten = in_operators(expression, float64=float64)
        number = np.float64 if float64 else np.float32
        known = {name: self.cast(value, DOUBLE) if float64 else value for name, value in symbols.items()}
        values: dict[Expression, str] = {}
        for node in walk(rewritten):
            if node.operation == SYMBOL:
                values[node] = known[node.name]
            elif node.is_number:
                with np.errstate(over="ignore"):
                    values[node] = self.constant(node.number, number)
            else:
                values[node] = self._operation(node, [values[each] for each in node.arguments], float64)
        found = values[rewritten]
        if not any(node.operation == SYMBOL for node in walk(rewritten)):
            # A constant has no rows of its own.
            found = self.add("Expand", found, self.add("Shape", next(iter(symbols.values()))))
        if float64:
            found = self.cast(found, FLOAT)
        return self.add("Identity", found, output=output)

    def _operation(self, node: Expression, arguments: list[str], float64: bool) -> str:
        operator = OPERATORS[node.operation]
        if node.operation in ("row_sum", "row_max"):
            return self.add(operator.name, *arguments, self.constant([-1], np.int64, "last_axis"), keepdims=1)
        if float64 and not operator.float64:
            narrow = [self.cast(each, FLOAT) for each in arguments]
            return self.cast(self.add(operator.name, *narrow), DOUBLE)
        found = self.add(operator.name, *arguments)
        return self.add("Not", found) if operator.negated else found
