"""Finds an activation by name, or makes one from a formula."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

from actwise.activations.accuracy import Inaccuracy, advice, inaccuracies
from actwise.activations.catalogue import ENTRIES
from actwise.activations.families import AnyActivation
from actwise.activations.spec import Activation, FormulaLike, Param
from actwise.errors import ActwiseWarning, FormulaError, InputError, suggest
from actwise.formula.expression import Expression, number, substitute, symbols
from actwise.formula.parse import parse, trace
from actwise.formula.render import to_text
from actwise.formula.simplify import simplify
from actwise.formula.stabilise import derivative, stabilise

# Formulas are asked for again and again, by every layer of every network; looking takes tens of milliseconds.
_KNOWN: dict[tuple[str, tuple[tuple[str, float], ...]], tuple[FormulaLike, tuple[Inaccuracy, ...]]] = {}


def names() -> list[str]:
    """Return the name of every activation in the catalogue, sorted.

    Examples
    --------
    >>> "relu" in names()
    True
    """
    return sorted(each.name for each in ENTRIES)


@cache
def _by_name() -> dict[str, AnyActivation]:
    return {name: each for each in ENTRIES for name in (each.name, *each.aliases)}


def entry(name: str) -> AnyActivation | None:
    """Return the catalogue entry of a name or alias, or None."""
    return _by_name().get(name.strip().lower().replace("-", "_"))


def is_from_catalogue(what: AnyActivation) -> bool:
    """Tell whether an activation is the catalogue's own, with whatever parameter values.

    Examples
    --------
    >>> is_from_catalogue(activation("elu", alpha=0.5)), is_from_catalogue(activation("2 * tanh(x)"))
    (True, False)
    """
    known = entry(what.name)
    return known is not None and all(
        getattr(what, each.name, None) is getattr(known, each.name) for each in fields(known) if each.name != "values"
    )


def activation(what: str | AnyActivation | Callable[..., Any], **values: float | Param) -> AnyActivation:
    """Get an activation by name, with parameters, or make one from a formula in ``x``.

    Parameters
    ----------
    what : str, callable or Activation
        A catalogue name or alias, a formula such as ``"x * sigmoid(beta * x)"``, a Python function of x made of
        NumPy's functions, or an activation.
    **values : float or Param
        Parameters. For a formula every symbol besides ``x`` needs one; a `Param` says whether it is
        trained.

    Returns
    -------
    Activation, RowActivation or GatedActivation
        The activation with these parameters.

    Raises
    ------
    InputError
        If the name or a parameter is unknown.
    FormulaError
        If the formula does not parse.

    Examples
    --------
    >>> activation("leaky_relu", slope=0.1)(-2.0)
    np.float64(-0.2)
    >>> activation("x * sigmoid(beta * x)", beta=1.0)
    activation('x * sigmoid(beta * x)', beta=1)
    >>> import numpy as np
    >>> activation(lambda x: x * np.tanh(x))
    activation('x * tanh(x)')
    """
    if not isinstance(what, str):
        if callable(what) and not isinstance(what, AnyActivation | type):
            return _from_formula(to_text(trace(what, ("x", *values))), values)
        if not isinstance(what, AnyActivation):
            raise InputError(
                f"an activation is a name, a formula in x, a Python function or an Activation, not "
                f"{type(what).__name__}; write it as a formula such as 'x * tanh(x)'"
            )
        return what.with_values(**_plain(what.name, values))
    found = entry(what)
    if what.strip().lower() in _REFUSED:
        raise InputError(_REFUSED[what.strip().lower()])
    if found is not None:
        _point_elsewhere(found.name, values)
        return found.with_values(**_plain(what, values))
    if what.strip().isidentifier() and what.strip() != "x":
        raise InputError(
            f"unknown activation {what!r}; {suggest(what, _by_name(), noun='activations')} "
            "A formula must contain x, such as 'x * tanh(x)'"
        )
    return _from_formula(what, values)


_REFUSED = {
    "hardmax": "hardmax has slope 0 everywhere, so that nothing before it can be trained: use softmax or sparsemax, "
    "and take the largest output of a row when you predict"
}
# Settings of other frameworks that make another function: (entry, setting) -> what that function is called here.
_ELSEWHERE = {
    ("gelu", "approximate"): "'gelu_tanh' for 'tanh', and plain 'gelu' for 'none'",
    ("relu", "max_value"): "'clipped_relu', whose largest output is its ceiling",
    ("relu", "negative_slope"): "'leaky_relu', or 'relu' for 0",
    ("relu", "threshold"): "'threshold'",
}


def _point_elsewhere(name: str, values: Mapping[str, object]) -> None:
    for key in values:
        if (name, key) in _ELSEWHERE:
            raise InputError(f"activation {name!r} has no parameter {key!r}; use {_ELSEWHERE[name, key]}")


def _plain(name: str, values: dict[str, float | Param]) -> dict[str, float]:
    for key, value in values.items():
        if isinstance(value, Param):
            raise InputError(f"give parameter {key!r} of {name!r} as a number, not as a Param")
    return {key: value for key, value in values.items() if not isinstance(value, Param)}


def _from_formula(text: str, values: dict[str, float | Param]) -> Activation:
    params = {name: value if isinstance(value, Param) else Param(float(value)) for name, value in values.items()}
    # A parameter may be called like an activation, such as "threshold".
    functions = {name: function for name, function in _catalogue_functions().items() if name not in params}
    expression = parse(text, functions=functions)
    used = symbols(expression) - {"x"}
    missing, spare = sorted(used - params.keys()), sorted(params.keys() - used)
    if missing:
        example = ", ".join(f"{name}=1.0" for name in missing)
        raise FormulaError(
            f"the formula {text!r} has the parameter{'s' * (len(missing) > 1)} "
            f"{', '.join(map(repr, missing))}: give a value for each, such as {example}",
            missing=tuple(missing),
        )
    if spare:
        raise FormulaError(f"the formula {text!r} has no parameter {spare[0]!r}; leave it out")
    made = Activation(
        name=text.strip(),
        f=stabilise(simplify(expression)),
        df_x=derivative(expression),
        params=params,
        definition=to_text(expression),
        source="user's formula",
    )
    return _checked(made)


def _checked(made: Activation) -> Activation:
    """Look where a formula loses its digits; take the form of its derivative that loses fewer; warn of what is left."""
    key = (made.definition, tuple(made.values.items()))
    if key not in _KNOWN:
        found = inaccuracies(made)
        if any(each.what == "derivative" for each in found):
            guarded = replace(made, df_x=stabilise(made.derivative_expression))
            fewer = inaccuracies(guarded)
            if len(fewer) < len(found):
                made, found = guarded, fewer
        _KNOWN[key] = made.df_x, found
    df_x, found = _KNOWN[key]
    if found:
        more = f" (and {len(found) - 2} more such)" if len(found) > 2 else ""
        has_gaps = any(each.kind in ("gap", "limit") for each in found)
        problem = "{!r} has gaps" if has_gaps else "no form of {!r} was found that keeps all digits"
        warnings.warn(
            f"{problem.format(made.name)}: {'; '.join(map(str, found[:2]))}{more}. "
            f"It can be used, but not trusted there; {advice(made, found)}",
            ActwiseWarning,
            stacklevel=4,
        )
    return made if made.df_x is df_x else replace(made, df_x=df_x)


@cache
def _catalogue_functions() -> dict[str, Callable[[Expression], Expression]]:
    """Catalogue entries as functions inside a formula, with their default parameters."""

    def function(each: Activation) -> Callable[[Expression], Expression]:
        defaults = {name: number(param.default) for name, param in each.params.items()}
        # The definition reads better, but does not say what the slope at a kink is.
        formula = each.expression if each.kinks else each.defining_expression
        return lambda u: simplify(substitute(formula, {"x": u, **defaults}))

    return {name: function(each) for name, each in _by_name().items() if isinstance(each, Activation)}
