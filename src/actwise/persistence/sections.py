"""Reads the fields of a saved document: what is missing, unknown or of the wrong type is refused by name."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from actwise.errors import ModelError, suggest

_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}  # JSON has no literals for these


def from_number(value: float) -> float | str:
    """Return what stands for a number in a document."""
    wide = float(value)
    return wide if math.isfinite(wide) else repr(wide)


def to_number(value: object, where: str) -> float:
    """Read a number that `from_number` wrote."""
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if isinstance(value, float) or (type(value) is int and abs(value) <= 2**53):
        return float(value)
    raise ModelError(f"{where} must be a number, not {shown(value)}")


def shown(value: object) -> str:
    """Return a value as it fits into a message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return f"{value!r:.60}"


def choice(word: str, where: str, known: Collection[str], noun: str) -> str:
    """Return a word if it is a known one."""
    if word not in known:
        raise ModelError(f"{where} is the unknown {word!r:.60}; {suggest(word[:60], known, noun=noun)}")
    return word


class Section:
    """An object of a saved document.

    Parameters
    ----------
    value : object
        What the document holds.
    where : str
        Its place in the document, such as ``"layers[0].activation"``.
    names : collection of str
        The fields it must have; with any other it is refused.

    Examples
    --------
    >>> Section({"units": 3}, "layers[0]", ["units"]).integer("units", at_least=1)
    3
    """

    def __init__(self, value: object, where: str, names: Collection[str]) -> None:
        if not isinstance(value, dict):
            raise ModelError(f"{where} must be an object, not {shown(value)}")
        for name in value:
            if name not in names:
                hint = suggest(name[:60], names, noun="the known fields")
                raise ModelError(f"{where} has the unknown field {name!r:.60}; {hint}")
        for name in names:
            if name not in value:
                raise ModelError(f"{where} lacks the field {name!r}")
        self._value: dict[str, Any] = value
        self.where = where

    def __getitem__(self, name: str) -> Any:
        return self._value[name]

    def place(self, name: str) -> str:
        """Return where in the document a field is."""
        return f"{self.where}.{name}"

    def section(self, name: str, names: Collection[str]) -> Section:
        """Read an object with these fields."""
        return Section(self[name], self.place(name), names)

    def number(self, name: str) -> float:
        """Read a number."""
        return to_number(self[name], self.place(name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """Read a list of numbers."""
        return tuple(to_number(each, where) for each, where in self.items(name))

    def integer(self, name: str, *, at_least: int) -> int:
        """Read a whole number."""
        value = self[name]
        if type(value) is not int or value < at_least:
            raise ModelError(f"{self.place(name)} must be a whole number of at least {at_least}, not {shown(value)}")
        return value

    def truth(self, name: str) -> bool:
        """Read true or false."""
        value = self[name]
        if not isinstance(value, bool):
            raise ModelError(f"{self.place(name)} must be true or false, not {shown(value)}")
        return value

    def text(self, name: str) -> str:
        """Read a text."""
        value = self[name]
        if not isinstance(value, str):
            raise ModelError(f"{self.place(name)} must be a text, not {shown(value)}")
        return value

    def choice(self, name: str, known: Collection[str], noun: str) -> str:
        """Read one of several words."""
        return choice(self.text(name), self.place(name), known, noun)

    def items(self, name: str) -> Iterator[tuple[Any, str]]:
        """Read a list; yield each item and where in the document it is."""
        value = self[name]
        if not isinstance(value, list):
            raise ModelError(f"{self.place(name)} must be a list, not {shown(value)}")
        for index, each in enumerate(value):
            yield each, f"{self.place(name)}[{index}]"

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts."""
        found = tuple(each for each, _ in self.items(name))
        for each in found:
            if not isinstance(each, str):
                raise ModelError(f"{self.place(name)} must hold texts only, not {shown(each)}")
        return found

    def entries(self, name: str) -> Iterator[tuple[str, Any, str]]:
        """Read an object with any fields; yield the name of each, its value and where it is."""
        value = self[name]
        if not isinstance(value, dict):
            raise ModelError(f"{self.place(name)} must be an object, not {shown(value)}")
        for key, each in value.items():
            yield key, each, f"{self.place(name)}.{key:.60}"


def typed(value: object, where: str, by: str, known: Mapping[str, Collection[str]], noun: str) -> tuple[Section, str]:
    """Read an object in which one field says which fields it has."""
    word = value.get(by) if isinstance(value, dict) else None
    if not isinstance(word, str):
        raise ModelError(f"{where} must be an object with a {by}, not {shown(value)}")
    return Section(value, where, known[choice(word, f"{where}.{by}", known, noun)]), word
