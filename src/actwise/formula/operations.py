"""The operations a formula may use, each with its derivative: one row an operation.

A row holds the partial derivative with respect to each argument, in a form that keeps its relative
accuracy in the tails, and the name of the rule as a textbook calls it. What an operation *means* in
NumPy, Numba, mpmath and so on is the business of the tables in `actwise.formula.dialects`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from actwise.formula.constants import TWO_OVER_ROOT_PI
from actwise.formula.expression import (
    Expression,
    cos,
    cosh,
    equal,
    exp,
    log,
    normal_density,
    number,
    power,
    sigmoid,
    sign,
    sin,
    sinh,
    where,
)

Partial: TypeAlias = Callable[..., Expression]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Parameters
    ----------
    name : str
        The name of the operation in an `Expression`.
    partials : tuple of callable
        For each argument, the partial derivative as a function of all arguments. Empty for
        comparisons, which have none.
    rule : str
        The rule's name, as printed in a derivation.
    """

    name: str
    partials: tuple[Partial, ...]
    rule: str

    @property
    def arity(self) -> int:
        """The number of arguments with a derivative."""
        return len(self.partials)


def _sech_squared(u: Expression) -> Expression:
    # 1 - tanh(u)**2 is 0 in float64 from u = 19 on; the reciprocal of cosh keeps every digit.
    return power(1 / cosh(u), 2)


def _power_by_exponent(u: Expression, v: Expression) -> Expression:
    return power(u, v) * log(u)


def _first_is_greater(u: Expression, v: Expression) -> Expression:
    # At a tie both arguments get half of the slope, as in NumPy-like differentiation tools.
    return where(u > v, 1, where(equal(u, v), 0.5, 0))


_ROWS = (
    Operation("negate", (lambda u: number(-1),), "constant factor rule"),
    Operation("add", (lambda u, v: number(1), lambda u, v: number(1)), "sum rule"),
    Operation("subtract", (lambda u, v: number(1), lambda u, v: number(-1)), "difference rule"),
    Operation("multiply", (lambda u, v: v, lambda u, v: u), "product rule"),
    Operation("divide", (lambda u, v: 1 / v, lambda u, v: -u / power(v, 2)), "quotient rule"),
    Operation("power", (lambda u, v: v * power(u, v - 1), _power_by_exponent), "power rule"),
    Operation("absolute", (sign,), "derivative of the absolute value"),
    Operation("sign", (lambda u: number(0),), "a step has slope 0"),
    Operation("floor", (lambda u: number(0),), "a step has slope 0"),
    Operation("sqrt", (lambda u: 1 / (2 * Expression("sqrt", (u,))),), "power rule"),
    Operation("exp", (exp,), "derivative of exp"),
    Operation("expm1", (exp,), "derivative of exp"),
    Operation("log", (lambda u: 1 / u,), "derivative of log"),
    Operation("log1p", (lambda u: 1 / (1 + u),), "derivative of log"),
    Operation("sin", (cos,), "derivative of sin"),
    Operation("cos", (lambda u: -sin(u),), "derivative of cos"),
    Operation("sinh", (cosh,), "derivative of sinh"),
    Operation("cosh", (sinh,), "derivative of cosh"),
    Operation("tanh", (_sech_squared,), "derivative of tanh"),
    Operation("arctan", (lambda u: 1 / (1 + u * u),), "derivative of arctan"),
    Operation("asinh", (lambda u: 1 / Expression("sqrt", (1 + u * u,)),), "derivative of asinh"),
    Operation("sigmoid", (lambda u: sigmoid(u) * sigmoid(-u),), "derivative of the sigmoid"),
    Operation("softplus", (sigmoid,), "derivative of softplus"),
    Operation("erf", (lambda u: TWO_OVER_ROOT_PI * exp(-(u * u)),), "derivative of erf"),
    Operation("erfc", (lambda u: -TWO_OVER_ROOT_PI * exp(-(u * u)),), "derivative of erfc"),
    Operation("normal_cdf", (normal_density,), "derivative of the normal distribution function"),
    Operation("maximum", (_first_is_greater, lambda u, v: _first_is_greater(v, u)), "slope of the larger"),
    Operation("minimum", (lambda u, v: _first_is_greater(v, u), _first_is_greater), "slope of the smaller"),
    Operation("row_sum", (), "a sum over a row: declare the vector-Jacobian product instead"),
    Operation("row_max", (), "a maximum over a row: declare the vector-Jacobian product instead"),
    Operation("where", (), "piecewise: each piece by itself"),
    *(
        Operation(name, (), "a condition has no slope")
        for name in (
            "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
            "logical_and", "logical_or", "logical_not",
        )
    ),
)  # fmt: skip

OPERATIONS: dict[str, Operation] = {row.name: row for row in _ROWS}
