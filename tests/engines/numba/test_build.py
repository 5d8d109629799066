"""The cache of compiled code: never stale, survives read-only homes and two processes at once."""

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import ModuleType

import pytest

from actwise.engines.numba import build
from actwise.engines.threads import processors

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
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
    )


def test_rendered_source_is_written_once_and_named_by_its_content(tmp_path):
    code = """
from actwise.engines.numba import build
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
    code = "from actwise.engines.cache import cache_folder; print(cache_folder())"
    result = _python(code, ACTWISE_CACHE_DIR=str(blocked), TMPDIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    chosen = Path(result.stdout.strip())
    assert chosen.is_dir()
    assert chosen.parent == tmp_path


SAMPLE = """
from numba import cfunc, types

@cfunc(types.intp(types.intp), cache=True)
def twice(x):
    return 2 * x
"""
# A stage and a rendered module that compile in half a second.
LIGHT = f"""
from actwise.engines.numba import build
drop = build.stage("passes", "drop", "float32")
print(build.rendered("sample", {SAMPLE!r}, "float32").twice.ctypes(21), drop.address != 0)
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache that two trainings filled at once, and what both printed."""
    folder = tmp_path_factory.mktemp("filled")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "ACTWISE_CACHE_DIR": str(folder)}
    both = [
        subprocess.Popen([sys.executable, "-c", TRAIN + LIGHT], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert printed[0] == printed[1]
    assert printed[0].endswith("42 True\n")
    return folder, printed[0]


def _copy(filled, place):
    return Path(shutil.copytree(filled[0], place / "cache"))  # with the times of the files, by which Numba judges


def test_what_two_processes_compiled_at_once_is_only_read_by_a_third(filled, tmp_path):
    cache = _copy(filled, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    result = _python(TRAIN + LIGHT, ACTWISE_CACHE_DIR=str(cache))
    after = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert result.stdout == filled[1]
    assert before == after


@pytest.mark.parametrize("kept", [0, 1, 0.5, 0.99, None])
def test_truncated_and_missing_files_are_noticed_and_made_again(filled, tmp_path, kept):
    cache = _copy(filled, tmp_path)
    names = ("passes.py", "sample_*.py", "passes.drop-*.nbi", "passes.drop-*.nbc", "sample_*.nbc")
    paths = [path for name in names for path in cache.rglob(name)]
    assert len(paths) == len(names)
    whole = {path: path.read_bytes() for path in paths}
    for path, content in whole.items():
        if kept is None:
            path.unlink()
        else:
            path.write_bytes(content[: kept if isinstance(kept, int) else int(len(content) * kept)])
    result = _python(LIGHT, ACTWISE_CACHE_DIR=str(cache))
    assert (result.stdout, result.returncode) == ("42 True\n", 0), result.stderr
    assert [path.name for path in paths if path.stat().st_size < 0.9 * len(whole[path])] == []


def test_a_process_that_is_killed_while_it_compiles_leaves_nothing_that_harms(tmp_path):
    environment = {**os.environ, "ACTWISE_CACHE_DIR": str(tmp_path)}
    for seconds in (0.6, 1.0, 1.4):  # each goes on from what the one before has left
        process = subprocess.Popen([sys.executable, "-c", LIGHT], env=environment, stdout=subprocess.PIPE)
        time.sleep(seconds)
        process.kill()
        process.communicate()
    result = _python(LIGHT, ACTWISE_CACHE_DIR=str(tmp_path))
    assert (result.stdout, result.returncode) == ("42 True\n", 0), result.stderr


def test_the_cache_may_be_deleted_while_a_process_runs(tmp_path):
    code = f"""
import shutil
from actwise.engines.numba import build
build.compiled("loop", "float32")
shutil.rmtree({str(tmp_path)!r})
{LIGHT}
"""
    result = _python(code, ACTWISE_CACHE_DIR=str(tmp_path))
    assert (result.stdout, result.returncode) == ("42 True\n", 0), result.stderr


def test_the_cache_may_be_deleted_while_a_process_compiles(tmp_path):
    code = f"""
import shutil
from numba.core.caching import IndexDataCacheFile

save, left = IndexDataCacheFile.save, [2]

def delete_and_save(self, *arguments):
    if left[0]:
        left[0] -= 1
        shutil.rmtree({str(tmp_path)!r})
    save(self, *arguments)

IndexDataCacheFile.save = delete_and_save
{LIGHT}
assert left == [0]
"""
    result = _python(code, ACTWISE_CACHE_DIR=str(tmp_path))
    assert (result.stdout, result.returncode) == ("42 True\n", 0), result.stderr


@pytest.mark.parametrize("damage", ["zeros", "one bit", "sum"])
def test_a_damaged_file_is_compiled_anew(filled, tmp_path, damage):
    """Whatever the damage: machine code that is run with a wrong bit in it ends the process."""
    cache = _copy(filled, tmp_path)
    patterns = ("passes.drop-*.nbi", "passes.drop-*.nbc", "sample_*.nbc", "sample_*.pyc", "tiles.*.pyc")
    paths = [path for pattern in patterns for path in cache.rglob(pattern)]
    assert len(paths) == len(patterns)
    whole = {path: path.read_bytes() for path in paths}
    for path, content in whole.items():
        middle = len(content) // 2
        if damage == "sum":
            path.with_name(path.name + ".sum").write_text("0" * 64)
        elif damage == "zeros":
            path.write_bytes(content[:middle] + bytes(64) + content[middle + 64 :])
        else:
            path.write_bytes(content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :])
    damaged = {path: path.stat().st_mtime_ns for path in paths}
    result = _python(LIGHT, ACTWISE_CACHE_DIR=str(cache))
    assert (result.stdout, result.returncode) == ("42 True\n", 0), result.stderr
    assert [path.name for path in paths if path.exists() and path.stat().st_mtime_ns == damaged[path]] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_is_forked_while_a_thread_compiles_goes_on(tmp_path):
    code = f"""
import os, threading, time
from actwise.engines.numba import build

def compile_a_lot():
    for k in range(3):
        build.rendered("sample", {SAMPLE!r} + f"# {{k}}", "float32")

thread = threading.Thread(target=compile_a_lot)
thread.start()
while build._ONE_AT_A_TIME.acquire(blocking=False):
    build._ONE_AT_A_TIME.release()
    time.sleep(0)
child = os.fork()
if child == 0:
    os._exit(build.rendered("sample", {SAMPLE!r}, "float32").twice.ctypes(21))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
thread.join()
"""
    result = _python(code, ACTWISE_CACHE_DIR=str(tmp_path))
    assert result.stdout == "42\n", result.stderr


def test_a_home_that_cannot_be_written_is_done_without(tmp_path):
    home = tmp_path / "home"
    home.write_text("not a folder")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    without = {name: value for name, value in os.environ.items() if name not in ("ACTWISE_CACHE_DIR", "XDG_CACHE_HOME")}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIGHT],
        capture_output=True, text=True, env={**without, "HOME": str(home), "TMPDIR": str(scratch)},
    )  # fmt: skip
    assert (result.stdout, result.returncode) == ("42 True\n", 0), result.stderr
    assert list(scratch.glob("actwise-*"))


@pytest.mark.parametrize("largest", [1000, 16_000, 24_000])  # bytes: too little for the sources, or for compiled code
def test_a_full_disk_is_told_in_one_sentence(tmp_path, largest):
    resource = pytest.importorskip("resource")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({largest}, {hard}))\n{LIGHT}"
    result = _python(code, ACTWISE_CACHE_DIR=str(tmp_path))
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(f"actwise.errors.ActwiseError: compiled code cannot be kept in {tmp_path} (")
    assert "set ACTWISE_CACHE_DIR to another folder" in last
    assert not list(tmp_path.rglob("*.part"))


def test_another_version_or_processor_compiles_into_another_folder(monkeypatch):
    import llvmlite.binding
    import numba

    build._package_name.cache_clear()
    names = {build._package_name("float32")}
    for owner, name, other in (
        (numba, "__version__", "1000.0"),
        (llvmlite.binding, "get_host_cpu_name", lambda: "another"),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(owner, name, other)
            build._package_name.cache_clear()
            names.add(build._package_name("float32"))
    build._package_name.cache_clear()
    assert len(names) == 3


@pytest.mark.parametrize("interpreter", ["python-that-is-not-there", "blender", ""])
def test_without_a_second_interpreter_everything_is_compiled_here(tmp_path, interpreter):
    code = f"import sys; sys.executable = {interpreter!r}; from actwise.engines.numba import build; "
    code += "build.compile_ahead('float32'); assert not build._helpers"
    result = _python(code, ACTWISE_CACHE_DIR=str(tmp_path))
    assert result.returncode == 0, result.stderr


def test_a_second_process_compiles_what_this_one_then_loads(tmp_path):
    code = """
from actwise.engines.numba import build
build._HERE, build._ELSEWHERE = (), (("passes", "drop"),)
build.compile_ahead("float32")
assert all(helper.wait() == 0 for helper in build._helpers.values())
print(build.stage("passes", "drop", "float32").cache_hits)
"""
    result = _python(code, ACTWISE_CACHE_DIR=str(tmp_path))
    assert result.stdout.strip() == ("1" if processors() > 1 else "0"), result.stderr


def test_a_module_that_another_thread_is_importing_is_waited_for(monkeypatch):
    name = f"{build.package('float32').__name__}.slow"
    half, begun, go_on = ModuleType(name), threading.Event(), threading.Event()

    def import_slowly(_):
        monkeypatch.setitem(sys.modules, name, half)
        begun.set()
        go_on.wait(60)
        half.is_whole = True
        return half

    monkeypatch.setattr(build, "import_module", import_slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(build.compiled, "slow", "float32")
        begun.wait(60)
        second = pool.submit(lambda: hasattr(build.compiled("slow", "float32"), "is_whole"))
        wait([second], timeout=0.2)  # time for an answer that comes too early
        go_on.set()
        assert second.result()
        assert first.result() is half
