"""Rendered source: what it looks like, and that no name of the user's gets in its way."""

import ast
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES
from actwise.activations.spec import Activation, Param
from actwise.engines.numba import elementwise
from actwise.engines.numba.rendering import activation_source, loss_source, with_own_names
from actwise.errors import InputError
from actwise.formula.expression import symbol
from actwise.model.layers import activation_formula
from actwise.model.losses import CATALOGUE

X = np.linspace(-3, 3, 61)


@pytest.mark.parametrize("name", ["i", "row", "column", "rows", "units", "constants", "float64", "t0", "carray"])
def test_parameters_may_be_called_like_the_kernels_variables(name):
    made = aw.activation(f"tanh(x) * {name} + exp(-x^2)", **{name: 2.5})
    np.testing.assert_allclose(
        elementwise.value(activation_formula(made), X, (2.5,)), np.tanh(X) * 2.5 + np.exp(-X * X)
    )


@pytest.mark.parametrize("name", ["y", "g", "t", "x0", "x12"])
def test_parameters_may_not_be_called_like_the_formulas_variables(name):
    with pytest.raises(InputError, match=f"cannot be called '{name}'"):
        aw.activation(f"x * {name}", **{name: 2.0})


@pytest.mark.parametrize("element", ["float32", "float64"])
@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.name)
def test_every_activation_renders_as_three_or_two_small_functions(each, element):
    tree = ast.parse(activation_source(activation_formula(each), element))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    trained = any(param.trained for param in each.params.values())
    assert functions == ["forward", "backward", *(["parameter_gradient"] if trained else [])]


@pytest.mark.parametrize("each", CATALOGUE, ids=lambda each: each.name)
def test_every_loss_renders_as_one_function(each):
    tree = ast.parse(loss_source(each.formula, "float32"))
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == ["loss"]


def test_parameters_that_python_takes_for_the_same_are_renamed_apart():
    renamed = with_own_names(replace(activation_formula(aw.activation("relu")), parameters=("\ufb01", "fi", "\u03b2")))
    assert len({unicodedata.normalize("NFKC", name) for name in renamed.parameters}) == 3


def test_names_that_python_takes_for_the_same_are_no_two_parameters():
    x, ligature, letters = symbol("x"), symbol("\ufb01"), symbol("fi")
    params = {"\ufb01": Param(1.0), "fi": Param(1.0)}
    with pytest.raises(InputError, match="cannot be called '\ufb01'"):
        Activation("both", f=x * ligature + 10 * letters, df_x=ligature, params=params)
