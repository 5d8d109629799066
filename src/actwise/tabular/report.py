"""What became of a fit, as plain records: what was asked, how training went, what the test rows say."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal, TypeAlias

from actwise import __version__
from actwise.persistence import records
from actwise.tasks.metrics import CLASS_METRICS, NUMBER_METRICS, Scores

TEST_ROWS: Literal["test rows"] = "test rows"
LEFT_OUT: Literal["rows left out in turn"] = "rows left out in turn"
LEARNED_FROM: Literal["rows it learned from"] = "rows it learned from"
JudgedBy: TypeAlias = Literal["test rows", "rows left out in turn", "rows it learned from"]
NETWORK = "network"
CONSTANT = "constant"


@dataclass(frozen=True)
class TrainingFacts:
    """How training went.

    Parameters
    ----------
    loss, optimizer : str
        Their names.
    learning_rate : float or None
        None where the optimiser finds its own step length.
    batch_size : int
        Rows per step.
    l2, dropout : float
        What holds the weights back.
    seed : int
        Of the split, the initial weights and the order of rows.
    epochs_allowed, epochs_done, best_epoch : int
        The epochs that were asked for, that were run, and after which the weights that are kept were
        reached.
    updates : int
        Steps taken.
    seconds : float
        How long it took.
    stopped_because : str
        Why it ended.
    training_loss, validation_loss : float or None
        Of the best epoch; None where there was none.
    recipe, regime, schedule : str or None
        What chose what was left open, by which size of the problem, and how the learning rate changes; None: unknown,
        or it does not.
    """

    loss: str
    optimizer: str
    learning_rate: float | None
    batch_size: int
    l2: float
    dropout: float
    seed: int
    epochs_allowed: int
    epochs_done: int
    best_epoch: int
    updates: int
    seconds: float
    stopped_because: str
    training_loss: float | None
    validation_loss: float | None
    recipe: str | None = None
    regime: str | None = None
    schedule: str | None = None


@dataclass(frozen=True)
class RowCounts:
    """How many rows served for what.

    Parameters
    ----------
    train, validation, test : int
        Rows of each part.
    baselines : int
        Training rows from which the linear model and the boosted trees learned.
    judged_by : {"test rows", "rows left out in turn", "rows it learned from"}
        What the scores are of: where few rows would be left for a test, of rows that other networks, trained in the
        same way, had not seen; where the rows are all there can be, of those.
    """

    train: int
    validation: int
    test: int
    baselines: int
    judged_by: JudgedBy = TEST_ROWS


def current_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make a model."""
    packages = ("numpy", "numba", "polars", "scikit-learn")
    return {"actwise": __version__, "python": platform.python_version()} | {name: version(name) for name in packages}


@dataclass(frozen=True)
class FitReport:
    """What became of a fit.

    Parameters
    ----------
    rows : RowCounts
        How many rows served for what.
    training : TrainingFacts
        How training went.
    scores : mapping of str to Scores
        What the test rows say about the network, the constant and, unless left out, the other baselines.
    versions : mapping of str to str
        Of the programs that the model was made with.
    failure : str or None
        Why the network is of no use; None where it is not known to be.
    scores_by_target : mapping of str to mapping of str to Scores
        Where there are several targets, what `scores` says for each of them: by its name, then by model.
    """

    rows: RowCounts
    training: TrainingFacts
    scores: Mapping[str, Scores]
    versions: Mapping[str, str]
    failure: str | None = None
    scores_by_target: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the measures."""
        return tuple(self.scores[NETWORK])

    def to_dict(self) -> dict[str, Any]:
        """Turn the report into plain data, ready for JSON."""
        found: dict[str, Any] = records.to_plain(self)
        return found

    @classmethod
    def from_dict(cls, data: object) -> FitReport:
        """Build a report from plain data; raise `ModelError` if it was damaged or tampered with."""
        found = records.from_plain(cls, data, "report")
        found.check()
        return found

    def check(self) -> None:
        """Refuse a report that lacks scores, or has others than its metrics."""
        records.require(
            {NETWORK, CONSTANT} <= self.scores.keys(), "there are no scores of the network and the constant"
        )
        known = NUMBER_METRICS if "r2" in self.scores[NETWORK] else CLASS_METRICS
        for each in (self.scores, *self.scores_by_target.values()):
            fits = all(scores.keys() == set(known) for scores in each.values())
            records.require(fits, f"every model should have the scores {', '.join(known)}")
