"""The cache of compiled code: never stale, survives read-only homes and two processes at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actwise.kernels import build

TRAIN = """
import numpy as np, actwise as aw
net = aw.Network([aw.Dense(2, "tanh"), aw.Dense(1)], 2)
run = aw.train(net, [[0, 0], [1, 1.0]], [0, 1.0], optimizer="sgd", epochs=2)
print(repr(run.history[-1].training_loss))
"""


def _python(code, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_rendered_source_is_written_once_and_named_by_its_content(tmp_path):
    code = """
from actwise.kernels import build
a = build.rendered("sample", "VALUE = 1\\n", "float32")
b = build.rendered("sample", "VALUE = 2\\n", "float32")
assert (a.VALUE, b.VALUE) == (1, 2)
assert a is build.rendered("sample", "VALUE = 1\\n", "float32")
assert a.__name__ != b.__name__
"""
    result = _python(code, ACTWISE_CACHE_DIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.glob("sample_*.py"))) == 2
    assert not list(folder.glob("*.part"))


def test_an_edited_source_compiles_into_another_folder(tmp_path, monkeypatch):
    sources = tmp_path / "compiled"
    sources.mkdir()
    for name in ("element.py", "elementary64.py"):
        (sources / name).write_text("")
    (sources / "__init__.py").write_text('"""One."""\n')
    monkeypatch.setattr(build, "_SOURCES", sources)
    build._package_name.cache_clear()
    first = build._package_name("float64")
    (sources / "__init__.py").write_text('"""Two."""\n')
    build._package_name.cache_clear()
    second = build._package_name("float64")
    monkeypatch.undo()
    build._package_name.cache_clear()
    assert first != second


def test_a_folder_that_cannot_be_written_is_not_used(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    code = "from actwise.kernels import build; print(build.cache_folder())"
    result = _python(code, ACTWISE_CACHE_DIR=str(blocked), TMPDIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    chosen = Path(result.stdout.strip())
    assert chosen.is_dir()
    assert chosen.parent == tmp_path


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="ownership is a POSIX notion")
def test_a_folder_that_others_can_write_is_not_used(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    code = "from actwise.kernels import build; print(build.cache_folder())"
    result = _python(code, ACTWISE_CACHE_DIR=str(shared), TMPDIR=str(tmp_path))
    assert Path(result.stdout.strip()) != shared


def test_two_processes_compile_at_once_and_a_third_loads(tmp_path):
    environment = {**os.environ, "ACTWISE_CACHE_DIR": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", TRAIN], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    third = _python(TRAIN, ACTWISE_CACHE_DIR=str(tmp_path))
    assert printed[0] == printed[1] == third.stdout
    assert third.stdout.strip()
