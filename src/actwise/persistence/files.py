"""Writes a file whole or not at all, and lends temporary places that do not outlive a killed process for long.

What is being written lies beside its destination under a hidden name, ``.NAME.saving-HEX``, and is put there by one
rename. Its writer holds a lock on it, which the system releases when the writer dies: whoever writes the same file
next removes those that nobody holds. Where there are no such locks (Windows, some network file systems), left-overs
stay. Links are followed. Devices and pipes are written into, and never replaced.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actwise.errors import InputError

if sys.platform != "win32":
    import fcntl

LONGEST_WAIT = 10.0  # seconds for other writers; a save takes some hundredths
POLLING_SECONDS = 0.002
_TEMPORARY = "actwise"  # the name that temporary folders stand beside, as if it were a destination


@contextmanager
def written(path: str | Path, *, of: Path | None = None) -> Iterator[Path]:
    """Lend a place to write a file to, which then takes the place of `path`; after an error `path` is as it was.

    `of`: the file that this one belongs to, whose next writer removes what is left of both.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written(f"{folder}/answers.csv") as place:
    ...         _ = place.write_text("7")
    ...     os.listdir(folder)
    ['answers.csv']
    """
    check_output(path)
    target = _resolved(path)
    with blaming_place(path), temporary_folder() if _is_stream(target) else scratch(of or target) as found:
        place = found / target.name if found.is_dir() else found
        yield place
        _put(place, target)


def check_output(path: str | Path) -> None:
    """Refuse a place where no file can be written, before the work that makes the file."""
    target = _resolved(path)
    with blaming_place(path):
        if target.is_dir():
            raise InputError(f"{str(path)!r} is a directory: name a file inside it")
        if not target.parent.is_dir():
            raise InputError(f"there is no folder {str(Path(path).parent)!r} for {target.name!r}: make it first")
        if not target.exists() or target.is_file():
            # Made and removed again: what permissions say is not the whole truth, for root in particular.
            with scratch(target):
                return
        if not _is_stream(target):
            raise InputError(f"{str(path)!r} is no file that can be written: name another")
        if not os.access(target, os.W_OK):
            raise InputError(f"{str(path)!r} is protected: name another place")


@contextmanager
def blaming_place(path: str | Path) -> Iterator[None]:
    """Turn what the system says of a place into a sentence."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def _unwritable(path: str | Path, reason: str) -> InputError:
    return InputError(f"{str(path)!r} cannot be written ({reason}); choose another place")


def _resolved(path: str | Path) -> Path:
    """Follow symbolic links, so that what they point to is replaced and not the link."""
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise _unwritable(path, str(error)) from error


def _is_stream(target: Path) -> bool:
    return target.is_fifo() or target.is_char_device()


def _put(place: Path, target: Path) -> None:
    if _is_stream(target):
        with place.open("rb") as whole, target.open("wb") as stream:
            shutil.copyfileobj(whole, stream)
        return
    with place.open("rb+") as file:
        os.fsync(file.fileno())
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    place.chmod(mode)
    place.replace(target)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def scratch(target: Path, *, folder: bool = False) -> Iterator[Path]:
    """Lend a new file or folder beside `target`, and remove it afterwards where it was not moved away.

    What killed writers of `target` left is removed first.
    """
    place = target.with_name(f".{target.name[:100]}.saving-{secrets.token_hex(4)}")
    with turn(target.parent) as alone:
        if alone:
            remove_left_overs(target)
        if folder:
            place.mkdir(0o700)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        handle = _locked(place)
    try:
        yield place
    finally:
        if handle is not None:
            os.close(handle)
        if folder:
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Lend an empty folder for temporary files; those of killed processes are removed first."""
    with scratch(Path(tempfile.gettempdir()) / _TEMPORARY, folder=True) as place:
        yield place


def remove_left_overs(target: Path) -> bool:
    """Remove what killed writers of a file or folder left beside it; say whether nobody else writes it.

    Call it in one's `turn`.
    """
    nobody = True
    name = re.compile(rf"\.{re.escape(target.name[:100])}\.saving-[0-9a-f]{{8}}")
    for each in target.parent.iterdir():
        if not name.fullmatch(each.name):
            continue
        handle = _locked(each)
        if handle is None:
            nobody = False
            continue
        os.close(handle)
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
    return nobody


def _locked(place: Path) -> int | None:
    """Take the lock of a scratch file or folder; None where another process holds it, or there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


@contextmanager
def turn(parent: Path) -> Iterator[bool]:
    """Wait until no other process puts something into a directory; say whether that is certain."""
    if sys.platform == "win32":
        yield False
        return
    handle = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        alone = _waited_for(handle)
        try:
            yield alone
        finally:
            if alone:
                # Closing is not enough where a child process was forked meanwhile: it holds the lock too.
                fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


def _waited_for(handle: int) -> bool:
    """Wait for a lock; False where the file system has none, or somebody does not let go of it."""
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLLING_SECONDS)
        except OSError:
            return False
        else:
            return True
