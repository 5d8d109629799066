"""What the functions inside formulas mean to a reader: their definitions, and relations between slope and output.

The engine knows sigmoid, tanh and so on as single operations, since only so they keep their digits. A reader
knows them by the formulas of this table, and a derivation starts from those.
"""

from __future__ import annotations

from dataclasses import dataclass

from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression, substitute, symbols
from actwise.formula.parse import parse
from actwise.formula.recognise import recognise
from actwise.formula.simplify import simplify

ARGUMENT = "u"
OUTPUT = "y"


@dataclass(frozen=True, slots=True)
class Definition:
    """How a textbook defines a function and its slope; formulas in ``u``, as the parser reads them.

    Parameters
    ----------
    formula : str
        The function by more elementary ones.
    slope : str
        Its derivative as it comes out of the definition, in few signs; empty where nothing need be said.
    relation : tuple of str
        Two formulas of equal value, one in the output ``y`` and one in ``u``, by which the slope is
        expressed in the output; empty where there is no such relation.
    """

    formula: str
    slope: str = ""
    relation: tuple[str, str] | tuple[()] = ()


DEFINITIONS: dict[str, Definition] = {
    "sigmoid": Definition("1 / (1 + exp(-u))", "exp(-u) / (1 + exp(-u))^2", ("1 - y", "exp(-u) / (1 + exp(-u))")),
    "tanh": Definition(
        "(exp(u) - exp(-u)) / (exp(u) + exp(-u))",
        "1 - (exp(u) - exp(-u))^2 / (exp(u) + exp(-u))^2",
        ("y^2", "(exp(u) - exp(-u))^2 / (exp(u) + exp(-u))^2"),
    ),
    "softplus": Definition("log(1 + exp(u))", "exp(u) / (1 + exp(u))", ("exp(-y)", "1 / (1 + exp(u))")),
    "sinh": Definition("(exp(u) - exp(-u)) / 2"),
    "cosh": Definition("(exp(u) + exp(-u)) / 2"),
    "asinh": Definition("log(u + sqrt(1 + u^2))"),
    "expm1": Definition("exp(u) - 1"),
    "log1p": Definition("log(1 + u)"),
    "normal_cdf": Definition("(1 + erf(u / sqrt(2))) / 2"),
    "erfc": Definition("1 - erf(u)"),
}


@dataclass(frozen=True, slots=True)
class Primitive:
    """A formula that is one function of the table, applied to something linear in the variable.

    Parameters
    ----------
    name : str
        The function's name in the table.
    argument : Expression
        What it is applied to.
    """

    name: str
    argument: Expression

    @property
    def definition(self) -> Definition:
        """The row of the table."""
        return DEFINITIONS[self.name]

    def written(self, text: str) -> Expression:
        """Read one of the definition's formulas, with the argument in its place."""
        return substitute(parse(text, require_variable=False), {ARGUMENT: self.argument})


def primitive_of(expression: Expression, variable: str = "x") -> Primitive | None:
    """Tell whether a formula is one function of the table, by name or written out.

    Result: the function and its argument; None if the formula is anything else.

    >>> primitive_of(parse("1 / (1 + exp(-x))"))
    Primitive(name='sigmoid', argument=x)
    >>> primitive_of(parse("x * sigmoid(x)")) is None
    True
    """
    named = simplify(recognise(expression))
    if named.operation not in DEFINITIONS:
        return None
    (argument,) = named.arguments
    is_linear = variable not in symbols(simplify(differentiate(argument, variable)))
    return Primitive(named.operation, argument) if is_linear else None
