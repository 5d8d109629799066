"""XOR by hand: why a network with sigmoid puts out 0.5 for everything, and how to find it out.

`sigmoid_prime` below is the textbook's derivative and expects the pre-activation. The backward pass hands
it what it has kept: the activated value. So the gradient is that of a value squashed twice.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import actwise as aw

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
TARGETS = np.array([[0], [1], [1], [0]], float)
Function = Callable[[np.ndarray], np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def sigmoid_prime(x: np.ndarray) -> np.ndarray:
    return sigmoid(x) * (1 - sigmoid(x))


def sigmoid_prime_from_output(y: np.ndarray) -> np.ndarray:
    return y * (1 - y)


def initial_weights(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, shape) for shape in ((2, 2), (2,), (2, 1), (1,))]


def forward(weights: list[np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = sigmoid(x @ weights[0] + weights[1])
    return hidden, sigmoid(hidden @ weights[2] + weights[3])


def loss(weights: list[np.ndarray], x: np.ndarray, target: np.ndarray) -> float:
    return float(np.sum((forward(weights, x)[1] - target) ** 2) / 2)


def gradient(weights: list[np.ndarray], x: np.ndarray, target: np.ndarray, prime: Function) -> list[np.ndarray]:
    """Backpropagate; `prime` is handed the activated values."""
    hidden, output = forward(weights, x)
    output_delta = (output - target) * prime(output)
    hidden_delta = (output_delta @ weights[2].T) * prime(hidden)
    return [x.T @ hidden_delta, hidden_delta.sum(axis=0), hidden.T @ output_delta, output_delta.sum(axis=0)]


def numerical_gradient(weights: list[np.ndarray], x: np.ndarray, target: np.ndarray) -> list[np.ndarray]:
    """Shift each weight a little to both sides and see what the loss does."""
    step = np.cbrt(np.finfo(float).eps)  # balances rounding against curvature in a central difference
    slopes = [np.empty_like(each) for each in weights]
    for each, slope in zip(weights, slopes, strict=True):
        for index in np.ndindex(each.shape):
            kept = each[index]
            each[index] = kept + step
            above = loss(weights, x, target)
            each[index] = kept - step
            slope[index] = (above - loss(weights, x, target)) / (2 * step)
            each[index] = kept
    return slopes


def relative_error(found: list[np.ndarray], truth: list[np.ndarray]) -> float:
    difference = np.concatenate([(a - b).ravel() for a, b in zip(found, truth, strict=True)])
    return float(np.linalg.norm(difference) / np.linalg.norm(np.concatenate([each.ravel() for each in truth])))


def train(prime: Function, seed: int, updates: int, learning_rate: float) -> list[np.ndarray]:
    """One sample per update, drawn at random; returns the weights."""
    weights = initial_weights(seed)
    for row in np.random.default_rng(seed).integers(len(X), size=updates):
        slopes = gradient(weights, X[row : row + 1], TARGETS[row : row + 1], prime)
        for each, slope in zip(weights, slopes, strict=True):
            each -= learning_rate * slope
    return weights


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and order of samples")
    parser.add_argument("--updates", type=int, default=60_000)
    parser.add_argument("--learning-rate", type=float, default=0.2)
    options = parser.parse_args(arguments)
    primes = {"wrong": sigmoid_prime, "right": sigmoid_prime_from_output}
    formulas = {"wrong": "sigmoid(y) * (1 - sigmoid(y))", "right": "y * (1 - y)"}
    trained = {key: train(prime, options.seed, options.updates, options.learning_rate) for key, prime in primes.items()}
    # At the start all outputs are near 0.5, where both derivatives are near 0.25: the mistake shows later.
    places = {"before training": initial_weights(options.seed), "where XOR is learned": trained["right"]}
    truths = {place: numerical_gradient(weights, X, TARGETS) for place, weights in places.items()}
    shown: dict[str, Any] = {}
    print(f"XOR, 2-2-1, sigmoid, {options.updates} updates. Wanted: {TARGETS.ravel()}")
    for key, prime in primes.items():
        outputs = forward(trained[key], X)[1].ravel()
        errors = {
            place: relative_error(gradient(weights, X, TARGETS, prime), truths[place])
            for place, weights in places.items()
        }
        report = aw.check_derivative(sigmoid, prime, called_with="y")
        print(f"\nThe backward pass hands y = sigmoid(x) to {prime.__name__}, so it uses {formulas[key]}:")
        print(f"  outputs after training: {np.round(outputs, 3)}")
        for place, error in errors.items():
            print(f"  gradient against a numerical one, {place}: off by {error:.2g} times its length")
        print("  aw.check_derivative:", str(report).replace("\n", "\n    "))
        shown[key] = {
            "outputs": outputs, "gradient_errors": errors, "verdict": report.verdict, "cause": report.cause
        }  # fmt: skip
    return shown | {"weights": places}


if __name__ == "__main__":
    main()
