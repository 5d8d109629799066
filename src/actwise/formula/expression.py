"""The expression tree that every formula in Actwise is made of.

An `Expression` is a frozen node: an operation applied to arguments, a number or a symbol. Python's
operators and the functions of this module build nodes, so calling an ordinary lambda on
``symbol("x")`` traces it. Nodes compare and hash by structure, which is what finds common
subexpressions when code is emitted.

Only identities that hold for every value, NaN and infinities included, or that a symbolic zero makes
exact, are applied while building; everything else is left to `actwise.formula.simplify`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from actwise.formula.constants import ONE_OVER_ROOT_TWO_PI

NUMBER = "number"
SYMBOL = "symbol"
COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"})
REDUCTIONS = frozenset({"row_sum", "row_max"})
CONDITIONS = COMPARISONS | {"logical_and", "logical_or", "logical_not"}
FUNCTIONS_OF_ONE = (
    "absolute", "sign", "sqrt", "floor",
    "exp", "expm1", "log", "log1p",
    "sin", "cos", "sinh", "cosh", "tanh", "arctan", "asinh",
    "sigmoid", "softplus", "erf", "erfc", "normal_cdf",
)  # fmt: skip

Operand: TypeAlias = "Expression | float | int"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expression:
    """One node of a formula.

    Parameters
    ----------
    operation : str
        ``"number"``, ``"symbol"`` or a name from `actwise.formula.operations.OPERATIONS`.
    arguments : tuple of Expression
        What the operation is applied to; empty for numbers and symbols.
    value : float or str or None
        The number, or the name of the symbol.

    Examples
    --------
    >>> x = symbol("x")
    >>> (x * 2 + 1).operation
    'add'
    >>> x + 0 == x
    True
    """

    operation: str
    arguments: tuple[Expression, ...] = ()
    value: float | str | None = None
    _hash: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.operation, self.arguments, repr(self.value))))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Expression) or self._hash != other._hash:
            return False
        return _same_structure(self, other)

    def __repr__(self) -> str:
        if self.operation == NUMBER:
            return f"{self.value:g}" if isinstance(self.value, float) else str(self.value)
        if self.operation == SYMBOL:
            return str(self.value)
        return f"{self.operation}({', '.join(map(repr, self.arguments))})"

    def __bool__(self) -> bool:
        raise TypeError(
            "a formula has no truth value while it is traced: write where(condition, a, b) instead of if, "
            "and (a) & (b) instead of and"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        """Let NumPy's functions build nodes, so that functions written with them can be traced."""
        from actwise.formula.vocabulary import FUNCTIONS

        name = str(ufunc.__name__)
        built = _ARITHMETIC.get(name)
        function = FUNCTIONS[name].build if built is None and name in FUNCTIONS else built
        if method != "__call__" or function is None or settings:
            raise TypeError(f"np.{name} has no meaning in a formula")
        return function(*(each if isinstance(each, Expression) else number(each) for each in inputs))

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        from actwise.formula.vocabulary import FUNCTIONS

        name = str(function.__name__)
        if name not in FUNCTIONS or settings:
            raise TypeError(f"np.{name} has no meaning in a formula")
        first, *others = inputs
        return FUNCTIONS[name].build(first, *map(as_expression, others))

    def __iter__(self) -> Iterator[Expression]:
        raise TypeError("a formula in x is not a sequence")

    @property
    def is_number(self) -> bool:
        """Whether the node is a literal number."""
        return self.operation == NUMBER

    @property
    def is_condition(self) -> bool:
        """Whether the node is true or false rather than a number."""
        return self.operation in CONDITIONS

    @property
    def number(self) -> float:
        """The value of a literal number."""
        assert self.is_number
        assert isinstance(self.value, float)
        return self.value

    @property
    def name(self) -> str:
        """The name of a symbol."""
        assert self.operation == SYMBOL
        return str(self.value)

    def __neg__(self) -> Expression:
        return negate(self)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        return _call("absolute", self)

    def __add__(self, other: Operand) -> Expression:
        return add(self, other)

    def __radd__(self, other: Operand) -> Expression:
        return add(other, self)

    def __sub__(self, other: Operand) -> Expression:
        return subtract(self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return subtract(other, self)

    def __mul__(self, other: Operand) -> Expression:
        return multiply(self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return multiply(other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return divide(self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return divide(other, self)

    def __pow__(self, other: Operand) -> Expression:
        return power(self, other)

    def __rpow__(self, other: Operand) -> Expression:
        return power(other, self)

    def __lt__(self, other: Operand) -> Expression:
        return _call("less", self, other)

    def __le__(self, other: Operand) -> Expression:
        return _call("less_equal", self, other)

    def __gt__(self, other: Operand) -> Expression:
        return _call("greater", self, other)

    def __ge__(self, other: Operand) -> Expression:
        return _call("greater_equal", self, other)

    def __and__(self, other: Expression) -> Expression:
        return Expression("logical_and", (_condition(self), _condition(other)))

    def __or__(self, other: Expression) -> Expression:
        return Expression("logical_or", (_condition(self), _condition(other)))

    def __invert__(self) -> Expression:
        return Expression("logical_not", (_condition(self),))


def _same_structure(left: Expression, right: Expression) -> bool:
    # Shared parts are compared once: u*u, squared again and again, has exponentially many paths.
    pairs, seen = [(left, right)], set()
    while pairs:
        u, v = pairs.pop()
        if u is v or (id(u), id(v)) in seen:
            continue
        seen.add((id(u), id(v)))
        if u.operation != v.operation or repr(u.value) != repr(v.value):
            return False
        if len(u.arguments) != len(v.arguments):
            return False
        pairs.extend(zip(u.arguments, v.arguments, strict=True))
    return True


def number(value: float) -> Expression:
    """Make a literal number."""
    return Expression(NUMBER, value=float(value))


def symbol(name: str) -> Expression:
    """Make a symbol: the variable ``x`` or ``y``, or a parameter."""
    return Expression(SYMBOL, value=name)


def as_expression(operand: Operand) -> Expression:
    """Turn a Python number into a node, and a condition that is used as a number into 0 or 1."""
    if not isinstance(operand, Expression):
        return number(operand)
    return Expression("where", (operand, number(1), number(0))) if operand.is_condition else operand


def _call(operation: str, *operands: Operand) -> Expression:
    return Expression(operation, tuple(as_expression(each) for each in operands))


def _condition(operand: Expression) -> Expression:
    if not isinstance(operand, Expression) or not operand.is_condition:
        raise TypeError("a comparison such as x > 0 is needed on both sides of & and |, and after ~")
    return operand


def _is(node: Expression, value: float) -> bool:
    return node.is_number and node.number == value


def negate(operand: Operand) -> Expression:
    """Make ``-u``."""
    u = as_expression(operand)
    if u.is_number:
        return number(-u.number)
    return u.arguments[0] if u.operation == "negate" else Expression("negate", (u,))


def add(left: Operand, right: Operand) -> Expression:
    """Make ``u + v``."""
    u, v = as_expression(left), as_expression(right)
    if u.is_number and v.is_number:
        return number(u.number + v.number)
    if _is(u, 0):
        return v
    return u if _is(v, 0) else Expression("add", (u, v))


def subtract(left: Operand, right: Operand) -> Expression:
    """Make ``u - v``."""
    u, v = as_expression(left), as_expression(right)
    if u.is_number and v.is_number:
        return number(u.number - v.number)
    if _is(v, 0):
        return u
    return negate(v) if _is(u, 0) else Expression("subtract", (u, v))


def multiply(left: Operand, right: Operand) -> Expression:
    """Make ``u * v``; a literal zero wins, since it stands for a term that is not there."""
    u, v = as_expression(left), as_expression(right)
    if u.is_number and v.is_number:
        return number(u.number * v.number)
    if _is(u, 0) or _is(v, 0):
        return number(0)
    if _is(u, 1):
        return v
    if _is(v, 1):
        return u
    if _is(u, -1):
        return negate(v)
    return negate(u) if _is(v, -1) else Expression("multiply", (u, v))


def divide(left: Operand, right: Operand) -> Expression:
    """Make ``u / v``."""
    u, v = as_expression(left), as_expression(right)
    if u.is_number and v.is_number and v.number != 0:
        return number(u.number / v.number)
    if _is(v, 1):
        return u
    return number(0) if _is(u, 0) else Expression("divide", (u, v))


def power(left: Operand, right: Operand) -> Expression:
    """Make ``u ** v``."""
    u, v = as_expression(left), as_expression(right)
    if _is(v, 1):
        return u
    if _is(v, 0):
        return number(1)
    if u.is_number and v.is_number and (u.number > 0 or (v.number.is_integer() and u.number != 0)):
        try:
            return number(math.pow(u.number, v.number))
        except OverflowError:
            return number(-math.inf if u.number < 0 and v.number % 2 == 1 else math.inf)
    return Expression("power", (u, v))


def maximum(left: Operand, right: Operand) -> Expression:
    """Make ``max(u, v)``; NaN if either is NaN."""
    return _call("maximum", left, right)


def minimum(left: Operand, right: Operand) -> Expression:
    """Make ``min(u, v)``; NaN if either is NaN."""
    return _call("minimum", left, right)


def where(condition: Expression, chosen: Operand, otherwise: Operand) -> Expression:
    """Make the choice ``chosen if condition else otherwise``, elementwise."""
    if not isinstance(condition, Expression) or not condition.is_condition:
        raise TypeError("the first argument of where must be a comparison such as x > 0, or equal(x, 0)")
    u, v = as_expression(chosen), as_expression(otherwise)
    return u if u == v else Expression("where", (condition, u, v))


def equal(left: Operand, right: Operand) -> Expression:
    """Make the comparison ``u == v`` (Python's ``==`` compares the structure of two nodes)."""
    return _call("equal", left, right)


def not_equal(left: Operand, right: Operand) -> Expression:
    """Make the comparison ``u != v``."""
    return _call("not_equal", left, right)


def _function_of_one(operation: str) -> Callable[[Operand], Expression]:
    def build(operand: Operand) -> Expression:
        return _call(operation, operand)

    build.__name__ = operation
    build.__doc__ = f"Make ``{operation}(u)``."
    return build


absolute = _function_of_one("absolute")
sign = _function_of_one("sign")
sqrt = _function_of_one("sqrt")
floor = _function_of_one("floor")
exp = _function_of_one("exp")
expm1 = _function_of_one("expm1")
log = _function_of_one("log")
log1p = _function_of_one("log1p")
sin = _function_of_one("sin")
cos = _function_of_one("cos")
sinh = _function_of_one("sinh")
cosh = _function_of_one("cosh")
tanh = _function_of_one("tanh")
arctan = _function_of_one("arctan")
asinh = _function_of_one("asinh")
sigmoid = _function_of_one("sigmoid")
softplus = _function_of_one("softplus")
erf = _function_of_one("erf")
erfc = _function_of_one("erfc")
normal_cdf = _function_of_one("normal_cdf")


def row_sum(operand: Operand) -> Expression:
    """Make the sum over the entries of a row, for activations that act on whole rows."""
    return _call("row_sum", operand)


def row_max(operand: Operand) -> Expression:
    """Make the maximum over the entries of a row, for activations that act on whole rows."""
    return _call("row_max", operand)


def normal_density(operand: Operand) -> Expression:
    """Make the density of the standard normal distribution, ``exp(-u**2 / 2) / sqrt(2 pi)``."""
    u = as_expression(operand)
    return exp(-(u * u) / 2) * ONE_OVER_ROOT_TWO_PI


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield every distinct node once, arguments before the nodes that use them."""
    seen: set[Expression] = set()
    stack: list[tuple[Expression, bool]] = [(expression, False)]
    while stack:
        node, arguments_done = stack.pop()
        if node in seen:
            continue
        if arguments_done:
            seen.add(node)
            yield node
        else:
            stack.append((node, True))
            stack.extend((each, False) for each in reversed(node.arguments))


def symbols(expression: Expression) -> frozenset[str]:
    """Return the names of all symbols in a formula.

    >>> sorted(symbols(symbol("x") * sigmoid(symbol("beta") * symbol("x"))))
    ['beta', 'x']
    """
    return frozenset(node.name for node in walk(expression) if node.operation == SYMBOL)


def substitute(expression: Expression, replacements: dict[str, Expression]) -> Expression:
    """Put expressions in the place of symbols.

    >>> substitute(symbol("x") * 2, {"x": exp(symbol("z"))})
    multiply(exp(z), 2)
    """
    result: dict[Expression, Expression] = {}
    for node in walk(expression):
        if node.operation == SYMBOL:
            result[node] = replacements.get(node.name, node)
        else:
            result[node] = rebuild(node, tuple(result[each] for each in node.arguments))
    return result[expression]


_BUILDERS: dict[str, Callable[..., Expression]] = {
    "negate": negate, "add": add, "subtract": subtract, "multiply": multiply,
    "divide": divide, "power": power, "where": where,
}  # fmt: skip


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, short) for name, short in {
        "add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "greater": "gt", "greater_equal": "ge",
        "less": "lt", "less_equal": "le", "logical_and": "and_", "logical_or": "or_", "logical_not": "invert",
        "bitwise_and": "and_", "bitwise_or": "or_", "invert": "invert",
    }.items()},
    "fmax": maximum, "fmin": minimum,
}  # fmt: skip
"""NumPy's names of what Python's operators build."""


def rebuild(node: Expression, arguments: tuple[Expression, ...]) -> Expression:
    """Make the same node over new arguments, with the identities that building applies."""
    if arguments == node.arguments:
        return node
    builder = _BUILDERS.get(node.operation)
    return builder(*arguments) if builder else Expression(node.operation, arguments, node.value)
