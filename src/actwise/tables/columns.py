"""What each column is and how it becomes numbers: one frozen record per column.

A record is learned once from the training rows (`actwise.tables.learning`), and from then on says all that
is needed to turn new cells into float32 numbers, to save that knowledge as plain data, and to tell a
person what is done with the column.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actwise.persistence.records import require
from actwise.tables import cells, dates
from actwise.tables.moments import Cycle, cycle_phase, days_since_epoch
from actwise.tables.refusals import refuse_infinite, refuse_strange

# So many standard deviations from the centre a number is clipped: far beyond what is seen in training, yet
# small enough that sums of products of such numbers stay finite in float32.
FARTHEST = 1e4


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, centred and scaled.

    Parameters
    ----------
    name : str
        The column.
    transform : {"none", "signed_log"}
        What is done first; ``signed_log`` is ``sign(x) * log(1 + |x| / unit)``, for heavy tails.
    unit : float
        The size from which on the logarithm bends; 1 without a transform.
    centre, scale : float
        Mean and standard deviation of the (transformed) training values.
    fill : float
        The median of the training values, put in place of a missing one.
    n_missing : int
        Missing training values; where there were any, a second output tells missing cells apart.
    missing_words : tuple of str
        Words that stand for a missing number, beside `cells.NUMBER_GAPS`; numbers among them too.
    written_unit : str
        What stands behind the digits.
    """

    kind: ClassVar[str] = "number"
    name: str
    transform: Literal["none", "signed_log"]
    unit: float
    centre: float
    scale: float
    fill: float
    n_missing: int
    missing_words: tuple[str, ...]
    written_unit: str = ""

    def __post_init__(self) -> None:
        require(self.scale > 0, f"column {self.name!r} should have a positive scale, not {self.scale}")
        require(self.unit > 0, f"column {self.name!r} should have a positive unit, not {self.unit}")
        require(self.n_missing >= 0, f"column {self.name!r} cannot have {self.n_missing} missing values")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return (self.name, f"{self.name} is missing") if self.n_missing else (self.name,)

    def describe(self) -> str:
        """Say in one line what is done with the column."""
        how = f"signed logarithm in units of {self.unit:.4g} (its tail is long), then " * (
            self.transform == "signed_log"
        )
        unit = {"": "", cells.DURATION: " of seconds"}.get(self.written_unit, f" with the unit {self.written_unit!r}")
        line = f"{self.name}: number{unit}; {how}centred on {self.centre:.4g}, divided by {self.scale:.4g}"
        if self.n_missing:
            line += f"; {self.n_missing} missing filled with the median {self.fill:.4g}, plus a column that marks them"
        if self.missing_words:
            line += f"; {', '.join(map(repr, self.missing_words))} counted as missing"
        return line

    def read(self, column: pl.Series) -> cells.Cells:
        """Read cells as the numbers that they hold."""
        return cells.read_numbers(column, (*cells.NUMBER_GAPS, *self.missing_words), self.written_unit)

    def encode(self, column: pl.Series, out: NDArray[np.float32], numbers: NDArray[np.int64]) -> pl.Series | None:
        """Write the outputs, shape (n_rows, n_outputs); `numbers` names the rows in errors; return the odd cells."""
        values, odd = self.read(column)
        plain = values.to_numpy()
        missing = np.isnan(plain)
        plain = np.where(missing, self.fill, plain)
        refuse_infinite(self.name, plain, numbers)
        out[:, 0] = self.standardise(plain)
        if self.n_missing:
            out[:, 1] = missing
        return odd

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transform, centre, scale and clip numbers without missing ones."""
        # A value beyond float64's range after a shift or division ends up clipped, as it should.
        with np.errstate(over="ignore"):
            changed = transformed(values, self.transform, self.unit)
            standard = (changed - self.centre) / self.scale
        return np.clip(standard, -FARTHEST, FARTHEST, out=standard)


@dataclass(frozen=True)
class BooleanColumn:
    """A column of truth values: 1 for true, -1 for false, 0 for missing.

    Parameters
    ----------
    name : str
        The column.
    n_missing : int
        Missing training values.
    missing_words : tuple of str
        Words that stand for a missing one.
    """

    kind: ClassVar[str] = "boolean"
    name: str
    n_missing: int
    missing_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(self.n_missing >= 0, f"column {self.name!r} cannot have {self.n_missing} missing values")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return (self.name,)

    def describe(self) -> str:
        """Say in one line what is done with the column."""
        missing = f", {self.n_missing} missing as 0" if self.n_missing else ""
        return f"{self.name}: truth value; true as 1, false as -1{missing}"

    def read(self, column: pl.Series) -> cells.Cells:
        """Read cells as truth values."""
        return cells.read_truth(column, self.missing_words)

    def encode(self, column: pl.Series, out: NDArray[np.float32], numbers: NDArray[np.int64]) -> pl.Series | None:
        """Write the outputs, shape (n_rows, n_outputs); `numbers` names the rows in errors; return the odd cells."""
        values, odd = self.read(column)
        out[:, 0] = (values.cast(pl.Float32) * 2 - 1).fill_null(0).to_numpy()
        return odd


@dataclass(frozen=True)
class CategoryColumn:
    """A column of labels, one output per label.

    Parameters
    ----------
    name : str
        The column.
    categories : tuple of str
        The labels that have an output of their own, sorted.
    n_others : int
        Further labels seen in training; where there were any, they share one output, and so do new ones.
    n_missing : int
        Missing training values; where there were any, an output tells missing cells apart.
    missing_words : tuple of str
        Words that stand for a missing label, beside `cells.MISSING_MARKERS`. Those that are among the categories
        are labels here.
    """

    kind: ClassVar[str] = "category"
    name: str
    categories: tuple[str, ...]
    n_others: int
    n_missing: int
    missing_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(len(self.categories) > 0, f"column {self.name!r} should have categories")
        distinct = len(set(self.categories)) == len(self.categories)
        require(distinct, f"column {self.name!r} should have each category once")
        counts = min(self.n_others, self.n_missing)
        require(counts >= 0, f"column {self.name!r} cannot have {counts} other or missing values")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        names = [f"{self.name} = {category}" for category in self.categories]
        names += [f"{self.name} is another"] * bool(self.n_others)
        names += [f"{self.name} is missing"] * bool(self.n_missing)
        return tuple(names)

    def describe(self) -> str:
        """Say in one line what is done with the column."""
        shown = ", ".join(self.categories[:5]) + (", ..." if len(self.categories) > 5 else "")
        n_labels = len(self.categories)
        each = f"each of {n_labels} labels" if n_labels > 1 else "the only label"
        line = f"{self.name}: category; one column for {each} ({shown})"
        if self.n_others:
            line += f", one for {self.n_others} rarer or new ones"
        if self.n_missing:
            line += f", one for missing ({self.n_missing})"
        return line

    def read(self, column: pl.Series) -> cells.Cells:
        """Read cells as labels; those that are none of the categories too."""
        text = cells.read_text(column, self.missing_words, self.categories)
        return cells.Cells(text, cells.nowhere(text))

    def encode(self, column: pl.Series, out: NDArray[np.float32], numbers: NDArray[np.int64]) -> pl.Series | None:
        """Write the outputs, shape (n_rows, n_outputs); `numbers` names the rows in errors; no cell is odd."""
        if column.dtype.is_nested() or column.dtype == pl.Object:
            refuse_strange(column, column.is_not_null(), numbers, "labels")
        text = self.read(column).values
        codes = text.cast(pl.Enum(self.categories), strict=False).to_physical()
        out[:] = 0
        known = codes.is_not_null().to_numpy()
        out[np.flatnonzero(known), codes.drop_nulls().to_numpy()] = 1
        missing = text.is_null().to_numpy()
        if self.n_others:
            out[:, len(self.categories)] = ~(known | missing)
        if self.n_missing:
            out[:, -1] = missing
        return None


@dataclass(frozen=True)
class DateColumn:
    """A column of dates or moments: the days since a centre, and where in the year, week and day they lie.

    Parameters
    ----------
    name : str
        The column.
    layout : str
        How text is read, a key of `dates.LAYOUTS`.
    centre, scale : float
        Mean and standard deviation of the training moments, in days since 1970-01-01.
    fill : float
        Their median, put in place of a missing one.
    cycles : tuple of {"year", "week", "day"}
        The cycles along which training moments differ; each becomes a sine and a cosine.
    n_missing : int
        Missing training values; where there were any, an output tells missing cells apart.
    missing_words : tuple of str
        Words that stand for a missing one, beside `cells.MISSING_MARKERS`.
    """

    kind: ClassVar[str] = "date"
    name: str
    layout: str
    centre: float
    scale: float
    fill: float
    cycles: tuple[Cycle, ...]
    n_missing: int
    missing_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(self.scale > 0, f"column {self.name!r} should have a positive scale, not {self.scale}")
        known = self.layout in dates.LAYOUTS
        require(known, f"column {self.name!r} should have a known date layout, not {self.layout[:40]!r}")
        distinct = len(set(self.cycles)) == len(self.cycles)
        require(distinct, f"column {self.name!r} should have each cycle once")
        require(self.n_missing >= 0, f"column {self.name!r} cannot have {self.n_missing} missing values")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        names = [self.name]
        for cycle in self.cycles:
            names += [f"{self.name}: sine of {cycle}", f"{self.name}: cosine of {cycle}"]
        return (*names, *([f"{self.name} is missing"] * bool(self.n_missing)))

    def describe(self) -> str:
        """Say in one line what is done with the column."""
        if self.layout == dates.TIME_OF_DAY:
            line = f"{self.name}: time of day; hours since {24 * self.centre:.4g}, divided by {24 * self.scale:.4g}"
        else:
            day = np.datetime64("1970-01-01") + np.timedelta64(round(self.centre), "D")
            line = f"{self.name}: date ({self.layout}); days since {day}, divided by {self.scale:.4g}"
        if self.cycles:
            line += f", and its place in the {' and the '.join(self.cycles)} as sine and cosine"
        if self.n_missing:
            line += f"; {self.n_missing} missing, plus a column that marks them"
        return line

    def read(self, column: pl.Series) -> cells.Cells:
        """Read cells as moments."""
        return dates.read_moments(column, self.layout, self.missing_words)

    def encode(self, column: pl.Series, out: NDArray[np.float32], numbers: NDArray[np.int64]) -> pl.Series | None:
        """Write the outputs, shape (n_rows, n_outputs); `numbers` names the rows in errors; return the odd cells."""
        moments, odd = self.read(column)
        missing = moments.is_null().to_numpy()
        days = days_since_epoch(moments).fill_null(self.fill).to_numpy()
        out[:, 0] = np.clip((days - self.centre) / self.scale, -FARTHEST, FARTHEST)
        for position, cycle in enumerate(self.cycles):
            angle = 2 * math.pi * cycle_phase(moments, cycle)
            out[:, 1 + 2 * position] = np.where(missing, 0, np.sin(angle))
            out[:, 2 + 2 * position] = np.where(missing, 0, np.cos(angle))
        if self.n_missing:
            out[:, -1] = missing
        return odd


@dataclass(frozen=True)
class DroppedColumn:
    """A column that is left out.

    Parameters
    ----------
    name : str
        The column.
    reason : str
        Why, for a person.
    """

    kind: ClassVar[str] = "dropped"
    name: str
    reason: str

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the outputs: none."""
        return ()

    def describe(self) -> str:
        """Say in one line what is done with the column."""
        return f"{self.name}: left out; {self.reason}"

    def encode(self, column: pl.Series, out: NDArray[np.float32], numbers: NDArray[np.int64]) -> pl.Series | None:
        """Write nothing."""
        return None


Column = NumberColumn | BooleanColumn | CategoryColumn | DateColumn | DroppedColumn


def transformed(values: NDArray[np.float64], transform: str, unit: float) -> NDArray[np.float64]:
    """Bend heavy tails, or leave numbers as they are."""
    if transform == "none":
        return values
    bent: NDArray[np.float64] = np.copysign(np.log1p(np.abs(values) / unit), values)
    return bent
