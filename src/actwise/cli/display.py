"""What is shown to a person: lines, one table, and a bar while training; nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column, Table
from rich.text import Text

from actwise.cli.consoles import Console
from actwise.doctor import Suspicion
from actwise.tabular import EpochsDone, FitReport, Prepared, TableModel
from actwise.tabular.report import LEFT_OUT, TEST_ROWS, RowCounts
from actwise.tabular.summary import summarise_columns, summarise_layers, summarise_target
from actwise.tasks.metrics import METRICS, Scores

LABEL_WIDTH = 10
MOST_COLUMNS = 20  # of the table that are listed after a fit; `describe` lists all
MOST_CLASSES = 10
MODEL_NAMES = {
    "network": "network",
    "constant": "constant",
    "linear": "linear model",
    "boosting": "gradient boosting",
}
ENDINGS = {
    "all epochs done": "all epochs are done",
    "time limit": "the time limit is reached",
    "interrupted": "Ctrl-C",
    "loss is not finite": "the loss is not finite",
    "converged": "it has converged",
}


class Display:
    """Prints to one console.

    Parameters
    ----------
    console : rich.console.Console
        Where to; a quiet one prints nothing.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, label: str, text: str, style: str = "") -> None:
        """Print a line after a label; text that comes from data is never taken for markup."""
        self._console.print(Text.assemble((f"{label:<{LABEL_WIDTH}}", "bold cyan"), (text, style)), soft_wrap=True)

    def prepared(self, event: Prepared) -> None:
        """Say which task was found, what is done with the columns, and what will be trained."""
        self.target(summarise_target(event.target))
        self.rows(event.rows, ", each class in equal shares" if event.target.is_classification else "")
        if event.untested:
            classes = ", ".join(event.untested[:MOST_CLASSES]) + ", ..." * (len(event.untested) > MOST_CLASSES)
            which = "class" if len(event.untested) == 1 else "classes"
            self.line("", f"no test row is of the {which} {classes}: the test says nothing about that")
        self.columns(summarise_columns(event.encoding), MOST_COLUMNS)
        self.network(event.network.n_inputs, summarise_layers(event.network), event.network.n_parameters)
        plan, task = event.plan, event.target.task
        batches = f"batches of {plan.batch_size}" if plan.stochastic else "all rows at every step"
        rate = getattr(plan.optimizer, "learning_rate", None)
        shown = "" if rate is None else f" with learning rate {rate:g}" if isinstance(rate, float) else f", {rate}"
        which = plan.recipe if plan.regime is None else f"{plan.recipe}: the problem is {plan.regime}"
        self.line(
            "training",
            f"{task.loss}, {type(plan.optimizer).__name__}{shown}, {batches}, "
            f"at most {_count(plan.epochs, 'epoch')} ({which})",
        )

    def rows(self, rows: RowCounts, how: str = "") -> None:
        """Say which rows serve for what."""
        if rows.judged_by == TEST_ROWS:
            validation = f"{rows.validation:,} for validation, " if rows.validation else ""
            self.line("rows", f"{rows.train:,} for training, {validation}{rows.test:,} for the test{how}")
            return
        self.line("rows", f"{rows.train:,} for training, all there are")
        if rows.judged_by == LEFT_OUT:
            self.line("", "so few test rows would say little: the figures are of rows left out in turn")
        else:
            self.line("", "no row was left out to judge by: the figures are of these rows")

    def target(self, target: Mapping[str, Any]) -> None:
        """Say what is predicted, and why it is that task."""
        self.line("task", target["reason"])
        classes = [str(each) for each in target["classes"]]
        if classes:
            more = f" and {len(classes) - MOST_CLASSES} more" if len(classes) > MOST_CLASSES else ""
            self.line("", f"{len(classes)} classes: {', '.join(classes[:MOST_CLASSES])}{more}")
        if target["rows_without"]:
            self.line("", f"{_count(target['rows_without'], 'row')} without a target left out")

    def columns(self, columns: Sequence[Mapping[str, Any]], most: int | None = None) -> None:
        """Say what is done with each column."""
        used = sum(column["inputs"] > 0 for column in columns)
        inputs = sum(column["inputs"] for column in columns)
        self.line("columns", f"{used} of {len(columns)} are used and become {_count(inputs, 'input')}")
        for column in columns[:most]:
            self.line("", column["description"], "dim" if not column["inputs"] else "")
        if most is not None and len(columns) > most:
            self.line("", f"and {len(columns) - most} more, which 'actwise describe' will list")

    def network(self, n_inputs: int, layers: Sequence[Mapping[str, Any]], n_parameters: int) -> None:
        """Say what the network looks like, in one line."""
        parts = [_count(n_inputs, "input")]
        for layer in layers:
            if layer["type"] == "Dropout":
                parts.append(f"dropout {layer['rate']:g}")
            else:
                units = f"{layer['units']} " if "units" in layer else ""
                parts.append(f"{units}{layer.get('activation', layer['type'].lower())}")
        self.line("network", f"{' > '.join(parts)} ({n_parameters:,} parameters)")

    def formulas(self, layers: Sequence[Mapping[str, Any]]) -> None:
        """Say what each activation computes, with its derivative and parameters."""
        for layer in layers:
            if "formula" not in layer:
                continue
            values = ", ".join(f"{name} = {value:g}" for name, value in layer["activation_parameters"].items())
            self.line("", f"{layer['activation']}: f(x) = {layer['formula']}" + f" with {values}" * bool(values))
            if "derivative" in layer:
                self.line("", f"{' ' * len(layer['activation'])}  f'(x) = {layer['derivative']}")

    def compiling(self) -> None:
        """Say why nothing happens for a while."""
        self.line("compiling", "the training loop and the activations, for the first time on this machine;")
        self.line("", "some seconds, then kept for later")

    def trained(self, report: FitReport) -> None:
        """Say how training went."""
        facts = report.training
        losses = [("training", facts.training_loss), ("validation", facts.validation_loss)]
        shown = ", ".join(f"{name} loss {value:.4g}" for name, value in losses if value is not None)
        if shown and "r2" in report.metrics:
            shown += " (of the standardised target)"
        if facts.best_epoch == facts.epochs_allowed:
            shown += "; it was still improving: allow more with --epochs"
        endings = ENDINGS | {
            "no improvement": f"the {'validation' if report.rows.validation else 'training'} loss no longer improves"
        }
        self.line(
            "trained",
            f"{_count(facts.epochs_done, 'epoch')}, {_count(facts.updates, 'update')} in {facts.seconds:.1f} s; "
            f"ended because {endings[facts.stopped_because]}"
            if facts.stopped_because != "interrupted"
            else f"stopped by Ctrl-C after {_count(facts.epochs_done, 'epoch')}: the best weights so far are kept",
        )
        if shown:
            self.line("", f"best epoch {facts.best_epoch:,}: {shown}")
        recipe = f"recipe {facts.recipe} ({facts.regime}), " if facts.regime else ""
        self.line("", f"{recipe}l2 {facts.l2:.3g}, seed {facts.seed}")

    def scores(self, report: FitReport) -> None:
        """Print the table of measures, the best of each row in bold."""
        judged = {
            TEST_ROWS: f"on {_count(report.rows.test, 'row')} not used for training",
            LEFT_OUT: f"on {_count(report.rows.train, 'row')}, each by a network that had not seen it",
        }
        self.line("tested", judged.get(report.rows.judged_by, f"on the {report.rows.train:,} rows it learned from"))
        table = Table()
        table.add_column("")
        for model in report.scores:
            table.add_column(MODEL_NAMES.get(model, model), justify="right")
        for metric in report.metrics:
            _add_row(table, Text(METRICS[metric].label), metric, report.scores)
        for name, scores in report.scores_by_target.items():
            _add_row(table, Text(f"R2 of {name}"), "r2", scores)
        self._console.print(table)
        skipped = [MODEL_NAMES[name] for name in ("linear", "boosting") if name not in report.scores]
        # Those who asked for no baselines get none of the two.
        if skipped and (report.training.stopped_because == "interrupted" or len(skipped) == 1):
            self._console.print(f"Skipped because of Ctrl-C: {' and '.join(skipped)}.", soft_wrap=True)
        if "linear" in report.scores and report.rows.baselines < report.rows.train:
            self._console.print(
                f"The linear model and gradient boosting learned from a sample of {report.rows.baselines:,} of the "
                f"{report.rows.train:,} training rows.",
                soft_wrap=True,
            )

    def suspicions(self, found: Sequence[Suspicion]) -> None:
        """Say what looks wrong before any training."""
        for each in found:
            self.line("caution", f"{each.evidence} ({each.code})", "yellow")

    def diagnosis(self, report: str) -> None:
        """Print what the doctor found."""
        self._console.print()
        self._console.print(Text(report), soft_wrap=True)

    def saved(self, directory: Path, command: str, failed: bool) -> None:
        """Say where the model is and, unless it is of no use, what to type next."""
        if failed:
            self.line("model", f"kept in {directory}, for a look at what failed")
            return
        self.line("model", f"saved in {directory}")
        self.line("predict", command, "bold")

    def described(self, model: TableModel, summary: Mapping[str, Any]) -> None:
        """Print all that a model is."""
        self.target(summary["target"])
        self.network(summary["inputs"], summary["layers"], summary["parameters"])
        self.formulas(summary["layers"])
        self.columns(summary["columns"])
        self.rows(model.report.rows)
        self.trained(model.report)
        self.scores(model.report)
        versions = summary["versions"]
        self.line("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _add_row(table: Table, label: Text, metric: str, scores: Mapping[str, Scores]) -> None:
    """Add a measure of each model, the best in bold."""
    values = [each[metric] for each in scores.values()]
    known = [value for value in values if value is not None]
    best = (min if METRICS[metric].lower_is_better else max)(known) if known else None
    shown = (Text("-" if v is None else f"{v:.4g}", "bold" if v == best else "") for v in values)
    table.add_row(label, *shown)


def _count(number: int, what: str) -> str:
    """Write a number and what is counted, in the plural unless it is one."""
    return f"{number:,} {what}" + "s" * (number != 1)


class TrainingBar:
    """A live bar: epoch, training and validation loss, and the time left at most.

    Parameters
    ----------
    console : rich.console.Console
        A terminal.
    epochs : int
        At most so many.
    time_limit : float, optional
        At most so many seconds.
    """

    def __init__(self, console: Console, epochs: int, time_limit: float | None = None) -> None:
        self._bar = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[losses]}", table_column=Column(no_wrap=True)),
            _TimeLeft(time_limit),
            console=console,
            transient=True,
            expand=True,
        )
        self._task: TaskID = self._bar.add_task("", total=epochs, losses="")
        self._bar.start()

    def show(self, event: EpochsDone) -> None:
        """Move on."""
        if not len(event.history):
            return
        last = event.history[-1]
        losses = f"training {last.training_loss:.4g}"
        if last.validation_loss is not None:
            losses += f"  validation {last.validation_loss:.4g}"
        self._bar.update(self._task, completed=event.epochs, losses=losses)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class _TimeLeft(ProgressColumn):
    """The time for all epochs that are allowed, or up to the limit; early stopping makes it shorter."""

    def __init__(self, limit: float | None) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._limit = limit

    def render(self, task: Task) -> Text:
        left = task.time_remaining
        if left is None:
            return Text("")
        if self._limit is not None:
            left = min(left, max(0.0, self._limit - (task.elapsed or 0.0)))
        return Text(f"at most {int(left) // 60}:{int(left) % 60:02d} left", "cyan")


@contextmanager
def experiments_shown(console: Console, quiet: bool) -> Iterator[Callable[[str, float], object]]:
    """Show on a terminal, in one line, which experiment the doctor makes; yields what is to be called with it."""
    if quiet or not console.is_terminal:
        yield lambda doing, share: None
        return
    with console.status("looking at the data") as status:
        yield lambda doing, share: status.update(f"{share:.0%} of the budget: {doing}")
