"""Plain data to frozen records and back, strictly: what a tampered file holds is refused with the reason."""

from __future__ import annotations

import math
from dataclasses import fields
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from actwise.errors import ModelError

Record = TypeVar("Record")


def to_plain(record: Any) -> dict[str, Any]:
    """Turn a flat frozen record into a dictionary that JSON can hold.

    Result: field names to values; tuples become lists.
    """
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def from_plain(kind: type[Record], data: object, what: str) -> Record:
    """Build a record from plain data after checking every field against its declared type."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # mypy cannot bound by "dataclass"
    values = check_keys(data, names, what)
    return kind(**{name: _conform(values[name], hints[name], f"{what}: {name!r}") for name in names})


def check_keys(data: object, names: list[str], what: str) -> dict[str, Any]:
    """Make sure that plain data is a dictionary with exactly the keys expected."""
    if not isinstance(data, dict):
        raise ModelError(f"{what} should be an object with named fields, not {shown(data)}")
    missing = [name for name in names if name not in data]
    unknown = [str(name) for name in data if name not in names]
    if missing:
        raise ModelError(f"{what} lacks {missing[0]!r}: the saved model is damaged")
    if unknown:
        raise ModelError(f"{what} has an unknown {unknown[0][:40]!r}: the saved model is damaged")
    return data


def require(condition: bool, problem: str) -> None:
    """Raise a `ModelError` with the problem unless the condition holds."""
    if not condition:
        raise ModelError(problem)


def _conform(value: object, hint: Any, what: str) -> Any:
    origin = get_origin(hint)
    if origin is tuple:
        if not isinstance(value, list):
            raise ModelError(f"{what} should be a list, not {shown(value)}")
        return tuple(_conform(each, get_args(hint)[0], what) for each in value)
    if origin is Literal:
        if isinstance(value, str) and value in get_args(hint):
            return value
        raise ModelError(f"{what} should be one of {', '.join(get_args(hint))}, not {shown(value)}")
    kinds = get_args(hint) if origin in (Union, UnionType) else (hint,)
    words = [kind for kind in kinds if get_origin(kind) is Literal]
    if words and value is not None:
        return _conform(value, words[0], what)
    if type(value) is int and float in kinds and int not in kinds and abs(value) < 2**1023:
        value = float(value)
    if type(value) not in kinds:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ModelError(f"{what} should be of type {names}, not {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelError(f"{what} should be finite, not {value}")
    return value


def shown(value: object) -> str:
    """Write a value for an error, at most 40 characters of it.

    Result: its `repr`, cut where it is long.
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else text[:37] + "..."
