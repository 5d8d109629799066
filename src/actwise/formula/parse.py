"""Reads a formula from text, or from a Python function.

Text is parsed by Python's own `ast` and then translated node by node against a whitelist; nothing is
ever evaluated or compiled. ``^`` is read as a power, with the precedence of ``**``: in Python it would
be an exclusive or, which no formula means.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from actwise.errors import FormulaError, suggest
from actwise.formula.expression import (
    Expression,
    Operand,
    as_expression,
    equal,
    not_equal,
    number,
    substitute,
    symbol,
    symbols,
    walk,
    where,
)
from actwise.formula.vocabulary import CONSTANTS, FUNCTIONS, NAMESPACES, Function

LONGEST_TEXT = 2_000  # characters
DEEPEST_NESTING = 100  # levels of brackets and operators
LARGEST_TREE = 20_000  # nodes when every shared part is written out

_WRITTEN_OUT = {
    "^": "**", "×": "*", "·": "*", "∙": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "²": "**2", "³": "**3", "⁴": "**4",
    "≤": "<=", "≥": ">=", "≠": "!=", "√": " sqrt ", "π": " pi ", "σ": " sigmoid ", "Φ": " Phi ",
    "α": " alpha ", "β": " beta ", "γ": " gamma ", "λ": " lambd ", "θ": " theta ", "μ": " mu ",
}  # fmt: skip
_READABLE = re.compile(r"[\w\s.,+\-*/^()<>=!&|~:\[\]{}%]", re.ASCII)
_LAMBDA = re.compile(r"\s*lambda\s+([A-Za-z_]\w*)\s*((?:,\s*[A-Za-z_]\w*\s*)*):", re.ASCII)
_ENDS_OPERAND = re.compile(r"[\w.)\]]")
_WORDS_OF_FORMULAS = {"if", "else", "and", "or", "not", "True", "False", "None"}
# The groups are atomic: without that, "2e5" would be read as 2 followed by the name e5.
_NUMBER_THEN_NAME = re.compile(
    r"(?>(?:(?<![\w.])\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)(?=\s*\(|[A-Za-z_])", re.ASCII
)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)

_BINARY: dict[type[ast.operator], Callable[[Expression, Expression], Expression]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: FUNCTIONS["power"].build, ast.Mod: FUNCTIONS["mod"].build,
}  # fmt: skip
_LOGICAL: dict[type[ast.AST], Callable[[Expression, Expression], Expression]] = {
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.And: operator.and_, ast.Or: operator.or_,
}  # fmt: skip
_COMPARING: dict[type[ast.cmpop], Callable[[Expression, Expression], Expression]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: equal, ast.NotEq: not_equal,
}  # fmt: skip
_REFUSED: dict[type[ast.AST], str] = {
    ast.FloorDiv: "the operator // is not differentiable: write floor(a / b) if it is meant",
    ast.Subscript: "square brackets have no meaning in a formula",
    ast.List: "square brackets have no meaning in a formula: use ( )",
    ast.Set: "curly brackets have no meaning in a formula: use ( )",
    ast.Dict: "curly brackets have no meaning in a formula: use ( )",
    ast.Tuple: "a comma stands here outside of a function's arguments: write a decimal point as .",
    ast.NamedExpr: "a formula cannot assign: give only the right-hand side",
    ast.Slice: "a colon has no meaning in a formula",
}


def parse(
    text: str,
    *,
    parameters: Collection[str] | None = None,
    variable: str = "x",
    functions: Mapping[str, Callable[[Expression], Expression]] | None = None,
    require_variable: bool = True,
) -> Expression:
    """Read a formula.

    `text`: the formula, such as ``"x * sigmoid(beta * x)"``, ``"max(x, 0)"``, ``"x if x > 0 else exp(x)
    - 1"`` or ``"np.tanh(x)^2"``; at most 2,000 characters.
    `functions`: more functions of one argument by name, such as the activations of the catalogue; they
    win over built-in functions of the same name.
    Result: the formula. A bare comparison counts 1 where it is true and 0 elsewhere.

    >>> parse("x * sigmoid(beta * x)")
    multiply(x, sigmoid(multiply(beta, x)))
    >>> parse("-x^2")
    negate(power(x, 2))
    """
    shown = re.sub(r"[^\S ]", " ", text)
    if found := _LAMBDA.match(shown):
        return _of_lambda(shown, found, parameters, variable, functions, require_variable)
    _check_length(shown)
    written = _written_out(shown)
    _check_words(shown, written)
    try:
        tree = ast.parse(written.text, mode="eval").body
    except SyntaxError as error:
        # Python gives offset 0 where the text ends too early.
        position = written.position(error.offset - 1 if error.offset else len(written.text))
        raise FormulaError(_syntax_problem(shown, error), shown, position) from None
    except (RecursionError, MemoryError):
        raise FormulaError(_too_deep(), shown) from None
    if _depth(tree) > DEEPEST_NESTING:
        raise FormulaError(_too_deep(), shown)
    reader = _Reader(shown, written, variable, parameters, functions or {})
    result = as_expression(reader.read(tree))
    if _tree_size(result) > LARGEST_TREE:
        raise FormulaError(f"the formula has more than {LARGEST_TREE:,} parts once it is written out", shown)
    if any(node.is_number and not math.isfinite(node.number) for node in walk(result)):
        raise FormulaError("a constant of this formula is beyond the range of float64, 1.8e308", shown)
    if require_variable:
        _require_variable(result, variable, f"the formula {shown.strip()!r}")
    return result


def trace(
    function: Callable[..., Operand], names: Sequence[str] = ("x",), *, require_variable: bool = True
) -> Expression:
    """Read a formula off a Python function by calling it with symbols.

    `names`: what the arguments are called; the first is the variable.

    >>> from actwise.formula.expression import sigmoid
    >>> trace(lambda x, beta: x * sigmoid(beta * x), ("x", "beta"))
    multiply(x, sigmoid(multiply(beta, x)))
    """
    called = getattr(function, "__name__", "the function")
    try:
        result = function(*map(symbol, names))
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise FormulaError(
            f"{called} cannot be read as a formula ({error}): use where(condition, a, b), and exp, tanh ... "
            "from actwise.formula.expression in place of those of math or NumPy, or give the formula as text"
        ) from error
    if not isinstance(result, Expression | int | float) or isinstance(result, bool):
        raise FormulaError(f"{called} returned {type(result).__name__}: it must return a formula in {names[0]}")
    traced = as_expression(result)
    if require_variable:
        _require_variable(traced, names[0], f"what {called} returned")
    return traced


@dataclass(frozen=True, slots=True)
class _Written:
    """A formula as Python reads it, and the column in the original text of each of its characters."""

    text: str
    columns: tuple[int, ...]

    def position(self, column: int) -> int:
        return self.columns[min(column, len(self.columns) - 1)]


def _written_out(text: str) -> _Written:
    """Write powers, products, Greek letters and absolute values as Python does."""
    start = len(text) - len(text.lstrip())
    pieces: list[tuple[str, int]] = []
    bars: list[int] = []  # the depth of brackets at which each absolute value was opened
    depth, before = 0, ""
    for column, character in enumerate(text[start:], start):
        piece = _WRITTEN_OUT.get(character, character)
        if character == "|":
            if not _ENDS_OPERAND.match(before):
                bars.append(depth)
                piece, character = "abs(", "("
            elif bars and bars[-1] == depth:
                bars.pop()
                piece, character = ")", ")"
        elif character in "()":
            depth += 1 if character == "(" else -1
        pieces.append((piece, column))
        if character.strip():
            before = ")" if character in "²³⁴πασΦβγλθμ" else character
    joined = "".join(piece for piece, _ in pieces)
    columns = [column for piece, column in pieces for _ in piece]
    blanks = len(joined) - len(joined.lstrip(" "))
    return _Written(joined[blanks:], (*columns[blanks:], len(text)))


def _of_lambda(
    text: str,
    found: re.Match[str],
    parameters: Collection[str] | None,
    variable: str,
    functions: Mapping[str, Callable[[Expression], Expression]] | None,
    require_variable: bool,
) -> Expression:
    """Read the text of a Python lambda, whose first argument is the variable."""
    body = " " * found.end() + text[found.end() :]
    read = parse(body, parameters=parameters, variable=found[1], functions=functions, require_variable=require_variable)
    return substitute(read, {found[1]: symbol(variable)})


def _check_length(text: str) -> None:
    if not text.strip():
        raise FormulaError("the formula is empty: write one in x, such as x * sigmoid(x)")
    if len(text) > LONGEST_TEXT:
        raise FormulaError(f"the formula has {len(text):,} characters and may have {LONGEST_TEXT:,}")


def _check_words(shown: str, written: _Written) -> None:
    text = written.text
    for place, character in enumerate(text):
        if not _READABLE.match(character):
            printable = "".join(each if each.isprintable() else "?" for each in shown)
            name = character if character.isprintable() else ascii(character)[1:-1]
            raise FormulaError(f"the character {name} has no meaning in a formula", printable, written.position(place))
    if found := _NUMBER_THEN_NAME.search(text):
        raise FormulaError(f"put a * after the number {found[0]}", shown, written.position(found.end()))
    for word in _WORD.finditer(text):
        if keyword.iskeyword(word[0]) and word[0] not in _WORDS_OF_FORMULAS:
            raise FormulaError(
                f"{word[0]!r} is a reserved word of Python, which a formula cannot use: choose another name",
                shown,
                written.position(word.start()),
            )


def _syntax_problem(text: str, error: SyntaxError) -> str:
    message = error.msg or ""
    if "never closed" in message:
        return "this bracket is never closed"
    if message.startswith("unmatched") or "does not match" in message:
        return "this closing bracket has no opening one"
    if "nested parentheses" in message:
        return _too_deep()
    if re.search(r"(?<![<>=!:])=(?!=)", text):
        return "a formula has no '=': give only the right-hand side, and write == to compare"
    if "|" in text:
        return "the formula cannot be read from here on: write abs(x) where bars do not pair"
    if "%" in text:
        return "the formula cannot be read from here on: % is the rest of a division, so write / 100 for per cent"
    return "the formula cannot be read from here on"


def _too_deep() -> str:
    return (
        f"the formula is nested more than {DEEPEST_NESTING} levels deep (a sum of n terms counts n): "
        "split long sums with brackets"
    )


def _depth(tree: ast.AST) -> int:
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [child for each in level for child in ast.iter_child_nodes(each)]
    return depth


def _tree_size(expression: Expression) -> int:
    sizes: dict[Expression, int] = {}
    for node in walk(expression):
        sizes[node] = 1 + sum(sizes[each] for each in node.arguments)
    return sizes[expression]


def _require_variable(expression: Expression, variable: str, what: str) -> None:
    if variable not in symbols(expression):
        raise FormulaError(f"{what} does not depend on {variable}: an activation is a formula in {variable}")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Translates Python's syntax tree, and knows which names mean what."""

    text: str
    written: _Written
    variable: str
    parameters: Collection[str] | None
    functions: Mapping[str, Callable[[Expression], Expression]]
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(FUNCTIONS) | frozenset(self.functions))

    def error(self, problem: str, at: ast.AST) -> FormulaError:
        column = getattr(at, "col_offset", None)
        position = None if column is None else self.written.position(column)
        return FormulaError(problem, self.text, position)

    def read(self, tree: ast.expr) -> Expression:
        match tree:
            case ast.Constant(value=value):
                return self.literal(value, tree)
            case ast.Name() | ast.Attribute():
                return self.name(self.qualified_name(tree), tree)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](self.numeric(left), self.numeric(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _LOGICAL:
                return _LOGICAL[type(op)](self.condition(left), self.condition(right))
            case ast.BoolOp(op=op, values=values):
                return reduce(_LOGICAL[type(op)], [self.condition(each) for each in values])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.numeric(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.numeric(operand)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return ~self.condition(operand)
            case ast.Compare():
                return self.comparison(tree)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return where(self.condition(test), self.read(body), self.read(orelse))
            case ast.Call():
                return self.call(tree)
        refused = _REFUSED.get(type(tree.op) if isinstance(tree, ast.BinOp) else type(tree))
        raise self.error(refused or "this has no meaning in a formula", tree)

    def literal(self, value: object, at: ast.AST) -> Expression:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{value!r} is not a number that a formula may hold", at)
        try:
            result = float(value)
        except OverflowError:
            result = math.inf
        if math.isinf(result):
            raise self.error("this number is beyond the range of float64, 1.8e308", at)
        return number(result)

    def name(self, name: str, at: ast.AST) -> Expression:
        if name == self.variable or (self.parameters is not None and name in self.parameters):
            return symbol(name)
        if name in CONSTANTS:
            return number(CONSTANTS[name])
        if name in self.names:
            raise self.error(f"{name!r} is a function: write {name}({self.variable})", at)
        if name in {"inf", "nan"} or name.startswith("_"):
            raise self.error(f"{name!r} cannot be used in a formula", at)
        if self.parameters is not None:
            known = [self.variable, *self.parameters]
            raise self.error(f"{name!r} is not a parameter; {suggest(name, known, noun='known names')}", at)
        return symbol(name)

    def qualified_name(self, tree: ast.Name | ast.Attribute) -> str:
        """Return the name without the libraries in front of it."""
        inner: ast.expr = tree
        while isinstance(inner, ast.Attribute):
            inner = inner.value
            leading = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", None)
            if leading not in NAMESPACES:
                raise self.error("a dot may only follow the name of a library, such as np.exp or math.pi", inner)
        return tree.id if isinstance(tree, ast.Name) else tree.attr

    def numeric(self, tree: ast.expr) -> Expression:
        return as_expression(self.read(tree))

    def condition(self, tree: ast.expr) -> Expression:
        result = self.read(tree)
        if not result.is_condition:
            raise self.error("a comparison such as x > 0 is needed here", tree)
        return result

    def comparison(self, tree: ast.Compare) -> Expression:
        operands = [self.numeric(each) for each in (tree.left, *tree.comparators)]
        links = [
            _COMPARING[type(op)](left, right) for op, left, right in zip(tree.ops, operands, operands[1:], strict=False)
        ]
        return reduce(operator.and_, links)

    def call(self, tree: ast.Call) -> Expression:
        if not isinstance(tree.func, ast.Name | ast.Attribute):
            raise self.error("only a named function can be called: put a * between two brackets", tree.func)
        name = self.qualified_name(tree.func)
        if tree.keywords:
            raise self.error(f"give {name} its arguments by position, without a name", tree.keywords[0])
        for argument in tree.args:
            if isinstance(argument, ast.Starred):
                raise self.error("a * stands here without a left-hand side", argument)
        function = Function(self.functions[name]) if name in self.functions else FUNCTIONS.get(name)
        if function is None:
            raise self.error(self.unknown_function(name), tree.func)
        given = len(tree.args)
        if given < function.fewest or (function.most is not None and given > function.most):
            raise self.error(f"{name} takes {function.arity_text}, not {given}", tree.func)
        if name == "where":
            return where(self.condition(tree.args[0]), *(self.numeric(each) for each in tree.args[1:]))
        return function.build(*(self.numeric(each) for each in tree.args))

    def unknown_function(self, name: str) -> str:
        known = {self.variable, *(self.parameters or ())} | set(CONSTANTS)
        if name in known:
            return f"{name!r} is not a function: put a * between it and the bracket"
        return f"{name!r} is not a function; {suggest(name, self.names, noun='functions')}"
