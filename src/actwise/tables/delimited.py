"""Delimited text (CSV, TSV and their kin): where the rows begin and end, the separator, the column names, bad lines.

polars reads the rows; this module looks at the few lines that polars cannot judge. The lines at the beginning
show how many cells a row has; the column names stand in the first line that fits that.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from actwise.errors import ActwiseWarning, TableError
from actwise.tables.options import DEFAULT, ReadOptions

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LINES_TO_SNIFF = 200
COMMENTS = ("#", "%", "//")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # of Excel
_NUMBER = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*%?\s*")
MOST_FOOTERS = 20


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Parameters
    ----------
    separator : str
        The character between two cells.
    names : tuple of str
        The column names, stripped of blanks; a column without a name is ``unnamed_1`` and so on.
    n_above : int
        Lines above the first row, with that of the names.
    comment : str, optional
        What starts a line that is no row.
    remarks : tuple of str
        What a person should know of it.
    """

    separator: str
    names: tuple[str, ...]
    n_above: int = 1
    comment: str | None = None
    remarks: tuple[str, ...] = ()


class Lines(NamedTuple):
    """What a look at every line of a file shows."""

    problem: str  # the first bad line, as the second half of a sentence; empty if there is none
    no_rows: frozenset[int]  # positions among what polars takes for rows: blank lines and footers
    footers: tuple[str, ...]


def find_dialect(path: Path, name: str, options: ReadOptions = DEFAULT) -> Dialect:
    r"""Find the separator and the column names of a delimited file from its first lines.

    The separator is the one that splits most of the first lines into one number of cells, more than one;
    where several do, the one that makes more cells wins.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "people.csv"
    ...     _ = file.write_text("name;height\nAda;1,65\n")
    ...     find_dialect(file, file.name)
    Dialect(separator=';', names=('name', 'height'), n_above=1, comment=None, remarks=())
    """
    skipped = options.skip_rows or 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(islice(file, skipped + LINES_TO_SNIFF))[skipped:]
    if lines and (told := _SEPARATOR_LINE.fullmatch(lines[0])):
        lines, skipped = lines[1:], skipped + 1
    if not any(line.strip() for line in lines):
        raise TableError(f"{name!r} holds only blank lines: it should hold a table with column names")
    found = told[1] if lines and told else _find_separator(lines, options.comment)
    filled = [each for each in _rows(lines, found) if len(each.cells) > 1 or "".join(each.cells).strip()]
    comment, filled = _without_comments(filled, options.comment)
    rows = [each for each in filled if any(cell.strip() for cell in each.cells)]
    if not rows:
        raise TableError(f"{name!r} holds only comments: it should hold a table with column names")
    width = _width(rows)
    place = 0 if options.skip_rows is not None else _header_place(rows, width)
    header = rows[place]
    cells = _header_cells(header.cells, rows[place + 1 :], width)
    remarks = []
    if rows[:place]:
        remarks.append(
            f"the column names of {name!r} seem to stand in line {skipped + header.first}, and the lines above were "
            "left out: name the lines to leave out (--skip-rows) if that is wrong"
        )
    names, renamed = _distinct_names(cells, name)
    if renamed:
        remarks.append(f"{name!r} has several columns of one name, read as {', '.join(map(repr, renamed[:5]))}")
    # polars counts the cells of the first line that it sees, so that must not be a blank one.
    following = next((each.first - 1 for each in filled if each.first > header.last), header.last)
    n_above = skipped + (following if len(names) > 1 else header.last)
    return Dialect(found, names, n_above, comment, tuple(remarks))


def scan_delimited(path: Path, dialect: Dialect) -> pl.LazyFrame:
    """Scan a delimited file: every cell as text.

    Text stays text here because what a column means must not depend on which rows are read: ``01`` in one
    batch and ``A7`` in the next belong to one column of codes. The encoding decides, once, while learning.
    """
    return pl.scan_csv(
        path,
        separator=dialect.separator,
        has_header=False,
        skip_lines=dialect.n_above,
        comment_prefix=dialect.comment,
        schema=dict.fromkeys(dialect.names, pl.String),
        glob=False,
    )


def look_at_lines(path: Path, dialect: Dialect) -> Lines:
    """Look for bad lines: too many cells, too few, or badly quoted; and for lines that are no rows."""
    expected = len(dialect.names)
    blank: set[int] = set()
    footers: list[tuple[int, str]] = []  # candidates, until a row follows
    bad = ""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row, (line_number, n_cells, text) in enumerate(_cell_counts(file, dialect)):
            if n_cells == 0:
                blank.add(row)
                continue
            if n_cells == 1 < expected and len(footers) < MOST_FOOTERS and any(map(str.isalpha, text)):
                footers.append((row, text.strip()))
                bad = bad or _wrong_count(line_number, 1, expected)
                continue
            if n_cells is None:
                problem = "has a quotation mark that is not closed or not doubled: close it, or double it inside text"
                return Lines(f"line {line_number} {problem}", frozenset(blank), ())
            if footers:
                return Lines(bad, frozenset(blank), ())
            if n_cells != expected:
                return Lines(_wrong_count(line_number, n_cells, expected), frozenset(blank), ())
    return Lines("", frozenset(blank | {row for row, _ in footers}), tuple(text for _, text in footers))


class _Row(NamedTuple):
    """The cells of a row, and on which lines it begins and ends, from 1."""

    cells: list[str]
    first: int
    last: int


def _rows(lines: list[str], separator: str) -> Iterator[_Row]:
    reader = csv.reader(lines, delimiter=separator)
    before = 0
    while True:
        try:
            cells = next(reader)
        except (StopIteration, csv.Error):
            return
        yield _Row(cells, before + 1, reader.line_num)
        before = reader.line_num


def _find_separator(lines: list[str], comment: str | None) -> str:
    def fitness(separator: str) -> tuple[int, int]:
        rows = [each for each in _rows(lines, separator) if len(each.cells) > 1 or "".join(each.cells).strip()]
        rows = _without_comments(rows, comment)[1]
        width = _width(rows) if rows else 1
        return (sum(len(each.cells) == width for each in rows), width) if width > 1 else (0, 1)

    return max(SEPARATORS, key=fitness)


def _width(rows: list[_Row]) -> int:
    """Return how many cells most rows have; of two equally frequent numbers the larger one."""
    counts = Counter(len(each.cells) for each in rows)
    return max(counts, key=lambda n: (counts[n], n))


def _without_comments(rows: list[_Row], given: str | None) -> tuple[str | None, list[_Row]]:
    """Leave out lines of comment, and tell what starts them."""
    mark = given
    if given is None:
        mark = next((each for each in COMMENTS if rows and rows[0].cells[0].startswith(each)), None)
        if mark is None:
            return None, rows
        leading = [each.cells[0].startswith(mark) for each in rows]
        n_leading = leading.index(False) if False in leading else len(rows)
        # A single such line of as many cells as the rows have is that of the names: "#,name,age".
        if n_leading == 1 and len(rows[0].cells) == _width(rows):
            return None, rows
        last, after = rows[n_leading - 1], rows[n_leading:]
        if after and len(last.cells) == _width(after) > 1 and _has_number(after[0]) and not _has_number(last):
            named = last._replace(cells=[last.cells[0].removeprefix(mark), *last.cells[1:]])
            return mark, [named, *(each for each in after if not each.cells[0].startswith(mark))]
    assert mark is not None
    return mark, [each for each in rows if not each.cells[0].startswith(mark)]


def _header_place(rows: list[_Row], width: int) -> int:
    """Find the row of the column names: the first that has as many cells as most rows, or nearly."""
    first = rows[0].cells
    if width == 1 or _names_all_but_first(first, rows[1:], width):
        return 0
    if len(first) >= width and not _is_title(first):
        return 0
    # Spreadsheets fill up the line of a title with empty cells.
    places = [k for k, each in enumerate(rows) if len(each.cells) == width and not _is_title(each.cells)]
    return places[0] if places and not _has_number(rows[places[0]]) else 0


def _is_title(cells: list[str]) -> bool:
    """Tell whether a line has one cell only that is not empty, of three or more."""
    return len(cells) > 2 and sum(bool(cell.strip()) for cell in cells) == 1


def _names_all_but_first(header: list[str], rows: list[_Row], width: int) -> bool:
    """Tell whether R wrote the file: each row begins with its name, of which the header says nothing."""
    full = [each.cells for each in rows if len(each.cells) == width]
    if len(header) != width - 1 or not full or not all(cell.strip() for cell in header):
        return False
    distinct = len({cells[0] for cells in full}) == len(full)
    return distinct and not any(map(_NUMBER.fullmatch, header)) and len(full) == len(rows)


def _header_cells(header: list[str], rows: list[_Row], width: int) -> list[str]:
    if len(header) == width + 1 and not header[-1].strip() and all(len(each.cells) <= width for each in rows):
        return header[:-1]
    if len(header) == width - 1:
        ends_empty = all(len(each.cells) < width or not each.cells[-1] for each in rows)
        return [*header, ""] if ends_empty else ["", *header]
    return header


def _distinct_names(cells: list[str], name: str) -> tuple[tuple[str, ...], list[str]]:
    """Name each column, and list the names that were made for repeated ones."""
    names = [cell.strip() or f"unnamed_{position}" for position, cell in enumerate(cells, start=1)]
    repeated = [each for each, count in Counter(names).items() if count > 1]
    if any(map(_NUMBER.fullmatch, repeated)):
        shown = ", ".join(repr(each) for each in repeated[:5])
        raise TableError(f"{name!r} has several columns called {shown}: its first line must hold names, each one once")
    taken, renamed = set(names), []
    seen: Counter[str] = Counter()
    for position, each in enumerate(names):
        seen[each] += 1
        if seen[each] > 1:
            new = next(found for k in range(seen[each], len(names) + 2) if (found := f"{each}_{k}") not in taken)
            taken.add(new)
            names[position] = new
            renamed += [each, new] if each not in renamed else [new]
    return tuple(names), renamed


def _has_number(row: _Row) -> bool:
    return any(map(_NUMBER.fullmatch, row.cells))


def _wrong_count(line_number: int, n_cells: int, expected: int) -> str:
    cells = f"{n_cells} cell" + ("s" if n_cells != 1 else "")
    return (
        f"line {line_number} has {cells} where the first line has {expected}: "
        "correct that line, or put quotation marks around text that holds the separator"
    )


def tell(remarks: Iterable[str]) -> None:
    """Say what a person should know."""
    for each in remarks:
        warnings.warn(each, ActwiseWarning, stacklevel=3)


def _cell_counts(lines: Iterator[str], dialect: Dialect) -> Iterator[tuple[int, int | None, str]]:
    """Count the cells of each row: 0 in a blank line, None where quotation marks do not match; beside its text.

    Lines without a quotation mark, nearly all in most files, need no parser: counting separators is
    many times faster.
    """
    lines_read = 0

    def counted() -> Iterator[str]:
        nonlocal lines_read
        for line in lines:
            lines_read += 1
            yield line

    source = counted()
    for line in source:
        if lines_read <= dialect.n_above or (dialect.comment and line.startswith(dialect.comment)):
            continue
        start = lines_read
        if not line.strip():
            yield start, line.count(dialect.separator) + 1 if dialect.separator in line else 0, line
        elif '"' not in line:
            yield start, line.count(dialect.separator) + 1, line
        else:
            try:
                reader = csv.reader(chain([line], source), delimiter=dialect.separator, strict=True)
                yield start, len(next(reader)), line
            except csv.Error:
                yield start, None, line
