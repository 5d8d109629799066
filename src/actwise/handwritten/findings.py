"""What is said of a network that was written by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from actwise.handwritten.causes import Cause
from actwise.handwritten.gradient_causes import GradientCause
from actwise.handwritten.mistakes import Mistake

# Causes that `actwise.diagnose` names in the same way, and those that only functions can have.
NetworkCause: TypeAlias = Literal[
    "broadcast", "softmax_axis", "weight_decay", "capacity", "exploding_gradient", "init", "learning_rate_too_high",
    "learning_rate_too_low", "missing_bias", "missing_nonlinearity", "output_activation_mismatch", "undertrained",
    "unscaled_inputs", "unscaled_targets",
]  # fmt: skip


@dataclass(frozen=True)
class FunctionsFinding:
    """One thing that is wrong.

    Parameters
    ----------
    code : str
        Its name.
    evidence : str
        What was measured.
    fix : str
        What to do.
    arrays : tuple of str
        The arrays whose gradient is wrong because of it.
    """

    code: Cause | GradientCause | Mistake | NetworkCause
    evidence: str
    fix: str
    arrays: tuple[str, ...] = ()
