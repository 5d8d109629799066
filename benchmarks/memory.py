"""How much memory training takes beyond the data: each case in a fresh process, Linux only.

    python benchmarks/memory.py [--only CASE,...] [--json FILE]

Counted are the process's anonymous pages (RssAnon in /proc/self/status), so neither code nor the page cache: pages of a
memory-mapped file belong to the cache and go when memory is needed. A thread looks every two milliseconds. One training
on a few rows comes first, so that compiled code and what it was compiled with are not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MEGABYTE = 1 << 20
LOOK_SECONDS = 0.002
FEW = 100  # rows of the training that comes first
CHUNK = 100_000  # rows that are made at once


@dataclass(frozen=True)
class Case:
    """A training, and what it may take.

    Parameters
    ----------
    rows : int
        Rows of float32.
    sizes : tuple of int
        Widths, input first.
    mapped : bool
        Whether the rows lie in a memory-mapped file.
    fortran : bool
        Whether the columns lie one after the other instead of the rows.
    aim_megabytes : float
        Aimed-at peak beyond the page cache, of the whole process; 0: data once, twice the weights, one batch.
    """

    rows: int
    sizes: tuple[int, ...]
    mapped: bool = False
    fortran: bool = False
    aim_megabytes: float = 0.0


CASES = {
    "rows": Case(2_000_000, (20, 64, 64, 1)),
    "columns": Case(2_000_000, (20, 64, 64, 1), fortran=True),
    "weights": Case(2_000, (784, 2048, 2048, 10)),
    "mapped": Case(10_000_000, (20, 64, 64, 1), mapped=True, aim_megabytes=400),
}
BATCH = 256


def anonymous() -> int:
    """Return the bytes of anonymous memory that this process holds."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this kernel does not tell RssAnon")


def _rows(case: Case, folder: Path) -> np.ndarray:
    shape = (case.rows, case.sizes[0])
    rng = np.random.default_rng(0)
    if case.mapped:
        file = np.lib.format.open_memmap(folder / "rows.npy", "w+", np.float32, shape)
    else:
        file = np.empty(shape, np.float32, order="F" if case.fortran else "C")
    for start in range(0, case.rows, CHUNK):
        count = min(CHUNK, case.rows - start)
        file[start : start + count] = rng.standard_normal((count, shape[1]), np.float32)
    if not case.mapped:
        return file
    file.flush()
    del file
    return np.load(folder / "rows.npy", mmap_mode="r")


def run(name: str, folder: Path) -> dict[str, Any]:
    """Train one case in this process; return what it took, in bytes."""
    import actwise as aw

    case = CASES[name]
    X = _rows(case, folder)
    y = np.zeros(case.rows, np.float32)
    y[::2] = 1
    layers = [*(aw.Dense(width, "relu") for width in case.sizes[1:-1]), aw.Dense(case.sizes[-1])]
    network = aw.Network(layers, case.sizes[0])
    targets = np.broadcast_to(y[:, None], (case.rows, case.sizes[-1])) if case.sizes[-1] > 1 else y
    settings: dict[str, Any] = {"optimizer": "adam", "batch_size": BATCH, "keep_parameters": True}
    aw.train(network, X[:FEW], targets[:FEW], epochs=1, **settings)
    before, peak, done = anonymous(), [0], threading.Event()

    def look() -> None:
        while not done.is_set():
            peak[0] = max(peak[0], anonymous())
            time.sleep(LOOK_SECONDS)

    watcher = threading.Thread(target=look)
    watcher.start()
    trained = aw.train(network, X, targets, epochs=1, **settings)
    done.set()
    watcher.join()
    batch = BATCH * (sum(case.sizes) * 2 + max(case.sizes)) * 4
    weights = network.n_parameters * 4
    allowed = case.aim_megabytes * MEGABYTE or 2 * weights + batch
    counted = peak[0] if case.aim_megabytes else peak[0] - before
    return {
        "rows": case.rows, "updates": trained.updates, "data_bytes": X.nbytes, "weight_bytes": weights,
        "batch_bytes": batch, "before": before, "peak": peak[0], "beyond": peak[0] - before,
        "beyond_per_row": (peak[0] - before) / case.rows, "beyond_in_weights": (peak[0] - before) / weights,
        "counted": counted, "allowed": allowed, "reached": counted <= allowed,
    }  # fmt: skip


def main() -> None:
    """Run the cases from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(run(options.here, Path(folder))))
        return
    results = {}
    for name in [name for name in options.only.split(",") if name] or CASES:
        command = [sys.executable, __file__, "--here", name]
        results[name] = row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{name:8s} data {row['data_bytes'] / MEGABYTE:6.0f} MB  weights {row['weight_bytes'] / MEGABYTE:5.1f} MB  "
            f"peak {row['peak'] / MEGABYTE:6.1f} MB, {row['beyond'] / MEGABYTE:6.1f} MB in training "
            f"({row['beyond_per_row']:.1f} bytes a row, {row['beyond_in_weights']:.1f} times the weights)  "
            f"aim {row['allowed'] / MEGABYTE:.1f} MB: {'reached' if row['reached'] else 'missed'}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
