"""Constants: the nearest float64 and what is missing, against mpmath."""

from __future__ import annotations

import math

import mpmath as mp
import pytest

from actwise.formula import constants


@pytest.mark.parametrize("value", constants.KNOWN)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_constant_is_the_nearest_float_and_its_rest(value: float, sign: float) -> None:
    with mp.workdps(60):
        true = constants.exact(sign * value)
        assert float(true) == sign * value
        assert float(true - mp.mpf(sign * value)) == constants.rest_of(sign * value)


def test_other_numbers_stand_for_themselves() -> None:
    assert constants.exact(0.5) == 0.5
    assert constants.rest_of(math.nextafter(math.pi, 4)) == constants.rest_of(0.0) == constants.rest_of(math.inf) == 0.0
