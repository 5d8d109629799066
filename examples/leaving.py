"""A model leaves: trained here on a table, it answers in onnxruntime, which knows nothing of Actwise.

The file holds the whole way from a row of the table to a label: what is done with each column, the network with
an activation that was typed in as a formula, and the names of the classes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl

import actwise as aw

FORMULA = "x * tanh(log(1 + exp(x)))"


def penguins(rows: int, seed: int) -> pl.DataFrame:
    """Make up some penguins of two kinds, with gaps where nobody had scales at hand."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["gentoo", "chinstrap"], rows)
    mass = np.where(kind == "gentoo", 5.1, 3.7) + rng.normal(0, 0.5, rows)
    mass[rng.random(rows) < 0.1] = np.nan
    island = np.where(rng.random(rows) < 0.8, np.where(kind == "gentoo", "Biscoe", "Dream"), "Torgersen")
    return pl.DataFrame({"kind": kind, "mass": mass, "island": island}).with_columns(pl.col("mass").fill_nan(None))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train, export, and compare the answers; returns them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=400, help="penguins to learn from")
    parser.add_argument("--out", type=Path, help="keep the ONNX file here")
    chosen = parser.parse_args(arguments)

    settings = aw.FitSettings(hidden=(8,), activation=(FORMULA,), epochs=60, baselines=False)
    model = aw.fit_table(penguins(chosen.rows, seed=0), "kind", settings).model

    with tempfile.TemporaryDirectory() as folder:
        path = chosen.out or Path(folder) / "penguins.onnx"
        aw.to_onnx(model, path)
        session = onnxruntime.InferenceSession(path)
        print(f"{path.name}: {path.stat().st_size:,} bytes")
        for each in session.get_inputs():
            print(f"  takes {each.name}: {each.type}")

    # A heavy one, one that nobody weighed, and one from an island that the model has never heard of.
    birds = {"mass": [5.6, None, 3.5], "island": ["Biscoe", "Dream", "Elephant"]}
    inputs = {
        "mass": np.array([[np.nan if mass is None else mass] for mass in birds["mass"]]),
        "island": np.array([[island] for island in birds["island"]], dtype=object),
    }
    labels, probabilities = session.run(["labels", "probabilities"], inputs)
    ours = model.predict_proba(pl.DataFrame(birds))
    for bird in range(3):
        print(
            f"{birds['mass'][bird]} kg on {birds['island'][bird]}: {labels[bird]}, "
            f"probability {probabilities[bird].max():.4f} there and {ours[bird].max():.4f} here"
        )
    return {"labels": labels.tolist(), "probabilities": probabilities, "ours": ours, "classes": model.target.labels}


if __name__ == "__main__":
    main()
