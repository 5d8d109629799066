"""Where compiled code comes from, so that it is cached on disk and never stale.

Numba caches a function next to its source file and notices changes of that file only: a cached kernel
that calls a function of another file goes on using the old one after that file was edited. So the
sources in ``kernels/compiled`` and every rendered formula are copied into a folder whose name is a hash
of their content (and of the versions that compile them, and of the processor) and imported from there. An
edit or an upgrade makes another folder; nothing in an existing folder ever changes.

`actwise.engines.cache` says where that is. Every file is written beside its place and moved there, so a process that is
killed leaves no half of one. What is damaged all the same, or deleted, is noticed and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from actwise.engines import cache as cache_folders
from actwise.engines.cache import CACHE_VARIABLE
from actwise.engines.threads import processors

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


# Numba compiles in one thread at a time, and a process must not be forked meanwhile: the child would wait for ever for
# a thread that it has not got.
_ONE_AT_A_TIME = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_ONE_AT_A_TIME.acquire, after_in_parent=_ONE_AT_A_TIME.release, after_in_child=_ONE_AT_A_TIME.release
    )
_ATTEMPTS = 4  # at what may be deleted again and again while it is compiled


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:DIGEST_LENGTH]


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
    with _ONE_AT_A_TIME:  # imports and llvmlite hold locks that a fork would leave locked
        import llvmlite.binding
        import numba
        import numpy as np

        bounds = f"boundscheck={getattr(numba.config, 'BOUNDSCHECK', 0)}"
        # Numba tells processors apart in its index, but two machines that share a home can lose an entry of it.
        bounds += f" {llvmlite.binding.get_host_cpu_name()} {llvmlite.binding.get_host_cpu_features().flatten()}"
        versions = f"{sys.version_info[:2]} {numba.__version__} {llvmlite.__version__} {np.__version__}"
        parts = [part for each in _texts(element).items() for part in each]
        return f"actwise_{element}_{_digest(*parts, versions, bounds)}"


def _folder(element: str) -> Path:
    return cache_folders.folder_of(_package_name(element))


def _write_sources(element: str) -> Path:
    """Copy the sources into their folder where they are missing or damaged; return the folder."""
    for name, text in _texts(element).items():
        cache_folders.write(_folder(element) / name, text)
    return _folder(element)


def _loaded(load: Callable[[], _Loaded], element: str, files: str) -> _Loaded:
    """Compile, or load from the cache; where files of the cache are damaged or deleted meanwhile, make them again."""
    with _ONE_AT_A_TIME:
        folder = _folder(element)
        made = folder / "__pycache__"
        try:
            for _ in range(_ATTEMPTS - 1):
                if not folder.is_dir():
                    _write_sources(element)
                try:
                    cache_folders.remove_damaged(made, files)
                    found = load()
                    cache_folders.note_sums(made, files)
                    cache_folders.note_new_sums(made, "*.pyc")  # of what was imported on the way
                except Exception as error:  # without its files Numba raises nearly anything
                    if not folder.is_dir() or any(not (folder / name).is_file() for name in _texts(element)):
                        _write_sources(element)
                    elif isinstance(error, FileNotFoundError | ModuleNotFoundError):
                        importlib.invalidate_caches()
                    else:
                        raise
                else:
                    return found
            return load()
        except OSError as error:
            raise cache_folders.no_place(folder.parent, error) from error


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

    return _loaded(load, element, "*.pyc")


def compiled(module: str, element: str = "float64") -> ModuleType:
    """Import one module of the compiled sources, such as ``"loop"``, for one element type."""
    full_name = f"{package(element).__name__}.{module}"
    with _ONE_AT_A_TIME:  # a module that another thread is importing stands in sys.modules already, half finished
        loaded = sys.modules.get(full_name)
        return loaded or _loaded(lambda: import_module(full_name), element, "*.pyc")


def rendered(kind: str, source: str, element: str) -> ModuleType:
    """Import rendered source as a module of the compiled package, writing its file if it is new."""
    name = f"{kind}_{_digest(source)}"
    full_name = f"{package(element).__name__}.{name}"

    def load() -> ModuleType:
        cache_folders.write(_folder(element) / f"{name}.py", source)
        return import_module(full_name)

    with _ONE_AT_A_TIME:  # as for `compiled`
        return sys.modules[full_name] if full_name in sys.modules else _loaded(load, element, f"{name}.*")


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
    nowhere: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    environment = {**os.environ, CACHE_VARIABLE: str(_folder(element).parent)}
    with contextlib.suppress(OSError):
        # This interpreter, and a line of our own: nothing here comes from outside.
        helper = subprocess.Popen([sys.executable, "-c", code], env=environment, **nowhere)  # noqa: S603  # our own code
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
    return _loaded(
        lambda: cfunc(signature, cache=True, error_model="numpy")(written), element, f"{module}.{function}-*"
    )


@cache
def product(element: str) -> Any:
    """Compile the tiled matrix product as a C function of nine integers, as `tiles.tiled_product` takes them."""
    from numba import cfunc, types

    written = compiled("tiles", element).tiled_product
    signature = types.void(*[types.intp] * 9)
    return _loaded(lambda: cfunc(signature, cache=True, error_model="numpy")(written), element, "tiles.tiled_product-*")


def _mark(element: str) -> Path:
    return _folder(element) / "is-compiled"


def is_compiled(element: str) -> bool:
    """Whether machine code of the training loop was made before, so that it only has to be loaded."""
    return _mark(element).exists()


def mark_compiled(element: str) -> None:
    """Remember that machine code of the training loop is in the cache."""
    package(element)
    with contextlib.suppress(OSError):  # only what is said next time depends on it
        _mark(element).touch()
