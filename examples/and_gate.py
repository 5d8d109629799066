"""One layer is to learn AND: what the bias is for, and why swapping sigmoid for ReLU breaks it.

Without a bias the unit computes f(w1 * a + w2 * b), and for the input (0, 0) that is f(0) whatever the
weights: 0.5 for sigmoid, 0 for ReLU.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

import actwise as aw

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
TARGETS = np.array([0, 0, 0, 1], float)
WIDE = aw.Uniform(-10, 10)


def train(activation: str, bias: bool, seeds: int) -> np.ndarray:
    """Train from many initial weights with plain gradient descent; returns outputs (seeds, 4)."""
    net = aw.Network([aw.Dense(1, activation, bias=bias)], n_inputs=2)
    settings: dict[str, Any] = {
        "loss": "squared_error", "optimizer": aw.SGD(0.5), "batch_size": len(X), "epochs": 10_000
    }  # fmt: skip
    runs = [aw.train(net, X, TARGETS, seed=seed, **settings) for seed in range(seeds)]
    return np.array([run.network.predict(X).ravel() for run in runs])


def slopes(activation: str, bias: bool, outputs: np.ndarray) -> np.ndarray:
    """The gradient with respect to the weights (and bias) where training ended: 0 means that it is stuck."""
    output_slope = aw.activation(activation).derivative_from_output(outputs)
    inputs = np.column_stack([X, np.ones(len(X))]) if bias else X
    return ((outputs - TARGETS) * output_slope) @ inputs / len(X)


def most_common(outputs: np.ndarray) -> tuple[np.ndarray, int]:
    """The four outputs that most seeds ended at, to two decimals, and how many did."""
    found, counts = np.unique(np.round(outputs, 2) + 0.0, axis=0, return_counts=True)
    return found[counts.argmax()], int(counts.max())


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40, help="initial weights to try for each network")
    options = parser.parse_args(arguments)
    shown: dict[str, Any] = {}

    anything = aw.Network([aw.Dense(1, "sigmoid", bias=False, init=WIDE)], n_inputs=2)
    at_zero = [float(anything.initialised(seed).predict([[0, 0]])[0, 0]) for seed in range(options.seeds)]
    print(f"Sigmoid, no bias, {options.seeds} random pairs of weights, input (0, 0): {sorted(set(at_zero))}")
    shown["untrained, no bias, at (0, 0)"] = at_zero

    print(f"\nTrained on AND (wanted {TARGETS}) from {options.seeds} initial weights each:")
    for activation, bias in (("sigmoid", False), ("sigmoid", True), ("relu", False), ("relu", True)):
        outputs = train(activation, bias, options.seeds)
        name = f"{activation}, {'bias' if bias else 'no bias'}"
        ended, times = most_common(outputs)
        right = np.abs(outputs - TARGETS).max(axis=1) < 0.1
        dead = outputs.max(axis=1) < 0.01
        print(f"  {name:17}  {right.sum():3} learn; {times:3} end at {ended}", end="")
        print(f"; {dead.sum()} are dead" if activation == "relu" else "")
        shown[name] = {
            "outputs": outputs, "learned": int(right.sum()), "dead": int(dead.sum()),
            "slopes": np.array([slopes(activation, bias, each) for each in outputs]),
        }  # fmt: skip
    net = aw.Network([aw.Dense(1, "relu")], n_inputs=2)
    restarted = [aw.train(net, X, TARGETS, seed=seed).network.predict(X).ravel() for seed in range(options.seeds)]
    learned = int((np.abs(np.array(restarted) - TARGETS).max(axis=1) < 0.1).sum())
    print(f"  relu, bias, aw.train's default, which starts again after a failure: {learned} of {options.seeds} learn")
    shown["relu, bias, default"] = learned
    relu = shown["relu, bias"]
    stuck = np.abs(relu["slopes"][relu["outputs"].max(axis=1) < 0.01]).max(initial=0)
    print(f"""
Why:
- Sigmoid without bias gives 0.5 for (0, 0). Raising an output for (1, 1) raises those for (0, 1) and (1, 0)
  with it, and the best compromise is to have both weights 0: 0.5 for everything.
- A bias moves the threshold away from the origin, and AND is a threshold: on a + b, between 1 and 2.
- ReLU without bias gives 0 for (0, 0), which is right by luck, but the output for (1, 1) is the sum of those
  for (0, 1) and (1, 0). The best compromise is a third, a third and two thirds.
- ReLU with bias can be exact: relu(a + b - 1). But a unit that is negative for every input puts out 0 and
  has slope 0 there (largest gradient of the {relu["dead"]} dead units: {stuck:.1g}), so training cannot wake
  it up. Sigmoid's slope is never 0; that is what the swap took away.""")
    return shown


if __name__ == "__main__":
    main()
