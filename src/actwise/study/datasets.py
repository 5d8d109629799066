"""Methods compared over data sets: average ranks, tests on them, and probabilities for a further data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.study.statistics import (
    LEVEL,
    average_ranks,
    critical_rank_difference,
    friedman,
    holm,
    signed_rank,
    wilcoxon_p,
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MethodResult:
    """One method beside the one with the best average rank.

    Parameters
    ----------
    name : str
        What it is called.
    mean : float
        Mean score over the data sets.
    rank : float
        Average rank; 1 is the best.
    p : float
        Of Wilcoxon's test against the best, after Holm's adjustment.
    better, equivalent, worse : float
        How probable it is that on a further data set it does better than the best, practically as well, or worse.
    """

    name: str
    mean: float
    rank: float
    p: float
    better: float
    equivalent: float
    worse: float


@dataclass(frozen=True)
class DatasetComparison:
    """Methods compared over data sets.

    Parameters
    ----------
    arms : tuple of MethodResult
        The best average rank first.
    friedman_p : float
        For all methods being alike.
    critical_difference : float
        Of average ranks, by Nemenyi's test at 5 %.
    rope : float
        Differences up to it are practically none.
    n_datasets : int
        How many data sets.
    metric : str
        What is compared.
    """

    arms: tuple[MethodResult, ...]
    friedman_p: float
    critical_difference: float
    rope: float
    n_datasets: int
    metric: str

    @property
    def winner(self) -> str | None:
        """The method that is better than every other: Friedman's test and each of Wilcoxon's say so."""
        told_apart = self.friedman_p <= LEVEL and all(each.p <= LEVEL for each in self.arms[1:])
        practical = all(each.worse > each.equivalent + each.better for each in self.arms[1:])
        return self.arms[0].name if told_apart and practical else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self) | {"winner": self.winner}

    def to_frame(self) -> Any:
        """Return a row per method, as a polars.DataFrame."""
        import polars as pl

        return pl.DataFrame([asdict(each) for each in self.arms])

    def __str__(self) -> str:
        best, rest = self.arms[0], self.arms[1:]
        tested = f"Friedman's test: p = {self.friedman_p:.2g}"
        if self.friedman_p > LEVEL:
            opening = f"The methods cannot be told apart by {self.n_datasets} data sets ({tested})."
        elif self.winner:
            opening = f"{best.name} is better than each of the others over {self.n_datasets} data sets."
        else:
            opening = f"The methods differ ({tested}); {best.name} has the best average rank."
        lines = [opening]
        for each in rest:
            what = "is told apart from it" if each.p <= LEVEL else "is not told apart from it"
            likeliest = max(
                (each.equivalent, f"practically as well as {best.name}"),
                (each.worse, f"worse than {best.name}"),
                (each.better, f"better than {best.name}"),
            )
            lines.append(
                f"{each.name} (rank {each.rank:.2f} beside {best.rank:.2f}) {what} (p = {each.p:.2g}); "
                f"on a further data set it would do {likeliest[1]} with a probability of {likeliest[0]:.2f}."
            )
        return " ".join(lines)


def compare_over_datasets(
    names: tuple[str, ...], scores: Floats, *, sign: int, rope: float, metric: str
) -> DatasetComparison:
    """Compare methods by a score for each data set.

    Shapes: `scores` (n_data_sets, n_methods), larger is better.
    """
    ranks = average_ranks(scores)
    order = np.argsort(ranks, kind="stable")
    best = order[0]
    adjusted = holm([wilcoxon_p(scores[:, k] - scores[:, best]) for k in order[1:]])
    arms = []
    for place, k in enumerate(order):
        p = 1.0 if place == 0 else float(adjusted[place - 1])
        better, equivalent, worse = (0.0, 1.0, 0.0) if place == 0 else signed_rank(scores[:, k] - scores[:, best], rope)
        mean = float(sign * scores[:, k].mean())
        arms.append(MethodResult(names[k], mean, float(ranks[k]), p, better, equivalent, worse))
    return DatasetComparison(
        tuple(arms), friedman(scores), critical_rank_difference(len(names), len(scores)), rope, len(scores), metric
    )
