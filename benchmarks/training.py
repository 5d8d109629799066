"""How fast Actwise trains and predicts, beside other tools on the same work.

    python benchmarks/training.py [--only WORK,...] [--threads 1|2] [--rounds N] [--quick] [--json FILE]

Every peer reads one file with the same rows, the same first weights and the same order of rows (the one that Actwise
draws by itself), uses the same loss, the same optimiser with the same constants, float32, and the same number of
threads: environment variables and the process's affinity hold all of its libraries to them. Before anything is timed,
every peer trains for the same epochs, and the losses of the weights that come out, computed in float64 by one judge,
must agree. Then the peers, each in its own process, take turns. Compiling and warming up is timed apart. scikit-learn,
PyTorch and the NumPy loop do fewer epochs in a timing (the JSON says how many); all times are per step.

With --json, results are merged into the file, so that the table can be made in pieces; --table prints a file again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from shown import markdown, print_rows
from turns import measure, record
from works import WORKS

PACKAGES = ("actwise", "numpy", "numba", "scipy", "scikit-learn", "torch", "jax")


def machine() -> dict[str, Any]:
    """Describe the machine and what is installed."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text("utf-8").splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
        if any("avx512f" in line for line in lines):
            model += ", AVX-512"
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except ImportError:
            continue
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "packages": packages}


def merge(file: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Put rows in the place of those of the same work and thread count; return all, in the table's order."""
    before = json.loads(file.read_text("utf-8"))["rows"] if file.is_file() else []
    by_key = {(row["work"]["name"], row["threads"]): row for row in [*before, *rows]}
    ordered = [by_key[work.name, threads] for work in WORKS for threads in (1, 2) if (work.name, threads) in by_key]
    return {"machine": machine(), "rows": ordered}


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of works, separated by commas; default all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="3 rounds of a tenth of the work, to try it out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", type=Path, help="print this file's results as a table and as Markdown beside it")
    options = parser.parse_args()
    if options.table:
        result = json.loads(options.table.read_text("utf-8"))
        print_rows(result["rows"])
        options.table.with_suffix(".md").write_text(markdown(result), "utf-8")
        return
    names = [name for name in options.only.split(",") if name]
    unknown = set(names) - {work.name for work in WORKS}
    if unknown:
        parser.error(f"no such work: {', '.join(unknown)}; there are {', '.join(work.name for work in WORKS)}")
    rows = []
    for work in WORKS:
        if names and work.name not in names:
            continue
        if options.quick:
            work = replace(work, repeats=max(1, work.repeats // 10), slow_repeats=max(1, work.slow_repeats // 10))
        rows.append(
            record(work, options.threads, measure(work, options.threads, 3 if options.quick else options.rounds))
        )
        print_rows(rows[-1:])
        if options.json:
            options.json.write_text(json.dumps(merge(options.json, rows), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
