"""Activations as data, and back: the catalogue's by name, all others by their traced formulas.

What is a Python function in a declaration travels as the formula that it computes. Two parts of one may not
be formulas; they stay behind, and what a network computes does not depend on them: claims that are functions
of the parameters (`range`, `kinks` and so on are estimated instead), and a derivative from the output whose
condition cannot be traced.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from actwise.activations import (
    ENTRIES,
    Activation,
    AnyActivation,
    Claims,
    FromOutput,
    GatedActivation,
    Param,
    RowActivation,
    entry,
    is_from_catalogue,
)
from actwise.errors import FormulaError, InputError, ModelError, suggest
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import Expression, as_expression, number, symbols
from actwise.formula.parse import trace
from actwise.persistence.expressions import expression_from_lines, expression_to_lines, refuse_too_large
from actwise.persistence.sections import Section, from_number, typed

_CATALOGUE_FIELDS = ("catalogue", "values", "formula")
_COMMON_FIELDS = ("kind", "name", "aliases", "definition", "summary", "source", "formula", "f")
_KIND_FIELDS = {
    "scalar": (*_COMMON_FIELDS, "df_x", "df_y", "params", "values", "claims"),
    "row": (*_COMMON_FIELDS, "vjp", "range"),
    "gated": (*_COMMON_FIELDS, "partials", "range"),
}


def activation_to_document(what: AnyActivation) -> dict[str, Any]:
    """Describe an activation.

    Result: the description, as JSON holds it. Its ``"formula"`` is for people.

    >>> from actwise.activations import activation
    >>> activation_to_document(activation("leaky_relu"))
    {'catalogue': 'leaky_relu', 'values': {'slope': 0.01}, 'formula': 'where(x > 0, x, slope * x)'}
    """
    values = {name: from_number(value) for name, value in what.values.items()}
    if is_from_catalogue(what):
        return {"catalogue": what.name, "values": values, "formula": what.formula}
    described: dict[str, Any] = {"kind": what.kind, "name": what.name, "f": expression_to_lines(what.expression)}
    if isinstance(what, Activation):
        described |= {
            "df_x": expression_to_lines(what.derivative_expression),
            "df_y": _from_output_to_document(what),
            "params": {name: _param_to_document(param) for name, param in what.params.items()},
            "values": values,
            "claims": _claims_to_document(what.claims),
        }
    elif isinstance(what, RowActivation):
        described |= {"vjp": expression_to_lines(what.vjp_expression)}
    else:
        described |= {"partials": [expression_to_lines(each) for each in what.partial_expressions]}
    if not isinstance(what, Activation):
        described |= {"range": [from_number(each) for each in what.range]}
    _refuse_unprintable(what)
    return described | {
        "formula": what.formula,
        "aliases": list(what.aliases),
        "definition": what.definition,
        "summary": what.summary,
        "source": what.source,
    }


def activation_from_document(document: object, where: str) -> AnyActivation:
    """Rebuild an activation that `activation_to_document` described."""
    try:
        if isinstance(document, dict) and "catalogue" in document:
            return _from_catalogue(Section(document, where, _CATALOGUE_FIELDS))
        section, kind = typed(document, where, "kind", _KIND_FIELDS, "kinds of activation")
        section.text("formula")
        found = _READERS[kind](section)
        _refuse_unprintable(found)
        return found
    except ModelError:
        raise
    except InputError as error:
        raise ModelError(f"{where}: {error}") from error


def _refuse_unprintable(what: AnyActivation) -> None:
    if not what.definition:
        refuse_too_large(what.expression)
    if isinstance(what, Activation):
        refuse_too_large(what.derivative_expression)


def _from_catalogue(section: Section) -> AnyActivation:
    name = section.text("catalogue")
    section.text("formula")
    found = entry(name)
    if found is None:
        hint = suggest(name[:60], [each.name for each in ENTRIES], noun="activations")
        raise ModelError(f"{section.where} is the unknown activation {name!r:.60}; {hint}")
    return found.with_values(**_values(section, found.params))


def _values(section: Section, params: Mapping[str, Param]) -> dict[str, float]:
    values = section.section("values", params)
    return {name: values.number(name) for name in params}


def _activation(section: Section) -> Activation:
    params = {name: _param(Section(each, where, _PARAM_FIELDS)) for name, each, where in section.entries("params")}
    for name in params:
        # It is written into the source text of a kernel, so that it must not be anything but a name.
        if not name.isidentifier() or keyword.iskeyword(name) or len(name) > 100:
            raise ModelError(f"{section.place('params')}: {name!r:.60} cannot be the name of a parameter")
    claims = section["claims"]
    from_output = section["df_y"]
    return Activation(
        name=section.text("name"),
        f=_formula(section, "f", {"x", *params}),
        df_x=_formula(section, "df_x", {"x", *params}),
        df_y=None if from_output is None else _from_output(section.section("df_y", ["f", "when"]), params),
        params=params,
        claims=None if claims is None else _claims(section.section("claims", _CLAIMS_FIELDS)),
        aliases=section.texts("aliases"),
        definition=section.text("definition"),
        summary=section.text("summary"),
        source=section.text("source"),
        values=_values(section, params),
    )


def _row_activation(section: Section) -> RowActivation:
    return RowActivation(
        name=section.text("name"),
        f=_formula(section, "f", {"x"}, is_row=True),
        vjp=_formula(section, "vjp", {"x", "y", "g"}, is_row=True),
        range=_pair(section, "range"),
        aliases=section.texts("aliases"),
        definition=section.text("definition"),
        summary=section.text("summary"),
        source=section.text("source"),
    )


def _gated_activation(section: Section) -> GatedActivation:
    lists = list(section.items("partials"))
    names = {f"x{k}" for k in range(len(lists))}
    f = _formula(section, "f", names)
    if symbols(f) != names:
        raise ModelError(f"{section.where} does not depend on each of the pre-activations it has partials for")
    return GatedActivation(
        name=section.text("name"),
        f=f,
        partials=tuple(expression_from_lines(lines, names, where) for lines, where in lists),
        range=_pair(section, "range"),
        aliases=section.texts("aliases"),
        definition=section.text("definition"),
        summary=section.text("summary"),
        source=section.text("source"),
    )


_READERS: dict[str, Callable[[Section], AnyActivation]] = {
    "scalar": _activation,
    "row": _row_activation,
    "gated": _gated_activation,
}


def _formula(section: Section, name: str, known: set[str], *, is_row: bool = False) -> Expression:
    return expression_from_lines(section[name], known, section.place(name), is_row=is_row)


def _pair(section: Section, name: str) -> tuple[float, float]:
    found = section.numbers(name)
    if len(found) != 2:
        raise ModelError(f"{section.place(name)} must be a list of two numbers")
    return found[0], found[1]


# Aliases are spellings for those who make an activation; a saved one is made already.
_PARAM_FIELDS = tuple(each.name for each in fields(Param) if each.name != "aliases")


def _param_to_document(param: Param) -> dict[str, Any]:
    return {
        "default": from_number(param.default),
        "trained": bool(param.trained),
        "low": from_number(param.low),
        "high": from_number(param.high),
        "meaning": param.meaning,
    }


def _param(section: Section) -> Param:
    return Param(
        section.number("default"),
        section.truth("trained"),
        section.number("low"),
        section.number("high"),
        section.text("meaning"),
    )


_CLAIMS_FIELDS = tuple(each.name for each in fields(Claims))


def _claims_to_document(claims: Claims | None) -> dict[str, Any] | None:
    if claims is None or any(callable(getattr(claims, name)) for name in _CLAIMS_FIELDS):
        return None
    return {
        "range": [from_number(each) for each in claims.range],
        "kinks": [from_number(each) for each in claims.kinks],
        "monotonic": bool(claims.monotonic),
        "odd": bool(claims.odd),
        "lipschitz": from_number(claims.lipschitz),
    }


def _claims(section: Section) -> Claims:
    return Claims(
        _pair(section, "range"),
        section.numbers("kinks"),
        section.truth("monotonic"),
        section.truth("odd"),
        section.number("lipschitz"),
    )


@dataclass(frozen=True, slots=True)
class _Condition:
    """For which parameter values a derivative from the output holds, as a formula: 1 where it does, else 0."""

    expression: Expression

    def __call__(self, **values: float) -> bool:
        with np.errstate(all="ignore"):
            return bool(evaluate(self.expression, values, numpy_table()))


def _condition(from_output: FromOutput, params: Mapping[str, Param]) -> _Condition | None:
    when = from_output.when
    if isinstance(when, _Condition):
        return when
    if when is FromOutput(from_output.f).when:
        return _Condition(number(1))

    def holds(*given: Expression) -> Expression:
        result = when(**dict(zip(params, given, strict=True)))
        if params and isinstance(result, bool):
            # Python's == compares the structure of formulas: the answer is not one for every value.
            raise TypeError("it gives an answer without knowing the parameters")
        return as_expression(result)

    try:
        return _Condition(trace(holds, tuple(params), require_variable=False))
    except FormulaError:
        return None


def _from_output_to_document(what: Activation) -> dict[str, Any] | None:
    condition = None if what.df_y is None else _condition(what.df_y, what.params)
    if what.df_y is None or condition is None:
        return None
    formula = replace(what, df_y=FromOutput(what.df_y.f)).derivative_from_output_expression
    assert formula is not None
    return {"f": expression_to_lines(formula), "when": expression_to_lines(condition.expression)}


def _from_output(section: Section, params: Mapping[str, Param]) -> FromOutput:
    return FromOutput(_formula(section, "f", {"y", *params}), _Condition(_formula(section, "when", set(params))))
