"""What a network has to be compared with: a constant, a linear model and boosted trees, on the same rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

MOST_ROWS = 20_000  # beyond so many training rows the linear model and the trees learn from a sample
MOST_TREES = 1000  # boosting grows a tree per class and round: fewer rounds where there are many classes
MOST_ROUNDS = 100  # scikit-learn's default
LINEAR_ITERATIONS = 500  # enough for standardised columns; more would not change a comparison

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Encoded rows and their encoded targets.

    Parameters
    ----------
    X : ndarray of float32, shape (n_rows, n_features)
        Inputs.
    y : ndarray
        int64 classes of shape (n_rows,), or float32 outputs of shape (n_rows, n_outputs).
    """

    X: npt.NDArray[np.float32]
    y: Numbers

    def __len__(self) -> int:
        return len(self.X)

    def sample(self, most: int, random: np.random.Generator) -> Rows:
        """Draw at most so many of the rows, without repetition."""
        if len(self) <= most:
            return self
        chosen = np.sort(random.choice(len(self), most, replace=False))
        return Rows(self.X[chosen], self.y[chosen])


def constant_prediction(train: Rows, n_classes: int, n_rows: int) -> Numbers:
    """Predict the same for every row: the classes' shares among training rows, or the mean.

    Shapes: the result (n_rows, n_classes) or (n_rows, n_outputs).
    `n_classes`: number of classes; 0 for numbers.
    """
    if n_classes:
        shares = np.bincount(train.y, minlength=n_classes) / len(train)
        return np.tile(shares, (n_rows, 1))
    return np.tile(train.y.mean(axis=0, dtype=np.float64), (n_rows, 1))


def baseline_predictions(
    train: Rows,
    validation: Rows | None,
    X: npt.NDArray[np.float32],
    *,
    n_classes: int,
    seed: int,
) -> Iterator[tuple[str, Numbers]]:
    """Train the linear model, then the boosted trees, and predict.

    Shapes: `X` (n_rows, n_features), `prediction` (n_rows, n_classes).
    `train`: what they learn from; of more than `MOST_ROWS` rows they get a sample.
    `n_classes`: number of classes; 0 for numbers.
    """
    random = np.random.default_rng(seed)
    train = train.sample(MOST_ROWS, random)
    validation = validation.sample(MOST_ROWS, random) if validation is not None else None
    for name, fit in (("linear", _linear), ("boosting", _boosting)):
        # A baseline that has not quite converged is no news to somebody who trains a network. And one thread
        # is enough for so few rows: with more, OpenMP's threads wait for each other, on a busy machine of two
        # cores ten times longer than they work.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            prediction = fit(train, validation, X, n_classes)
        yield name, prediction


def linear_model(n_classes: int) -> Any:
    """Return an unfitted linear model for standardised columns; `n_classes` is 0 for numbers."""
    from sklearn.linear_model import LogisticRegression, Ridge

    return LogisticRegression(max_iter=LINEAR_ITERATIONS) if n_classes else Ridge()


def boosted_trees(n_classes: int, *, most_trees: int = MOST_TREES, early_stopping: bool | str = "auto") -> Any:
    """Return unfitted boosted trees; `n_classes` is 0 for numbers."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    trees_per_round = n_classes if n_classes > 2 else 1
    rounds = max(10, min(MOST_ROUNDS, most_trees // trees_per_round))
    kind = HistGradientBoostingClassifier if n_classes else HistGradientBoostingRegressor
    return kind(max_iter=rounds, random_state=0, early_stopping=early_stopping)


def _linear(train: Rows, validation: Rows | None, X: Numbers, n_classes: int) -> Numbers:
    model = linear_model(n_classes)
    if n_classes:
        return _probabilities(model.fit(train.X, train.y), X, n_classes)
    # In float64: the rows of a small table often determine float32 sums badly.
    predicted: npt.NDArray[np.float64] = model.fit(train.X.astype(np.float64), train.y).predict(X)
    return predicted.reshape(len(X), -1)


def _boosting(train: Rows, validation: Rows | None, X: Numbers, n_classes: int) -> Numbers:
    model = boosted_trees(n_classes, early_stopping=validation is not None)
    if n_classes:
        judges = {} if validation is None else {"X_val": validation.X, "y_val": validation.y}
        return _probabilities(model.fit(train.X, train.y, **judges), X, n_classes)
    columns = []
    for k in range(train.y.shape[1]):
        judges = {} if validation is None else {"X_val": validation.X, "y_val": validation.y[:, k]}
        columns.append(model.fit(train.X, train.y[:, k], **judges).predict(X))
    return np.stack(columns, axis=1)


def _probabilities(model: Any, X: Numbers, n_classes: int) -> Numbers:
    """Predict probabilities of all classes, those absent from the model's rows included."""
    found = np.zeros((len(X), n_classes))
    found[:, model.classes_] = model.predict_proba(X)
    return found
