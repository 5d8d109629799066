"""Formulas as text, LaTeX, JavaScript and PyTorch source, and derivations line by line."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest
from scipy import special

from actwise.formula import expression as e
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import Expression, number, symbol, where
from actwise.formula.parse import parse
from actwise.formula.render import (
    JAVASCRIPT_HELPERS,
    to_javascript,
    to_latex,
    to_text,
    to_torch,
)

x, a = symbol("x"), symbol("a")


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ((x + 1) * (x - 1), "(x + 1) * (x - 1)"),
        (x - (a - 1), "x - (a - 1)"),
        (x - a - 1, "x - a - 1"),
        (x / (a * 2), "x / (a * 2)"),
        (x / a * 2, "x / a * 2"),
        ((-x) ** 2, "(-x)**2"),
        (-(x**2), "-x**2"),
        ((x**2) ** 3, "(x**2)**3"),
        (x ** (a**3), "x**a**3"),
        (2**-x, "2**(-x)"),
        (x - number(-2), "x - (-2)"),
        (number(-2) * x, "-2 * x"),
        (number(-2) ** x, "(-2)**x"),
        (-(number(-2) * x), "-(-2 * x)"),
        (number(math.pi) * x - number(math.e), "pi * x - e"),
        (number(1e-10) + number(0.1) * x, "1e-10 + 0.1 * x"),
        (where((x > 0) & ~((x < 1) | (x > 2)), abs(x), a), "where(x > 0 and not (x < 1 or x > 2), abs(x), a)"),
        (e.maximum(x, e.minimum(a, 1)), "max(x, min(a, 1))"),
    ],
)
def test_text_has_the_fewest_brackets(formula: Expression, text: str) -> None:
    assert to_text(formula) == text
    assert parse(text, require_variable=False) == formula


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        (1 / (1 + e.exp(-x)), r"\frac{1}{1 + e^{-x}}"),
        (x * e.sigmoid(symbol("beta") * x), r"x \, \sigma\left(\beta \, x\right)"),
        (e.exp(x) ** 2, r"\left(e^{x}\right)^{2}"),
        (x * e.expm1(x), r"x \, \left(e^{x} - 1\right)"),
        ((1 / e.cosh(x)) ** 2, r"\frac{1}{\cosh\left(x\right)^{2}}"),
        (x * 2 * number(3), r"x \cdot 2 \cdot 3"),
        (number(1e-10) * x, r"10^{-10} \, x"),
        (number(2.5e-10) * x, r"2.5 \cdot 10^{-10} \, x"),
        (number(1 / math.sqrt(2 * math.pi)) * x, r"\tfrac{1}{\sqrt{2\pi}} \, x"),
        (where(x >= 0, x, symbol("alpha") * x),
         r"\begin{cases} x & \text{if } x \ge 0 \\ \alpha \, x & \text{otherwise} \end{cases}"),
        (abs(x) + e.floor(x) + e.sqrt(x),
         r"\left|x\right| + \left\lfloor x \right\rfloor + \sqrt{x}"),
        (symbol("x1") * symbol("slope_left") * symbol("lambd"), r"x_{1} \, \mathrm{slope}_{left} \, \lambda"),
        (e.softplus(x) - e.log1p(x), r"\operatorname{softplus}\left(x\right) - \ln\left(1 + x\right)"),
        (number(math.inf) * x, r"\infty \, x"),
    ],
)  # fmt: skip
def test_latex(formula: Expression, latex: str) -> None:
    assert to_latex(formula) == latex


@pytest.mark.parametrize(
    ("formula", "javascript"),
    [
        (x * e.sigmoid(x), "x * sigmoid(x)"),
        (-(x**2), "-Math.pow(x, 2)"),
        (where(x > 0, x, where(e.equal(x, 0), 1, 2)) + 1, "(x > 0 ? x : x === 0 ? 1 : 2) + 1"),
        (where((x > 0) & ~(x > 2) | (x < -1), 1, x), "x > 0 && !(x > 2) || x < -1 ? 1 : x"),
        (e.maximum(x, 0) * e.normal_cdf(x), "Math.max(x, 0) * normalCdf(x)"),
        (number(math.pi) * x + math.inf, "Math.PI * x + Infinity"),
    ],
)
def test_javascript(formula: Expression, javascript: str) -> None:
    assert to_javascript(formula) == javascript


def test_javascript_helpers_define_what_they_are_named_for() -> None:
    for name, source in JAVASCRIPT_HELPERS.items():
        assert source.startswith(f"const {name} = ")
        assert source.rstrip().endswith(";")


def _torch_in_numpy() -> types.SimpleNamespace:
    def clamp(u: np.ndarray, min: float = -math.inf, max: float = math.inf) -> np.ndarray:  # noqa: A002  # as PyTorch
        return np.clip(u, min, max)

    names = ("sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "sinh", "cosh", "tanh", "sign", "floor", "abs",
             "where", "maximum", "minimum", "logaddexp", "zeros_like", "pi", "e", "inf", "nan")  # fmt: skip
    return types.SimpleNamespace(
        **{name: getattr(np, name) for name in names},
        atan=np.arctan, asinh=np.arcsinh, clamp=clamp, sigmoid=special.expit, erf=special.erf, erfc=special.erfc,
        special=types.SimpleNamespace(ndtr=special.ndtr),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("x * sigmoid(beta * x)", "x * torch.sigmoid(beta * x)"),
        ("softplus(x)", "torch.logaddexp(x, torch.zeros_like(x))"),
        ("max(x, 0) + max(0, x) + min(x, 6) + min(6, x) + max(x, beta)",
         "torch.clamp(x, min=0.0) + torch.clamp(x, min=0.0) + torch.clamp(x, max=6.0) + torch.clamp(x, max=6.0)"
         " + torch.maximum(x, beta)"),
        ("where(x > 0 and not x > 2 or x < -1, x^2, -x^3)",
         "torch.where(((x > 0.0) & (~(x > 2.0))) | (x < -1.0), x**2.0, -x**3.0)"),
        ("0.5 * x * (1 + erf(x / sqrt(2)))", "0.5 * x * (1.0 + torch.erf(x / 1.4142135623730951))"),
        ("normal_cdf(x) * pi", "torch.erfc(x / -1.4142135623730951) / 2 * torch.pi"),
        ("where(sqrt(2) > 1, x, 0) * where(1 > 2, 0, x)", "x * x"),
        ("abs(x) + atan(x) - asinh(x) / expm1(x) * cosh(x) - 2^-x", None),
    ],
)  # fmt: skip
def test_torch_source_computes_the_formula(text: str, source: str | None) -> None:
    formula = parse(text)
    if source is not None:
        assert to_torch(formula) == source
    values = {"x": np.array([-3.5, -0.7, 0.4, 2.6]), "beta": np.full(4, 1.3)}
    found = eval(to_torch(formula), {"torch": _torch_in_numpy(), **values})
    np.testing.assert_allclose(found, evaluate(formula, values, numpy_table()), rtol=1e-13)
