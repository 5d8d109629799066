"""A budget counts updates; its clock is whatever it is given."""

import math

import pytest

from actwise.experiments.budget import Budget


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_updates_are_counted_and_never_below_none():
    budget = Budget(updates=100)
    assert (budget.left, budget.share_used, budget.is_out_of_time) == (100, 0.0, False)
    budget.spend(30)
    assert (budget.left, budget.share_used) == (70, 0.3)
    budget.spend(300)
    assert (budget.left, budget.share_used) == (0, 1.0)


def test_seconds_are_those_of_the_clock_since_it_was_made():
    clock = Clock()
    budget = Budget(seconds=8.0, clock=clock)
    assert not budget.is_out_of_time
    clock.now += 6
    assert (budget.seconds_taken, budget.share_used) == (6.0, 0.75)
    clock.now += 2
    assert budget.is_out_of_time
    assert budget.left == math.inf, "the clock takes no updates away"


@pytest.mark.parametrize(("spent", "passed", "share"), [(10, 4.0, 0.5), (60, 4.0, 0.6)])
def test_the_share_used_up_is_the_larger_one(spent, passed, share):
    clock = Clock()
    budget = Budget(100, 8.0, clock)
    budget.spend(spent)
    clock.now += passed
    assert budget.share_used == share
