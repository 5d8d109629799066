"""The tree: what building simplifies, and that equality is by structure and fast."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from actwise.formula import expression as e
from actwise.formula.expression import Expression, number, symbol, walk, where

x, a = symbol("x"), symbol("a")


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (x + 0, x),
        (0 + x, x),
        (x - 0, x),
        (0 - x, -x),
        (x * 1, x),
        (1 * x, x),
        (x * 0, number(0)),
        (x * -1, -x),
        (e.negate(-x), x),
        (x / 1, x),
        (x**1, x),
        (x**0, number(1)),
        (number(2) * 3, number(6)),
        (number(2) ** 10, number(1024)),
        (number(-10) ** 401, number(-math.inf)),
        (number(10) ** 400, number(math.inf)),
        (0 / x, number(0)),
    ],
)
def test_building_applies_exact_identities(built: Expression, expected: Expression) -> None:
    assert built == expected


def test_nothing_that_needs_care_is_folded() -> None:
    assert (number(1) / 0).operation == "divide"
    assert (number(-8) ** 0.5).operation == "power"
    assert (x - x).operation == "subtract"
    assert number(0.0) != number(-0.0)


def test_a_condition_in_arithmetic_counts_one() -> None:
    assert x * (x > 0) == x * where(x > 0, 1, 0)


def test_equality_of_shared_parts_is_linear() -> None:
    def tower() -> Expression:
        top = symbol("x")
        for _ in range(200):
            top = top * top
        return top

    start = time.perf_counter()
    assert tower() == tower()
    assert tower() != tower() + 1
    assert time.perf_counter() - start < 1.0


def test_a_deep_chain_compares_and_walks_without_recursion() -> None:
    def chain() -> Expression:
        top = x
        for _ in range(20_000):
            top = e.sin(top)
        return top

    first, second = chain(), chain()
    assert first == second
    assert sum(1 for _ in walk(first)) == 20_001


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: bool(x > 0),
        lambda: list(x),
        lambda: where(x, 1, 2),
        lambda: (x > 0) & 3,
        lambda: (x > 0) | x,
        lambda: ~x,
        lambda: math.exp(x),
        lambda: np.exp(x, out=np.ones(2)),
        lambda: np.ones(2) @ x,
        lambda: np.median(x),
    ],
)
def test_misuse_is_a_type_error(misuse: object) -> None:
    assert callable(misuse)
    with pytest.raises(TypeError):
        misuse()


def test_numpy_scalars_on_the_left_make_nodes() -> None:
    assert np.float64(2) * x == 2 * x
    assert np.float64(2) - x == 2 - x


def test_substitute_rebuilds_with_identities() -> None:
    assert e.substitute(a * x + a, {"a": number(0)}) == number(0)
    assert e.substitute(e.exp(a), {"a": x, "x": a}) == e.exp(x)


def test_every_row_has_an_operation() -> None:
    from actwise.formula.operations import OPERATIONS

    assert set(e.FUNCTIONS_OF_ONE) | e.CONDITIONS | e.REDUCTIONS <= set(OPERATIONS)
    assert all(row.name == name for name, row in OPERATIONS.items())
