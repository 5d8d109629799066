"""Fixes as code in the words of each kind of model, and the last resort."""

import numpy as np
import pytest

import actwise as aw
from actwise.doctor.changes import all_changes
from actwise.doctor.data import Data
from actwise.doctor.setup import Origin, Setup, Training
from actwise.doctor.snippets import as_code
from actwise.doctor.standard import with_standard_network
from actwise.doctor.targets import as_targets

X = np.random.default_rng(0).normal(size=(80, 3))
Y = 1000 * X[:, :1] + 5000
ROWS = np.arange(80)
DATA = Data(X * 100, as_targets(Y), ROWS, ROWS)
NETWORK = aw.Network([aw.Dense(4, "sigmoid", bias=False, init="ones"), aw.Dense(1, "sigmoid")], 3)


def setup(dialect):
    return Setup(NETWORK, aw.loss("squared_error"), aw.SGD(1e-7), epochs=5, patience=3, origin=Origin(dialect))


@pytest.mark.parametrize(
    ("dialect", "never"),
    [("network", set()), ("estimator", {"bias", "init"}), ("sklearn", {"bias", "init", "output_and_loss"}),
     ("fit", {"bias", "init", "output_and_loss", "standardise_x", "standardise_y", "standardise_both"})],
)  # fmt: skip
def test_only_what_a_model_can_do_is_tried(dialect, never):
    names = {change.name for change in all_changes(setup(dialect), DATA)}
    assert not names & never
    assert {"lr_up", "longer", "hidden_relu", "adam", "no_early_stop"} <= names
    everything = {change.name for change in all_changes(setup("network"), DATA)}
    assert everything - names == never


@pytest.mark.parametrize("dialect", ["network", "estimator", "sklearn", "fit"])
def test_every_change_can_be_said_as_code(dialect):
    for change in [*all_changes(setup(dialect), DATA), with_standard_network(setup(dialect), DATA)]:
        written = as_code(change.settings, dialect)
        assert written
        assert "{" not in written
        assert "mapping" not in written


def test_what_is_said_is_what_is_tried():
    """Of a network by itself; for what is rebuilt by its owner see test_owners.py."""
    found = setup("network")
    seen = set()
    for change in [*all_changes(found, DATA), with_standard_network(found, DATA)]:
        tried = change.setup
        hidden, last = tried.network.layers[:-1], tried.network.layers[-1]
        facts = {
            "learning_rate": tried.optimizer.learning_rate, "epochs": tried.epochs, "batch_size": tried.batch_size,
            "patience": tried.patience, "optimizer": type(tried.optimizer).__name__.lower(), "l2": tried.l2,
            "loss": tried.loss.name, "output_activation": last.activation.name, "n_outputs": last.units,
            "hidden": [layer.units for layer in hidden], "activation": hidden[0].activation.name,
            "bias": all(layer.bias for layer in tried.network.layers), "scale_inputs": tried.scale_inputs,
            "scale_targets": tried.scale_targets,
        }  # fmt: skip
        said = {name: value for name, value in change.settings.items() if name != "init"}
        assert {name: facts[name] for name in said} == said, change.name
        if "init" in change.settings:
            assert "ones" not in [layer.init for layer in tried.network.layers]
        seen |= set(change.settings)
    assert seen >= set(facts) - {"l2"}


def test_a_rate_that_is_far_off_is_set_to_the_usual_one():
    rates = {change.name: change.settings["learning_rate"] for change in all_changes(setup("network"), DATA)
             if "learning_rate" in change.settings}  # fmt: skip
    assert rates["lr_up"] == 0.01
    assert rates["lr_down"] == pytest.approx(1e-8)


def test_the_last_resort_learns():
    assert Training(with_standard_network(setup("network"), DATA).setup, DATA).train().score > 0.99
