"""Throws formulas and nonsense at the parser for a number of seconds: ``python tools/fuzz_parser.py 60``.

Only `FormulaError` may escape, nothing may take longer than a second, and what parses must be written
out and read back as a formula of equal value.
"""

from __future__ import annotations

import random
import string
import sys
import time
import warnings
from collections import Counter

import numpy as np

from actwise.errors import FormulaError
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import Expression, symbols
from actwise.formula.parse import parse
from actwise.formula.render import to_javascript, to_latex, to_text, to_torch
from actwise.formula.vocabulary import FUNCTIONS

LONGEST_TIME = 1.0  # seconds for one text
POINTS = np.array([-3.7, -1.0, -0.2, 0.0, 0.4, 1.0, 2.9])
SEEDS = (
    "x * sigmoid(beta * x)", "max(x, 0)", "x if x > 0 else alpha * (exp(x) - 1)", "x / sqrt(1 + x^2)",
    "0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))", "where(x > 0 and x < 1, x, -x)",
    "np.log(1 + np.exp(-abs(x))) + max(x, 0)", "clip(x, -1, 1)", "-1 < x < 1", "2^-x^2", "1e-3*x",
    "1/(1+exp(-x))", "not x > 0 or x <= -1", "jax.nn.silu(x)", "min(x, 1, a, 2)", "x ** 0.5 / x ** -3",
)  # fmt: skip
FRAGMENTS = [
    *FUNCTIONS, "x", "y", "e", "pi", "np.", "math.", "(", ")", "[", "]", "{", "}", ",", ".", ":", ":=", "=",
    "==", "<", "<=", "!=", "+", "-", "*", "**", "/", "//", "%", "^", "@", "&", "|", "~", "!", "if", "else",
    "and", "or", "not", "lambda", "for", "in", "is", "None", "True", "1", "0", "0.5", "1e308", "1e-308", "1e400",
    "9" * 50, "0x1", "1j", "1_0", "'", '"', "\\", "\n", "\t", "\0", "#", " ", "é", "²", "π", "𝑥", "_", "__class__",
    "import", "f''", ";", "->", "...", "(((((", ")))))", "-" * 20,
]  # fmt: skip


def random_characters(rng: random.Random) -> str:
    """Make any text at all."""
    alphabet = string.printable if rng.random() < 0.7 else "".join(map(chr, range(1, 0x3000)))
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(80)))


def fragments(rng: random.Random) -> str:
    """String together pieces of formulas in no order."""
    return rng.choice(["", " "]).join(rng.choice(FRAGMENTS) for _ in range(rng.randrange(1, 40)))


def mutated(rng: random.Random) -> str:
    """Damage a good formula."""
    text = list(rng.choice(SEEDS))
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(text) + 1)
        action = rng.randrange(4)
        if action == 0:
            text.insert(at, rng.choice(FRAGMENTS))
        elif action == 1 and text:
            del text[min(at, len(text) - 1)]
        elif action == 2:
            text[at:at] = text[at : at + rng.randrange(20)]
        else:
            text *= rng.randrange(1, 30)
    return "".join(text)


def grammatical(rng: random.Random, depth: int = 0) -> str:
    """Make a formula that should parse."""
    if depth > 5 or rng.random() < 0.2:
        return rng.choice(["x", "x", "a", "1", "0", "2.5", "-3", "pi", "1e-5", "7e3"])
    inner = [grammatical(rng, depth + 1) for _ in range(4)]
    kind = rng.randrange(6)
    if kind == 0:
        name, function = rng.choice(list(FUNCTIONS.items()))
        count = function.fewest if function.most is not None else rng.randrange(2, 4)
        if name == "where":
            return f"where({inner[0]} {rng.choice(['<', '>=', '!='])} {inner[1]}, {inner[2]}, {inner[3]})"
        return f"{rng.choice(['', 'np.', 'math.'])}{name}({', '.join(inner[:count])})"
    if kind == 1:
        return f"({inner[0]} if {inner[1]} > {inner[2]} else {inner[3]})"
    if kind == 2:
        return f"({inner[0]} < {inner[1]} {rng.choice(['and', 'or', '<'])} {inner[2]} < {inner[3]})"
    if kind == 3:
        return f"-{inner[0]}"
    return f"({inner[0]}) {rng.choice(['+', '-', '*', '/', '**', '^'])} ({inner[1]})"


def values(formula: Expression) -> np.ndarray:
    """Evaluate at a few points."""
    given = {name: np.float64(0.7) for name in symbols(formula)} | {"x": POINTS}
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(evaluate(formula, given, numpy_table()), dtype=float), POINTS.shape)


def check(text: str) -> str:
    """Try one text and say how it went."""
    start = time.process_time()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            formula = parse(text, require_variable=False)
    except FormulaError as error:
        if "\n" in error.problem or not error.problem:
            raise AssertionError(f"not one sentence: {error.problem!r}") from None
        if error.position is not None and not 0 <= error.position <= len(text):
            raise AssertionError(f"position {error.position} in {text!r}") from None
        outcome = "refused"
    else:
        written = to_text(formula)
        if len(written) <= 2_000:
            again = parse(written, require_variable=False)
            np.testing.assert_allclose(values(again), values(formula), rtol=1e-9, atol=1e-300)
        for write in (to_latex, to_javascript, to_torch):
            write(formula)
        outcome = "parsed"
    if warned:
        raise AssertionError(f"warned {warned[0].message}")
    elapsed = time.process_time() - start
    if elapsed > LONGEST_TIME:
        raise AssertionError(f"took {elapsed:.2f} s")
    return outcome


def main(seconds: float, seed: int) -> None:
    """Fuzz for some seconds and print the counts."""
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        maker = rng.choice([random_characters, fragments, mutated, grammatical])
        text = maker(rng)
        try:
            counts[f"{maker.__name__}: {check(text)}"] += 1
        except BaseException:
            sys.stderr.write(f"seed {seed}, text {text!r}\n")
            raise
    for name, count in sorted(counts.items()):
        sys.stdout.write(f"{count:8d}  {name}\n")
    sys.stdout.write(f"{counts.total():8d}  in {seconds:g} s, seed {seed}\n")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
