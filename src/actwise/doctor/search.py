"""Experiments with one change, with two, and with as many as it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from actwise.doctor.causes import CERTAIN, Code, Suspicion, plausible
from actwise.doctor.changes import Change, all_changes
from actwise.doctor.data import Data
from actwise.doctor.gap import Gap
from actwise.doctor.setup import Outcome, Setup, Training
from actwise.doctor.standard import with_standard_network
from actwise.experiments.trials import Trials

CLOSED = 0.5  # share of the gap that a change has to close
FIRST_SEEDS, MORE_SEEDS = 6, 6  # the second so many where the first do not agree
SEEDS_PER_CHANGE = 3
AT_ONCE = 3  # changes that are tried side by side
MOST_PAIRS = 6
LEVEL = 0.3  # so much of the gap the most plausible change may leave open beside the least plausible one
LAST_RESORT = 0.15  # of the budget for the standard network, where no changes led to a healthy one
RESERVED = 0.25  # of the budget for confirming a cure, once there is one
CONFIRMED_FROM = 100  # place of the first seed that a cure is confirmed with: none that it was found with
MOST_CURES, MOST_BRANCHES, MOST_CHANGES = 3, 2, 4  # candidates, best additions to each, and changes in all
ONE_STEP_MORE = ("lr_up", "lr_down", "units_x2")  # in the same direction may be what is missing
ALTERNATIVES = ({"lr_up", "lr_down", "adam"}, {"hidden_relu", "hidden_tanh"})


@dataclass(frozen=True, eq=False)
class Tried:
    """Changes, each on top of those before it, and what they brought."""

    changes: tuple[Change, ...]
    outcomes: Sequence[Outcome]  # of each seed
    closed: float  # share of the gap

    @property
    def scores(self) -> tuple[float, ...]:
        """A score for each seed."""
        return tuple(each.score for each in self.outcomes)

    @property
    def setup(self) -> Setup:
        """The setup with all changes."""
        return self.changes[-1].setup

    @property
    def settings(self) -> dict[str, Any]:
        """All changed settings, the later ones going before."""
        return {name: value for each in self.changes for name, value in each.settings.items()}

    @property
    def text(self) -> str:
        """All changes in words, but for those that later ones take back."""
        kept = [
            each
            for k, each in enumerate(self.changes)
            if not set(each.settings) <= {name for later in self.changes[k + 1 :] for name in later.settings}
        ]
        *first, last = [each.text for each in kept]
        return f"{', '.join(first)} and {last}" if first else last


@dataclass(frozen=True, eq=False)
class Cure:
    """Changes that together make a network healthy, or as healthy as was found."""

    tried: Tried
    is_healthy: bool
    confirmed: bool = True  # with other seeds than those that it was found with


def plausibility(change: Change, weights: dict[Code, float]) -> float:
    """Return the weight of the most plausible cause that a change speaks for."""
    return max((weights.get(code, 0.0) for code in change.codes), default=0.0)


def rank(tried: Tried, weights: dict[Code, float]) -> float:
    """Return how good an explanation a change is: what it closes, how plausible it is, how little it rebuilds."""
    likely = max(plausibility(change, weights) for change in tried.changes)
    return min(tried.closed, 1.0) + LEVEL * likely - max(change.effort for change in tried.changes)


@dataclass(frozen=True, eq=False)
class Search:
    """Looks for changes that close a gap, within what is left of the budget of `trials`."""

    setup: Setup
    data: Data
    gap: Gap
    suspected: list[Suspicion]
    trials: Trials
    say: Callable[[str], object]  # told what is done next

    @property
    def _weights(self) -> dict[Code, float]:
        return plausible(self.suspected)

    def _try(self, candidates: Sequence[Tried], what: str, n_seeds: int = SEEDS_PER_CHANGE) -> list[Tried]:
        """Train each candidate, and see how much of the gap it closes."""
        self.say(f"{what} " + ", ".join(each.changes[-1].text for each in candidates))
        results = self.trials.run([Training(each.setup, self.data) for each in candidates], n_seeds)
        return [
            Tried(each.changes, outcomes, self.gap.closed([outcome.score for outcome in outcomes]))
            for each, outcomes in zip(candidates, results, strict=True)
        ]

    def singles(self) -> list[Tried]:
        """Try every single change, the most plausible first, until the budget is used up.

        Where something is certainly wrong, only what corrects that: no other change could help before.
        """
        weights, budget = self._weights, self.trials.budget
        # The longest last: what it would show is often shown by a cheaper one.
        changes = sorted(
            all_changes(self.setup, self.data), key=lambda each: (each.name == "longer", -plausibility(each, weights))
        )
        changes = [each for each in changes if plausibility(each, weights) == CERTAIN] or changes
        n_seeds = FIRST_SEEDS if 0 < self.gap.failing_share < 1 else SEEDS_PER_CHANGE
        found: list[Tried] = []
        for start in range(0, len(changes), AT_ONCE):
            done = any(each.closed >= CLOSED for each in found)
            if found and budget.left <= (RESERVED * budget.updates if done else 0):
                break
            some = [Tried((each,), (), 0.0) for each in changes[start : start + AT_ONCE]]
            found += self._try(some, "trying", n_seeds)
        return found

    def pairs(self, singles: Sequence[Tried]) -> list[Tried]:
        """Try pairs of the single changes that helped most or are most plausible, or all with one that has to be."""
        weights = self._weights
        if singles and plausibility(singles[0].changes[0], weights) == CERTAIN:
            return self._added(max(singles, key=lambda each: each.closed))
        ranked = sorted(singles, key=lambda each: -(min(each.closed, 1) + plausibility(each.changes[0], weights)))[:4]
        candidates = []
        for k, one in enumerate(ranked):
            after = {each.name: each for each in all_changes(one.setup, self.data)}
            for other in ranked[k + 1 :]:
                first, second = one.changes[0], other.changes[0]
                if second.name in after and not _are_alternatives(first, second):
                    added = replace(second, setup=after[second.name].setup)
                    candidates.append(Tried((first, added), (), 0.0))
        found: list[Tried] = []
        for each in candidates[:MOST_PAIRS]:
            if self.trials.budget.left <= 0:
                break
            found += self._try([each], f"trying {each.changes[0].text} and")
        return found

    def _added(self, tried: Tried) -> list[Tried]:
        """Try each further change on top of some, the most plausible first."""
        done, weights = tried.changes, self._weights
        further = [
            change
            for change in all_changes(tried.setup, self.data)
            if (change.name == done[-1].name and change.name in ONE_STEP_MORE)
            or not any(change.name == each.name or _are_alternatives(change, each) for each in done)
        ]
        further.sort(key=lambda each: (each.name == "longer", -plausibility(each, weights)))
        found: list[Tried] = []
        for start in range(0, len(further), AT_ONCE):
            if self.trials.budget.left <= 0:
                break
            some = [Tried((*done, each), (), 0.0) for each in further[start : start + AT_ONCE]]
            found += self._try(some, "adding")
        return found

    def _confirm(self, tried: Tried) -> Cure:
        """Train with seeds that the changes were not found with."""
        self.say(f"confirming {tried.text}")
        outcomes: list[Outcome] = []
        after = None
        for first in range(0, FIRST_SEEDS + MORE_SEEDS, FIRST_SEEDS):
            if self.trials.budget.left <= 0:
                break
            training = Training(tried.setup, self.data, whole=True)
            (more,) = self.trials.run([training], FIRST_SEEDS, CONFIRMED_FROM + first)
            outcomes += more
            after = Gap(self.gap.reference, self.data, outcomes)
            if after.is_broken:
                break
        if after is None or any(each.epochs_share < 1 for each in outcomes):
            return Cure(tried, is_healthy=False, confirmed=False)
        closed = self.gap.closed([each.score for each in outcomes])
        return Cure(Tried(tried.changes, outcomes, closed), after.is_sound)

    def cure(self, candidates: Sequence[Tried]) -> Cure | None:
        """Find changes that make the network healthy: the best candidate, and what has to be added to it."""
        budget = self.trials.budget
        reserved = LAST_RESORT * budget.updates
        pool: list[Cure] = []
        for candidate in candidates[:MOST_CURES]:
            if pool and budget.left <= 0:
                break
            pool.append(self._confirm(candidate))
            if pool[-1].is_healthy:
                return pool[-1]
        # Best first: what helps most is completed first, and what helps less where that leads nowhere.
        waiting = list(pool)
        while waiting and budget.left > reserved:
            best = max(waiting, key=lambda each: each.tried.closed)
            waiting.remove(best)
            further = self._added(best.tried)
            for tried in sorted(further, key=lambda each: each.changes[-1].effort - each.closed)[:MOST_BRANCHES]:
                if budget.left <= reserved or tried.closed <= best.tried.closed:
                    break
                pool.append(self._confirm(tried))
                if pool[-1].is_healthy:
                    return pool[-1]
                if len(tried.changes) < MOST_CHANGES:
                    waiting.append(pool[-1])
        last_resort = with_standard_network(self.setup, self.data)
        if budget.left > 0 and last_resort is not None:
            pool.append(self._confirm(Tried((last_resort,), (), 0.0)))
            if pool[-1].is_healthy:
                return pool[-1]
        return max((each for each in pool if each.tried.outcomes), key=lambda each: each.tried.closed, default=None)


def _are_alternatives(one: Change, other: Change) -> bool:
    return any({one.name, other.name} <= each for each in ALTERNATIVES)
