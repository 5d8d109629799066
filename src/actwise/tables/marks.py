"""Decimal marks: the point in ``1.522`` is a decimal point, or marks thousands beside a decimal comma.

A single cell may not tell, and a number read wrongly is wrong by a thousand. So the whole file is asked: by
its other cells a column shows its marks, and a column that shows none follows the other columns.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from actwise.errors import ActwiseWarning
from actwise.tables.cells import BEFORE_DIGITS, BEHIND_DIGITS
from actwise.tables.delimited import Dialect
from actwise.tables.options import Decimal

# Which mark stands before decimals: "either" reads any lone one so.
Decimals = Literal["comma", "point", "either"]


def _cell(digits: str) -> str:
    return rf"^\s*\(?{BEFORE_DIGITS}(?:{digits}){BEHIND_DIGITS}\)?\s*$"


def _shown(decimal: str, grouping: str) -> str:
    """Match the cells that can be read with these two marks only."""
    grouped = rf"[1-9]\d{{0,2}}{grouping}\d{{3}}"
    return _cell(
        rf"{grouped}(?:(?:{grouping}\d{{3}})+(?:{decimal}\d+)?|{decimal}\d+)"
        rf"|(?:0\d*|\d{{4,}})?{decimal}\d+"
        rf"|\d{{1,3}}{decimal}(?:\d{{1,2}}|\d{{4,}})"
        rf"|\d{{1,3}}(?:[ '’\s]\d{{3}})+{decimal}\d+"
        rf"|\d*{decimal}\d+[eE][+-]?\d+"
    )


COMMA_SHOWN = _shown(",", r"\.")
POINT_SHOWN = _shown(r"\.", ",")
NUMBER = _cell(r"[\d.,'’\s]*\d(?:[eE][+-]?\d+)?")
OPEN = _cell(r"[1-9]\d{0,2}[.,]\d{3}")  # a thousand times as much, or not
GROUPED_BY_POINTS = _cell(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")
DECIMAL_COMMA = rf"^(\s*\(?{BEFORE_DIGITS}\d*(?:[ '’\s]\d{{3}})*),(\d+(?:[eE][+-]?\d+)?{BEHIND_DIGITS}\)?\s*)$"


@dataclass(frozen=True)
class DecimalMarks:
    """The decimal marks of the columns in which they are not points throughout."""

    columns: dict[str, Decimals]
    of_file: Decimal | None  # of a column that does not show its own; None where no column does

    def with_points(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Write the numbers of a file with decimal points."""
        return frame.with_columns(_with_points(frame[name], decimals) for name, decimals in self.columns.items())


@dataclass
class _Evidence:
    """What the cells of a column show, as far as they were seen."""

    comma: bool = False
    point: bool = False
    open: str | None = None
    n_present: int = 0
    n_numbers: int = 0

    @property
    def counts(self) -> bool:
        """Whether the column is one of numbers, so that its marks mean something."""
        return 2 * self.n_numbers > self.n_present

    def see(self, column: pl.Series) -> None:
        self.n_present += len(column) - column.null_count()
        self.n_numbers += int(column.str.contains(NUMBER).sum())
        with_marks = column.filter(column.str.contains(r"\d*[.,]\d"))
        if not len(with_marks):
            return
        self.comma = self.comma or bool(with_marks.str.contains(COMMA_SHOWN).any())
        self.point = self.point or bool(with_marks.str.contains(POINT_SHOWN).any())
        if self.open is None:
            found = with_marks.filter(with_marks.str.contains(OPEN))
            self.open = found[0].strip() if len(found) else None


def find_decimal_marks(
    path: Path,
    dialect: Dialect,
    batches: Callable[[], Iterable[pl.DataFrame]],
    given: Decimal | None,
    announce: bool,
) -> DecimalMarks | None:
    """Look at all cells of a file for decimal commas."""
    # Where commas separate the cells, only a quoted cell can hold one.
    if dialect.separator == "," and not _holds_quotes(path):
        return None
    shown = {name: _Evidence() for name in dialect.names}
    for batch in batches():
        for name, evidence in shown.items():
            evidence.see(batch[name])
    shown = {name: evidence for name, evidence in shown.items() if evidence.counts}
    file = _Evidence(any(each.comma for each in shown.values()), any(each.point for each in shown.values()))
    columns: dict[str, Decimals] = {}
    doubtful: list[tuple[str, str, Decimals]] = []
    for name, evidence in shown.items():
        decimals, doubt = _decide(evidence, file, dialect.separator, given)
        if doubt and evidence.open is not None:
            doubtful.append((name, evidence.open, decimals))
        if decimals != "point":
            columns[name] = decimals
    if doubtful and announce:
        _warn(doubtful)
    of_file: Decimal | None = None
    if file.comma != file.point:
        of_file = "comma" if file.comma else "point"
    return DecimalMarks(columns, of_file)


def _decide(column: _Evidence, file: _Evidence, separator: str, given: Decimal | None) -> tuple[Decimals, bool]:
    """Tell which mark of a column stands before decimals, and whether that is in doubt."""
    if column.comma != column.point:
        return ("comma" if column.comma else "point"), False
    if given is not None:
        return given, False
    if file.comma != file.point:
        return ("comma" if file.comma else "point"), False
    if separator == ",":
        return "point", file.comma
    return ("comma" if file.comma else "either"), True


def _with_points(column: pl.Series, decimals: Decimals) -> pl.Series:
    if decimals == "comma":
        grouped = column.str.contains(GROUPED_BY_POINTS).fill_null(value=False)
        if grouped.any():
            column = column.zip_with(~grouped, column.str.replace_all(".", "", literal=True))
    return column.str.replace(DECIMAL_COMMA, "${1}.${2}")


def _holds_quotes(path: Path) -> bool:
    with path.open("rb") as file:
        return any(b'"' in piece for piece in iter(lambda: file.read(1 << 20), b""))


def _warn(doubtful: list[tuple[str, str, Decimals]]) -> None:
    name, example, decimals = doubtful[0]
    thousands = decimals == "comma" and "." in example
    assumed, otherwise = ("thousands", "with a decimal comma") if thousands else ("decimals", "without it")
    mark = "point" if "." in example else "comma"
    also = f", and so were {len(doubtful) - 1} more columns" if len(doubtful) > 1 else ""
    warnings.warn(
        f"column {name!r} holds numbers such as {example!r}, and no cell tells whether the {mark} marks thousands "
        f"or decimals: it was taken to mark {assumed}{also}; write such numbers {otherwise}, or name the decimal "
        "mark (--decimal), if that is wrong",
        ActwiseWarning,
        stacklevel=5,
    )
