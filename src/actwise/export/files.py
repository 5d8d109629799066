"""Writes a file that appears whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from actwise.errors import InputError


def write_whole(path: str | Path, content: bytes) -> None:
    """Write one file; see `write_all_whole`."""
    write_all_whole({Path(path): content})


def write_all_whole(files: Mapping[Path, bytes]) -> None:
    """Write files beside their places under hidden names, then put them there, the first one last.

    `files`: what each file will hold; the first one is the one that the others belong to.
    """
    for path in files:
        if path.is_dir():
            raise InputError(f"{path} is a directory; name a file, such as {path / 'model'}")
    fresh = {path: path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}") for path in files}
    try:
        for path, content in files.items():
            with fresh[path].open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path in reversed(list(files)):
            fresh[path].replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{next(iter(files))} cannot be written ({reason}); choose another place") from error
    finally:
        for each in fresh.values():
            each.unlink(missing_ok=True)
