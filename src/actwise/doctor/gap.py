"""The gap between a network's scores over several seeds and what can be reached, with noise allowed for."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from actwise.doctor.data import Data
from actwise.doctor.reference import Reference
from actwise.doctor.setup import Outcome
from actwise.experiments.paired import paired_difference

MISSING_SHARE = 0.1  # of the way from the constant to the reference: more of it missing is a failure
SAMPLING_NOISE = 0.05  # of a balanced accuracy on held-out rows
STANDARD_ERRORS = 2.0  # of an R2 on held-out rows: a shortfall of less may be the choice of the rows
FEWEST_ROWS = 1.5  # of the rarest class: one more or less right is no failure
FAILING_SEEDS = 1 / 3  # beyond so many, failing is a fault and not bad luck


def _worth_of_a_row(data: Data) -> float:
    """Return what a row of the rarest class counts for in a balanced accuracy."""
    truth = data.task.truth[data.test]
    if truth.ndim > 1:
        return 1 / len(truth)
    counts = np.unique(truth, return_counts=True)[1]
    return 1 / float(counts.min() * len(counts))


class Gap:
    """The gap between the scores of some trainings, the same thing with several seeds, and what can be reached."""

    def __init__(self, reference: Reference, data: Data, outcomes: Sequence[Outcome]) -> None:
        self.scores = tuple(each.score for each in outcomes)
        self.data = data
        self.reference = reference
        self.reach = reference.score
        self.noise = 0.0
        if data.task.is_classification and data.held_out:
            self.noise = max(SAMPLING_NOISE, FEWEST_ROWS * _worth_of_a_row(data))
        elif data.held_out:
            self.noise = STANDARD_ERRORS * self._standard_error(outcomes)
        elif data.task.is_classification and reference.is_cross_validated:
            self.noise = 0.5 / float(np.sqrt(len(data.test)))  # a standard error of a share
        self.failing = [self.falls_short(score) for score in self.scores]
        self.failing_share = float(np.mean(self.failing))

    def _standard_error(self, outcomes: Sequence[Outcome]) -> float:
        """Of the difference of R2 on these rows; many seeds do not make it smaller, as they share the rows."""
        # A mean square of normal residuals, as a share of the variance: of the reference alone.
        alone = max(0.0, 1 - self.reach) * float(np.sqrt(2 / len(self.data.test)))
        middle = sorted(outcomes, key=lambda each: each.score)[len(outcomes) // 2].row_errors
        best = self.reference.row_errors.get(self.reference.name)
        if middle is None or best is None or not np.isfinite(middle).all():
            return alone
        # What the rows have in common tells nothing about which is better, and is not in the difference.
        return min(alone, paired_difference(middle, best)[1])

    def falls_short(self, score: float) -> bool:
        """Whether one score does."""
        missing = self.reach - score
        return bool(missing > max(MISSING_SHARE * (self.reach - self.data.constant_score), self.noise))

    @property
    def is_doubtful(self) -> bool:
        """Whether so much is missing that only the noise of few rows speaks for the network."""
        missing = self.reach - median(self.scores)
        return missing > MISSING_SHARE * (self.reach - self.data.constant_score)

    @property
    def is_broken(self) -> bool:
        """Whether the median falls short, or clearly more than a third of the seeds: more than bad luck."""
        return self.falls_short(median(self.scores)) or self.failing_share >= FAILING_SEEDS + self._error

    @property
    def is_sound(self) -> bool:
        """Whether clearly less than a third of the seeds falls short: what is asked of a cure."""
        return not self.falls_short(median(self.scores)) and self.failing_share <= max(0.0, FAILING_SEEDS - self._error)

    @property
    def _error(self) -> float:
        """The standard error of a share of a third."""
        return float(np.sqrt(FAILING_SEEDS * (1 - FAILING_SEEDS) / len(self.scores)))

    @property
    def is_hopeless(self) -> bool:
        """Whether on held-out rows nothing does better than a constant, beyond what sampling explains."""
        noise = max(SAMPLING_NOISE, 1 / np.sqrt(len(self.data.test)))
        best = max(self.reach, median(self.scores))
        return self.data.held_out and best - self.data.constant_score < noise

    def base(self) -> float:
        """The score to start from: the mean where only some seeds fail, so that luck does not hide a fault.

        Never below a constant's: what a network that diverges gains by standing still is nothing learned.
        """
        typical = median(self.scores)
        start = typical if self.falls_short(typical) else float(np.mean(self.scores))
        return max(start, self.data.constant_score)

    def closed(self, scores: Sequence[float]) -> float:
        """Which share of the gap these scores close."""
        typical = median(list(scores)) if self.falls_short(median(self.scores)) else float(np.mean(scores))
        return (typical - self.base()) / max(1e-12, self.reach - self.base())
