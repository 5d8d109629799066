"""What functions keep between calls: velocities, caches, generators; found, and put back as it was."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

LARGEST = 1_000_000  # numbers in an array that is still copied: data larger than this are not state


def containers(functions: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the lists, dictionaries and attribute dictionaries that functions can reach, and arrays and generators."""
    seen: set[int] = set()
    pending: list[Any] = list(functions)
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, types.MethodType):
            pending += [each.__self__, each.__func__]
        elif isinstance(each, types.FunctionType):
            pending += _used_by(each)
        elif isinstance(each, dict | list):
            yield each
            pending += each.values() if isinstance(each, dict) else each
        elif isinstance(each, tuple):
            pending += each
        elif isinstance(each, np.ndarray | np.random.Generator | np.random.RandomState):
            yield each
        elif isinstance(getattr(each, "__dict__", None), dict) and not isinstance(each, type | types.ModuleType):
            pending.append(vars(each))


def _used_by(function: types.FunctionType) -> list[Any]:
    """What a function refers to: globals that it names, what it closes over, defaults."""
    found = [function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__]
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    return [*found, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


def _names(code: types.CodeType) -> set[str]:
    inside = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return set(code.co_names).union(*map(_names, inside))


def _functions(functions: tuple[Any, ...]) -> list[types.FunctionType]:
    found: list[types.FunctionType] = []
    pending = [getattr(each, "__func__", each) for each in functions]
    while pending:
        each = pending.pop()
        if isinstance(each, types.FunctionType) and each not in found:
            found.append(each)
            pending += [getattr(other, "__func__", other) for other in _used_by(each)]
    return found


@contextmanager
def put_back(functions: tuple[Any, ...], keep: tuple[int, ...] = ()) -> Iterator[None]:
    """Undo afterwards what calls of functions change beside their results; `keep`: ids of what is left alone."""
    undo: list[Callable[[], Any]] = [_restorer(each) for each in containers(functions) if id(each) not in keep]
    for function in _functions(functions):
        names = [name for name in _names(function.__code__) if name in function.__globals__]
        undo.append(_rebinding(function.__globals__, {name: function.__globals__[name] for name in names}))
        for cell in function.__closure__ or ():
            try:
                undo.append(_refilling(cell, cell.cell_contents))
            except ValueError:
                continue
    legacy = np.random.get_state()  # noqa: NPY002  # people's code draws from it
    try:
        yield
    finally:
        np.random.set_state(legacy)  # noqa: NPY002
        for each in undo:
            each()


def _rebinding(names: dict[str, Any], before: dict[str, Any]) -> Callable[[], Any]:
    return lambda: names.update(before)


def _refilling(cell: types.CellType, before: Any) -> Callable[[], Any]:
    return lambda: setattr(cell, "cell_contents", before)


def _restorer(each: Any) -> Callable[[], Any]:
    if isinstance(each, np.ndarray):
        if each.size > LARGEST or not each.flags.writeable:
            return lambda: None
        before = each.copy()
        return lambda: np.copyto(each, before)
    if isinstance(each, list):
        items = list(each)
        return lambda: each.__setitem__(slice(None), items)
    if isinstance(each, dict):
        entries = dict(each)

        def refill() -> None:
            each.clear()
            each.update(entries)

        return refill
    if isinstance(each, np.random.Generator):
        state = each.bit_generator.state
        return lambda: setattr(each.bit_generator, "state", state)
    legacy = each.get_state()
    return lambda: each.set_state(legacy)
