"""``actwise activations``: what the activations are, with plots, derivations and worked examples."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actwise.cli.documents import to_json
from actwise.errors import InputError

if TYPE_CHECKING:
    from actwise.activations import AnyActivation

PLOT_HEIGHT = 14  # rows
WIDEST_PLOT = 110  # columns
# The columns of the table of all, each with the narrowest terminal that shows it: formulas need room.
TABLE_COLUMNS = {
    "name": 0, "f(x)": 0, "range": 70, "kinks": 90, "monotonic": 110, "zero-centred": 130, "gain": 130,
}  # fmt: skip
WIDTH_OF_A_FILE = 200  # columns of the table where no terminal says how many there are


# The backspace keeps click from joining the lines that follow it.
EXAMPLES = """\b
actwise activations                            all of them
actwise activations gelu                       its facts and a plot
actwise activations relu gelu --plot two.svg   both in one figure
actwise activations sigmoid --derive           how its derivative comes about
actwise activations sigmoid --numeric 1.0      a worked example
"""


@click.command(epilog=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME|FORMULA]...")
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw into an .svg or .png file.")
@click.option("--derive", is_flag=True, help="Derive the derivative, line by line.")
@click.option("--latex", is_flag=True, help="Write the derivation as LaTeX.")
@click.option("--numeric", metavar="X", type=float, help="Work out value and derivative at X, step by step.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter, such as beta=1.5.")
@click.option("--range", "domain", nargs=2, type=float, metavar="LOW HIGH", help="The x that plots show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def activations(
    names: tuple[str, ...],
    plot: Path | None,
    derive: bool,
    latex: bool,
    numeric: float | None,
    params: tuple[str, ...],
    domain: tuple[float, float] | None,
    as_json: bool,
) -> None:
    """List all activations, or explain the named ones.

    A FORMULA is one in x, such as "x * sigmoid(beta * x)"; give its parameters with --param. A formula that
    begins with a minus sign goes after two dashes: -- "-x".
    """
    from actwise.report.summary import summarise

    chosen = _chosen(names, _parameters(params))
    if not names and (plot or derive or latex or numeric is not None or domain):
        raise InputError("name an activation first, such as: actwise activations sigmoid --derive")
    if plot is not None:
        from actwise.report.plots import plot_activations

        plot_activations(chosen, plot, domain=domain)
    if as_json:
        documents = [{**summarise(each), **_explained(each, derive, latex, numeric)} for each in chosen]
        click.echo(to_json(documents))
    elif not names:
        _print_table(chosen)
    elif derive or latex or numeric is not None:
        for number, each in enumerate(chosen):
            _print_explanation(each, derive or latex, latex, numeric, separate=number > 0)
    elif plot is None:
        for number, each in enumerate(chosen):
            click.echo("\n" * (number > 0), nl=False)
            _print_facts(each, summarise(each), domain)
    if plot is not None and not as_json:
        click.echo(f"drawn in {plot}", err=True)


def _parameters(texts: tuple[str, ...]) -> dict[str, float]:
    """Read ``name=value`` texts."""
    given = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            given[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name.strip().isidentifier():
            raise InputError(f"--param {text!r} should be a name and a number, such as beta=1.5")
    return given


def _chosen(names: tuple[str, ...], given: dict[str, float]) -> list[AnyActivation]:
    """Look the activations up; a parameter goes to each of them that has it."""
    from actwise.activations import activation, entry
    from actwise.activations import names as all_names

    if not names and given:
        raise InputError("--param needs an activation to go with, such as: actwise activations elu --param alpha=0.5")
    found: list[AnyActivation] = []
    used: set[str] = set()
    for name in names or all_names():
        known = entry(name)
        words = known.params if known is not None else re.findall(r"[A-Za-z_]\w*", name)
        mine = {key: value for key, value in given.items() if key in words or len(names) == 1}
        used |= mine.keys()
        found.append(activation(name, **mine))
    for key in given:
        if key not in used:
            raise InputError(f"none of these activations has a parameter {key!r}: leave --param {key} out")
    return found


def _explained(activation: AnyActivation, derive: bool, latex: bool, numeric: float | None) -> dict[str, Any]:
    from actwise.report.explanation import derivation_lines, worked_lines

    more: dict[str, Any] = {}
    if derive or latex:
        more["derivation"] = derivation_lines(activation, "latex" if latex else "text")
    if numeric is not None:
        more["worked_example"] = worked_lines(activation, numeric)
    return more


def _print_explanation(
    activation: AnyActivation, derive: bool, latex: bool, numeric: float | None, *, separate: bool
) -> None:
    from actwise.report.explanation import derivation_lines, worked_lines

    width = shutil.get_terminal_size((100, 24)).columns
    if separate:
        click.echo()
    if derive:
        for line in derivation_lines(activation, "latex" if latex else "text", width):
            click.echo(line)
    if derive and numeric is not None:
        click.echo()
    if numeric is not None:
        for line in worked_lines(activation, numeric):
            click.echo(line)


def _print_table(chosen: list[AnyActivation]) -> None:
    from rich import box
    from rich.table import Table

    from actwise.cli.consoles import Console
    from actwise.report.summary import summarise
    from actwise.report.wording import describe_range

    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(highlight=False, width=None if is_known else WIDTH_OF_A_FILE)
    shown = [title for title, narrowest in TABLE_COLUMNS.items() if console.width >= narrowest]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in shown:
        wide = title in ("name", "f(x)", "range")
        table.add_column(
            title, justify="left" if wide else "right", overflow="fold", no_wrap=title != "f(x)", min_width=len(title)
        )
    for each in chosen:
        facts = summarise(each)
        cells = {
            "name": facts["name"],
            "f(x)": facts["formula"],
            "range": describe_range(facts["range"]),
            "kinks": ", ".join(f"{kink['at']:g}" for kink in facts["kinks"]) or "-",
            "monotonic": _yes_or_no(facts["monotonic"]),
            "zero-centred": _yes_or_no(facts["zero_centred"]),
            "gain": f"{facts['gain']:.4g}",
        }
        table.add_row(*(cells[title] for title in shown))
    console.print(table)
    console.print("actwise activations NAME explains one.", markup=False)


def _yes_or_no(fact: bool | None) -> str:
    return "-" if fact is None else "yes" if fact else "no"


def _print_facts(activation: AnyActivation, facts: dict[str, Any], domain: tuple[float, float] | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from actwise.cli.consoles import Console
    from actwise.report.terminal import NARROWEST, terminal_plot
    from actwise.report.wording import fact_lines

    console = Console(highlight=False)
    width = min(max(console.width, NARROWEST), WIDEST_PLOT)
    characters: Any = "braille" if _can_show_braille() else "ascii"
    plot = terminal_plot(activation, width=width, height=PLOT_HEIGHT, domain=domain, characters=characters)
    console.print(Text(facts["name"], "bold cyan"), soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    for label, text in fact_lines(facts):
        table.add_row(Text(label, "bold"), Text(text))
    console.print(table)
    click.echo(f"\n{plot}")


def _can_show_braille() -> bool:
    try:
        "⠁│".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
