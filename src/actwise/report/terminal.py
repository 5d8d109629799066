"""Plots of plain text for a terminal: value and derivative in Braille dots, or in ASCII."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import zip_longest
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation, AnyActivation
from actwise.errors import InputError
from actwise.report.curves import Curve, FloatArray, Interval, checked_domain, curves

Characters: TypeAlias = Literal["braille", "ascii"]

NARROWEST, LOWEST = 24, 6  # columns and rows of a panel in which something can be seen
SIDE_BY_SIDE = 72  # columns from which on two panels stand beside each other
LABEL_WIDTH = 7
GAP = 2
STEEPEST_SHOWN = 1.5  # as in figures: a panel is at most this many times as high as half its range of x
# The bits of the dots of a Braille character, by row and column (Unicode chapter 21.1).
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BRAILLE = 0x2800
_JUMP = 0.2  # of the height: a larger difference within a subsample is no steep curve but a jump
_SUBSAMPLES = 8  # evaluations for each column of dots


def terminal_plot(
    activation: AnyActivation,
    *,
    width: int = 80,
    height: int = 12,
    domain: Interval | None = None,
    characters: Characters = "braille",
) -> str:
    """Plot the value and the derivative of an activation as text.

    `width`: columns of the terminal; from 72 on the two panels stand side by side, below that one upon
    the other.
    `domain`: the smallest and the largest x; chosen to show what is remarkable if left out.
    `characters`: what the curves are made of; kinks are marked with ``o``.

    >>> import actwise as aw
    >>> print(terminal_plot(aw.activation("relu"), width=30, height=8, characters="ascii"))
    f(x)
          5 |          |        **
            |          |      ***
            |          |    ***
            |          |  ***
            |          |***
          0 |**********o*---------
             -5        0         5
    <BLANKLINE>
    f'(x)
          1 |          ***********
            |          |
            |          |
            |          |
            |          |
          0 |**********o----------
             -5        0         5
    """
    if width < NARROWEST or height < LOWEST:
        raise InputError(f"a plot needs at least {NARROWEST} columns and {LOWEST} rows, not {width} and {height}")
    if characters not in ("braille", "ascii"):
        raise InputError(f"characters is {characters!r}; it must be 'braille' or 'ascii'")
    curve = _most_telling(curves(activation))
    domain = checked_domain(domain, [curve])
    beside = width >= SIDE_BY_SIDE
    columns = (width - GAP) // 2 if beside else width
    titles = ("f(x)", "f'(x)") if isinstance(activation, Activation) else (curve.label, "its slope")
    panels = [
        _panel(title, function, curve, domain, columns, height, characters)
        for title, function in zip(titles, (curve.value, curve.derivative), strict=True)
    ]
    if beside:
        lines = [f"{left:<{columns + GAP}}{right}".rstrip() for left, right in zip_longest(*panels, fillvalue="")]
    else:
        lines = [*panels[0], "", *panels[1]]
    return "\n".join(lines)


def _most_telling(shown: tuple[Curve, ...]) -> Curve:
    sample = np.linspace(-3.0, 3.0, 13)
    bent = [curve for curve in shown if np.ptp(curve.derivative(sample)) > 0]
    return bent[0] if bent else shown[0]


def _panel(
    title: str,
    function: Callable[[FloatArray], FloatArray],
    curve: Curve,
    domain: Interval,
    width: int,
    height: int,
    characters: Characters,
) -> list[str]:
    columns, rows = width - LABEL_WIDTH - 2, height - 2
    finest = 2 if characters == "braille" else 1
    x = np.linspace(*domain, columns * finest * _SUBSAMPLES)
    with np.errstate(all="ignore"):
        y = np.asarray(function(x), float)
    low, high = _limits(y, STEEPEST_SHOWN * max(map(abs, domain)))
    if characters == "braille":
        cells = _braille(_dots(y, low, high, 2 * columns, 4 * rows))
    else:
        cells = [["*" if dot else " " for dot in row] for row in _dots(y, low, high, columns, rows)]
    _draw_axes(cells, domain, low, high, characters)
    for kink in curve.kinks:
        if domain[0] < kink.at < domain[1]:
            height_there = float(function(np.array([kink.at]))[0])
            cells[_place(high - height_there, high - low, rows)][
                _place(kink.at - domain[0], _span(domain), columns)
            ] = "o"
    bar = "│" if characters == "braille" else "|"
    labels = _height_labels(low, high, rows)
    lines = [f"{labels.get(row, ''):>{LABEL_WIDTH}} {bar}{''.join(cells[row])}".rstrip() for row in range(rows)]
    return [title[:width], *lines, " " * (LABEL_WIDTH + 2) + _width_labels(domain, columns)]


def _limits(y: FloatArray, bound: float) -> Interval:
    """Return the heights between which a curve is shown, 0 among them, with two digits."""
    shown = np.clip(y[np.isfinite(y)], -bound, bound)
    low, high = -_rounded_up(-float(shown.min(initial=0.0))), _rounded_up(float(shown.max(initial=0.0)))
    return (low, high) if low < high else (0.0, 1.0)


def _rounded_up(size: float) -> float:
    if size <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(size)) - 1)
    return round(math.ceil(size / unit - 1e-6) * unit, 12)


def _span(interval: Interval) -> float:
    return interval[1] - interval[0]


def _place(distance: float, length: float, count: int) -> int:
    """Return which of `count` cells along `length` a point lies in."""
    return min(max(round(distance / length * (count - 1)), 0), count - 1)


def _dots(y: FloatArray, low: float, high: float, columns: int, rows: int) -> npt.NDArray[np.bool_]:
    """Set the dots that a curve runs through, with gaps where it jumps."""
    dots = np.zeros((rows, columns), bool)
    heights = (high - y) / (high - low) * (rows - 1)
    inside = np.isfinite(y) & (heights > -0.5) & (heights < rows - 0.5)
    column_of = np.arange(len(y)) * columns // len(y)
    for k in np.flatnonzero(inside):
        ends = [heights[k]]
        if k > 0 and np.isfinite(heights[k - 1]) and abs(heights[k] - heights[k - 1]) < _JUMP * rows:
            ends.append(heights[k - 1])
        top, bottom = (min(max(round(each), 0), rows - 1) for each in (min(ends), max(ends)))
        dots[top : bottom + 1, column_of[k]] = True
    return dots


def _braille(dots: npt.NDArray[np.bool_]) -> list[list[str]]:
    """Turn blocks of 4 by 2 dots into characters; empty ones into spaces."""
    rows, columns = dots.shape[0] // 4, dots.shape[1] // 2
    codes = np.einsum("ricj,ij->rc", dots.reshape(rows, 4, columns, 2), _DOTS)
    return [[chr(_BRAILLE + code) if code else " " for code in row] for row in codes]


def _draw_axes(cells: list[list[str]], domain: Interval, low: float, high: float, characters: Characters) -> None:
    """Draw the lines x = 0 and y = 0 where nothing else is."""
    rows, columns = len(cells), len(cells[0])
    across, upright = "─│" if characters == "braille" else "-|"
    if domain[0] < 0 < domain[1]:
        column = _place(-domain[0], _span(domain), columns)
        for row in cells:
            row[column] = upright if row[column] == " " else row[column]
    zero = cells[_place(high, high - low, rows)]
    zero[:] = [across if each == " " else each for each in zero]


def _height_labels(low: float, high: float, rows: int) -> dict[int, str]:
    zero = _place(high, high - low, rows)
    labels = {
        row: text for row, text in ((0, f"{high:g}"), (rows - 1, f"{low:g}")) if abs(row - zero) > 1 or row == zero
    }
    return {**labels, zero: "0"}


def _width_labels(domain: Interval, columns: int) -> str:
    left, right = (f"{end:g}" for end in domain)
    line = f"{left}{right:>{columns - len(left)}}"
    zero = _place(-domain[0], _span(domain), columns)
    if len(left) + 1 < zero < columns - len(right) - 1:
        line = f"{line[:zero]}0{line[zero + 1 :]}"
    return line
