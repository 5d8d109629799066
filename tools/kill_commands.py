"""Kills commands at random moments: what they write is the old or the new one, whole, and nothing is left behind.

    python tools/kill_commands.py [--count 500] [--seed 0]

Each of fit, save, predict, export and diagnose is run once to its end, then killed again and again somewhere on its
way; after every kill its output is read back, and after the last one the command runs once more to its end. Prints
counts; what they were is in tools/attacks.md.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SAVE = """
import sys, actwise as aw
network = aw.Network([aw.Dense(200, "tanh"), aw.Dense(3)], n_inputs=50).initialised(int(sys.argv[1]))
for _ in range(200):
    aw.save(network, "saved")
"""
EXPORT = """
import sys, actwise as aw
network = aw.Network([aw.Dense(200, sys.argv[2]), aw.Dense(3)], n_inputs=50).initialised(int(sys.argv[1]))
for _ in range(200):
    aw.to_torch_code(network, "code.py")
"""


@dataclass(frozen=True)
class Command:
    """What is killed: `words` makes its command line from a number, `read` says what its output is."""

    words: Callable[[int], list[str]]
    read: Callable[[Path], object]


def digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(each.read_bytes() for each in paths)).hexdigest()


def model(path: Path) -> object:
    import actwise as aw

    found = aw.load(path)  # refuses what is not whole
    return digest(path / "weights.safetensors"), getattr(found, "report", None) is not None


def code(path: Path) -> object:
    text = path.read_text("utf-8")
    beside = text.split(".resolve().parent / '")[1].split("'")[0]
    return digest(path, path.with_name(beside))


def rows(path: Path) -> object:
    return path.read_bytes().count(b"\n")


def picture(path: Path) -> object:
    return path.read_bytes().rstrip().endswith(b"</svg>") and path.stat().st_size > 1000


def actwise(*words: str) -> list[str]:
    return [sys.executable, "-m", "actwise", *words]


COMMANDS = {
    "fit": Command(
        lambda k: actwise("fit", "table.csv", "--target", "y", "--out", "fitted", "--epochs", "3", "--no-baselines",
                          "--no-doctor", "--quiet", "--seed", str(k)), lambda at: model(at / "fitted"),
    ),
    "save": Command(lambda k: [sys.executable, "-c", SAVE, str(k)], lambda at: model(at / "saved")),
    "predict": Command(
        lambda _: actwise("predict", "fitted", "table.csv.gz", "-o", "out.csv"), lambda at: rows(at / "out.csv")
    ),
    "export": Command(
        lambda k: [sys.executable, "-c", EXPORT, str(k), ("tanh", "relu")[k % 2]], lambda at: code(at / "code.py")
    ),
    "diagnose": Command(
        lambda k: actwise("diagnose", "table.csv", "--target", "y", "--hidden", "3", "--epochs", "3", "--budget", "1",
                          "--quiet", "--seed", str(k), "--plot", "seen.svg"), lambda at: picture(at / "seen.svg"),
    ),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        at, temporary = Path(folder) / "work", Path(folder) / "tmp"
        at.mkdir()
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        X = rng.normal(size=(20_000, 3))
        lines = [f"{a:.4f},{b:.4f},{c:.4f},{'yes' if a * b > 0 else 'no'}" for a, b, c in X]
        (at / "table.csv").write_text("a,b,c,y\n" + "\n".join(lines) + "\n")
        subprocess.run(["gzip", "-k", "table.csv"], cwd=at, check=True)
        for name, command in COMMANDS.items():

            def run(number: int, words: Callable[[int], list[str]] = command.words) -> subprocess.Popen[bytes]:
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                return subprocess.Popen(words(number), cwd=at, **quiet)

            begun = time.monotonic()
            run(0).wait()
            lasts, known = time.monotonic() - begun, command.read(at)
            for number in range(1, 1 + options.count // len(COMMANDS)):
                process = run(number)
                time.sleep(float(rng.uniform(0.3, 1)) * lasts)
                how = (signal.SIGKILL, signal.SIGTERM)[number % 2]
                process.send_signal(how)
                process.wait()
                try:
                    found = command.read(at)
                    counts[name, "old" if found == known else "new"] += 1
                    known = found
                except Exception as error:  # whatever it is, the output is not whole
                    counts[name, f"BROKEN {error}"] += 1
            run(0).wait()
            left = [each.name for each in at.iterdir() if each.name.startswith(".")]
            counts[name, "left over at the end"] += len(left)
        list(map(shutil.rmtree, [each for each in temporary.iterdir() if not each.name.startswith(".actwise.")]))
        run(0).wait()
        counts["all", "temporary folders at the end"] += len(list(temporary.iterdir()))
    print("| command | output after a kill | count |\n| --- | --- | --- |")
    for (name, what), count in counts.items():
        print(f"| {name} | {what} | {count} |")
    return any(what.startswith("BROKEN") or (what.endswith("at the end") and n) for (_, what), n in counts.items())


if __name__ == "__main__":
    sys.exit(main())
