"""Steps that are written out for tiny networks: the same bits as the general loop's."""

import numpy as np
import pytest

import actwise as aw
from actwise.engines.numba import tiny, unrolled
from actwise.errors import ActwiseWarning
from actwise.model.losses import loss

RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 2))
CASES = {
    "the origin story": (
        [aw.Dense(2, "sigmoid"), aw.Dense(1, "sigmoid")], "squared_error", aw.SGD(0.2), "float32", {"batch_size": 1}
    ),
    "parameters, huber, adam": (
        [aw.Dense(3, aw.activation("elu", alpha=0.7)), aw.Dense(2)], "huber", aw.AdamW(0.01), "float64",
        {"batch_size": 3, "validation": (X[:3], RNG.uniform(0, 1, (3, 2))), "patience": 40},
    ),
    "float32, adam": ([aw.Dense(3, "relu"), aw.Dense(1)], "squared_error", aw.Adam(0.01), "float32", {"batch_size": 4}),
    "no bias, logits, momentum, weights": (
        [aw.Dense(4, "gelu", bias=False), aw.Dense(3, "tanh"), aw.Dense(2, "sigmoid")], "binary_cross_entropy",
        aw.SGD(0.1, momentum=0.9, nesterov=True), "float32", {"batch_size": 10, "sample_weight": np.arange(7.0)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_bits_are_those_of_the_general_loop(name, monkeypatch):
    layers, loss_name, optimizer, dtype, options = CASES[name]
    network = aw.Network(layers, 2, dtype=dtype)
    y = np.random.default_rng(6).uniform(0, 1, (7, network.n_outputs))
    runs = []
    for fewest in (0, 10**9):
        monkeypatch.setattr(tiny, "FEWEST_STEPS", fewest)
        runs.append(aw.train(network, X, y, loss=loss_name, optimizer=optimizer, epochs=60, seed=3, **options))
    fast, general = runs
    np.testing.assert_array_equal(fast.network.values, general.network.values)
    np.testing.assert_array_equal(fast.history.training_losses, general.history.training_losses)
    np.testing.assert_array_equal(fast.history.validation_losses, general.history.validation_losses)
    assert fast.updates == general.updates
    assert (fast.best_epoch, fast.stopped_because) == (general.best_epoch, general.stopped_because)
    assert not np.array_equal(fast.network.values, network.initialised(3).values)


def test_a_loss_that_is_not_finite_ends_the_steps(monkeypatch):
    monkeypatch.setattr(tiny, "FEWEST_STEPS", 0)
    network = aw.Network([aw.Dense(2, "relu"), aw.Dense(1)], 2)
    with pytest.warns(ActwiseWarning, match="nothing was learned"):
        run = aw.train(network, X, X[:, 0] * 1e30, optimizer=aw.SGD(10.0), epochs=50, batch_size=2)
    assert run.stopped_because == "loss is not finite"
    assert np.all(np.isfinite(run.network.values))


@pytest.mark.parametrize(
    ("layers", "loss_name", "expected"),
    [
        ([aw.Dense(2, "tanh"), aw.Dense(1)], "squared_error", True),
        ([aw.Dense(40, "tanh"), aw.Dense(1)], "squared_error", False),
        ([aw.Maxout(2), aw.Dense(1)], "squared_error", False),
        ([aw.Dense(2, "softmax"), aw.Dense(1)], "squared_error", False),
        ([aw.Dense(2, "prelu"), aw.Dense(1)], "squared_error", False),
        ([aw.Dense(2, "tanh"), aw.Dropout(0.1), aw.Dense(1)], "squared_error", False),
        ([aw.Dense(3, "softmax")], "categorical_cross_entropy", False),
    ],
)
def test_only_plain_small_networks_are_written_out(layers, loss_name, expected):
    network = aw.Network(layers, 2)
    described = loss(loss_name).for_engine(network.n_outputs)
    assert unrolled.can_be_written_out(network.structure, described, network.n_parameters) is expected
