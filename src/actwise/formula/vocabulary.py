"""The functions that a formula may call by name, with the aliases under which people know them.

The rows build nodes out of the operations of `actwise.formula.expression`, so that an alias needs no
derivative and no dialect of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from actwise.formula import expression as node
from actwise.formula.expression import Expression

E_IN_TEN_DIGITS = 1e-9


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a formula may call.

    Parameters
    ----------
    build : callable
        Makes the node from the arguments.
    fewest : int
        The smallest number of arguments.
    most : int or None
        The largest number of arguments; None when there is no limit.
    """

    build: Callable[..., Expression]
    fewest: int = 1
    most: int | None = 1

    @property
    def arity_text(self) -> str:
        """How many arguments it takes, in words."""
        if self.most is None:
            return f"at least {self.fewest} arguments"
        if self.most > self.fewest:
            return f"{self.fewest} or {self.most} arguments"
        return f"{self.fewest} argument{'s' if self.fewest > 1 else ''}"


def _relu(u: Expression) -> Expression:
    # Not maximum(u, 0): its slope at the kink is 0.5, and this one's is 0, as in PyTorch. NaN stays NaN.
    return node.where(u <= 0, 0, u)


def _power(base: Expression, exponent: Expression) -> Expression:
    """A power of e is exp, however it is written."""
    if base.is_number and abs(base.number - math.e) <= E_IN_TEN_DIGITS and not exponent.is_number:
        return node.exp(exponent)
    return node.power(base, exponent)


def _cube_root(u: Expression) -> Expression:
    return node.sign(u) * node.power(node.absolute(u), 1 / 3)


def _round(u: Expression, digits: Expression | None = None) -> Expression:
    """Round half to even, as Python and NumPy do."""
    if digits is not None:
        scale = node.power(10, digits)
        return _round(u * scale) / scale
    up = node.floor(u + 0.5)
    is_odd_tie = node.equal(up - u, 0.5) & node.equal(_modulo(up, node.number(2)), 1)
    return node.where(is_odd_tie, up - 1, up)


def _modulo(u: Expression, v: Expression) -> Expression:
    return u - v * node.floor(u / v)


def _heaviside(u: Expression, at_zero: Expression | None = None) -> Expression:
    middle = node.number(0.5) if at_zero is None else at_zero
    return node.where(u > 0, 1, node.where(u < 0, 0, node.where(node.equal(u, 0), middle, u)))


def _log_add_exp(u: Expression, v: Expression) -> Expression:
    if u.is_number:
        return u + node.softplus(v - u)
    if v.is_number:
        return v + node.softplus(u - v)
    return node.maximum(u, v) + node.log1p(node.exp(-node.absolute(u - v)))


def _sinc(u: Expression) -> Expression:
    """NumPy's: sin(pi u) / (pi u)."""
    return node.where(node.equal(u, 0), 1, node.sin(math.pi * u) / (math.pi * u))


def _of_one() -> dict[str, Callable[..., Expression]]:
    functions: dict[str, Callable[..., Expression]] = {name: getattr(node, name) for name in node.FUNCTIONS_OF_ONE}
    aliases = {
        "abs": "absolute", "fabs": "absolute", "sgn": "sign", "ln": "log",
        "atan": "arctan", "arcsinh": "asinh", "logistic": "sigmoid", "expit": "sigmoid",
        "ndtr": "normal_cdf", "Phi": "normal_cdf", "norm_cdf": "normal_cdf",
    }  # fmt: skip
    return functions | {alias: functions[name] for alias, name in aliases.items()}


_COMPOSED: dict[str, Callable[..., Expression]] = {
    "square": lambda u: u**2,
    "cube": lambda u: u**3,
    "reciprocal": lambda u: 1 / u,
    "ceil": lambda u: -node.floor(-u),
    "exp2": lambda u: 2**u,
    "log2": lambda u: node.log(u) / math.log(2),
    "log10": lambda u: node.log(u) / math.log(10),
    "tan": lambda u: node.sin(u) / node.cos(u),
    "sech": lambda u: 1 / node.cosh(u),
    "phi": node.normal_density,
    "normal_density": node.normal_density,
    "relu": _relu,
    "elu": lambda u: node.where(u > 0, u, node.expm1(u)),
    "silu": lambda u: u * node.sigmoid(u),
    "swish": lambda u: u * node.sigmoid(u),
    "gelu": lambda u: u * node.normal_cdf(u),
    "mish": lambda u: u * node.tanh(node.softplus(u)),
    "softsign": lambda u: u / (1 + abs(u)),
    "logsigmoid": lambda u: -node.softplus(-u),
    "log_sigmoid": lambda u: -node.softplus(-u),
    **dict.fromkeys(("atanh", "arctanh"), lambda u: (node.log1p(u) - node.log1p(-u)) / 2),
    "cbrt": _cube_root,
    "rint": _round,
    **dict.fromkeys(("trunc", "fix"), lambda u: node.sign(u) * node.floor(node.absolute(u))),
    "sinc": _sinc,
    "negative": lambda u: -u,
    "positive": lambda u: u,
}


def _largest(*operands: Expression) -> Expression:
    return reduce(node.maximum, operands)


def _smallest(*operands: Expression) -> Expression:
    return reduce(node.minimum, operands)


def _clip(u: Expression, low: Expression, high: Expression) -> Expression:
    return node.minimum(node.maximum(u, low), high)


FUNCTIONS: dict[str, Function] = {
    **{name: Function(build) for name, build in (_of_one() | _COMPOSED).items()},
    **{name: Function(_largest, 2, None) for name in ("max", "maximum")},
    **{name: Function(_smallest, 2, None) for name in ("min", "minimum")},
    **{name: Function(_power, 2, 2) for name in ("pow", "power", "float_power")},
    **{name: Function(_modulo, 2, 2) for name in ("mod", "remainder")},
    **{name: Function(_round, 1, 2) for name in ("round", "around")},
    "heaviside": Function(_heaviside, 1, 2),
    "logaddexp": Function(_log_add_exp, 2, 2),
    **{name: Function(_clip, 3, 3) for name in ("clip", "clamp")},
    "where": Function(node.where, 3, 3),
    "equal": Function(node.equal, 2, 2),
    "not_equal": Function(node.not_equal, 2, 2),
}
CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e}
NAMESPACES = frozenset({
    "np", "numpy", "xp", "cp", "cupy", "math", "torch", "jax", "jnp", "lax", "nn", "functional", "F", "scipy",
    "special", "tf", "tensorflow", "keras", "K", "backend", "activations", "ops",
})  # fmt: skip
