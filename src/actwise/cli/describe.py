"""``actwise describe``: what a saved model is."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("model", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def describe(model: Path, as_json: bool) -> None:
    """Say what the model in DIR is: layers, activations, columns, test results, versions."""
    from actwise.cli.display import Display, model_document
    from actwise.persistence import read_model, written_by
    from actwise.tabular import TableModel
