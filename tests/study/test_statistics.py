"""The statistics of studies beside baycomp's, SciPy's and slow twins, and by simulation."""

import numpy as np
import pytest
from scipy import stats

from actwise.study.statistics import (
    average_ranks,
    contrast,
    critical_rank_difference,
    friedman,
    holm,
    levels_of_looks,
    signed_rank,
    wilcoxon_p,
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("runs", "folds"), [(1, 10), (2, 5), (10, 10)])
def test_the_probabilities_are_those_of_baycomp(seed, runs, folds):
    baycomp = pytest.importorskip("baycomp")
    random = np.random.default_rng(seed)
    x, y = random.normal(0.8, 0.05, (2, runs * folds))
    expected = baycomp.two_on_single(x, y, rope=0.01, runs=runs)  # how probable it is that x is better, alike, worse
    found = contrast(x - y, 0.01, 1 / (folds - 1))
    assert (found.better, found.equivalent, found.worse) == pytest.approx(expected, abs=1e-9)


def test_independent_differences_have_the_ordinary_t_test():
    differences = np.random.default_rng(0).normal(0.3, 1, 12)
    found, expected = contrast(differences, 0.1, 0.0), stats.ttest_1samp(differences, 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_the_corrected_variance_is_that_of_the_paper():
    differences = np.array([0.1, 0.3, 0.2, 0.25, 0.15])
    variance = (1 / 5 + 30 / 120) * np.sum((differences - differences.mean()) ** 2) / 4
    t = differences.mean() / np.sqrt(variance)
    assert contrast(differences, 0.0, 30 / 120).p == pytest.approx(2 * stats.t.sf(t, 4))


@pytest.mark.parametrize(("value", "expected"), [(0.0, (0, 1, 0)), (0.5, (1, 0, 0)), (-0.5, (0, 0, 1))])
def test_differences_without_any_spread(value, expected):
    found = contrast([value] * 6, 0.01, 0.25)
    assert (found.better, found.equivalent, found.worse) == expected
    assert found.p == (value == 0)


def test_one_split_tells_nothing():
    found = contrast([0.4], 0.01, 0.25)
    assert found.p == 1
    assert (found.low, found.high) == (-np.inf, np.inf)


def _slow_holm(p_values):
    """Reject in turn, as in the paper: the adjusted value is the smallest level at which a hypothesis is rejected."""
    p_values = list(p_values)
    adjusted = []
    for p in p_values:
        smaller = [each for each in sorted(p_values) if each <= p]
        adjusted.append(min(1.0, max((len(p_values) - k) * each for k, each in enumerate(smaller))))
    return adjusted


def test_holm_rejects_step_by_step():
    random = np.random.default_rng(1)
    for n in (1, 2, 5, 20):
        given = random.uniform(0, 0.2, n)
        assert holm(given) == pytest.approx(_slow_holm(given))


def test_the_levels_of_looks_add_up_and_grow():
    for n in (1, 2, 5, 10):
        levels = levels_of_looks([(k + 1) / n for k in range(n)])
        assert sum(levels) == pytest.approx(0.05)
        assert np.all(np.diff(levels[: n // 2]) > 0)


def test_the_signed_rank_test_is_that_of_baycomp():
    baycomp = pytest.importorskip("baycomp")
    random = np.random.default_rng(2)
    x = random.normal(0.8, 0.02, 30)
    y = x + random.normal(0.005, 0.02, 30)
    better, equivalent, worse = signed_rank(x - y, 0.01)
    expected = baycomp.two_on_multiple(x, y, rope=0.01, nsamples=50_000)
    assert (better, equivalent, worse) == pytest.approx(expected, abs=0.015)


def test_ranks_and_tests_on_them_are_scipys():
    scores = np.random.default_rng(3).normal(size=(20, 4)).round(1)
    slow = np.array(
        [
            [sum(other > own for other in row) + (sum(other == own for other in row) + 1) / 2 for own in row]
            for row in scores
        ]
    )
    assert average_ranks(scores) == pytest.approx(slow.mean(axis=0))
    assert friedman(scores) == stats.friedmanchisquare(*scores.T).pvalue
    differences = scores[:, 0] - scores[:, 1]
    assert wilcoxon_p(differences) == stats.wilcoxon(differences[differences != 0]).pvalue
    assert wilcoxon_p(np.zeros(5)) == 1
    assert friedman(np.ones((5, 3))) == 1


def test_critical_differences_are_those_of_demsars_table():
    # Table 5(a): q at 5 % for 2, 4 and 10 classifiers.
    for n, q in ((2, 1.960), (4, 2.569), (10, 3.164)):
        assert critical_rank_difference(n, 30) == pytest.approx(q * np.sqrt(n * (n + 1) / 180), rel=1e-3)


def test_the_interval_covers_at_its_level_where_training_rows_overlap():
    """Means of overlapping rows stand for learners, of which one is no better than the other."""
    random, covered, naive = np.random.default_rng(4), 0, 0
    n_rows, n_test, n_splits, n_studies = 100, 20, 10, 400
    for _ in range(n_studies):
        x, noise = random.normal(size=n_rows), random.normal(size=n_rows)
        differences = []
        for _ in range(n_splits):
            order = random.permutation(n_rows)
            test, train = order[:n_test], order[n_test:]
            # Two predictors of x, each a constant that is estimated from the training rows.
            first, second = x[train].mean(), noise[train].mean()
            differences.append(np.mean((x[test] - first) ** 2) - np.mean((noise[test] - second) ** 2))
        found = contrast(differences, 0.0, n_test / (n_rows - n_test))
        covered += found.low <= 0 <= found.high
        naive += stats.ttest_1samp(differences, 0).pvalue > 0.05
    assert covered / n_studies > 0.92
    assert naive / n_studies < 0.85  # what the correction is for
