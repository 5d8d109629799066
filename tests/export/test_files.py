"""Exports of several files in one step, and names that must not become one; PyTorch is not needed to write the code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actwise as aw
from actwise.activations import Param
from actwise.export.torch.names import attributes, distinct

WIDE = aw.Network([aw.Dense(200, "tanh"), aw.Dense(1)], n_inputs=2)


def weights_of(place: Path) -> bytes:
    """What the exported code would read."""
    name = place.read_text("utf-8").split(".resolve().parent / '")[1].split("'")[0]
    return place.with_name(name).read_bytes()


def names_in(folder: Path) -> list[str]:
    return sorted(each.suffix for each in folder.iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
import actwise as aw
replace, seen = Path.replace, 0
def dies(self, to):
    global seen
    seen += 1
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    found = replace(self, to)
    if seen == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return found
Path.replace = dies
network = aw.Network([aw.Dense(200, "relu"), aw.Dense(1)], n_inputs=2).initialised(7)
aw.to_torch_code(network, sys.argv[1])
"""


@pytest.mark.parametrize(("before", "after"), [(1, 0), (0, 1), (2, 0), (0, 2)])
def test_a_killed_export_leaves_old_code_with_old_weights(before: int, after: int, tmp_path: Path) -> None:
    place = tmp_path / "model.py"
    aw.to_torch_code(WIDE, place)
    code, weights = place.read_bytes(), weights_of(place)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(place), str(before), str(after)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (place.read_bytes() == code) == (after != 2)
    assert (weights_of(place) == weights) == (place.read_bytes() == code)
    aw.to_torch_code(WIDE, place)
    assert (place.read_bytes(), weights_of(place)) == (code, weights)
    assert names_in(tmp_path) == [".py", ".safetensors"]  # what was left has gone


def test_small_models_leave_no_weights_of_larger_ones(tmp_path: Path) -> None:
    aw.to_torch_code(WIDE, tmp_path / "model.py")
    aw.to_torch_code(aw.Network([aw.Dense(1)], n_inputs=1), tmp_path / "model.py")
    assert names_in(tmp_path) == [".py"]


@pytest.mark.parametrize("export", [aw.to_onnx, aw.to_torch_code])
def test_a_link_is_followed_and_a_directory_refused(export: Any, tmp_path: Path) -> None:
    suffix = ".py" if export is aw.to_torch_code else ".onnx"
    (tmp_path / "real").mkdir()
    link = tmp_path / f"model{suffix}"
    link.symlink_to(tmp_path / "real" / f"model{suffix}")
    export(WIDE, link)
    assert link.is_symlink()
    assert (tmp_path / "real" / f"model{suffix}").is_file()
    with pytest.raises(aw.InputError, match="there is no folder"):
        export(WIDE, tmp_path / "nowhere" / f"model{suffix}")


@pytest.mark.skipif(sys.platform == "win32", reason="a device of POSIX")
def test_a_device_stays_a_device() -> None:
    aw.to_onnx(WIDE, os.devnull)
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("names", [("a", "a_"), ("inputs", "inputs_"), ("h", "h_", "h__"), ("double", "double_")])
def test_different_names_stay_different(names: tuple[str, ...], tmp_path: Path) -> None:
    assert len(set(distinct(names, {"a", "inputs", "h", "double"}).values())) == len(names)
    assert len(set(attributes(names).values())) == len(names)
    product = " * ".join(f"({name} + {k})" for k, name in enumerate(names, 1))
    what = aw.activation(f"tanh(x) * {product}", **{name: Param(1.0 + k, trained=True) for k, name in enumerate(names)})
    network = aw.Network([aw.Dense(1, what, bias=False)], n_inputs=1)
    aw.to_torch_code(network, tmp_path / "model.py")
    text = (tmp_path / "model.py").read_text("utf-8")
    line = next(each for each in text.splitlines() if "each.double() for each in trained" in each)
    unpacked = [each.strip() for each in line.split(" = ")[0].split(",") if each.strip()]
    assert len(set(unpacked)) == len(names)


def test_names_that_python_takes_for_the_same_are_refused() -> None:
    x = {"f": lambda x, **_: x, "df_x": lambda x, **_: 1 + 0 * x}
    for name in ("ﬁ", "ℌ", "ａ", "x²"):
        with pytest.raises(aw.InputError, match="cannot be called"):
            aw.activations.Activation("own", params={name: Param(1.0)}, **x)


@pytest.mark.filterwarnings("ignore")  # few steps are enough here
@pytest.mark.parametrize(
    "label", ["😀", "𠮷", "ä", 'a"b', "back\\slash", "line\nbreak", "\x1b[31m", "\u202e", "\\N{BELL}"]
)
def test_labels_survive(label: str, tmp_path: Path) -> None:
    X = np.linspace(-1, 1, 20).reshape(10, 2)
    model = aw.MLPClassifier((2,), max_iter=2, random_state=0, solver="adam")
    model.fit(X, np.where(np.arange(10) % 2, label, "no"))
    aw.to_torch_code(model, tmp_path / "model.py")
    text = (tmp_path / "model.py").read_text("utf-8")
    constants: dict[str, Any] = {}
    exec(next(each for each in text.splitlines() if each.startswith("CLASSES")), constants)
    assert constants["CLASSES"] == tuple(model.classes_)
    assert text.isascii() or "\x1b" not in text
