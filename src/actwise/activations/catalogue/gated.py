"""Gated activations: each unit multiplies one linear map with a function of another, or takes the largest.

The first block of pre-activations holds the values and the second one the gates, as in PyTorch's GLU.
"""

from __future__ import annotations

from actwise.activations.catalogue.piecewise import RELU
from actwise.activations.catalogue.saturating import SIGMOID
from actwise.activations.catalogue.smooth import GELU, SILU
from actwise.activations.families import GatedActivation, maxout
from actwise.activations.spec import Activation
from actwise.formula.expression import Expression, substitute


def _gated(name: str, gate: Activation, definition: str, summary: str, source: str) -> GatedActivation:
    """Declare the product of the first pre-activation and a scalar activation of the second."""

    def value(b: Expression) -> Expression:
        return substitute(gate.expression, {"x": b})

    def slope(b: Expression) -> Expression:
        return substitute(gate.derivative_expression, {"x": b})

    return GatedActivation(
        name=name,
        f=lambda a, b: a * value(b),
        partials=(lambda a, b: value(b), lambda a, b: a * slope(b)),
        definition=definition,
        summary=summary,
        source=source,
    )


GLU = _gated(
    "glu",
    SIGMOID,
    "a * sigmoid(b)",
    "For hidden layers of deeper networks: a linear path for the gradient beside a gate. Twice the weights.",
    "Dauphin et al. 2017, arXiv:1612.08083",
)
_SHAZEER = "Shazeer 2020, arXiv:2002.05202"
REGLU = _gated("reglu", RELU, "a * max(b, 0)", "For transformers' feed-forward layers: a cheap gate.", _SHAZEER)
GEGLU = _gated(
    "geglu", GELU, "a * b * normal_cdf(b)", "For transformers' feed-forward layers. Twice the weights.", _SHAZEER
)
SWIGLU = _gated(
    "swiglu",
    SILU,
    "a * b * sigmoid(b)",
    "For transformers' feed-forward layers, as in Llama. Twice the weights.",
    _SHAZEER,
)
MAXOUT = maxout(2)

ENTRIES = (GLU, REGLU, GEGLU, SWIGLU, MAXOUT)
