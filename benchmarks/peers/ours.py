"""Actwise, through its public calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from works import ADAM, Given, Work, network, seeds

import actwise as aw


def _weights(net: aw.Network) -> list[Any]:
    return list(zip(net.weights, net.biases, strict=True))


def trainer(work: Work, given: Given, threads: int) -> Callable[[int, int], Any]:
    """Train one network or a population, or predict; Actwise draws `given.orders` by itself."""
    drawn = [network(work, seed) for seed in seeds(work)]
    settings: dict[str, Any] = {
        "loss": work.loss,
        "optimizer": aw.Adam(work.rate, **ADAM) if work.adam else aw.SGD(work.rate),
        "batch_size": work.batch,
        "threads": threads,
        "keep_parameters": True,
    }

    def train_one(repeats: int, _networks: int) -> list[Any]:
        run = aw.train(drawn[0], given.X, given.y, epochs=repeats, seed=seeds(work)[0], **settings)
        return [_weights(run.network)]

    def train_many(repeats: int, networks: int) -> list[Any]:
        some = drawn[:networks]
        runs = aw.train_many(some, given.X, given.y, epochs=repeats, seeds=seeds(work)[:networks], **settings)
        return [_weights(run.network) for run in runs]

    def predict(repeats: int, _networks: int) -> np.ndarray:
        for _ in range(repeats):
            told = drawn[0].predict(given.X)
        return told

    if work.kind == "predict":
        return predict
    return train_one if work.networks == 1 else train_many


def estimator(work: Work, given: Given, threads: int) -> Callable[[int, int], Any]:
    """Predict with the scikit-learn class, fitted for a moment on other rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, work.sizes[0]), np.float32)
    model = aw.MLPClassifier(hidden_layer_sizes=work.sizes[1:-1], activation=work.hidden, max_iter=2)
    model.fit(X, np.arange(200) % work.sizes[-1])

    def run(repeats: int, _networks: int) -> None:
        for _ in range(repeats):
            model.predict_proba(given.X)

    return run
