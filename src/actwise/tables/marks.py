"""Decimal marks: the point in ``1.522`` is a decimal point, or marks thousands beside a decimal comma.

A single cell may not tell, and a number read wrongly is wrong by a thousand. So the whole file is asked: by
its other cells a column shows its marks, and a column that shows none follows the other columns.
"""

from __future__ import annotations

import warnings
from typing import Literal, NamedTuple

import polars as pl

from actwise.errors import ActwiseWarning
from actwise.tables.cells import BEFORE_DIGITS, BEHIND_DIGITS

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
        rf"|\d*{decimal}\d+[eE][+-]?\d+"
    )


COMMA_SHOWN = _shown(",", r"\.")
POINT_SHOWN = _shown(r"\.", ",")
OPEN = _cell(r"[1-9]\d{0,2}[.,]\d{3}")  # a thousand times as much, or not
GROUPED_BY_POINTS = _cell(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")
DECIMAL_COMMA = rf"^(\s*\(?{BEFORE_DIGITS}\d*),(\d+(?:[eE][+-]?\d+)?{BEHIND_DIGITS}\)?\s*)$"


class _Evidence(NamedTuple):
    """What the cells of a column, or of all columns, show."""

    comma: bool
    point: bool


def with_decimal_points(lazy: pl.LazyFrame, separator: str) -> pl.LazyFrame:
    """Write the numbers of a file with decimal points, after a look at all of its cells."""
    names = lazy.collect_schema().names()
    asked: list[pl.Expr] = []
    for position, name in enumerate(names):
        column = pl.col(name)
        asked += [
            column.str.contains(COMMA_SHOWN).any().alias(f"{position} comma"),
            column.str.contains(POINT_SHOWN).any().alias(f"{position} point"),
            column.filter(column.str.contains(OPEN)).first().alias(f"{position} open"),
        ]
    answers = lazy.select(asked).collect(engine="streaming").row(0, named=True)
    shown = [_Evidence(bool(answers[f"{i} comma"]), bool(answers[f"{i} point"])) for i in range(len(names))]
    file = _Evidence(any(each.comma for each in shown), any(each.point for each in shown))
    written: list[pl.Expr] = []
    doubtful: list[tuple[str, str, Decimals]] = []
    for position, name in enumerate(names):
        decimals, doubt = _decide(shown[position], file, separator)
        if doubt and (example := answers[f"{position} open"]) is not None:
            doubtful.append((name, example.strip(), decimals))
        if decimals != "point":
            written.append(_with_points(name, decimals))
    if doubtful:
        _warn(doubtful)
    return lazy.with_columns(written)


def _decide(column: _Evidence, file: _Evidence, separator: str) -> tuple[Decimals, bool]:
    """Tell which mark of a column stands before decimals, and whether that is in doubt."""
    for evidence in (column, file):
        if evidence.comma != evidence.point:
            return ("comma" if evidence.comma else "point"), False
    if separator == ",":
        return "point", file.comma
    return ("comma" if file.comma else "either"), True


def _with_points(name: str, decimals: Decimals) -> pl.Expr:
    column = pl.col(name)
    if decimals == "comma":
        ungrouped = column.str.replace_all(".", "", literal=True)
        column = pl.when(column.str.contains(GROUPED_BY_POINTS)).then(ungrouped).otherwise(column).alias(name)
    return column.str.replace(DECIMAL_COMMA, "${1}.${2}")


def _warn(doubtful: list[tuple[str, str, Decimals]]) -> None:
    name, example, decimals = doubtful[0]
    thousands = decimals == "comma" and "." in example
    assumed, otherwise = ("thousands", "with a decimal comma") if thousands else ("decimals", "without it")
    mark = "point" if "." in example else "comma"
    also = f", and so were {len(doubtful) - 1} more columns" if len(doubtful) > 1 else ""
    warnings.warn(
        f"column {name!r} holds numbers such as {example!r}, and no cell tells whether the {mark} marks thousands "
        f"or decimals: it was taken to mark {assumed}{also}; write such numbers {otherwise} if that is wrong",
        ActwiseWarning,
        stacklevel=3,
    )
