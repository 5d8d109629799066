"""Read a table, whole or batch by batch, from a file, a frame or a bundled sample."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from actwise.errors import TableError
from actwise.tables.delimited import Dialect, find_bad_line, find_dialect, scan_delimited
from actwise.tables.files import Format, file_format, find_file, plain_file
from actwise.tables.samples import PREFIX, sample_names, sample_table

BATCH_ROWS = 65_536
DAMAGED: dict[Format, str] = {"parquet": "is no Parquet file", "ipc": "is no Arrow IPC file"}


def read_table(source: Any) -> pl.DataFrame:
    """Read a whole table.

    `source`: A CSV, TSV, Parquet, Arrow IPC or NDJSON file, also packed with gzip, bzip2, xz or
    Zstandard; ``sample:NAME`` for a bundled data set; or a frame of polars, pandas or Arrow, or a
    mapping of names to columns.
    Result: the rows in their order. Cells of delimited text are text here, an empty cell is null, and
    lines without any value are left out; what text means is decided when an encoding is learned.

    >>> read_table("sample:wine").shape
    (178, 14)
    >>> read_table({"x": [0, 1], "y": ["no", "yes"]}).columns
    ['x', 'y']
    """
    if isinstance(source, str) and source.startswith(PREFIX):
        return _sample(source)[0]
    if not isinstance(source, str | Path):
        return _with_rows(_from_memory(source), "the table")
    path = find_file(source)
    form = file_format(path)
    with plain_file(path, form) as plain:
        dialect = find_dialect(plain, path.name) if form == "delimited" else None
        with _clear_errors(path.name, plain, form, dialect):
            frame = _scan(plain, form, dialect).collect(engine="streaming")
        if dialect is not None:
            _refuse_short_rows(frame, path.name, plain, dialect)
    return _with_rows(frame, repr(path.name))


def scan_batches(source: Any, batch_rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
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
    path = find_file(source)
    form = file_format(path)
    n_rows = 0
    # Who predicts was told about the encoding by the fit; labels that came out otherwise are noticed as new ones.
    with plain_file(path, form, announce=False) as plain:
        dialect = find_dialect(plain, path.name) if form == "delimited" else None
        checked = False
        for batch in _batches(path.name, plain, form, dialect, batch_rows):
            # One look at the file tells for all of its lines, so it is taken at the first suspicion only.
            if dialect is not None and not checked:
                checked = _refuse_short_rows(batch, path.name, plain, dialect)
            n_rows += batch.height
            yield batch
        if n_rows == 0:
            raise _no_rows(repr(path.name))


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


def _batches(name: str, plain: Path, form: Format, dialect: Dialect | None, batch_rows: int) -> Iterator[pl.DataFrame]:
    """Cut what polars streams into batches of exactly the rows asked for, save the last."""
    with _clear_errors(name, plain, form, dialect):
        waiting: list[pl.DataFrame] = []
        n_waiting = 0
        lazy = _scan(plain, form, dialect)
        for piece in lazy.collect_batches(chunk_size=batch_rows, maintain_order=True, engine="streaming"):
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
    except (pl.exceptions.PolarsError, OSError) as error:
        found = ""
        if dialect is not None:
            found = find_bad_line(plain, dialect)
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


def _refuse_short_rows(frame: pl.DataFrame, name: str, plain: Path, dialect: Dialect) -> bool:
    """Refuse rows with too few cells; polars fills them up, so a gap in the last column is looked into.

    Result: whether the lines of the file had to be, and were, looked at.
    """
    suspicious = frame.width > 1 and frame[dialect.names[-1]].null_count() > 0
    if suspicious and (problem := find_bad_line(plain, dialect)):
        raise TableError(f"cannot read {name!r}: {problem}")
    return suspicious


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
