"""What subnormal numbers cost on real tables: the same training with them and without, one thread.

    python benchmarks/subnormals.py [--repeats N] [--epochs N] [--only TABLE,...]

A penalty shrinks the weights of dead units, and of columns that are always 0, by a factor in each step, until they are
subnormal; so do the means of their gradients. How slow that is depends on the processor. Generated data,
whose units and columns are all alive, does not show it.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from datasets import TABLES, Table, load
from sklearn.preprocessing import LabelEncoder, StandardScaler

import actwise as aw
from actwise.engines.numba import engine
from actwise.training.api import start
from training import machine

RESULTS = Path(__file__).parent / "results" / "subnormals.md"
CHOSEN = ("digits", "breast_cancer", "diabetes", "wine", "splice", "german", "spambase", "bikeshare", "compactiv")
BATCH, HIDDEN, RATE, PENALTY = 32, 128, 0.02, 0.5
HEAD = "| table | rows | columns | subnormal before | now | CPU s before | now | ratio | loss before | now |"


@dataclass(frozen=True)
class Measured:
    """How many numbers of the training's state are subnormal at its end, the CPU seconds it took, its last loss."""

    subnormals: int
    seconds: float
    loss: float


def _as_it_is(address: int, _element: str) -> Callable[..., int]:
    """Call a stage of training under the modes of its caller."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)(address)


def _once(network: aw.Network, X: np.ndarray, y: np.ndarray, loss: str, epochs: int, flush: bool) -> Measured:
    progress = start(
        network, X, y, loss=loss, optimizer=aw.SGD(RATE, momentum=0.9), l2=PENALTY / BATCH, batch_size=BATCH,
        epochs=epochs, threads=1,
    )  # fmt: skip
    stage = engine.training_stage if flush else _as_it_is
    with mock.patch.object(engine, "training_stage", stage):
        began = time.process_time()
        run = [*progress] and progress.run()
        seconds = time.process_time() - began
    state = np.concatenate([progress.parameters, progress.state.first, progress.state.second])
    small = (state != 0) & (np.abs(state) < np.finfo(state.dtype).tiny)
    return Measured(int(small.sum()), seconds, float(run.history.training_losses[-1]))


def measure(table: Table, epochs: int, repeats: int) -> tuple[tuple[int, int], Measured, Measured]:
    """Train on a table with subnormal numbers and without, in turns; the fastest of each."""
    X, y = load(table)
    X = StandardScaler().fit_transform(X)
    if table.task == "classification":
        y, loss, output = LabelEncoder().fit_transform(y), "categorical_cross_entropy", "softmax"
        units = int(y.max()) + 1
    else:
        y, loss, output, units = (y - y.mean()) / y.std(), "squared_error", "identity", 1
    network = aw.Network([aw.Dense(HIDDEN, "relu"), aw.Dense(HIDDEN, "relu"), aw.Dense(units, output)], X.shape[1])
    _once(network, X, y, loss, 1, flush=True)  # compiles
    found: dict[bool, list[Measured]] = {False: [], True: []}
    for _ in range(repeats):
        for flush, runs in found.items():
            runs.append(_once(network, X, y, loss, epochs, flush))
    before, now = (min(runs, key=lambda each: each.seconds) for runs in found.values())
    return X.shape, before, now


def main() -> None:
    """Measure all tables and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--only", default=",".join(CHOSEN))
    options = parser.parse_args()
    lines = [HEAD, "|---" + "|---:" * (HEAD.count("|") - 2) + "|"]
    for table in (each for each in TABLES if each.name in options.only.split(",")):
        (rows, columns), before, now = measure(table, options.epochs, options.repeats)
        lines.append(
            f"| {table.name} | {rows} | {columns} | {before.subnormals} | {now.subnormals} | {before.seconds:.2f} "
            f"| {now.seconds:.2f} | {before.seconds / now.seconds:.2f} | {before.loss:.5f} | {now.loss:.5f} |"
        )
        print(lines[-1], flush=True)
    RESULTS.write_text(
        "# Subnormal numbers in training\n\n"
        f"`python benchmarks/subnormals.py {' '.join(sys.argv[1:])}` on "
        f"{machine()['cpu']}: {HIDDEN}-{HIDDEN} ReLU, SGD with momentum, L2, one thread; the fastest of each.\n"
        "Before: subnormal numbers as they come. Now: taken for 0 while training runs.\n\n" + "\n".join(lines) + "\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
