"""The proof passes every entry of the catalogue in float32, and fails formulas that are known to be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation, Claims, FromOutput
from actwise.formula.expression import exp, log, sigmoid, tanh, where
from actwise.proof import prove
from actwise.proof.records import FLOAT32_BOUND, FLOAT64_BOUND

SCALARS = [each for each in ENTRIES if isinstance(each, Activation)]
FLOAT64_REACHED: dict[str, float] = {}  # entries that miss the bound, and what they reach
OTHER_VALUES = [
    ("elu", {"alpha": 1.7}), ("celu", {"alpha": 0.3}), ("softplus", {"beta": 3.3}), ("swish", {"beta": -1.3}),
    ("leaky_relu", {"slope": -0.1}), ("isru", {"alpha": 0.37}), ("squareplus", {"b": 0.6}),
    ("hardtanh", {"low": -0.3, "high": 2.2}), ("softshrink", {"threshold": 0.1}),
]  # fmt: skip


@pytest.mark.parametrize("entry", SCALARS, ids=lambda each: each.name)
def test_entry_holds(entry):
    """20,000 random float32 arguments and all hard ones; `actwise check --all` tries 2 million."""
    proof = prove(entry, n_random=20_000, n_exact=20)
    assert proof.single.largest <= FLOAT32_BOUND, str(proof)
    assert proof.single.reference_error < 1e-3
    assert proof.refuted == ()
    assert proof.from_output is None or proof.from_output.agrees
    assert proof.double.largest <= FLOAT64_REACHED.get(entry.name, FLOAT64_BOUND), str(proof)
    assert proof.holds == (proof.double.largest <= FLOAT64_BOUND)


@pytest.mark.parametrize(("name", "values"), OTHER_VALUES)
def test_entry_holds_in_float32_for_other_parameters(name, values):
    proof = prove(aw.activation(name, **values), n_random=20_000, n_exact=20)
    assert proof.single.largest <= FLOAT32_BOUND, str(proof)
    assert proof.from_output is None or proof.from_output.agrees


def naive(name, f, df_x, definition):
    return Activation(name=name, f=f, df_x=df_x, definition=definition, claims=Claims())


# Textbook forms that overflow or cancel; (declaration, a place in which they are wrong)
NAIVE = [
    naive("softplus", lambda x: log(1 + exp(x)), lambda x: sigmoid(x), "log(1 + exp(x))"),
    naive("sigmoid", lambda x: sigmoid(x), lambda x: sigmoid(x) * (1 - sigmoid(x)), "1 / (1 + exp(-x))"),
    naive("tanh", lambda x: tanh(x), lambda x: 1 - tanh(x) * tanh(x), "tanh(x)"),
    naive("silu", lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), "x * sigmoid(x)"),
    naive(
        "elu", lambda x: where(x > 0, x, exp(x) - 1), lambda x: where(x > 0, 1, exp(x)), "where(x > 0, x, exp(x) - 1)"
    ),
]


@pytest.mark.parametrize("entry", NAIVE, ids=lambda each: each.name)
def test_naive_forms_are_caught(entry):
    proof = prove(entry, n_random=20_000, n_exact=10)
    assert not proof.holds
    assert proof.single.largest > FLOAT32_BOUND
    assert any("in float32" in each for each in proof.failures)


def test_a_wrong_derivative_is_caught_although_it_agrees_with_itself():
    entry = aw.activation("tanh")
    wrong = replace(entry, df_x=lambda x: 1 - tanh(tanh(x)) * tanh(tanh(x)))
    proof = prove(wrong, n_random=1_000, n_exact=10)
    assert proof.single.derivative.error > 1e5
    assert proof.single.value.error <= FLOAT32_BOUND


def test_a_wrong_value_is_caught_by_the_definition():
    proof = prove(replace(aw.activation("tanh"), definition="tanh(1.0000001 * x)"), n_random=1_000, n_exact=10)
    assert proof.single.value.error > 1


def test_a_wrong_form_from_the_output_is_caught():
    wrong = replace(aw.activation("tanh"), df_y=FromOutput(lambda y: 1 - y))
    proof = prove(wrong, n_random=1_000, n_exact=10)
    assert not proof.from_output.agrees
    assert "the derivative from the output is not the derivative" in proof.failures


def test_how_far_the_form_from_the_output_is_exact():
    from_output = prove(aw.activation("sigmoid"), n_random=1_000, n_exact=10).from_output
    # 1 - y has half of its bits left where exp(-x) is 2**-12 of 1, at 8.3.
    assert 8 < from_output.half_lost_beyond[1] < 10
    assert from_output.exact_between[1] < 1
    relu = prove(aw.activation("relu"), n_random=1_000, n_exact=10).from_output
    assert relu.exact_between == (-np.inf, np.inf)


def test_a_users_formula_is_proven_against_itself():
    proof = prove(aw.activation("x * tanh(log(1 + exp(x)))"), n_random=5_000, n_exact=20)
    assert proof.single.value.error <= FLOAT32_BOUND


def test_a_proof_is_readable():
    text = str(prove(aw.activation("relu"), n_random=1_000, n_exact=10))
    assert text == "relu: 0, 0, 0, 0 ulp; holds"
