"""Puts a new directory in the place of an old one, so that a kill at any moment leaves one of them, whole.

The new directory is written beside the old one under a hidden name and reaches the disk before the two
change places. What is guaranteed then depends on the system:

- Linux, on file systems with ``renameat2(RENAME_EXCHANGE)`` (ext4, XFS, Btrfs, tmpfs and most others): the
  exchange is one step. At every moment the name leads to the old directory or to the new one. Python's
  ``os`` module does not offer this call, and no other call replaces a directory that is not empty, so it is
  reached through ctypes.
- Elsewhere: the old directory is renamed aside and then the new one is renamed in. Killed between the two,
  the name leads nowhere; the old directory stands beside it, the next reader takes it from there and the
  next writer puts it back.
- Where nothing is replaced: one rename, which is one step everywhere.

Writers into the same parent directory take turns by a lock on it, which the system releases when its holder
dies. Whoever holds it removes what killed writers left. Where there are no such locks (Windows, some
network file systems), or somebody does not let go of one, writers do not wait for each other, the last one
wins, and left-overs stay.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from actwise.errors import ModelError
from actwise.persistence import files

AT_FDCWD = -100  # <fcntl.h>: paths are relative to the current directory
RENAME_EXCHANGE = 2  # <linux/fs.h>
# What file systems answer that cannot sync a directory.
_NO_SYNC_HERE = frozenset({errno.EINVAL, errno.EBADF, errno.ENOTSUP})

_Role = Literal["saving", "replaced"]


def replace_directory(target: Path, content: Mapping[str, bytes], check: Callable[[], None]) -> None:
    """Write files into a new directory and put it in the place of `target`.

    `target`: the directory, absolute and without symbolic links; its parents are made.
    `check`: raises where `target` must not be replaced; called while no other writer is at work.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with files.turn(target.parent) as alone:
        _put_back(target)
        if alone:
            _remove_left_overs(target)
        check()
        fresh = old = _beside(target, "saving")
        try:
            fresh.mkdir()
            for name, written in content.items():
                _write(fresh / name, written)
            if target.exists():
                shutil.copymode(target, fresh)
            _sync_directory(fresh)
            if target.exists():
                old = _swap(fresh, target)
            else:
                fresh.rename(target)
            _confirm(target)
        finally:
            for each in {fresh, old}:
                shutil.rmtree(each, ignore_errors=True)


def standing_in(target: Path) -> Path:
    """Return the directory that stands for `target`: itself, or what a killed writer had renamed aside."""
    if not target.exists() and target.parent.is_dir():
        return max(_replaced(target), default=target, key=lambda each: each.stat().st_mtime_ns)
    return target


def _beside(target: Path, role: _Role) -> Path:
    return target.with_name(f".{target.name}.{role}-{secrets.token_hex(4)}")


def _replaced(target: Path) -> list[Path]:
    name = re.compile(rf"\.{re.escape(target.name)}\.replaced-[0-9a-f]{{8}}")
    return [each for each in target.parent.iterdir() if name.fullmatch(each.name) and each.is_dir()]


def _put_back(target: Path) -> None:
    aside = standing_in(target)
    if aside != target:
        aside.rename(target)


def _remove_left_overs(target: Path) -> None:
    files.remove_left_overs(target)
    for each in _replaced(target):
        shutil.rmtree(each, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC_HERE:
            raise
    finally:
        os.close(handle)


def _confirm(target: Path) -> None:
    try:
        _sync_directory(target.parent)
    except OSError as error:
        raise ModelError(f"{target} was written, but the disk does not confirm it ({error}); save it again") from error


def _swap(fresh: Path, target: Path) -> Path:
    """Put one directory in the place of another; return where that one is now."""
    if _exchanged(fresh, target):
        return fresh
    aside = _beside(target, "replaced")
    target.rename(aside)
    try:
        fresh.rename(target)
    except OSError:
        aside.rename(target)
        raise
    return aside


@cache
def _renameat2() -> Any:
    """Return the C library's function, or None where it has none."""
    if sys.platform != "linux":
        return None
    function = getattr(ctypes.CDLL(None), "renameat2", None)
    if function is not None:
        function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        function.restype = ctypes.c_int
    return function


def _exchanged(one: Path, other: Path) -> bool:
    """Let two directories change places in one step; False where that failed, and nothing was changed."""
    function = _renameat2()
    return function is not None and (
        function(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0
    )
