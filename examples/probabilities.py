"""Is a sigmoid output a probability? Breast cancer, cross-entropy and squared error.

A number between 0 and 1 is not yet a probability. It is one as far as, of all cases given 0.8, 80 % come true.
Both losses are smallest, on average, for the true probability; what comes out of training still depends on how
closely the network follows the training rows. Every prediction here is for a row that its network, the scaling
and the choice of the penalty have not seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

import actwise as aw

LOSSES = {"cross-entropy": "binary_cross_entropy", "squared error": "squared_error"}
PENALTIES = (0.03, 0.01, 0.003, 0.001, 0.0003)
INNER_FOLDS = 3
OPTIMIZER = aw.LBFGS(gradient_tolerance=1e-4)
EDGES = np.array([0, 0.05, 0.2, 0.5, 0.8, 0.95, 1])
NEAREST = float(np.finfo(np.float32).eps)  # an output of exactly 0 or 1 counts as this far from it
NORMAL_95 = 1.959964  # quantile of the standard normal for a two-sided 95 % interval
NET = aw.Network([aw.Dense(8, "tanh"), aw.Dense(1, "sigmoid")], n_inputs=30)


def train_and_predict(X: np.ndarray, y: np.ndarray, new: np.ndarray, loss: str, l2: float, seed: int) -> np.ndarray:
    """Train to the minimum of loss and penalty; returns a number between 0 and 1 per new row."""
    scaler = StandardScaler().fit(X)
    run = aw.train(NET, scaler.transform(X), y, loss=loss, optimizer=OPTIMIZER, l2=l2, seed=seed)
    return run.network.predict(scaler.transform(new)).ravel().astype(float)


def predictions(
    X: np.ndarray, y: np.ndarray, loss: str, penalties: Sequence[float], folds: int, seed: int
) -> np.ndarray:
    """For each row, from networks trained on the other folds; one column per penalty."""
    found = np.empty((len(y), len(penalties)))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(X, y):
        for column, l2 in enumerate(penalties):
            found[test, column] = train_and_predict(X[train], y[train], X[test], loss, l2, seed)
    return found


def with_chosen_penalty(X: np.ndarray, y: np.ndarray, loss: str, folds: int, seed: int) -> np.ndarray:
    """As `predictions`; within each training part, the penalty with the smallest log-loss is chosen."""
    found = np.empty(len(y))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(X, y):
        inner = predictions(X[train], y[train], loss, PENALTIES, INNER_FOLDS, seed)
        l2 = PENALTIES[int(np.argmin(log_losses(inner, y[train][:, None]).mean(axis=0)))]
        found[test] = train_and_predict(X[train], y[train], X[test], loss, l2, seed)
    return found


def log_losses(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(np.where(y == 1, p, 1 - p), NEAREST, 1))


def with_error(values: np.ndarray) -> tuple[float, float]:
    """Mean and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def reliability(p: np.ndarray, y: np.ndarray) -> list[dict[str, float]]:
    """What was said and what came true, with Wilson's 95 % interval, by size of the prediction."""
    rows = []
    for low, high in pairwise(EDGES):
        inside = (p >= low) & ((p < high) | (high == 1))
        n = int(inside.sum())
        if n:
            true, z2 = y[inside].mean(), NORMAL_95**2
            middle = (true + z2 / (2 * n)) / (1 + z2 / n)
            half = NORMAL_95 * np.sqrt(true * (1 - true) / n + z2 / (4 * n * n)) / (1 + z2 / n)
            said = float(p[inside].mean())
            rows.append(
                {"n": n, "said": said, "true": float(true), "low": max(middle - half, 0), "high": min(middle + half, 1)}
            )
    return rows


def show_difference(name: str, first: np.ndarray, second: np.ndarray) -> None:
    mean, error = with_error(second - first)
    print(f"  {name}: {mean:+.4f} +- {error:.4f}, that is {abs(mean) / error:.1f} standard errors")


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the folds and the initial weights")
    options = parser.parse_args(arguments)
    X, y = load_breast_cancer(return_X_y=True)
    p: dict[str, np.ndarray] = {}
    for name, loss in LOSSES.items():
        p[f"{name}, no penalty"] = predictions(X, y, loss, (0.0,), options.folds, options.seed)[:, 0]
        p[f"{name}, chosen penalty"] = with_chosen_penalty(X, y, loss, options.folds, options.seed)
    p["the share of benign tumours"] = np.full(len(y), y.mean())

    print(f"Probability that a tumour is benign, {len(y)} rows, each predicted by a network that has not seen it")
    print(f"\n{'trained with':32} {'log-loss':>16} {'Brier score':>18} {'right':>8} {'exactly 0 or 1':>15}")
    scores = {}
    for name, each in p.items():
        (log_loss, log_error), (brier, brier_error) = with_error(log_losses(each, y)), with_error((each - y) ** 2)
        scores[name] = {"log_loss": log_loss, "brier": brier}
        certain = int(((each == 0) | (each == 1)).sum())
        print(
            f"{name:32} {log_loss:7.3f} +- {log_error:.3f} {brier:9.4f} +- {brier_error:.4f} "
            f"{100 * np.mean((each > 0.5) == y):6.1f} % {certain:14}"
        )

    tables = {name: reliability(each, y) for name, each in p.items() if "penalty" in name}
    for name, table in tables.items():
        print(f"\n{name}:\n  rows   said   came true (95 % interval)")
        for row in table:
            inside = row["low"] <= row["said"] <= row["high"]
            interval = f"{row['true']:9.3f} ({row['low']:.3f} to {row['high']:.3f})"
            print(f"  {row['n']:4} {row['said']:6.3f}{interval}{'' if inside else '  said is outside'}")

    entropy, squared = p["cross-entropy, chosen penalty"], p["squared error, chosen penalty"]
    print("\nSquared error minus cross-entropy, both with their chosen penalty (positive: cross-entropy is better)")
    show_difference("log-loss", log_losses(entropy, y), log_losses(squared, y))
    show_difference("Brier score", (entropy - y) ** 2, (squared - y) ** 2)
    print("No penalty minus chosen penalty, cross-entropy (positive: the penalty helps)")
    show_difference("log-loss", log_losses(entropy, y), log_losses(p["cross-entropy, no penalty"], y))
    show_difference("Brier score", (entropy - y) ** 2, (p["cross-entropy, no penalty"] - y) ** 2)
    print("Four comparisons on one set of rows: below about 2.5 standard errors, chance is explanation enough.")
    return {"probabilities": p, "scores": scores, "reliability": tables, "y": y}


if __name__ == "__main__":
    main()
