"""Which digit is it? A network with ReLU and softmax on scikit-learn's 8 x 8 images.

The training images are also shown moved by one pixel to each side, and dropout keeps units from relying on
each other. The held-out images are used once, at the end.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import actwise as aw

SIDE = 8
BRIGHTEST = 16
MOVES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
NETWORK = aw.Network(
    [
        aw.Dense(256, "relu"), aw.Dropout(0.4), aw.Dense(128, "relu"), aw.Dropout(0.4), aw.Dense(10, "softmax")
    ],
    n_inputs=SIDE * SIDE,
)  # fmt: skip


def moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Images moved by whole pixels; what enters is black."""
    padded = np.pad(images.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    return padded[:, 1 - down : 1 - down + SIDE, 1 - right : 1 - right + SIDE].reshape(len(images), -1)


def classify(seed: int, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """Train on three quarters of the images; returns the digits of the rest, as they are and as predicted."""
    images, digits = load_digits(return_X_y=True)
    train_images, test_images, train_digits, test_digits = train_test_split(
        images / BRIGHTEST, digits, test_size=0.25, stratify=digits, random_state=seed
    )
    run = aw.train(
        NETWORK,
        np.concatenate([moved(train_images, *move) for move in MOVES]),
        np.tile(train_digits, len(MOVES)),
        loss="categorical_cross_entropy",
        optimizer="adam",
        learning_rate=aw.CosineDecay(0.003),
        epochs=epochs,
        seed=seed,
    )
    return test_digits, run.network.predict(test_images).argmax(axis=1)


def show_mistakes(actual: np.ndarray, predicted: np.ndarray) -> None:
    """Print the most frequent confusions."""
    pairs, counts = np.unique(np.column_stack([actual, predicted])[actual != predicted], axis=0, return_counts=True)
    for index in np.argsort(-counts, kind="stable")[:3]:
        print(f"  a {pairs[index, 0]} taken for a {pairs[index, 1]}: {counts[index]} times")


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="splits and initial weights to try")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args(arguments)
    print(f"Digits: 64 pixels -> 256 -> 128 -> 10, {NETWORK.n_parameters} parameters")
    actual, predicted = [], []
    for seed in range(options.seeds):
        started = time.perf_counter()
        truth, guess = classify(seed, options.epochs)
        actual.append(truth)
        predicted.append(guess)
        print(
            f"  seed {seed}: {100 * np.mean(truth == guess):.2f} % of {len(truth)} held-out images right, "
            f"{time.perf_counter() - started:.1f} s"
        )
    accuracies = [float(np.mean(truth == guess)) for truth, guess in zip(actual, predicted, strict=True)]
    print(
        f"Over {options.seeds} seeds: mean {100 * np.mean(accuracies):.2f} %, "
        f"lowest {100 * min(accuracies):.2f} %, highest {100 * max(accuracies):.2f} %. Most frequent mistakes:"
    )
    show_mistakes(np.concatenate(actual), np.concatenate(predicted))
    return {"accuracies": accuracies, "actual": actual, "predicted": predicted}


if __name__ == "__main__":
    main()
