"""The story that Actwise comes from, through every door: whether its defaults learn XOR, AND and OR.

    python benchmarks/story.py [--seeds 20] [--rows 4,20,40,200] [--doors aw.train,...] [--json FILE] [--table]

Each truth table as four rows and repeated to tables of 20, 40 and 200 rows, with 2, 4 and 8 hidden units of sigmoid,
tanh and ReLU; all else is the default of each door: `aw.train`, `aw.MLPClassifier`, `aw.fit_table` and the command
``actwise fit`` on a CSV file (the last two without baselines and doctor, which change nothing that is learned). A seed
has learned if the answers to all four rows are right. Then the doctor looks at what the doors made of XOR with two
units, 20 and 200 rows, and seed 0.

With --json what was measured is kept, and only what is missing is done, so that the table can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from click.testing import CliRunner

import actwise as aw
from actwise.cli import main as command
from training import machine

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
TABLES = {
    "XOR": np.array([0, 1, 1, 0]),
    "AND": np.array([0, 0, 0, 1]),
    "OR": np.array([0, 1, 1, 1]),
}
ROWS = (4, 20, 40, 200)
UNITS = (2, 4, 8)
ACTIVATIONS = ("sigmoid", "tanh", "relu")
EXAMINED_UNITS, EXAMINED_ROWS = 2, (20, 200)  # of XOR, by the doctor


def table(name: str, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Repeat a truth table: inputs (n_rows, 2) and answers (n_rows,)."""
    return np.tile(POINTS, (n_rows // 4, 1)), np.tile(TABLES[name], n_rows // 4)


def frame(name: str, n_rows: int) -> pl.DataFrame:
    """Repeat a truth table as a frame with the columns a, b and y."""
    X, y = table(name, n_rows)
    return pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y})


def by_train(name: str, n_rows: int, units: int, activation: str, seed: int) -> tuple[Any, np.ndarray]:
    """Learn with `aw.train`; return the model and its answers to the four rows."""
    network = aw.Network([aw.Dense(units, activation), aw.Dense(1, "sigmoid")], n_inputs=2)
    X, y = table(name, n_rows)
    run = aw.train(network, X, y, loss="binary_cross_entropy", seed=seed)
    return run, run.network.predict(POINTS)[:, 0] > 0.5


def by_estimator(name: str, n_rows: int, units: int, activation: str, seed: int) -> tuple[Any, np.ndarray]:
    """Learn with `aw.MLPClassifier`."""
    model = aw.MLPClassifier(units, activation, random_state=seed).fit(*table(name, n_rows))
    return model, model.predict(POINTS)


def by_table(name: str, n_rows: int, units: int, activation: str, seed: int) -> tuple[Any, np.ndarray]:
    """Learn with `aw.fit_table`."""
    settings = aw.FitSettings(hidden=(units,), activation=(activation,), seed=seed, baselines=False)
    model = aw.fit_table(frame(name, n_rows), "y", settings).model
    return model, model.predict(frame(name, 4)) if model.report.failure is None else np.full(4, -1)


def by_command(name: str, n_rows: int, units: int, activation: str, seed: int) -> tuple[Any, np.ndarray]:
    """Learn with the command line."""
    with tempfile.TemporaryDirectory() as folder:
        data, place = Path(folder) / "table.csv", Path(folder) / "model"
        frame(name, n_rows).write_csv(data)
        options = ["--hidden", str(units), "--activation", activation, "--seed", str(seed), "--out", str(place)]
        asked = ["fit", str(data), "--target", "y", *options, "--no-baselines", "--no-doctor", "--quiet"]
        ended = CliRunner().invoke(command, asked)
        if ended.exit_code != 0:
            return None, np.full(4, -1)
        model = aw.load(place)
        return model, model.predict(frame(name, 4))


DOORS: dict[str, Callable[[str, int, int, str, int], tuple[Any, np.ndarray]]] = {
    "aw.train": by_train,
    "MLPClassifier": by_estimator,
    "fit_table": by_table,
    "actwise fit": by_command,
}


def verdict(door: str, name: str, n_rows: int, units: int, activation: str) -> str:
    """Say what the doctor makes of what a door learned with seed 0."""
    model, _ = DOORS[door](name, n_rows, units, activation, 0)
    rows = (frame(name, n_rows),) if door in ("fit_table", "actwise fit") else table(name, n_rows)
    return str(aw.diagnose(model, *rows).verdict)


def shown(results: dict[str, Any]) -> str:
    """Write the shares learned and the doctor's verdicts as Markdown."""
    learned, verdicts = results["learned"], results["verdicts"]
    seeds = len({key.split("|")[-1] for key in learned})
    lines = [
        "# The story through every door",
        "",
        f"{results['machine']['cpu']}; actwise {aw.__version__}. Made by `python benchmarks/story.py --json "
        "benchmarks/results/story.json`,",
        f"which says how. Seeds out of {seeds} that learned all four rows, with default settings.",
        "",
        f"| table | rows | activation | units | {' | '.join(DOORS)} |",
        "|---" * (4 + len(DOORS)) + "|",
    ]
    for name, n_rows, activation, units in product(TABLES, ROWS, ACTIVATIONS, UNITS):
        cells = []
        for door in DOORS:
            found = [
                value
                for key, value in learned.items()
                if key.startswith(f"{door}|{name}|{n_rows}|{units}|{activation}|")
            ]
            cells.append(f"{sum(found)} of {len(found)}" if found else "")
        lines.append(f"| {name} | {n_rows} | {activation} | {units} | {' | '.join(cells)} |")
    lines += [
        "",
        "What the doctor says of what each door made of XOR with 2 units, 20 and 200 rows:",
        "",
        "| door | verdicts |",
        "|---|---|",
    ]
    for door in DOORS:
        counts = Counter(value for key, value in verdicts.items() if key.startswith(f"{door}|"))
        lines.append(f"| {door} | {', '.join(f'{what} {count}' for what, count in counts.most_common())} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", default=",".join(map(str, ROWS)))
    parser.add_argument("--doors", default=",".join(DOORS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", action="store_true", help="only print what the file holds")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"machine": machine(), "learned": {}, "verdicts": {}}
    if arguments.json is not None and arguments.json.is_file():
        results = json.loads(arguments.json.read_text("utf-8"))
    warnings.simplefilter("ignore")
    doors, rows = arguments.doors.split(","), [int(each) for each in arguments.rows.split(",")]
    cells = [] if arguments.table else list(product(TABLES, rows, UNITS, ACTIVATIONS))
    for seed in range(arguments.seeds):
        for name, n_rows, units, activation in cells:
            for door in doors:
                key = f"{door}|{name}|{n_rows}|{units}|{activation}|{seed}"
                if key not in results["learned"]:
                    _, answers = DOORS[door](name, n_rows, units, activation, seed)
                    results["learned"][key] = bool(np.array_equal(answers, TABLES[name]))
                examined = name == "XOR" and units == EXAMINED_UNITS and n_rows in EXAMINED_ROWS and seed == 0
                if examined and (key := key.removesuffix("|0")) not in results["verdicts"]:
                    results["verdicts"][key] = verdict(door, name, n_rows, units, activation)
            if arguments.json is not None:
                arguments.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(shown(results), end="")


if __name__ == "__main__":
    main()
