"""Every cause is explained, and the most plausible suspicion of a cause counts."""

from typing import get_args

from actwise.doctor.causes import EXPLANATIONS, Code, Suspicion, plausible
from actwise.handwritten import Cause


def codes(alias):
    """Return the strings of a union of literals."""
    return {each for part in get_args(alias) for each in (codes(part) if get_args(part) else {part})}


def test_every_cause_is_explained_in_a_sentence():
    assert set(EXPLANATIONS) == codes(Code) > set(get_args(Cause))
    for explanation in EXPLANATIONS.values():
        assert explanation[0].isupper()
        assert explanation.endswith(".")


def test_the_most_plausible_suspicion_of_a_cause_counts():
    suspected = [Suspicion("init", 0.9, "a"), Suspicion("init", 0.3, "b"), Suspicion("capacity", 0.2, "c")]
    assert plausible(suspected) == {"init": 0.9, "capacity": 0.2}
