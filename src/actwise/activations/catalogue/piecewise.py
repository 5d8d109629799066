"""Rectifiers and other activations made of straight pieces, with ELU and its kin.

At a kink the slope is PyTorch's, where PyTorch has the function.
"""

from __future__ import annotations

from actwise.activations.catalogue.shared import INFINITY, between, unless_nan
from actwise.activations.spec import Activation, Claims, FromOutput, Param
from actwise.formula.expression import Expression, absolute, exp, expm1, sqrt, where

RELU = Activation(
    name="relu",
    f=lambda x: where(x <= 0, 0, x),
    df_x=lambda x: where(x > 0, 1, unless_nan(x, 0)),
    df_y=FromOutput(lambda y: where(y > 0, 1, unless_nan(y, 0))),
    claims=Claims(range=(0, INFINITY), kinks=(0,)),
    aliases=("rectifier", "ramp"),
    definition="max(x, 0)",
    summary=(
        "For hidden layers: cheap, does not saturate for positive inputs. A unit that is negative for every "
        "row gets no gradient and stays dead."
    ),
    source="Nair and Hinton 2010; relu'(0) = 0 as in PyTorch",
)


def _leaky(x: Expression, slope: Expression) -> Expression:
    return where(x > 0, x, slope * x)


def _leaky_slope(x: Expression, slope: Expression) -> Expression:
    return where(x > 0, 1, unless_nan(x, slope))


_LEAKY_CLAIMS = Claims(
    range=lambda slope: (0 if slope <= 0 else -INFINITY, INFINITY),
    kinks=lambda slope: () if slope == 1 else (0,),
    monotonic=lambda slope: slope >= 0,
    odd=lambda slope: slope == 1,
    lipschitz=lambda slope: max(1, abs(slope)),
)

LEAKY_RELU = Activation(
    name="leaky_relu",
    params={"slope": Param(0.01, meaning="slope for negative inputs", aliases=("negative_slope", "alpha"))},
    f=_leaky,
    df_x=_leaky_slope,
    df_y=FromOutput(lambda y, slope: _leaky_slope(y, slope), when=lambda slope: slope >= 0),
    claims=_LEAKY_CLAIMS,
    aliases=("lrelu", "leakyrelu"),
    definition="where(x > 0, x, slope * x)",
    summary="For hidden layers, against dying ReLU units: negative inputs keep a small gradient.",
    source="Maas et al. 2013; slope at 0 as in PyTorch",
)

PRELU = Activation(
    name="prelu",
    params={
        "slope": Param(
            0.25, trained=True, meaning="slope for negative inputs; starts here and is trained", aliases=("init",)
        )
    },
    f=_leaky,
    df_x=_leaky_slope,
    df_y=FromOutput(lambda y, slope: _leaky_slope(y, slope), when=lambda slope: slope >= 0),
    claims=_LEAKY_CLAIMS,
    aliases=("parametric_relu",),
    definition="where(x > 0, x, slope * x)",
    summary="A leaky ReLU whose negative slope is learnt, one for each layer; for larger data sets.",
    source="He et al. 2015, arXiv:1502.01852; slope at 0 as in PyTorch",
)

RRELU = Activation(
    name="rrelu",
    params={
        "lower": Param(1 / 8, low=0, meaning="least slope for negative inputs"),
        "upper": Param(1 / 3, low=0, meaning="largest slope for negative inputs"),
    },
    f=lambda x, lower, upper: _leaky(x, (lower + upper) / 2),
    df_x=lambda x, lower, upper: _leaky_slope(x, (lower + upper) / 2),
    df_y=FromOutput(lambda y, lower, upper: _leaky_slope(y, (lower + upper) / 2)),
    claims=Claims(
        range=lambda lower, upper: (0 if lower + upper == 0 else -INFINITY, INFINITY),
        kinks=lambda lower, upper: () if lower + upper == 2 else (0,),
        odd=lambda lower, upper: lower + upper == 2,
        lipschitz=lambda lower, upper: max(1, (lower + upper) / 2),
    ),
    aliases=("randomized_leaky_relu",),
    definition="where(x > 0, x, (lower + upper) / 2 * x)",
    summary=(
        "A leaky ReLU with the mean of the slopes that the randomised one draws from: what PyTorch computes "
        "in evaluation, here in training too."
    ),
    source="Xu et al. 2015, arXiv:1505.00853, the deterministic form",
)

ELU = Activation(
    name="elu",
    params={"alpha": Param(1.0, meaning="minus the limit for very negative inputs")},
    f=lambda x, alpha: where(x > 0, x, alpha * expm1(x)),
    df_x=lambda x, alpha: where(x > 0, 1, alpha * exp(x)),
    df_y=FromOutput(lambda y, alpha: where(y > 0, 1, y + alpha), when=lambda alpha: alpha >= 0),
    claims=Claims(
        range=lambda alpha: (min(-alpha, 0), INFINITY),
        kinks=lambda alpha: () if alpha == 1 else (0,),
        monotonic=lambda alpha: alpha >= 0,
        lipschitz=lambda alpha: max(1, abs(alpha)),
    ),
    definition="where(x > 0, x, alpha * (exp(x) - 1))",
    summary="For hidden layers: nearly zero-centred, smooth for alpha = 1, saturates for negative inputs.",
    source="Clevert et al. 2016, arXiv:1511.07289; slope alpha at 0 as in PyTorch",
)

CELU = Activation(
    name="celu",
    params={"alpha": Param(1.0, low=1e-6, meaning="minus the limit for very negative inputs")},
    f=lambda x, alpha: where(x > 0, x, alpha * expm1(x / alpha)),
    df_x=lambda x, alpha: where(x > 0, 1, exp(x / alpha)),
    df_y=FromOutput(lambda y, alpha: where(y > 0, 1, 1 + y / alpha)),
    claims=Claims(range=lambda alpha: (-alpha, INFINITY)),
    definition="where(x > 0, x, alpha * (exp(x / alpha) - 1))",
    summary="For hidden layers: an ELU that is smooth for every alpha.",
    source="Barron 2017, arXiv:1704.07483",
)

# The fixed point of mean 0 and variance 1, to more digits than float64 holds (Klambauer et al. 2017).
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_PRODUCT = 1.7580993408473768599402175208123

SELU = Activation(
    name="selu",
    f=lambda x: where(x > 0, _SELU_SCALE * x, _SELU_PRODUCT * expm1(x)),
    df_x=lambda x: where(x > 0, _SELU_SCALE, _SELU_PRODUCT * exp(x)),
    df_y=FromOutput(lambda y: where(y > 0, _SELU_SCALE, y + _SELU_PRODUCT)),
    claims=Claims(range=(-_SELU_PRODUCT, INFINITY), kinks=(0,), lipschitz=_SELU_PRODUCT),
    definition="where(x > 0, 1.0507009873554805 * x, 1.7580993408473768 * (exp(x) - 1))",
    summary="For deep plain networks with LeCun-normal weights: keeps mean 0 and variance 1 by itself.",
    source="Klambauer et al. 2017, arXiv:1706.02515; slope 1.758 at 0 as in PyTorch",
)


def _clipped(x: Expression, low: Expression | float, high: Expression | float) -> Expression:
    return where(x <= low, low, where(x >= high, high, x))


HARDTANH = Activation(
    name="hardtanh",
    params={
        "low": Param(-1.0, meaning="smallest output", aliases=("min_val",)),
        "high": Param(1.0, meaning="largest output", aliases=("max_val",)),
    },
    f=_clipped,
    df_x=lambda x, low, high: between(x, low, high, 1, 0),
    df_y=FromOutput(lambda y, low, high: between(y, low, high, 1, 0)),
    claims=Claims(
        range=lambda low, high: (low, high),
        kinks=lambda low, high: (low, high),
        odd=lambda low, high: low == -high,
    ),
    aliases=("hard_tanh", "htanh"),
    definition="min(max(x, low), high)",
    summary="For hidden layers on small hardware: a cheap tanh. Saturated units get no gradient at all.",
    source="Collobert 2004; slope 0 at both ends as in PyTorch",
)

RELU6 = Activation(
    name="relu6",
    f=lambda x: _clipped(x, 0, 6),
    df_x=lambda x: between(x, 0, 6, 1, 0),
    df_y=FromOutput(lambda y: between(y, 0, 6, 1, 0)),
    claims=Claims(range=(0, 6), kinks=(0, 6)),
    definition="min(max(x, 0), 6)",
    summary="For networks that will be quantised: a ReLU with outputs up to 6. Can die, and saturates.",
    source="Krizhevsky 2010; slope 0 at 0 and 6 as in PyTorch",
)

CLIPPED_RELU = Activation(
    name="clipped_relu",
    params={"ceiling": Param(20.0, low=1e-6, meaning="largest output", aliases=("max_value",))},
    f=lambda x, ceiling: _clipped(x, 0, ceiling),
    df_x=lambda x, ceiling: between(x, 0, ceiling, 1, 0),
    df_y=FromOutput(lambda y, ceiling: between(y, 0, ceiling, 1, 0)),
    claims=Claims(range=lambda ceiling: (0, ceiling), kinks=lambda ceiling: (0, ceiling)),
    definition="min(max(x, 0), ceiling)",
    summary="A ReLU that cannot explode, for recurrent and deep networks. Can die, and saturates.",
    source="Hannun et al. 2014, arXiv:1412.5567",
)


def _hard_sigmoid(name: str, edge: float, aliases: tuple[str, ...], summary: str, source: str) -> Activation:
    """Declare the straight line from 0 at -edge to 1 at edge."""
    width = 2 * edge
    return Activation(
        name=name,
        f=lambda x: where(x <= -edge, 0, where(x >= edge, 1, (x + edge) / width)),
        df_x=lambda x: between(x, -edge, edge, 1 / width, 0),
        df_y=FromOutput(lambda y: between(y, 0, 1, 1 / width, 0)),
        claims=Claims(range=(0, 1), kinks=(-edge, edge), lipschitz=1 / width),
        aliases=aliases,
        definition=f"min(max((x + {edge:g}) / {width:g}, 0), 1)",
        summary=summary,
        source=source,
    )


HARDSIGMOID = _hard_sigmoid(
    "hardsigmoid",
    3.0,
    ("hard_sigmoid",),
    "A cheap sigmoid for small hardware, slope 1/6. Saturated units get no gradient at all.",
    "Howard et al. 2019, arXiv:1905.02244; slope 0 at -3 and 3 as in PyTorch",
)
HARDSIGMOID_KERAS2 = _hard_sigmoid(
    "hardsigmoid_keras2",
    2.5,
    ("hard_sigmoid_keras2", "hardsigmoid_onnx", "hard_sigmoid_onnx"),
    "The hard sigmoid of Keras before version 3 and of ONNX, slope 0.2; to run models that were trained with it.",
    "Courbariaux et al. 2015, arXiv:1511.00363, as implemented in Theano and Keras 2; ONNX HardSigmoid",
)

HARDSWISH = Activation(
    name="hardswish",
    f=lambda x: where(x <= -3, 0, where(x >= 3, x, x * ((x + 3) / 6))),
    df_x=lambda x: where(x <= -3, 0, where(x >= 3, 1, (x + 1.5) / 3)),
    claims=Claims(range=(-0.375, INFINITY), kinks=(-3, 3), monotonic=False, lipschitz=1.5),
    aliases=("hard_swish", "hard_silu", "hardsilu"),
    definition="x * min(max((x + 3) / 6, 0), 1)",
    summary="For networks on small hardware: a cheap SiLU.",
    source="Howard et al. 2019, arXiv:1905.02244; slope 0 at -3 and 1 at 3 as in PyTorch",
)

_SHRINK_THRESHOLD = Param(0.5, low=1e-12, meaning="inputs of this size or smaller give 0", aliases=("lambd",))


def _shrink(x: Expression, threshold: Expression, bias: Expression | float) -> Expression:
    return where(x > threshold, x - bias, where(x < -threshold, x + bias, unless_nan(x, 0)))


def _shrink_slope(x: Expression, threshold: Expression) -> Expression:
    return where(absolute(x) > threshold, 1, unless_nan(x, 0))


def _is_not_zero(y: Expression) -> Expression:
    return where(absolute(y) > 0, 1, y)


HARDSHRINK = Activation(
    name="hardshrink",
    params={"threshold": _SHRINK_THRESHOLD},
    f=lambda x, threshold: _shrink(x, threshold, 0),
    df_x=_shrink_slope,
    df_y=FromOutput(lambda y, threshold: _is_not_zero(y)),
    claims=Claims(
        kinks=lambda threshold: (-threshold, threshold),
        odd=True,
        lipschitz=INFINITY,
    ),
    aliases=("hard_shrink",),
    definition="where(abs(x) > threshold, x, 0)",
    summary="For sparse codes: drops small values and leaves the others. It jumps, and small inputs get no gradient.",
    source="Donoho and Johnstone 1994; slope 0 at the threshold as in PyTorch",
)

SOFTSHRINK = Activation(
    name="softshrink",
    params={"threshold": _SHRINK_THRESHOLD},
    f=lambda x, threshold: _shrink(x, threshold, threshold),
    df_x=_shrink_slope,
    df_y=FromOutput(lambda y, threshold: _is_not_zero(y)),
    claims=Claims(kinks=lambda threshold: (-threshold, threshold), odd=True),
    aliases=("soft_shrink", "soft_threshold"),
    definition="where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0))",
    summary="For sparse codes, where it is the step that an L1 penalty asks for. Small inputs get no gradient.",
    source="Donoho 1995; slope 0 at the threshold as in PyTorch",
)

SHRINK = Activation(
    name="shrink",
    params={"threshold": _SHRINK_THRESHOLD, "bias": Param(0.0, meaning="what the others are moved by towards 0")},
    f=_shrink,
    df_x=lambda x, threshold, bias: _shrink_slope(x, threshold),
    df_y=FromOutput(lambda y, threshold, bias: _is_not_zero(y), when=lambda threshold, bias: bias <= threshold),
    claims=Claims(
        kinks=lambda threshold, bias: (-threshold, threshold),
        monotonic=lambda threshold, bias: bias <= threshold,
        odd=True,
        lipschitz=lambda threshold, bias: 1 if bias == threshold else INFINITY,
    ),
    definition="where(x > threshold, x - bias, where(x < -threshold, x + bias, 0))",
    summary="The shrinkage of ONNX: hardshrink for bias 0, softshrink for a bias equal to the threshold.",
    source="ONNX Shrink",
)

THRESHOLD = Activation(
    name="threshold",
    params={
        "threshold": Param(1.0, meaning="inputs up to it are replaced", aliases=("alpha", "theta")),
        "value": Param(0.0, meaning="what they are replaced by"),
    },
    f=lambda x, threshold, value: where(x <= threshold, value, x),
    df_x=lambda x, threshold, value: where(x > threshold, 1, unless_nan(x, 0)),
    df_y=FromOutput(
        lambda y, threshold, value: where(y > threshold, 1, unless_nan(y, 0)),
        when=lambda threshold, value: value <= threshold,
    ),
    claims=Claims(
        range=lambda threshold, value: (min(threshold, value), INFINITY),
        kinks=lambda threshold, value: (threshold,),
        monotonic=lambda threshold, value: value <= threshold,
        lipschitz=lambda threshold, value: 1 if value == threshold else INFINITY,
    ),
    aliases=("thresholded_relu", "thresholdedrelu"),
    definition="where(x > threshold, x, value)",
    summary="For sparse codes: passes what is clearly positive. It jumps, and can die like ReLU.",
    source="Konda et al. 2014, arXiv:1402.3337; slope 0 at the threshold as in PyTorch",
)

SQUARED_RELU = Activation(
    name="squared_relu",
    f=lambda x: where(x <= 0, 0, x * x),
    df_x=lambda x: where(x <= 0, 0, 2 * x),
    df_y=FromOutput(lambda y: 2 * sqrt(y)),
    claims=Claims(range=(0, INFINITY), lipschitz=INFINITY),
    aliases=("relu2", "relu_squared"),
    definition="max(x, 0)**2",
    summary="For transformers' feed-forward layers, with normalisation: grows so fast that plain networks explode.",
    source="So et al. 2021, Primer, arXiv:2109.08668",
)

SPARSE_PLUS = Activation(
    name="sparse_plus",
    f=lambda x: where(x <= -1, 0, where(x >= 1, x, (x + 1) * ((x + 1) / 4))),
    df_x=lambda x: where(x <= -1, 0, where(x >= 1, 1, (x + 1) / 2)),
    df_y=FromOutput(lambda y: where(y >= 1, 1, sqrt(y))),
    claims=Claims(range=(0, INFINITY)),
    definition="where(x <= -1, 0, where(x >= 1, x, (x + 1)**2 / 4))",
    summary="A softplus that is exactly 0 for very negative inputs: smooth and sparse. Can die like ReLU.",
    source="JAX; Martins and Astudillo 2016, arXiv:1602.02068, for the link to sparsemax",
)

SPARSE_SIGMOID = Activation(
    name="sparse_sigmoid",
    f=lambda x: where(x <= -1, 0, where(x >= 1, 1, (x + 1) / 2)),
    df_x=lambda x: between(x, -1, 1, 0.5, 0),
    df_y=FromOutput(lambda y: between(y, 0, 1, 0.5, 0)),
    claims=Claims(range=(0, 1), kinks=(-1, 1), lipschitz=0.5),
    definition="min(max((x + 1) / 2, 0), 1)",
    summary="The slope of sparse_plus: a hard sigmoid, sparsemax for two classes. Saturated units get no gradient.",
    source="JAX; Martins and Astudillo 2016, arXiv:1602.02068; slope 0 at -1 and 1",
)

ENTRIES = (
    RELU, LEAKY_RELU, PRELU, RRELU, ELU, CELU, SELU, HARDTANH, RELU6, CLIPPED_RELU, HARDSIGMOID,
    HARDSIGMOID_KERAS2, HARDSWISH, HARDSHRINK, SOFTSHRINK, SHRINK, THRESHOLD, SQUARED_RELU, SPARSE_PLUS,
    SPARSE_SIGMOID,
)  # fmt: skip
