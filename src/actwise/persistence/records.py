"""The one codec: records as plain data and back, strictly, by what the annotations of their fields say.

A record is an object with its fields; where one of several records may stand, its ``kind``, or the name of its class
as ``type``, says which. Text stands for the numbers that JSON lacks: ``"inf"``, ``"-inf"``, ``"nan"``. A field with a
default may be missing, as in files that were written before there was such a field; a field whose metadata has
``saved=False`` is never written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, overload

import numpy as np

from actwise.errors import InputError, ModelError, suggest

Record = TypeVar("Record")
_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_WORDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text", NoneType: "null"}
# Types that write and read themselves: a function of a value, and one of plain data and its place in the document.
CUSTOM: dict[Any, tuple[Callable[[Any], Any], Callable[[Any, str], Any]]] = {}


def to_plain(value: Any, hint: Any = None) -> Any:
    """Turn a record, or what a field of one holds, into data that JSON can hold.

    >>> from actwise.model.optimizers import SGD
    >>> to_plain(SGD(0.1))
    {'learning_rate': 0.1, 'momentum': 0.0, 'nesterov': False}
    """
    if hint in CUSTOM:
        return CUSTOM[hint][0](value)
    if is_dataclass(value) and not isinstance(value, type):
        kind, several = type(value), len(_records_in(hint)) > 1
        tag = dict([_tag(kind)]) if several else {}
        return tag | {name: to_plain(getattr(value, name), hints) for name, (_, hints) in _fields(kind).items()}
    if isinstance(value, Mapping):
        return {str(name): to_plain(each, _inner(hint)) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(each, _inner(hint)) for each in value]
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else repr(plain)
    if plain is None or isinstance(plain, bool | int | str):
        return plain
    raise InputError(f"a value of the type {type(value).__name__} cannot be saved")


@overload
def from_plain(hint: type[Record], data: object, where: str, *, finite: bool = True) -> Record: ...
@overload
def from_plain(hint: Any, data: object, where: str, *, finite: bool = True) -> Any: ...
def from_plain(hint: Any, data: object, where: str, *, finite: bool = True) -> Any:
    """Build what an annotation asks for; whatever does not fit it is refused by its place.

    `finite`: whether numbers have to be.

    >>> from actwise.model.optimizers import SGD
    >>> from_plain(SGD, {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False}, "solver")
    SGD(learning_rate=0.1, momentum=0.0, nesterov=False)
    """
    if hint is Any:
        return data
    if hint in CUSTOM:
        return CUSTOM[hint][1](data, where)
    if is_dataclass(hint):
        return _record(hint, data, where, finite)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _one_of(inner, data, where, finite)
    if origin is Literal:
        return _known(data, inner, where)
    if origin in (tuple, Sequence):
        if not isinstance(data, list):
            raise ModelError(f"{where} must be a list, not {shown(data)}")
        if origin is tuple and inner[-1] is not ... and len(data) != len(inner):
            raise ModelError(f"{where} must be a list of {len(inner)}, not of {len(data)}")
        return tuple(from_plain(inner[0], each, f"{where}[{k}]", finite=finite) for k, each in enumerate(data))
    if origin in (dict, Mapping):
        named = _object(data, where)
        return {name: from_plain(inner[1], each, f"{where}.{name:.60}", finite=finite) for name, each in named.items()}
    return _scalar((hint,), data, where, finite)


def build(make: Callable[..., Record], where: str, *arguments: Any, **named: Any) -> Record:
    """Make one of the known things; what it refuses is a damaged model."""
    try:
        return make(*arguments, **named)
    except (InputError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{where}: {error}") from error


def require(condition: bool, problem: str) -> None:
    """Raise a `ModelError` with the problem unless the condition holds."""
    if not condition:
        raise ModelError(problem)


def shown(value: object) -> str:
    """Write a value for an error, at most 40 characters of it."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else text[:37] + "..."


@cache
def _fields(kind: type) -> dict[str, tuple[Field[Any], Any]]:
    """Return the saved fields of a record, each with its annotation."""
    hints = get_type_hints(kind)
    saved: list[Field[Any]] = [each for each in fields(kind) if each.init and each.metadata.get("saved", True)]
    return {each.name: (each, hints[each.name]) for each in saved}


def _records_in(hint: Any) -> list[Any]:
    return [each for each in get_args(hint) if is_dataclass(each)]


def _inner(hint: Any) -> Any:
    """Return the annotation of the items of a list or mapping."""
    for each in (hint, *get_args(hint)):
        if get_origin(each) in (tuple, Sequence, dict, Mapping):
            return get_args(each)[get_origin(each) in (dict, Mapping)]
    return None


def _tag(kind: Any) -> tuple[str, str]:
    """Return the field that tells a record from others that may stand in its place, and what it holds."""
    return ("kind", kind.kind) if isinstance(getattr(kind, "kind", None), str) else ("type", kind.__name__)


def _object(data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ModelError(f"{where} must be an object, not {shown(data)}")
    return data


def _record(kind: Any, data: object, where: str, finite: bool) -> Any:
    given, known = _object(data, where), _fields(kind)
    for name in given:
        if name not in known:
            hint = suggest(name[:60], known, noun="the known fields")
            raise ModelError(f"{where} has the unknown field {name!r:.60}; {hint}")
    values = {}
    for name, (field, hint) in known.items():
        if name in given:
            values[name] = from_plain(hint, given[name], f"{where}.{name}", finite=finite)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ModelError(f"{where} lacks the field {name!r}")
    return build(kind, where, **values)


def _one_of(hints: tuple[Any, ...], data: object, where: str, finite: bool) -> Any:
    """Read what one of several annotations asks for: null, a list, a record or a plain value."""
    if data is None and NoneType in hints:
        return None
    lists = [each for each in hints if get_origin(each) is tuple]
    if lists and isinstance(data, list):
        return from_plain(lists[0], data, where, finite=finite)
    records: list[Any] = [each for each in hints if is_dataclass(each)]
    plain = tuple(each for each in hints if each in _WORDS)
    words = [word for each in hints if get_origin(each) is Literal for word in get_args(each)]
    if words and (type(data) is str or not records):
        return _known(data, words, where)
    if not records or type(data) in plain:
        return _scalar(plain, data, where, finite)
    if len(records) == 1:
        return _record(records[0], data, where, finite)
    given = dict(_object(data, where))
    by, kinds = _tag(records[0])[0], {_tag(each)[1]: each for each in records}
    word = _known(given.pop(by, None), kinds, f"{where}.{by}")
    return _record(kinds[word], given, where, finite)


def _known(word: object, known: Collection[str], where: str) -> str:
    if isinstance(word, str) and word in known:
        return word
    hint = suggest(word[:60] if isinstance(word, str) else "", known, noun="known words")
    raise ModelError(f"{where} is the unknown {shown(word)}; {hint}")


def _scalar(kinds: tuple[Any, ...], data: Any, where: str, finite: bool) -> Any:
    value = data
    if float in kinds and type(data) is int and int not in kinds and abs(data) <= 2**53:
        value = float(data)
    elif float in kinds and not finite and str not in kinds and isinstance(data, str):
        value = _NOT_FINITE.get(data, data)
    if type(value) in kinds and not (finite and isinstance(value, float) and not math.isfinite(value)):
        return value
    wanted = " or ".join(_WORDS[each] for each in kinds)
    wanted = wanted.replace("a number", "a finite number") if finite else wanted
    raise ModelError(f"{where} must be {wanted}, not {shown(data)}")
