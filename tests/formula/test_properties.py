"""What every rewriting must keep, tried on random formulas in 50-digit arithmetic."""

from __future__ import annotations

import mpmath as mp
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from actwise.formula import expression as e
from actwise.formula.algebra import assemble, assemble_sum, collected, cost, product, terms
from actwise.formula.dialects import evaluate, mpmath_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression, number, symbol, walk, where
from actwise.formula.output_form import express_in_output
from actwise.formula.parse import parse
from actwise.formula.render import to_javascript, to_latex, to_text, to_torch
from actwise.formula.simplify import simplify
from actwise.formula.stabilise import derivative, recognise, stabilise

x, a = symbol("x"), symbol("a")
POINTS = [mp.mpf(p) for p in ("-2.25", "-0.8125", "-0.3", "0", "0.4375", "1", "1.6", "3.5")]
PARAMETER = mp.mpf("0.7")


def _divided(u: Expression, v: Expression) -> Expression:
    return u if v.is_number else u / v


def _chosen(u: Expression, v: Expression, w: Expression) -> Expression:
    return where(u > v, v, w)


def formulas() -> st.SearchStrategy[Expression]:
    """Trees over x, a and a few numbers."""
    leaves = st.sampled_from([x, x, x, a, number(1), number(-1), number(2), number(0.5), number(3)])
    functions = [
        e.exp, e.sigmoid, e.tanh, e.softplus, abs, e.sqrt, e.log, e.sin, e.cosh, e.sign, e.erf, e.expm1,
        lambda u: -u, lambda u: u**2, lambda u: u**3, lambda u: _divided(u, u) if u.is_number else u**-1,
        lambda u: e.sqrt(u) ** 2, lambda u: abs(u) ** 2, lambda u: e.exp(-u), lambda u: u * e.sign(u),
    ]  # fmt: skip

    def grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        pair = [
            lambda u, v: u + v, lambda u, v: u - v, lambda u, v: u * v, _divided, e.maximum, e.minimum,
            lambda u, v: u * v + u, lambda u, v: (u + v) - u, lambda u, v: u * v * u,
        ]  # fmt: skip
        return st.one_of(
            st.builds(lambda f, u: f(u), st.sampled_from(functions), inner),
            st.builds(lambda f, u, v: f(u, v), st.sampled_from(pair), inner, inner),
            st.builds(_chosen, inner, inner, inner),
        )

    return st.recursive(leaves, grow, max_leaves=8)


class _Tie(Exception):
    """A jump is decided by rounding, as 2 > sqrt(2)**2 is."""


def _value(formula: Expression, point: mp.mpf) -> tuple[mp.mpf | None, mp.mpf]:
    """Evaluate; None where the formula is not a finite real number. Also return the largest part."""
    values: dict[Expression, mp.mpf] = {}
    largest = mp.mpf(1)
    for node in walk(formula):
        try:
            value = evaluate(node, {"x": point, "a": PARAMETER}, mpmath_table())
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            return None, largest
        if isinstance(value, mp.mpc) or not mp.isfinite(value):
            return None, largest
        values[node] = value
        if node.operation in e.COMPARISONS or node.operation == "sign":
            gap = abs(values[node.arguments[0]] - (values[node.arguments[1]] if len(node.arguments) > 1 else 0))
            if 0 < gap < 1e-20 * largest:
                raise _Tie
        largest = max(largest, abs(value)) if not isinstance(value, bool) else largest
    return values[formula], largest


def _keeps_values(rewritten: Expression, formula: Expression) -> None:
    with mp.workdps(50):
        for point in POINTS:
            try:
                expected, largest = _value(formula, point)
                if expected is None or largest > 1e6:
                    continue
                found, _ = _value(rewritten, point)
            except _Tie:
                continue
            where_it_fails = (to_text(formula), to_text(rewritten), point)
            assert found is not None, where_it_fails
            assert abs(found - expected) <= 1e-9 * largest, where_it_fails


@settings(max_examples=150, deadline=None)
@given(formulas())
@example((x - 1) / (1 - x))
@example(e.sqrt(x**2) + e.sqrt(x) ** 2)
@example(x / x + 1 / (a * x) * a)
@example(e.sqrt(x) * e.sqrt(x) + e.sqrt(x))
@example((x**0.5) ** 2 * (x**3) ** 0.5)
@example(e.exp(-x) / e.exp(2 * x) * e.sigmoid(x))
def test_simplifying_keeps_values_and_is_idempotent(formula: Expression) -> None:
    assume(cost(formula) < 150)
    simpler = simplify(formula)
    assert cost(simpler) <= cost(formula)
    assert simplify(simpler) == simpler
    _keeps_values(simpler, formula)


@settings(max_examples=80, deadline=None)
@given(formulas())
def test_taking_apart_and_assembling_keeps_values(formula: Expression) -> None:
    _keeps_values(assemble(product(formula)), formula)
    _keeps_values(assemble_sum(collected(terms(formula))), formula)


@settings(max_examples=150, deadline=None)
@given(formulas())
def test_stabilising_keeps_values(formula: Expression) -> None:
    assume(cost(formula) < 150)
    _keeps_values(recognise(formula), formula)
    _keeps_values(stabilise(formula), formula)


@settings(max_examples=150, deadline=None)
@given(formulas())
@example(where(x > e.sqrt(number(2)) ** 2, e.sqrt(number(2)) ** 2, x))
def test_the_derivative_agrees_with_plain_differentiation(formula: Expression) -> None:
    assume(cost(formula) < 60)
    slope = derivative(formula)
    _keeps_values(slope, differentiate(formula))
    in_output = express_in_output(slope, formula)
    if in_output is not None:
        # Where the formula has no value, as log at -1, its slope in y has none either.
        defined = differentiate(formula) + formula - formula
        _keeps_values(e.substitute(in_output, {"y": formula}), defined)


@settings(max_examples=150, deadline=None)
@given(formulas())
def test_text_reads_back_to_an_equal_formula(formula: Expression) -> None:
    assume(cost(formula) < 150)
    text = to_text(formula)
    again = parse(text, parameters=["a"], require_variable=False)
    assert to_text(again) == text
    _keeps_values(again, formula)
    for rendered in (to_latex(formula), to_javascript(formula), to_torch(formula)):
        assert rendered.count("(") == rendered.count(")")
        assert rendered.count("{") == rendered.count("}")
