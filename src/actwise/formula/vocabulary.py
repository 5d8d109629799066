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
        return f"{self.fewest} argument{'s' if self.fewest > 1 else ''}"


def _relu(u: Expression) -> Expression:
    # Not maximum(u, 0): its slope at the kink is 0.5, and this one's is 0, as in PyTorch. NaN stays NaN.
    return node.where(u <= 0, 0, u)


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
    **{name: Function(node.power, 2, 2) for name in ("pow", "power")},
    **{name: Function(_clip, 3, 3) for name in ("clip", "clamp")},
    "where": Function(node.where, 3, 3),
    "equal": Function(node.equal, 2, 2),
    "not_equal": Function(node.not_equal, 2, 2),
}
CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e}
NAMESPACES = frozenset({"np", "numpy", "math", "torch", "jax", "jnp", "nn", "functional", "F", "scipy", "special"})
