"""Texts of options to values."""

import pytest

from actwise.cli.options import default_directory, split_activations, split_sizes
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
