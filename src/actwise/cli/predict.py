"""``actwise predict``: a saved model and a table in, answers out."""

from __future__ import annotations

import sys
from pathlib import Path

import click


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
def predict(model: Path, data: str, output: Path | None, proba: bool) -> None:
    """Predict the rows of DATA with the model in DIR.

    The answers have a row for each row of DATA, in its order. DATA is read in batches and may be larger than
    memory. FILE appears when it is whole, or not at all.
    """
    from actwise.tabular import TableModel, check_output, write_delimited, write_table

    if output is not None:
        check_output(output)
    batches = TableModel.load(model).predict_batches(data, proba=proba)
    if output is None:
        write_delimited(batches, sys.stdout.buffer)
        return
    n_rows = write_table(batches, output)
    click.echo(f"{n_rows} rows written to {output}", err=True)
