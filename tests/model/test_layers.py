"""Layers: what is refused before anything is compiled."""

import pytest

import actwise as aw
from actwise.activations import ENTRIES
from actwise.activations.spec import Activation, Param
from actwise.errors import InputError
from actwise.formula.expression import sin, symbol
from actwise.model.layers import activation_formula
from actwise.model.program import LARGEST


@pytest.mark.parametrize(
    "make",
    [
        lambda: aw.Maxout(1, pieces=40),
        lambda: aw.Maxout(1, pieces=3000),
        lambda: aw.Dense(1, _nested(300)),
        lambda: aw.Dense(1, _nested(1, {f"p{k}": Param(1.0) for k in range(3000)})),
    ],
    ids=["pieces", "many pieces", "nested", "parameters"],
)
def test_what_would_compile_for_ever_is_refused_at_once(make):
    with pytest.raises(InputError, match="too long to compile"):
        aw.Network([make()], n_inputs=2)


def _nested(depth, params=None):
    x = symbol("x")
    for _ in range(depth):
        x = sin(x)
    return Activation("nested", f=x, df_x=x, params=params or {}, values=dict.fromkeys(params or {}, 1.0))


def test_the_whole_catalogue_is_far_enough_from_the_limit():
    for each in ENTRIES:
        assert activation_formula(each).size < 0.8 * LARGEST
