"""``actwise export``: files that run without Actwise."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import actwise


def test_onnx_takes_the_columns_of_the_table(aw, saved, houses, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    result = aw("export", saved / "model", "--to", "onnx")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "written to model.onnx\n"
    model = actwise.load(saved / "model")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    labels, probabilities = session.run(None, model.onnx_inputs(houses))
    np.testing.assert_allclose(probabilities, model.predict_proba(houses), atol=1e-5)
    assert set(labels) == {"north", "south"}


def test_code_is_written_without_pytorch_and_named_like_a_module(aw, saved, tmp_path):
    (tmp_path / "my-model").symlink_to(saved / "model")
    assert aw("export", "my-model", "--to", "torch-code").exit_code == 0
    assert (tmp_path / "model.py").exists() or (tmp_path / "my_model.py").exists()
    result = aw("export", saved / "model", "--to", "torch-code", "-o", "net.py")
    assert result.stderr == "written to net.py\n"
    if find_spec("torch"):
        program = "import net, torch; print(net.CLASSES, net.build()(torch.zeros(3, 2)).shape)"
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout == "('north', 'south') torch.Size([3, 1])\n", done.stderr


def test_a_program_of_pytorch(aw, saved, tmp_path):
    torch = pytest.importorskip("torch")
    assert aw("export", saved / "model", "--to", "torch", "-o", "net.pt2").exit_code == 0
    module = torch.export.load(tmp_path / "net.pt2").module()
    assert module(torch.zeros(5, 2)).shape == (5, 1)


def test_plain_networks_too(aw, tmp_path):
    pytest.importorskip("onnx")
    actwise.save(actwise.Network([actwise.Dense(1, "x * tanh(x)")], n_inputs=2), tmp_path / "net")
    assert aw("export", "net", "--to", "onnx").exit_code == 0
    assert (tmp_path / "net.onnx").exists()


def test_what_cannot_be_done_is_refused(refused, saved, tmp_path):
    (tmp_path / "mine.py").write_text("precious")
    assert "there is no model at nothing" in refused("export", "nothing", "--to", "onnx")
    assert "did not write" in refused("export", saved / "model", "--to", "torch-code", "-o", "mine.py")
    assert "cannot be imported" in refused("export", saved / "model", "--to", "torch-code", "-o", "a-b.py")
    assert "is a directory" in refused("export", saved / "model", "--to", "onnx", "-o", ".")


def test_the_target_has_to_be_named(aw, saved):
    for arguments in ((), ("--to", "keras")):
        result = aw("export", saved / "model", *arguments)
        assert result.exit_code == 2
        assert "onnx" in result.stderr
