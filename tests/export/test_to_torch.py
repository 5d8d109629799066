"""Exported modules compute what networks compute, gradients included: at kinks, in tails, in both dtypes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation, AnyActivation, GatedActivation, Param, RowActivation, activation
from actwise.export.torch.dialect import torch_table
from actwise.export.torch.table import TORCH_MODULES
from actwise.formula.operations import OPERATIONS
from actwise.model import oracle as reference
from actwise.model.losses import loss as get_loss
from actwise.tasks.scaling import Scaling
from actwise.training.descriptions import ModelDescription

torch = pytest.importorskip("torch")
from actwise.export.torch.model import build_module  # noqa: E402  # needs torch
from actwise.export.torch.modules import ActivationModule  # noqa: E402  # needs torch

Bare = Callable[..., Any]
SIZES = np.geomspace(1e-7, 1e4, 120)
KINKS = [-20.0, -6, -3, -2.5, -2, -1, -0.5, 0.25, 0.5, 1, 2, 2.5, 3, 6, 20]
POINTS = np.concatenate([-SIZES[::-1], [0.0], SIZES, KINKS])
FORMULAS = (
    "x * sigmoid(x) + 0.1 * sin(3 * x)",
    "where(x > 0.1, x, 0.3)",
    "log(normal_cdf(x))",
    "max(x, 0.5) - min(2, x)",
)


def pre_activations(what: AnyActivation) -> Any:
    rng = np.random.default_rng(3)
    if isinstance(what, Activation):
        return POINTS[:, None]
    if isinstance(what, RowActivation):
        rows = rng.normal(size=(200, 4)) * 10 ** rng.uniform(-3, 3, (200, 1))
        return np.vstack([rows, np.zeros((1, 4)), np.eye(4) * 100])
    return rng.choice(POINTS, size=(1000, what.pieces))


def gradient_of(what: AnyActivation, x: Any, upstream: Any) -> Any:
    if isinstance(what, Activation):
        return what.derivative(x) * upstream
    return what.vector_jacobian_product(x, upstream)


def other_values(what: AnyActivation) -> list[dict[str, float]]:
    every = [{}]
    for low_share in (0.3, 0.8):
        bounds = {name: (max(each.low, 0.25), min(each.high, 3.5)) for name, each in what.params.items()}
        # Parameters that are bounds come in the right order: the second one is larger.
        every.append(
            {name: low + (high - low) * (low_share + 0.1 * k) for k, (name, (low, high)) in enumerate(bounds.items())}
        )
    return every if what.params else every[:1]


@pytest.mark.parametrize("native", [True, False], ids=["own modules", "composed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("what", ENTRIES, ids=lambda what: what.name)
def test_every_activation_with_its_gradient(what: AnyActivation, dtype: str, native: bool, bare: Bare) -> None:
    for values in other_values(what):
        own = what.with_values(**values)
        x = pre_activations(own).astype(dtype)
        n_units = x.shape[1] // getattr(own, "pieces", 1)
        module = aw.to_torch(bare(own, n_units, dtype), native=native)[1:]  # without the linear map
        given = torch.tensor(x, requires_grad=True)
        found = module(given)
        upstream = np.random.default_rng(0).normal(size=tuple(found.shape)).astype(dtype)
        found.backward(torch.tensor(upstream))
        assert found.dtype == given.grad.dtype == getattr(torch, dtype)
        # PyTorch's own lose digits in the tails, in float32 up to some 1e-6 of the steepest slope.
        tolerance = {("float32", True): 3e-6, ("float32", False): 3e-7, ("float64", True): 1e-13}.get(
            (dtype, native), 1e-14
        )
        wide = x.astype(np.float64)
        with np.errstate(all="ignore"):
            same(found.detach().numpy(), own(wide).astype(dtype), tolerance)
            # The slope of a gate is multiplied by a value of any size: relative to that it is right. A far angle is
            # off by the rounding of its product with a parameter, which our own kernels carry along.
            factor = 1 + np.abs(x).max(axis=1, keepdims=True) if isinstance(what, GatedActivation) else 1.0
            wanted = gradient_of(own, wide, upstream)
            moved = gradient_of(own, wide * (1 + 4 * np.finfo(np.float64).eps), upstream) - wanted
            allowed = np.where(np.isfinite(moved), np.abs(moved), 0) if what.name == "snake" else 0.0
            same(given.grad.numpy(), wanted.astype(dtype), tolerance * factor + allowed)


def same(found: Any, wanted: Any, tolerance: Any) -> None:
    with np.errstate(all="ignore"):
        near = np.abs(found - wanted) <= tolerance * np.maximum(1, np.abs(wanted))
    assert np.all(near | (found == wanted))  # infinities may be equal; NaN is not


@pytest.mark.filterwarnings("ignore::actwise.errors.ActwiseWarning")
@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_keep_their_digits_in_the_tails(text: str, bare: Bare) -> None:
    what = activation(text)
    x = torch.tensor(POINTS[:, None], requires_grad=True)
    module = aw.to_torch(bare(what, 1, "float64"))[1:]
    module(x).sum().backward()
    with np.errstate(all="ignore"):
        value, slope = what(POINTS), what.derivative(POINTS)
    for found, wanted in ((module(x)[:, 0].detach(), value), (x.grad[:, 0], slope)):
        counts = np.isfinite(wanted)
        np.testing.assert_allclose(found.numpy()[counts], wanted[counts], rtol=1e-9, atol=1e-300)


def test_composed_gradients_are_those_that_pytorchs_own_lose() -> None:
    x = torch.tensor([[-80.0], [18.0], [60.0]], requires_grad=True)
    network = aw.Network([aw.Dense(1, "sigmoid", bias=False)], 1).with_parameters([1.0])
    aw.to_torch(network, native=False)(x).sum().backward()
    np.testing.assert_allclose(x.grad[:, 0], activation("sigmoid").derivative([-80.0, 18, 60]), rtol=1e-6)


def test_every_module_of_the_table_is_used_and_every_operation_is_in_the_dialect(bare: Bare) -> None:
    assert set(OPERATIONS) <= set(torch_table())
    for row in TORCH_MODULES:
        what = next(each for each in ENTRIES if each.name == row.activation)
        made = list(aw.to_torch(bare(what, 2)))[1:]
        assert [type(each).__name__ for each in made] == ([row.module] if row.module != "Identity" else [])


# Whole networks


def deep(dtype: str) -> aw.Network:
    layers = [
        aw.Dense(5, "swish"), aw.Dropout(0.5), aw.Maxout(4, 3), aw.Dense(4, "swiglu", bias=False),
        aw.Dense(5, activation("where(x > 0, x, k * x) + c * sin(x)", k=Param(0.2, trained=True), c=0.3)),
        aw.Dense(4, "prelu"), aw.BatchNorm(0.9, 1e-2), aw.ActivationLayer("snake"), aw.Dense(3, "sparsemax"),
        aw.Dense(3), aw.ActivationLayer("softmax"),
    ]  # fmt: skip
    network = aw.Network(layers, n_inputs=4, dtype=dtype).initialised(3)
    values, shape = network.values.copy(), next(each for each in network.structure if each.map == "normalising")
    for at, low in (
        (shape.scale_at, -1),
        (shape.biases_at, -1),
        (shape.statistics_at, -1),
        (shape.statistics_at + 4, 0.5),
    ):
        values[at : at + 4] = np.random.default_rng(at).uniform(low, 2, 4)
    return network.with_parameters(values)


X = np.random.default_rng(0).normal(size=(60, 4))


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("loss", ["squared_error", "categorical_cross_entropy"])
def test_gradients_of_all_parameters_are_those_that_we_train_with(loss: str, native: bool) -> None:
    network = deep("float64")
    module = aw.to_torch(network, native=native).train()  # batches are normalised by themselves
    for stage in module:
        if isinstance(stage, torch.nn.Dropout):
            stage.eval()
    y = np.random.default_rng(1).integers(0, 3, 60)
    if loss == "squared_error":
        y = np.eye(3)[y]
        value = ((module(torch.tensor(X)) - torch.tensor(y)) ** 2).sum(1).mean()
        scale = get_loss(loss).for_engine(3)
    else:
        value = torch.nn.functional.nll_loss(torch.log(module(torch.tensor(X))), torch.tensor(y))
        scale, y = get_loss(loss).for_engine(3), y[:, None]
    value.backward()
    ours, gradient = reference.loss_and_gradient(network.structure, network.values.astype(float), X, y, scale)
    theirs = np.concatenate([_in_our_order(stage) for stage in module])
    factor = ours / value.item()  # a loss may be half of the other's
    assert factor == pytest.approx(1) or factor == pytest.approx(0.5) or factor == pytest.approx(1 / 3)
    np.testing.assert_allclose(theirs * factor, gradient[:-8], rtol=1e-8, atol=1e-12)  # averages have no gradient


def _in_our_order(stage: Any) -> Any:
    if isinstance(stage, torch.nn.Linear):
        found = [stage.weight.grad.numpy().T.ravel()]
        return np.concatenate(found + ([stage.bias.grad.numpy()] if stage.bias is not None else []))
    return np.concatenate([np.zeros(0), *(each.grad.numpy().reshape(-1) for each in stage.parameters())])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_of_a_network(dtype: str) -> None:
    network = deep(dtype)
    module = aw.to_torch(network)
    assert not module.training
    assert {each.dtype for each in module.parameters()} == {getattr(torch, dtype)}
    assert sum(each.numel() for each in module.parameters()) == network.n_parameters - 8  # the averages are buffers
    found = module(torch.tensor(X, dtype=getattr(torch, dtype))).detach().numpy()
    np.testing.assert_allclose(found, network.predict(X), atol=1e-6 if dtype == "float32" else 1e-14)


def test_dropout_drops_in_training_only() -> None:
    network = aw.Network([aw.Dense(200, "identity", bias=False), aw.Dropout(0.5), aw.Dense(1)], 1)
    module = aw.to_torch(network)
    rows = torch.ones(1, 1)
    assert torch.equal(module(rows), module(rows))
    module.train()
    torch.manual_seed(0)
    assert not torch.equal(module(rows), module(rows))


def test_it_goes_on_training_and_changes_no_network() -> None:
    network = aw.Network([aw.Dense(8, "swish"), aw.Dense(1)], n_inputs=4)
    before = network.values.copy()
    module = aw.to_torch(network).train()
    optimizer = torch.optim.Adam(module.parameters(), 0.02)
    rows, target = torch.tensor(X, dtype=torch.float32), torch.tensor(X[:, :1] * X[:, 1:2], dtype=torch.float32)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        value = torch.nn.functional.mse_loss(module(rows), target)
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
    assert losses[-1] < losses[0] / 3
    assert float(module[1].beta.detach()) != 1
    np.testing.assert_array_equal(network.values, before)


def test_the_module_is_an_ordinary_one(tmp_path: Path) -> None:
    module = aw.to_torch(deep("float32"))
    rows = torch.tensor(X, dtype=torch.float32)
    wanted = module(rows)
    assert torch.equal(copy.deepcopy(module)(rows), wanted)
    assert torch.equal(pickle.loads(pickle.dumps(module))(rows), wanted)
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    other = aw.to_torch(deep("float32").initialised(9))
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(other(rows), wanted)


def test_derivatives_of_derivatives() -> None:
    module = ActivationModule(aw_stage("x * sigmoid(x) + sin(x)"))
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, x)
    assert torch.autograd.gradgradcheck(module, x)
    jacobian = torch.func.vmap(torch.func.grad(lambda each: module(each).sum()))(x.detach())
    np.testing.assert_allclose(jacobian, activation("x * sigmoid(x) + sin(x)").derivative(x.detach().numpy()))


def aw_stage(text: str) -> Any:
    from actwise.export.torch.stages import Composed, stages

    network = aw.Network([aw.Dense(1, text)], 1, dtype="float64")
    return next(each for each in stages(ModelDescription(network)) if isinstance(each, Composed))


def test_parameters_may_be_called_like_a_modules_own(bare: Bare) -> None:
    names = {name: Param(0.5, trained=True) for name in ("training", "weight", "forward", "formula", "beta")}
    what = activation("training * x + weight * sin(x) + forward + formula * x**2 + beta", **names)
    network = bare(what)
    module = aw.to_torch(network)
    rows = np.linspace(-1, 1, 5)[:, None].astype(np.float32)
    np.testing.assert_allclose(module(torch.tensor(rows)).detach(), network.predict(rows), atol=1e-6)
    assert len(list(module[1].parameters())) == 5


def test_scaling_is_part_of_the_module() -> None:
    network = aw.Network([aw.Dense(3, "tanh"), aw.Dense(2)], n_inputs=4, dtype="float64").initialised(2)
    parts = ModelDescription(
        network, inputs=Scaling([5.0, 0, 1, 2], [2.0, 1, 3, 4]), outputs=Scaling([10.0, 20], [3.0, 4])
    )
    found = build_module(parts)(torch.tensor(X)).detach().numpy()
    assert parts.inputs is not None
    assert parts.outputs is not None
    np.testing.assert_allclose(found, parts.outputs.undo(network.predict(parts.inputs.apply(X))), rtol=1e-13)


def test_a_table_model_takes_encoded_rows() -> None:
    chosen = aw.FitSettings(hidden=(4,), epochs=3, baselines=False)
    for source, target in (("sample:iris", "species"), ("sample:diabetes", None), ("sample:diabetes", "long tail")):
        table = aw.TableModel and source
        from actwise.tables import read_table

        frame = read_table(table)
        target = target or frame.columns[-1]
        if target == "long tail":
            frame = frame.with_columns((pl.col(frame.columns[-1]) / 25).exp().alias(target))
        model = aw.fit_table(frame, target, chosen).model
        found = aw.to_torch(model)(torch.tensor(model.encoding.encode(frame))).detach().numpy()
        assert (model.target.task.transform == "log") == (target == "long tail")
        wanted = model.predict_proba(frame) if model.target.is_classification else model.predict(frame)[:, None]
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_without_pytorch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(aw.ActwiseError, match=r"pip install '\.\[torch\]'"):
        aw.to_torch(aw.Network([aw.Dense(1)], n_inputs=1))


def test_unused_gated_arguments() -> None:
    assert GatedActivation("own", f=lambda a, b: a * b).pieces == 2
