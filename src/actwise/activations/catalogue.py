"""The declarations: every activation that Actwise knows, one block each.

An entry states its function in a form that neither overflows nor cancels, its derivative from the
pre-activation, where possible the derivative from the output, and claims that the proof tries to refute.
Adding an activation means adding a block here; nothing else.
"""

from __future__ import annotations

import math

from actwise.activations.families import AnyActivation, RowActivation
from actwise.activations.spec import Activation, Claims, FromOutput, Param
from actwise.formula.expression import (
    Expression,
    cosh,
    exp,
    expm1,
    normal_cdf,
    normal_density,
    row_max,
    row_sum,
    sigmoid,
    softplus,
    tanh,
    where,
)

_INFINITY = math.inf
_FAR = 1000.0  # exp(-1000) is 0 in float64: beyond it a factor that decays has decided a product


def _far_limits(u: Expression, value: Expression, *, below: float, above: float) -> Expression:
    """Put limits in place of a value that would be 0 times infinity far out; NaN stays NaN."""
    return where(u < -_FAR, below, where(u > _FAR, above, value))


IDENTITY = Activation(
    name="identity",
    f=lambda x: x,
    df_x=lambda x: where(x <= _INFINITY, 1, x),
    df_y=FromOutput(lambda y: where(y <= _INFINITY, 1, y)),
    claims=Claims(range=(-_INFINITY, _INFINITY), monotonic=True, odd=True, lipschitz=1),
    aliases=("linear",),
    summary="For the output of a regression. As a hidden activation it adds nothing: layers collapse into one.",
    source="textbook",
)

SIGMOID = Activation(
    name="sigmoid",
    f=lambda x: sigmoid(x),
    df_x=lambda x: sigmoid(x) * sigmoid(-x),
    df_y=FromOutput(lambda y: y * (1 - y)),
    claims=Claims(range=(0, 1), monotonic=True, lipschitz=0.25),
    aliases=("logistic", "expit"),
    summary=(
        "For a binary output. In hidden layers it is not zero-centred, saturates on both sides and lets "
        "gradients vanish; prefer tanh or ReLU there."
    ),
    source="Verhulst 1838; textbook",
)

TANH = Activation(
    name="tanh",
    f=lambda x: tanh(x),
    df_x=lambda x: (1 / cosh(x)) * (1 / cosh(x)),
    df_y=FromOutput(lambda y: 1 - y * y),
    claims=Claims(range=(-1, 1), monotonic=True, odd=True, lipschitz=1),
    summary="For hidden layers of small networks: zero-centred and smooth; saturates for large inputs.",
    source="LeCun et al. 1998, Efficient BackProp",
)

RELU = Activation(
    name="relu",
    f=lambda x: where(x <= 0, 0, x),
    df_x=lambda x: where(x > 0, 1, where(x <= 0, 0, x)),
    df_y=FromOutput(lambda y: where(y > 0, 1, where(y <= 0, 0, y))),
    claims=Claims(range=(0, _INFINITY), kinks=(0,), monotonic=True, lipschitz=1),
    summary=(
        "For hidden layers: cheap, does not saturate for positive inputs. A unit that is negative for every "
        "row gets no gradient and stays dead."
    ),
    source="Nair and Hinton 2010; relu'(0) = 0 as in PyTorch",
)

LEAKY_RELU = Activation(
    name="leaky_relu",
    params={"slope": Param(0.01, meaning="slope for negative inputs")},
    f=lambda x, slope: where(x > 0, x, slope * x),
    df_x=lambda x, slope: where(x > 0, 1, where(x <= 0, slope, x)),
    df_y=FromOutput(lambda y, slope: where(y > 0, 1, where(y <= 0, slope, y)), when=lambda slope: slope >= 0),
    claims=Claims(
        range=lambda slope: (0 if slope <= 0 else -_INFINITY, _INFINITY),
        kinks=lambda slope: () if slope == 1 else (0,),
        monotonic=lambda slope: slope >= 0,
        lipschitz=lambda slope: max(1, abs(slope)),
    ),
    aliases=("lrelu",),
    summary="For hidden layers, against dying ReLU units: negative inputs keep a small gradient.",
    source="Maas et al. 2013; slope at 0 as in PyTorch",
)

ELU = Activation(
    name="elu",
    params={"alpha": Param(1.0, meaning="minus the limit for very negative inputs")},
    f=lambda x, alpha: where(x > 0, x, alpha * expm1(x)),
    df_x=lambda x, alpha: where(x > 0, 1, alpha * exp(x)),
    df_y=FromOutput(lambda y, alpha: where(y > 0, 1, y + alpha), when=lambda alpha: alpha >= 0),
    claims=Claims(
        range=lambda alpha: (min(-alpha, 0), _INFINITY),
        kinks=lambda alpha: () if alpha == 1 else (0,),
        monotonic=lambda alpha: alpha >= 0,
        lipschitz=lambda alpha: max(1, abs(alpha)),
    ),
    summary="For hidden layers: nearly zero-centred, smooth for alpha = 1, saturates for negative inputs.",
    source="Clevert et al. 2016, arXiv:1511.07289",
)

SOFTPLUS = Activation(
    name="softplus",
    params={"beta": Param(1.0, low=1e-6, meaning="sharpness: large values approach ReLU")},
    f=lambda x, beta: softplus(beta * x) / beta,
    df_x=lambda x, beta: sigmoid(beta * x),
    df_y=FromOutput(lambda y, beta: -expm1(-(beta * y))),
    claims=Claims(range=(0, _INFINITY), monotonic=True, lipschitz=1),
    summary="A smooth ReLU, always positive: for outputs that must be positive.",
    source="Dugas et al. 2001",
)

SILU = Activation(
    name="silu",
    params={"beta": Param(1.0, meaning="sharpness; trained in Swish")},
    f=lambda x, beta: where(beta * x < -_FAR, 0, x * sigmoid(beta * x)),
    df_x=lambda x, beta: _far_limits(
        beta * x, sigmoid(beta * x) * (1 + beta * x * sigmoid(-(beta * x))), below=0, above=1
    ),
    claims=Claims(),
    aliases=("swish",),
    summary="For hidden layers of deeper networks: smooth, does not saturate for positive inputs.",
    source="Elfwing et al. 2018, arXiv:1702.03118; Ramachandran et al. 2017, arXiv:1710.05941",
)

GELU = Activation(
    name="gelu",
    f=lambda x: where(x < -_FAR, 0, x * normal_cdf(x)),
    df_x=lambda x: _far_limits(x, normal_cdf(x) + x * normal_density(x), below=0, above=1),
    claims=Claims(),
    summary="For hidden layers of deeper networks, as in transformers: smooth, small negative dip.",
    source="Hendrycks and Gimpel 2016, arXiv:1606.08415, the exact form",
)

SOFTMAX = RowActivation(
    name="softmax",
    f=lambda x: exp(x - row_max(x)) / row_sum(exp(x - row_max(x))),
    vjp=lambda y, g: y * (g - row_sum(y * g)),
    range=(0, 1),
    summary="For one-of-k outputs: probabilities that sum to 1. Not for a single unit: it would always give 1.",
    source="Bridle 1990",
)

ENTRIES: tuple[AnyActivation, ...] = (
    IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, SILU, GELU, SOFTMAX,
)  # fmt: skip
