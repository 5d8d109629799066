"""``actwise predict``: a saved model and a table in, answers out."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actwise.cli.options import file_options, read_options
from actwise.cli.status import harmless, tell_written
from actwise.errors import TableError

if TYPE_CHECKING:
    import polars as pl


@click.command()
@click.argument("model", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("data", metavar="DATA")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to: .csv, .tsv, .parquet, .arrow or .ndjson. CSV on standard output if left out.",
)
@click.option("--proba", is_flag=True, help="Add the probability of each class.")
@file_options
def predict(model: Path, data: str, output: Path | None, proba: bool, given: dict[str, Any]) -> None:
    """Predict the rows of DATA with the model in DIR.

    The answers have a row for each row of DATA, in its order. DATA is read in batches and may be larger than
    memory. FILE appears when it is whole, or not at all. DATA is read as the training table was, save for what
    the options say.
    """
    from actwise.tabular import TableModel, check_output, write_delimited, write_table

    if output is not None:
        check_output(output, data)
    found = TableModel.load(model)
    options = read_options(given, found.encoding.options)
    batches = _naming_file(data, found.predict_batches(data, proba=proba, options=options))
    if output is None:
        with _reader_may_leave():
            stream: Any = _Terminal() if sys.stdout.isatty() else sys.stdout.buffer
            write_delimited(batches, stream)
            sys.stdout.buffer.flush()
        return
    n_rows = write_table(batches, output)
    tell_written(output)
    click.echo(f"{n_rows} rows written to {output}", err=True)


def _naming_file(data: str, batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Name the table in errors that name a column or a row of it only."""
    try:
        yield from batches
    except TableError as error:
        if data in str(error):
            raise
        raise TableError(f"{data!r}: {error}") from error


class _Terminal(io.RawIOBase):
    """Shows answers to a person, whose labels may hold what a terminal would obey."""

    def write(self, content: Any) -> int:
        """Write text in UTF-8, made harmless."""
        click.echo(harmless(bytes(content).decode()), nl=False)
        return len(content)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """End quietly where the reader of a pipe, such as ``head``, has seen enough."""
    try:
        yield
    except BrokenPipeError:
        # What is still buffered would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
