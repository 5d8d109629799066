"""``actwise check``: derivatives that people wrote by hand, and the proof of Actwise's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from actwise.cli.documents import to_json
from actwise.cli.status import harmless, tell_written
from actwise.errors import InputError

if TYPE_CHECKING:
    from actwise.activations import Activation

WRONG = 1  # the exit status when something that was checked is wrong


# The backspace keeps click from joining the lines that follow it.
EXAMPLES = """\b
actwise check net.py:sigmoid,sigmoid_prime --called-with y
actwise check --all                    every activation of the catalogue
actwise check --all relu gelu          these two
"""


@click.command(epilog=EXAMPLES)
@click.argument("targets", nargs=-1, metavar="[FILE.py:f,df | NAME]...")
@click.option(
    "--called-with",
    type=click.Choice(["x", "y"]),
    default="x",
    show_default=True,
    help="What your program hands to df: the pre-activation x, or the output y = f(x).",
)
@click.option("--all", "whole_catalogue", is_flag=True, help="Prove the catalogue, or the entries named.")
@click.option("--exhaustive", is_flag=True, help="With --all: on every float32; takes long, goes on where it stopped.")
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("actwise-proof"),
    show_default=True,
    help="With --exhaustive: where the progress is kept.",
)
@click.option(
    "--random",
    "n_random",
    type=click.IntRange(min=0),
    default=2_000_000,
    show_default=True,
    help="With --all: how many random float32 are tried.",
)
@click.option(
    "--exact",
    "n_exact",
    type=click.IntRange(min=0),
    default=2_000,
    show_default=True,
    help="With --all: for how many the truth is worked out in 40 digits and more.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="With --all: for the random numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def check(
    targets: tuple[str, ...],
    called_with: Literal["x", "y"],
    whole_catalogue: bool,
    exhaustive: bool,
    state: Path,
    n_random: int,
    n_exact: int,
    seed: int,
    as_json: bool,
) -> None:
    """Check a derivative written by hand, or prove those of Actwise.

    FILE.py:f,df names a file of your own, an activation in it and its derivative. The file is imported, and df
    is judged by its values, as your program calls it.

    Exit status: 0 if all is correct, 1 if something is wrong, 2 for bad input.
    """
    if whole_catalogue or exhaustive:
        options = {"n_random": n_random, "n_exact": n_exact, "seed": seed}
        all_hold = _prove(targets, state if exhaustive else None, options, as_json)
    else:
        all_hold = _check_own(targets, called_with, as_json)
    if not all_hold:
        sys.exit(WRONG)


def _check_own(targets: tuple[str, ...], called_with: Literal["x", "y"], as_json: bool) -> bool:
    from actwise.activations import entry
    from actwise.cli.user_code import errors_in_words, load_functions
    from actwise.handwritten import check_derivative

    if not targets:
        raise InputError(
            "name a file and two functions in it, such as: actwise check net.py:sigmoid,sigmoid_prime; "
            "actwise check --all proves the activations of Actwise"
        )
    for target in targets:
        if entry(target) is not None:
            raise InputError(f"{target!r} is an activation of Actwise: actwise check --all {target} proves it")
    reports = []
    for target in targets:
        f, df = load_functions(target)
        with errors_in_words(target):
            reports.append(check_derivative(f, df, called_with=called_with))
    if as_json:
        documents = [{"target": target, **asdict(report)} for target, report in zip(targets, reports, strict=True)]
        click.echo(to_json(documents))
    else:
        for target, report in zip(targets, reports, strict=True):
            if len(targets) > 1:
                click.secho(target, bold=True)
            click.echo(harmless(str(report)))
    return all(report.correct for report in reports)


def _prove(names: tuple[str, ...], state: Path | None, options: dict[str, int], as_json: bool) -> bool:
    chosen = _scalars(names)
    rows: list[dict[str, Any]] = []
    if state is not None:
        state.mkdir(parents=True, exist_ok=True)
        tell_written(state)
    with _progress(len(chosen)) as show:
        for number, each in enumerate(chosen):

            def show_part(done: int, total: int, number: int = number, name: str = each.name) -> None:
                show(number + done / total, name)

            show(number, each.name)
            rows.append(_proved(each, options) if state is None else _exhausted(each, state, show_part))
            show(number + 1, each.name)
    if as_json:
        click.echo(to_json(rows))
    else:
        _print_table(rows)
    return all(row["holds"] for row in rows)


def _scalars(names: tuple[str, ...]) -> list[Activation]:
    """Return the activations to be proven; formulas are allowed, rows and gates have no single derivative."""
    from actwise.activations import ENTRIES, Activation, activation

    if not names:
        return [each for each in ENTRIES if isinstance(each, Activation)]
    chosen = [activation(name) for name in names]
    for each in chosen:
        if not isinstance(each, Activation):
            raise InputError(
                f"{each.name} is a function of several numbers, and the proof goes through the functions of one: "
                "leave it out"
            )
    return [each for each in chosen if isinstance(each, Activation)]


def _proved(activation: Activation, options: dict[str, int]) -> dict[str, Any]:
    from actwise.proof import prove

    proof = prove(activation, **options)
    errors = {
        "float32_value": proof.single.value, "float32_derivative": proof.single.derivative,
        "float64_value": proof.double.value, "float64_derivative": proof.double.derivative,
    }  # fmt: skip
    return {
        "name": proof.name,
        "holds": proof.holds,
        "points": proof.single.n_points,
        "largest_errors_in_ulp": {what: each.error for what, each in errors.items()},
        "failures": list(proof.failures),
    }


def _exhausted(activation: Activation, state: Path, show: Callable[[int, int], None]) -> dict[str, Any]:
    from actwise.proof import prove_exhaustively
    from actwise.proof.records import FLOAT32_BOUND

    file = state / f"{_file_name(activation)}.jsonl"
    proof = prove_exhaustively(activation, file, on_progress=show)
    errors = {"float32_value": proof.value, "float32_derivative": proof.derivative}
    failures = [
        f"the {what.removeprefix('float32_')} in float32 is {each.error:.4g} ulp off at x = {each.at!r}"
        for what, each in errors.items()
        if not each.error <= FLOAT32_BOUND
    ]
    return {
        "name": proof.name,
        "holds": proof.holds,
        "points": 2**32,
        "largest_errors_in_ulp": {what: each.error for what, each in errors.items()},
        "failures": failures,
    }


def _file_name(activation: Activation) -> str:
    """Make a file name of an activation's name, which may be a formula."""
    return "".join(letter if letter.isalnum() or letter == "_" else "-" for letter in activation.name)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on stderr while somebody looks."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from actwise.cli.consoles import Console

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("proving {task.fields[name]}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:.2f} of {task.total:.0f}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        expand=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=total, name="")
        yield lambda done, name: bar.update(task, completed=done, name=name)


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from actwise.cli.consoles import Console

    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, title="largest errors in ulp", title_justify="left"
    )
    table.add_column("name", no_wrap=True)
    for what in rows[0]["largest_errors_in_ulp"]:
        table.add_column(what.replace("_", " "), justify="right")
    table.add_column("points", justify="right")
    table.add_column("")
    for row in rows:
        errors = (f"{float(error):.4f}" for error in row["largest_errors_in_ulp"].values())
        verdict = Text("holds", "green") if row["holds"] else Text("FAILS", "bold red")
        table.add_row(row["name"], *errors, f"{row['points']:,}", verdict)
    console = Console(highlight=False)
    console.print(table)
    failed = [row for row in rows if not row["holds"]]
    for row in failed:
        for failure in row["failures"]:
            click.echo(f"{row['name']}: {failure}")
    click.echo(f"{len(rows) - len(failed)} of {len(rows)} hold")
