"""Experiments with one change, with two, and with as many as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from actwise.doctor.changes import Change, Code, all_changes
from actwise.doctor.rules import SURE, Suspicion
from actwise.doctor.shortfall import Shortfall
from actwise.doctor.subjects import Data, Outcome, Subject
from actwise.doctor.wellset import anew
from actwise.experiments.trials import Laboratory, Reference

REPAIRED = 0.5  # share of the gap that a change has to close
FIRST_SEEDS, MORE_SEEDS = 6, 6  # the second so many where the first do not agree
SEEDS_PER_CHANGE = 3
MOST_PAIRS = 6
LEVEL = 0.3  # so much of the gap the most plausible change may leave open beside the least plausible one
LAST_RESORT = 0.15  # of the budget for a network that is set anew, where no changes led to a healthy one
RESERVED = 0.25  # of the budget for confirming a cure, once there is one
CONFIRMED_FROM = 100  # place of the first seed that a cure is confirmed with: none that it was found with
MOST_CURES, MOST_BRANCHES, MOST_CHANGES = 3, 2, 4  # candidates, best additions to each, and changes in all


@dataclass(frozen=True, eq=False)
class Tried:
    """One or several changes, and what they brought.

    Parameters
    ----------
    changes : tuple of Change
        Each on top of those before it.
    outcomes : list of Outcome
        A training for each seed.
    closed : float
        Which share of the gap is closed.
    """

    changes: tuple[Change, ...]
    outcomes: list[Outcome]
    closed: float

    @property
    def scores(self) -> tuple[float, ...]:
        """A score for each seed."""
        return tuple(each.score for each in self.outcomes)

    @property
    def settings(self) -> dict[str, Any]:
        """All changed settings, the later ones going before."""
        return {name: value for each in self.changes for name, value in each.settings.items()}


def weights_of(suspected: Sequence[Suspicion]) -> dict[Code, float]:
    """Return how plausible each cause is."""
    weights: dict[Code, float] = {}
    for each in suspected:
        weights[each.code] = max(weights.get(each.code, 0.0), each.weight)
    return weights


def plausibility(change: Change, weights: dict[Code, float]) -> float:
    """Return how plausible the likeliest cause is that a change speaks for."""
    return max((weights.get(code, 0.0) for code in change.codes), default=0.0)


def try_singles(
    subject: Subject, data: Data, laboratory: Laboratory, verdict: Shortfall, suspected: Sequence[Suspicion]
) -> list[Tried]:
    """Try every single change, the most plausible first, until the budget is used up.

    Where something is certainly wrong, only what repairs that: no other change could help before.
    """
    weights = weights_of(suspected)
    changes = sorted(all_changes(subject, data), key=lambda each: -plausibility(each, weights))
    # The longest last: what it would show is often shown by a cheaper one.
    changes.sort(key=lambda each: each.name == "longer")
    changes = [each for each in changes if plausibility(each, weights) == SURE] or changes
    n_seeds = FIRST_SEEDS if 0 < verdict.failing_share < 1 else SEEDS_PER_CHANGE
    found: list[Tried] = []
    for start in range(0, len(changes), 3):
        done = any(each.closed >= REPAIRED for each in found)
        if found and laboratory.seconds_left <= (RESERVED * laboratory.budget if done else 0):
            break
        some = changes[start : start + 3]
        laboratory.say("trying " + ", ".join(each.text for each in some))
        results = laboratory.train([each.subject for each in some], n_seeds)
        for change, outcomes in zip(some, results, strict=True):
            found.append(Tried((change,), outcomes, verdict.closed([each.score for each in outcomes])))
    return found


def try_pairs(
    data: Data, laboratory: Laboratory, verdict: Shortfall, singles: Sequence[Tried], suspected: Sequence[Suspicion]
) -> list[Tried]:
    """Try pairs of the single changes that helped most or are most plausible, or all with one that has to be."""
    weights = weights_of(suspected)
    if singles and plausibility(singles[0].changes[0], weights) == SURE:
        return _try_added(max(singles, key=lambda each: each.closed), data, laboratory, verdict, weights)
    ranked = sorted(singles, key=lambda each: -(min(each.closed, 1) + plausibility(each.changes[0], weights)))[:4]
    subjects: list[tuple[tuple[Change, Change], Subject]] = []
    for k, one in enumerate(ranked):
        for other in ranked[k + 1 :]:
            first, second = one.changes[0], other.changes[0]
            after = {each.name: each for each in all_changes(first.subject, data)}
            if second.name in after and not _same_knob(first, second):
                subjects.append(((first, second), after[second.name].subject))
    found = []
    for pair, subject in subjects[:MOST_PAIRS]:
        if laboratory.seconds_left <= 0:
            break
        laboratory.say(f"trying {pair[0].text} and {pair[1].text}")
        (outcomes,) = laboratory.train([subject], SEEDS_PER_CHANGE)
        changed = (pair[0], replace(pair[1], subject=subject))
        found.append(Tried(changed, outcomes, verdict.closed([each.score for each in outcomes])))
    return found


_STEPS = ("lr_up", "lr_down", "units_x2")  # one step more in the same direction may be what is missing


def _same_knob(one: Change, other: Change) -> bool:
    knobs = [{"lr_up", "lr_down", "adam"}, {"hidden_relu", "hidden_tanh"}]
    return any({one.name, other.name} <= knob for knob in knobs)


def rank(tried: Tried, weights: dict[Code, float]) -> float:
    """Return how good an explanation a change is: what it closes, how plausible it is, how little it rebuilds."""
    plausible = max(plausibility(change, weights) for change in tried.changes)
    return min(tried.closed, 1.0) + LEVEL * plausible - max(change.effort for change in tried.changes)


@dataclass(frozen=True, eq=False)
class Cure:
    """Changes that together make a network healthy, or as healthy as was found.

    Parameters
    ----------
    tried : Tried
        The changes and what they brought.
    heals : bool
        Whether the network is healthy with them.
    confirmed : bool
        Whether there was time to try other seeds than those that it was found with.
    """

    tried: Tried
    heals: bool
    confirmed: bool = True


def find_cure(
    subject: Subject,
    data: Data,
    laboratory: Laboratory,
    shortfall: Shortfall,
    reference: Reference,
    candidates: Sequence[Tried],
    weights: dict[Code, float],
) -> Cure | None:
    """Find changes that make a network healthy: the best candidate, and what has to be added to it."""

    def confirm(tried: Tried) -> Cure:
        changed, outcomes = tried.changes[-1].subject, list[Outcome]()
        laboratory.say("confirming " + " and ".join(each.text for each in tried.changes))
        for first in range(0, FIRST_SEEDS + MORE_SEEDS, FIRST_SEEDS):
            if laboratory.seconds_left <= 0:
                break
            (more,) = laboratory.train([changed], FIRST_SEEDS, CONFIRMED_FROM + first, whole=True)
            outcomes += more
            after = Shortfall(reference, data, outcomes)
            if after.is_broken:
                break
        if not outcomes or any(each.epochs_share < 1 for each in outcomes):
            return Cure(tried, heals=False, confirmed=False)
        closed = shortfall.closed([each.score for each in outcomes])
        return Cure(Tried(tried.changes, outcomes, closed), after.is_sound)

    pool: list[Cure] = []
    for candidate in candidates[:MOST_CURES]:
        if pool and laboratory.seconds_left <= 0:
            break
        pool.append(confirm(candidate))
        if pool[-1].heals:
            return pool[-1]
    # Best first: what helps most is completed first, and what helps less where that leads nowhere.
    waiting = list(pool)
    while waiting and laboratory.seconds_left > LAST_RESORT * laboratory.budget:
        best = max(waiting, key=lambda each: each.tried.closed)
        waiting.remove(best)
        further = _try_added(best.tried, data, laboratory, shortfall, weights)
        for tried in sorted(further, key=lambda each: each.changes[-1].effort - each.closed)[:MOST_BRANCHES]:
            if laboratory.seconds_left <= LAST_RESORT * laboratory.budget or tried.closed <= best.tried.closed:
                break
            pool.append(confirm(tried))
            if pool[-1].heals:
                return pool[-1]
            if len(tried.changes) < MOST_CHANGES:
                waiting.append(pool[-1])
    last_resort = anew(subject, data)
    if laboratory.seconds_left > 0 and last_resort is not None:
        pool.append(confirm(Tried((last_resort,), [], 0.0)))
        if pool[-1].heals:
            return pool[-1]
    return max((each for each in pool if each.tried.outcomes), key=lambda each: each.tried.closed, default=None)


def _try_added(
    tried: Tried, data: Data, laboratory: Laboratory, shortfall: Shortfall, weights: dict[Code, float]
) -> list[Tried]:
    """Try each further change on top of some, the most plausible first."""
    done = tried.changes
    further = [
        change
        for change in all_changes(done[-1].subject, data)
        if (change.name == done[-1].name and change.name in _STEPS)
        or not any(change.name == each.name or _same_knob(change, each) for each in done)
    ]
    further.sort(key=lambda each: (each.name == "longer", -plausibility(each, weights)))
    found: list[Tried] = []
    for start in range(0, len(further), 3):
        if laboratory.seconds_left <= 0:
            break
        some = further[start : start + 3]
        laboratory.say("adding " + ", ".join(each.text for each in some))
        results = laboratory.train([each.subject for each in some], SEEDS_PER_CHANGE)
        for change, outcomes in zip(some, results, strict=True):
            found.append(Tried((*done, change), outcomes, shortfall.closed([each.score for each in outcomes])))
    return found
