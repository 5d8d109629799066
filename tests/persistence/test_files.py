"""A file is written whole or not at all; devices, pipes and links stay what they are; nothing is left for long."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from actwise.errors import InputError
from actwise.persistence import files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks, pipes and modes of POSIX")


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def write(path: Path, text: str) -> None:
    with files.written(path) as place:
        place.write_text(text)


def test_a_file_appears_when_it_is_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "answers.csv"
    with files.written(target) as place:
        place.write_text("new")
        assert not target.exists()
    made = tmp_path / "made"
    made.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(made.stat().st_mode)
    made.unlink()
    target.chmod(0o600)
    write(target, "newer")
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("newer", 0o600)
    assert names_in(tmp_path) == ["answers.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, InputError])
def test_after_an_error_the_old_file_is_there(error: type[BaseException], tmp_path: Path) -> None:
    def fail() -> None:
        with files.written(tmp_path / "answers.csv") as place:
            place.write_text("half")
            raise error("a reason")

    write(tmp_path / "answers.csv", "old")
    with pytest.raises(error, match="a reason"):
        fail()
    assert (tmp_path / "answers.csv").read_text() == "old"
    assert names_in(tmp_path) == ["answers.csv"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    write(tmp_path / "share" / "real.csv", "old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "share" / "real.csv")
    write(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "share" / "real.csv").read_text() == "new"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "loop", "new")


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write(pipe, "through")
    reader.join()
    assert read == ["through"]
    assert pipe.is_fifo()


def test_a_device_is_written_into(tmp_path: Path) -> None:
    write(Path(os.devnull), "nothing")
    assert Path(os.devnull).is_char_device()
    with pytest.raises(InputError, match="No space left on device"):
        write(Path("/dev/full"), "nothing")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "is a directory: name a file inside it"),
        ("nowhere/answers.csv", "there is no folder .*nowhere.* for 'answers.csv': make it first"),
        ("file/answers.csv", "there is no folder|cannot be written"),
        ("a\0b", "cannot be written"),
        ("n" * 300, "cannot be written .*File name too long"),
    ],
)
def test_a_wrong_place_is_found_before_the_work(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=message):
        files.check_output(tmp_path / name)
    with pytest.raises(InputError, match=message):
        write(tmp_path / name, "new")
    assert names_in(tmp_path) == ["file"]


KILLED = """
import os, signal, sys
from pathlib import Path
from actwise.persistence import files
with files.written(Path(sys.argv[1])) as place, files.temporary_folder() as folder:
    place.write_text("half")
    (folder / "unpacked").write_text("half")
    os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_left_overs_of_killed_writers_are_removed_by_the_next(
    how: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    target = tmp_path / "answers.csv"
    write(target, "old")
    for _ in range(3):
        killed = subprocess.run([sys.executable, "-c", KILLED, str(target), str(int(how))], check=False)
        assert killed.returncode == -how
        assert target.read_text() == "old"
    assert len(names_in(tmp_path)) == 3  # what the first two left went with the third
    assert len(names_in(tmp_path / "tmp")) == 1
    (tmp_path / ".answers.csv.saving-notes").touch()
    write(target, "new")
    with files.temporary_folder():
        pass
    assert names_in(tmp_path) == [".answers.csv.saving-notes", "answers.csv", "tmp"]
    assert names_in(tmp_path / "tmp") == []


def test_what_a_living_writer_uses_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = tmp_path / "answers.csv"
    with files.written(target) as slow, files.temporary_folder() as folder:
        slow.write_text("slow")
        (folder / "unpacked").write_text("mine")
        write(target, "quick")
        with files.temporary_folder():
            pass
        assert target.read_text() == "quick"
        assert (folder / "unpacked").read_text() == "mine"
    assert target.read_text() == "slow"
    assert names_in(tmp_path) == ["answers.csv"]
