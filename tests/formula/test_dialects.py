"""Every dialect names every operation and means the same by it."""

from __future__ import annotations

import math
from collections.abc import Collection

import mpmath as mp
import numpy as np
import pytest

from actwise.formula import expression as e
from actwise.formula.dialects import PYTHON_TEMPLATES, evaluate, mpmath_table, numpy_table
from actwise.formula.emit import statements
from actwise.formula.expression import FUNCTIONS_OF_ONE, REDUCTIONS, Expression, symbol, where
from actwise.formula.latex import LATEX
from actwise.formula.operations import OPERATIONS
from actwise.formula.render import JAVASCRIPT, TEXT, TORCH

x, a = symbol("x"), symbol("a")


@pytest.mark.parametrize(
    "named",
    [numpy_table().keys(), TEXT.templates, LATEX.templates, JAVASCRIPT.templates, TORCH.templates],
    ids=["numpy", "text", "latex", "javascript", "torch"],
)
def test_a_dialect_names_every_operation(named: Collection[str]) -> None:
    assert set(OPERATIONS) <= set(named)


def test_scalar_dialects_name_every_operation_on_scalars() -> None:
    assert set(OPERATIONS) - REDUCTIONS <= set(mpmath_table())
    assert set(OPERATIONS) - REDUCTIONS <= set(PYTHON_TEMPLATES) | set(FUNCTIONS_OF_ONE)


@pytest.mark.parametrize("name", FUNCTIONS_OF_ONE)
def test_numpy_and_mpmath_agree(name: str) -> None:
    node = Expression(name, (x,))
    for point in (0.3, 1.7, 4.1) if name == "log" else (-0.8, 0.0, 0.3, 1.7, 4.1):
        if name == "sqrt" and point < 0:
            continue
        with mp.workdps(30):
            exact = evaluate(node, {"x": mp.mpf(point)}, mpmath_table())
        assert evaluate(node, {"x": np.float64(point)}, numpy_table()) == pytest.approx(float(exact), rel=1e-14)


def _run(lines: tuple[str, ...], result: str, values: dict[str, float]) -> float:
    names: dict[str, object] = {name: numpy_table()[name] for name in FUNCTIONS_OF_ONE}
    names |= {"power": math.pow, "maximum": max, "minimum": min, "INFINITY": math.inf, "NAN": math.nan}
    exec("\n".join([*lines, f"result = {result}"]), names | values, names)
    value = names["result"]
    assert isinstance(value, float | int | np.floating)
    return float(value)


@pytest.mark.parametrize(
    "formula",
    [
        x * e.sigmoid(a * x),
        where((x > 0) & ~(x > 5), x**3, -a) + abs(x),
        x**-2 + x**0.5 + x**7 + x**9.5 + x**-20,
        e.maximum(x, a) * e.minimum(x, a) - (-x),
        where((x < a) | (x >= 2), x <= 3, e.not_equal(x, 1) & e.equal(x, x)),
        symbol("t0") * x + symbol("t1") / (x - -2.5),
        e.number(math.inf) * x,
    ],
)
def test_emitted_statements_compute_the_same(formula: Expression) -> None:
    code = statements(formula)
    for point in (0.6, 2.5, 7.0):
        values = {"x": point, "a": 1.3, "t0": 3.0, "t1": 0.7}
        given = {name: np.float64(value) for name, value in values.items()}
        expected = evaluate(formula, given, numpy_table())
        assert _run(code.lines, code.results[0], values) == pytest.approx(float(expected), rel=1e-13)


def test_common_parts_are_computed_once() -> None:
    code = statements(e.exp(x) / (1 + e.exp(x)), e.exp(x) + 1)
    assert sum("exp" in line for line in code.lines) == 1
    assert code.functions == {"exp"}
    assert len(code.results) == 2
