"""Peers take turns: each in its own process, in rounds, in an order that changes from round to round."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from peers.worker import environment
from works import Given, Work, final_loss, outputs, read, write

SLOW = ("torch", "torch.compile", "scikit-learn", "numpy")  # do `slow_repeats` in a timing, the others `repeats`
UNCOMPARED = {("scikit-learn", "xor-tanh"), ("scikit-learn", "xor-sigmoid")}  # see peers/with_sklearn.py
LOSS_TOLERANCE = 2e-3  # relative difference of final losses: float32 in another order of sums drifts apart
# scikit-learn's Adam adds epsilon before the bias correction. With 1e-12 instead of 1e-8 for both, the work that
# differs most, "large", differs by 4e-4 instead of 3e-3.
SKLEARN_TOLERANCE = 1e-2
OUTPUT_TOLERANCE = 1e-4  # absolute difference of predicted shares


@dataclass
class Result:
    """What one peer needed; seconds are per unit: a step of one network, or one call of predict."""

    first_call: float  # seconds of the first call of each length: compiling and warming up
    seconds: list[float]
    loss: float | None = None  # after `slow_repeats` epochs, of the first networks together
    failed: str = ""

    @property
    def median(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.seconds) if self.seconds else float("nan")

    @property
    def spread(self) -> float:
        """Half the distance from the fastest to the slowest round, relative to the median."""
        return (max(self.seconds) - min(self.seconds)) / 2 / self.median if self.seconds else float("nan")


class Peer:
    """A peer's process."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        self.name = name
        self._errors = (folder / f"{name}.txt").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "peers.worker", str(folder), name, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            cwd=Path(__file__).parent, env=environment(threads),
        )  # fmt: skip

    def answer(self) -> float:
        """Wait for the answer to the last order; return its seconds."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines()
            raise RuntimeError(said[-1] if said else "ended without a word")
        return float(json.loads(line)["seconds"])

    def run(self, repeats: int, networks: int, keep: bool = False) -> float:
        """Let it train; return its seconds."""
        assert self._process.stdin is not None
        print(repeats, networks, int(keep), file=self._process.stdin, flush=True)
        return self.answer()

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()
        self._errors.close()


def amount(work: Work, peer: str) -> tuple[int, int]:
    """Return how many repeats and networks a peer does in one timing."""
    if peer in SLOW:
        return work.slow_repeats, work.slow_networks
    return work.repeats, work.networks


def measure(work: Work, threads: int, rounds: int, peers: tuple[str, ...] | None = None) -> dict[str, Result]:
    """Let the peers of a work take turns.

    Every peer first does the slow amount once, and its result is kept for the comparison; then the rounds begin.
    """
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(work, folder)
        _, given = read(folder)
        running: list[Peer] = []
        for name in work.peers if peers is None else peers:
            peer = Peer(name, folder, threads)
            try:
                first = peer.answer() + peer.run(work.slow_repeats, work.slow_networks, keep=True)
                if (work.slow_repeats, work.slow_networks) != amount(work, name):
                    first += peer.run(*amount(work, name))
            except RuntimeError as error:
                results[name] = Result(float("nan"), [], failed=str(error))
                peer.stop()
                continue
            results[name] = Result(first, [], _reached(work, given, folder / f"{name}.npz"))
            running.append(peer)
        for turn in range(rounds):
            start = turn % len(running)
            for peer in running[start:] + running[:start]:
                repeats, networks = amount(work, peer.name)
                results[peer.name].seconds.append(peer.run(repeats, networks) / (repeats * networks * work.steps))
        for peer in running:
            peer.stop()
    return results


def _reached(work: Work, given: Given, file: Path) -> float | None:
    """Return the mean final loss of a peer's networks, or its outputs' largest distance from exact ones."""
    if not file.is_file():
        return None
    with np.load(file) as held:
        arrays = [held[name] for name in held.files]
    if work.kind == "predict":
        few = slice(0, 1000)
        return float(np.abs(arrays[0][few] - outputs(work, given.weights[0], given.X[few])).max())
    losses = []
    for k in range(work.slow_networks):
        weights = [(arrays[i][k], arrays[i + 1][k]) for i in range(0, len(arrays), 2)]
        losses.append(final_loss(work, given, weights))
    return float(np.mean(losses))


def disagreement(work: Work, results: dict[str, Result]) -> dict[str, float]:
    """Return each peer's relative distance from Actwise's final loss (or absolute distance from exact outputs)."""
    found = {}
    ours = results["actwise"].loss if "actwise" in results else None
    for name, result in results.items():
        if result.loss is None or (name, work.name) in UNCOMPARED:
            continue
        if work.kind == "predict":
            found[name] = result.loss
        elif ours is not None:
            found[name] = abs(result.loss - ours) / abs(ours)
    return found


def record(work: Work, threads: int, results: dict[str, Result]) -> dict[str, Any]:
    """Return a work's results as plain data, with ratios and whether each aim is reached."""
    ours, limit = results.get("actwise"), results.get("limit")
    row: dict[str, Any] = {"work": asdict(work), "title": work.title, "threads": threads, "peers": {}}
    apart = disagreement(work, results)
    for name, result in results.items():
        tolerance = SKLEARN_TOLERANCE if name == "scikit-learn" else LOSS_TOLERANCE
        tolerance = OUTPUT_TOLERANCE if work.kind == "predict" else tolerance
        repeats, networks = amount(work, name)
        entry: dict[str, Any] = {
            "seconds": result.median, "spread": result.spread, "rounds": result.seconds,
            "first_call_seconds": result.first_call, "repeats": repeats, "networks": networks,
            "loss": result.loss, "apart": apart.get(name),
            "agrees": apart[name] <= tolerance if name in apart else None,
        }  # fmt: skip
        if result.failed:
            entry = {"failed": result.failed}
        row["peers"][name] = entry
    row["aims"] = {}
    if ours is not None and ours.seconds:
        for name, aim in work.aims.items():
            other = results.get(name)
            if other is not None and other.seconds:
                ratio = other.median / ours.median
                row["aims"][name] = {"aim": aim, "ratio": ratio, "reached": ratio >= aim}
        if work.limit and limit is not None:
            share = limit.median / ours.median
            row["aims"]["limit"] = {"aim": work.limit, "ratio": share, "reached": share >= work.limit}
        if work.seconds:
            for name in ("actwise", "estimator"):
                if name in results and results[name].seconds:
                    taken = results[name].median
                    row["aims"][f"{name} time"] = {
                        "aim": work.seconds,
                        "seconds": taken,
                        "reached": taken <= work.seconds,
                    }
    return row
