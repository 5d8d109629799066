"""What is shown to a person: lines, one table, and a bar while training; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column, Table
from rich.text import Text

from actwise.tabular import EpochsDone, FitReport, Prepared, TableModel
from actwise.tabular.evaluation import LOWER_IS_BETTER
from actwise.tabular.summary import summarise_columns, summarise_layers, summarise_target

LABEL_WIDTH = 10
MOST_COLUMNS = 20  # of the table that are listed after a fit; `describe` lists all
MOST_CLASSES = 10
MODEL_NAMES = {
    "network": "network",
    "constant": "constant",
    "linear": "linear model",
    "boosting": "gradient boosting",
}
METRIC_NAMES = {
    "log_loss": "log-loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
}
ENDINGS = {
    "all epochs done": "all epochs are done",
    "no improvement": "the validation loss no longer improves",
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
        rows = event.rows
        how = ", each class in equal shares" if event.target.is_classification else ""
        self.line(
            "rows",
            f"{rows.train:,} for training, {rows.validation:,} for validation, {rows.test:,} for the test{how}",
        )
        self.columns(summarise_columns(event.encoding), MOST_COLUMNS)
        self.network(event.network.n_inputs, summarise_layers(event.network), event.network.n_parameters)
        options = event.options
        rate = getattr(options["optimizer"], "learning_rate", None)
        self.line(
            "training",
            f"{options['loss'].name}, {type(options['optimizer']).__name__}"
            + (f" with learning rate {rate:g}" if rate is not None else "")
            + f", L2 {options['l2']:.3g}, batches of {options['batch_size']}, at most {options['epochs']:,} epochs, "
            f"seed {options['seed']}",
        )

    def target(self, target: Mapping[str, Any]) -> None:
        """Say what is predicted, and why it is that task."""
        self.line("task", target["reason"])
        classes = [str(each) for each in target["classes"]]
        if classes:
            more = f" and {len(classes) - MOST_CLASSES} more" if len(classes) > MOST_CLASSES else ""
            self.line("", f"{len(classes)} classes: {', '.join(classes[:MOST_CLASSES])}{more}")
        if target["rows_without"]:
            self.line("", f"{target['rows_without']:,} rows without a target are left out")

    def columns(self, columns: Sequence[Mapping[str, Any]], most: int | None = None) -> None:
        """Say what is done with each column."""
        used = sum(column["inputs"] > 0 for column in columns)
        inputs = sum(column["inputs"] for column in columns)
        self.line("columns", f"{used} of {len(columns)} are used and become {inputs} inputs")
        for column in columns[:most]:
            self.line("", column["description"], "dim" if not column["inputs"] else "")
        if most is not None and len(columns) > most:
            self.line("", f"and {len(columns) - most} more, which 'actwise describe' will list")

    def network(self, n_inputs: int, layers: Sequence[Mapping[str, Any]], n_parameters: int) -> None:
        """Say what the network looks like, in one line."""
        parts = [f"{n_inputs} inputs"]
        for layer in layers:
            if layer["type"] == "Dropout":
                parts.append(f"dropout {layer['rate']:g}")
            else:
                parts.append(f"{layer['units']} {layer.get('activation', layer['type'].lower())}")
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
        self.line("compiling", "for the first time on this machine, some seconds; it is kept for later")

    def trained(self, report: FitReport) -> None:
        """Say how training went."""
        facts = report.training
        losses = [("training", facts.training_loss), ("validation", facts.validation_loss)]
        shown = ", ".join(f"{name} loss {value:.4g}" for name, value in losses if value is not None)
        self.line(
            "trained",
            f"{facts.epochs_done:,} epochs, {facts.updates:,} updates in {facts.seconds:.1f} s; ended because "
            f"{ENDINGS[facts.stopped_because]}"
            if facts.stopped_because != "interrupted"
            else f"stopped by Ctrl-C after {facts.epochs_done:,} epochs: the best weights so far are kept",
        )
        if shown:
            self.line("", f"best epoch {facts.best_epoch:,}: {shown}")

    def scores(self, report: FitReport) -> None:
        """Print the table of measures, the best of each row in bold."""
        self.line("tested", f"on {report.rows.test:,} rows that served for nothing else")
        table = Table()
        table.add_column("")
        for model in report.scores:
            table.add_column(MODEL_NAMES.get(model, model), justify="right")
        for metric in report.metrics:
            values = [scores[metric] for scores in report.scores.values()]
            known = [value for value in values if value is not None]
            best = (min if metric in LOWER_IS_BETTER else max)(known) if known else None
            table.add_row(
                METRIC_NAMES.get(metric, metric),
                *(Text("-" if v is None else f"{v:.4g}", "bold" if v == best else "") for v in values),
            )
        self._console.print(table)
        if "linear" in report.scores and report.rows.baselines < report.rows.train:
            self._console.print(
                f"The linear model and gradient boosting learned from a sample of {report.rows.baselines:,} of the "
                f"{report.rows.train:,} training rows.",
                soft_wrap=True,
            )

    def saved(self, directory: Path, command: str) -> None:
        """Say where the model is and what to type next."""
        self.line("model", f"saved in {directory}")
        self.line("predict", command, "bold")

    def described(self, model: TableModel, summary: Mapping[str, Any]) -> None:
        """Print all that a model is."""
        self.target(summary["target"])
        self.network(summary["inputs"], summary["layers"], summary["parameters"])
        self.formulas(summary["layers"])
        self.columns(summary["columns"])
        rows = model.report.rows
        self.line(
            "rows", f"{rows.train:,} for training, {rows.validation:,} for validation, {rows.test:,} for the test"
        )
        self.trained(model.report)
        self.scores(model.report)
        versions = summary["versions"]
        self.line("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))


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
