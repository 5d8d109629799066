"""``actwise export``: a saved model in, a file for ONNX or PyTorch out."""

from __future__ import annotations

import re
from pathlib import Path

import click

from actwise.cli.status import tell_written

_ENDINGS = {"onnx": ".onnx", "torch": ".pt2", "torch-code": ".py"}


@click.command()
@click.argument("model", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target",
    type=click.Choice([*_ENDINGS]),
    required=True,
    help="onnx: a table model takes its columns. torch: a program of torch.export. torch-code: readable Python.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to; the name of DIR with .onnx, .pt2 or .py in the current directory if left out.",
)
def export(model: Path, target: str, output: Path | None) -> None:
    """Write the model in DIR as a file that runs without Actwise.

    The file appears when it is whole, or not at all.
    """
    from actwise import export as exports
    from actwise.persistence import load
    from actwise.persistence.files import check_output

    writers = {"onnx": exports.to_onnx, "torch": exports.to_torch_program, "torch-code": exports.to_torch_code}
    place = default_output(model, target) if output is None else output
    check_output(place)
    writers[target](load(model), place)
    tell_written(place)
    click.echo(f"written to {place}", err=True)


def default_output(model: Path, target: str) -> Path:
    """Name a file after a model's directory, in the current one.

    Examples
    --------
    >>> str(default_output(Path("models/cancer-model/"), "torch-code"))
    'cancer_model.py'
    """
    name = model.resolve().name or "model"
    if target == "torch-code":
        name = re.sub(r"\W", "_", name, flags=re.ASCII)
        name = name if name.isidentifier() else f"model_{name}"
    return Path(name + _ENDINGS[target])
