"""Columns that give the target away: known only when it is, and of no use for rows whose target is to be predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.tables import TableEncoding
from actwise.tasks.baselines import Rows
from actwise.tasks.task import Task

# What a column alone has to remove of a constant answer's error; less is enough if its gaps alone do it.
NEARLY_ALL = 0.97
BY_GAPS_ALONE = 0.9
MOST_ROWS = 2_000
MOST_COLUMNS = 100  # of a wider table the first ones are looked at
FEWEST_ROWS = 50
FOLDS = 5


def telling_columns(encoding: TableEncoding, task: Task, rows: Rows) -> list[tuple[str, bool]]:
    """Find the columns that alone tell the target of encoded rows, and whether it is their gaps that do.

    A small tree on the column is judged by rows that it was not grown on.
    """
    if len(rows) < FEWEST_ROWS or task.kind == "multilabel" or (task.kind == "regression" and task.n_outputs > 1):
        return []
    chosen = np.arange(0, len(rows), -(-len(rows) // MOST_ROWS))
    X, y = rows.X[chosen], rows.y[chosen].reshape(-1)
    found = []
    start = 0
    for column in [each for each in encoding.columns if each.feature_names][:MOST_COLUMNS]:
        cells = X[:, start : start + len(column.feature_names)]
        start += len(column.feature_names)
        share = _share_removed(cells, y, task)
        marks_gaps = column.feature_names[-1].endswith("is missing")
        by_gaps = share >= BY_GAPS_ALONE and marks_gaps and _share_removed(cells[:, -1:], y, task) >= BY_GAPS_ALONE
        if by_gaps or share >= NEARLY_ALL:
            found.append((column.name, by_gaps))
    return found


def _share_removed(X: npt.NDArray[np.float32], y: npt.NDArray[Any], task: Task) -> float:
    """Say how much of a constant's squared error, or of its wrong answers, trees on other rows remove."""
    from sklearn.model_selection import KFold, cross_val_predict  # heavy: after a training only
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    tree = DecisionTreeClassifier if task.is_classification else DecisionTreeRegressor
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    answers = cross_val_predict(tree(min_samples_leaf=3, random_state=0), X, y, cv=folds)
    if task.is_classification:
        constant = 1 - np.bincount(y.astype(np.int64)).max() / len(y)
        return 1 - float(np.mean(answers != y)) / constant if constant else 0.0
    return 1 - float(np.mean((answers - y) ** 2)) / float(y.var()) if y.var() else 0.0
