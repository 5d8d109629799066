"""What a study found: records, and how they follow from the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.study.statistics import LEVEL, Contrast, contrast, holm

Floats = npt.NDArray[np.float64]
Verdict: TypeAlias = Literal["best", "equivalent", "undecided", "worse"]
SURE = 0.95  # the posterior probability from which on arms are called practically equivalent


@dataclass(frozen=True)
class ArmResult:
    """What is known of one arm.

    Parameters
    ----------
    name : str
        What it is called.
    score : float
        Mean over splits and seeds, as the metric gives it.
    verdict : {"best", "equivalent", "undecided", "worse"}
        Beside the arm with the best mean.
    contrast : Contrast
        How far it is ahead of the best arm, split by split: negative where it is behind, whatever the metric.
    p : float
        Of `contrast`, after Holm's adjustment for all pairs of arms.
    n_splits : int
        Splits on which it was trained; fewer where it was clearly worse.
    diverged, n_trainings : int
        In how many trainings it gave no finite score, of how many. There it counts as a constant answer.
    seconds : float
        Median time of a training.
    """

    name: str
    score: float
    verdict: Verdict
    contrast: Contrast
    p: float
    n_splits: int
    diverged: int = 0
    n_trainings: int = 0
    seconds: float = float("nan")


@dataclass(frozen=True)
class Comparison:
    """The answer of a study.

    Parameters
    ----------
    arms : tuple of ArmResult
        The best mean first.
    winner : str or None
        The arm that is better than every other beyond chance, if there is one.
    recommended : str
        The one to take: the winner, or of those that do equally well the one with the simplest activation.
    metric : str
        What is compared.
    larger_is_better : bool
        Whether a large metric is good.
    rope : float
        Differences up to it are practically none.
    n_splits, n_seeds : int
        How many splits were done, and how many trainings for each arm and split.
    test_to_train : float
        Rows of a test part over rows of a training part.
    chosen_score : float
        Score of the arm that the other folds would have chosen, on the fold that had no part in the choice: what to
        expect of an arm that is picked in this way. NaN where folds do not tell.
    stopped_because : str
        "decided", "all splits done", "budget used up" or "interrupted".
    """

    arms: tuple[ArmResult, ...]
    winner: str | None
    recommended: str
    metric: str
    larger_is_better: bool
    rope: float
    n_splits: int
    n_seeds: int = 1
    test_to_train: float = 0.0
    chosen_score: float = float("nan")
    stopped_because: str = "all splits done"

    @property
    def best(self) -> ArmResult:
        """The arm with the best mean."""
        return self.arms[0]

    @property
    def equivalent(self) -> tuple[str, ...]:
        """Names of the arms that do practically as well as the best, itself included."""
        return tuple(arm.name for arm in self.arms if arm.verdict in ("best", "equivalent"))

    def with_verdict(self, verdict: Verdict) -> tuple[ArmResult, ...]:
        """Return the arms of one verdict."""
        return tuple(arm for arm in self.arms if arm.verdict == verdict)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data.

        Returns
        -------
        dict
            Fields of the record; of each arm a dictionary with its contrast.
        """
        return asdict(self) | {"arms": [asdict(arm) for arm in self.arms], "equivalent": list(self.equivalent)}

    def to_frame(self) -> Any:
        """Return a row per arm.

        Returns
        -------
        polars.DataFrame
            Name, score, verdict, the difference to the best arm with its interval, the adjusted p-value, the three
            probabilities, number of splits and of diverged trainings, and seconds of a training.
        """
        import polars as pl

        rows = []
        for arm in self.arms:
            plain = asdict(arm)
            found = plain.pop("contrast")
            del found["p"]
            rows.append(plain | found)
        return pl.DataFrame(rows)

    def plot(self, path: str | None = None) -> Any:
        """Draw each arm's difference to the best, with its interval and the region of practical equivalence.

        Parameters
        ----------
        path : str, optional
            Where the picture is written; its ending says the format.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from actwise.report.intervals import draw_intervals

        return draw_intervals(
            [arm.name for arm in self.arms],
            [(arm.contrast.difference, arm.contrast.low, arm.contrast.high) for arm in self.arms],
            zone=self.rope,
            title=f"Difference to {self.best.name} ({self.metric}, {self.n_splits} splits)",
            path=path,
        )

    def __str__(self) -> str:
        from actwise.study.wording import paragraph

        return paragraph(self)


@dataclass(frozen=True)
class Standing:
    """Scores of arms, split by split.

    Parameters
    ----------
    names : tuple of str
        The arms.
    scores : ndarray of shape (n_splits, n_arms)
        Means over seeds, larger is better; NaN where an arm was no longer trained.
    """

    names: tuple[str, ...]
    scores: Floats

    def means(self) -> Floats:
        """Return the mean of each arm on the splits that it has, shape (n_arms,)."""
        return np.asarray(np.nanmean(self.scores, axis=0))

    def best(self) -> int:
        """Return the arm with the best mean of those that all splits have."""
        complete = ~np.isnan(self.scores).any(axis=0)
        return int(np.argmax(np.where(complete, self.means(), -np.inf)))

    def differences(self, first: int, second: int) -> Floats:
        """Return differences on the splits that both have."""
        found = self.scores[:, first] - self.scores[:, second]
        return found[~np.isnan(found)]


def judge(
    standing: Standing, rope: float, test_to_train: float, level: float = LEVEL
) -> list[tuple[Verdict, Contrast, float]]:
    """Say of each arm how it stands beside the best: the verdict, the contrast and the adjusted p-value.

    p-values are adjusted for all pairs, since the same scores say which arm is the best.
    """
    n = len(standing.names)
    best = standing.best()
    pairs = [(i, j) for i in range(n) for j in range(i)]
    contrasts = {pair: contrast(standing.differences(*pair), rope, test_to_train) for pair in pairs}
    adjusted = dict(zip(pairs, holm([contrasts[pair].p for pair in pairs]), strict=True))
    found: list[tuple[Verdict, Contrast, float]] = []
    for arm in range(n):
        if arm == best:
            found.append(("best", Contrast(0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0), 1.0))
            continue
        beside = contrast(standing.differences(arm, best), rope, test_to_train)
        p = float(adjusted[max(arm, best), min(arm, best)])
        verdict: Verdict = "undecided"
        if beside.equivalent >= SURE:
            verdict = "equivalent"
        elif p <= level and beside.difference < 0:
            verdict = "worse"
        found.append((verdict, beside, p))
    return found


def conclude(
    standing: Standing,
    *,
    metric: str,
    sign: int,
    rope: float,
    test_to_train: float,
    formula_sizes: Sequence[float] = (),
    level: float = LEVEL,
    known_worse: frozenset[str] = frozenset(),
    n_folds: int = 0,
    n_seeds: int = 1,
    diverged: Mapping[str, int] | None = None,
    seconds: Mapping[str, float] | None = None,
    stopped_because: str = "all splits done",
) -> Comparison:
    """Turn scores into the answer; `known_worse` were found worse at an earlier look."""
    means, judged = standing.means(), judge(standing, rope, test_to_train, level)
    arms = []
    for k, name in enumerate(standing.names):
        verdict, beside, p = judged[k]
        n_splits = int((~np.isnan(standing.scores[:, k])).sum())
        arms.append(
            ArmResult(
                name,
                float(sign * means[k]),
                "worse" if name in known_worse and verdict != "best" else verdict,
                beside,
                p,
                n_splits,
                (diverged or {}).get(name, 0),
                n_splits * n_seeds,
                (seconds or {}).get(name, float("nan")),
            )
        )
    best = standing.best()
    order = sorted(range(len(arms)), key=lambda k: (k != best, arms[k].verdict == "worse", -means[k]))
    others = [arm.verdict for arm in arms if arm.verdict != "best"]
    winner = standing.names[best] if all(each == "worse" for each in others) else None
    sizes = formula_sizes or [0.0] * len(arms)
    candidates = [k for k in order if arms[k].verdict in ("best", "equivalent")]
    recommended = min(candidates, key=lambda k: (sizes[k], order.index(k)))
    return Comparison(
        tuple(arms[k] for k in order),
        winner,
        standing.names[recommended],
        metric,
        sign > 0,
        rope,
        len(standing.scores),
        n_seeds,
        test_to_train,
        sign * score_of_the_chosen(standing.scores, n_folds),
        stopped_because,
    )


def score_of_the_chosen(scores: Floats, n_folds: int) -> float:
    """Choose an arm by all folds of a repetition but one, and average its scores on that one.

    Shapes: `scores` (n_splits, n_arms), whole repetitions of `n_folds` folds one after another.

    >>> score_of_the_chosen(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), 3)
    0.6666666666666666
    """
    whole = len(scores) // n_folds if n_folds > 1 else 0
    if not whole:
        return float("nan")
    repeats = np.where(np.isnan(scores), -np.inf, scores)[: whole * n_folds].reshape(whole, n_folds, -1)
    others = np.stack([np.delete(repeats, fold, axis=1).sum(axis=1) for fold in range(n_folds)], axis=1)
    chosen = others.argmax(axis=2)
    return float(np.take_along_axis(repeats, chosen[:, :, None], axis=2).mean())
