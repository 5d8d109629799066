"""Parameters of estimators as data, and back: plain values, activations, losses, optimisers and schedules.

A plain value stands for itself. Everything else is an object with one field that says what it is; the words that
may stand there are in a table, and nothing else is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from actwise.activations import Activation, GatedActivation, RowActivation
from actwise.errors import InputError, ModelError
from actwise.model import losses, optimizers, schedules
from actwise.persistence import records
from actwise.persistence.activations import activation_from_document, activation_to_document

Plain: TypeAlias = Any
DEEPEST = 20  # lists in lists, and schedules in optimisers
_SCHEDULES = (schedules.Constant, schedules.ExponentialDecay, schedules.InverseTimeDecay, schedules.CosineDecay)
RECORDS: dict[str, type] = {each.__name__: each for each in (*get_args(optimizers.Optimizer), *_SCHEDULES)}


@dataclass(frozen=True)
class _Loss:
    loss: str
    values: Mapping[str, float]


def parameter_to_document(value: Any, name: str) -> Plain:
    """Describe the value of a parameter.

    >>> parameter_to_document((5, 3), "hidden_layer_sizes")
    {'tuple': [5, 3]}
    >>> parameter_to_document(optimizers.SGD(0.1), "solver")
    {'record': 'SGD', 'learning_rate': 0.1, 'momentum': 0.0, 'nesterov': False}
    """
    plain = value.item() if isinstance(value, np.generic) else value
    match plain:
        case None | bool() | int() | str():
            return plain
        case float():
            return plain if math.isfinite(plain) else {"number": repr(plain)}
        case list():
            return [parameter_to_document(each, name) for each in plain]
        case tuple():
            return {"tuple": [parameter_to_document(each, name) for each in plain]}
        case dict():
            return {"dict": [[parameter_to_document(part, name) for part in pair] for pair in plain.items()]}
        case Activation() | RowActivation() | GatedActivation():
            return {"activation": activation_to_document(plain)}
        case losses.Loss() if _is_known(plain):
            return {"loss": plain.name, "values": {key: float(each) for key, each in plain.params.items()}}
    if is_dataclass(plain) and RECORDS.get(type(plain).__name__) is type(plain):
        inner = {each.name: parameter_to_document(getattr(plain, each.name), name) for each in fields(plain)}
        return {"record": type(plain).__name__, **inner}
    raise InputError(
        f"the parameter {name!r} is {_article(plain)}, which cannot be saved without pickle; set it to a plain value "
        f"first, such as model.set_params({name}=None)"
    )


def _article(value: object) -> str:
    return "a function" if callable(value) and not isinstance(value, type) else f"of the type {type(value).__name__}"


def _is_known(loss: losses.Loss) -> bool:
    try:
        known = losses.loss(loss.name, **loss.params)
    except InputError:
        return False
    return known.f is loss.f and known.df is loss.df and known.output == loss.output


def parameter_from_document(document: Plain, where: str, depth: int = 0) -> Any:
    """Rebuild a value that `parameter_to_document` described."""
    if depth > DEEPEST:
        raise ModelError(f"{where} is nested too deeply")
    if isinstance(document, list):
        return [parameter_from_document(each, f"{where}[{k}]", depth + 1) for k, each in enumerate(document)]
    if not isinstance(document, dict):
        return document
    words = {"number", "tuple", "dict", "activation", "loss", "record"} & document.keys()
    word = words.pop() if len(words) == 1 else ""
    value = document.get(word)
    if not word or (word not in ("loss", "record") and len(document) > 1):
        raise ModelError(f"{where} must say in one word what it is")
    if word == "number":
        return records.from_plain(float, value, where, finite=False)
    if word == "activation":
        return activation_from_document(value, where)
    if word == "loss":
        found = records.from_plain(_Loss, document, where)
        return records.build(losses.loss, where, found.loss, **found.values)
    if word == "record":
        kind = RECORDS[records.from_plain(Literal[*RECORDS], value, where)]
        given = {name: each for name, each in document.items() if name != word}
        inner = {name: parameter_from_document(each, f"{where}.{name:.60}", depth + 1) for name, each in given.items()}
        return records.build(kind, where, **inner)
    if not isinstance(value, list):
        raise ModelError(f"{where} must be a list, not {records.shown(value)}")
    items = parameter_from_document(value, where, depth)
    if word == "tuple":
        return tuple(items)
    if not all(isinstance(each, list) and len(each) == 2 and isinstance(each[0], str | int | float) for each in items):
        raise ModelError(f"{where} must be a list of pairs")
    return dict(items)
