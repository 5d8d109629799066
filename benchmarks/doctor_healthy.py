"""False alarms on healthy networks of all kinds: each activation of the catalogue with default settings.

    python benchmarks/doctor_healthy.py [--json OUT] [--data NAME] [--only TEXT] [--hidden 32]

On digits, breast cancer and diabetes, standardised, one hidden layer, Adam with its default rate. A network counts as
healthy by an independent look: with three other seeds its median score on held-out rows comes within a tenth of the way
from the constant to scikit-learn's own best of a linear model and boosted trees. Activations for which this does
not hold are listed as such and are no false alarms.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import actwise as aw
from actwise.activations import ENTRIES

LOADERS = {"digits": load_digits, "breast_cancer": load_breast_cancer, "diabetes": load_diabetes}
OUTPUTS = {
    "digits": (10, "softmax", "categorical_cross_entropy"), "breast_cancer": (1, "sigmoid", "binary_cross_entropy"),
    "diabetes": (1, "identity", "squared_error"),
}  # fmt: skip
EPOCHS, BATCH = 100, 32
OTHER_SEEDS = (11, 12, 13)
MISSING = 0.1  # of the way from the constant to the best of the others


def load(name: str) -> tuple[Any, Any, Any, Any]:
    """Return standardised training and test rows."""
    X, y = LOADERS[name](return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y.astype(float), test_size=0.25, random_state=0)
    scaler = StandardScaler().fit(X_train)
    if name == "diabetes":
        centre, scale = y_train.mean(), y_train.std()
        y_train, y_test = (y_train - centre) / scale, (y_test - centre) / scale
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def score(name: str, outputs: Any, y: Any) -> float:
    """Score as scikit-learn does."""
    if name == "diabetes":
        return float(r2_score(y, outputs))
    said = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0.5
    return float(balanced_accuracy_score(y, said))


@cache
def best_of_others(name: str) -> tuple[float, float]:
    """Return a constant's score and the best of a linear model and boosted trees."""
    X_train, X_test, y_train, y_test = load(name)
    if name == "diabetes":
        scores = [r2_score(y_test, model.fit(X_train, y_train).predict(X_test))
                  for model in (Ridge(), HistGradientBoostingRegressor())]  # fmt: skip
        return 0.0, max(scores)
    models = (LogisticRegression(max_iter=500), HistGradientBoostingClassifier())
    scores = [balanced_accuracy_score(y_test, model.fit(X_train, y_train).predict(X_test)) for model in models]
    return 1 / len(np.unique(y_train)), max(scores)


def examine(name: str, entry: Any, hidden: int) -> dict[str, Any]:
    """Train a network by itself and ask the doctor about it."""
    data = load(name)
    X_train, X_test, y_train, y_test = data
    constant, reach = best_of_others(name)
    units, output, loss = OUTPUTS[name]
    network = aw.Network([aw.Dense(hidden, entry), aw.Dense(units, output)], X_train.shape[1])
    settings = {"loss": loss, "optimizer": "adam", "epochs": EPOCHS, "batch_size": BATCH}
    reached = [
        score(name, aw.train(network, X_train, y_train, seed=seed, **settings).network.predict(X_test), y_test)
        for seed in OTHER_SEEDS
    ]
    began = time.perf_counter()
    found = aw.diagnose(
        network, np.vstack([X_train, X_test]), np.concatenate([y_train, y_test]), n_train=len(X_train), **settings,
    )  # fmt: skip
    missing = (reach - float(np.median(reached))) / (reach - constant)
    return {
        "data": name, "activation": entry.name, "verdict": found.verdict, "healthy": missing <= MISSING,
        "missing": missing, "reached": reached, "others": reach, "scores": list(found.scores),
        "reference": found.reference.score if found.reference else None,
        "seconds": time.perf_counter() - began, "causes": [each.code for each in found.findings][:3],
    }  # fmt: skip


def show(row: dict[str, Any]) -> str:
    """Return a line on one network."""
    mark = "." if (row["verdict"] == "healthy") == row["healthy"] else "!"
    said = ", ".join(row["causes"]) if row["verdict"] != "healthy" else ""
    return (
        f"{mark} {row['data']:14} {row['activation']:20} {row['verdict']:9} reaches {np.median(row['reached']):.3f} "
        f"of {row['others']:.3f} {row['seconds']:5.1f} s {said}"
    )


def summary(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the sums."""
    lines = []
    for name in [*dict.fromkeys(row["data"] for row in rows), "all"]:
        some = [row for row in rows if name in (row["data"], "all")]
        healthy = [row for row in some if row["healthy"]]
        alarms = sum(row["verdict"] != "healthy" for row in healthy)
        others = [row for row in some if not row["healthy"]]
        seen = sum(row["verdict"] != "healthy" for row in others)
        share = f"{alarms / max(1, len(healthy)):.1%}"
        lines.append(f"{name:14} false alarms on {alarms} of {len(healthy)} healthy networks ({share}); "
                     f"of {len(others)} that fall short {seen} are seen")  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--data", choices=list(LOADERS), help="one of the data sets only")
    parser.add_argument("--only", default="", help="only activations whose name holds this")
    parser.add_argument("--hidden", type=int, default=32)
    options = parser.parse_args()
    rows = []
    for name in [options.data] if options.data else LOADERS:
        for entry in ENTRIES:
            if options.only in entry.name:
                rows.append(examine(name, entry, options.hidden))
                print(show(rows[-1]), flush=True)
    lines = summary(rows)
    print("\n" + "\n".join(lines))
    if options.json:
        options.json.write_text(json.dumps({"summary": lines, "networks": rows}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
