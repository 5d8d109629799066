"""Texts of options to values."""

import re

import pytest

from actwise.cli.options import default_directory, read_activation, split_activations, split_sizes
from actwise.errors import InputError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("relu", ("relu",)),
        ("relu,tanh", ("relu", "tanh")),
        (" relu , where(x > 0, x, max(x, -1)) ", ("relu", "where(x > 0, x, max(x, -1))")),
        ("x * (1 + x),relu", ("x * (1 + x)", "relu")),
        ("x), relu", ("x)", "relu")),
        ("max(x, 0", ("max(x, 0",)),
    ],
)
def test_commas_inside_parentheses_belong_to_the_formula(text, parts):
    assert split_activations(text) == parts


@pytest.mark.parametrize("text", ["", "relu,", ",relu", "relu,,tanh"])
def test_an_empty_place_is_refused(text):
    with pytest.raises(InputError, match="--activation"):
        split_activations(text)


def test_sizes():
    assert split_sizes("64, 32,8") == (64, 32, 8)


@pytest.mark.parametrize("text", ["", "0", "-3", "8,", "8,x", "1.5", "64;32"])
def test_bad_sizes_are_refused(text):
    with pytest.raises(InputError, match=r"--hidden .* such as 64,32"):
        split_sizes(text)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("sample:iris", "iris-model"),
        ("/data/a b.csv", "a b-model"),
        ("x.parquet", "x-model"),
        ("a.b.csv.gz", "a-model"),
        (".csv", "table-model"),
    ],
)
def test_the_place_follows_from_the_data(data, name):
    assert str(default_directory(data)) == name


def test_a_formula_whose_parameter_has_no_value_is_told_where_to_write_it():
    with pytest.raises(InputError, match=re.escape("--activation 'x * sigmoid(b * x) (b=1.0)'")):
        read_activation("x * sigmoid(b * x)")


def test_a_misspelt_name_is_left_to_the_settings():
    assert read_activation("sigmiod") == "sigmiod"


@pytest.mark.parametrize(
    "text", ["relu", "x * sigmoid(x)", "where(x == 0, 1, x)", "where(x >= 0, x, 0.1 * x)", "maxout"]
)
def test_activations_without_parameters_stay_texts(text):
    assert read_activation(text) == text


def test_the_last_parentheses_hold_the_parameters():
    found = read_activation("x * sigmoid(beta * x)(beta = 2)")
    assert found.values == {"beta": 2.0}
    with pytest.raises(InputError, match="'slope=' should be a parameter and a number"):
        read_activation("leaky_relu(slope=)")
