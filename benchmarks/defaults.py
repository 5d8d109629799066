"""How often default settings learn what small networks are known to fail on, beside scikit-learn's perceptron.

    python benchmarks/defaults.py [--seeds 100] [--models MODEL|...] [--data xor,parabola] [--json FILE] [--table]

XOR: the four points, as they are, one hidden layer; all else is the default of each library, and again scikit-learn's
with ten times as many epochs. A seed has learned if all four points come out right. And the data of scikit-learn's
issue 31235, 500 points with a parabola between the classes and two layers of 20 logistic units, on which scikit-learn's
default stops at the base rate. Times are of `fit`, after one that compiles; the classes of what a fit warns of are
counted. The models take turns.

With --json what was measured is kept, and only what is missing is done, so that the table can be made in pieces;
--table prints a file again.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

import actwise as aw
from training import machine

PATIENT_EPOCHS = 2000
OURS, PERCEPTRON, PATIENT = "actwise", "scikit-learn", f"scikit-learn, max_iter={PATIENT_EPOCHS}"
MODELS = (OURS, PERCEPTRON, PATIENT)
ACTIVATIONS = ("logistic", "tanh", "relu")
UNITS = (2, 4, 8)
AIMED_AT = [*(("logistic", n) for n in UNITS), *(("tanh", n) for n in UNITS), ("relu", 4), ("relu", 8)]
PARABOLA_ROWS = 500
PARABOLA_LEARNED = 0.95  # accuracy on unseen rows; the base rate is 0.58 and logistic regression reaches 0.72


@dataclass(frozen=True)
class Work:
    """One network and what it is to learn."""

    data: str
    activation: str
    hidden: tuple[int, ...]

    @property
    def key(self) -> str:
        """What it is called in the file."""
        return f"{self.data}|{self.activation}|{'-'.join(map(str, self.hidden))}"


@dataclass(frozen=True)
class Trial:
    """One fit: the accuracy that decides, its time, how long it trained, and what it warned of."""

    score: float
    seconds: float
    epochs: int
    warned: list[str]


XOR = [Work("xor", activation, (units,)) for activation in ACTIVATIONS for units in UNITS]
PARABOLA = [Work("parabola", activation, (20, 20)) for activation in ACTIVATIONS]


def xor() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the four points, which are also those to be judged by."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0, 1, 1, 0])
    return X, y, X, y


def parabola() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of the issue, and as many further ones of the same kind to judge by."""
    X = np.random.RandomState(1).random_sample((2 * PARABOLA_ROWS, 2))
    y = (X[:, 0] + (2 * (X[:, 1] - 0.5)) ** 2 - 0.75 >= 0).astype(int)
    return X[:PARABOLA_ROWS], y[:PARABOLA_ROWS], X[PARABOLA_ROWS:], y[PARABOLA_ROWS:]


def tried(work: Work, model: str, seed: int) -> Trial:
    """Fit one model with one seed."""
    X, y, X_unseen, y_unseen = xor() if work.data == "xor" else parabola()
    kind = aw.MLPClassifier if model == OURS else MLPClassifier
    longer = {"max_iter": PATIENT_EPOCHS} if model == PATIENT else {}
    made = kind(work.hidden, activation=work.activation, random_state=seed, **longer)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = time.perf_counter()
        made.fit(X, y)
        seconds = time.perf_counter() - before
    return Trial(
        float(made.score(X_unseen, y_unseen)), seconds, int(made.n_iter_), [each.category.__name__ for each in caught]
    )


def summary(work: Work, trials: list[Trial]) -> dict[str, Any]:
    """Put the trials of one model together."""
    wanted = 1.0 if work.data == "xor" else PARABOLA_LEARNED
    warned = Counter(name for trial in trials for name in set(trial.warned))
    failed = [trial for trial in trials if trial.score < wanted]
    return {
        "seeds": len(trials),
        "learned": len(trials) - len(failed),
        "failed_in_silence": sum(not trial.warned for trial in failed),
        "median_score": median(trial.score for trial in trials),
        "lowest_score": min(trial.score for trial in trials),
        "median_seconds": median(trial.seconds for trial in trials),
        "slowest_seconds": max(trial.seconds for trial in trials),
        "median_epochs": median(trial.epochs for trial in trials),
        "warned": dict(warned),
    }


def measured(work: Work, models: list[str], seeds: int) -> dict[str, dict[str, Any]]:
    """Let the models take turns, seed by seed."""
    trials: dict[str, list[Trial]] = {model: [] for model in models}
    for model in models:
        tried(work, model, 0)  # compiles, or loads from the cache
    for seed in range(seeds):
        for model in models:
            trials[model].append(tried(work, model, seed))
    return {model: {"work": asdict(work)} | summary(work, some) for model, some in trials.items()}


def _cells(row: dict[str, Any]) -> list[str]:
    warned = ", ".join(f"{name} {count}" for name, count in sorted(row["warned"].items())) or "none"
    return [
        f"{row['learned']} of {row['seeds']}",
        f"{row['lowest_score']:.3f}",
        f"{row['failed_in_silence']}",
        f"{1000 * row['median_seconds']:.1f} ms",
        f"{1000 * row['slowest_seconds']:.1f} ms",
        warned,
    ]


def _table(results: dict[str, Any], works: list[Work]) -> list[str]:
    lines = [
        "| activation | units | | learned | lowest accuracy | failed in silence | median time | slowest | warned |",
        "|---" * 9 + "|",
    ]
    for work in works:
        found = results.get(work.key, {})
        for model, row in ((model, found[model]) for model in MODELS if model in found):
            hidden = "-".join(map(str, work.hidden))
            lines.append(f"| {' | '.join([work.activation, hidden, model, *_cells(row)])} |")
    return lines


def shown(held: dict[str, Any]) -> str:
    """Write everything as Markdown."""
    results = held["results"]
    packages = held["machine"]["packages"]
    cells = [results.get(work.key, {}) for work in XOR if (work.activation, *work.hidden) in AIMED_AT]
    aimed = [cell[OURS] for cell in cells if OURS in cell]
    reached = sum(row["learned"] == row["seeds"] for row in aimed)
    return "\n".join(
        [
            "# What default settings learn",
            "",
            f"{held['machine']['cpu']}, {held['machine']['cores']} cores; actwise {packages['actwise']}, "
            f"scikit-learn {packages['scikit-learn']}. Made by `python benchmarks/defaults.py --json "
            "benchmarks/results/defaults.json`.",
            "",
            "## XOR",
            "",
            "Aim: every seed, with 2, 4 and 8 logistic or tanh units and with 4 and 8 ReLU units. "
            f"Reached in {reached} of {len(aimed)} of these cells.",
            "",
            *_table(results, XOR),
            "",
            "## scikit-learn's issue 31235",
            "",
            f"Learned means that at least {PARABOLA_LEARNED:.0%} of {PARABOLA_ROWS} further points come out right.",
            "",
            *_table(results, PARABOLA),
            "",
        ]
    )


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--models", default="|".join(MODELS), help="separated by |")
    parser.add_argument("--data", default="xor,parabola")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", action="store_true", help="only print what the file holds")
    arguments = parser.parse_args()
    file: Path | None = arguments.json
    held: dict[str, Any] = {"machine": machine(), "results": {}}
    if file is not None and file.is_file():
        held = json.loads(file.read_text("utf-8"))
    for work in [] if arguments.table else XOR + PARABOLA:
        found = held["results"].setdefault(work.key, {})
        missing = [model for model in arguments.models.split("|") if model not in found]
        if missing and work.data in arguments.data.split(","):
            found |= measured(work, missing, arguments.seeds)
            if file is not None:
                file.write_text(json.dumps(held, indent=1) + "\n", "utf-8")
    print(shown(held))


if __name__ == "__main__":
    main()
