"""What a network is compared with: baselines as scikit-learn computes them, and rows that can only be memorised."""

import itertools

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.preprocessing import StandardScaler

from actwise.doctor.data import Data
from actwise.doctor.reference import LINEAR, NETWORK, TREES, find_reference
from actwise.doctor.targets import as_targets
from actwise.experiments.budget import Budget
from actwise.experiments.trials import Trials

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 3)) * [1, 20, 1] + [0, 50, 0]
TRAIN, TEST = np.arange(100), np.arange(100, 160)


def trials():
    return Trials(Budget(200_000))


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_the_linear_model_is_scikit_learns_on_standardised_inputs(kind):
    signal = X[:, 0] + X[:, 1] / 20 + 0.5 * RNG.normal(size=160)
    y = {"regression": signal, "binary": (signal > 2.5) * 1.0, "multiclass": np.digitize(signal, [2, 3]) * 1.0}[kind]
    found = find_reference(Data(X, as_targets(y, kind), TRAIN, TEST), trials())
    wide = StandardScaler().fit(X[TRAIN]).transform(X)
    model, score = (Ridge(), r2_score) if kind == "regression" else (LogisticRegression(), balanced_accuracy_score)
    expected = score(y[TEST], model.fit(wide[TRAIN], y[TRAIN]).predict(wide[TEST]))
    assert found.scores[LINEAR] == pytest.approx(expected, abs=1e-6)
    assert set(found.scores) == {NETWORK, LINEAR, TREES}
    assert found.score == max(found.scores.values()) == found.scores[found.name]


def test_labels_that_can_only_be_memorised_are_cross_validated():
    noise = RNG.integers(0, 2, 60).astype(float)
    rows = np.arange(60)
    found = find_reference(Data(X[:60], as_targets(noise), rows, rows), trials())
    assert found.is_cross_validated
    assert found.score < 0.8
    told = find_reference(Data(X[:60], as_targets((X[:60, 0] > 0) * 1.0), rows, rows), trials())
    assert not told.is_cross_validated
    assert told.scores[NETWORK] == 1.0


def test_a_truth_table_is_all_there_is_to_learn():
    table = np.array(list(itertools.product([0.0, 1.0], repeat=5)))
    parity = table.sum(axis=1) % 2
    rows = np.arange(32)
    found = find_reference(Data(table, as_targets(parity), rows, rows), trials())
    assert not found.is_cross_validated
    assert set(found.scores) == {NETWORK}
