"""XOR with two hidden units: sigmoid learns it as tanh does, and how often, from 200 starts.

One sample per update, drawn at random, plain gradient descent on the squared error, initial weights and biases
uniform between -1 and 1: the training of a network written by hand.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import actwise as aw

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
TARGETS = np.array([0, 1, 1, 0], float)
LEARNED = 0.1  # a network has learned when no output is further from its target


def network(hidden: str, output: str) -> aw.Network:
    start = aw.Uniform(-1, 1)
    layers = [aw.Dense(units, name, init=start, bias_init=start) for units, name in ((2, hidden), (1, output))]
    return aw.Network(layers, n_inputs=2)


def by_hand(net: aw.Network, seed: int, updates: int, learning_rate: float) -> np.ndarray:
    """One random sample per update; returns the four outputs."""
    drawn = np.random.default_rng(seed).integers(len(X), size=updates)
    run = aw.train(
        net, X[drawn], TARGETS[drawn], loss="squared_error", optimizer=aw.SGD(learning_rate),
        batch_size=1, epochs=1, shuffle=False, seed=seed,
    )  # fmt: skip
    return run.network.predict(X).ravel()


def by_default(net: aw.Network, seed: int) -> np.ndarray:
    """Whatever `aw.train` does with so small a problem; returns the four outputs."""
    return aw.train(net, X, TARGETS, loss="binary_cross_entropy", seed=seed).network.predict(X).ravel()


def census(train: Callable[[int], np.ndarray], seeds: int) -> np.ndarray:
    """Outputs (seeds, 4); compiled training lets threads run side by side."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(train, range(seeds))))


def has_learned(outputs: np.ndarray) -> np.ndarray:
    return np.abs(outputs - TARGETS).max(axis=1) < LEARNED


def show_share(what: str, outputs: np.ndarray, seconds: float) -> float:
    share = float(has_learned(outputs).mean())
    error = np.sqrt(share * (1 - share) / len(outputs))
    print(
        f"  {what}: {has_learned(outputs).sum()} of {len(outputs)} learn, "
        f"{100 * share:.1f} +- {100 * error:.1f} % ({seconds:.1f} s)"
    )
    return share


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the two networks shown first")
    parser.add_argument("--updates", type=int, default=500_000, help="for these two")
    parser.add_argument("--seeds", type=int, default=200, help="how many starts to count over")
    parser.add_argument("--census-updates", type=int, default=60_000, help="for each of them")
    parser.add_argument("--learning-rate", type=float, default=0.2)
    options = parser.parse_args(arguments)
    shown: dict[str, Any] = {}

    print(f"XOR, 2-2-1, {options.updates} updates of one sample, step {options.learning_rate}. Wanted: {TARGETS}")
    for name in ("tanh", "sigmoid"):
        started = time.perf_counter()
        outputs = by_hand(network(name, name), options.seed, options.updates, options.learning_rate)
        print(f"  {name:7} ends at {np.round(outputs, 3) + 0.0} ({time.perf_counter() - started:.1f} s)")
        shown[name] = outputs

    print(f"\nHow many of {options.seeds} starts learn, that is, end with all outputs within {LEARNED} of the target")
    print(f"Plain gradient descent, {options.census_updates} updates, step {options.learning_rate}:")
    for name in ("tanh", "sigmoid"):
        net = network(name, name)
        started = time.perf_counter()
        outputs = census(
            lambda seed, net=net: by_hand(net, seed, options.census_updates, options.learning_rate), options.seeds
        )
        show_share(f"{name:7} hidden and output", outputs, time.perf_counter() - started)
        shown[f"{name} census"] = outputs

    print("The library's default, aw.train(net, X, y, loss='binary_cross_entropy'):")
    for name in ("tanh", "sigmoid"):
        net = network(name, "sigmoid")
        started = time.perf_counter()
        outputs = np.array([by_default(net, seed) for seed in range(options.seeds)])
        show_share(f"{name:7} hidden, sigmoid output", outputs, time.perf_counter() - started)
        shown[f"{name} default"] = outputs
    print("It follows the gradient over all four rows to the end, and starts again where that ends in a dead end.")
    return shown


if __name__ == "__main__":
    main()
