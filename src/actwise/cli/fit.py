"""``actwise fit``: a table in, a trained and tested network out."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actwise.cli.options import default_directory, read_settings, reading_options, setting_options
from actwise.cli.status import FAILED, stop_on_interrupt, tell_written
from actwise.errors import InputError

if TYPE_CHECKING:
    from actwise.tables import ReadOptions
    from actwise.tabular import FitSettings

SAMPLES = "sample:"


@click.command()
@click.argument("data", metavar="DATA")
@reading_options
@setting_options
@click.option("--out", "directory", metavar="DIR", type=click.Path(path_type=Path), help="Where the model goes.")
@click.option("--no-doctor", is_flag=True, help="Do not ask why, where the network fails.")
@click.option("--no-baselines", is_flag=True, help="Compare with the constant only.")
@click.option("--quiet", is_flag=True, help="Print errors and failures only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def fit(
    data: str,
    targets: tuple[str, ...],
    ignore: tuple[str, ...],
    reading: ReadOptions,
    directory: Path | None,
    no_doctor: bool,
    no_baselines: bool,
    quiet: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Train a network on the table DATA and test it on rows that it has never seen.

    DATA is a CSV, TSV, Parquet, Arrow IPC, JSON or NDJSON file, compressed too, or sample:NAME for a bundled data
    set; "actwise fit sample:" lists them.

    Ctrl-C ends the training early: the best weights so far are tested and saved, and the exit status is that
    of a whole training.

    Exit status: 0 for a network that is better than a constant answer, 3 for one that is not or whose loss
    became NaN, 2 for bad input.
    """
    if data == SAMPLES:
        _list_samples()
        return
    from actwise.tabular import FitSettings, TableModel

    settings = FitSettings(baselines=not no_baselines, ignore=ignore, **read_settings(chosen))
    place = directory or default_directory(data)
    TableModel.check_place(place)
    document, failure = _fit(data, targets, reading, settings, place, quiet or as_json, not no_doctor)
    if as_json:
        click.echo(json.dumps(document, indent=1))
    if failure:
        click.secho(f"Failed: {failure}", fg="red", bold=True, err=True)
        sys.exit(FAILED)


def _list_samples() -> None:
    from actwise.tables import default_targets, sample_names

    for name in sample_names():
        click.echo(f"{SAMPLES}{name:<16} target {', '.join(default_targets(SAMPLES + name))}")


def _fit(
    data: str,
    targets: tuple[str, ...],
    reading: ReadOptions,
    settings: FitSettings,
    place: Path,
    quiet: bool,
    asks_doctor: bool,
) -> tuple[dict[str, Any], str | None]:
    """Fit, show and save; return what is to be said as JSON, and why the network failed, if so."""
    from actwise.cli.consoles import Console
    from actwise.cli.display import Display, TrainingBar, experiments_shown
    from actwise.doctor.adapters.tables import cautions, diagnose_table, needs_doctor
    from actwise.engines.numba import build
    from actwise.tables import default_targets, read_training_table
    from actwise.tabular import (
        EpochsDone,
        FitEvent,
        Prepared,
        Trained,
        fit_table,
    )
    from actwise.tabular.summary import summarise

    display = Display(Console(quiet=quiet, highlight=False))
    watched = Console(stderr=True)
    bar: TrainingBar | None = None

    def show(event: FitEvent) -> None:
        nonlocal bar
        match event:
            case Prepared():
                display.prepared(event)
                if asks_doctor:
                    display.suspicions(cautions(event))
                if not build.is_compiled(event.network.dtype):
                    display.compiling()
                if watched.is_terminal and not quiet:
                    bar = TrainingBar(watched, event.plan.epochs, settings.time_limit)
            case EpochsDone() if bar is not None:
                bar.show(event)
            case Trained() if bar is not None:
                bar.close()

    frame, reading = read_training_table(data, reading)
    settings = replace(settings, reading=reading)
    targets = targets or default_targets(data)
    if not targets:
        shown = ", ".join(frame.columns[:10]) + (", ..." if len(frame.columns) > 10 else "")
        raise InputError(f"name the column to predict with --target; {data!r} has {shown}")
    try:
        with stop_on_interrupt() as interruption:
            result = fit_table(frame, targets, settings, observe=show, should_stop=interruption)
            interruption.hold_off()
            result.model.save(place, result.history)
            tell_written(place)
    finally:
        if bar is not None:
            bar.close()
    model = result.model
    command = f"actwise predict {place} NEW_DATA -o answers.csv"
    display.trained(model.report)
    display.scores(model.report)
    display.saved(place, command, model.report.failure is not None)
    document = {"model": str(place), **summarise(model), "predict": command}
    if asks_doctor and needs_doctor(model.report):
        with experiments_shown(watched, quiet) as observe:
            found = diagnose_table(frame, targets, settings, observe=observe)
        display.diagnosis(str(found))
        document["diagnosis"] = found.to_dict()
    return document, model.report.failure
