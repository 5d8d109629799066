"""Derivations: textbook definitions mean what the engine computes, and each line is true where it is read back."""

from __future__ import annotations

import re

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actwise.errors import InputError
from actwise.formula.derivation import derive, to_line
from actwise.formula.dialects import evaluate, mpmath_table, numpy_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression, symbol, walk
from actwise.formula.parse import parse
from actwise.formula.readable import readable
from actwise.formula.textbook import DEFINITIONS, primitive_of
from actwise.formula.worked import work_out

x = symbol("x")
POINTS = (-1.7, -0.3, 0.4, 2.1)
FORMULAS = [
    "1 / (1 + exp(-x))", "tanh(x)", "softplus(x)", "x * sigmoid(1.3 * x)", "x * normal_cdf(x)", "x / (1 + abs(x))",
    "x * tanh(log(1 + exp(x)))", "exp(-x^2)", "min(max(x, -1), 1)", "where(x > 0, x, exp(x) - 1)", "erf(x / sqrt(2))",
    "log(cosh(x))", "x + sin(x)^2", "arctan(2 * x)", "x / sqrt(1 + x^2)", "sigmoid(x)^3 - 2^x",
    "1.7159 * tanh(2 * x / 3)", "log(1 / (1 + exp(-x)))", "x^3 / 6 - x / 7", "max(x, 0)^2",
]  # fmt: skip


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_is_the_function_that_the_engine_computes(name: str) -> None:
    row = DEFINITIONS[name]
    engine = Expression(name, (symbol("u"),))
    with mp.workdps(40):
        for point in map(mp.mpf, POINTS):
            if name == "log1p" and point < -1:
                continue
            values = {"u": point, "y": evaluate(engine, {"u": point}, mpmath_table())}

            def value(text: str, values: dict[str, mp.mpf] = values) -> mp.mpf:
                return evaluate(parse(text, require_variable=False), values, mpmath_table())

            assert abs(value(row.formula) - values["y"]) < mp.mpf(10) ** -15
            if row.slope:
                slope = evaluate(differentiate(engine, "u"), values, mpmath_table())
                assert abs(value(row.slope) - slope) < mp.mpf(10) ** -30
            if row.relation:
                left, right = map(value, row.relation)
                assert abs(left - right) < mp.mpf(10) ** -30


@pytest.mark.parametrize("text", FORMULAS)
def test_every_line_is_true_when_it_is_read_back(text: str) -> None:
    formula = parse(text)
    with mp.workdps(30):
        for line in map(to_line, derive(formula)):
            statement = re.sub(r"(, where y = f\(x\))?(  \([a-z].*\))?$", "", line)
            left, *forms = statement.split(" = ")
            for point in map(mp.mpf, POINTS):
                _check(left, forms, formula, point)


def _check(left: str, forms: list[str], formula: Expression, point: mp.mpf) -> None:
    """Hold what a line says against numerical differentiation."""
    if left.startswith("where "):  # the definitions have a test of their own
        return

    def value(expression: Expression, at: mp.mpf) -> mp.mpf:
        y = evaluate(formula, {"x": at}, mpmath_table())
        return evaluate(expression, {"x": at, "y": y}, mpmath_table())

    inner = re.fullmatch(r"d/dx \[(.*)\]", left)
    if left == "f(x)":
        wanted = value(formula, point)
    elif left == "f'(x)":
        wanted = mp.diff(lambda at: value(formula, at), point)
    elif inner:
        wanted = mp.diff(lambda at: value(parse(inner[1]), at), point)
    else:
        wanted = value(parse(left, require_variable=False), point)
    for form in forms:
        found = value(parse(form, require_variable=False), point)
        assert abs(found - wanted) < 1e-9 * (1 + abs(wanted)), (left, form)


def test_the_sigmoid_goes_through_quotient_and_chain_rule_to_its_output() -> None:
    for text in ("sigmoid(x)", "1 / (1 + exp(-x))"):
        lines = [to_line(line) for line in derive(parse(text))]
        assert lines[0].endswith("1 / (1 + exp(-x))")
        assert any("chain rule" in line for line in lines)
        assert lines[-3].startswith("f'(x) = (0 * (1 + exp(-x)) - 1 * (-exp(-x))) / (1 + exp(-x))**2 =")
        assert lines[-3].endswith("(quotient rule)")
        assert lines[-1] == "f'(x) = y * (1 - y), where y = f(x)"


def test_a_long_line_is_broken_before_its_equals_signs() -> None:
    line = derive(parse("tanh(x)"))[-3]
    broken = to_line(line, width=80).splitlines()
    assert broken[0] == "f'(x)  (quotient rule)"
    assert [each.startswith("    = ") for each in broken[1:]] == [True, True]
    assert to_line(line, width=1000) == to_line(line)


def test_latex_aligns_at_the_first_equals_sign() -> None:
    lines = [to_line(line, style="latex") for line in derive(parse("sigmoid(x)"))]
    assert lines[0] == r"f(x) &= \sigma\left(x\right) = \frac{1}{1 + e^{-x}}"
    assert lines[-1] == r"f'(x) &= y \, \left(1 - y\right), \quad y = f(x)"
    assert all(line.count("&=") == 1 for line in lines)
    with pytest.raises(InputError, match="style"):
        to_line(derive(x)[0], style="html")  # type: ignore[arg-type]  # that is what is refused


def test_a_primitive_is_found_by_name_and_written_out_but_only_of_something_linear() -> None:
    found = primitive_of(parse("1 / (1 + exp(-2 * x))"))
    assert found is not None
    assert (found.name, found.argument) == ("sigmoid", parse("2 * x"))
    assert primitive_of(parse("tanh(x^2)")) is None
    assert primitive_of(parse("x + tanh(x)")) is None


@given(st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6))
def test_readable_numbers_are_the_same_up_to_twelve_digits(value: float) -> None:
    shown = evaluate(readable(x * value), {"x": 1.0}, numpy_table())
    assert shown == pytest.approx(value, rel=1e-11)


def test_readable_leaves_out_what_is_for_nan_only() -> None:
    guarded = parse("where(x > 0, 1, where(equal(x, x), 0, x))")
    assert readable(guarded) == parse("where(x > 0, 1, 0)")
    assert not any(node.operation == "equal" for node in walk(readable(guarded)))


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("point", POINTS)
def test_a_worked_example_ends_in_the_value_and_each_step_is_true(text: str, point: float) -> None:
    formula = parse(text)
    example = work_out(formula, {"x": point})
    assert example.value == pytest.approx(float(evaluate(formula, {"x": point}, numpy_table())), rel=1e-12)
    for step in example.steps:
        expected = evaluate(step.part, {"x": np.float64(point)}, numpy_table())
        assert step.value == pytest.approx(expected)
        if not isinstance(step.value, bool):
            with np.errstate(all="ignore"):
                again = evaluate(step.numbers, {}, numpy_table())
            assert float(again) == pytest.approx(step.value, rel=1e-4, abs=1e-4)


def test_a_branch_that_is_not_taken_is_not_worked_out() -> None:
    steps = work_out(parse("where(x > 0, sqrt(x), exp(x))"), {"x": -1.0}).steps
    assert [step.part.operation for step in steps] == ["greater", "exp"]


def test_cutting_gives_what_the_article_got() -> None:
    # e^-1 = 0.367 and 1 / 1.367 = 0.7315, where the sigmoid of 1 is 0.7311.
    assert round(work_out(parse("1 / (1 + exp(-x))"), {"x": 1.0}).cut_value, 4) == 0.7315
