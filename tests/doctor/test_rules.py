"""What is said without training: each rule on a network that it is about, and silence on sound ones."""

import numpy as np
import pytest

import actwise as aw
from actwise.doctor import check_settings

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 3))
LABELS = (X[:, 0] > 0).astype(float)
NUMBERS = X @ [1.0, -2.0, 0.5]
WELL_SET = {"loss": "binary_cross_entropy", "optimizer": "adam", "learning_rate": 0.003, "epochs": 400}


def network(*layers, n_inputs=3):
    return aw.Network(list(layers), n_inputs)


def said(model, inputs, targets, **settings):
    return {each.code: each for each in check_settings(model, inputs, targets, **settings)}


HIDDEN = aw.Dense(8, "relu")
RIGHT = network(HIDDEN, aw.Dense(1, "sigmoid"))


def test_nothing_is_said_of_well_set_networks():
    assert not said(RIGHT, X, LABELS, **WELL_SET)
    regression = network(HIDDEN, aw.Dense(1))
    assert not said(regression, X, NUMBERS, **(WELL_SET | {"loss": "squared_error"}))
    amounts = np.exp(NUMBERS / 4)
    for loss in ("squared_logarithmic_error", "absolute_percentage_error"):
        assert not said(regression, X, amounts, **(WELL_SET | {"loss": loss}))
    counts = network(HIDDEN, aw.Dense(1, "exponential"))
    assert not said(counts, X, np.floor(amounts), **(WELL_SET | {"loss": "poisson", "task": "regression"}))
    margin = network(HIDDEN, aw.Dense(1, "tanh"))
    assert not said(margin, X, 2 * LABELS - 1, **(WELL_SET | {"loss": "hinge"}))
    several = network(HIDDEN, aw.Dense(3, "softmax"))
    assert not said(several, X, np.arange(100) % 3, **(WELL_SET | {"loss": "categorical_cross_entropy"}))


@pytest.mark.parametrize(
    ("model", "targets", "changed", "code", "certain"),
    [
        (RIGHT, NUMBERS, {"loss": "squared_error"}, "output_activation_mismatch", True),
        (network(HIDDEN, aw.Dense(1, "softmax")), LABELS, {}, "output_activation_mismatch", True),
        (network(HIDDEN, aw.Dense(1, "relu")), NUMBERS, {"loss": "squared_error"}, "output_activation_mismatch", True),
        (network(HIDDEN, aw.Dense(1)), LABELS, {}, "output_activation_mismatch", False),
        (network(HIDDEN, aw.Dense(1, "sigmoid")), 2 * LABELS - 1, {"loss": "squared_error"}, "label_encoding", True),
        (network(HIDDEN, aw.Dense(2, "softmax")), LABELS, {"loss": "soft_cross_entropy"}, "label_encoding", True),
        (network(HIDDEN, aw.Dense(1)), NUMBERS, {"loss": "binary_cross_entropy", "task": "regression"}, "loss_mismatch",
         False),
        (network(HIDDEN, aw.Dense(1)), NUMBERS, {"loss": "squared_logarithmic_error"}, "loss_mismatch", False),
        (network(HIDDEN, aw.Dense(1)), NUMBERS, {"loss": "absolute_percentage_error"}, "loss_mismatch", False),
        (network(HIDDEN, aw.Dense(1, "exponential")), NUMBERS, {"loss": "poisson"}, "loss_mismatch", False),
        (network(HIDDEN, aw.Dense(1, "tanh")), LABELS, {"loss": "hinge"}, "label_encoding", False),
        (network(HIDDEN, aw.Dense(1)), 1000 * NUMBERS, {"loss": "squared_error"}, "unscaled_targets", False),
        (network(aw.Dense(8, "relu", init=aw.Constant(0.1)), aw.Dense(1, "sigmoid")), LABELS, {}, "init", False),
        (network(aw.Dense(8, "relu", init=aw.Normal(1e-4)), aw.Dense(1, "sigmoid")), LABELS, {}, "init", False),
        (network(HIDDEN, aw.Dense(1, "sigmoid", bias=False)), LABELS, {}, "missing_bias", False),
        (network(aw.Dense(8), aw.Dense(1, "sigmoid")), LABELS, {}, "missing_nonlinearity", False),
        (network(*[aw.Dense(8, "sigmoid")] * 7, aw.Dense(1, "sigmoid")), LABELS, {}, "hidden_activation", False),
        (network(aw.Dense(1, "relu"), aw.Dense(1, "sigmoid")), LABELS, {}, "capacity", False),
        (RIGHT, LABELS, {"learning_rate": 0.5}, "learning_rate_too_high", False),
        (RIGHT, LABELS, {"learning_rate": 1e-5}, "learning_rate_too_low", False),
        (RIGHT, LABELS, {"epochs": 3}, "undertrained", False),
        (RIGHT, LABELS, {"batch_size": 500}, "batch_size", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_rule_on_what_it_is_about(model, targets, changed, code, certain):
    found = said(model, X, targets, **(WELL_SET | changed))
    assert code in found
    assert (found[code].weight == 1.0) is certain
    assert found[code].evidence[0].isalnum()


def test_unscaled_inputs_and_contradicting_rows():
    assert "unscaled_inputs" in said(RIGHT, X * [1, 1, 5000], LABELS, **WELL_SET)
    twice, labels = np.vstack([X, X]), np.concatenate([LABELS, 1 - LABELS])
    assert "no_signal" in said(RIGHT, twice, labels, **WELL_SET)


def test_values_that_are_not_finite_are_all_that_is_said():
    broken = X.copy()
    broken[7, 2] = np.nan
    (found,) = check_settings(RIGHT, broken, LABELS, **WELL_SET)
    assert found.code == "not_finite"
    assert "row 7, column 2" in found.evidence
