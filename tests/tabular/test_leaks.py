"""Columns that give the target away are named, and strong honest ones are not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from actwise.tables import TableEncoding, find_target, read_table
from actwise.tabular.leaks import telling_columns
from actwise.tasks.baselines import Rows


def telling(frame: pl.DataFrame, target: str) -> list[tuple[str, bool]]:
    found = find_target(frame, target)
    encoding = TableEncoding.learn(frame, target)
    learned = found.learn(frame, np.arange(frame.height))
    return telling_columns(encoding, learned.task, Rows(encoding.encode(frame), learned.encode(frame)))


def test_columns_that_give_the_target_away() -> None:
    random = np.random.default_rng(0)
    survived = random.integers(0, 2, 300)
    price = random.normal(50, 20, 300)
    frame = pl.DataFrame(
        {
            "boat": [("ABC"[k % 3] if alive and k % 40 else None) for k, alive in enumerate(survived)],
            "code": [f"{'ok' if alive else 'no'}{k % 5}" for k, alive in enumerate(survived)],
            "age": random.normal(40, 15, 300),
            "survived": survived,
        }
    )
    assert telling(frame, "survived") == [("boat", True), ("code", False)]
    prices = pl.DataFrame({"with_tax": price * 1.19, "size": price + random.normal(0, 10, 300), "price": price})
    assert telling(prices, "price") == [("with_tax", False)]


@pytest.mark.parametrize("sample", ["iris", "breast_cancer", "wine", "diabetes"])
def test_honest_columns_are_not_named(sample: str) -> None:
    frame = read_table(f"sample:{sample}")
    assert telling(frame, frame.columns[-1]) == []
