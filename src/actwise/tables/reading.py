"""Read a table, whole or batch by batch, from a file, a frame or a bundled sample."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from actwise.errors import TableError
from actwise.persistence.records import shown
from actwise.tables.delimited import Dialect, find_dialect, look_at_lines, scan_delimited, tell
from actwise.tables.files import Format, find_file, plain_file
from actwise.tables.marks import DecimalMarks, find_decimal_marks
from actwise.tables.options import DEFAULT, ReadOptions
from actwise.tables.samples import PREFIX, sample_names, sample_table
from actwise.tables.totals import without_totals

BATCH_ROWS = 65_536
DAMAGED: dict[Format, str] = {"parquet": "is no Parquet file", "ipc": "is no Arrow IPC file"}


class Reading(NamedTuple):
    """A table to learn from, and how it was read."""

    frame: pl.DataFrame
    options: ReadOptions


def read_table(source: Any, options: ReadOptions = DEFAULT) -> pl.DataFrame:
    """Read a whole table.

    Parameters
    ----------
    source : str, Path or frame
        A CSV, TSV, Parquet, Arrow IPC, JSON or NDJSON file, also packed with gzip, bzip2, xz, Zstandard or zip;
        ``sample:NAME`` for a bundled data set; or a frame of polars, pandas or Arrow, or a mapping of names to
        columns.
    options : ReadOptions, optional
        How, where the file does not tell.

    Returns
    -------
    polars.DataFrame
        The rows in their order. Cells of delimited text are text here, an empty cell is null, and blank lines
        are left out; what text means is decided when an encoding is learned.

    Raises
    ------
    TableError
        If there is no such table, or it is damaged.

    Examples
    --------
    >>> read_table("sample:wine").shape
    (178, 14)
    >>> read_table({"x": [0, 1], "y": ["no", "yes"]}).columns
    ['x', 'y']
    """
    return _read(source, options).frame


def read_training_table(source: Any, options: ReadOptions = DEFAULT) -> Reading:
    """Read a table to learn from: without rows that sum up the others, and with what the file told added to `options`.

    >>> read_training_table({"x": [0, 1], "y": ["no", "yes"]}).options.encoding
    """
    found = _read(source, options)
    return found._replace(frame=without_totals(found.frame))


def scan_batches(source: Any, batch_rows: int = BATCH_ROWS, options: ReadOptions = DEFAULT) -> Iterator[pl.DataFrame]:
    """Read a table in batches, so that a file larger than memory can be predicted.

    `batch_rows`: rows per batch; the last one may have fewer.
    Yields the batches. Put together in their order, they are what `read_table` returns.

    >>> [batch.height for batch in scan_batches("sample:iris", batch_rows=100)]
    [100, 50]
    """
    if batch_rows < 1:
        raise TableError(f"batch_rows must be at least 1, not {batch_rows}")
    if not isinstance(source, str | Path) or str(source).startswith(PREFIX):
        yield from read_table(source).iter_slices(batch_rows)
        return
    n_rows = 0
    # Who predicts was told about the file by the fit; labels that came out otherwise are noticed as new ones.
    with _opened(source, options, announce=False) as table:
        for batch in _cut(table.batches(batch_rows), batch_rows):
            n_rows += batch.height
            yield batch
        if n_rows == 0:
            raise _no_rows(repr(table.name))


def default_targets(source: Any) -> tuple[str, ...]:
    """Tell which columns of a source are meant to be predicted, where that is known.

    Result: the target columns of a bundled sample; empty for anything else.

    >>> default_targets("sample:linnerud")
    ('Weight', 'Waist', 'Pulse')
    """
    return _sample(source)[1] if isinstance(source, str) and source.startswith(PREFIX) else ()


def _sample(source: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    name = source.removeprefix(PREFIX)
    if not name:
        listed = ", ".join(PREFIX + each for each in sample_names())
        raise TableError(f"name one of the sample data sets: {listed}")
    return sample_table(name)


def _read(source: Any, options: ReadOptions) -> Reading:
    if isinstance(source, str) and source.startswith(PREFIX):
        return Reading(_sample(source)[0], options)
    if not isinstance(source, str | Path):
        return Reading(_with_rows(_from_memory(source), "the table"), options)
    with _opened(source, options, announce=True) as table:
        frame = pl.concat(list(table.batches(None)))
        return Reading(_with_rows(frame, repr(table.name)), table.options)


@dataclass(frozen=True)
class _Table:
    """A plain file that is being read."""

    name: str
    plain: Path
    form: Format
    dialect: Dialect | None
    options: ReadOptions
    marks: DecimalMarks | None
    announce: bool

    def batches(self, rows: int | None) -> Iterator[pl.DataFrame]:
        """Yield the rows, about `rows` at a time; all at once if None."""
        no_rows: npt.NDArray[np.int64] | None = None
        position = 0
        for batch in self._raw_batches(rows):
            kept = batch
            if self.dialect is not None and batch.width > 1:
                # One look at the file tells for all of its lines, so it is taken at the first suspicion only:
                # polars fills up short rows, so that a gap in the last column is one.
                if no_rows is None and batch[self.dialect.names[-1]].null_count():
                    no_rows = self._look_at_lines(self.dialect)
                if no_rows is not None and len(no_rows):
                    here = no_rows[(no_rows >= position) & (no_rows < position + batch.height)] - position
                    if len(here):
                        kept = batch[np.delete(np.arange(batch.height), here)]
            position += batch.height
            yield kept if self.marks is None else self.marks.with_points(kept)

    def _look_at_lines(self, dialect: Dialect) -> npt.NDArray[np.int64]:
        found = look_at_lines(self.plain, dialect)
        if found.problem:
            raise TableError(f"cannot read {self.name!r}: {found.problem}")
        if found.footers and self.announce:
            lines = "line" if len(found.footers) == 1 else f"{len(found.footers)} lines"
            tell([f"the last {lines} of {self.name!r} ({shown(found.footers[0])}) were left out: no row of the table"])
        return np.array(sorted(found.no_rows), dtype=np.int64)

    def _raw_batches(self, rows: int | None) -> Iterator[pl.DataFrame]:
        with _clear_errors(self.name, self.plain, self.form, self.dialect):
            if self.form == "json":
                yield from [_read_json(self.plain)]
                return
            lazy = _scan(self.plain, self.form, self.dialect)
            if rows is None:
                yield lazy.collect(engine="streaming")
            else:
                yield from lazy.collect_batches(chunk_size=rows, maintain_order=True, engine="streaming")


@contextmanager
def _opened(source: str | Path, options: ReadOptions, *, announce: bool) -> Iterator[_Table]:
    """Make a file ready for reading, and settle by it what the options leave open."""
    path = find_file(source)
    with plain_file(path, options.encoding, announce=announce) as (plain, form, encoding):
        options = replace(options, encoding=options.encoding or encoding)
        if form != "delimited":
            yield _Table(path.name, plain, form, None, options, None, announce)
            return
        dialect = find_dialect(plain, path.name, options)
        if announce:
            tell(dialect.remarks)
        table = _Table(path.name, plain, form, dialect, options, None, announce=False)
        marks = find_decimal_marks(plain, dialect, lambda: table.batches(BATCH_ROWS), options.decimal, announce)
        if marks is not None:
            options = replace(options, decimal=options.decimal or marks.of_file)
        yield replace(table, marks=marks, options=options, announce=announce)


def _scan(plain: Path, form: Format, dialect: Dialect | None) -> pl.LazyFrame:
    """Describe the reading of a plain file to polars."""
    if dialect is not None:
        return scan_delimited(plain, dialect)
    if form == "parquet":
        return pl.scan_parquet(plain, glob=False, hive_partitioning=False)
    if form == "ipc":
        return pl.scan_ipc(plain, glob=False, hive_partitioning=False)
    # The types are inferred from all lines: a key that appears late, or turns from 1 to 1.5, is no surprise.
    return pl.scan_ndjson(glob.escape(str(plain)), infer_schema_length=None)


def _read_json(plain: Path) -> pl.DataFrame:
    """Read an array of objects, an object of columns, or one object per line."""
    text = plain.read_text(encoding="utf-8-sig")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise TableError(
                f"it is no JSON: {error.msg} in line {error.lineno} at character {error.colno}; correct that line"
            ) from error
    if isinstance(found, dict) and not all(isinstance(each, list | dict) for each in found.values()):
        found = [found]
    if isinstance(found, dict):  # columns, as lists or, as pandas writes them, by row
        columns = {n: list(c.values()) if isinstance(c, dict) else c for n, c in found.items()}
        if len(set(map(len, columns.values()))) == 1:
            return pl.DataFrame(columns, strict=False)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TableError('it should be an array of objects such as [{"x": 1, "y": 2}]: write it so')
    return pl.from_dicts(found, infer_schema_length=None, strict=False)


def _cut(batches: Iterator[pl.DataFrame], batch_rows: int) -> Iterator[pl.DataFrame]:
    """Cut what polars streams into batches of exactly the rows asked for, save the last."""
    waiting: list[pl.DataFrame] = []
    n_waiting = 0
    for piece in batches:
        waiting.append(piece)
        n_waiting += piece.height
        if n_waiting >= batch_rows:
            joined = pl.concat(waiting)
            whole = n_waiting - n_waiting % batch_rows
            yield from joined.head(whole).iter_slices(batch_rows)
            n_waiting -= whole
            waiting = [joined.tail(n_waiting)] if n_waiting else []
    if n_waiting:
        yield pl.concat(waiting)


@contextmanager
def _clear_errors(name: str, plain: Path, form: Format, dialect: Dialect | None) -> Iterator[None]:
    """Turn what polars says about a file into one sentence that names the line where it can."""
    try:
        yield
    except TableError as error:
        raise TableError(f"cannot read {name!r}: {error}") from error
    except (pl.exceptions.PolarsError, OSError, OverflowError) as error:
        found = ""
        if dialect is not None:
            found = look_at_lines(plain, dialect).problem
        elif form == "ndjson":
            found = _bad_json_line(plain)
        elif form in DAMAGED:
            found = f"it {DAMAGED[form]} or is damaged: export it again, or restore it from a copy"
        # The first line of what polars says is all there is to go by where no line of the file is to blame.
        problem = found or f"{str(error).strip().splitlines()[0]}; export it again, as CSV in UTF-8"
        raise TableError(f"cannot read {name!r}: {problem}") from error


def _bad_json_line(plain: Path) -> str:
    """Look for the first line that is no JSON object."""
    found = False
    with plain.open(encoding="utf-8-sig") as file:
        for line_number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            found = True
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                return f"line {line_number} is no JSON: {error.msg} at character {error.colno}; correct that line"
            if not isinstance(value, dict):
                return f'line {line_number} is no JSON object such as {{"x": 1, "y": 2}}: each line must be one'
    return "" if found else "it holds only blank lines"


def _from_memory(source: Any) -> pl.DataFrame:
    """Turn a frame of another library, or a mapping of columns, into one of polars."""
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    try:
        if type(source).__module__.partition(".")[0] == "pandas":
            return pl.from_pandas(source)
        if isinstance(source, Mapping) or hasattr(source, "__arrow_c_stream__"):
            return pl.DataFrame(source)
    except (pl.exceptions.PolarsError, ImportError, TypeError, ValueError) as error:
        raise TableError(f"cannot read the {type(source).__name__} as a table: {error}") from error
    raise TableError(
        f"cannot read a {type(source).__name__} as a table: hand in the path of a file, "
        "a frame of polars, pandas or Arrow, or a mapping of names to columns"
    )


def _with_rows(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    if frame.height == 0 or frame.width == 0:
        raise _no_rows(name)
    return frame


def _no_rows(name: str) -> TableError:
    return TableError(f"{name} holds column names but no rows: nothing can be learned or predicted from it")
