"""Looking in after every epoch, and going on from where a training ended."""

import numpy as np
import pytest

from actwise.model.layers import Dense
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, SGD, Adam
from actwise.training import start, train

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(50, 3)), RNG.normal(size=(50, 1))
NETWORK = Network([Dense(6, "tanh"), Dense(1)], n_inputs=3, dtype="float64")


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_watcher_sees_every_epoch_and_can_end_the_training(optimizer):
    seen = []

    def watch(progress):
        seen.append((progress.latest[-1].training_loss, progress.parameters.copy()))
        return len(seen) == 5

    run = train(NETWORK, X, Y, optimizer=optimizer, epochs=30, callback=watch, restarts=0, batch_size=7)
    assert run.stopped_because == "asked to stop"
    assert [loss for loss, _ in seen] == list(run.history.training_losses)
    np.testing.assert_array_equal(run.network.values, seen[-1][1])
    assert len({parameters.tobytes() for _, parameters in seen}) == 5


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_watching_changes_nothing(optimizer):
    plain = train(NETWORK, X, Y, optimizer=optimizer, epochs=12, batch_size=7)
    watched = train(NETWORK, X, Y, optimizer=optimizer, epochs=12, batch_size=7, callback=lambda _: False)
    np.testing.assert_array_equal(plain.network.values, watched.network.values)


@pytest.mark.parametrize("optimizer", [Adam(0.01), SGD(0.01, momentum=0.9)])
def test_two_halves_are_a_whole(optimizer):
    settings = {"optimizer": optimizer, "batch_size": 16, "shuffle": False}
    whole = train(NETWORK, X, Y, epochs=8, **settings)
    first = start(NETWORK, X, Y, epochs=3, **settings)
    list(first)
    half = first.run().network
    second = train(half, X, Y, epochs=5, keep_parameters=True, resumed=first.state, **settings)
    np.testing.assert_array_equal(whole.network.values, second.network.values)


def test_lbfgs_keeps_to_its_evaluations():
    run = train(NETWORK, X, Y, optimizer=LBFGS(most_evaluations=7), epochs=100, restarts=0)
    assert len(run.history) <= 7
    assert run.stopped_because == "all epochs done"


def test_weights_of_validation_rows_count():
    weights = np.r_[np.ones(25), np.zeros(25)]
    some = train(NETWORK, X, Y, optimizer="adam", epochs=3, validation=(X, Y, weights))
    same = train(NETWORK, X, Y, optimizer="adam", epochs=3, validation=(X[:25], Y[:25]))
    np.testing.assert_allclose(some.history.validation_losses, same.history.validation_losses, rtol=1e-12)
