"""Trials on things that only count: their order, their number, and how they end."""

import threading
from dataclasses import dataclass

import joblib
import pytest

from actwise.experiments.budget import Budget, OutOfTimeError
from actwise.experiments.trials import FEWEST_UPDATES, Stop, Trials, by_joblib, in_threads


@dataclass(frozen=True)
class Outcome:
    name: str
    seed: int
    most_updates: float
    updates: float


@dataclass(frozen=True)
class Thing:
    name: str
    updates: float = 1.0

    def train(self, seed, most_updates, should_stop):
        return Outcome(self.name, seed, most_updates, self.updates)


def names(found):
    return [[(each.name, each.seed) for each in outcomes] for outcomes in found]


EXPECTED = [[("a", 7), ("a", 8), ("a", 9)], [("b", 7), ("b", 8), ("b", 9)]]


def test_outcomes_come_by_thing_and_seed():
    trials = Trials(Budget(), seed=5)
    assert names(trials.run([Thing("a"), Thing("b")], 3, first=2)) == EXPECTED


def test_joblib_gives_the_same():
    """In other processes too: see tests/doctor/test_setup.py."""
    with joblib.parallel_config(backend="threading", n_jobs=2):
        trials = Trials(Budget(), seed=5, run_all=by_joblib)
        assert names(trials.run([Thing("a"), Thing("b")], 3, first=2)) == EXPECTED


def test_what_was_trained_is_counted_whatever_the_clock_says():
    for seconds in (1e-3, 1e3):  # per look at the clock
        times = iter(range(1000))
        budget = Budget(1000, clock=lambda times=times, seconds=seconds: next(times) * seconds)
        Trials(budget).run([Thing("a", 30.0), Thing("b", 5.0)], 4)
        assert budget.left == 1000 - 4 * 35


def test_a_small_budget_means_fewer_seeds_and_at_least_two():
    trials = Trials(Budget(1000))
    assert len(trials.run([Thing("a", 100.0)], 4)[0]) == 4, "what a training costs is not known yet"
    assert len(trials.run([Thing("a", 100.0)], 9)[0]) == 6, "600 are left"
    assert len(trials.run([Thing("a", 100.0)], 9)[0]) == 2


def test_part_of_what_is_left_can_be_set_aside():
    trials = Trials(Budget(1000))
    trials.run([Thing("a", 100.0)], 2)
    assert len(trials.run([Thing("a", 100.0)], 9, share=0.5)[0]) == 4


def test_each_training_is_limited_to_its_part():
    (found,) = Trials(Budget(12 * FEWEST_UPDATES)).run([Thing("a")], 4, share=0.5)
    assert {each.most_updates for each in found} == {1.5 * FEWEST_UPDATES}
    (found,) = Trials(Budget(1)).run([Thing("a")], 4)
    assert {each.most_updates for each in found} == {FEWEST_UPDATES}


def test_where_time_is_up_outcomes_are_thrown_away():
    clock = [0.0]

    class Slow(Thing):
        def train(self, seed, most_updates, should_stop):
            assert not should_stop()
            clock[0] += 6
            return super().train(seed, most_updates, should_stop)

    budget = Budget(seconds=10.0, clock=lambda: clock[0])
    trials = Trials(budget)
    trials.run([Slow("a")], 1)
    with pytest.raises(OutOfTimeError):
        trials.run([Slow("a")], 1)


def test_an_error_ends_the_trainings_under_way(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    began, ended = threading.Event(), threading.Event()

    class Waiting(Thing):
        def train(self, seed, most_updates, should_stop):
            began.set()
            while not should_stop():
                pass
            ended.set()

    class Failing(Thing):
        def train(self, seed, most_updates, should_stop):
            began.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Trials(Budget()).run([Failing("b"), Waiting("a")], 1)
    assert ended.is_set()


def test_another_process_is_never_told_to_stop():
    stop = Stop(Budget(seconds=1.0, clock=iter([0.0, 5.0]).__next__))
    assert stop()
    function, arguments = stop.__reduce__()
    assert not function(*arguments)()


def test_in_threads_keeps_the_order():
    assert in_threads([lambda k=k: k * k for k in range(20)], Stop(Budget())) == [k * k for k in range(20)]
