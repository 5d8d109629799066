"""Fixes as code in the words of each kind of model, and the last resort."""

import numpy as np
import pytest

import actwise as aw
from actwise.doctor import Data, Origin, Subject, find_task
from actwise.doctor.changes import all_changes
from actwise.doctor.prescriptions import as_code
from actwise.doctor.subjects import train_once
from actwise.doctor.wellset import anew

X = np.random.default_rng(0).normal(size=(80, 3))
Y = 1000 * X[:, :1] + 5000
ROWS = np.arange(80)
DATA = Data(X * 100, find_task(Y), ROWS, ROWS)
NETWORK = aw.Network([aw.Dense(4, "sigmoid", bias=False, init="ones"), aw.Dense(1, "sigmoid")], 3)


def subject(dialect):
    return Subject(NETWORK, aw.loss("squared_error"), aw.SGD(1e-7), epochs=5, patience=3, origin=Origin(dialect))


@pytest.mark.parametrize(
    ("dialect", "never"),
    [("network", set()), ("estimator", {"bias", "init"}), ("sklearn", {"bias", "init", "output_and_loss"}),
     ("fit", {"bias", "init", "output_and_loss", "standardise_x", "standardise_y"})],
)  # fmt: skip
def test_only_what_a_model_can_do_is_tried(dialect, never):
    names = {change.name for change in all_changes(subject(dialect), DATA)}
    assert not names & never
    assert {"lr_up", "longer", "hidden_relu", "adam", "no_early_stop"} <= names
    everything = {change.name for change in all_changes(subject("network"), DATA)}
    assert everything - names == never & everything or dialect == "fit"


@pytest.mark.parametrize("dialect", ["network", "estimator", "sklearn", "fit"])
def test_every_change_can_be_said_as_code(dialect):
    for change in [*all_changes(subject(dialect), DATA), anew(subject(dialect), DATA)]:
        written = as_code(change.settings, dialect)
        assert written
        assert "{" not in written
        assert "mapping" not in written


def test_what_is_said_is_what_is_tried():
    for change in all_changes(subject("network"), DATA):
        changed = change.subject
        if "learning_rate" in change.settings:
            assert changed.optimizer.learning_rate == change.settings["learning_rate"]
        if "epochs" in change.settings:
            assert changed.epochs == change.settings["epochs"]
        if "hidden" in change.settings:
            assert [layer.units for layer in changed.network.layers[:-1]] == change.settings["hidden"]


def test_a_rate_that_is_far_off_is_set_to_the_usual_one():
    rates = {change.name: change.settings["learning_rate"] for change in all_changes(subject("network"), DATA)
             if "learning_rate" in change.settings}  # fmt: skip
    assert rates["lr_up"] == 0.01
    assert rates["lr_down"] == pytest.approx(1e-8)


def test_the_last_resort_learns():
    assert train_once(anew(subject("network"), DATA).subject, DATA, 0).score > 0.99
