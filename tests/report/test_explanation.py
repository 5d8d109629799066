"""Derivations and worked examples of activations, read back and held against what is computed."""

import re

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation
from actwise.errors import InputError
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.parse import parse
from actwise.report.explanation import derivation_lines, textbook_expression, worked_lines

SCALARS = [each for each in ENTRIES if isinstance(each, Activation)]
POINTS = np.array([-2.3, -0.7, 0.4, 1.9])


def _value(text, each, **more):
    return evaluate(parse(text, require_variable=False), {**each.values, **more}, numpy_table())


@pytest.mark.parametrize("each", SCALARS, ids=lambda each: each.name)
def test_every_derivation_ends_in_the_derivative(each):
    lines = derivation_lines(each)
    assert lines[0].startswith("f(x) = ")
    slopes = [line for line in lines if line.startswith("f'(x) = ")]
    for line in slopes:
        statement = re.sub(r"(, where y = f\(x\))?(  \([a-z].*\))?$", "", line)
        for form in statement.split(" = ")[1:]:
            with np.errstate(invalid="ignore"):  # in branches that are not taken
                value = _value(form, each, x=POINTS, y=each(POINTS))
            found = np.broadcast_to(value, POINTS.shape)
            np.testing.assert_allclose(found, each.derivative(POINTS), rtol=1e-8, atol=1e-12)
    if each.df_y is not None and each.name != "identity":
        assert slopes[-1].endswith(", where y = f(x)")


@pytest.mark.parametrize("name", ["glu", "geglu", "swiglu"])
def test_a_gated_one_is_derived_by_each_of_its_inputs(name):
    each = aw.activation(name)
    given = {"a": 1.7, "b": -0.6}
    slopes = each.vector_jacobian_product([1.7, -0.6], [1.0])
    for variable, slope in zip("ab", slopes, strict=True):
        (line,) = (line for line in derivation_lines(each) if line.startswith(f"df/d{variable} = "))
        for form in line.split("  (")[0].split(" = ")[1:]:
            assert evaluate(parse(form, variable="a", require_variable=False), given, numpy_table()) == pytest.approx(
                slope
            )


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_a_row_is_derived_by_the_entry_itself_and_by_another(name):
    each = aw.activation(name)
    row = np.array([0.3, -1.1, 0.8])
    lines = dict(line.split("  (")[0].split(" = ", 1) for line in derivation_lines(each) if line.startswith("df_i"))
    total = np.sum(np.exp(-row if name == "softmin" else row))
    values = {"x_i": row[0], "x_j": row[2], "S": total}
    jacobian = each.vector_jacobian_product(row, [1.0, 0.0, 0.0])
    for left, wanted in (("df_i/dx_i", jacobian[0]), ("df_i/dx_j", jacobian[2])):
        found = evaluate(parse(lines[left], variable="S", require_variable=False), values, numpy_table())
        assert found == pytest.approx(wanted)


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.name)
def test_latex_has_balanced_braces(each):
    lines = derivation_lines(each, "latex")
    assert (lines[0], lines[-1]) == (r"\begin{align*}", r"\end{align*}")
    text = "\n".join(lines)
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert all(line.endswith(r" \\") for line in lines[1:-2])


def test_a_users_formula_is_derived_as_it_was_written():
    assert derivation_lines(aw.activation("x / (1 + exp(-b * x))", b=2.0))[0] == "f(x) = x / (1 + exp(-b * x))"
    mixed = aw.activation("x * hardtanh(x)")  # no function of the plain language
    assert textbook_expression(mixed) == mixed.expression


def test_the_worked_example_of_the_sigmoid():
    lines = worked_lines(aw.activation("sigmoid"), 1.0)
    assert "exp(-x) = exp(-1) = 0.367879" in lines
    assert "f(1) = 1 / 1.36788 = 0.731059" in lines
    assert lines[-1] == "If every step were cut to 3 decimals, f(1) would come out as 0.7315 instead of 0.7311."


@pytest.mark.parametrize("each", SCALARS, ids=lambda each: each.name)
@pytest.mark.parametrize("x", [-1.5, 0.0, 0.8])
def test_worked_examples_end_in_value_and_derivative(each, x):
    lines = worked_lines(each, x)
    value, slope = (
        float(next(line for line in lines if line.startswith(start)).rsplit("=", 1)[1])
        for start in (f"f({x:g}) = ", f"f'({x:g}) = ")
    )
    assert value == pytest.approx(each(x), rel=1e-5, abs=1e-12)
    assert slope == pytest.approx(each.derivative(x), rel=1e-5, abs=1e-12)


def test_no_worked_example_for_what_takes_more_than_a_number():
    with pytest.raises(InputError, match="softmax takes more than one number"):
        worked_lines(aw.activation("softmax"), 1.0)
