"""Delimited text (CSV, TSV and their kin): find the separator and the column names, and bad lines.

polars reads the rows; this module looks at the few lines that polars cannot judge: which separator was
meant, whether two columns share a name, and on which line a row has too many or too few cells.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import polars as pl

from actwise.errors import TableError
from actwise.tables.marks import with_decimal_points

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LINES_TO_SNIFF = 100


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Parameters
    ----------
    separator : str
        The character between two cells.
    names : tuple of str
        The column names, stripped of blanks; a column without a name is ``unnamed_1`` and so on.
    """

    separator: str
    names: tuple[str, ...]


def find_dialect(path: Path, name: str) -> Dialect:
    r"""Find the separator and the column names of a delimited file from its first lines.

    The separator is the one that splits most of the first 100 lines into as many cells as the very first,
    more than one; where several do, the one that makes more cells wins.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "people.csv"
    ...     _ = file.write_text("name;height\nAda;1,65\n")
    ...     find_dialect(file, file.name)
    Dialect(separator=';', names=('name', 'height'))
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(islice((line for line in file if line.strip()), LINES_TO_SNIFF))
    if not lines:
        raise TableError(f"{name!r} holds only blank lines: it should hold a table with column names")
    separator = max(SEPARATORS, key=lambda each: _fitness(lines, each))
    header = next(csv.reader(lines, delimiter=separator))
    names = tuple(cell.strip() or f"unnamed_{position}" for position, cell in enumerate(header, start=1))
    repeated = [each for each, count in Counter(names).items() if count > 1]
    if repeated:
        shown = ", ".join(repr(each) for each in repeated[:5])
        raise TableError(f"{name!r} has several columns called {shown}: its first line must hold names, each one once")
    return Dialect(separator, names)


def scan_delimited(path: Path, dialect: Dialect) -> pl.LazyFrame:
    """Scan a delimited file: every cell as text, blank lines left out.

    Text stays text here because what a column means must not depend on which rows are read: ``01`` in one
    batch and ``A7`` in the next belong to one column of codes. The encoding decides, once, while learning.
    """
    lazy = pl.scan_csv(
        path,
        separator=dialect.separator,
        with_column_names=lambda _: list(dialect.names),
        infer_schema=False,
        glob=False,
    )
    if len(dialect.names) > 1:
        lazy = lazy.filter(pl.any_horizontal(pl.all().is_not_null()))
    # Where commas separate the cells, only a quoted cell can hold one.
    if dialect.separator != "," or _holds_quotes(path):
        lazy = with_decimal_points(lazy, dialect.separator)
    return lazy


def find_bad_line(path: Path, dialect: Dialect) -> str:
    """Look for the first line whose cells are too many, too few, or badly quoted.

    Result: what is wrong on which line, as the second half of a sentence; empty if nothing is.
    """
    expected = len(dialect.names)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line_number, n_cells in _cell_counts(file, dialect.separator):
            if n_cells is None:
                problem = "has a quotation mark that is not closed or not doubled: close it, or double it inside text"
                return f"line {line_number} {problem}"
            if n_cells != expected:
                cells = f"{n_cells} cell" + ("s" if n_cells != 1 else "")
                return (
                    f"line {line_number} has {cells} where the first line has {expected}: "
                    "correct that line, or put quotation marks around text that holds the separator"
                )
    return ""


def _holds_quotes(path: Path) -> bool:
    with path.open("rb") as file:
        return any(b'"' in piece for piece in iter(lambda: file.read(1 << 20), b""))


def _fitness(lines: list[str], separator: str) -> tuple[int, int]:
    """Say how many lines a separator splits like the first one, and into how many cells."""
    n_cells = [len(row) for row in csv.reader(lines, delimiter=separator)]
    return (n_cells.count(n_cells[0]), n_cells[0]) if n_cells[0] > 1 else (0, 1)


def _cell_counts(lines: Iterator[str], separator: str) -> Iterator[tuple[int, int | None]]:
    """Count the cells of each row that is not blank; None where its quotation marks do not match.

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
        start = lines_read
        if not line.strip():
            continue
        if '"' not in line:
            yield start, line.count(separator) + 1
            continue
        try:
            yield start, len(next(csv.reader(chain([line], source), delimiter=separator, strict=True)))
        except csv.Error:
            yield start, None
