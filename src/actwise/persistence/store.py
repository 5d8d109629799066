"""Writes and reads the directory that a model is: a document, arrays, and text files beside them.

``model.json`` holds the document inside an envelope: format, version, who wrote it, size and SHA-256 of
``weights.safetensors``, the names of all files, and a checksum over all of that.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from actwise import __version__
from actwise.errors import InputError, ModelError
from actwise.persistence import replacing
from actwise.persistence.files import scratch

FORMAT = "actwise-model"
FORMAT_VERSION = 1
DOCUMENT_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
LARGEST_DOCUMENT = 100_000_000  # bytes
ATTEMPTS = 100  # to read a directory that other processes keep replacing
RESTORE = "train it again or restore it from a copy"
_OWN_WAYS_OUT = ("upgrade Actwise", "load it with actwise.load", "choose another directory")
ENVELOPE = ("format", "version", "written_by", "weights", "files", "checksum")
# What file managers leave in a directory without being asked.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
_INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_ARRAY_TYPES = {"bool", "float16", "float32", "float64", *_INTEGERS}

Arrays = dict[str, npt.NDArray[Any]]


def write_model(
    directory: str | Path,
    document: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    extras: Mapping[str, str | bytes] | None = None,
) -> None:
    """Write a model directory, all or nothing.

    A process that is killed at any moment leaves the old directory or the new one, whole; see
    `actwise.persistence.replacing` for what is guaranteed where.

    `directory`: where; made with its parents where it does not exist, replaced as a whole where it
    holds a model.
    `extras`: more files by name, such as ``metrics.json``; text is written as UTF-8. Reading a model
    does not need them.
    """
    target = _resolved(directory)
    files = _contents(document, arrays, extras or {})
    try:
        replacing.replace_directory(target, files, lambda: _refuse_foreign(directory, target))
    except OSError as error:
        raise ModelError(
            f"{directory} cannot be written ({_reason(error)}); nothing in it was changed; choose another directory"
        ) from error


def check_destination(directory: str | Path) -> None:
    """Refuse a place where `write_model` cannot write, before the work that makes the model; write nothing."""
    target = _resolved(directory)
    try:
        _refuse_foreign(directory, target)
        above = next(each for each in target.parents if each.exists())
        # Made and removed again: what permissions say is not the whole truth, for root in particular.
        with scratch(above / target.name, folder=True):
            pass
    except OSError as error:
        raise ModelError(f"{directory} cannot be written ({_reason(error)}); choose another directory") from error


def read_model(directory: str | Path) -> tuple[dict[str, Any], Arrays]:
    """Read a model directory and check that it is as it was written."""
    if not isinstance(directory, str | os.PathLike):
        raise ModelError(f"a model is loaded from the path of its directory, not from {directory!r:.60}: give a text")
    asked = _resolved(directory)
    for attempt in range(ATTEMPTS):
        before = _identity(asked)
        try:
            return _read(directory, asked)
        except ModelError:
            # Another process may have replaced the directory after some of its files were read, and one
            # that is missing may just be changing places.
            if _identity(asked) == before and (before is not None or attempt > 0):
                raise
    raise ModelError(f"{directory} is being replaced all the time; load it again when that is over")


@contextmanager
def naming_directory(directory: str | Path) -> Iterator[None]:
    """Put the name of a model's directory in front of what is found to be wrong in it, and behind it what to do."""
    try:
        yield
    except ModelError as error:
        # A reason that knows a way out of its own ends with it.
        ending = "" if str(error).endswith(_OWN_WAYS_OUT) else f"; {RESTORE}"
        # Names in a forged document may hold what breaks a line or moves the cursor.
        said = "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(error))
        raise ModelError(f"{directory}: {said}{ending}") from error


def _resolved(directory: str | Path) -> Path:
    """Follow symbolic links, so that what they point to is replaced and not the link."""
    try:
        return Path(directory).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{str(directory)!r} cannot be the name of a directory ({error})") from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


# Writing


def _contents(
    document: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    extras: Mapping[str, str | bytes],
) -> dict[str, bytes]:
    """Return what every file will hold, by name."""
    for name in extras:
        if not _PLAIN_NAME.fullmatch(name) or name in (DOCUMENT_FILE, WEIGHTS_FILE):
            raise InputError(f"a model directory cannot have an extra file of the name {name!r}")
    if taken := document.keys() & set(ENVELOPE):
        raise InputError(f"a model's document cannot have a field {min(taken)!r}: Actwise writes it itself")
    weights = _packed(arrays)
    files = {WEIGHTS_FILE: weights} | {
        name: text.encode(errors="backslashreplace") if isinstance(text, str) else text for name, text in extras.items()
    }
    envelope = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "written_by": {
            "actwise": __version__,
            "numpy": np.__version__,
            "safetensors": safetensors.__version__,
            "python": platform.python_version(),
        },
        "weights": {"bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()},
        "files": sorted([DOCUMENT_FILE, *files]),
    }
    try:
        payload = json.loads(json.dumps(envelope | dict(document), allow_nan=False))
        text = json.dumps(payload | {"checksum": _checksum(payload)}, indent=1, ensure_ascii=False)
        files[DOCUMENT_FILE] = (text + "\n").encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the model's description cannot be written as JSON ({error})") from error
    if len(files[DOCUMENT_FILE]) > LARGEST_DOCUMENT:
        raise InputError(f"the model's description has more than {LARGEST_DOCUMENT // 1_000_000} MB")
    return files


def _packed(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    plain: Arrays = {}
    for name, array in arrays.items():
        if array.dtype.name not in _ARRAY_TYPES:
            raise InputError(f"the array {name!r} has the dtype {array.dtype}, which cannot be saved")
        plain[name] = np.require(array, array.dtype.newbyteorder("="), "C")
    return safetensors.numpy.save(plain)


def _checksum(payload: Mapping[str, Any]) -> str:
    # Over the content and not over the bytes of the file: its layout is for people.
    return hashlib.sha256(json.dumps(payload, separators=(",", ":")).encode()).hexdigest()


def _refuse_foreign(directory: str | Path, target: Path) -> None:
    """Refuse to replace what Actwise did not write."""
    if target.exists() and not target.is_dir():
        raise ModelError(f"{directory} is a file; a model is a directory, so choose another name")
    if not target.exists():
        return
    if target == Path.cwd():
        raise ModelError(f"{directory} is the current directory; name a new directory inside it")
    present = {each.name for each in target.iterdir()} - _LITTER
    if not present:
        return
    leave = "and is left as it was; choose another directory"
    if DOCUMENT_FILE not in present:
        raise ModelError(f"{directory} holds {min(present)!r}, which is not an Actwise model, {leave}")
    try:
        envelope = _parsed(target / DOCUMENT_FILE)
    except ModelError as error:
        raise ModelError(f"{directory} cannot be replaced: {error}; remove it or choose another") from error
    if envelope.get("format") != FORMAT:
        raise ModelError(f"{directory} holds a {DOCUMENT_FILE} that is not an Actwise model's, {leave}")
    files = envelope.get("files")
    written = {each for each in files if isinstance(each, str)} if isinstance(files, list) else set()
    if foreign := present - written - {DOCUMENT_FILE, WEIGHTS_FILE}:
        raise ModelError(
            f"{directory} also holds {min(foreign)!r}, which would be lost with the model it replaces; "
            f"move it elsewhere or choose another directory"
        )
    if not os.access(target, os.W_OK):
        raise ModelError(f"{directory} is write-protected {leave}")


# Reading


def _identity(directory: Path) -> tuple[int, int, int] | None:
    try:
        found = directory.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def _read(directory: str | Path, asked: Path) -> tuple[dict[str, Any], Arrays]:
    try:
        place = replacing.standing_in(asked)
        if not place.exists():
            raise ModelError(
                f"there is no model at {directory}: look whether the name is right, or train one and save it there"
            )
        if not place.is_dir():
            raise ModelError(
                f"{directory} is a file; a model is the directory that holds {DOCUMENT_FILE}, so name that"
            )
        lacking = [name for name in (DOCUMENT_FILE, WEIGHTS_FILE) if not (place / name).exists()]
    except OSError as error:
        raise ModelError(f"{directory} cannot be read ({_reason(error)})") from error
    if lacking:
        raise ModelError(f"{directory} is not a whole Actwise model: it lacks {' and '.join(lacking)}; {RESTORE}")
    with naming_directory(directory):
        payload = _parsed(place / DOCUMENT_FILE)
        _check_envelope(payload)
        arrays = _unpacked(place / WEIGHTS_FILE, payload.get("weights"))
    return {name: value for name, value in payload.items() if name not in ENVELOPE}, arrays


def _bytes_of(path: Path, check_size: Callable[[int], None]) -> bytes:
    """Read a file whose size was found to be right; never wait for a pipe or read a device."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ModelError(f"{path.name} is not a plain file")
        check_size(found.st_size)
        with path.open("rb") as file:
            return file.read(found.st_size)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({_reason(error)})") from error
    except MemoryError:
        raise ModelError(f"{path.name} does not fit into memory") from None


def _parsed(path: Path) -> dict[str, Any]:
    def check_size(size: int) -> None:
        if size > LARGEST_DOCUMENT:
            raise ModelError(f"{path.name} has more than {LARGEST_DOCUMENT // 1_000_000} MB")

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    content = _bytes_of(path, check_size)
    try:
        found = json.loads(content.decode(), parse_constant=refuse)
    except RecursionError:
        raise ModelError(f"{path.name} is damaged (it is nested too deeply)") from None
    except ValueError as error:
        raise ModelError(f"{path.name} is damaged ({error})") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path.name} is not an Actwise model's: it holds no JSON object")
    return found


def _check_envelope(payload: dict[str, Any]) -> None:
    if payload.get("format") != FORMAT:
        raise ModelError(f'{DOCUMENT_FILE} is not an Actwise model\'s: it has no "format": "{FORMAT}"')
    version, writer = payload.get("version"), payload.get("written_by")
    if type(version) is int and version > FORMAT_VERSION:
        by = writer.get("actwise") if isinstance(writer, dict) else None
        shown = by if isinstance(by, str) and _PLAIN_NAME.fullmatch(by) else "a later version"
        raise ModelError(
            f"it was written by Actwise {shown} in format {version!s:.9}, and Actwise {__version__} reads up to "
            f"format {FORMAT_VERSION}; upgrade Actwise"
        )
    checksum = payload.pop("checksum", None)
    try:
        if type(version) is int and version >= 1 and checksum == _checksum(payload):
            return
    except RecursionError:
        pass  # a document that json.dumps cannot nest as deeply as json.loads was not written by Actwise
    raise ModelError(f"{DOCUMENT_FILE} was changed or damaged after it was written (its checksum is wrong)")


def _unpacked(path: Path, weights: Any) -> Arrays:
    if not isinstance(weights, dict) or weights.keys() != {"bytes", "sha256"}:
        raise ModelError(f"{DOCUMENT_FILE} does not say which {path.name} belongs to it")

    def check_size(size: int) -> None:
        if size != weights["bytes"]:
            raise ModelError(f"{path.name} is truncated or not this model's ({size} of {weights['bytes']!r:.20} bytes)")

    content = _bytes_of(path, check_size)
    if hashlib.sha256(content).hexdigest() != weights["sha256"]:
        raise ModelError(f"{path.name} was changed or damaged after it was written, or is another model's")
    try:
        arrays: Arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"{path.name} is not a file of arrays ({error})") from error
    if strange := [name for name, each in arrays.items() if each.dtype.name not in _ARRAY_TYPES]:
        raise ModelError(f"the array {strange[0]!r:.60} in {path.name} has an unknown dtype")
    return arrays
