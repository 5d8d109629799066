"""The hand-written network that the project began with: one sample at a time, NumPy and Python loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from works import Given, Work

ACTIVATIONS = {  # value, and derivative from the value
    "tanh": (np.tanh, lambda y: 1 - y**2),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda y: y * (1 - y)),
}


def trainer(work: Work, given: Given, _threads: int) -> Callable[[int, int], list[Any]]:
    """Train by plain gradient descent on half the squared error."""
    value, prime = ACTIVATIONS[work.hidden]

    def run(repeats: int, _networks: int) -> list[Any]:
        (w1, b1), (w2, b2) = [(W.copy(), b.copy()) for W, b in given.weights[0]]
        for order in given.orders[0, :repeats]:
            loss = 0.0
            for row in order:
                x, t = given.X[row], given.y[row]
                a1 = value(x @ w1 + b1)
                a2 = value(a1 @ w2 + b2)
                error = a2 - t
                loss += float(error @ error) / 2
                d2 = error * prime(a2)
                d1 = (w2 @ d2) * prime(a1)
                w2 -= work.rate * np.outer(a1, d2)
                b2 -= work.rate * d2
                w1 -= work.rate * np.outer(x, d1)
                b1 -= work.rate * d1
        return [[(w1, b1), (w2, b2)]]

    return run
