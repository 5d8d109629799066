"""``actwise activations`` as a user runs it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import image

import actwise


def test_the_table_lists_every_activation(aw):
    result = aw("activations")
    assert result.exit_code == 0
    first_words = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    assert set(actwise.activations.names()) <= set(first_words)


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (40, ["name", "f(x)"]),
        (80, ["name", "f(x)", "range"]),
        (140, ["name", "f(x)", "range", "kinks", "monotonic", "zero-centred", "gain"]),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_of_the_table_and_whole_words(aw, width, columns):
    lines = [line for line in aw("activations", env={"COLUMNS": str(width)}).stdout.splitlines() if line.strip()]
    assert lines[0].split() == columns
    assert max(map(len, lines)) <= width
    assert any(line.split()[1:2] == ["arctan(x)"] for line in lines)


def test_one_is_explained_with_a_plot(aw):
    lines = aw("activations", "ReLU").stdout.splitlines()
    assert lines[0] == "relu"
    assert any("at 0 the slope jumps from 0 to 1; 0 is taken" in line for line in lines)
    assert any(line.startswith("f(x)  ") and "f'(x)" in line for line in lines)
    assert lines[-1].split() == ["-5", "0", "5", "-5", "0", "5"]
    assert max(map(len, lines)) <= 80


def test_the_plot_takes_the_width_of_the_terminal_and_the_range_of_x(aw):
    lines = aw("activations", "tanh", "--range", -2, 3, env={"COLUMNS": "60"}).stdout.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[-1].split() == ["-2", "0", "3"]


def test_a_terminal_without_braille_gets_ascii(tmp_path):
    command = [sys.executable, "-m", "actwise", "activations", "relu"]
    printed = subprocess.run(
        command, capture_output=True, check=True, cwd=tmp_path, env={"PYTHONIOENCODING": "ascii", "PATH": ""}
    )
    assert b"***" in printed.stdout
    assert printed.stdout.isascii()


def test_derivations_as_text_and_latex(aw):
    lines = aw("activations", "sigmoid", "--derive").stdout.splitlines()
    assert lines[0] == "f(x) = sigmoid(x) = 1 / (1 + exp(-x))"
    assert lines[-1] == "f'(x) = y * (1 - y), where y = f(x)"
    assert any("(quotient rule)" in line for line in lines)
    latex = aw("activations", "sigmoid", "--latex").stdout.splitlines()
    assert latex[0] == r"\begin{align*}"
    assert latex[-2] == r"f'(x) &= y \, \left(1 - y\right), \quad y = f(x)"


def test_a_worked_example(aw):
    output = aw("activations", "sigmoid", "--numeric", "1.0").stdout
    assert "exp(-x) = exp(-1) = 0.367879" in output
    assert "f(1) = 1 / 1.36788 = 0.731059" in output
    assert "would come out as 0.7315 instead of 0.7311" in output


def test_formulas_and_parameters(aw):
    facts = json.loads(aw("activations", "x * sigmoid(beta * x)", "elu", "--param", "beta=2", "--json").stdout)
    assert [each["name"] for each in facts] == ["x * sigmoid(beta * x)", "elu"]
    assert facts[0]["values"] == {"beta": 2}
    elu = json.loads(aw("activations", "elu", "--param", "alpha=0.5", "--json").stdout)[0]
    assert elu["range"] == [-0.5, "inf"]
    assert elu["kinks"] == [{"at": 0, "left": 0.5, "slope": 0.5, "right": 1}]
    assert aw("activations", "--", "-x").stdout.startswith("-x\n")


def test_json_holds_explanations_too(aw):
    (facts,) = json.loads(aw("activations", "tanh", "--derive", "--numeric", "0.5", "--json").stdout)
    assert facts["derivation"][-1] == "f'(x) = 1 - y * y, where y = f(x)"
    assert facts["worked_example"][-1].startswith("f'(0.5)") or "cut to" in facts["worked_example"][-1]


def test_all_facts_as_json_are_strict_json(aw):
    facts = json.loads(aw("activations", "--json").stdout, parse_constant=pytest.fail)
    assert [each["name"] for each in facts] == actwise.activations.names()


def test_plots_go_to_files(aw, tmp_path):
    result = aw("activations", "relu", "gelu", "sine", "--plot", "three.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "three.png" in result.stderr
    pixels = image.imread(tmp_path / "three.png")
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20
    assert aw("activations", "relu", "--plot", "one.svg").exit_code == 0
    assert b"<svg" in (tmp_path / "one.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["relux"], "did you mean 'relu'"),
        (["x +"], "cannot be read from here on"),
        (["x * b"], "has the parameter 'b': give a value for each, such as b=1.0"),
        (["relu", "--param", "slope=1"], "no parameter 'slope'"),
        (["relu", "tanh", "--param", "slope=1"], "none of these activations has a parameter 'slope'"),
        (["elu", "--param", "alpha"], "should be a name and a number"),
        (["elu", "--param", "alpha=two"], "should be a name and a number"),
        (["--param", "alpha=2"], "--param needs an activation"),
        (["--derive"], "name an activation first"),
        (["--plot", "a.svg"], "name an activation first"),
        (["relu", "--plot", "a.pdf"], "end 'a.pdf' in .svg or .png"),
        (["relu", "--plot", "no/a.png"], "make it first"),
        (["relu", "--range", "1", "-1"], "a smaller and a larger"),
        (["relu", "--range", "1", "-1", "--plot", "a.png"], "a smaller and a larger"),
        (["softmax", "--numeric", "1"], "takes more than one number"),
    ],
)
def test_bad_input_gets_a_sentence(refused, arguments, sentence):
    assert sentence in refused("activations", *arguments)
