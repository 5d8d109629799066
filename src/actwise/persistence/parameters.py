"""Parameters of estimators as data, and back: plain values, activations, losses, optimisers and schedules.

A plain value stands for itself. Everything else is an object with one field that says what it is; the words that
may stand there are in a table, and nothing else is ever made.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

import numpy as np

from actwise.activations import Activation, GatedActivation, RowActivation
from actwise.errors import InputError, ModelError
from actwise.model import losses, optimizers, schedules
from actwise.persistence.activations import activation_from_document, activation_to_document
from actwise.persistence.sections import Section, choice, shown, to_number

Plain: TypeAlias = Any
DEEPEST = 20  # lists in lists, and schedules in optimisers
RECORDS: dict[str, type] = {
    each.__name__: each
    for each in (
        optimizers.SGD, optimizers.Adam, optimizers.AdamW, optimizers.RMSprop, optimizers.Adagrad,
        optimizers.Adadelta, optimizers.Adamax, optimizers.Nadam, optimizers.LBFGS,
        schedules.Constant, schedules.ExponentialDecay, schedules.InverseTimeDecay, schedules.CosineDecay,
    )
}  # fmt: skip


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
    if len(words) != 1:
        raise ModelError(f"{where} must say in one word what it is")
    word = words.pop()
    if word == "number":
        return to_number(Section(document, where, ["number"])["number"], where)
    if word == "activation":
        return activation_from_document(Section(document, where, ["activation"])["activation"], where)
    if word == "loss":
        section = Section(document, where, ["loss", "values"])
        values = {name: to_number(each, place) for name, each, place in section.entries("values")}
        return _made(where, losses.loss, section.text("loss"), **values)
    if word == "record":
        kind = RECORDS[choice(Section(document, where, document.keys()).text("record"), where, RECORDS, "records")]
        section = Section(document, where, ["record", *(each.name for each in fields(kind))])
        inner = {
            each.name: parameter_from_document(section[each.name], section.place(each.name), depth + 1)
            for each in fields(kind)
        }
        return _made(where, kind, **inner)
    items = document[word]
    if len(document) > 1 or not isinstance(items, list):
        raise ModelError(f"{where} must be a list, not {shown(items)}")
    found = [parameter_from_document(each, f"{where}[{k}]", depth + 1) for k, each in enumerate(items)]
    if word == "tuple":
        return tuple(found)
    if not all(isinstance(each, list) and len(each) == 2 and isinstance(each[0], str | int | float) for each in found):
        raise ModelError(f"{where} must be a list of pairs")
    return dict(found)


def _made(where: str, make: Any, *arguments: Any, **named: Any) -> Any:
    """Make one of the known things; what it refuses is a damaged model."""
    try:
        return make(*arguments, **named)
    except (InputError, TypeError, ValueError) as error:
        raise ModelError(f"{where} cannot be: {error}") from error
