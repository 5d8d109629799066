"""How a function that somebody wrote wants to be called: which argument is what, and where its object keeps arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from actwise.errors import InputError
from actwise.handwritten.calls import CALL_ERRORS, quietly
from actwise.handwritten.parameters import named_arrays
from actwise.handwritten.state import containers

NAMES = {
    "X": {"x", "xs", "input", "inputs", "data", "features", "batch", "images", "a0", "l0", "x_batch", "x_train"},
    "y": {"y", "ys", "t", "target", "targets", "label", "labels", "y_true", "y_train", "y_batch", "expected", "wanted"},
    "p": {"p", "params", "parameters", "param", "w", "weights", "theta", "model", "net", "network", "wts", "weight"},
    "cache": {"cache", "caches", "memory", "saved"},
}


@dataclass(frozen=True)
class Call:
    """A function and what its arguments are: "p", "X", "y", "cache", or "*p" for one array after the other."""

    function: Callable[..., Any]
    roles: tuple[str, ...]

    def __call__(self, **values: Any) -> Any:
        """Call it quietly; what it raises becomes one sentence."""
        given: list[Any] = []
        for role in self.roles:
            if role == "*p":
                parameters = values["p"]
                given += parameters.values() if isinstance(parameters, dict) else parameters
            else:
                given.append(values[role])
        name = getattr(self.function, "__name__", type(self.function).__name__)
        try:
            with quietly():
                return self.function(*given)
        except InputError:
            raise
        except CALL_ERRORS as error:
            told = ", ".join({"p": "parameters", "*p": "*parameters"}.get(role, role) for role in self.roles)
            text = " ".join(str(error).split())
            raise InputError(
                f"{name}({told}) raised {type(error).__name__}: {text[:200]}; make it run on X and y as they are "
                "handed over here, or wrap it in a function that does"
            ) from error


def arguments_of(function: Any, wanted: tuple[str, ...], n_arrays: int, within: bool) -> tuple[str, ...]:
    """Which argument is which: by their number, and by their names where these say it."""
    wanted = tuple(role for role in wanted if not (within and role == "p"))
    needed = needed_by(function)
    if needed is None:
        return wanted
    told = [next((role for role, names in NAMES.items() if name.lower() in names), "") for name in needed]
    if len(needed) == len(wanted) + 1 and "cache" in told and "cache" not in wanted:
        wanted = (wanted[0], "cache", *wanted[1:])
    if len(needed) == len(wanted):
        return tuple(told) if set(told) == set(wanted) else wanted
    if "p" in wanted and n_arrays > 1 and len(needed) == len(wanted) - 1 + n_arrays:
        rest = tuple(role for role in wanted if role != "p")
        return (*rest, "*p") if told[0] == rest[0] else ("*p", *rest)
    return wanted


def needed_by(function: Any) -> list[str] | None:
    """The names of the arguments that must be given; None where they cannot be told."""
    try:
        arguments = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is each.VAR_POSITIONAL for each in arguments):
        return None
    by_place = [each for each in arguments if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return [each.name for each in by_place if each.default is each.empty]


class Holders:
    """Where an object keeps the arrays that were handed over as its parameters."""

    def __init__(self, places: list[list[tuple[Any, Any]]], found: tuple[Any, ...]) -> None:
        self.places, self.found = places, found

    def write(self, arrays: Sequence[Any]) -> None:
        """Put arrays where the object keeps its own."""
        for places, array in zip(self.places, arrays, strict=True):
            for container, key in places:
                container[key] = array

    def read(self) -> list[Any]:
        """The arrays that the object has now."""
        return [places[0][0][places[0][1]] for places in self.places]

    def gradients(self) -> list[Any] | None:
        """The gradients that the object keeps beside its arrays: ``dW1`` beside ``W1``."""
        found = []
        for places in self.places:
            container, key = places[0]
            names = [f"{mark}{key}" for mark in ("d", "d_", "grad_", "g_")] if isinstance(key, str) else []
            near = [container[name] for name in names if name in container]
            if not near:
                return None
            found.append(near[0])
        return found


def holders_of(functions: tuple[Any, ...], parameters: Any) -> Holders | None:
    """Find the object that keeps these very arrays, where the functions are methods of one."""
    owners = tuple(each for each in functions if inspect.ismethod(each))
    if len(owners) < len(functions) or len(needed_by(functions[0]) or ()) != 1:
        return None
    leaves = _leaves(parameters)
    places: list[list[tuple[Any, Any]]] = [[] for _ in leaves]
    for container in containers(owners):
        if isinstance(container, np.ndarray) or not isinstance(container, dict | list):
            continue
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in list(items):
            for k, leaf in enumerate(leaves):
                if value is leaf:
                    places[k].append((container, key))
    return Holders(places, owners) if all(places) else None


def _leaves(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [leaf for each in structure.values() for leaf in _leaves(each)]
    if isinstance(structure, list | tuple):
        return [leaf for each in structure for leaf in _leaves(each)]
    named_arrays(structure, "parameters")
    return [structure]
