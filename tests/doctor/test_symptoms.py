"""What was seen during training is said in words that a person can check."""

from types import SimpleNamespace

import pytest

from actwise.doctor.symptoms import _course


@pytest.mark.parametrize(
    ("tolerance", "said"),
    [(0.0, "because the loss no longer fell"), (1e-4, "because the loss fell by less than 0.0001")],
)
def test_an_early_stop_is_told_with_its_reason(tolerance, said):
    outcome = SimpleNamespace(losses=[1.0] * 41, stopped_because="no improvement", is_finite=True)
    measures = SimpleNamespace(course=SimpleNamespace(falls=False, jumps=False), most_moved=1.0, layers=[])
    setup = SimpleNamespace(epochs=1000, tolerance=tolerance)
    (found,) = _course(setup, [outcome], outcome, measures)
    assert found.code == "undertrained"
    assert f"training was stopped after 41 of 1,000 epochs, {said}" in str(found)
