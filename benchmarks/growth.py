"""How the time of a step grows with rows, width, depth and batch, beside PyTorch and JAX; a plot and JSON.

    python benchmarks/growth.py [--only rows,width,depth,batch|AXIS:VALUE] [--rounds N] [--json FILE] [--plot FILE]

ReLU, Adam, softmax and cross-entropy on 20 columns, one thread; the peers take turns as in `training.py`, on the same
data, weights and order of rows. With --json results are merged into the file, from which the plot is drawn.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from turns import measure
from works import Work

from training import machine

PEERS = ("actwise", "jax", "torch")
AXES: dict[str, tuple[int, ...]] = {
    "rows": (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    "width": (16, 32, 64, 128, 256, 512, 1024, 2048),
    "depth": (1, 2, 4, 8, 16, 32),
    "batch": (1, 4, 16, 64, 256, 1024, 4096),
}
LABELS = {
    "rows": "rows (64-64, batch 256)",
    "width": "width of two hidden layers (batch 128)",
    "depth": "hidden layers of 64 units (batch 128)",
    "batch": "batch (64-64)",
}
COLOURS = {"actwise": "#0072b2", "jax": "#d55e00", "torch": "#009e73"}  # Okabe and Ito: told apart by everyone
NAMES = {"actwise": "Actwise", "jax": "JAX", "torch": "PyTorch"}
STEPS = 400  # of a timing, at least


def work(axis: str, value: int) -> Work:
    """Return the work at one point of an axis."""
    rows, batch, hidden = 4096, 128, (64, 64)
    if axis == "rows":
        rows, batch = value, 256
    elif axis == "width":
        hidden = (value, value)
    elif axis == "depth":
        hidden = (64,) * value
    else:
        batch = value
    steps = -(-rows // batch)
    wide = axis == "width" and value > 256
    repeats = 1 if wide else max(1, round(STEPS / steps))
    return Work(f"{axis}-{value}", (20, *hidden, 2), "relu", "softmax", rows, batch, repeats, repeats, PEERS)


def point(axis: str, value: int, rounds: int) -> dict[str, Any]:
    """Measure one point of an axis."""
    each = work(axis, value)
    results = measure(each, 1, min(rounds, 2) if each.rows > 1_000_000 else rounds)
    row: dict[str, Any] = {"axis": axis, "value": value, "batch": min(each.batch, each.rows)}
    row |= {name: result.median for name, result in results.items()}
    row["spread"] = {name: result.spread for name, result in results.items()}
    shown = "  ".join(f"{name} {row[name] * 1e6:9.1f}" for name in PEERS)
    print(f"{axis:6s} {value:9d}  microseconds a step: {shown}", flush=True)
    return row


def merge(file: Path, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Put a row into the file in place of the one of the same point; return all."""
    before = json.loads(file.read_text("utf-8"))["rows"] if file.is_file() else []
    merged = {(each["axis"], each["value"]): each for each in [*before, row]}
    rows = [merged[axis, value] for axis in AXES for value in AXES[axis] if (axis, value) in merged]
    file.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n", "utf-8")
    return rows


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """Draw time per row of a step over each axis."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, places = pyplot.subplots(2, 2, figsize=(10, 7), layout="constrained")
    for place, axis in zip(places.flat, AXES, strict=True):
        mine = [row for row in rows if row["axis"] == axis]
        for name in PEERS:
            times = [row[name] / row["batch"] * 1e6 for row in mine]
            place.loglog([row["value"] for row in mine], times, "o-", ms=4, color=COLOURS[name], label=NAMES[name])
        values = [row["value"] for row in mine]
        place.set_xticks(values, [f"{value:,}" for value in values])
        place.minorticks_off()
        place.set_xlabel(LABELS[axis])
        place.set_ylabel("microseconds per row of a step")
        place.grid(alpha=0.25, which="major")
        place.spines[["top", "right"]].set_visible(False)
    places.flat[0].legend(frameon=False)
    figure.savefig(file, dpi=120)


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    wanted: list[tuple[str, int]] = []
    for each in options.only.split(",") if options.only else AXES:
        axis, _, value = each.partition(":")
        wanted += [(axis, int(value))] if value else [(axis, point) for point in AXES[axis]]
    rows = []
    for axis, value in wanted:
        row = point(axis, value, options.rounds)
        rows = merge(options.json, row) if options.json else [*rows, row]
    if options.plot:
        draw(rows, options.plot)


if __name__ == "__main__":
    main()
