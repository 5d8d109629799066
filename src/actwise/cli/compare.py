"""``actwise compare``: which activation suits a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actwise.cli.options import read_activation, reading_options, split_activations, split_sizes
from actwise.errors import InputError

if TYPE_CHECKING:
    from actwise.study import Comparison
    from actwise.study.race import Progress
    from actwise.tables import ReadOptions

ALL = "all"


@click.command()
@click.argument("data", metavar="DATA")
@reading_options
@click.option(
    "--activations",
    metavar="LIST",
    help='Names and formulas in x between commas, such as relu,"x*sigmoid(1.5*x)"; or all for the whole catalogue.  '
    "[default: six usual ones]",
)
@click.option("--hidden", metavar="SIZES", help="Units per hidden layer, such as 64,32.  [default: by data]")
@click.option("--baselines", is_flag=True, help="Compare with a linear model and boosted trees too.")
@click.option("--splits", type=int, help="At most so many: repetitions of five folds.  [default: three repetitions]")
@click.option("--seeds", type=int, help="Trainings for each activation and split.  [default: 1]")
@click.option("--seed", type=int, help="Of the splits and of all trainings.  [default: 0]")
@click.option("--budget", type=float, metavar="SECONDS", help="Begin no further repetition after so long.")
@click.option("--metric", help="A scorer of scikit-learn, such as accuracy.  [default: log-loss or R2]")
@click.option("--rope", type=float, help="Differences up to it do not matter.  [default: by metric]")
@click.option("--tune", metavar="RATES", help="Learning rates to pick from, such as 0.001,0.003,0.01.")
@click.option(
    "--study", metavar="DIR", type=click.Path(path_type=Path), help="Keep the trainings there, to go on later."
)
@click.option("--workers", metavar="N|ADDRESS|ray", help="Threads, or a Dask scheduler's address, or ray.")
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Save a picture there.")
@click.option("--quiet", is_flag=True, help="Print the answer only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def compare(
    data: str,
    targets: tuple[str, ...],
    ignore: tuple[str, ...],
    reading: ReadOptions,
    task: str,
    activations: str | None,
    hidden: str | None,
    baselines: bool,
    tune: str | None,
    study: Path | None,
    workers: str | None,
    plot: Path | None,
    quiet: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Compare activations on the table DATA by paired experiments.

    All activations see the same splits and seeds. Those that are clearly worse are dropped early, and the study
    ends when each of the others is known to be worse than the best or practically as good. "Any of these will do" is
    an answer.

    Ctrl-C ends the study; the answer so far is printed. With --study the same command goes on where it ended.
    """
    from actwise.cli.consoles import Console
    from actwise.study import compare as run
    from actwise.tables import default_targets, read_training_table
    from actwise.tables.targets import find_target

    if plot is not None:
        from actwise.report.plots import check_picture

        check_picture(plot)
    frame, reading = read_training_table(data, reading)
    wanted = targets or default_targets(data)
    if len(wanted) != 1:
        shown = ", ".join(frame.columns[:10])
        raise InputError(f"name the one column to predict with --target; {data!r} has {shown}")
    settings = {} if hidden is None else {"hidden_layer_sizes": split_sizes(hidden)}
    console = Console(stderr=True)
    with _workers(workers) as n, _shown(console, quiet or as_json) as on_progress:
        found = run(
            _arms(activations, baselines, lambda: len(find_target(frame, wanted[0], task, reading).labels)),
            frame, wanted[0], task=task, ignore=ignore, reading=reading, settings=settings, tune=_rates(tune),
            study=None if study is None else str(study), workers=n, on_progress=on_progress,
            **{name: value for name, value in chosen.items() if value is not None},
        )  # fmt: skip
    if plot is not None:
        found.plot(str(plot))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=1))
        return
    if not quiet:
        Console(width=None if sys.stdout.isatty() else 120).print(_table(found))
    click.echo(str(found))


def _arms(activations: str | None, baselines: bool, n_classes: Callable[[], int]) -> dict[str, Any]:
    from actwise.activations import names
    from actwise.study.arms import USUAL

    listed = names() if activations == ALL else USUAL if activations is None else split_activations(activations)
    arms: dict[str, Any] = {each: read_activation(each) for each in listed}
    if len(arms) < len(listed):
        twice = next(each for each in listed if listed.count(each) > 1)
        raise InputError(f"--activations names {twice!r} twice: leave one out")
    if baselines:
        from actwise.tasks.baselines import boosted_trees, linear_model

        arms |= {"linear model": linear_model(n_classes()), "boosted trees": boosted_trees(n_classes())}
    return arms


def _rates(text: str | None) -> tuple[float, ...]:
    try:
        return () if text is None else tuple(float(each) for each in text.split(","))
    except ValueError:
        raise InputError(f"--tune takes learning rates between commas, such as 0.001,0.01, not {text!r}") from None


@contextmanager
def _workers(given: str | None) -> Iterator[int | None]:
    """Yield the number of trainings at a time, where a cluster does them within its context."""
    if given is None or given.isdigit():
        if given == "0":
            raise InputError("--workers must be a positive number, a Dask scheduler's address, or ray")
        yield None if given is None else int(given)
        return
    from joblib import parallel_config

    if given == "ray":
        try:
            from ray.util.joblib import register_ray
        except ImportError as error:
            raise InputError('--workers ray needs Ray: pip install ".[ray]" in the checkout') from error
        register_ray()
        with parallel_config(backend="ray"):
            yield -1
        return
    if "://" not in given:
        raise InputError(
            f"--workers must be a number, a Dask scheduler's address such as tcp://host:8786, or ray, not {given!r}"
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError('--workers with an address needs Dask: pip install ".[dask]" in the checkout') from error
    try:
        client = Client(given, timeout=10)
    except OSError as error:
        raise InputError(
            f"no Dask scheduler answers at {given} ({error}): start one, or correct the address"
        ) from error
    with client, parallel_config(backend="dask"):
        yield -1


@contextmanager
def _shown(console: Any, quiet: bool) -> Iterator[Callable[[Progress], object] | None]:
    """Show how far the study is and what is decided so far, where a person watches."""
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("compiling", total=None)

        def show(progress: Progress) -> None:
            said = "" if progress.best is None else f"best so far: {progress.best}"
            said += f"; dropped: {', '.join(progress.dropped)}" * bool(progress.dropped)
            bar.update(task, completed=progress.done, total=progress.total, description=said)

        yield show


def _table(found: Comparison) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{found.metric} over {found.n_splits} splits", title_justify="left")
    table.add_column("arm")
    for name in (
        found.metric,
        "ahead of the best by",
        "95 % interval",
        "better",
        "equivalent",
        "worse",
        "splits",
        "time",
    ):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for arm in found.arms:
        beside = arm.contrast
        comparison = (
            ["", "", "", "", ""]
            if arm.verdict == "best"
            else [
                f"{beside.difference:+.4f}", f"{beside.low:+.4f} to {beside.high:+.4f}",
                *(f"{each:.2f}" for each in (beside.better, beside.equivalent, beside.worse)),
            ]
        )  # fmt: skip
        cells = [arm.name, f"{arm.score:.4f}", *comparison, str(arm.n_splits), f"{arm.seconds:.2g} s", arm.verdict]
        table.add_row(*map(Text, cells), style="bold" if arm.name == found.recommended else "")
    return table
