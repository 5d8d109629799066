"""What is known of a formula's sign without evaluating it."""

from __future__ import annotations

from functools import lru_cache

from actwise.formula.expression import Expression

_POSITIVE_FUNCTIONS = frozenset({"exp", "cosh", "sigmoid", "softplus", "erfc", "normal_cdf"})


@lru_cache(maxsize=1 << 16)
def is_positive(node: Expression) -> bool:
    """Say whether a formula is certainly above zero wherever it is defined.

    >>> from actwise.formula.expression import symbol
    >>> is_positive(1 + abs(symbol("x"))), is_positive(abs(symbol("x")))
    (True, False)
    """
    arguments = node.arguments
    match node.operation:
        case "number":
            return node.number > 0
        case "add":
            return all(map(is_nonnegative, arguments)) and any(map(is_positive, arguments))
        case "multiply" | "divide" | "minimum":
            return all(map(is_positive, arguments))
        case "maximum":
            return any(map(is_positive, arguments))
        case "where":
            return all(map(is_positive, arguments[1:]))
        case "sqrt" | "power" | "absolute":
            return is_positive(arguments[0])
    return node.operation in _POSITIVE_FUNCTIONS


@lru_cache(maxsize=1 << 16)
def is_nonnegative(node: Expression) -> bool:
    """Say whether a formula is certainly zero or above wherever it is defined.

    >>> from actwise.formula.expression import symbol
    >>> is_nonnegative(symbol("x") ** 2), is_nonnegative(symbol("x"))
    (True, False)
    """
    arguments = node.arguments
    match node.operation:
        case "number":
            return node.number >= 0
        case "absolute" | "sqrt":
            return True
        case "power" if arguments[1].is_number and arguments[1].number % 2 == 0:
            return True
        case "multiply" if arguments[0] == arguments[1]:
            return True
        case "add" | "multiply" | "divide" | "minimum":
            return all(map(is_nonnegative, arguments))
        case "maximum":
            return any(map(is_nonnegative, arguments))
        case "where":
            return all(map(is_nonnegative, arguments[1:]))
        case "power":
            return is_nonnegative(arguments[0])
    return is_positive(node)
