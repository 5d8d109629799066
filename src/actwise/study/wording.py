"""The answer of a study in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from actwise.study.conclusion import ArmResult, Comparison

MOST_SPLITS_ADVISED = 500


def paragraph(found: Comparison) -> str:
    """Say who wins, what cannot be told apart, which arm to take, and what would decide more."""
    equivalent, undecided, worse = (found.with_verdict(each) for each in ("equivalent", "undecided", "worse"))
    sentences = []
    if found.winner:
        sentences.append(f"{found.winner} is better than {_every_other(found)}, beyond chance.")
    elif len(equivalent) == len(found.arms) - 1:
        sentences.append(
            f"Any of these will do: {_listed(arm.name for arm in found.arms)} differ by no more than "
            f"{found.rope:.2g} in "
            f"{found.metric}, with a probability of 95 % or more for each."
        )
    else:
        if equivalent:
            sentences.append(
                f"{_listed(found.equivalent)} do practically equally well: they differ by no more than "
                f"{found.rope:.2g} in {found.metric}."
            )
        if undecided:
            sentences.append(
                f"{_listed(arm.name for arm in undecided)} cannot be told apart from {found.best.name} by "
                f"{found.n_splits} splits."
            )
    if worse and not found.winner:
        sentences.append(f"Worse than {found.best.name}: {'; '.join(_behind(arm) for arm in worse)}.")
    elif worse:
        sentences.append(f"Behind it: {'; '.join(_behind(arm) for arm in worse)}.")
    sentences.append(_advice(found))
    if np.isfinite(found.chosen_score):
        sentences.append(
            f"An arm that is chosen in this way reaches a {found.metric} of {found.chosen_score:.4g} on rows that "
            "had no part "
            "in the choice."
        )
    sentences += [
        f"{arm.name} diverged in {arm.diverged} of {arm.n_trainings} trainings, which count as a constant answer."
        for arm in found.arms
        if arm.diverged
    ]
    if undecided:
        sentences.append(_what_decides(found, undecided[0]))
    if found.stopped_because in ("interrupted", "budget used up"):
        sentences.append(f"The study ended after {found.n_splits} splits ({found.stopped_because}).")
    return " ".join(sentences)


def _every_other(found: Comparison) -> str:
    others = [arm.name for arm in found.arms if arm.name != found.winner]
    return others[0] if len(others) == 1 else f"each of the {len(others)} others"


def _advice(found: Comparison) -> str:
    if found.winner:
        return f"Take {found.winner}."
    if found.recommended == found.best.name:
        simplest = len(found.equivalent) > 1
        return f"Take {found.recommended}{', the simplest of them' if simplest else ', which has the best mean'}."
    return f"Take {found.recommended}, the simplest of those that do equally well."


def _behind(arm: ArmResult) -> str:
    low, high = sorted((abs(arm.contrast.low), abs(arm.contrast.high)))
    if arm.contrast.low < 0 < arm.contrast.high:
        low = -low
    return f"{arm.name} by {abs(arm.contrast.difference):.2g} ({low:.2g} to {high:.2g})"


def _what_decides(found: Comparison, arm: ArmResult) -> str:
    """Say how many splits, or rows, would tell the nearest undecided arm from the best."""
    difference = max(abs(arm.contrast.difference), found.rope)
    half, now = (arm.contrast.high - arm.contrast.low) / 2, 1 / found.n_splits + found.test_to_train
    if not 0 < half < np.inf:
        return ""
    # The interval shrinks with the splits to what the overlap of their training rows leaves.
    room = now * (difference / half) ** 2 - found.test_to_train
    if room > 1 / MOST_SPLITS_ADVISED:
        wanted = int(np.ceil(1 / room))
        if wanted > found.n_splits:
            return f"About {wanted} splits would tell {arm.name} from {found.best.name} if they differ as they seem to."
        return f"A few more splits would tell {arm.name} from {found.best.name}."
    times = max(2, int(np.ceil(found.test_to_train / now * (half / difference) ** 2))) if difference else 0
    more = f"; about {times} times as many rows might" if difference else ""
    return f"More splits of these rows would not tell {arm.name} from {found.best.name}{more}."


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
