"""``actwise check`` as a user runs it: for code of their own, and for the proof."""

import json
import math

import pytest

from actwise import proof
from actwise.proof import ExhaustiveProof, FloatProof, Largest, Proof

NET = """
import helper
import numpy as np

print("training")
rate = 0.5

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def sigmoid_prime(x):
    return sigmoid(x) * (1 - sigmoid(x))

def from_output(y):
    return y * (1 - y)

class Net:
    @staticmethod
    def tanh(x):
        return np.tanh(x)

    @staticmethod
    def slope(x):
        return 1 - helper.square(np.tanh(x))
"""


@pytest.fixture
def net(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "helper.py").write_text("def square(x):\n    return x * x\n")
    return tmp_path / "net.py"


@pytest.mark.parametrize(
    ("functions", "called_with", "status"),
    [
        ("sigmoid,sigmoid_prime", "x", 0),
        ("sigmoid,sigmoid_prime", "y", 1),
        ("sigmoid,from_output", "y", 0),
        ("sigmoid, from_output", "x", 1),
        ("Net.tanh,Net.slope", "x", 0),
    ],
)
def test_own_code_is_judged_as_it_is_called(aw, net, functions, called_with, status):
    result = aw("check", f"net.py:{functions}", "--called-with", called_with)
    assert result.exit_code == status
    assert result.stdout.startswith("Wrong: " if status else "Right: ")
    assert "training" in result.stderr


def test_an_absolute_path_and_several_targets(aw, net):
    result = aw("check", f"{net}:sigmoid,sigmoid_prime", f"{net}:Net.tanh,Net.tanh")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == f"{net}:sigmoid,sigmoid_prime"
    assert lines[1].startswith("Right: ")
    assert f"{net}:Net.tanh,Net.tanh" in lines


def test_json(aw, net):
    result = aw("check", "net.py:sigmoid,sigmoid_prime", "--called-with", "y", "--json")
    (report,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["verdict"], report["cause"]) == ("wrong", "wrong_convention_expects_x_given_y")


def test_what_the_functions_print_at_each_call_is_not_shown(aw, tmp_path):
    (tmp_path / "net.py").write_text("def f(x):\n    print('x is', x)\n    return 2 * x\ndef df(x): return 2")
    result = aw("check", f"{tmp_path / 'net.py'}:f,df", "--json")
    assert json.loads(result.stdout)[0]["verdict"] == "correct"
    assert "x is" not in result.stderr


def test_the_file_leaves_no_trace_in_the_program(aw, net):
    import sys

    before = list(sys.path), "net" in sys.modules
    aw("check", "net.py:sigmoid,sigmoid_prime")
    assert (list(sys.path), "net" in sys.modules) == before


@pytest.mark.parametrize(
    ("target", "content", "sentence"),
    [
        ("net.py", "", "such as net.py:sigmoid,sigmoid_prime"),
        ("net.py:f", "", "should name a file, an activation and its derivative"),
        ("net.py:f,", "", "should name a file, an activation and its derivative"),
        ("nix.py:f,df", "", "there is no file 'nix.py'"),
        ("net.txt:f,df", "", "its name should end in .py"),
        ("net.py:f,d", "def f(x): return x\ndef df(x): return 1", "no function 'd'; did you mean 'df'"),
        ("net.py:f,df", "f = 1", "'f' in 'net.py' is of type int"),
        ("net.py:f,df", "x = 1", "defines none"),
        ("net.py:f,df", "x = 1\ny = 1 / 0", "ZeroDivisionError: division by zero (line 2)"),
        ("net.py:f,df", "def f(:", "SyntaxError"),
        ("net.py:f,df", "import not_there_at_all", "No module named 'not_there_at_all'"),
        ("net.py:f,df", "raise SystemExit(0)", "__name__ == '__main__'"),
        ("net.py:f,df", "def f(x): return 'a'\ndf = f", "f returned"),
        ("net.py:f,df", "def f(x):\n    return tanh(x)\ndf = f", "NameError: name 'tanh' is not defined (line 2)"),
        ("net.py:f,df", "def f(x): raise Exception('positive x only')\ndf = f", "positive x only (line 1)"),
        ("relu", "", "actwise check --all relu proves it"),
    ],
)
def test_what_cannot_be_checked_gets_a_sentence(refused, tmp_path, target, content, sentence):
    for name in ("net.py", "net.txt"):
        (tmp_path / name).write_text(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.dont_write_bytecode", True)
        assert sentence in refused("check", target)


def test_nothing_to_check(refused):
    assert "name a file and two functions in it" in refused("check")


def test_entries_are_proven(aw):
    """The real proof, short."""
    result = aw("check", "--all", "relu", "--random", 500, "--exact", 20)
    assert result.exit_code == 0, result.output
    assert "1 of 1 hold" in result.stdout
    (row,) = json.loads(aw("check", "--all", "relu", "--random", 500, "--exact", 20, "--json").stdout)
    assert row["holds"]
    assert row["largest_errors_in_ulp"]["float32_value"] == 0


def _proof(name, error):
    largest = Largest(error, 1.5, 0.25, 0.5)
    good = FloatProof(Largest(0.5), Largest(0.5), 10, 10)
    return Proof(name, {}, FloatProof(largest, Largest(0.5), 10, 10), good)


def test_a_proof_that_fails_says_where_and_exits_with_1(aw, monkeypatch):
    monkeypatch.setattr(proof, "prove", lambda each, **_: _proof(each.name, math.inf if each.name == "tanh" else 0.5))
    result = aw("check", "--all", "relu", "tanh")
    assert result.exit_code == 1
    assert "1 of 2 hold" in result.stdout
    assert "tanh: the value in float32 is inf ulp off at x = 1.5: 0.25 instead of 0.5" in result.stdout
    rows = json.loads(aw("check", "--all", "relu", "tanh", "--json").stdout)
    assert [row["largest_errors_in_ulp"]["float32_value"] for row in rows] == [0.5, "inf"]


def test_the_whole_catalogue_of_one_number_is_proven(aw, monkeypatch):
    from actwise.activations import ENTRIES, Activation

    asked = []

    def prove(each, **options):
        asked.append((each.name, options))
        return _proof(each.name, 0.5)

    monkeypatch.setattr(proof, "prove", prove)
    assert aw("check", "--all", "--random", 7, "--seed", 3).exit_code == 0
    assert [name for name, _ in asked] == [each.name for each in ENTRIES if isinstance(each, Activation)]
    assert asked[0][1] == {"n_random": 7, "n_exact": 2000, "seed": 3}


def test_an_exhaustive_proof_keeps_its_state(aw, monkeypatch, tmp_path):
    asked = []

    def prove_exhaustively(each, path, on_progress):
        asked.append(path)
        on_progress(1, 256)
        error = Largest(0.6 if each.name != "relu" else 0.5, 2.0, 1.0, 1.5)
        return ExhaustiveProof(each.name, error, Largest(0.5), 0, 1.0)

    monkeypatch.setattr(proof, "prove_exhaustively", prove_exhaustively)
    assert aw("check", "--all", "--exhaustive", "relu").exit_code == 0
    result = aw("check", "--exhaustive", "x * tanh(x)", "--state", "here")
    assert result.exit_code == 1
    assert "the value in float32 is 0.6 ulp off at x = 2.0" in result.stdout
    assert "the derivative" not in result.stdout
    assert [str(path) for path in asked] == ["actwise-proof/relu.jsonl", "here/x---tanh-x-.jsonl"]
    assert (tmp_path / "here").is_dir()


def test_rows_have_no_proof_of_this_kind(refused):
    assert "softmax is a function of several numbers" in refused("check", "--all", "softmax")
