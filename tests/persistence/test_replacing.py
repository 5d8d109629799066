"""Whatever happens while a model is saved, its directory is the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actwise.errors import ModelError
from actwise.persistence import files, read_model, replacing, write_model

EXCHANGE_IS_THERE = sys.platform == "linux"


def write_state(directory: Path, state: int) -> None:
    """Write a model all of whose files say the same number."""
    write_model(directory, {"state": state}, {"state": np.full(500, state)}, {"history.jsonl": f"{state}\n"})


def state_of(directory: Path) -> int:
    """Return that number, after making sure that every file says it."""
    document, arrays = read_model(directory)
    state: int = document["state"]
    assert arrays["state"].tolist() == [state] * 500
    return state


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script that imports from this file."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", script.format(module=Path(__file__).stem), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done


def names_in(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


@pytest.fixture(params=["exchange", "two renames"])
def swapping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "two renames":
        monkeypatch.setattr(replacing, "_exchanged", lambda *_: False)
    name: str = request.param
    return name


def test_replaces_and_leaves_nothing_behind(swapping: str, tmp_path: Path) -> None:
    for state in range(3):
        write_state(tmp_path / "model", state)
        assert state_of(tmp_path / "model") == state
        assert names_in(tmp_path) == ["model"]
    (tmp_path / "empty").mkdir()
    write_state(tmp_path / "empty", 7)
    assert state_of(tmp_path / "empty") == 7
    assert names_in(tmp_path) == ["empty", "model"]


def test_exchange_is_one_step_here(tmp_path: Path) -> None:
    """Without this, the tests of the exchange would all run the other way unnoticed."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "from a").touch()
    assert replacing._exchanged(tmp_path / "a", tmp_path / "b") == EXCHANGE_IS_THERE
    assert names_in(tmp_path / ("b" if EXCHANGE_IS_THERE else "a")) == ["from a"]
    assert not replacing._exchanged(tmp_path / "a", tmp_path / "missing")


KILLING = """
import os, random, signal, sys
from pathlib import Path
import numpy as np
from actwise.persistence import read_model, replacing, write_model
from {module} import state_of, write_state

directory, how, swapping = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
if swapping == "two renames":
    replacing._exchanged = lambda *_: False

def killed_at(event_number):
    seen = 0
    def hook(event, _):
        nonlocal seen
        if event == "open" or event.startswith(("os.", "shutil.", "fcntl.")):
            seen += 1
            if seen == event_number:
                os.kill(os.getpid(), signal.SIGKILL)
    return hook

def child(work):
    pid = os.fork()
    if pid:
        return pid
    work()
    os._exit(0)

write_state(directory, 0)
old, new, state = 0, 0, 0
if how == "at every step":
    # Every file operation of the writer is, in turn, the last thing that it did not get to.
    step = 0
    while True:
        step += 1
        def work():
            sys.addaudithook(killed_at(step))
            write_state(directory, state + 1)
        _, status = os.waitpid(child(work), 0)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        found = state_of(directory)
        assert found in (state, state + 1), (found, state)
        old, new = old + (found == state), new + (found != state)
        state = found
else:
    # A writer that never stops is killed at some moment, and all the while the model is read.
    randomness = random.Random(0)
    for _ in range(25):
        def work():
            for following in range(state + 1, state + 10**6):
                write_state(directory, following)
        pid = child(work)
        changes, reads = randomness.randrange(4), randomness.randrange(100)
        try:
            while changes > 0 or reads > 0:
                found = state_of(directory)
                assert found >= state
                old, new = old + (found == state), new + (found != state)
                changes, reads, state = changes - (found != state), reads - 1, found
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        found = state_of(directory)
        assert found >= state
        state = found
print(old, new)
write_state(directory, -1)
assert state_of(directory) == -1
assert os.listdir(directory.parent) == [directory.name], os.listdir(directory.parent)
"""


@pytest.mark.parametrize("how", ["at every step", "at any time"])
def test_killed_writers_leave_a_whole_directory(swapping: str, how: str, tmp_path: Path) -> None:
    done = run(KILLING, str(tmp_path / "parent" / "model"), how, swapping)
    old, new = map(int, done.stdout.split())
    assert old >= 5
    assert new >= 5


@pytest.mark.parametrize("locks", [True, False])
def test_writers_at_the_same_time_do_not_harm_each_other(
    locks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locks:
        monkeypatch.setattr(files, "_waited_for", lambda _: False)
    write_state(tmp_path / "model", 0)
    with ThreadPoolExecutor(4) as writers:
        done = [writers.submit(write_state, tmp_path / "model", state) for state in range(1, 25)]
        while not all(each.done() for each in done):
            assert 0 <= state_of(tmp_path / "model") <= 24
    for each in done:
        each.result()
    assert state_of(tmp_path / "model") > 0
    assert names_in(tmp_path) == ["model"]


def test_model_that_was_renamed_aside_is_read_and_put_back(tmp_path: Path) -> None:
    write_state(tmp_path / "model", 1)
    (tmp_path / "model").rename(tmp_path / ".model.replaced-0123abcd")
    assert state_of(tmp_path / "model") == 1
    assert names_in(tmp_path) == [".model.replaced-0123abcd"]
    (tmp_path / ".model.saving-0123abcd").mkdir()
    with pytest.raises(ModelError, match="there is no model"):
        read_model(tmp_path / "other")
    write_state(tmp_path / "model", 2)
    assert state_of(tmp_path / "model") == 2
    assert names_in(tmp_path) == ["model"]


def test_only_left_overs_of_the_same_model_are_removed(tmp_path: Path) -> None:
    others = [
        ".model2.saving-0123abcd",
        ".model.saving-x.saving-0123abcd",
        ".model.saving-notes",
        "model.saving-0123abcd",
    ]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / ".model.saving-0123abcd").mkdir()
    (tmp_path / ".model.saving-0123abcd" / "model.json").write_text("half")
    write_state(tmp_path / "model", 1)
    assert names_in(tmp_path) == sorted([*others, "model"])


def fails(code: int) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (os, "fsync"), (os, "open"), (os, "mkdir"), (os, "rename"), (Path, "open"), (Path, "mkdir"),
        (shutil, "copymode"), (Path, "iterdir"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)  # fmt: skip
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_failing_disk_leaves_the_old_model(
    where: Any, name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(tmp_path / "model", 1)
    with monkeypatch.context() as failing:
        failing.setattr(replacing, "_exchanged", lambda *_: False)
        failing.setattr(where, name, fails(code))
        with pytest.raises(ModelError, match=os.strerror(code)) as caught:
            write_state(tmp_path / "model", 2)
    assert "\n" not in str(caught.value)
    assert state_of(tmp_path / "model") == 1
    assert names_in(tmp_path) == ["model"]


@pytest.mark.parametrize("call", range(1, 7))
def test_disk_that_fills_up_on_the_way_leaves_a_whole_model(
    swapping: str, call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th fsync fails: of a file, of the new directory or, when all is done, of the parent."""
    write_state(tmp_path / "model", 1)
    calls = 0

    def fsync(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            fails(errno.ENOSPC)()

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", fsync)
        if call < 6:
            with pytest.raises(ModelError, match="No space left on device"):
                write_state(tmp_path / "model", 2)
        else:
            write_state(tmp_path / "model", 2)
    assert state_of(tmp_path / "model") == (1 if call < 5 else 2)
    assert names_in(tmp_path) == ["model"]


def test_second_rename_that_fails_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state(tmp_path / "model", 1)
    rename = Path.rename

    def fails_for_the_new_one(self: Path, target: Path) -> Path:
        return fails(errno.EBUSY)() if ".saving-" in self.name else rename(self, target)

    with monkeypatch.context() as failing:
        failing.setattr(replacing, "_exchanged", lambda *_: False)
        failing.setattr(Path, "rename", fails_for_the_new_one)
        with pytest.raises(ModelError, match="busy"):
            write_state(tmp_path / "model", 2)
    assert state_of(tmp_path / "model") == 1
    assert names_in(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_writer_leaves_the_old_model(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise error

    write_state(tmp_path / "model", 1)
    with monkeypatch.context() as failing:
        failing.setattr(replacing, "_swap", interrupted)
        with pytest.raises(error):
            write_state(tmp_path / "model", 2)
    assert state_of(tmp_path / "model") == 1
    assert names_in(tmp_path) == ["model"]


def test_symbolic_link_stays_and_what_it_points_to_is_replaced(swapping: str, tmp_path: Path) -> None:
    write_state(tmp_path / "real", 1)
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "model"
    link.symlink_to(tmp_path / "real")
    write_state(link, 2)
    assert link.is_symlink()
    assert state_of(link) == state_of(tmp_path / "real") == 2
    link.unlink()
    link.symlink_to(tmp_path / "not yet there")
    write_state(link, 3)
    assert link.is_symlink()
    assert state_of(tmp_path / "not yet there") == 3
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(ModelError):
        write_state(link, 4)
    assert names_in(tmp_path / "links") == ["model"]
    assert names_in(tmp_path) == ["links", "not yet there", "real"]


def test_permissions_are_those_of_the_old_directory(tmp_path: Path) -> None:
    write_state(tmp_path / "model", 1)
    made_by_mkdir = tmp_path / "plain"
    made_by_mkdir.mkdir()
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == stat.S_IMODE(made_by_mkdir.stat().st_mode)
    (tmp_path / "model").chmod(0o2770)
    write_state(tmp_path / "model", 2)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o2770


AS_NOBODY = """
import os, sys
from pathlib import Path
from actwise.errors import ModelError
from {module} import write_state
write_state(Path(sys.argv.pop(1)), 0)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for name in sys.argv[1:]:
    try:
        write_state(Path(name), 2)
    except ModelError as error:
        print(error)
"""


def test_places_without_permission_are_left_alone() -> None:
    """Permissions do not bind root, which tests may run as: the writer becomes somebody else then."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        closed, public = place / "closed", place / "public"
        write_state(closed / "model", 1)
        write_state(public / "protected", 1)
        targets = [closed / "model", closed / "new", public / "protected"]
        modes = {place: 0o755, closed: 0o555, public: 0o777, public / "protected": 0o555}
        for directory, mode in modes.items():
            directory.chmod(mode)
        done = run(AS_NOBODY, str(place / "before"), *map(str, targets))
        for directory in modes:
            directory.chmod(0o755)
        said = done.stdout.splitlines()
        assert len(said) == len(targets)
        for sentence, target in zip(said, targets, strict=True):
            assert sentence.startswith(f"{target} ")
            assert "Permission denied" in sentence or "write-protected" in sentence
        assert state_of(targets[0]) == state_of(targets[2]) == 1
        assert names_in(closed) == ["model"]
        assert names_in(public) == ["protected"]


def test_lock_that_nobody_lets_go_of_does_not_stop_a_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(files, "LONGEST_WAIT", 0.05)
    (tmp_path / ".model.saving-0123abcd").mkdir()
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    write_state(tmp_path / "model", 1)
    assert state_of(tmp_path / "model") == 1
    # It may be somebody's who is at work: only a writer who is alone removes it.
    assert names_in(tmp_path) == [".model.saving-0123abcd", "model"]
    os.close(handle)
    write_state(tmp_path / "model", 2)
    assert names_in(tmp_path) == ["model"]
