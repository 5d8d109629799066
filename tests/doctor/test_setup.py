"""A setup is trained as `actwise.train` trains it, wherever that happens."""

import joblib
import numpy as np

import actwise as aw
from actwise.doctor.data import Data
from actwise.doctor.setup import SETTINGS, Setup, Training
from actwise.doctor.targets import as_targets
from actwise.experiments.budget import Budget
from actwise.experiments.trials import Trials, by_joblib

X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(float)
DATA = Data(X, as_targets(Y), np.arange(40), np.arange(40, 60))
NETWORK = aw.Network([aw.Dense(6, "tanh"), aw.Dense(1, "sigmoid")], 2)
SETUP = Setup(NETWORK, aw.loss("binary_cross_entropy"), aw.Adam(0.02), epochs=20)


def test_every_setting_of_a_training_is_one_of_a_setup():
    changed = {"batch_size": 7, "epochs": 3, "l2": 0.1, "max_gradient_norm": 0.5, "shuffle": False, "tolerance": 1e-3}
    assert set(changed) < {row.name for row in SETTINGS}
    setup = Setup(NETWORK, aw.loss("binary_cross_entropy"), aw.Adam(0.02), **changed)
    found = Training(setup, DATA).train(seed=3)
    run = aw.train(NETWORK, X[:40], Y[:40], loss="binary_cross_entropy", optimizer=aw.Adam(0.02), seed=3, **changed)
    assert np.array_equal(found.network.values, run.network.values)
    assert found.losses.tolist() == run.history.training_losses.tolist()


def test_other_processes_train_the_same_bits():
    (here,) = Trials(Budget(), seed=4).run([Training(SETUP, DATA)], 2)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        (there,) = Trials(Budget(), seed=4, run_all=by_joblib).run([Training(SETUP, DATA)], 2)
    for one, other in zip(here, there, strict=True):
        assert one.score == other.score
        assert np.array_equal(one.network.values, other.network.values)


def test_a_limit_of_updates_means_fewer_epochs():
    (cheap,) = Trials(Budget()).run([Training(SETUP, DATA)], 1)
    assert (len(cheap[0].losses), cheap[0].epochs_share) == (20, 1.0)
    half = Training(SETUP, DATA).train(most_updates=cheap[0].updates / 2)
    assert (len(half.losses), half.epochs_share) == (10, 0.5)


def test_an_update_of_a_large_network_counts_as_several():
    large = Setup(aw.Network([aw.Dense(400, "tanh"), aw.Dense(400, "tanh"), aw.Dense(1, "sigmoid")], 2),
                  SETUP.loss, SETUP.optimizer, epochs=1)  # fmt: skip
    steps = 2
    assert Training(large, DATA).train().updates > 20 * steps
    assert Training(SETUP, DATA).train().updates < 20 * steps
