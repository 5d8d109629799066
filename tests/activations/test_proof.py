"""Claims are refuted when they are wrong, one by one, and not when they are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation
from actwise.activations.proof import refuted_claims

SCALARS = [each for each in ENTRIES if isinstance(each, Activation)]
OTHER_VALUES = [
    ("leaky_relu", {"slope": -0.3}), ("leaky_relu", {"slope": 1.0}), ("leaky_relu", {"slope": 3.0}),
    ("leaky_relu", {"slope": 0.0}), ("prelu", {"slope": -2.0}), ("rrelu", {"lower": 1.0, "upper": 1.0}),
    ("elu", {"alpha": 2.0}), ("elu", {"alpha": -0.5}), ("elu", {"alpha": 0.0}), ("celu", {"alpha": 0.3}),
    ("softplus", {"beta": 20.0}), ("squareplus", {"b": 0.1}), ("swish", {"beta": -2.0}), ("swish", {"beta": 0.0}),
    ("swish", {"beta": 5.0}), ("isru", {"alpha": 4.0}), ("isrlu", {"alpha": 0.25}), ("snake", {"alpha": 5.0}),
    ("hardtanh", {"low": -2.0, "high": 0.5}), ("clipped_relu", {"ceiling": 1.0}), ("hardshrink", {"threshold": 2.0}),
    ("softshrink", {"threshold": 1e-6}), ("shrink", {"threshold": 1.0, "bias": 1.0}),
    ("shrink", {"threshold": 1.0, "bias": 1.5}), ("threshold", {"threshold": -1.0, "value": -1.0}),
    ("threshold", {"threshold": 0.1, "value": 20.0}), ("threshold", {"threshold": 2.0, "value": -3.0}),
]  # fmt: skip


@pytest.mark.parametrize("entry", SCALARS, ids=lambda each: each.name)
def test_no_claim_of_the_catalogue_is_refuted(entry):
    assert refuted_claims(entry) == ()


@pytest.mark.parametrize(("name", "values"), OTHER_VALUES)
def test_claims_hold_for_other_parameters_too(name, values):
    assert refuted_claims(aw.activation(name, **values)) == ()


WRONG_CLAIMS = [
    ("sigmoid", {"range": (0, 0.9)}, "lies outside"),
    ("sigmoid", {"range": (0, 1.1)}, "only reaches 1"),
    ("relu", {"range": (-np.inf, np.inf)}, "only reaches 0"),
    ("relu", {"kinks": ()}, "jumps at"),
    ("relu", {"kinks": (0, 1)}, "claimed to have a kink at 1"),
    ("gelu", {"monotonic": True}, "it falls at"),
    ("tanh", {"monotonic": False}, "but it never does"),
    ("tanh", {"odd": False}, "is odd, and the claims do not say so"),
    ("sigmoid", {"odd": True}, "claimed to be odd"),
    ("silu", {"lipschitz": 1.0}, "as steep as 1.09984"),
    ("silu", {"lipschitz": 1.2}, "nowhere steeper than 1.09984"),
    ("tanh", {"lipschitz": np.inf}, "arbitrarily steep"),
    ("hardshrink", {"lipschitz": 1.0}, "but it jumps"),
]


@pytest.mark.parametrize(("name", "claim", "message"), WRONG_CLAIMS)
def test_a_wrong_claim_is_refuted(name, claim, message):
    entry = aw.activation(name)
    refuted = refuted_claims(replace(entry, claims=replace(entry.claims, **claim)))
    assert any(message in each for each in refuted), refuted


def test_a_wrong_derivative_is_found():
    entry = aw.activation("tanh")
    (message,) = refuted_claims(
        replace(entry, df_x=aw.activation("sigmoid").df_x, claims=replace(entry.claims, lipschitz=1))
    )[-1:]
    assert "the derivative of tanh at" in message or "steeper" in message
