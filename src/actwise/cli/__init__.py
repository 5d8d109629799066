"""The command line: parses, calls, prints. What it does is in the rooms below; heavy ones load when needed."""

from __future__ import annotations

import click

from actwise import __version__
from actwise.cli.activations import activations
from actwise.cli.check import check
from actwise.cli.compare import compare
from actwise.cli.describe import describe
from actwise.cli.diagnose import diagnose
from actwise.cli.export import export
from actwise.cli.fit import fit
from actwise.cli.predict import predict
from actwise.cli.status import GuardedGroup

# The backspace keeps click from joining the lines that follow it.
EXAMPLES = """\b
actwise fit sample:breast_cancer        train on a bundled data set
actwise fit houses.csv --target price   train on your own
actwise predict houses-model new.csv    predict
actwise diagnose houses.csv --target price --hidden 2   why does it not learn?
actwise compare houses.csv --target price               which activation?
"""


@click.group(cls=GuardedGroup, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="actwise")
def main() -> None:
    """Train, judge and use neural networks for tables."""


for command in (fit, predict, describe, diagnose, compare, export, activations, check):
    main.add_command(command)

__all__ = ["main"]
