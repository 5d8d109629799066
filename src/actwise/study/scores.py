"""Statistics for scores that were measured elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.study.conclusion import Comparison, Standing, conclude
from actwise.study.datasets import DatasetComparison, compare_over_datasets
from actwise.study.metrics import ROPE


def compare_scores(
    table: Any,
    *,
    over: Literal["splits", "datasets"] = "splits",
    rope: float = ROPE,
    test_share: float = 0.0,
    larger_is_better: bool = True,
    metric: str = "score",
) -> Comparison | DatasetComparison:
    """Compare arms by scores that were measured elsewhere, with the statistics of `actwise.compare`.

    Parameters
    ----------
    table : mapping of str to sequence of float, or DataFrame
        For each arm its scores, in the same order of splits or data sets; of a frame the columns of numbers.
    over : {"splits", "datasets"}
        What the scores of an arm were measured on: splits of one data set, or one score for each data set.
    rope : float
        Differences up to it are practically none.
    test_share : float
        Of splits: share of the rows in each test part, whose training parts overlap; 0 where splits share no rows.
    larger_is_better : bool
        Whether a large score is good.
    metric : str
        What the scores are called.

    Returns
    -------
    Comparison or DatasetComparison
        As `actwise.compare` returns it; over data sets with average ranks and tests on them.

    Raises
    ------
    InputError
        If there are fewer than two arms or rows, or scores are missing.

    Examples
    --------
    >>> found = compare_scores({"relu": [0.91, 0.93, 0.92, 0.94], "sigmoid": [0.81, 0.84, 0.8, 0.83]}, test_share=0.2)
    >>> found.winner, found.with_verdict("worse")[0].name
    ('relu', 'sigmoid')

    References
    ----------
    Nadeau and Bengio 2003; Corani and Benavoli 2015; Demsar 2006; Benavoli et al. 2014.
    """
    names, scores = _read(table)
    if over not in ("splits", "datasets"):
        raise InputError(f"over must be 'splits' or 'datasets', not {over!r}")
    if not 0 <= test_share < 1:
        raise InputError(f"test_share must be a share from 0 to below 1, not {test_share!r}")
    if not (np.isfinite(rope) and rope >= 0):
        raise InputError(f"rope must be 0 or a positive number, not {rope!r}")
    sign = 1 if larger_is_better else -1
    if over == "datasets":
        return compare_over_datasets(names, sign * scores, sign=sign, rope=rope, metric=metric)
    return conclude(
        Standing(names, sign * scores), metric=metric, sign=sign, rope=rope, test_to_train=test_share / (1 - test_share)
    )


def _read(table: Any) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    if hasattr(table, "columns") and hasattr(table, "to_numpy"):
        columns: dict[str, Any] = {str(name): np.asarray(table[name]) for name in table.columns}
        columns = {name: each for name, each in columns.items() if np.asarray(each).dtype.kind in "fiu"}
    elif isinstance(table, Mapping):
        columns = {str(name): each for name, each in table.items()}
    else:
        raise InputError(f"give a dictionary of arm to scores, or a frame with a column for each, not {table!r}")
    if len(columns) < 2:
        raise InputError(f"a comparison needs two arms at least, not {len(columns)}")
    lengths = {name: len(each) for name, each in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"each arm needs a score for each split, and they have {lengths}: give all of them the same")
    scores = np.array([np.asarray(each, np.float64) for each in columns.values()]).T
    if len(scores) < 2:
        raise InputError("one score of each arm tells nothing of chance: give two at least, better ten")
    if not np.isfinite(scores).all():
        row, arm = np.argwhere(~np.isfinite(scores))[0]
        raise InputError(
            f"the score of {list(columns)[arm]!r} in row {row} is {scores[row, arm]}: leave the row out, or give "
            "what a "
            "constant answer has"
        )
    return tuple(columns), scores
