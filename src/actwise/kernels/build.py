"""Where compiled code comes from, so that it is cached on disk and never stale.

Numba caches a function next to its source file and notices changes of that file only: a cached kernel
that calls a function of another file goes on using the old one after that file was edited. So the
sources in ``kernels/compiled`` and every rendered formula are copied into a folder whose name is a hash
of their content (and of the versions that compile them) and imported from there. An edit or an upgrade
makes another folder; nothing in an existing folder ever changes.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import stat
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

CACHE_VARIABLE = "ACTWISE_CACHE_DIR"
DIGEST_LENGTH = 16  # hexadecimal digits: 64 bits, ample for telling files apart
_SOURCES = Path(__file__).parent / "compiled"


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


@cache
def cache_folder() -> Path:
    """Return the folder for compiled code, a temporary one where the user's cannot be written.

    Returns
    -------
    pathlib.Path
        ``$ACTWISE_CACHE_DIR``, or ``actwise`` in the user's cache folder, or a folder of the user's own
        in the system's temporary folder, or a new temporary folder.
    """
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    for folder in (_user_cache(), Path(tempfile.gettempdir()) / f"actwise-{user}"):
        if _is_ours_and_writable(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="actwise-"))


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
    import llvmlite
    import numba
    import numpy as np

    bounds = f"boundscheck={getattr(numba.config, 'BOUNDSCHECK', 0)}"
    versions = f"{sys.version_info[:2]} {numba.__version__} {llvmlite.__version__} {np.__version__}"
    parts = [part for each in _texts(element).items() for part in each]
    return f"actwise_{element}_{_digest(*parts, versions, bounds)}"


@cache
def package(element: str) -> ModuleType:
    """Copy the sources into their folder if they are not there, and import them as a package."""
    name = _package_name(element)
    folder = cache_folder() / name
    if not (folder / "__init__.py").is_file():
        scratch = Path(tempfile.mkdtemp(dir=folder.parent))
        for file_name, text in _texts(element).items():
            (scratch / file_name).write_text(text, "utf-8")
        try:
            scratch.rename(folder)
        except OSError:
            # Another process was faster; its copy is the same, since the name is a hash of the content.
            shutil.rmtree(scratch, ignore_errors=True)
    specification = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def compiled(module: str, element: str = "float64") -> ModuleType:
    """Import one module of the compiled sources, such as ``"loop"``, for one element type."""
    return import_module(f"{package(element).__name__}.{module}")


def rendered(kind: str, source: str, element: str) -> ModuleType:
    """Import rendered source as a module of the compiled package, writing its file if it is new.

    Parameters
    ----------
    kind : str
        The beginning of the file's name, such as ``"activation"``.
    source : str
        The module's text.
    element : str
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    module
        The imported module.
    """
    name = f"{kind}_{_digest(source)}"
    full_name = f"{package(element).__name__}.{name}"
    if full_name not in sys.modules:
        path = cache_folder() / _package_name(element) / f"{name}.py"
        if not path.is_file():
            handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(source)
            Path(scratch).replace(path)
            importlib.invalidate_caches()
    return import_module(full_name)


def arithmetic_digest(source: str, element: str) -> str:
    """Return a digest of everything that decides what rendered source computes.

    Parameters
    ----------
    source : str
        The module's text.
    element : str
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    str
        A hash of the text and of the elementary functions with all that they import.
    """
    texts, wanted, used = _texts(element), ["elementary"], dict[str, str]()
    while wanted:
        name = wanted.pop()
        if name not in used:
            used[name] = texts[f"{name}.py"]
            wanted += re.findall(r"^from \.(\w+) import", used[name], re.MULTILINE)
    return _digest(source, *(used[name] for name in sorted(used)))


@cache
def stage(module: str, function: str, element: str) -> Any:
    """Compile one stage of the loop as a C function of the context's address and three integers.

    Returns
    -------
    numba.core.ccallback.CFunc
        With ``address`` for compiled callers and ``ctypes`` for Python, which releases the GIL.
    """
    from numba import cfunc, types

    signature = types.intp(*[types.intp] * 4)
    return cfunc(signature, cache=True, error_model="numpy")(getattr(compiled(module, element), function))


def _mark(element: str) -> Path:
    return cache_folder() / _package_name(element) / "is-compiled"


def is_compiled(element: str) -> bool:
    """Whether machine code of the training loop was made before, so that it only has to be loaded."""
    return _mark(element).exists()


def mark_compiled(element: str) -> None:
    """Remember that machine code of the training loop is in the cache."""
    package(element)
    _mark(element).touch()
