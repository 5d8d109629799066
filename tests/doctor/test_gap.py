"""When scores count as broken, and when a cure counts as one: each needs clear evidence."""

import numpy as np
import pytest

from actwise.doctor.data import Data
from actwise.doctor.gap import Gap
from actwise.doctor.reference import Reference
from actwise.doctor.setup import Outcome
from actwise.doctor.targets import as_targets

ROWS = np.arange(100)
LABELS = np.repeat([0.0, 1.0], 50)
X = np.random.default_rng(0).normal(size=(200, 2))


def shortfall(scores, labels=LABELS, reach=1.0):
    data = Data(X, as_targets(np.r_[labels, labels], "binary"), ROWS, ROWS + 100)
    outcomes = [Outcome(score, None, np.ones(1), "all epochs done", 0.0, 1.0, 0) for score in scores]
    return Gap(Reference({"a network": reach}), data, outcomes)


@pytest.mark.parametrize(
    ("failing", "of", "broken", "sound"),
    [(0, 6, False, True), (1, 6, False, False), (2, 6, False, False), (3, 6, True, False), (2, 12, False, True),
     (3, 12, False, False), (5, 12, False, False), (6, 12, True, False), (12, 12, True, False)],
)  # fmt: skip
def test_between_clearly_more_and_clearly_less_than_a_third_nothing_is_claimed(failing, of, broken, sound):
    found = shortfall([0.5] * failing + [1.0] * (of - failing))
    assert (found.is_broken, found.is_sound) == (broken, sound)


def test_one_row_of_a_rare_class_is_no_failure():
    rare = (np.arange(100) < 8).astype(float)  # one row of eight is worth 1/16 of a balanced accuracy
    assert not shortfall([1 - 1 / 16] * 6, rare).is_broken
    assert shortfall([1 - 2 / 16] * 6, rare).is_broken
    assert shortfall([1 - 1 / 16] * 6).is_broken


def test_what_few_rows_cannot_tell_is_no_failure_but_is_told():
    numbers = Data(X, as_targets(X[:, 0], "regression"), ROWS, ROWS + 100)  # two standard errors: 0.28 of what is left

    def of(score, reach):
        outcomes = [Outcome(score, None, np.ones(1), "all epochs done", 0.0, 1.0, 0)] * 6
        return Gap(Reference({"a linear model": reach}), numbers, outcomes)

    assert of(0.2, 0.36).is_doubtful
    assert not of(0.2, 0.36).is_broken
    assert of(0.15, 0.36).is_broken
    assert of(0.8, 0.95).is_broken, "where little noise is left, little may be missing"
    assert not of(0.35, 0.36).is_doubtful


def test_errors_on_the_same_rows_tell_what_two_scores_cannot():
    """Where a network is a little worse than a linear model on nearly every row, few rows are enough."""
    rng = np.random.default_rng(1)
    numbers = Data(X, as_targets(X[:, 0], "regression"), ROWS, ROWS + 100)
    of_linear = 0.64 * rng.chisquare(1, 100)

    def of(row_errors):
        outcome = Outcome(0.25, None, np.ones(1), "all epochs done", 0.0, 1.0, 0, row_errors)
        return Gap(Reference({"a linear model": 0.36}, {"a linear model": of_linear}), numbers, [outcome] * 6)

    assert not of(None).is_broken, "two standard errors of R2 are 0.18"
    assert of(of_linear + 0.11 + 0.05 * rng.normal(size=100)).is_broken
    assert not of(of_linear + 0.11 + 2 * rng.normal(size=100)).is_broken
    assert not of(np.full(100, np.inf)).is_broken, "the scores alone then count"


def test_what_a_constant_answer_reaches_is_nothing_gained():
    found = shortfall([0.0, 0.0, 0.0])  # diverged
    assert found.closed([0.5, 0.5, 0.5]) == 0
    assert found.closed([0.75, 0.75, 0.75]) == pytest.approx(0.5)
    assert shortfall([0.6] * 3).closed([0.8] * 3) == pytest.approx(0.5)
