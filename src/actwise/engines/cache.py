"""Where engines keep compiled code from one process to the next, and why it can be trusted.

What lies there is run as it is: machine code, and pickles that tell where it is. So a folder is used only where nobody
else can have written any part of it, and a file only where it has the checksum that was noted when it was made.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import invalidate_caches
from pathlib import Path

from actwise.errors import ActwiseError

CACHE_VARIABLE = "ACTWISE_CACHE_DIR"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_ENTER = stat.S_IXGRP | stat.S_IXOTH
_UNKNOWN_OWNER = 65534  # whom root of the host looks like inside a container of an ordinary user
_SUM = ".sum"


def _user_cache() -> Path:
    if CACHE_VARIABLE in os.environ:
        return Path(os.environ[CACHE_VARIABLE])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "actwise"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "actwise"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "actwise"


def _cannot_be_replaced(folder: Path) -> bool:
    """Whether nobody else can put another folder in the place of this one or of one above it."""
    if not hasattr(os, "getuid"):
        return True
    for each in folder.resolve().parents:
        status = each.stat()
        if status.st_uid not in (0, os.getuid(), _UNKNOWN_OWNER):
            return False
        if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
            return False
    return True


def is_only_ours(folder: Path) -> bool:
    """Whether nobody else can have written anything in a folder: all is ours, and closed or not writable by others."""
    if not hasattr(os, "getuid"):
        return True
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & _OTHERS_WRITE:
        return False
    is_closed = not status.st_mode & _OTHERS_ENTER
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):  # another process of ours has just moved it to its place
                each = os.lstat(Path(parent, name))
                if each.st_uid != os.getuid() or not (stat.S_ISDIR(each.st_mode) or stat.S_ISREG(each.st_mode)):
                    return False
                if each.st_mode & _OTHERS_WRITE and not is_closed:
                    return False
    return True


def _is_usable(folder: Path) -> bool:
    """Whether a folder can be written by us, and by nobody else."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        status = folder.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & _OTHERS_WRITE):
            return False
        return _cannot_be_replaced(folder)
    except OSError:
        return False


def _usable() -> Iterator[Path]:
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    for folder in (_user_cache, lambda: Path(tempfile.gettempdir()) / f"actwise-{user}"):
        if _is_usable(folder()):
            yield folder()
    yield Path(tempfile.mkdtemp(prefix="actwise-"))


@cache
def cache_folder() -> Path:
    """Return the folder for compiled code, a temporary one where the user's cannot be written or others can.

    Result: ``$ACTWISE_CACHE_DIR``, or ``actwise`` in the user's cache folder, or a folder of the user's
    own in the system's temporary folder, or a new temporary folder.
    """
    try:
        return next(_usable())
    except OSError as error:
        raise no_place(_user_cache(), error) from error


@cache
def folder_of(name: str) -> Path:
    """Return a folder in the cache, or in the next place where somebody else can have written into that one."""
    try:
        for root in _usable():
            folder = root / name
            folder.mkdir(exist_ok=True, mode=0o700)
            if is_only_ours(folder):
                break
    except OSError as error:
        raise no_place(_user_cache(), error) from error
    return folder


def no_place(folder: Path, error: OSError) -> ActwiseError:
    """Make the error that says that compiled code cannot be kept."""
    return ActwiseError(
        f"compiled code cannot be kept in {folder} ({error.strerror or error}): make room there, or set "
        f"{CACHE_VARIABLE} to another folder"
    )


def write(path: Path, text: str) -> None:
    """Write a file in one step, unless it is there already."""
    with suppress(FileNotFoundError):
        if path.read_text("utf-8", errors="replace") == text:
            return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(scratch).replace(path)
    except OSError:
        Path(scratch).unlink(missing_ok=True)
        raise
    invalidate_caches()


def _with_sums(folder: Path, files: str) -> Iterator[tuple[Path, Path, str, str]]:
    """Go through files by a pattern of their names: path, path of the sum, sum as noted, sum as it is."""
    for path in folder.glob(files):
        if path.suffix not in (_SUM, ".part"):
            noted = path.with_name(path.name + _SUM)
            with suppress(FileNotFoundError):
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                yield path, noted, noted.read_text("utf-8", errors="replace") if noted.exists() else "", found


def note_sums(folder: Path, files: str) -> None:
    """Note the checksums of what has been made just now."""
    for _, noted, before, now in _with_sums(folder, files):
        if before != now:
            write(noted, now)


def note_new_sums(folder: Path, files: str) -> None:
    """Note the checksums of files that have none."""
    for path in folder.glob(files):
        if not path.with_name(path.name + _SUM).exists():
            note_sums(folder, path.name)


def remove_damaged(folder: Path, files: str) -> None:
    """Remove files that are not as they were made, or of which nobody knows whether they are."""
    for path, noted, before, now in _with_sums(folder, files):
        if before != now:
            path.unlink(missing_ok=True)
            noted.unlink(missing_ok=True)
