"""How large a problem is: rows that differ times parameters."""

import numpy as np
import pytest

from actwise.training.regimes import n_distinct, regime_of


@pytest.mark.parametrize(
    ("rows", "parameters", "regime"),
    [(4, 9, "tiny"), (500, 10, "tiny"), (501, 10, "small"), (10_000, 10, "small"), (10_001, 10, "large")],
)
def test_the_size_decides(rows, parameters, regime):
    assert regime_of(rows, parameters) == regime


def test_equal_rows_count_once_where_their_targets_agree():
    X = np.tile([[0.0, 0.0], [0.0, 1.0]], (50, 1))
    y = np.tile([0.0, 1.0], 50)
    assert n_distinct(X, y, most=1000) == 2
    y[0] = 1.0
    assert n_distinct(X, y, most=1000) == 3
    assert n_distinct(X, y, most=99) == 100, "too many to be compared are taken to differ"
