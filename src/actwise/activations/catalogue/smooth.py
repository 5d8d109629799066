"""Smooth rectifiers: near 0 for negative inputs, near the input for positive ones."""

from __future__ import annotations

from actwise.activations.catalogue.roots import (
    GELU_ROOT,
    GELU_TANH_ROOT,
    MISH_ROOT,
    QUICK_GELU_ROOT,
    SERF_MIDDLE,
    SERF_MIDDLE_LOW,
    SERF_ROOT,
    SERF_TAIL,
    SERF_TAIL_LOW,
    SILU_ROOT,
    SMISH_ROOT,
)
from actwise.activations.catalogue.shared import (
    ALL_THE_WAY,
    FAR,
    HUGE,
    INFINITY,
    ExponentialRoot,
    far_limits,
    near_root,
    polynomial,
)
from actwise.activations.spec import Activation, Claims, FromOutput, Param
from actwise.formula.constants import TWO_OVER_PI, TWO_OVER_ROOT_PI
from actwise.formula.expression import (
    Expression,
    absolute,
    as_expression,
    erf,
    exp,
    expm1,
    normal_cdf,
    normal_density,
    sigmoid,
    softplus,
    sqrt,
    where,
)

_SILU_MINIMUM = 0.2784645427610738  # of -x sigmoid(x); x is SILU_ROOT
_SILU_STEEPEST = 1.0998393201288669  # where the second derivative is 0, at 2.3994
_GELU_TANH_CUBIC = 0.044715  # Hendrycks and Gimpel 2016
_QUICK_GELU_SHARPNESS = 1.702  # Hendrycks and Gimpel 2016
_SERF_STEEPEST = 1.0861254441509972  # at 1.096
_SERF_TAIL_END = -1.69  # within the expansion around the root

SOFTPLUS = Activation(
    name="softplus",
    params={"beta": Param(1.0, low=1e-6, meaning="sharpness: large values approach ReLU")},
    f=lambda x, beta: softplus(beta * x) / beta,
    df_x=lambda x, beta: sigmoid(beta * x),
    df_y=FromOutput(lambda y, beta: -expm1(-(beta * y))),
    claims=Claims(range=(0, INFINITY)),
    aliases=("smooth_relu",),
    definition="log(1 + exp(beta * x)) / beta",
    summary="A smooth ReLU, always positive: for outputs that must be positive.",
    source="Dugas et al. 2001",
)


def _half_root(x: Expression, b: Expression) -> Expression:
    return sqrt(x / 2 * (x / 2) + b / 4)


def _squareplus(x: Expression, b: Expression) -> Expression:
    # For negative x the sum cancels, and the product of the sum and the difference is b / 4.
    larger = absolute(x) / 2 + _half_root(x, b)
    return where(x > 0, larger, (b / 4) / larger)


def _squareplus_slope(x: Expression, b: Expression) -> Expression:
    # The function divided by twice the root, with one division.
    root = _half_root(x, b)
    larger = absolute(x) / 2 + root
    return where(x > 0, larger * larger, b / 4) / (2 * root * larger)


SQUAREPLUS = Activation(
    name="squareplus",
    params={"b": Param(4.0, low=1e-12, high=1e12, meaning="width of the curved part")},
    f=lambda x, b: where(x > HUGE, x, where(x < -HUGE, (b / 4) / -x, _squareplus(x, b))),
    df_x=lambda x, b: where(x > HUGE, 1, where(x < -HUGE, (b / 4) / -x / -x, _squareplus_slope(x, b))),
    df_y=FromOutput(lambda y, b: where(y > HUGE, 1, y * y / (y * y + b / 4))),
    claims=Claims(range=(0, INFINITY)),
    definition="(x + sqrt(x**2 + b)) / 2",
    summary="A smooth ReLU without an exponential; its gradient for negative inputs fades slowly.",
    source="Barron 2021, arXiv:2112.11687",
)


def _silu_slope(u: Expression, d: Expression, root: ExponentialRoot = SILU_ROOT) -> Expression:
    """Make the derivative of u sigmoid(u), where d is the distance of u from the root."""
    # sigmoid(u) sigmoid(-u) (1 + exp(u) + u), where 1 + exp(u) + u = d + exp(root) expm1(d)
    e = root.times_exp(exp(d))
    slope = e * (d + root.times_exp(expm1(d))) / ((1 + e) * (1 + e))
    return far_limits(u, slope, below=0, above=1, above_from=ALL_THE_WAY)


SILU = Activation(
    name="silu",
    f=lambda x: where(x < -FAR, 0, x * sigmoid(x)),
    df_x=lambda x: _silu_slope(x, SILU_ROOT.distance(x)),
    claims=Claims(range=(-_SILU_MINIMUM, INFINITY), monotonic=False, lipschitz=_SILU_STEEPEST),
    aliases=("swish_1", "sigmoid_linear_unit"),
    definition="x * sigmoid(x)",
    summary="For hidden layers of deeper networks: smooth, does not saturate for positive inputs.",
    source="Elfwing et al. 2018, arXiv:1702.03118",
)

SWISH = Activation(
    name="swish",
    params={"beta": Param(1.0, trained=True, meaning="sharpness; starts here and is trained")},
    f=lambda x, beta: where(beta * x < -FAR, 0, x * sigmoid(beta * x)),
    df_x=lambda x, beta: _silu_slope(beta * x, SILU_ROOT.distance(beta * x)),
    claims=Claims(
        range=lambda beta: (
            -_SILU_MINIMUM / beta if beta > 0 else -INFINITY,
            -_SILU_MINIMUM / beta if beta < 0 else INFINITY,
        ),
        monotonic=lambda beta: beta == 0,
        odd=lambda beta: beta == 0,
        lipschitz=lambda beta: _SILU_STEEPEST if beta else 0.5,
    ),
    definition="x * sigmoid(beta * x)",
    summary="A SiLU whose sharpness is learnt, one for each layer, between half the input (0) and ReLU (large).",
    source="Ramachandran et al. 2017, arXiv:1710.05941",
)

QUICK_GELU = Activation(
    name="quick_gelu",
    f=lambda x: where(x < -FAR, 0, x * sigmoid(_QUICK_GELU_SHARPNESS * x)),
    df_x=lambda x: _silu_slope(
        _QUICK_GELU_SHARPNESS * x, _QUICK_GELU_SHARPNESS * QUICK_GELU_ROOT.distance(x), QUICK_GELU_ROOT
    ),
    claims=Claims(range=(-_SILU_MINIMUM / _QUICK_GELU_SHARPNESS, INFINITY), monotonic=False, lipschitz=_SILU_STEEPEST),
    aliases=("gelu_sigmoid",),
    definition="x * sigmoid(1.702 * x)",
    summary="The roughest approximation of GELU, with errors up to 0.02; to run models that were trained with it.",
    source="Hendrycks and Gimpel 2016, arXiv:1606.08415; CLIP",
)

GELU = Activation(
    name="gelu",
    f=lambda x: where(x < -FAR, 0, x * normal_cdf(x)),
    df_x=lambda x: far_limits(x, near_root(x, GELU_ROOT, normal_cdf(x) + x * normal_density(x)), below=0, above=1),
    claims=Claims(range=(-0.16997120747990366, INFINITY), monotonic=False, lipschitz=1.1289041451851548),
    aliases=("gelu_exact", "gelu_erf", "gelu_python"),
    definition="x * normal_cdf(x)",
    summary="For hidden layers of deeper networks, as in transformers: smooth, small negative dip.",
    source="Hendrycks and Gimpel 2016, arXiv:1606.08415, the exact form",
)


# (1 + tanh(u)) / 2 is sigmoid(2 u); 2 u is this times x + 0.044715 x**3.
_GELU_TANH_SHARPNESS = 2 * sqrt(as_expression(TWO_OVER_PI))


def _gelu_tanh_argument(x: Expression) -> Expression:
    return _GELU_TANH_SHARPNESS * (x + _GELU_TANH_CUBIC * (x * x * x))


def _gelu_tanh_slope(x: Expression) -> Expression:
    # With u the argument of the sigmoid, sigmoid(u) sigmoid(-u) (1 + exp(u) + x u'), where the sum is the difference
    # from its value at the root: of exp(u), and of x u'.
    root = GELU_TANH_ROOT
    d = root.distance(x)
    squares = x * ((x + root.high) + root.low) + root.high * root.high  # x**3 - root**3 is d times this
    v = _GELU_TANH_SHARPNESS * (d * (1 + _GELU_TANH_CUBIC * squares))
    rest = _GELU_TANH_SHARPNESS * (d * (1 + 3 * _GELU_TANH_CUBIC * squares))
    e = root.times_exp(exp(v))
    slope = e * (rest + root.times_exp(expm1(v))) / ((1 + e) * (1 + e))
    return far_limits(v, slope, below=0, above=1, above_from=ALL_THE_WAY)


GELU_TANH = Activation(
    name="gelu_tanh",
    f=lambda x: where(x < -FAR, 0, x * sigmoid(_gelu_tanh_argument(x))),
    df_x=_gelu_tanh_slope,
    claims=Claims(range=(-0.17004075057125405, INFINITY), monotonic=False, lipschitz=1.1289930686587718),
    aliases=("gelu_new", "gelu_approximate", "gelu_pytorch_tanh"),
    definition="x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))",
    summary="The approximation of GELU with errors up to 0.0005; to run models that were trained with it.",
    source="Hendrycks and Gimpel 2016, arXiv:1606.08415",
)


def _mish(x: Expression) -> Expression:
    # tanh(log(1 + exp(x))) is a quotient of polynomials in t = exp(-abs(x)), which neither overflow nor cancel.
    t = exp(-absolute(x))
    above = where(x > 0, 1 + 2 * t, t * (2 + t))
    below = where(x > 0, 1 + 2 * t * (1 + t), 2 + t * (2 + t))
    return x * (above / below)


def _mish_slope(x: Expression) -> Expression:
    # e (4 (x + 1) + (4 x + 6) e + 4 e**2 + e**3) / (2 + 2 e + e**2)**2 with e = exp(x); the bracket is 0 at the root,
    # where e is c, and its difference from there is, with w = c expm1(d), a sum of terms of one sign.
    root, c = MISH_ROOT, MISH_ROOT.exp_high
    d = root.distance(x)
    e, w = root.times_exp(exp(d)), root.times_exp(expm1(d))
    bracket = 4 * d * (1 + e) + w * (e * (e + (4 + c)) + (4 * c + c * c + 4 * root.high + 6))
    below = 2 + e * (2 + e)
    slope = e * bracket / (below * below)
    return far_limits(x, slope, below=0, above=1, above_from=ALL_THE_WAY)


MISH = Activation(
    name="mish",
    f=lambda x: where(x < -FAR, 0, _mish(x)),
    df_x=_mish_slope,
    claims=Claims(range=(-0.30884341301725043, INFINITY), monotonic=False, lipschitz=1.0884981612517279),
    definition="x * tanh(log(1 + exp(x)))",
    summary="For hidden layers of deeper networks, as in image detectors: like SiLU, and more costly.",
    source="Misra 2019, arXiv:1908.08681",
)


def _serf_over_exp(t: Expression) -> Expression:
    # Far below 0, erf(log(1 + t)) is t times a polynomial in t = exp(x): one function is rounded, not three.
    return SERF_TAIL[0] + (t * polynomial(t, SERF_TAIL[1:]) + SERF_TAIL_LOW)


def _serf(x: Expression) -> Expression:
    t = exp(x)
    tail = x * (t * _serf_over_exp(t))
    d = SERF_ROOT.distance(x)
    middle = x * (SERF_MIDDLE[0] + (d * polynomial(d, SERF_MIDDLE[1:]) + SERF_MIDDLE_LOW))
    near = where(SERF_ROOT.is_near(x), middle, x * erf(softplus(x)))
    return where(x < -FAR, 0, where(x < _SERF_TAIL_END, tail, near))


def _serf_slope(x: Expression) -> Expression:
    t, s = exp(x), softplus(x)
    steep = t * polynomial(t, [k * each for k, each in enumerate(SERF_TAIL)][1:])  # t times the polynomial's slope
    tail = t * ((1 + x) * _serf_over_exp(t) + x * steep)
    # Of an exponential near 1, float64 keeps more digits in its difference from 1.
    bell = where(s < 1, 1 + expm1(-(s * s)), exp(-(s * s)))
    slope = erf(s) + x * sigmoid(x) * (TWO_OVER_ROOT_PI * bell)
    return where(x < _SERF_TAIL_END, tail, near_root(x, SERF_ROOT, slope))


SERF = Activation(
    name="serf",
    f=lambda x: _serf(x),
    df_x=lambda x: far_limits(x, _serf_slope(x), below=0, above=1),
    claims=Claims(range=(-0.34843745875960642, INFINITY), monotonic=False, lipschitz=_SERF_STEEPEST),
    definition="x * erf(log(1 + exp(x)))",
    summary="For hidden layers of deeper networks: like Mish, with erf in place of tanh.",
    source="Nag and Bhattacharyya 2021, arXiv:2108.09598",
)


def _smish_gate(s: Expression) -> Expression:
    # tanh(log(1 + s)), without leaving rational functions
    return s * (2 + s) / (2 + s * (2 + s))


def _smish_slope(x: Expression) -> Expression:
    s = sigmoid(x)
    below = 2 + s * (2 + s)
    return _smish_gate(s) + x * (s * sigmoid(-x)) * (4 * (1 + s) / (below * below))


SMISH = Activation(
    name="smish",
    f=lambda x: where(x < -FAR, 0, x * _smish_gate(sigmoid(x))),
    df_x=lambda x: far_limits(x, near_root(x, SMISH_ROOT, _smish_slope(x)), below=0, above=0.6),
    claims=Claims(range=(-0.2499936636601295, INFINITY), monotonic=False, lipschitz=0.6368842228812263),
    definition="x * tanh(log(1 + sigmoid(x)))",
    summary="For hidden layers of deeper networks: like Mish, with slope 0.6 for large inputs.",
    source="Wang et al. 2022, Smish",
)

ENTRIES = (SOFTPLUS, SQUAREPLUS, SILU, SWISH, QUICK_GELU, GELU, GELU_TANH, MISH, SERF, SMISH)
