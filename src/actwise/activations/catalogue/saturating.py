"""Activations that saturate on both sides or on one, and other smooth functions that are not rectifiers."""

from __future__ import annotations

import math

from actwise.activations.catalogue.shared import (
    HUGE,
    INFINITY,
    far_limits,
    polynomial,
    reciprocal_square_plus_one,
    unless_nan,
)
from actwise.activations.spec import Activation, Claims, FromOutput, Param
from actwise.formula.constants import TWO_OVER_ROOT_PI, rest_of
from actwise.formula.expression import (
    Expression,
    absolute,
    arctan,
    cos,
    cosh,
    erf,
    exp,
    expm1,
    log1p,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    tanh,
    where,
)

HUGE_ANGLE = 2.0**1023  # its double overflows


def _sigmoid_slope(x: Expression) -> Expression:
    # In the lower one of the two sigmoids nothing cancels: it is at most 1/2, and small in both tails.
    lower = sigmoid(-absolute(x))
    return lower - lower * lower


def _sech_squared(x: Expression) -> Expression:
    # 1 - tanh(x)**2 has no digits left in the tails.
    return 4 * _sigmoid_slope(2 * x)


IDENTITY = Activation(
    name="identity",
    f=lambda x: x,
    df_x=lambda x: unless_nan(x, 1),
    df_y=FromOutput(lambda y: unless_nan(y, 1)),
    claims=Claims(odd=True),
    aliases=("linear", "none"),
    definition="x",
    summary="For the output of a regression. As a hidden activation it adds nothing: layers collapse into one.",
    source="textbook",
)

SIGMOID = Activation(
    name="sigmoid",
    f=lambda x: sigmoid(x),
    df_x=_sigmoid_slope,
    df_y=FromOutput(lambda y: y * (1 - y)),
    claims=Claims(range=(0, 1), lipschitz=0.25),
    aliases=("logistic", "expit"),
    definition="1 / (1 + exp(-x))",
    summary=(
        "For a binary output. In hidden layers it is not zero-centred, saturates on both sides and lets "
        "gradients vanish; prefer tanh or ReLU there."
    ),
    source="Verhulst 1838; textbook",
)

TANH = Activation(
    name="tanh",
    f=lambda x: tanh(x),
    df_x=_sech_squared,
    df_y=FromOutput(lambda y: 1 - y * y),
    claims=Claims(range=(-1, 1), odd=True),
    definition="tanh(x)",
    summary="For hidden layers of small networks: zero-centred and smooth; saturates for large inputs.",
    source="LeCun et al. 1998, Efficient BackProp",
)

LECUN_TANH = Activation(
    name="lecun_tanh",
    f=lambda x: 1.7159 * tanh(x * 2 / 3),
    df_x=lambda x: 1.7159 * 2 / 3 * _sech_squared(x * 2 / 3),
    df_y=FromOutput(lambda y: (1.7159 - y * y / 1.7159) * 2 / 3),
    claims=Claims(range=(-1.7159, 1.7159), odd=True, lipschitz=1.7159 * 2 / 3),
    aliases=("scaled_tanh", "stanh"),
    definition="1.7159 * tanh(2 * x / 3)",
    summary="For hidden layers of small networks: a tanh that gives ±1 for ±1, where it is not yet saturated.",
    source="LeCun et al. 1998, Efficient BackProp",
)

LOGSIGMOID = Activation(
    name="logsigmoid",
    f=lambda x: -softplus(-x),
    df_x=lambda x: sigmoid(-x),
    df_y=FromOutput(lambda y: -expm1(y)),
    claims=Claims(range=(-INFINITY, 0)),
    aliases=("log_sigmoid",),
    definition="log(1 / (1 + exp(-x)))",
    summary="The logarithm of a probability, for losses. Seldom a hidden activation: it is never positive.",
    source="textbook",
)

SOFTSIGN = Activation(
    name="softsign",
    f=lambda x: where(absolute(x) > HUGE, sign(x), x / (1 + absolute(x))),
    df_x=lambda x: (1 / (1 + absolute(x))) * (1 / (1 + absolute(x))),
    df_y=FromOutput(lambda y: (1 - absolute(y)) * (1 - absolute(y))),
    claims=Claims(range=(-1, 1), odd=True),
    aliases=("soft_sign",),
    definition="x / (1 + abs(x))",
    summary="For hidden layers: like tanh, but saturates so slowly that gradients vanish later.",
    source="Bergstra et al. 2009; Glorot and Bengio 2010",
)

ARCTAN = Activation(
    name="arctan",
    f=lambda x: arctan(x),
    df_x=reciprocal_square_plus_one,
    df_y=FromOutput(lambda y: cos(y) * cos(y)),
    claims=Claims(range=(-math.pi / 2, math.pi / 2), odd=True),
    aliases=("atan",),
    definition="arctan(x)",
    summary="For hidden layers: zero-centred, saturates more slowly than tanh.",
    source="textbook",
)

ERF = Activation(
    name="erf",
    f=lambda x: erf(x),
    df_x=lambda x: TWO_OVER_ROOT_PI * exp(-(x * x)),
    claims=Claims(range=(-1, 1), odd=True, lipschitz=TWO_OVER_ROOT_PI),
    definition="erf(x)",
    summary="Like tanh with faster saturation: gradients vanish sooner. Of use in theory, where integrals are exact.",
    source="Williams 1997, Computing with infinite networks",
)


def _inverse_root(x: Expression, alpha: Expression) -> Expression:
    return 1 / sqrt(1 + alpha * x**2)


def _isru(x: Expression, alpha: Expression) -> Expression:
    return where(absolute(x) * sqrt(alpha) > HUGE, sign(x) / sqrt(alpha), x * _inverse_root(x, alpha))


_ISRU_ALPHA = Param(1.0, low=1e-6, high=1e6, meaning="the limits are ±1 / sqrt(alpha)")

ISRU = Activation(
    name="isru",
    params={"alpha": _ISRU_ALPHA},
    f=_isru,
    df_x=lambda x, alpha: _inverse_root(x, alpha) ** 3,
    df_y=FromOutput(lambda y, alpha: (1 - alpha * y**2) * sqrt(1 - alpha * y**2)),
    claims=Claims(range=lambda alpha: (-1 / math.sqrt(alpha), 1 / math.sqrt(alpha)), odd=True),
    definition="x / sqrt(1 + alpha * x**2)",
    summary="For hidden layers: like tanh, without an exponential.",
    source="Carlile et al. 2017, arXiv:1710.09967",
)

ISRLU = Activation(
    name="isrlu",
    params={"alpha": _ISRU_ALPHA},
    f=lambda x, alpha: where(x >= 0, x, _isru(x, alpha)),
    df_x=lambda x, alpha: where(x >= 0, 1, _inverse_root(x, alpha) ** 3),
    df_y=FromOutput(lambda y, alpha: where(y >= 0, 1, (1 - alpha * y**2) * sqrt(1 - alpha * y**2))),
    claims=Claims(range=lambda alpha: (-1 / math.sqrt(alpha), INFINITY)),
    definition="where(x >= 0, x, x / sqrt(1 + alpha * x**2))",
    summary="For hidden layers: like ELU, without an exponential.",
    source="Carlile et al. 2017, arXiv:1710.09967",
)

EXPONENTIAL = Activation(
    name="exponential",
    f=lambda x: exp(x),
    df_x=lambda x: exp(x),
    df_y=FromOutput(lambda y: y),
    claims=Claims(range=(0, INFINITY), lipschitz=INFINITY),
    aliases=("exp",),
    definition="exp(x)",
    summary="For outputs that must be positive, such as rates. As a hidden activation it explodes.",
    source="textbook",
)

GAUSSIAN = Activation(
    name="gaussian",
    f=lambda x: exp(-(x * x)),
    df_x=lambda x: far_limits(x, -2 * x * exp(-(x * x)), below=0, above=0),
    claims=Claims(range=(0, 1), monotonic=False, lipschitz=math.sqrt(2 / math.e)),
    aliases=("gauss",),
    definition="exp(-x**2)",
    summary="For radial features and coordinates: answers near 0 only, so that far rows give no gradient.",
    source="Broomhead and Lowe 1988; Ramasinghe and Lucey 2022, arXiv:2111.15135",
)

SINE = Activation(
    name="sine",
    f=lambda x: sin(x),
    df_x=lambda x: cos(x),
    claims=Claims(range=(-1, 1), monotonic=False, odd=True),
    aliases=("sin",),
    definition="sin(x)",
    summary="For signals and coordinates with fine detail; needs careful initial weights, and has many local minima.",
    source="Sitzmann et al. 2020, arXiv:2006.09661",
)

COSINE = Activation(
    name="cosine",
    f=lambda x: cos(x),
    df_x=lambda x: -sin(x),
    claims=Claims(range=(-1, 1), monotonic=False),
    aliases=("cos",),
    definition="cos(x)",
    summary="For random Fourier features of signals and coordinates; has many local minima.",
    source="Rahimi and Recht 2007",
)


def _one_plus_sine_of_double(u: Expression) -> Expression:
    """Make 1 + sin(2 u)."""
    # Where the sine is near -1 the sum cancels, and cos(2 u)**2 / (1 - sin(2 u)) is the same number with its
    # digits. The double of the largest numbers overflows; there it is (sin(u) + cos(u))**2.
    is_huge = absolute(u) > HUGE_ANGLE
    angle = where(is_huge, u, 2 * u)
    s, c = sin(angle), cos(angle)
    return where(is_huge, (s + c) * (s + c), where(s < 0, c * c / (1 - s), 1 + s))


def _snake(x: Expression, alpha: Expression) -> Expression:
    # Where a negative x cancels most of sin(u)**2, that is (1 - cos(2 u)) / 2, with half the error.
    u = alpha * x
    near = x + sin(u) * (sin(u) / alpha)
    return where(absolute(u) < 0.5, near, where(absolute(u) > HUGE, x, x + (1 - cos(2 * u)) / (2 * alpha)))


SNAKE = Activation(
    name="snake",
    params={"alpha": Param(1.0, low=1e-6, high=1e6, meaning="frequency")},
    f=_snake,
    df_x=lambda x, alpha: _one_plus_sine_of_double(alpha * x),
    claims=Claims(lipschitz=2),
    definition="x + sin(alpha * x)**2 / alpha",
    summary="For periodic signals that are to be continued: a slope with a ripple, so it does not saturate.",
    source="Ziyin et al. 2020, arXiv:2006.08195",
)

BENT_IDENTITY = Activation(
    name="bent_identity",
    f=lambda x: where(absolute(x) > HUGE, x * (1 + sign(x) / 2), x + x * (x / (2 * (sqrt(x * x + 1) + 1)))),
    df_x=lambda x: where(absolute(x) > HUGE, 1 + sign(x) / 2, 1 + x / (2 * sqrt(x * x + 1))),
    claims=Claims(lipschitz=1.5),
    definition="(sqrt(x**2 + 1) - 1) / 2 + x",
    summary="For hidden layers: never saturates and never dies; hardly curved beyond ±3.",
    source="textbook",
)


# sinh(u) is the sum of u**(2 k + 1) / (2 k + 1)!; up to 1/2, terms beyond k = 7 do not count.
_SINH_SERIES = tuple(1 / math.factorial(2 * k + 1) for k in range(8))


def _log_cosh(x: Expression) -> Expression:
    # Near 0, log(1 + 2 sinh(x / 2)**2) keeps the digits of x**2 / 2; the other form does not overflow.
    size = absolute(x)
    half = x / 2
    sinh_of_half = half * polynomial(half * half, _SINH_SERIES)
    near = log1p(2 * (sinh_of_half * sinh_of_half))
    far = size + ((log1p(exp(-2 * size)) - math.log(2)) - rest_of(math.log(2)))
    return where(size < 1, near, far)


LOG_COSH = Activation(
    name="log_cosh",
    f=_log_cosh,
    df_x=lambda x: tanh(x),
    claims=Claims(range=(0, INFINITY), monotonic=False),
    aliases=("logcosh",),
    definition="log(cosh(x))",
    summary="A smooth absolute value: for losses and even functions. As a hidden activation its slope changes sign.",
    source="textbook",
)

# x cosh(x) - sinh(x) is the sum of 2 k x**(2 k + 1) / (2 k + 1)!; up to 2, terms beyond k = 15 do not count.
_TANH_SHRINK_SERIES = tuple(2 * k / math.factorial(2 * k + 1) for k in range(1, 16))


def _tanh_shrink(x: Expression) -> Expression:
    near = x * (x * x) * polynomial(x * x, _TANH_SHRINK_SERIES) / cosh(x)
    return where(absolute(x) < 2, near, x - tanh(x))


TANHSHRINK = Activation(
    name="tanhshrink",
    f=_tanh_shrink,
    df_x=lambda x: tanh(x) * tanh(x),
    claims=Claims(odd=True),
    aliases=("tanh_shrink",),
    definition="x - tanh(x)",
    summary="For sparse codes: small inputs nearly vanish, and with them their gradients.",
    source="PyTorch; Keras 3",
)

LISHT = Activation(
    name="lisht",
    f=lambda x: x * tanh(x),
    df_x=lambda x: far_limits(x, tanh(x) + x * _sech_squared(x), below=-1, above=1),
    claims=Claims(range=(0, INFINITY), monotonic=False, lipschitz=1.1996786402577338),
    definition="x * tanh(x)",
    summary="A smooth absolute value. As a hidden activation it cannot tell an input from its negative.",
    source="Roy et al. 2019, arXiv:1901.05894",
)

ENTRIES = (
    IDENTITY, SIGMOID, TANH, LECUN_TANH, LOGSIGMOID, SOFTSIGN, ARCTAN, ERF, ISRU, ISRLU, EXPONENTIAL, GAUSSIAN,
    SINE, COSINE, SNAKE, BENT_IDENTITY, LOG_COSH, TANHSHRINK, LISHT,
)  # fmt: skip
