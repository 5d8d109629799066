"""The encoding of a whole table: its columns' records, learned together and applied together."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from actwise.errors import ActwiseWarning, TableError, suggest
from actwise.persistence import records
from actwise.tables.cells import is_text, with_plain_numbers
from actwise.tables.changes import KINDS, check_changes
from actwise.tables.columns import Column, DroppedColumn
from actwise.tables.learning import Learned, learn
from actwise.tables.odd import OddCells, find_odd, tell_odd
from actwise.tables.options import DEFAULT, ReadOptions, merged
from actwise.tables.refusals import refuse_strange


@dataclass(frozen=True)
class TableEncoding:
    """How the columns of a table become one matrix of numbers.

    Parameters
    ----------
    columns : tuple of Column
        A record for each column that is not a target, in the order of the training table.
    targets : tuple of str
        The columns that are predicted and hence no features.
    options : ReadOptions
        How the table was read, and others like it are to be.
    """

    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    options: ReadOptions = DEFAULT

    def __post_init__(self) -> None:
        names = [*self.targets, *(column.name for column in self.columns)]
        records.require(len(set(names)) == len(names), "each column should be in a table encoding once")
        records.require(self.n_features > 0, "a table encoding should have at least one feature")

    @classmethod
    def learn(
        cls,
        frame: pl.DataFrame,
        targets: str | Sequence[str],
        rows: ArrayLike | None = None,
        *,
        ignore: Collection[str] = (),
        missing: Sequence[str] = (),
        options: ReadOptions | None = None,
    ) -> TableEncoding:
        """Learn an encoding from training rows.

        `rows` of shape (n_training_rows,): the positions of the training rows; all rows if left out. Other
        rows only tell how cells are read: see `learn_column`. Words of `missing` join those of the options.

        >>> table = pl.DataFrame({"size": [1.0, 3.0], "sex": ["f", "m"], "y": [0, 1]})
        >>> encoding = TableEncoding.learn(table, "y")
        >>> encoding.feature_names
        ('size', 'sex = f', 'sex = m')
        >>> encoding.encode(table)
        array([[-1.,  1.,  0.],
               [ 1.,  0.,  1.]], dtype=float32)
        """
        targets = (targets,) if isinstance(targets, str) else tuple(targets)
        options = options or DEFAULT
        options = replace(options, missing=merged(options.missing, missing))
        known = frame.columns
        for name in (*targets, *ignore, *options.typed_columns):
            if name not in known:
                raise TableError(f"no column {name!r}: {suggest(name, known, noun='columns')}")
        positions = np.arange(frame.height) if rows is None else np.asarray(rows, dtype=np.int64)
        labels = [name for name in options.typed_columns if options.type_of(name) == "category"]
        frame = with_plain_numbers(frame, [each for each in known if each not in {*targets, *labels}])
        learned: list[Learned] = []
        for column in frame:
            if column.name in ignore and column.name not in targets:
                learned.append(Learned(DroppedColumn(column.name, "as asked")))
            elif column.name not in targets:
                learned.append(learn(column, positions, options))
        columns = [each.column for each in learned]
        if not any(column.feature_names for column in columns):
            reasons = "; ".join(column.describe() for column in columns[:5]) or "the table has no other column"
            purpose = f"predict {', '.join(map(repr, targets))}" if targets else "learn"
            raise TableError(f"no column is left to {purpose} from: {reasons}; add one that varies")
        tell_odd([each.odd for each in learned if each.odd is not None], learning=True)
        remarks = [each.remark for each in learned if each.remark is not None]
        for code in dict.fromkeys(each.code for each in learned if each.code is not None):
            names = [each.column.name for each in learned if each.code == code]
            shown = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
            remarks.append(
                f"{code:g} recurs far from all other numbers of {shown}: say --na {code:g} if it means missing"
            )
        for each in remarks:
            warnings.warn(each, ActwiseWarning, stacklevel=3)
        return cls(tuple(columns), targets, options)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, one per column of the matrix."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def n_features(self) -> int:
        """Number of columns of the matrix."""
        return sum(len(column.feature_names) for column in self.columns)

    def encode(self, frame: pl.DataFrame, rows: ArrayLike | None = None, *, first_row: int = 1) -> NDArray[np.float32]:
        """Turn rows of a table into numbers.

        Shapes: the result (n_rows, n_features).
        `frame`: A table with the columns of the training table, in any order; further ones are ignored.
        `rows` of shape (n_rows,): the positions of the rows to encode, of a table that was learned from; all rows
        of a new one if left out, and what is unusual about it is told.
        """
        used = [column for column in self.columns if column.feature_names]
        self._refuse_lacking([column.name for column in used], frame.columns)
        positions = np.arange(frame.height) if rows is None else np.asarray(rows, dtype=np.int64)
        numbers = positions + first_row
        frame = frame.select(column.name for column in used)
        frame = frame if rows is None else frame[positions]
        frame = with_plain_numbers(frame, [column.name for column in used if column.kind == "number"])
        matrix = np.empty((len(positions), self.n_features), dtype=np.float32)
        odd: list[OddCells] = []
        blank = np.ones(len(positions), dtype=bool)
        start = 0
        for column, cells in zip(used, frame, strict=True):
            stop = start + len(column.feature_names)
            strange = column.encode(cells, matrix[:, start:stop], numbers)
            if rows is None:
                blank &= cells.is_null().to_numpy() if cells.null_count() else False
                # A typing error in text stops nothing; a column of another type is another column.
                if strange is not None and not is_text(cells):
                    refuse_strange(cells, strange, numbers, KINDS[column.kind])
                if (found := find_odd(cells, strange, column.kind, numbers)) is not None:
                    odd.append(found)
                # Whole columns are judged by the first batch of a file: once, and not by a last one of a few rows.
                if first_row == 1:
                    check_changes(column, cells, matrix[:, start:stop])
            start = stop
        tell_odd(odd, learning=False)
        if rows is None and len(used) > 1 and blank.any() and not blank.all():
            shown = ", ".join(map(str, numbers[blank][:5])) + (", ..." if blank.sum() > 5 else "")
            warnings.warn(
                f"{blank.sum()} of {len(blank)} rows hold no value of the model's columns, and have the answer for an "
                f"average row: row {shown}",
                ActwiseWarning,
                stacklevel=3,
            )
        return matrix

    def describe(self) -> list[str]:
        """Say what is done with each column."""
        return [column.describe() for column in self.columns]

    def to_dict(self) -> dict[str, Any]:
        """Turn the encoding into plain data."""
        found: dict[str, Any] = records.to_plain(self)
        return found

    @classmethod
    def from_dict(cls, data: object) -> TableEncoding:
        """Build an encoding from plain data."""
        return records.from_plain(cls, data, "encoding")

    @staticmethod
    def _refuse_lacking(wanted: Sequence[str], there: Sequence[str]) -> None:
        known = set(there)
        lacking = [name for name in wanted if name not in known]
        if not lacking:
            return
        near = suggest(lacking[0], there, noun="its columns")
        shown = ", ".join(map(repr, lacking[:10])) + (", ..." if len(lacking) > 10 else "")
        raise TableError(f"the table lacks {len(lacking)} of the {len(wanted)} columns the model uses: {shown}; {near}")
