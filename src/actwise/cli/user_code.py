"""Loads functions out of a file of the user's own, as ``FILE.py:f,df`` names them."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from actwise.errors import InputError, suggest

_TARGET = re.compile(r"(?P<file>.+):(?P<functions>[^:/\\]+)")


def load_functions(target: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Load an activation and its derivative from a file.

    The file is run, as Python would import it; what it prints goes to stderr.

    Parameters
    ----------
    target : str
        ``FILE.py:f,df``: a path, the name of the activation and the name of its derivative. A name may have
        dots, as ``Network.sigmoid`` has for a function of a class.

    Returns
    -------
    tuple of callable
        The activation and its derivative.

    Raises
    ------
    InputError
        If the text is something else, the file does not exist or cannot be imported, or a function is missing.
    """
    found = _TARGET.fullmatch(target)
    names = [name.strip() for name in found["functions"].split(",")] if found else []
    if found is None or len(names) != 2 or not all(names):
        raise InputError(
            f"{target!r} should name a file, an activation and its derivative, such as net.py:sigmoid,sigmoid_prime"
        )
    path = Path(found["file"])
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}: check the path before the colon")
    if path.suffix != ".py":
        raise InputError(f"{str(path)!r} is no Python file: its name should end in .py")
    module = _imported(path)
    function, derivative = (_found(module, path, name) for name in names)
    return function, derivative


@contextmanager
def errors_in_words(target: str) -> Iterator[None]:
    """Turn an error that the functions of a target raise into one sentence with its line.

    Parameters
    ----------
    target : str
        As for `load_functions`.
    """
    path = Path(target.rpartition(":")[0])
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a program of the user's own can fail in every way
        raise InputError(f"{str(path)!r} raised {type(error).__name__}: {error}{_line_of(error, path)}") from error


def _imported(path: Path) -> ModuleType:
    """Import a file by its path; modules beside it can be imported by it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.absolute().parent))
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # dataclasses and pickle look their module up
    try:
        with redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except SystemExit as error:
        raise InputError(
            f"{str(path)!r} ends the program while it is imported: put what it runs under if __name__ == '__main__'"
        ) from error
    except Exception as error:  # a program of the user's own can fail in every way
        raise InputError(
            f"{str(path)!r} cannot be imported, {type(error).__name__}: {error}{_line_of(error, path)}; "
            "make it run with Python first"
        ) from error
    finally:
        sys.path.remove(str(path.absolute().parent))
        if before is None:
            del sys.modules[path.stem]
        else:
            sys.modules[path.stem] = before
    return module


def _line_of(error: BaseException, path: Path) -> str:
    """Say in which line of the file an error happened."""
    if isinstance(error, SyntaxError):
        return ""  # its own text says so
    line, trace = None, error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).name == path.name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f" (line {line})"


def _found(module: ModuleType, path: Path, name: str) -> Callable[[Any], Any]:
    place: Any = module
    for part in name.split("."):
        if not hasattr(place, part):
            raise InputError(f"{str(path)!r} has no function {name!r}; {_hint(part, dir(place), place)}")
        place = getattr(place, part)
    if not callable(place):
        raise InputError(f"{name!r} in {str(path)!r} is of type {type(place).__name__}: name a function")
    loaded: Callable[[Any], Any] = place
    return loaded


def _hint(name: str, known: Sequence[str], place: Any) -> str:
    functions = [each for each in known if not each.startswith("_") and callable(getattr(place, each))]
    return suggest(name, functions, noun="its functions") if functions else "it defines none at its top level"
