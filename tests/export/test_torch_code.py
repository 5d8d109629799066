"""Written Python files need PyTorch only, read well, and compute what networks compute, gradients included."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import actwise as aw
from actwise.activations import ENTRIES, Activation, AnyActivation, Param, activation
from actwise.errors import InputError
from actwise.export.torch.code import LARGEST_INSIDE
from actwise.export.torch.names import attributes
from actwise.tasks.scaling import Scaling
from actwise.training.descriptions import ModelDescription

torch = pytest.importorskip("torch")
from actwise.export.torch.code import write_code  # noqa: E402  # needs torch
from actwise.export.torch.model import build_module  # noqa: E402  # needs torch

X = np.random.default_rng(0).normal(size=(30, 4)) * 2


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"written_{abs(hash(str(path)))}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs_and_gradients(module: Any, dtype: str) -> list[Any]:
    rows = torch.tensor(X.astype(dtype), requires_grad=True)
    found = module(rows)
    (found * torch.linspace(-1, 2, found.numel(), dtype=found.dtype).reshape(found.shape)).sum().backward()
    return [found.detach().numpy(), rows.grad.numpy(), *(each.grad.numpy() for each in module.parameters())]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("what", ENTRIES, ids=lambda what: what.name)
def test_every_activation(what: AnyActivation, dtype: str, tmp_path: Path) -> None:
    network = aw.Network([aw.Dense(4, what), aw.Dense(2, what)], n_inputs=4, dtype=dtype).initialised(1)
    aw.to_torch_code(network, tmp_path / "model.py")
    written = loaded(tmp_path / "model.py").build()
    assert not written.training
    found, wanted = outputs_and_gradients(written, dtype), outputs_and_gradients(aw.to_torch(network), dtype)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def everything(dtype: str) -> aw.Network:
    own = activation("where(x > 0.1, x, k * x) + c * sin(x)", k=Param(0.2, trained=True), c=0.3)
    layers = [
        aw.Dense(5, "swish"), aw.Dropout(0.5), aw.Maxout(4, 3), aw.Dense(4, "swiglu", bias=False), aw.Dense(5, own),
        aw.Dense(4, "prelu"), aw.BatchNorm(0.9, 1e-2), aw.ActivationLayer("snake"), aw.Dense(4, "swish"),
        aw.Dense(3, activation("snake", alpha=2)), aw.Dense(3, "softmax"),
    ]  # fmt: skip
    return aw.Network(layers, n_inputs=4, dtype=dtype).initialised(3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wide", [1, 40], ids=["weights inside", "weights beside"])
def test_a_whole_network(dtype: str, wide: int, tmp_path: Path) -> None:
    layers = everything(dtype).layers
    network = aw.Network([aw.Dense(wide, "tanh"), *layers], n_inputs=4, dtype=dtype).initialised(3)
    aw.to_torch_code(network, tmp_path / "model.py")
    assert bool(list(tmp_path.glob("*.safetensors"))) == (network.n_parameters > LARGEST_INSIDE) == (wide == 40)
    module = loaded(tmp_path / "model.py").build()
    own = aw.to_torch(network)
    assert {name: each.shape for name, each in module.state_dict().items()} == {
        name: each.shape for name, each in own.state_dict().items()
    }
    for one, other in zip(outputs_and_gradients(module, dtype), outputs_and_gradients(own, dtype), strict=True):
        np.testing.assert_array_equal(one, other)
    text = (tmp_path / "model.py").read_text("utf-8")
    assert text.count("class SwishFunction") == 1  # two layers, one class
    assert "class Snake(" in text
    assert "class Snake2(" in text  # another parameter, another function
    assert max(map(len, text.splitlines())) < 200


def test_it_runs_where_there_is_no_actwise(tmp_path: Path) -> None:
    network = aw.Network([aw.Dense(30, "snake"), aw.Dense(20, "gelu"), aw.Dense(1, "sigmoid")], 4).initialised(0)
    aw.to_torch_code(network, tmp_path / "model.py")
    program = (
        "import sys, json, importlib.abc\n"
        "class Refuse(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] in ('actwise', 'safetensors', 'numba', 'sklearn'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import torch, model\n"
        f"print(json.dumps(model.build()(torch.tensor({X.tolist()}, dtype=torch.float32)).tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), network.predict(X), atol=1e-6)


def test_scaling_classes_and_columns(tmp_path: Path) -> None:
    network = aw.Network([aw.Dense(3, "tanh"), aw.Dense(2)], n_inputs=4, dtype="float64").initialised(2)
    parts = ModelDescription(
        network, inputs=Scaling([5.0, 0, 1, 2], [2.0, 1, 3, 4]), outputs=Scaling([10.0, 20], [3.0, 4])
    )
    write_code(parts, tmp_path / "scaled.py")
    rows = torch.tensor(X)
    assert torch.equal(loaded(tmp_path / "scaled.py").build()(rows), build_module(parts)(rows))
    chosen = aw.FitSettings(hidden=(4,), epochs=3, baselines=False)
    model = aw.fit_table(_labels(), "species", chosen).model
    aw.to_torch_code(model, tmp_path / "table.py")
    written = loaded(tmp_path / "table.py")
    assert model.target.labels == written.CLASSES
    assert written.TARGETS == ("species",)
    encoded = torch.tensor(model.encoding.encode(_labels()))
    np.testing.assert_allclose(written.build()(encoded).detach(), model.predict_proba(_labels()), atol=1e-6)


def _labels() -> Any:
    from actwise.tables import read_table

    return read_table("sample:iris")


EVIL = ['"""\nimport os\nos.abort()\n"""', "x\\", 'ends with "', "\x00\x1b[2J", "a\u2028b\rprint()", "{0} %s {x!r}"]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_of_a_model_becomes_code(text: str, tmp_path: Path) -> None:
    own = Activation(text, f=lambda x: x * x, df_x=lambda x: 2 * x, definition=text)
    network = aw.Network([aw.Dense(1, own)], n_inputs=1).initialised(0)
    write_code(ModelDescription(network, classes=(text, text + "2"), names=(text,)), tmp_path / "model.py")
    tree = ast.parse((tmp_path / "model.py").read_text("utf-8"))
    assert [type(each).__name__ for each in tree.body if not isinstance(each, ast.Import | ast.ImportFrom)] == [
        "Expr", "Assign", "Assign", "ClassDef", "ClassDef", "FunctionDef", "FunctionDef",
    ]  # fmt: skip
    written = loaded(tmp_path / "model.py")
    assert (text, text + "2") == written.CLASSES
    np.testing.assert_allclose(written.build()(torch.ones(1, 1)).detach(), network.predict([[1.0]]))


def test_parameters_may_have_any_name(tmp_path: Path) -> None:
    names = ("training", "given", "torch", "where", "softplus", "ctx", "a", "trained", "self", "nn", "values", "b")
    names = tuple({"softplus": "softplus_", "where": "where_"}.get(name, name) for name in names)  # as a formula must
    text = " + ".join(f"{name} * x**{k}" for k, name in enumerate(names)) + " + softplus(x) + where(x > 0, 1, x * x)"
    formula = activation(text, **{name: Param(0.1, trained=True) for name in names})
    network = aw.Network([aw.Dense(1, formula)], n_inputs=1, dtype="float64").initialised(0)
    aw.to_torch_code(network, tmp_path / "model.py")
    written, own = loaded(tmp_path / "model.py").build(), aw.to_torch(network)
    rows = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    assert torch.equal(written(rows), own(rows))


def test_no_attribute_hides_one_of_a_module() -> None:
    module = torch.nn.Module()
    for name in [*dir(module), *vars(module)]:
        if not name.startswith("__"):
            assert attributes([name])[name] != name, name


# Random formulas


def _texts() -> Iterator[Any]:
    from actwise.formula.vocabulary import FUNCTIONS

    yield from sorted(name for name, each in FUNCTIONS.items() if (each.fewest, each.most) == (1, 1))


formulas = st.recursive(
    st.sampled_from(["x", "x", "0.5", "2", "beta"]),
    lambda inner: (
        st.tuples(st.sampled_from([*_texts()]), inner).map(lambda t: f"{t[0]}({t[1]})")
        | st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})")
        | st.tuples(inner, st.sampled_from(["<", ">="]), inner, inner).map(
            lambda t: f"where({t[0]} {t[1]} {t[2]}, {t[3]}, x)"
        )
    ),
    max_leaves=6,
)
POINTS = np.concatenate([-np.geomspace(1e-4, 50, 12), [0.0], np.geomspace(1e-4, 50, 12)])


@settings(max_examples=60, deadline=None)
@given(text=formulas)
def test_random_formulas_in_both_forms(text: str, spread: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    from actwise.formula.differentiate import differentiate
    from actwise.formula.parse import parse
    from actwise.formula.simplify import simplify
    from actwise.formula.stabilise import stabilise

    try:
        expression = stabilise(simplify(parse(text, parameters=["beta"])))
        what = Activation("own", f=expression, df_x=simplify(differentiate(expression, "x")),
                          params={"beta": Param(0.75, trained=True)})  # fmt: skip
        network = aw.Network([aw.Dense(1, what, bias=False)], 1, dtype="float64").with_parameters([1.0, 0.75])
    except InputError:
        assume(False)
    path = tmp_path_factory.mktemp("formula") / "model.py"
    aw.to_torch_code(network, path)
    rows = torch.tensor(POINTS[:, None], requires_grad=True)
    with np.errstate(all="ignore"):
        value, slope = what(POINTS), what.derivative(POINTS)
    for module in (aw.to_torch(network), loaded(path).build()):
        rows.grad = None
        found = module(rows)
        found.sum().backward()
        pairs = ((expression, value, found[:, 0].detach()), (what.derivative_expression, slope, rows.grad[:, 0]))
        for part, ours, theirs in pairs:
            counts = np.isfinite(ours) & (spread(part, {"x": POINTS, "beta": 0.75}, 1e-14) < 1e-10)
            error = np.abs(theirs.numpy()[counts] - ours[counts]) / np.maximum(1, np.abs(ours[counts]))
            assert np.all(error <= 1e-10), text


# Bad input


@pytest.mark.parametrize("name", ["my-model.py", "1.py", "class.py", "model", "model.txt", ".py"])
def test_names_that_cannot_be_imported(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be imported in Python; choose a name of letters"):
        aw.to_torch_code(aw.Network([aw.Dense(1)], n_inputs=1), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_nobodys_source_text_is_lost(tmp_path: Path) -> None:
    network = aw.Network([aw.Dense(300)], n_inputs=1)
    (tmp_path / "model.py").write_text("precious")
    with pytest.raises(InputError, match="holds what Actwise did not write"):
        aw.to_torch_code(network, tmp_path / "model.py")
    (tmp_path / "own.safetensors").write_text("precious")
    aw.to_torch_code(network, tmp_path / "own.py")
    assert {each.read_text() for each in (tmp_path / "model.py", tmp_path / "own.safetensors")} == {"precious"}
    aw.to_torch_code(network.initialised(5), tmp_path / "own.py")
    rows = torch.ones(1, 1)
    np.testing.assert_allclose(
        loaded(tmp_path / "own.py").build()(rows).detach(), network.initialised(5).predict([[1.0]])
    )


# Programs


def test_a_program_takes_any_number_of_rows(tmp_path: Path) -> None:
    network = everything("float32")
    aw.to_torch_program(network, tmp_path / "model.pt2")
    module = torch.export.load(tmp_path / "model.pt2").module()
    for n_rows in (1, 2, 30):
        found = module(torch.tensor(X[:n_rows], dtype=torch.float32)).detach().numpy()
        np.testing.assert_allclose(found, network.predict(X[:n_rows]), atol=1e-6)
