"""The changes that are tried: what each leaves of a network, and how long its training is."""

import numpy as np
import pytest

import actwise as aw
from actwise.doctor.changes import all_changes, hidden_activations
from actwise.doctor.data import Data
from actwise.doctor.setup import MOST_UPDATES, Setup, Training
from actwise.doctor.targets import as_targets

X = np.random.default_rng(0).normal(size=(80, 3))
ROWS = np.arange(80)
DATA = Data(X, as_targets(X[:, :1] * X[:, 1:2]), ROWS, ROWS)


def changes_of(*layers, **settings):
    network = aw.Network([*layers, aw.Dense(1)], 3)
    setup = Setup(network, aw.loss("squared_error"), aw.Adam(0.001), **settings)
    return {each.name: each for each in all_changes(setup, DATA)}


def split_layers(times):
    """Linear layers, each with normalisation and an activation of its own."""
    return [layer for _ in range(times) for layer in (aw.Dense(4), aw.BatchNorm(), aw.ActivationLayer("relu"))]


def test_a_linear_layer_with_an_activation_of_its_own_counts_as_one_layer():
    network = aw.Network([*split_layers(3), aw.Dense(1)], 3)
    assert hidden_activations(network) == ["relu"] * 3
    found = changes_of(*split_layers(3))
    assert "hidden_relu" not in found
    assert "two_hidden" not in found
    assert hidden_activations(found["hidden_tanh"].setup.network) == ["tanh"] * 3
    shared = aw.Dense(4)
    mixed = aw.Network([shared, aw.ActivationLayer("relu"), shared, shared, aw.Dense(1)], 3)
    assert hidden_activations(mixed) == ["relu", "identity", "identity"]


@pytest.mark.parametrize(
    "layers", [split_layers(4), [aw.Dense(4, "relu"), aw.Dropout(0.2)] * 5, [aw.Maxout(4)] * 4]
)  # fmt: skip
def test_two_hidden_layers_keep_all_that_belongs_to_them(layers):
    change = changes_of(*layers)["two_hidden"]
    kept = change.setup.network.layers
    assert kept[:-1] == tuple(layers[: 2 * len(layers) // (5 if len(layers) == 10 else 4)])
    assert change.settings["hidden"] == [4, 4]
    assert len(hidden_activations(change.setup.network)) == 2


def test_dropout_and_a_strong_penalty_can_be_left_out():
    found = changes_of(aw.Dense(4, "relu"), aw.Dropout(0.5), l2=0.5)
    assert found["no_l2"].setup.l2 == 0
    assert [type(layer) for layer in found["no_dropout"].setup.network.layers] == [aw.Dense, aw.Dense]
    assert not {"no_l2", "no_dropout"} & set(changes_of(aw.Dense(4, "relu"), l2=1e-4))


def test_more_epochs_than_are_trained_are_never_said():
    most = MOST_UPDATES // 3  # three steps an epoch
    assert changes_of(aw.Dense(4), epochs=100)["longer"].settings == {"epochs": 1000}
    assert changes_of(aw.Dense(4), epochs=1000)["longer"].settings == {"epochs": most}
    assert "longer" not in changes_of(aw.Dense(4), epochs=10 * most)


def test_a_training_that_is_broken_off_says_which_share_of_it_was_done():
    setup = Setup(aw.Network([aw.Dense(1)], 3), aw.loss("squared_error"), aw.SGD(1e-3), 80, 25_000)
    short = Training(setup, DATA).train()
    assert (len(short.losses), short.epochs_share) == (MOST_UPDATES, MOST_UPDATES / 25_000)
    whole = Training(setup, DATA, whole=True).train()
    assert (len(whole.losses), whole.epochs_share) == (25_000, 1.0)


def test_a_loss_that_does_not_measure_distances_of_numbers_is_replaced():
    def with_loss(name, output="identity", y=X[:, 0]):
        data = Data(X, as_targets(y, "regression"), ROWS, ROWS)
        network = aw.Network([aw.Dense(4, "relu"), aw.Dense(1, output)], 3)
        found = {each.name: each for each in all_changes(Setup(network, aw.loss(name), aw.Adam(0.001)), data)}
        return found.get("output_and_loss")

    for name in ("squared_logarithmic_error", "absolute_percentage_error"):
        change = with_loss(name)
        assert change.codes == ("loss_mismatch",)
        assert change.setup.loss.name == "squared_error"
    assert with_loss("poisson", "exponential").codes[-1] == "loss_mismatch"
    assert with_loss("poisson", "exponential", np.floor(np.exp(X[:, 0]))) is None
    assert with_loss("huber") is None
    assert with_loss("huber", "tanh").setup.loss.name == "huber"


def test_labels_of_a_hinge_loss_are_minus_one_and_one():
    network = aw.Network([aw.Dense(4, "relu"), aw.Dense(1, "tanh")], 3)

    def codes(labels):
        data = Data(X, as_targets(labels, "binary"), ROWS, ROWS)
        found = all_changes(Setup(network, aw.loss("hinge"), aw.Adam(0.001)), data)
        return [each.codes for each in found if each.name == "output_and_loss"]

    labels = (X[:, 0] > 0).astype(float)
    assert codes(labels) == [("label_encoding",)]
    assert codes(2 * labels - 1) == []
