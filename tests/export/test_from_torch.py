"""PyTorch's sequential networks come in as they are, or are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation, AnyActivation, activation
from actwise.errors import InputError
from actwise.export.torch.table import TORCH_MODULES

torch = pytest.importorskip("torch")
nn = torch.nn

X = np.random.default_rng(0).normal(size=(40, 4)) * 3


def outputs(module: Any, dtype: Any = None) -> Any:
    rows = torch.tensor(X, dtype=dtype or next(module.parameters()).dtype)
    return module.eval()(rows).detach().numpy()


def seeded(*modules: Any) -> Any:
    torch.manual_seed(0)
    for module in modules:
        for each in module.modules():
            if hasattr(each, "reset_parameters"):
                each.reset_parameters()
    return nn.Sequential(*modules)


MODULES = [
    *(lambda row=row: getattr(nn, row.module)(**_example(row)) for row in TORCH_MODULES if row.both_ways),
    lambda: nn.PReLU(init=0.4), lambda: nn.RReLU(0.1, 0.5), lambda: nn.GLU(1), lambda: nn.Softplus(2.0),
    lambda: nn.Hardtanh(-0.5, 2), lambda: nn.Threshold(0.3, -1.0), lambda: nn.Softmax(1),
]  # fmt: skip


def _example(row: Any) -> dict[str, Any]:
    ours = next(each for each in ENTRIES if each.name == row.activation).values
    return {theirs: ours[name] for theirs, name in row.parameters.items()} | dict(row.fixed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("make", MODULES, ids=lambda make: str(make()))
def test_every_activation_of_pytorch(make: Any, dtype: Any) -> None:
    halves = 2 if isinstance(make(), nn.GLU) else 1
    module = seeded(nn.Linear(4, 6), make(), nn.Linear(6 // halves, 2)).to(dtype)
    network = aw.from_torch(module)
    assert network.dtype == str(dtype).removeprefix("torch.")
    tolerance = 1e-5 if dtype == torch.float32 else 1e-7  # PyTorch's own CELU and Hardsigmoid have float32 constants
    np.testing.assert_allclose(network.predict(X), outputs(module), atol=tolerance)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("what", ENTRIES, ids=lambda what: what.name)
def test_there_and_back(what: AnyActivation, native: bool) -> None:
    layers = [aw.Dense(6, what), aw.Dropout(0.25), aw.Dense(4, what, bias=False), aw.Dense(2, what)]
    network = aw.Network(layers, n_inputs=4, dtype="float64").initialised(1)
    module = aw.to_torch(network, native=native)
    back = aw.from_torch(module)
    np.testing.assert_allclose(back.predict(X), network.predict(X), rtol=1e-9, atol=1e-9)
    assert [type(each) for each in back.layers] == [type(each) for each in layers]
    assert back.n_parameters == network.n_parameters
    again = aw.to_torch(back, native=native)
    if isinstance(what, Activation):
        rows = torch.tensor(X)
        assert torch.equal(again(rows), module(rows))


def test_a_network_of_every_layer() -> None:
    normal = nn.BatchNorm1d(6, eps=1e-2, momentum=0.3)
    module = seeded(
        nn.Sequential(nn.Linear(4, 6, bias=False), normal, nn.ReLU()),
        nn.Dropout(0.5), nn.Identity(), nn.ELU(0.7), nn.Sequential(nn.Dropout(0.1), nn.Linear(6, 6)), nn.Dropout(0.2),
        nn.GLU(), nn.Linear(3, 3), nn.BatchNorm1d(3, affine=False), nn.Softmax(dim=-1), nn.Dropout(0.9),
    )  # fmt: skip
    module.train()(torch.tensor(X, dtype=torch.float32))
    network = aw.from_torch(module.eval())
    np.testing.assert_allclose(network.predict(X), outputs(module), atol=1e-6)
    found = [type(each).__name__ for each in network.layers]
    assert found == [
        "Dense", "BatchNorm", "ActivationLayer", "Dropout", "ActivationLayer", "Dropout", "Dense", "Dropout",
        "ActivationLayer", "Dense", "BatchNorm", "ActivationLayer",
    ]  # fmt: skip
    assert network.layers[1] == aw.BatchNorm(0.7, 1e-2)
    assert network.layers[3] == aw.Dropout(0.5)


def test_what_stands_before_the_first_linear_map() -> None:
    for before in (nn.Tanh(), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Sequential(nn.SiLU(), nn.BatchNorm1d(4))):
        module = seeded(before, nn.Linear(4, 2)).eval()
        np.testing.assert_allclose(aw.from_torch(module).predict(X), outputs(module), atol=1e-5)
    module = seeded(nn.GLU(), nn.Linear(2, 3))
    np.testing.assert_allclose(aw.from_torch(module).predict(X), outputs(module), atol=1e-5)


def test_it_can_be_trained_on() -> None:
    module = seeded(nn.Linear(4, 6), nn.PReLU(), nn.BatchNorm1d(6), nn.Linear(6, 1)).eval()
    network = aw.from_torch(module)
    run = aw.train(network, X, X[:, 0] * X[:, 1], optimizer="adam", epochs=30, seed=0)
    assert run.history[-1].training_loss < run.history[0].training_loss
    assert run.network.activation_values(0)["slope"] != 0.25


def test_other_number_types_and_one_linear_map() -> None:
    module = seeded(nn.Linear(4, 3))
    np.testing.assert_allclose(aw.from_torch(module[0]).predict(X), outputs(module), atol=1e-5)
    half = seeded(nn.Linear(4, 3), nn.Tanh()).bfloat16()
    assert aw.from_torch(half).dtype == "float32"
    np.testing.assert_allclose(aw.from_torch(half).predict(X), outputs(half.float()), atol=1e-5)


class Tanh(nn.Module):
    """Not PyTorch's."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 1)), r"module 0 \(Flatten\).*X\.reshape\(len\(X\), -1\)"),
        (lambda: nn.Sequential(nn.Linear(4, 1), nn.Sequential(nn.LayerNorm(1))), r"module 1\.0 \(LayerNorm\)"),
        (lambda: nn.Sequential(nn.Linear(4, 1), Tanh()), r"module 1 \(Tanh\) cannot be taken over: known act"),
        (lambda: nn.Sequential(nn.Linear(4, 1), nn.AlphaDropout()), "AlphaDropout"),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 1)), "takes 4 columns, but 3 come out"),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.GLU()), "splits 3 columns into 2"),
        (lambda: nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)), r"call \.eval\(\) on the module"),
        (lambda: nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2, track_running_stats=False)).eval(), "track_running"),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.PReLU(3), nn.PReLU(3)).apply(_vary), "has one for the layer"),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Softmax(0)), r"dim=-1"),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Softplus(1, 2)), "threshold must be at least 15"),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.CELU(-1.0)), "must lie between"),
        (lambda: nn.Sequential(nn.LazyLinear(3)), "give the module a batch first"),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Dropout(1.0)), "drops everything"),
        (lambda: nn.Sequential(nn.ReLU()), r"has no nn\.Linear"),
        (lambda: nn.Sequential(), r"has no nn\.Linear"),
        (lambda: nn.Transformer(4, 1, 1, 1), "not Transformer; put the layers"),
        (lambda: nn.Sequential, r"not Sequential \(a class\)"),
        (lambda: None, "not NoneType"),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_what_has_no_counterpart_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        aw.from_torch(make())


def _vary(module: Any) -> None:
    if isinstance(module, nn.PReLU):
        with torch.no_grad():
            module.weight += torch.arange(3)


def test_formulas_and_their_trained_parameters_come_back() -> None:
    what = activation("x * sigmoid(beta * x)", beta=aw.Param(1.0, trained=True))
    network = aw.Network([aw.Dense(3, what), aw.Dense(1)], 4).initialised(0)
    module = aw.to_torch(network)
    with torch.no_grad():
        module[1].beta += 0.5
    back = aw.from_torch(module)
    assert back.activation_values(0) == {"beta": 1.5}
    np.testing.assert_allclose(back.predict(X), outputs(module), atol=1e-6)
