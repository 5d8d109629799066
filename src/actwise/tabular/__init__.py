"""Networks for tables: fit, judge beside baselines, save, load and predict.

Examples
--------
>>> from actwise.tables import read_table
>>> result = fit_table(read_table("sample:iris"), "species", FitSettings(hidden=(8,), epochs=30, baselines=False))
>>> result.model.predict("sample:iris").shape
(150,)
"""

from __future__ import annotations

from actwise.tabular.fitting import (
    BaselineDone,
    EpochsDone,
    FitEvent,
    FitResult,
    Prepared,
    Trained,
    fit_table,
)
from actwise.tabular.model import TABLE_MODEL, TableModel
from actwise.tabular.report import CONSTANT, NETWORK, FitReport, RowCounts, TrainingFacts
from actwise.tabular.settings import FitSettings
from actwise.tabular.writing import check_output, write_delimited, write_table

__all__ = [
    "CONSTANT",
    "NETWORK",
    "TABLE_MODEL",
    "BaselineDone",
    "EpochsDone",
    "FitEvent",
    "FitReport",
    "FitResult",
    "FitSettings",
    "Prepared",
    "RowCounts",
    "TableModel",
    "Trained",
    "TrainingFacts",
    "check_output",
    "fit_table",
    "write_delimited",
    "write_table",
]
