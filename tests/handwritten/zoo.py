"""Activations with right derivatives, and wrong ones made from them by rule; the answers are known by construction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

NAMES = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "tanh": np.tanh, "sin": np.sin,
    "cos": np.cos, "sinh": np.sinh, "cosh": np.cosh, "sqrt": np.sqrt, "arctan": np.arctan, "abs": np.abs,
    "sign": np.sign, "where": np.where, "max": np.maximum, "min": np.minimum, "floor": np.floor,
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(x / 2)),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    f: str
    df: str
    called_with: str
    cause: str
    also: tuple[str, ...] = ()


def function(text: str) -> Callable[[np.ndarray], np.ndarray]:
    """A one-argument NumPy function; the argument may be called x or y in the text."""
    code = compile(text, text, "eval")

    return lambda argument: eval(code, {"__builtins__": {}}, {**NAMES, "x": argument, "y": argument})


SOFTPLUS = "max(x, 0) + log1p(exp(-abs(x)))"
GELU_INNER = "0.7978845608028654*(x + 0.044715*x**3)"

# f, derivative from x, derivative from y (or None where there is none)
SMOOTH = [
    ("sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))", "y*(1 - y)"),
    ("tanh(x)", "1 - tanh(x)**2", "1 - y**2"),
    ("2*sigmoid(x) - 1", "2*sigmoid(x)*(1 - sigmoid(x))", "(1 - y**2)/2"),
    ("1.7159*tanh(0.6666666666666666*x)", "1.7159*0.6666666666666666*(1 - tanh(0.6666666666666666*x)**2)", None),
    (SOFTPLUS, "sigmoid(x)", "1 - exp(-y)"),
    ("min(x, 0) - log1p(exp(-abs(x)))", "sigmoid(-x)", "1 - exp(y)"),
    ("x*sigmoid(x)", "sigmoid(x) + x*sigmoid(x)*(1 - sigmoid(x))", None),
    (f"0.5*x*(1 + tanh({GELU_INNER}))",
     f"0.5*(1 + tanh({GELU_INNER})) + 0.5*x*(1 - tanh({GELU_INNER})**2)*0.7978845608028654*(1 + 0.134145*x**2)", None),
    ("x/(1 + abs(x))", "1/(1 + abs(x))**2", "(1 - abs(y))**2"),
    ("arctan(x)", "1/(1 + x**2)", "cos(y)**2"),
    ("x/sqrt(1 + x**2)", "(1 + x**2)**-1.5", "(1 - y**2)**1.5"),
    ("exp(-x**2)", "-2*x*exp(-x**2)", None),
    ("exp(x)", "exp(x)", "y"),
    ("sin(x)", "cos(x)", None),
    ("x + sin(x)**2", "1 + 2*sin(x)*cos(x)", None),
    ("x - tanh(x)", "tanh(x)**2", None),
    ("abs(x) + log1p(exp(-2*abs(x)))", "tanh(x)", None),
    ("(sqrt(x**2 + 1) - 1)/2 + x", "x/(2*sqrt(x**2 + 1)) + 1", None),
    ("x**3", "3*x**2", None),
    ("0.001*tanh(x)", "0.001*(1 - tanh(x)**2)", "0.001 - 1000*y**2"),
    ("500*sigmoid(x/40)", "12.5*sigmoid(x/40)*(1 - sigmoid(x/40))", "y*(500 - y)/20000"),
    ("sin(6.283185307179586*x)", "6.283185307179586*cos(6.283185307179586*x)", None),
]  # fmt: skip

# f, derivative from x, derivative from y or None
KINKED = [
    ("max(x, 0)", "where(x > 0, 1, 0)", "where(y > 0, 1, 0)"),
    ("where(x > 0, x, 0.01*x)", "where(x > 0, 1, 0.01)", "where(y > 0, 1, 0.01)"),
    ("where(x > 0, x, 0.25*x)", "where(x >= 0, 1, 0.25)", "where(y >= 0, 1, 0.25)"),
    ("where(x > 0, x, expm1(x))", "where(x > 0, 1, exp(x))", "where(y > 0, 1, y + 1)"),
    ("where(x > 0, x, 1.5*expm1(x))", "where(x > 0, 1, 1.5*exp(x))", "where(y > 0, 1, y + 1.5)"),
    ("min(max(x, 0), 6)", "where((x > 0) & (x < 6), 1, 0)", "where((y > 0) & (y < 6), 1, 0)"),
    ("max(-1, min(1, x))", "where(abs(x) <= 1, 1, 0)", "where(abs(y) < 1, 1, 0)"),
    ("max(0, min(1, x/6 + 0.5))", "where(abs(x) < 3, 1/6, 0)", "where((y > 0) & (y < 1), 1/6, 0)"),
    ("x*max(0, min(1, x/6 + 0.5))", "where(x < -3, 0, where(x < 3, x/3 + 0.5, 1))", None),
    ("where(x > 0.5, x - 0.5, where(x < -0.5, x + 0.5, 0))", "where(abs(x) > 0.5, 1, 0)", "where(y != 0, 1, 0)"),
    ("where(abs(x) > 0.5, x, 0)", "where(abs(x) > 0.5, 1, 0)", None),
    ("abs(x)", "sign(x)", None),
    ("max(x, 0)**2", "2*max(x, 0)", "2*sqrt(y)"),
    ("max(x - 1.3, 0)", "where(x > 1.3, 1, 0)", "where(y > 0, 1, 0)"),
    ("abs(x - 0.3333)", "sign(x - 0.3333)", None),
    ("where(x > 2.123, 3*x - 4.246, x)", "where(x > 2.123, 3, 1)", None),
]

FURTHER_CORRECT = [
    Case("max(x, 0)", "where(x == 0, 0, 1)", "y", "correct"),
    Case("max(x, 0)", "(sign(x) + 1)/2", "x", "correct"),
    Case("log(1 + exp(x))", "1/(1 + exp(-x))", "x", "correct"),
    Case("1/(1 + exp(-x))", "x*(1 - x)", "y", "correct"),
    Case("exp(-x)", "-y", "y", "correct"),
    Case("0.3*x", "0.3", "x", "correct"),
    Case("x", "1", "y", "correct"),
    Case("x*1e6", "1e6", "x", "correct"),
    Case("1e-12*sin(x)", "1e-12*cos(x)", "x", "correct"),
    Case("tanh(x - 12)", "1 - y**2", "y", "correct"),
    Case("sigmoid(x + 9)", "y*(1 - y)", "y", "correct"),
    Case("tanh(50*x)", "50*(1 - y**2)", "y", "correct"),
    Case("sin(40*x)/40", "cos(40*x)", "x", "correct"),
    Case("abs(x - floor(x) - 0.5)", "sign(x - floor(x) - 0.5)", "x", "correct"),
    Case("sqrt(x)", "0.5/sqrt(x)", "x", "correct"),
    Case("log(x)", "exp(-y)", "y", "correct"),
    Case("where(x < 0.001, 0, 1)*x", "where(x < 0.001, 0, 1)", "x", "correct"),
    Case("floor(8*x)/8", "0", "x", "correct"),
    Case("max(x, 0) + 0.0*x", "where(x < 0, 0, 1)", "x", "correct"),
    Case("x*exp(-x**2/2)", "(1 - x**2)*exp(-x**2/2)", "x", "correct"),
    Case("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "1 - tanh(x)**2", "x", "correct"),
]

REGION = [
    Case("max(x, 0)", "1", "x", "wrong_region"),
    Case("max(x, 0)", "1", "y", "wrong_region"),
    Case("where(x > 0, x, 0.01*x)", "where(x > 0, 1, 0)", "x", "wrong_region"),
    Case("where(x > 0, x, 0.01*x)", "1", "x", "wrong_region", ("missing_factor",)),
    Case("where(x > 0, x, 0.25*x)", "where(y > 0, 1, 0.1)", "y", "wrong_region", ("missing_factor",)),
    Case("where(x > 0, x, expm1(x))", "where(x > 0, 1, 0)", "x", "wrong_region"),
    Case("min(max(x, 0), 6)", "where(y > 0, 1, 0)", "y", "wrong_region"),
    Case("max(-1, min(1, x))", "1", "y", "wrong_region"),
    Case("max(0, min(1, x/6 + 0.5))", "where(x > -3, 1/6, 0)", "x", "wrong_region"),
    Case("x*max(0, min(1, x/6 + 0.5))", "where(x < -3, 0, x/3 + 0.5)", "x", "wrong_region"),
    Case("where(x > 0.5, x - 0.5, where(x < -0.5, x + 0.5, 0))", "where(x > 0.5, 1, 0)", "x", "wrong_region"),
    Case("where(abs(x) > 0.5, x, 0)", "1", "x", "wrong_region"),
    Case("abs(x)", "1", "x", "wrong_region", ("wrong_sign",)),
    Case("where(x > 0, x, 0.1*x)", "where(x > -1, 1, 0.1)", "x", "wrong_region"),
    Case("max(x, 0)**2", "2*x", "x", "wrong_region"),
    Case("abs(x)*x", "2*x", "x", "wrong_region", ("wrong_sign",)),
    Case("where(x > 0, x, sin(x))", "where(x > 0, 1, 0)", "x", "wrong_region"),
    # Right given y, and right on x but for one interval: both name it.
    Case("max(x - 1.3, 0)", "where(x > 0, 1, 0)", "x", "wrong_convention_expects_y_given_x", ("wrong_region",)),
]

PARTIAL = [
    Case("where(x > 0, x, 1.5*expm1(x))", "where(x > 0, 1, exp(x))", "x", "missing_factor", ("wrong_region",)),
    Case("where(x > 0, x, 2*expm1(x))", "where(y > 0, 1, y + 1)", "y", "missing_constant", ("wrong_region",)),
    Case("where(x > 0, x, expm1(x))", "where(y > 0, 1, y)", "y", "missing_constant", ("wrong_region",)),
    Case("where(x > 0, 3*x, 2*expm1(x))", "where(y > 0, 3, 3*y + 2)", "y", "missing_factor", ("wrong_region",)),
    Case("x*sigmoid(2*x)", "sigmoid(2*x) + x*sigmoid(2*x)*(1 - sigmoid(2*x))", "x", "missing_factor"),
    Case("sigmoid(x)", "y", "y", "missing_factor"),
    Case("sigmoid(x)", "1/(1 + exp(-x))", "x", "missing_factor"),
    Case("exp(-x**2)", "exp(-x**2)", "x", "missing_factor"),
    Case("exp(-x**2)", "-2*y", "y", "missing_factor"),
    Case("sin(3*x)", "cos(3*x)", "x", "missing_factor"),
    Case("max(0, min(1, 0.2*x + 0.5))", "where(abs(x) < 2.5, 1, 0)", "x", "missing_factor"),
    Case("0.5*x**2", "2*x", "x", "missing_factor"),
]

OVERFLOW = [
    Case("sigmoid(x)", "exp(-x)/(1 + exp(-x))**2", "x", "overflow"),
    Case("sigmoid(x)", "exp(x)/(1 + exp(x))**2", "x", "overflow"),
    Case(SOFTPLUS, "exp(x)/(exp(x) + 1)", "x", "overflow"),
    Case("tanh(x)", "4*exp(2*x)/(exp(2*x) + 1)**2", "x", "overflow"),
    Case("tanh(x)", "1 - (sinh(x)/cosh(x))**2", "x", "overflow"),
    Case("where(x > 0, x, expm1(x))", "where(x > 0, 1, 0)*1.0 + (x <= 0)*exp(x)", "x", "overflow"),
    Case("x*sigmoid(x)", "(1 + exp(-x) + x*exp(-x))/(1 + exp(-x))**2", "x", "overflow"),
    Case("abs(x) + log1p(exp(-2*abs(x)))", "(exp(x) - exp(-x))/(exp(x) + exp(-x))", "x", "overflow"),
    Case(SOFTPLUS, "exp(x)*(1 - sigmoid(x))", "x", "overflow"),
    Case("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "1 - y**2", "y", "overflow"),
    Case("abs(x)", "x/abs(x)", "x", "overflow"),
]

FORMULA = [
    Case("sigmoid(x)", "y*(1 - y)**2", "y", "wrong_formula"),
    Case("sigmoid(x)", "1 - y**2", "y", "wrong_formula"),
    Case("tanh(x)", "y*(1 - y)", "y", "wrong_formula"),
    Case("tanh(x)", "1/cosh(x)", "x", "wrong_formula"),
    Case("tanh(x)", "1 - abs(y)", "y", "wrong_formula"),
    Case(SOFTPLUS, "1 - sigmoid(x)", "x", "wrong_formula"),
    Case("x*sigmoid(x)", "sigmoid(x)", "x", "wrong_formula"),
    Case("x*sigmoid(x)", "y*(1 - y)", "y", "wrong_formula"),
    Case("x/(1 + abs(x))", "1/(1 + abs(x))", "x", "wrong_formula"),
    Case("arctan(x)", "1/(1 + abs(x))", "x", "wrong_formula"),
    Case("sin(x)", "sin(x)", "x", "wrong_formula"),
    Case("x - tanh(x)", "tanh(x)", "x", "wrong_formula"),
    Case("where(x > 0, x, 0.25*x)", "where(x > 0, 0.25, 1)", "x", "wrong_formula"),
    Case("exp(x)", "x*exp(x - 1)", "x", "wrong_formula"),
    Case("max(-1, min(1, x))", "where(abs(x) < 1, 0, 1)", "x", "wrong_formula"),
]


def correct_cases() -> Iterator[Case]:
    for f, from_x, from_y in [*SMOOTH, *KINKED]:
        yield Case(f, from_x, "x", "correct")
        if from_y is not None:
            yield Case(f, from_y, "y", "correct")
    yield from FURTHER_CORRECT


def planted_cases() -> Iterator[Case]:
    """The same mistake in every derivative: sign, factor, constant."""
    factors = ("2", "0.5", "3.7", "-0.25", "(1/3)")
    constants = ("+ 1", "- 0.5", "+ 0.125", "- 2")
    for index, (f, from_x, from_y) in enumerate([*SMOOTH, *KINKED]):
        for text, called_with in ((from_x, "x"), (from_y, "y")):
            if text is None:
                continue
            yield Case(f, f"-({text})", called_with, "wrong_sign")
            yield Case(f, f"{factors[index % 5]}*({text})", called_with, "missing_factor")
            yield Case(f, f"({text}) {constants[index % 4]}", called_with, "missing_constant")


def swapped_cases() -> Iterator[Case]:
    """Right derivatives called with the other argument, where that makes them wrong."""
    grid = np.linspace(-4, 4, 161) + 0.00123
    for f, from_x, from_y in [*SMOOTH, *KINKED]:
        x, y = grid, function(f)(grid)
        truth = function(from_x)(x) + 0 * x
        for text, given, called_with, cause in (
            (from_x, y, "y", "wrong_convention_expects_x_given_y"),
            (from_y, x, "x", "wrong_convention_expects_y_given_x"),
        ):
            if text is None:
                continue
            with np.errstate(invalid="ignore"):
                called = function(text)(given)
            if np.nanmax(np.abs(called - truth)) > 1e-3 or np.isnan(called).any():
                yield Case(f, text, called_with, cause, ("wrong_region",))


def all_cases() -> list[Case]:
    return [
        *correct_cases(), *planted_cases(), *swapped_cases(),
        *REGION, *PARTIAL, *OVERFLOW, *FORMULA,
    ]  # fmt: skip
