"""Populations: every network has the bits that it would have alone, whatever it is trained beside."""

import numpy as np
import pytest

import actwise as aw
from actwise.errors import InputError
from actwise.training import group
from actwise.training.api import train_in_silence

RNG = np.random.default_rng(8)
X = RNG.normal(size=(37, 3))
Y = RNG.uniform(0.05, 0.95, (37, 2))


def _same(many, alone):
    np.testing.assert_array_equal(many.network.values, alone.network.values)
    np.testing.assert_array_equal(many.history.training_losses, alone.history.training_losses)
    np.testing.assert_array_equal(many.history.validation_losses, alone.history.validation_losses)
    assert (many.updates, many.best_epoch, many.stopped_because) == (
        alone.updates, alone.best_epoch, alone.stopped_because
    )  # fmt: skip
    assert many.settings == alone.settings


CASES = {
    "tiny, one row at a time": (
        [aw.Dense(3, "relu"), aw.Dense(2)], "float32",
        {"loss": "squared_error", "optimizer": aw.SGD(0.02), "batch_size": 1},
    ),
    "tiny, Adam, validation, patience": (
        [aw.Dense(4, "gelu"), aw.Dense(2)], "float64",
        {"loss": "huber", "optimizer": aw.AdamW(0.02), "batch_size": 5, "validation": (X[:9], Y[:9]), "patience": 3},
    ),
    "tiny, momentum, weights, logits": (
        [aw.Dense(3, "elu", bias=False), aw.Dense(2, "sigmoid")], "float32",
        {
            "loss": "binary_cross_entropy", "optimizer": aw.SGD(0.1, momentum=0.9), "batch_size": 8,
            "sample_weight": np.arange(37.0), "shuffle": False,
        },
    ),
    "medium, clipped": (
        [aw.Dense(20, "relu"), aw.Dense(10, "prelu"), aw.Dense(2)], "float32",
        {"loss": "squared_error", "optimizer": "rmsprop", "batch_size": 8, "max_gradient_norm": 0.5, "l2": 0.01},
    ),
    "dropout, maxout": (
        [aw.Maxout(5), aw.Dropout(0.3), aw.Dense(2)], "float32",
        {"loss": "squared_error", "optimizer": aw.Adam(0.01), "batch_size": 64},
    ),
    "a batch in halves": (
        [aw.Dense(200, "relu"), aw.Dense(200, "tanh"), aw.Dense(2)], "float32",
        {"optimizer": aw.Adam(0.01), "batch_size": 37, "validation": (X[:9], Y[:9])},
    ),
    "batch normalisation": (
        [aw.Dense(6), aw.BatchNorm(), aw.Dense(2)], "float32", {"optimizer": aw.Adam(0.01), "batch_size": 16}
    ),
    "second order": ([aw.Dense(3, "tanh"), aw.Dense(2)], "float64", {"optimizer": "lbfgs"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_network_has_the_bits_that_it_has_alone(name, monkeypatch):
    layers, dtype, settings = CASES[name]
    monkeypatch.setattr(group, "FEWEST_STEPS_FOR_LANES", 0)
    network = aw.Network(layers, 3, dtype=dtype)
    seeds = [5, 0, 11, *range(20, 36)]  # more than fit into one block of lanes, and lanes left over
    runs = aw.train_many(network, X, Y, seeds=seeds, epochs=7, threads=2, **settings)
    assert len(runs) == len(seeds)
    for k in (0, 1, 2, 15, 16, 18):
        alone = aw.train(network, X, Y, seed=seeds[k], epochs=7, restarts=0, **settings)
        _same(runs[k], alone)
    assert len({run.network.values.tobytes() for run in runs}) == len(seeds)


def test_networks_learning_rates_and_starts_of_their_own(monkeypatch):
    monkeypatch.setattr(group, "FEWEST_STEPS_FOR_LANES", 0)
    names = ["tanh", "relu", "tanh", "tanh", "tanh", "sigmoid"]
    networks = [aw.Network([aw.Dense(3, n), aw.Dense(2)], 3).initialised(k) for k, n in enumerate(names)]
    rates = [0.1, 0.01, 0.02, aw.ExponentialDecay(0.1, 0.9, 10), 0.05, 0.1]
    common = {"optimizer": aw.Adam(), "epochs": 5, "keep_parameters": True}
    runs = aw.train_many(networks, X, Y, seeds=[3] * 6, learning_rates=rates, **common)
    for network, rate, run in zip(networks, rates, runs, strict=True):
        _same(run, aw.train(network, X, Y, seed=3, learning_rate=rate, **common))


def test_a_network_that_diverges_leaves_the_others_alone(monkeypatch):
    monkeypatch.setattr(group, "FEWEST_STEPS_FOR_LANES", 0)
    network = aw.Network([aw.Dense(3, "relu"), aw.Dense(2)], 3)
    rates = [1e30, 0.01, 0.01, 1e30, 0.01]
    runs = aw.train_many(
        network, X, Y, seeds=5, learning_rates=rates, optimizer=aw.SGD(), epochs=6, patience=2, tolerance=0.01
    )
    for k, (rate, run) in enumerate(zip(rates, runs, strict=True)):
        alone = {"optimizer": aw.SGD(rate), "epochs": 6, "patience": 2, "tolerance": 0.01}
        _same(run, train_in_silence(network, X, Y, seed=k, **alone))
    assert [run.stopped_because == "loss is not finite" for run in runs] == [rate > 1 for rate in rates]
    assert np.isinf(runs.losses[0])
    assert runs.best.stopped_because != "loss is not finite"


def test_progress_is_told_and_a_time_limit_ends_it():
    told = []
    network = aw.Network([aw.Dense(30, "tanh"), aw.Dense(2)], 3)
    runs = aw.train_many(
        network, X, Y, seeds=6, optimizer="adam", epochs=10**6, time_limit=0.4, on_progress=told.append
    )
    assert told[-1].networks == 6
    assert told[-1].epochs == sum(len(run.history) for run in runs) > 0
    assert {run.stopped_because for run in runs} <= {"time limit", "interrupted"}


def test_ctrl_c_returns_what_was_reached():
    def interrupt(progress):
        raise KeyboardInterrupt

    network = aw.Network([aw.Dense(30, "tanh"), aw.Dense(2)], 3)
    runs = aw.train_many(network, X, Y, seeds=3, optimizer="adam", epochs=10**6, on_progress=interrupt)
    assert all(run.stopped_because == "interrupted" for run in runs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"seeds": 0}, "positive number of trainings"),
        ({"seeds": [1, -2]}, "a seed must be a whole number"),
        ({"seeds": []}, "no seeds|0 seeds"),
        ({"seed": 1}, "seeds="),
        ({"restarts": 2}, "does not take 'restarts'"),
        ({"learning_rate": 0.1}, "give learning_rates="),
        ({"seeds": 2, "threads": 0}, "threads must be"),
        ({"seeds": 2, "learning_rates": [0.1]}, "2 trainings but 1 learning rates"),
        ({"seeds": 2, "time_limit": -1}, "time_limit must be"),
    ],
)
def test_bad_input_is_refused(arguments, said):
    network = aw.Network([aw.Dense(3, "tanh"), aw.Dense(2)], 3)
    with pytest.raises(InputError, match=said):
        aw.train_many(network, X, Y, **arguments)


def test_no_networks_are_refused():
    with pytest.raises(InputError, match="no networks"):
        aw.train_many([], X, Y)
