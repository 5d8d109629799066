"""Where compiled code comes from, so that it is cached on disk and never stale.

Numba caches a function next to its source file and notices changes of that file only: a cached kernel
that calls a function of another file goes on using the old one after that file was edited. So the
sources in ``kernels/compiled`` and every rendered formula are copied into a folder whose name is a hash
of their content (and of the versions that compile them, and of the processor) and imported from there. An
edit or an upgrade makes another folder; nothing in an existing folder ever changes.

Every file is written beside its place and moved there, so a process that is killed leaves no half of one.
What is damaged all the same, after a power cut say, is noticed and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from actwise.engines.numba.sharing import processors
from actwise.errors import ActwiseError

CACHE_VARIABLE = "ACTWISE_CACHE_DIR"
DIGEST_LENGTH = 16  # hexadecimal digits: 64 bits, ample for telling files apart
_SOURCES = Path(__file__).parent / "compiled"
_Loaded = TypeVar("_Loaded")
# Two halves of the compilation: another process does the second while this one does the first.
_HERE = (("passes", "forward"), ("loop", "close_epoch"))
_ELSEWHERE = (("passes", "backward"), ("loop", "run_steps"), ("loop", "batch_loss"))
_helpers: dict[tuple[str, str, str], subprocess.Popen[bytes]] = {}
_COMPILE = """
import sys
sys.path[:] = {path!r}
from actwise.engines.numba import build
for module, function in {stages!r}:
    build.stage(module, function, {element!r})
"""


# A module that another thread is compiling stands in sys.modules already, half finished.
_ONE_AT_A_TIME = threading.RLock()


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:DIGEST_LENGTH]


def _user_cache() -> Path:
    if CACHE_VARIABLE in os.environ:
        return Path(os.environ[CACHE_VARIABLE])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "actwise"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "actwise"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "actwise"


def _is_ours_and_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        status = folder.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    # Cached machine code is loaded from here: a folder that somebody else can write is not used.
    return status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH


def _no_place(folder: Path, error: OSError) -> str:
    return (
        f"compiled code cannot be kept in {folder} ({error.strerror or error}): make room there, or set "
        f"{CACHE_VARIABLE} to another folder"
    )


@cache
def cache_folder() -> Path:
    """Return the folder for compiled code, a temporary one where the user's cannot be written.

    Result: ``$ACTWISE_CACHE_DIR``, or ``actwise`` in the user's cache folder, or a folder of the user's
    own in the system's temporary folder, or a new temporary folder.
    """
    folder = _user_cache()
    if _is_ours_and_writable(folder):
        return folder
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    try:
        temporary = Path(tempfile.gettempdir()) / f"actwise-{user}"
        return temporary if _is_ours_and_writable(temporary) else Path(tempfile.mkdtemp(prefix="actwise-"))
    except OSError as error:
        raise ActwiseError(_no_place(folder, error)) from error


def _texts(element: str) -> dict[str, str]:
    """The sources for arrays of one element type, by file name."""
    texts = {path.name: path.read_text("utf-8") for path in sorted(_SOURCES.glob("*.py"))}
    texts["element.py"] = texts["element.py"].replace("numba.float64", f"numba.{element}")
    # float32 kernels use routines that vectorise and are far more exact than float32 needs; float64 uses libm.
    precise = texts.pop("elementary64.py")
    if element == "float64":
        texts["elementary.py"] = precise
    return texts


@cache
def _package_name(element: str) -> str:
    import llvmlite.binding
    import numba
    import numpy as np

    bounds = f"boundscheck={getattr(numba.config, 'BOUNDSCHECK', 0)}"
    # Numba tells processors apart in its index, but two machines that write into one home at once can lose an entry.
    bounds += f" {llvmlite.binding.get_host_cpu_name()} {llvmlite.binding.get_host_cpu_features().flatten()}"
    versions = f"{sys.version_info[:2]} {numba.__version__} {llvmlite.__version__} {np.__version__}"
    parts = [part for each in _texts(element).items() for part in each]
    return f"actwise_{element}_{_digest(*parts, versions, bounds)}"


def _write(path: Path, text: str) -> None:
    """Write a file in one step, unless it is there already."""
    if path.is_file() and path.read_text("utf-8", errors="replace") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(scratch).replace(path)
    except OSError:
        Path(scratch).unlink(missing_ok=True)
        raise
    importlib.invalidate_caches()


def _write_sources(element: str) -> Path:
    """Copy the sources into their folder where they are missing or damaged; return the folder."""
    folder = cache_folder() / _package_name(element)
    for name, text in _texts(element).items():
        _write(folder / name, text)
    return folder


def _loaded(load: Callable[[], _Loaded], element: str, prefix: str) -> _Loaded:
    """Compile, or load from the cache; where the cache's files are damaged, make them again."""
    folder = cache_folder() / _package_name(element)
    try:
        if not folder.is_dir():  # somebody emptied the cache while this process runs, which is always allowed
            _write_sources(element)
        try:
            return load()
        except OSError:
            raise
        except Exception:  # unpickling half a file raises nearly anything
            damaged = list((folder / "__pycache__").glob(f"{prefix}*"))
            if not damaged:
                raise
            for path in damaged:
                path.unlink(missing_ok=True)
            return load()
    except OSError as error:
        raise ActwiseError(_no_place(folder.parent, error)) from error


@cache
def package(element: str) -> ModuleType:
    """Copy the sources into their folder if they are not there, and import them as a package."""
    name = _package_name(element)

    def load() -> ModuleType:
        folder = _write_sources(element)
        specification = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
        return module

    return _loaded(load, element, "__init__.")


def compiled(module: str, element: str = "float64") -> ModuleType:
    """Import one module of the compiled sources, such as ``"loop"``, for one element type."""
    full_name = f"{package(element).__name__}.{module}"
    return _loaded(lambda: import_module(full_name), element, f"{module}.")


def rendered(kind: str, source: str, element: str) -> ModuleType:
    """Import rendered source as a module of the compiled package, writing its file if it is new."""
    name = f"{kind}_{_digest(source)}"
    full_name = f"{package(element).__name__}.{name}"

    def load() -> ModuleType:
        _write(cache_folder() / _package_name(element) / f"{name}.py", source)
        return import_module(full_name)

    with _ONE_AT_A_TIME:
        return sys.modules[full_name] if full_name in sys.modules else _loaded(load, element, f"{name}.")


def arithmetic_digest(source: str, element: str) -> str:
    """Return a digest of everything that decides what rendered source computes.

    Result: A hash of the text, its imports left out, and of the elementary functions with all that they
    import.
    """
    texts, wanted, used = _texts(element), ["elementary"], dict[str, str]()
    while wanted:
        name = wanted.pop()
        if name not in used:
            used[name] = texts[f"{name}.py"]
            wanted += re.findall(r"^from \.(\w+) import", used[name], re.MULTILINE)
    # What the first lines import is either hashed itself or has no part in the arithmetic.
    body = "\n".join(line for line in source.splitlines() if line and not line.startswith("from "))
    return _digest(body, *(used[name] for name in sorted(used)))


@cache
def compile_ahead(element: str) -> None:
    """Where the cache lacks the training's stages, compile half of them while a second process does the others."""
    cached = Path(package(element).__path__[0]) / "__pycache__"
    missing = [
        (module, function) for module, function in _ELSEWHERE if not any(cached.glob(f"{module}.{function}-*.nbc"))
    ]
    # A program that brings Python along is not an interpreter that could be asked to run a line.
    runs_python = Path(sys.executable or "").name.lower().startswith("python") and not hasattr(sys, "frozen")
    if not missing or not runs_python or processors() < 2:
        return
    code = _COMPILE.format(path=[str(Path(each).resolve()) for each in sys.path], stages=missing, element=element)
    nowhere = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        # This interpreter, and a line of our own: nothing here comes from outside.
        helper = subprocess.Popen([sys.executable, "-c", code], stdin=nowhere, stdout=nowhere, stderr=nowhere)  # noqa: S603  # our own code
        _helpers.update({(module, function, element): helper for module, function in missing})
        for module, function in _HERE:
            stage(module, function, element)


@cache
def stage(module: str, function: str, element: str) -> Any:
    """Compile one stage of the loop as a C function of the context's address and three integers.

    Result: with ``address`` for compiled callers and ``ctypes`` for Python, which releases the GIL.
    """
    from numba import cfunc, types

    if (module, function, element) in _helpers:
        _helpers[module, function, element].wait()  # whatever became of it, what is missing is compiled here
    signature = types.intp(*[types.intp] * 4)
    written = getattr(compiled(module, element), function)
    return _loaded(lambda: cfunc(signature, cache=True, error_model="numpy")(written), element, f"{module}.{function}-")


@cache
def product(element: str) -> Any:
    """Compile the tiled matrix product as a C function of nine integers, as `tiles.tiled_product` takes them."""
    from numba import cfunc, types

    written = compiled("tiles", element).tiled_product
    signature = types.void(*[types.intp] * 9)
    return _loaded(lambda: cfunc(signature, cache=True, error_model="numpy")(written), element, "tiles.tiled_product-")


def _mark(element: str) -> Path:
    return cache_folder() / _package_name(element) / "is-compiled"


def is_compiled(element: str) -> bool:
    """Whether machine code of the training loop was made before, so that it only has to be loaded."""
    return _mark(element).exists()


def mark_compiled(element: str) -> None:
    """Remember that machine code of the training loop is in the cache."""
    package(element)
    with contextlib.suppress(OSError):  # only what is said next time depends on it
        _mark(element).touch()
