"""``actwise describe``: what a saved model is."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("model", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def describe(model: Path, as_json: bool) -> None:
    """Say what the model in DIR is: layers, activations, columns, test results, versions."""
    from actwise.tabular import TableModel
    from actwise.tabular.summary import summarise

    found = TableModel.load(model)
    summary = summarise(found)
    if as_json:
        click.echo(json.dumps(summary, indent=1))
        return
    from actwise.cli.consoles import Console
    from actwise.cli.display import Display

    Display(Console(highlight=False)).described(found, summary)
