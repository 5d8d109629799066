"""scikit-learn's MLP: its own loop, with the first weights, the order of rows and the output layer handed in.

Its multilayer perceptron computes ``output - target`` at the output whatever stands there. That is the gradient of
cross-entropy after softmax, and of the squared error after the identity; after tanh or sigmoid (XOR) it leaves out
the activation's derivative, so there it does a little *less* than the others and its result is not compared.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.neural_network import MLPRegressor, _multilayer_perceptron
from works import ADAM, Given, Work

NAMES = {"sigmoid": "logistic", "softmax": "softmax", "tanh": "tanh", "identity": "identity", "relu": "relu"}


class Prepared(MLPRegressor):
    """MLPRegressor that begins with given weights; targets of several classes are one-hot rows."""

    def _initialize(self, y: Any, layer_units: Any, dtype: Any) -> None:
        super()._initialize(y, layer_units, dtype)
        self.coefs_ = [W.copy() for W, _ in self.first_weights]
        self.intercepts_ = [b.copy() for _, b in self.first_weights]
        self.out_activation_ = NAMES[self.work.output]
        if self.work.output == "softmax":
            self.loss = "log_loss"


def _model(work: Work, weights: Any, repeats: int) -> Prepared:
    constants = {"beta_1": ADAM["beta1"], "beta_2": ADAM["beta2"], "epsilon": ADAM["epsilon"]} if work.adam else {}
    model = Prepared(
        hidden_layer_sizes=work.sizes[1:-1], activation=NAMES[work.hidden], solver="adam" if work.adam else "sgd",
        learning_rate_init=work.rate, batch_size=work.batch, max_iter=repeats, n_iter_no_change=repeats + 1,
        alpha=0.0, momentum=0.0, nesterovs_momentum=False, **constants,
    )  # fmt: skip
    model.work, model.first_weights = work, weights
    return model


def _fit(work: Work, weights: Any, order: np.ndarray, X: np.ndarray, y: np.ndarray) -> list[Any]:
    rows = iter(order)
    _multilayer_perceptron.shuffle = lambda indices, random_state: next(rows)  # the order that everyone gets
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        model = _model(work, weights, len(order)).fit(X, y)
    return list(zip(model.coefs_, model.intercepts_, strict=True))


def trainer(work: Work, given: Given, threads: int) -> Callable[[int, int], Any]:
    """Train, one network after the other or with joblib, or predict."""
    if work.output == "softmax":
        y = np.eye(work.sizes[-1], dtype=np.float32)[given.y]
    else:
        y = given.y[:, 0] if given.y.shape[1] == 1 else given.y
    if work.kind == "predict":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = _model(work, given.weights[0], 1).fit(given.X[:2], y[:2])
        model.coefs_, model.intercepts_ = map(list, zip(*given.weights[0], strict=True))

        def predict(repeats: int, _networks: int) -> np.ndarray:
            for _ in range(repeats):
                told = model.predict(given.X)
            return told

        return predict

    def run(repeats: int, networks: int) -> list[Any]:
        calls = (delayed(_fit)(work, given.weights[k], given.orders[k, :repeats], given.X, y) for k in range(networks))
        return Parallel(n_jobs=threads)(calls) if networks > 1 else [_fit(*next(calls)[1])]

    return run
