"""How good the estimators' defaults are on real tables, beside scikit-learn's perceptron, trees and linear models.

    python benchmarks/tables.py [--seeds 5] [--only TABLE,...] [--models MODEL,...] [--minutes M] [--json FILE]

Each of 34 tables is split by each seed into 75 % of rows to learn from and 25 % to be judged by (accuracy, or R²). All
models have their default settings; scikit-learn's stand behind a StandardScaler, ours scale by themselves. Times are of
fit and predict, after a first fit that compiles, with all threads that a library takes by itself. Our defaults were
chosen on the tables of the half "chosen". Of the half "held out" only diabetes was seen meanwhile, on one split: it
showed that training ended too early under a falling learning rate. A first run on all tables, before the defaults were
changed once more by the chosen half alone, is in `results/tables_first.md`.

With --json what was measured is kept, and only what is missing is done, so that the table can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from datasets import TABLES, Table, load, load_frame
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import actwise as aw
from training import machine

OURS, TABLE_DOOR = "actwise", "actwise fit_table"
PERCEPTRON, TREES, LINEAR = "scikit-learn MLP", "boosted trees", "linear"
MODELS = (OURS, TABLE_DOOR, PERCEPTRON, TREES, LINEAR)
TEST_SHARE = 0.25
TIE = 1e-9
FIFTH = 0.2


def make(model: str, task: str, seed: int) -> Any:
    """Return a model with its default settings."""
    classifies = task == "classification"
    if model == OURS:
        return (aw.MLPClassifier if classifies else aw.MLPRegressor)(random_state=seed)
    if model == TABLE_DOOR:
        return FittedTable(task, seed)
    if model == PERCEPTRON:
        return make_pipeline(StandardScaler(), (MLPClassifier if classifies else MLPRegressor)(random_state=seed))
    if model == TREES:
        return (HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor)(random_state=seed)
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000) if classifies else RidgeCV())


def half(table: Table) -> str:
    """Say whether a table served to choose defaults: every other one of each task did."""
    peers = [each.name for each in TABLES if each.task == table.task]
    return "chosen" if peers.index(table.name) % 2 == 0 else "held out"


class FittedTable:
    """`fit_table` with its defaults, as a model that is fitted to a frame and scores by accuracy or R²."""

    def __init__(self, task: str, seed: int) -> None:
        self.settings = aw.FitSettings(task=task, seed=seed, baselines=False)

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> FittedTable:
        """Fit; `fit_table` takes its validation and test rows from these."""
        frame = _polars(X).with_columns(pl.Series("target", y.tolist()))
        self.model = aw.fit_table(frame, "target", self.settings).model
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict labels or numbers, shape (n_rows,)."""
        return self.model.predict(_polars(X))

    def score(self, X: pd.DataFrame, y: np.ndarray) -> float:
        """Return accuracy, or R²."""
        if self.settings.task == "regression":
            return float(r2_score(y, self.predict(X)))
        return float(np.mean(self.predict(X).astype(str) == y.astype(str)))


def _polars(frame: pd.DataFrame) -> pl.DataFrame:
    numbers = {name: frame[name].to_numpy(np.float64) for name in frame.select_dtypes("number")}
    cells = {name: [None if pd.isna(cell) else str(cell) for cell in frame[name]] for name in frame}
    return pl.DataFrame({name: numbers.get(name, cells[name]) for name in frame}, nan_to_null=True)


def measure(table: Table, model: str, seed: int) -> dict[str, float]:
    """Fit and judge one model on one split."""
    X, y = load_frame(table) if model == TABLE_DOOR else load(table)
    stratify = y if table.task == "classification" else None
    parts = train_test_split(X, y, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
    X_train, X_test, y_train, y_test = parts
    made = make(model, table.task, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = time.perf_counter()
        made.fit(X_train, y_train)
        made.predict(X_test)
        seconds = time.perf_counter() - before
        return {"score": float(made.score(X_test, y_test)), "seconds": seconds}


def warm_up() -> None:
    """Compile what training needs, or load it from the cache."""
    rng = np.random.default_rng(0)
    for n_rows in (100, 2000):
        X = rng.normal(size=(n_rows, 4))
        for y in (X[:, 0] > 0, np.digitize(X[:, 0], [-1, 1])):
            aw.MLPClassifier(max_iter=2).fit(X, y).predict(X)
        aw.MLPRegressor(max_iter=2).fit(X, X[:, 0]).predict(X)


def run(
    results: dict[str, dict[str, float]], tables: list[Table], models: list[str], seeds: int, save: Callable[[], None],
    minutes: float,
) -> None:  # fmt: skip
    """Measure what is missing, until the time is up."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warm_up()
    for table in tables:
        for seed in range(seeds):
            for model in models:
                key = f"{table.name}|{seed}|{model}"
                if key not in results:
                    if time.perf_counter() - started > 60 * minutes:
                        return
                    results[key] = measure(table, model, seed)
            save()


def mean(results: dict[str, dict[str, float]], table: Table, model: str, what: str) -> float:
    """Average over the seeds."""
    found = [
        each[what] for key, each in results.items() if key.startswith(f"{table.name}|") and key.endswith(f"|{model}")
    ]
    return fmean(found) if found else float("nan")


def tables_done(results: dict[str, dict[str, float]]) -> list[Table]:
    """Return the tables that all models were measured on."""
    return [each for each in TABLES if all(np.isfinite(mean(results, each, model, "score")) for model in MODELS)]


def shown(machine: dict[str, Any], results: dict[str, dict[str, float]]) -> str:
    """Write all tables and the summary of each half as Markdown."""
    done = tables_done(results)
    packages = machine["packages"]
    lines = [
        "# Default settings on real tables",
        "",
        f"{machine['cpu']}, {machine['cores']} cores; actwise {packages['actwise']}, scikit-learn "
        f"{packages['scikit-learn']}. Made by `python benchmarks/tables.py --json benchmarks/results/tables.json`,",
        f"which says how. Accuracy or R², means over {len({key.split('|')[1] for key in results})} seeds.",
        "",
        f"| table | task | half | {' | '.join(MODELS)} | time: {OURS} | time: {PERCEPTRON} |",
        "|---" * (5 + len(MODELS)) + "|",
    ]
    for table in done:
        scores = [mean(results, table, model, "score") for model in MODELS]
        best = max(scores)
        cells = [f"**{score:.4f}**" if score >= best - TIE else f"{score:.4f}" for score in scores]
        times = [f"{mean(results, table, model, 'seconds'):.2f} s" for model in MODELS[:2]]
        lines.append(f"| {' | '.join([table.name, table.task, half(table), *cells, *times])} |")
    lines += ["", f"| tables | what | {' | '.join(MODELS)} |", "|---" * (2 + len(MODELS)) + "|"]
    for name, some in (
        ("all", done),
        ("chosen", [each for each in done if half(each) == "chosen"]),
        ("held out", [each for each in done if half(each) == "held out"]),
    ):
        if some:
            lines += _summary(results, name, some)
    return "\n".join(lines) + "\n"


def _summary(results: dict[str, dict[str, float]], name: str, tables: list[Table]) -> list[str]:
    scores = np.array([[mean(results, table, model, "score") for model in MODELS] for table in tables])
    times = np.array([[mean(results, table, model, "seconds") for model in MODELS] for table in tables])
    ranks = rankdata(-scores, axis=1).mean(axis=0)
    ahead = (scores[:, :1] > scores + TIE).mean(axis=0)
    level = (np.abs(scores[:, :1] - scores) <= TIE).mean(axis=0)
    shares = times[:, :1] / times[:, 1:]
    rows = (
        ("mean score", [f"{each:.4f}" for each in scores.mean(axis=0)]),
        ("mean rank", [f"{each:.2f}" for each in ranks]),
        (f"{OURS} better on", ["", *[f"{each:.0%}" for each in ahead[1:]]]),
        (f"{OURS} level on", ["", *[f"{each:.0%}" for each in level[1:]]]),
        (
            "difference within two standard errors of 0",
            ["", *(str(_near(results, tables, each)) for each in MODELS[1:])],
        ),
        ("sum of times", [f"{each:.1f} s" for each in times.sum(axis=0)]),
        (f"{OURS}'s share of that sum", ["", *(f"{each:.2f}" for each in (times.sum(0)[0] / times.sum(0))[1:])]),
        (f"{OURS}'s time as a share of it, median", ["", *(f"{each:.2f}" for each in np.median(shares, 0))]),
        ("and largest", ["", *(f"{each:.2f}" for each in shares.max(axis=0))]),
        ("tables on which it is at most a fifth", ["", *(str(each) for each in (shares <= FIFTH).sum(axis=0))]),
    )
    return [f"| {name} ({len(tables)}) | {what} | {' | '.join(cells)} |" for what, cells in rows]


def _near(results: dict[str, dict[str, float]], tables: list[Table], model: str) -> int:
    """Count the tables on which the mean difference to a model is no larger than twice its standard error."""
    count = 0
    for table in tables:
        seeds = sorted({key.split("|")[1] for key in results if key.startswith(f"{table.name}|")})
        ours, theirs = (
            np.array([results[f"{table.name}|{seed}|{each}"]["score"] for seed in seeds]) for each in (OURS, model)
        )
        differences = ours - theirs
        count += bool(abs(differences.mean()) <= 2 * differences.std(ddof=1) / np.sqrt(len(seeds)) + TIE)
    return count


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default=",".join(each.name for each in TABLES))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", action="store_true", help="only print what the file holds")
    arguments = parser.parse_args()
    file: Path | None = arguments.json
    held: dict[str, Any] = {"machine": machine(), "results": {}}
    if file is not None and file.is_file():
        held = json.loads(file.read_text("utf-8"))

    def save() -> None:
        if file is not None:
            file.write_text(json.dumps(held, indent=1) + "\n", "utf-8")

    if not arguments.table:
        chosen = [each for each in TABLES if each.name in arguments.only.split(",")]
        run(held["results"], chosen, arguments.models.split(","), arguments.seeds, save, arguments.minutes)
        save()
    print(shown(held["machine"], held["results"]), end="")


if __name__ == "__main__":
    main()
