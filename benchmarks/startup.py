"""How long the first steps take: each measured as a whole process, fresh every time, medians.

    python benchmarks/startup.py [--rounds N] [--cold-rounds N] [--json FILE]

"warm" finds machine code in the cache, "empty cache" has to compile it. --where also tells what a warm fit imports.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRAIN = """
import numpy as np, actwise as aw
rng = np.random.default_rng(0)
X, y = rng.normal(size=(1000, 8)), rng.normal(size=1000)
aw.train(aw.Network([aw.Dense(16, "tanh"), aw.Dense(1)], n_inputs=8), X, y, optimizer="adam", epochs=1)
"""
PREDICT = """
import numpy as np, actwise as aw
aw.Network([aw.Dense(16, "tanh"), aw.Dense(1)], n_inputs=8).predict(np.zeros((1, 8)))
"""
FIT = ["-m", "actwise", "fit", "sample:breast_cancer", "--out", "{folder}/model"]
SHOWN_IMPORTS = 12


@dataclass(frozen=True)
class Step:
    """A first step: arguments of Python, whether the cache is emptied before, the aim in seconds or 0."""

    arguments: list[str]
    empty: bool = False
    aim: float = 0.0


STEPS = {
    "python alone": Step(["-c", "pass"]),
    "import actwise": Step(["-c", "import actwise"], aim=0.25),
    "actwise --help": Step(["-m", "actwise", "--help"]),
    "first aw.train, warm": Step(["-c", TRAIN]),
    "first predict, warm": Step(["-c", PREDICT]),
    "actwise fit, warm": Step(FIT, aim=1.5),
    "actwise fit without baselines, warm": Step([*FIT, "--no-baselines"]),
    "first aw.train, empty cache": Step(["-c", TRAIN], empty=True),
    "actwise fit, empty cache": Step(FIT, empty=True, aim=8.0),
}


def once(step: Step, cache: Path) -> float:
    """Run a step in a process of its own; return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cache" if step.empty else cache
        command = [
            sys.executable,
            *(each.format(folder=folder) if "{folder}" in each else each for each in step.arguments),
        ]
        started = time.perf_counter()
        subprocess.run(
            command, check=True, cwd=folder, env={**os.environ, "ACTWISE_CACHE_DIR": str(place)},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - started


def imports(step: Step, cache: Path) -> list[tuple[str, float]]:
    """Return the packages that a step imports and their own milliseconds, slowest first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-X", "importtime", *(each.replace("{folder}", folder) for each in step.arguments)]
        told = subprocess.run(
            command, check=True, cwd=folder, env={**os.environ, "ACTWISE_CACHE_DIR": str(cache)},
            capture_output=True, text=True,
        ).stderr  # fmt: skip
    own: dict[str, float] = {}
    for line in told.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdigit():
            package = parts[2].strip().split(".")[0]
            own[package] = own.get(package, 0.0) + int(parts[0]) / 1000
    return sorted(own.items(), key=lambda each: -each[1])


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cold-rounds", type=int, default=3)
    parser.add_argument("--where", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place)
        for step in STEPS.values():
            if not step.empty:
                once(step, cache)
        for name, step in STEPS.items():
            seconds = [once(step, cache) for _ in range(options.cold_rounds if step.empty else options.rounds)]
            median = statistics.median(seconds)
            results[name] = {"seconds": median, "rounds": seconds}
            verdict = ""
            if step.aim:
                results[name] |= {"aim": step.aim, "reached": median <= step.aim}
                verdict = f"aim {step.aim:g} s: {'reached' if median <= step.aim else 'missed'}"
            print(f"{name:36s} {median:6.2f} s  (from {min(seconds):.2f} to {max(seconds):.2f})  {verdict}", flush=True)
        if options.where:
            for package, milliseconds in imports(STEPS["actwise fit, warm"], cache)[:SHOWN_IMPORTS]:
                print(f"    {package:20s} {milliseconds:6.0f} ms")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
