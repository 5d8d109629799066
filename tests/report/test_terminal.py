"""Plots of text: their size, and that the dots lie on the curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import actwise as aw
from actwise.errors import InputError
from actwise.report.terminal import terminal_plot


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["relu", "sigmoid", "hardshrink", "exponential", "softmax", "glu", "identity", "x^3", "floor(x)"]),
    st.integers(24, 160),
    st.integers(6, 30),
    st.sampled_from(["braille", "ascii"]),
)
def test_it_has_the_size_asked_for(name, width, height, characters):
    lines = terminal_plot(aw.activation(name), width=width, height=height, characters=characters).splitlines()
    assert len(lines) == (height if width >= 72 else 2 * height + 1)
    assert max(map(len, lines)) <= width
    if characters == "ascii":
        assert all(line.isascii() for line in lines)


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "sine", "tanh"])
def test_dots_lie_on_the_curve(name):
    """Reads the picture back: each column's stars against the function at that place."""
    each = aw.activation(name)
    width, height = 69, 31
    lines = terminal_plot(each, width=width, height=height, characters="ascii", domain=(-4, 4)).splitlines()
    for panel, function in ((lines[1 : height - 1], each), (lines[height + 2 : 2 * height], each.derivative)):
        labels = [line[:7].strip() for line in panel]
        numbers = {row: float(label) for row, label in enumerate(labels) if label}
        (low_row, low), (high_row, high) = max(numbers.items()), min(numbers.items())
        per_row = (high - low) / (low_row - high_row)
        cells = [line[9:].ljust(width - 9) for line in panel]
        columns = width - 9
        x = (np.arange(columns) + 0.5) / columns * 8 - 4
        steepest = np.abs(np.gradient(function(np.linspace(-4, 4, 4001)), 8 / 4000)).max()
        for column in range(columns):
            rows = [row for row in range(len(cells)) if cells[row][column] in "*o"]
            assert rows
            heights = high - (np.array(rows) - high_row) * per_row
            reach = 0.51 * per_row + steepest * 4.5 / columns
            assert np.abs(heights - function(x[column])).max() <= reach


def test_a_jump_of_the_slope_is_a_gap_and_the_kink_is_marked():
    lines = terminal_plot(aw.activation("relu"), width=60, height=12, characters="ascii").splitlines()
    slope = lines[14:24]
    assert slope[0].count("*") > 10
    assert slope[-1].count("o") == 1
    assert not any("*" in line for line in slope[1:-1])


def test_braille_draws_what_ascii_draws():
    lines = terminal_plot(aw.activation("identity"), width=60, height=12).splitlines()
    dots = [sum("⠀" < letter <= "⣿" for letter in line) for line in lines[1:11]]
    assert min(dots) >= 3  # a diagonal passes through every row


def test_what_cannot_be_shown_is_refused():
    relu = aw.activation("relu")
    for size in ({"width": 10}, {"height": 2}):
        with pytest.raises(InputError, match="at least 24 columns and 6 rows"):
            terminal_plot(relu, **size)
    with pytest.raises(InputError, match="'braille' or 'ascii'"):
        terminal_plot(relu, characters="dots")
    with pytest.raises(InputError, match="smaller and a larger"):
        terminal_plot(relu, domain=(1, 0))
