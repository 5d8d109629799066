"""Paired differences against SciPy's paired t-test."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from actwise.experiments.paired import paired_difference


@pytest.mark.parametrize("n", [2, 9, 100])
def test_mean_and_standard_error_are_those_of_the_paired_t_test(n):
    rng = np.random.default_rng(n)
    rows = rng.normal(size=n)
    one, other = rows + 0.1 * rng.normal(size=n), rows + 0.2
    mean, error = paired_difference(one, other)
    expected = ttest_rel(one, other)
    assert mean / error == pytest.approx(expected.statistic)
    assert mean == pytest.approx(np.mean(one - other))
