"""Write answers to a file, batch by batch; it appears when it is whole, under its name, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import polars as pl

from actwise.errors import InputError
from actwise.persistence import files

Batches: TypeAlias = Iterable[pl.DataFrame]


def write_delimited(batches: Batches, file: IO[bytes], separator: str = ",") -> int:
    """Write batches as text with a line of column names.

    Parameters
    ----------
    batches : iterable of polars.DataFrame
        All with the same columns.
    file : binary file
        Where to.
    separator : str
        What stands between cells.

    Returns
    -------
    int
        The number of rows.
    """
    n_rows = 0
    for batch in batches:
        file.write(_short(batch).write_csv(include_header=n_rows == 0, separator=separator).encode())
        n_rows += batch.height
    return n_rows


def _short(batch: pl.DataFrame) -> pl.DataFrame:
    """Give numbers the few digits of float32, in which networks compute, unless its range is too small."""
    return batch.with_columns(
        column.cast(pl.Float32) for column in batch.select(pl.col(pl.Float64)) if _is_within_float32(column)
    )


def _is_within_float32(column: pl.Series) -> bool:
    sizes = np.abs(column.drop_nulls().to_numpy())
    limits = np.finfo(np.float32)
    return bool(((sizes == 0) | ((sizes >= limits.tiny) & (sizes <= limits.max))).all())


def _write_csv(batches: Batches, path: Path) -> int:
    with path.open("wb") as file:
        return write_delimited(batches, file)


def _write_tsv(batches: Batches, path: Path) -> int:
    with path.open("wb") as file:
        return write_delimited(batches, file, "\t")


def _write_json_lines(batches: Batches, path: Path) -> int:
    n_rows = 0
    with path.open("wb") as file:
        for batch in batches:
            file.write(_short(batch).write_ndjson().encode())
            n_rows += batch.height
    return n_rows


def _write_parquet(batches: Batches, path: Path) -> int:
    with _collected(batches) as (frame, n_rows):
        frame.sink_parquet(path)
    return n_rows


def _write_arrow(batches: Batches, path: Path) -> int:
    with _collected(batches) as (frame, n_rows):
        frame.sink_ipc(path)
    return n_rows


@contextmanager
def _collected(batches: Batches) -> Iterator[tuple[pl.LazyFrame, int]]:
    """Keep batches in temporary files, from which polars streams: it cannot write columnar files in parts."""
    n_rows = 0
    with files.temporary_folder() as folder:
        parts = []
        for number, batch in enumerate(batches):
            parts.append(folder / f"{number}.arrow")
            batch.write_ipc(parts[-1])
            n_rows += batch.height
        yield pl.scan_ipc(parts), n_rows


WRITERS: dict[str, Callable[[Batches, Path], int]] = {
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".parquet": _write_parquet,
    ".arrow": _write_arrow,
    ".ndjson": _write_json_lines,
}


def check_output(path: Path, source: Any = None) -> None:
    """Refuse a place to which nothing can be written, before any work is done.

    Parameters
    ----------
    path : Path
        The file that is to be written.
    source : object, optional
        What will be read; a file of that name must not be written over.

    Raises
    ------
    InputError
        If its format is unknown, its folder does not exist or cannot be written, it is a directory, or the
        source, by this name or another.
    """
    if isinstance(source, str | Path) and path.exists() and Path(source).exists() and path.samefile(source):
        raise InputError(f"{str(path)!r} is the table that is read: choose another file for the answers")
    files.check_output(path)
    if path.suffix.lower() not in WRITERS:
        raise InputError(f"cannot tell the format of {str(path)!r} by its ending: use one of {', '.join(WRITERS)}")


def write_table(batches: Batches, path: Path) -> int:
    """Write batches to a file in the format that its ending names.

    Parameters
    ----------
    batches : iterable of polars.DataFrame
        All with the same columns.
    path : Path
        Where to: ``.csv``, ``.tsv``, ``.parquet``, ``.arrow`` or ``.ndjson``. A file of that name stays as
        it was until the new one is whole.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    InputError
        If the place cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = Path(folder) / "answers.csv"
    ...     n_rows = write_table([pl.DataFrame({"y": [1]}), pl.DataFrame({"y": [2]})], place)
    ...     n_rows, place.read_text().split()
    (2, ['y', '1', '2'])
    """
    check_output(path)
    with files.written(path) as place:
        try:
            return WRITERS[path.suffix.lower()](batches, place)
        except pl.exceptions.PolarsError as error:
            raise InputError(f"{str(path)!r} cannot be written: {error}") from error
