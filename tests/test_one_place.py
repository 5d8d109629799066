"""An activation, a loss, an optimizer and a training setting are declared in one place each: the rest follows."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import actwise as aw
from actwise.activations import Activation, Claims, FromOutput, GatedActivation, Param, RowActivation
from actwise.formula.expression import absolute, exp, row_max, row_sum, where
from actwise.model import oracle as reference
from actwise.report.pages import activations_page
from actwise.report.plots import draw

# None of these is known to the package.
LOPSIDED = Activation(
    name="lopsided",
    params={"tilt": Param(0.3)},
    f=lambda x, tilt: where(x > 0, x / (1 + x), tilt * x / (1 - x)),
    df_x=lambda x, tilt: where(x > 0, 1, tilt) / ((1 + absolute(x)) * (1 + absolute(x))),
    df_y=FromOutput(
        lambda y, tilt: where(y > 0, (1 - y) * (1 - y), tilt * (1 + y / tilt) * (1 + y / tilt)),
        when=lambda tilt: tilt > 0,
    ),
    claims=Claims(range=lambda tilt: (-tilt, 1), kinks=(0,), lipschitz=1),
    source="made up for this test",
)
LEARNT = Activation(
    name="learnt",
    params={"bend": Param(0.5, trained=True)},
    f=lambda x, bend: x + bend * x * exp(-x * x),
    df_x=lambda x, bend: 1 + bend * (1 - 2 * x * x) * exp(-x * x),
)
SHARPENED = RowActivation(
    name="sharpened",
    f=lambda x: exp(2 * (x - row_max(x))) / row_sum(exp(2 * (x - row_max(x)))),
    vjp=lambda y, g: 2 * y * (g - row_sum(y * g)),
    range=(0, 1),
)
DAMPED = GatedActivation(name="damped", f=lambda value, gate: value / (1 + gate * gate))
ALL = [LOPSIDED, LEARNT, SHARPENED, DAMPED]
X = np.random.default_rng(0).normal(size=(40, 3))


def test_value_and_derivative():
    x = np.array([-2.0, 1.0])
    np.testing.assert_allclose(LOPSIDED(x), [-0.2, 0.5])
    np.testing.assert_allclose(LOPSIDED.derivative(x), [0.3 / 9, 0.25])
    np.testing.assert_allclose(LOPSIDED.derivative_from_output(LOPSIDED(x)), LOPSIDED.derivative(x))
    rows = SHARPENED(X)
    np.testing.assert_allclose(rows, np.exp(2 * X) / np.exp(2 * X).sum(1, keepdims=True))
    step, upstream = 1e-6, np.ones_like(X) * [1.0, -0.5, 0.3]
    jvp = SHARPENED.vector_jacobian_product(X, upstream)
    for j in range(3):
        moved = np.zeros(3)
        moved[j] = step
        slope = ((SHARPENED(X + moved) - SHARPENED(X - moved)) / (2 * step) * upstream).sum(1)
        np.testing.assert_allclose(jvp[:, j], slope, atol=1e-8)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_kernels(each, dtype):
    network = aw.Network([aw.Dense(4, each), aw.Dense(1)], 3, dtype=dtype).initialised(1)
    expected = reference.forward(network.structure, network.values.astype(float), X)[-1][2]
    np.testing.assert_allclose(network.predict(X), expected, atol=1e-6 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_training(each):
    network = aw.Network([aw.Dense(6, each), aw.Dense(1)], 3)
    y = X[:, 0] * X[:, 1]
    run = aw.train(network, X, y, optimizer="adam", learning_rate=0.02, epochs=200, seed=1)
    assert run.history[-1].training_loss < 0.5 * run.history[0].training_loss
    if each is LEARNT:
        assert run.network.activation_values(0)["bend"] != 0.5


def test_facts_follow():
    assert LOPSIDED.range == (-0.3, 1)
    assert LOPSIDED.with_values(tilt=2.0).range == (-2, 1)
    assert not LOPSIDED.zero_centred
    assert LEARNT.zero_centred
    assert LOPSIDED.gain > 1
    assert "x" in LOPSIDED.formula
    assert "x" in LOPSIDED.derivative_formula


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_docs_row_and_plot(each):
    assert f"[{each.name}](gallery.md#{each.name})" in activations_page([each])
    figure = draw([each])
    lines = [line for axes in figure.axes for line in axes.get_lines() if len(line.get_xdata()) > 50]
    assert lines, "no curve was drawn"
    if each is LOPSIDED:
        x, y = lines[0].get_data()
        np.testing.assert_allclose(y, LOPSIDED(np.asarray(x)), atol=1e-12)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_saving(each, tmp_path):
    network = aw.Network([aw.Dense(4, each), aw.Dense(1)], 3).initialised(1)
    aw.save(network, tmp_path / "model")
    again = aw.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X), network.predict(X))


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_onnx(each, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    network = aw.Network([aw.Dense(4, each), aw.Dense(1)], 3).initialised(1)
    aw.to_onnx(network, tmp_path / "network.onnx")
    (found,) = runtime.InferenceSession(tmp_path / "network.onnx").run(["outputs"], {"X": X.astype(np.float32)})
    np.testing.assert_allclose(found, network.predict(X), atol=1e-5)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_pytorch_with_gradients(each, tmp_path):
    torch = pytest.importorskip("torch")
    network = aw.Network([aw.Dense(4, each, bias=False), aw.Dense(1)], 3, dtype="float64").initialised(1)
    rows = torch.tensor(X, requires_grad=True)
    module = aw.to_torch(network)
    module(rows).sum().backward()
    np.testing.assert_allclose(module(rows).detach(), network.predict(X), atol=1e-13)
    linear, upstream = X @ network.weights[0], np.repeat(network.weights[1].T, len(X), axis=0)
    if isinstance(each, Activation):
        expected = each.derivative(linear) * upstream
    else:
        expected = each.vector_jacobian_product(linear, upstream)
    np.testing.assert_allclose(rows.grad, expected @ network.weights[0].T, atol=1e-12)
    if each is LEARNT:
        slope = np.sum(linear * np.exp(-(linear**2)) * upstream)
        np.testing.assert_allclose(module[1].bend.grad, slope, rtol=1e-9)
    aw.to_torch_code(network, tmp_path / "network.py")
    written = {}
    exec(compile((tmp_path / "network.py").read_text(), "network.py", "exec"), written)
    assert torch.equal(written["build"]()(rows), module(rows))


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_there_and_back_through_pytorch(each):
    pytest.importorskip("torch")
    network = aw.Network([aw.Dense(4, each), aw.Dense(1)], 3).initialised(1)
    back = aw.from_torch(aw.to_torch(network))
    np.testing.assert_array_equal(back.predict(X), network.predict(X))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each door makes of a setting, an optimizer and a loss that were just declared."""
    program = [sys.executable, str(Path(__file__).with_name("new_declarations.py"))]
    folder = tmp_path_factory.mktemp("new")
    return json.loads(subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True, cwd=folder).stdout)


def test_an_optimizer_that_has_a_name_is_known_at_every_door(found):
    assert found["calm"] == [0.0625] * 3
    assert found["calm, fit"]


def test_a_loss_is_a_formula_and_its_derivative(found):
    assert found["loss"] < 1e-12


def test_a_setting_is_a_row_of_the_table(found):
    for door in ("train", "train_many", "estimator", "fit_table", "fit"):
        assert found[door] == [0.5], door
    assert found["run"] == found["estimator, saved"] == 0.5
    assert found["train, left out"] == found["estimator, left out"] == [0.25]
    assert found["train, former name"] == [0.125]
    assert found["train, wrong"] == found["fit_table, wrong"] == "wobble must be 0 or a positive number, not -1"
    assert (
        "The 'wobble_size' parameter of MLPRegressor must be a float in the range [0.0, inf)"
        in found["estimator, wrong"]
    )
    for command in ("fit, wrong", "diagnose, wrong"):
        assert found[command] == [2, "Error: --wobble must be 0 or a positive number, not -1.0\n"]
    assert found["as code"] == ["wobble=0.5", "wobble_size=0.5", "--wobble 0.5"]
    for told in found["told"]:
        assert "How much the steps wobble." in told
