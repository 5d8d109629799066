"""The doctor's answers to the questions that Actwise was built for.

A program written by hand that answers 0.5 for everything; a single layer that does not learn AND, with a
sigmoid and with a ReLU; and scikit-learn's classifier with two logistic layers, which stops after some
iterations with the same answer for every row.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

import actwise as aw
from actwise.doctor import Diagnosis
from actwise.handwritten import FunctionsDiagnosis

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
XOR = np.array([[0], [1], [1], [0]], float)
AND = np.array([[0], [0], [0], [1]], float)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def sigmoid_prime(x: np.ndarray) -> np.ndarray:
    return sigmoid(x) * (1 - sigmoid(x))


def forward(weights: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    return sigmoid(sigmoid(x @ weights[0] + weights[1]) @ weights[2] + weights[3])


def gradient(weights: list[np.ndarray], x: np.ndarray, target: np.ndarray) -> list[np.ndarray]:
    """Backpropagate as the program did: `sigmoid_prime` is handed the activated values."""
    hidden = sigmoid(x @ weights[0] + weights[1])
    output = sigmoid(hidden @ weights[2] + weights[3])
    output_delta = (output - target) * sigmoid_prime(output)
    hidden_delta = (output_delta @ weights[2].T) * sigmoid_prime(hidden)
    return [x.T @ hidden_delta, hidden_delta.sum(axis=0), hidden.T @ output_delta, output_delta.sum(axis=0)]


def xor_by_hand() -> FunctionsDiagnosis:
    rng = np.random.default_rng(0)
    weights = [rng.uniform(-1, 1, shape) for shape in ((2, 2), (2,), (2, 1), (1,))]
    return aw.diagnose_functions(forward, gradient, weights, X, XOR)


def and_without_bias(activation: str, updates: int) -> Diagnosis:
    layer = aw.Dense(1, activation, bias=False, init=aw.Uniform(-1, 1))
    return aw.diagnose(
        aw.Network([layer], n_inputs=2), X, AND, loss="squared_error", optimizer="sgd", learning_rate=0.5,
        batch_size=1, epochs=2000, updates=updates,
    )  # fmt: skip


def quadratic_with_logistic_layers(updates: int) -> tuple[float, Diagnosis]:
    """scikit-learn's issue 31235: returns how often it is right as it is, and the diagnosis."""
    random = np.random.RandomState(1)
    inputs = random.random_sample((500, 2))
    labels = (inputs[:, 0] + (2 * (inputs[:, 1] - 0.5)) ** 2 - 0.75 >= 0).astype(int)
    model = MLPClassifier((20, 20), activation="logistic", random_state=42).fit(inputs, labels)
    return model.score(inputs, labels), aw.diagnose(model, inputs, labels, updates=updates)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=500_000, help="for each network")
    options = parser.parse_args(arguments)

    print("XOR, 2-2-1, written by hand: it answers 0.5 for everything. Why?\n")
    by_hand = xor_by_hand()
    print(by_hand)
    shown: dict[str, Any] = {"xor": by_hand.to_dict()}
    for name in ("sigmoid", "relu"):
        print(f"\n\nAND, one {name} unit without a bias. Why does it not learn?\n")
        found = and_without_bias(name, options.updates)
        print(found)
        shown[f"and {name}"] = found.to_dict()
    score, found = quadratic_with_logistic_layers(options.updates)
    print(f"\n\nTwo logistic layers in scikit-learn: right for {score:.1%} of the rows it was trained on. Why?\n")
    print(found)
    shown["logistic"] = found.to_dict() | {"accuracy": score}
    return shown


if __name__ == "__main__":
    main()
