"""Every annotation that records use is written, read back the same and refused where the data are of another type."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from actwise.errors import InputError, ModelError
from actwise.persistence.records import from_plain, require, to_plain


@dataclass(frozen=True)
class Inner:
    kind: ClassVar[str] = "inner"
    size: float


@dataclass(frozen=True)
class Other:
    kind: ClassVar[str] = "other"
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    one: Inner
    several: tuple[Inner | Other, ...]
    maybe: Inner | None
    word: Literal["a", "b"]
    pair: tuple[float, float]
    by_name: Mapping[str, dict[str, float | None]]
    label: bool | int | float | str
    value: float | tuple[float, ...]
    named: str | Inner | Other
    anything: Any
    either: Literal["x", "y"] | None
    late: int = 3
    unsaved: int = field(default=5, metadata={"saved": False})

    def __post_init__(self) -> None:
        require(self.late > 0, "late must be positive")


VALUE = Outer(
    Inner(0.5), (Inner(1.0), Other(("x",))), None, "b", (1.0, 2.0), {"n": {"m": None, "k": 2.0}}, True, (1.5,), "auto",
    [1, {"a": None}], "y", 7, 9,
)  # fmt: skip
PLAIN: dict[str, Any] = {
    "one": {"size": 0.5},
    "several": [{"kind": "inner", "size": 1.0}, {"kind": "other", "words": ["x"]}],
    "maybe": None,
    "word": "b",
    "pair": [1.0, 2.0],
    "by_name": {"n": {"m": None, "k": 2.0}},
    "label": True,
    "value": [1.5],
    "named": "auto",
    "anything": [1, {"a": None}],
    "either": "y",
    "late": 7,
}


def test_a_record_comes_back_as_it_was() -> None:
    assert to_plain(VALUE) == PLAIN
    again = from_plain(Outer, json.loads(json.dumps(PLAIN)), "outer")
    assert again == Outer(**{**vars(VALUE), "unsaved": 5})
    assert type(again.label) is bool
    assert from_plain(Outer, {**PLAIN, "named": {"kind": "inner", "size": 2}}, "outer").named == Inner(2.0)


def test_a_field_with_a_default_may_be_missing_and_no_other() -> None:
    assert from_plain(Outer, {name: each for name, each in PLAIN.items() if name != "late"}, "outer").late == 3
    with pytest.raises(ModelError, match="outer lacks the field 'word'"):
        from_plain(Outer, {name: each for name, each in PLAIN.items() if name != "word"}, "outer")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"one": {"size": True}}, "outer.one.size must be a finite number, not True"),
        ({"one": {"size": "nan"}}, "outer.one.size must be a finite number, not 'nan'"),
        ({"one": {"size": 2**60}}, "must be a finite number"),
        ({"one": {"kind": "inner", "size": 1.0}}, "unknown field 'kind'"),
        (
            {"several": [{"size": 1.0}]},
            r"outer.several\[0\].kind is the unknown None; known words are 'inner', 'other'",
        ),
        ({"several": [{"kind": "iner", "size": 1.0}]}, "did you mean 'inner'"),
        ({"several": {}}, "outer.several must be a list, not an object"),
        ({"maybe": 1}, "outer.maybe must be an object, not 1"),
        ({"word": 1}, "outer.word is the unknown 1"),
        ({"either": "z"}, "outer.either is the unknown 'z'; known words are 'x', 'y'"),
        ({"pair": [1.0]}, "outer.pair must be a list of 2, not of 1"),
        ({"by_name": {"n": {"m": "x"}}}, "outer.by_name.n.m must be a finite number or null, not 'x'"),
        ({"label": None}, "must be true or false or a whole number or a finite number or a text, not None"),
        ({"named": 3}, "outer.named must be an object, not 3"),
        ({"late": 1.0}, "outer.late must be a whole number, not 1.0"),
        ({"late": -1}, "outer: late must be positive"),
        ({"unsaved": 1}, "unknown field 'unsaved'"),
        ({"oen": 1}, "unknown field 'oen'; did you mean 'one'"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        from_plain(Outer, {**PLAIN, **change}, "outer")


def test_numbers_that_json_lacks_are_text() -> None:
    for value in (math.inf, -math.inf, math.nan):
        plain = to_plain(Inner(value))
        assert plain == {"size": repr(value)}
        again = from_plain(Inner, plain, "inner", finite=False).size
        assert again == value or (math.isnan(again) and math.isnan(value))
    assert to_plain(np.float32(0.5)) == 0.5


def test_what_is_no_data_is_not_written() -> None:
    with pytest.raises(InputError, match="of the type object cannot be saved"):
        to_plain(Other((object(),)))  # type: ignore[arg-type]  # what a user may do
