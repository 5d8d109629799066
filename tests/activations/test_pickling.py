"""Activations survive pickle and copy, with the same values and derivatives."""

import copy
import pickle

import numpy as np
import pytest

from actwise.activations import ENTRIES, Activation, Claims, Param, activation, maxout
from actwise.formula.expression import where

POINTS = np.linspace(-3, 3, 24).reshape(2, 12)


def _same(one, other):
    assert repr(one) == repr(other)
    np.testing.assert_array_equal(one(POINTS), other(POINTS))
    if isinstance(one, Activation):
        np.testing.assert_array_equal(one.derivative(POINTS), other.derivative(POINTS))
        assert one.range == other.range
        assert one.kinks == other.kinks
    else:
        upstream = np.ones_like(one(POINTS))
        np.testing.assert_array_equal(
            one.vector_jacobian_product(POINTS, upstream), other.vector_jacobian_product(POINTS, upstream)
        )


OWN = Activation(
    name="own_ramp",
    f=lambda x, slope: where(x > 0, x, slope * x),
    df_x=lambda x, slope: where(x > 0, 1, slope),
    params={"slope": Param(0.3)},
    claims=Claims(kinks=(0.0,), lipschitz=lambda slope: max(1.0, slope)),
)


@pytest.mark.parametrize(
    "each",
    [*ENTRIES, activation("leaky_relu", slope=0.25), activation("x * tanh(k * x)", k=2.0), maxout(3), OWN],
    ids=repr,
)
def test_pickle_and_deepcopy_keep_what_an_activation_computes(each):
    _same(each, pickle.loads(pickle.dumps(each)))
    _same(each, copy.deepcopy(each))
