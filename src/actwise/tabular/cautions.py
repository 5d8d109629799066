"""What looks wrong with the settings of a fit, before any training."""

from __future__ import annotations

from typing import Any

import numpy as np

from actwise.doctor import Data, Subject, Suspicion, as_targets, suspicions
from actwise.model.network import Network
from actwise.tables import Target
from actwise.tasks.baselines import Rows

MOST_ROWS = 5_000  # a sample tells as much about scales and ranges
WORTH_SAYING = 0.5  # weight from which a suspicion is worth a line


def find_cautions(network: Network, options: dict[str, Any], training: Rows, target: Target) -> tuple[Suspicion, ...]:
    """Say what looks wrong.

    Result: the most plausible first; empty for most fits.
    """
    step = -(-len(training) // MOST_ROWS)
    X, y = training.X[::step], training.y[::step]
    task = as_targets(y.astype(np.float64), target.task.kind)
    if task.is_classification and len(np.unique(task.truth)) < 2:
        return ()
    rows = np.arange(len(X))
    subject = Subject(
        network,
        options["loss"],
        options["optimizer"],
        int(min(options["batch_size"], len(X))),
        int(options["epochs"]) * step,  # as many updates as all rows make
    )
    found = suspicions(subject, Data(X.astype(np.float64), task, rows, rows))
    return tuple(each for each in found if each.weight >= WORTH_SAYING)
