"""``actwise diagnose``: why a network does not learn."""

from __future__ import annotations

import json
import sys
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actwise.cli.options import read_settings, reading_options, setting_options
from actwise.cli.status import harmless
from actwise.errors import InputError

if TYPE_CHECKING:
    from actwise.tables import ReadOptions

SOMETHING_WRONG = 1


@click.command()
@click.argument("what", metavar="DATA|DIR DATA", nargs=-1, required=True)
@reading_options
@setting_options
@click.option("--updates", type=int, default=1_000_000, show_default=True, help="At most so many in all experiments.")
@click.option("--budget", type=float, metavar="SECONDS", help="Stop then with what is known.  [default: no limit]")
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Save a picture there.")
@click.option("--quiet", is_flag=True, help="Print the report only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def diagnose(
    what: tuple[str, ...],
    targets: tuple[str, ...],
    ignore: tuple[str, ...],
    reading: ReadOptions,
    updates: int,
    budget: float | None,
    plot: Path | None,
    quiet: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Say whether a network learns what can be learned from DATA, and if not, why.

    With DATA alone the network is the one that "actwise fit" would train with the same options; with a model's
    folder DIR before it, its training is repeated on DATA. Each suspected cause is tried out by retraining with
    that single change.

    Ctrl-C ends the experiments; what is known by then is printed.

    Exit status: 0 for a healthy network, 1 for any other verdict, 2 for bad input.
    """
    from actwise.arrays import check_number, check_whole
    from actwise.cli.consoles import Console
    from actwise.cli.display import experiments_shown
    from actwise.doctor import diagnose as diagnose_model
    from actwise.doctor.adapters.tables import diagnose_table
    from actwise.tables import default_targets, read_training_table
    from actwise.tabular import FitSettings, TableModel

    check_whole("updates", updates)
    seconds = inf if budget is None else check_number("budget", budget, infinite=True)
    if len(what) > 2 or (len(what) == 1 and Path(what[0]).is_dir()):
        raise InputError("give a data file, or a model's folder and a data file: actwise diagnose [DIR] DATA")
    if plot is not None:
        from actwise.report.plots import check_picture

        check_picture(plot)
    model = TableModel.load(Path(what[0])) if len(what) == 2 else None
    frame, reading = read_training_table(what[-1], reading if model is None else model.encoding.options)
    settings = FitSettings(ignore=ignore, reading=reading, **read_settings(chosen))
    with experiments_shown(Console(stderr=True), quiet or as_json) as observe:
        if model is not None:
            found = diagnose_model(
                model, frame, updates=updates, budget=seconds, seed=settings.seed, on_progress=observe
            )
        else:
            wanted = targets or default_targets(what[0])
            if not wanted:
                shown = ", ".join(frame.columns[:10])
                raise InputError(f"name the column to predict with --target; {what[0]!r} has {shown}")
            found = diagnose_table(
                frame, wanted, settings, updates=updates, budget=seconds, seed=settings.seed, observe=observe
            )
    if plot is not None:
        found.plot(str(plot))
    click.echo(json.dumps(found.to_dict(), indent=1) if as_json else harmless(str(found)))
    if found.verdict != "healthy":
        sys.exit(SOMETHING_WRONG)
