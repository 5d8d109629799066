"""How activations are pickled and copied: the catalogue's by name, all others by their traced formulas.

Declarations hold functions without a name, which pickle refuses. What an activation computes is kept; claims
that are functions of the parameters are kept as what they say for the present values, and the derivative from
the output, whose condition is such a function too, is left out.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeAlias

from actwise.activations.families import AnyActivation, GatedActivation, RowActivation
from actwise.activations.lookup import entry
from actwise.activations.spec import Activation, Claims

Reduced: TypeAlias = "tuple[Callable[..., AnyActivation], tuple[Any, ...]]"


def _by_name(name: str, values: dict[str, float]) -> AnyActivation:
    found = entry(name)
    assert found is not None
    return found.with_values(**values)


def _reduce(what: Any) -> Reduced:
    found = entry(what.name)
    if found is not None and found.f is what.f:
        return _by_name, (what.name, dict(what.values))
    given = {each.name: getattr(what, each.name) for each in fields(what) if each.init}
    given["f"] = what.expression
    if isinstance(what, Activation):
        given["df_x"], given["df_y"] = what.derivative_expression, None
        given["params"], given["values"] = dict(what.params), dict(what.values)
        if what.claims is not None:
            given["claims"] = Claims(**{each.name: getattr(what, each.name) for each in fields(Claims)})
    elif isinstance(what, RowActivation):
        given["vjp"] = what.vjp_expression
    else:
        given["partials"] = what.partial_expressions
    return type(what), tuple(given.values())


def register() -> None:
    """Teach `pickle` and `copy` what to do with activations."""
    for kind in (Activation, RowActivation, GatedActivation):
        copyreg.pickle(kind, _reduce)
