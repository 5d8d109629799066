"""The columns of a table as ONNX nodes: cells in, the network's float32 inputs out, one input per column.

A number is a float64 (NaN where missing), a truth value too (1, 0 or NaN), a label is text (empty where
missing), a date the days since 1970-01-01 as a float64 (NaN where missing). Reading text as numbers and dates
stays with whoever calls; `column_inputs` does it for a table in Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from actwise.errors import InputError
from actwise.export.onnx.graph import DOUBLE, FLOAT, ML_DOMAIN, STRING, GraphBuilder
from actwise.tables import cells
from actwise.tables.columns import (
    FARTHEST,
    BooleanColumn,
    CategoryColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from actwise.tables.moments import DAYS_PER_YEAR, EPOCH_WEEKDAY, days_since_epoch

# Days since 0000-03-01, in eras of 400 years (Hinnant 2013, chrono-Compatible Low-Level Date Algorithms).
_DAYS_BEFORE_1970 = 719_468
_DAYS_PER_ERA = 146_097
_DAYS_MARCH_TO_DECEMBER = 306
_DAYS_BEFORE_MARCH = 59


def add_columns(builder: GraphBuilder, columns: Sequence[Column]) -> tuple[str, list[tuple[str, int]]]:
    """Add the nodes that encode columns.

    Shapes: `encoded` (n_rows, n_features), `inputs` (n_rows, 1).
    """
    used = [column for column in columns if column.feature_names]
    for column in used:
        # ONNX takes an empty name for an input that is not there.
        if not column.name:
            raise InputError(
                "a column without a name cannot be an input of an ONNX model; give it a name and fit again"
            )
        builder.name(column.name)
    inputs, parts = [], []
    for column in used:
        inputs.append((column.name, STRING if isinstance(column, CategoryColumn) else DOUBLE))
        parts += _ADD[type(column)](builder, column)
    return builder.add("Concat", *parts, output="encoded", axis=1), inputs


def column_inputs(columns: Sequence[Column], frame: pl.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """Read a table's cells as the inputs of an exported model.

    Shapes: the result (n_rows, 1).
    """
    return {
        column.name: _READ[type(column)](column, frame[column.name]).reshape(-1, 1)
        for column in columns
        if column.feature_names
    }


class _Float64:
    """Arithmetic on float64 values of a graph, by their names."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder

    def number(self, value: float) -> str:
        return self.builder.constant(value, np.float64, "number")

    def __call__(self, operator: str, *operands: str | float) -> str:
        names = [each if isinstance(each, str) else self.number(each) for each in operands]
        return self.builder.add(operator, *names)

    def floor_divide(self, value: str, by: float) -> str:
        # Quotients of whole numbers below 2**53: one half added to the numerator keeps rounding from mattering.
        return self("Floor", self("Div", self("Add", value, 0.5), by))


def _filled(builder: GraphBuilder, column: NumberColumn | DateColumn, value: str) -> tuple[str, str]:
    """Put the fill in the place of NaN; returns the values and where they were missing."""
    missing = builder.add("IsNaN", value, output=f"{column.name}_is_missing")
    return builder.add("Where", missing, builder.constant(column.fill, np.float64), value), missing


def _standardised(builder: GraphBuilder, column: NumberColumn | DateColumn, value: str) -> str:
    of = _Float64(builder)
    standard = of("Div", of("Sub", value, column.centre), column.scale)
    clipped = of("Clip", standard, -FARTHEST, FARTHEST)
    return builder.add("Cast", clipped, output=f"{column.name}_standardised", to=FLOAT)


def _number(builder: GraphBuilder, column: NumberColumn) -> list[str]:
    value, missing = _filled(builder, column, column.name)
    if column.transform == "signed_log":
        of = _Float64(builder)
        # 1 + u loses digits of a small u; relative to the scale of a column of long tails they do not count.
        size = of("Log", of("Add", of("Div", of("Abs", value), column.unit), 1.0))
        value = of("Mul", of("Sign", value), size)
    parts = [_standardised(builder, column, value)]
    if column.n_missing:
        parts.append(builder.add("Cast", missing, to=FLOAT))
    return parts


def _boolean(builder: GraphBuilder, column: BooleanColumn) -> list[str]:
    of = _Float64(builder)
    signed = of("Sub", of("Mul", column.name, 2.0), 1.0)
    known = builder.add("Where", builder.add("IsNaN", column.name), of.number(0.0), signed)
    return [builder.add("Cast", known, to=FLOAT)]


def _category(builder: GraphBuilder, column: CategoryColumn) -> list[str]:
    n = len(column.categories)
    missing, other = n + 1, n
    # As in training, a marker of a missing value counts as one even where no value was missing.
    markers = (*cells.MISSING_MARKERS, *column.missing_words)
    codes = dict.fromkeys(markers, missing) | {each: k for k, each in enumerate(column.categories)}
    code = builder.add(
        "LabelEncoder",
        column.name,
        output=f"{column.name}_code",
        domain=ML_DOMAIN,
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=other,
    )
    own = [*range(n), *([other] * bool(column.n_others)), *([missing] * bool(column.n_missing))]
    matches = builder.add("Equal", code, builder.constant(own, np.int64, "codes"))
    return [builder.add("Cast", matches, output=f"{column.name}_encoded", to=FLOAT)]


def _date(builder: GraphBuilder, column: DateColumn) -> list[str]:
    of = _Float64(builder)
    value, missing = _filled(builder, column, column.name)
    parts = [_standardised(builder, column, value)]
    zero = builder.constant(0.0, np.float32)
    for cycle in column.cycles:
        angle = of("Mul", _PHASES[cycle](of, value), 2 * math.pi)
        for function in ("Sin", "Cos"):
            place = builder.add("Cast", of(function, angle), to=FLOAT)
            parts.append(builder.add("Where", missing, zero, place, output=f"{column.name}_{cycle}_{function.lower()}"))
    if column.n_missing:
        parts.append(builder.add("Cast", missing, to=FLOAT))
    return parts


def _year_phase(of: _Float64, days: str) -> str:
    day = of("Add", of("Floor", days), float(_DAYS_BEFORE_1970))
    era = of.floor_divide(day, _DAYS_PER_ERA)
    day_of_era = of("Sub", day, of("Mul", era, float(_DAYS_PER_ERA)))
    without_leap_days = of("Sub", day_of_era, of.floor_divide(day_of_era, 1460))
    without_leap_days = of("Add", without_leap_days, of.floor_divide(day_of_era, 36_524))
    without_leap_days = of("Sub", without_leap_days, of.floor_divide(day_of_era, 146_096))
    year = of.floor_divide(without_leap_days, 365)
    centuries, leaps = of.floor_divide(year, 100), of.floor_divide(year, 4)
    begins = of("Sub", of("Add", of("Mul", year, 365.0), leaps), centuries)
    since_march = of("Sub", day_of_era, begins)
    # January and February belong to the next year; the others come after this year's own, 59 days or 60.
    # A year of the era is a leap year if it is year 0, or a multiple of 4 that is none of 100.
    builder = of.builder
    by_four = of("Equal", year, of("Mul", leaps, 4.0))
    by_hundred = of("Equal", year, of("Mul", centuries, 100.0))
    is_leap = builder.add("Or", builder.add("And", by_four, builder.add("Not", by_hundred)), of("Equal", year, 0.0))
    leap = builder.add("Cast", is_leap, to=DOUBLE)
    in_next = of("Sub", since_march, float(_DAYS_MARCH_TO_DECEMBER))
    in_this = of("Add", of("Add", since_march, float(_DAYS_BEFORE_MARCH)), leap)
    is_next = of("GreaterOrEqual", since_march, float(_DAYS_MARCH_TO_DECEMBER))
    return of("Div", builder.add("Where", is_next, in_next, in_this), float(DAYS_PER_YEAR))


def _week_phase(of: _Float64, days: str) -> str:
    day = of("Add", of("Floor", days), float(EPOCH_WEEKDAY))
    return of("Div", of("Sub", day, of("Mul", of.floor_divide(day, 7), 7.0)), 7.0)


def _day_phase(of: _Float64, days: str) -> str:
    return of("Sub", days, of("Floor", days))


_PHASES: dict[str, Callable[[_Float64, str], str]] = {"year": _year_phase, "week": _week_phase, "day": _day_phase}
_ADD: dict[type, Callable[[GraphBuilder, Any], list[str]]] = {
    NumberColumn: _number,
    BooleanColumn: _boolean,
    CategoryColumn: _category,
    DateColumn: _date,
}


def _read_number(column: NumberColumn, given: pl.Series) -> npt.NDArray[Any]:
    return column.read(given).values.fill_null(np.nan).to_numpy()


def _read_boolean(column: BooleanColumn, given: pl.Series) -> npt.NDArray[Any]:
    return column.read(given).values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _read_category(column: CategoryColumn, given: pl.Series) -> npt.NDArray[Any]:
    return np.asarray(column.read(given).values.fill_null("").to_list(), dtype=object)


def _read_date(column: DateColumn, given: pl.Series) -> npt.NDArray[Any]:
    return days_since_epoch(column.read(given).values).fill_null(np.nan).to_numpy()


_READ: dict[type, Callable[[Any, pl.Series], npt.NDArray[Any]]] = {
    NumberColumn: _read_number,
    BooleanColumn: _read_boolean,
    CategoryColumn: _read_category,
    DateColumn: _read_date,
}
