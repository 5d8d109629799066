"""Activations as data, and back: the catalogue's by name, all others by their traced formulas.

What is a Python function in a declaration travels as the formula that it computes. Two parts of one may not
be formulas; they stay behind, and what a network computes does not depend on them: claims that are functions
of the parameters (`range`, `kinks` and so on are estimated instead), and a derivative from the output whose
condition cannot be traced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

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
from actwise.errors import FormulaError, ModelError, suggest
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import Expression, as_expression, number, symbols
from actwise.formula.parse import trace
from actwise.persistence import records
from actwise.persistence.expressions import expression_from_lines, expression_to_lines, refuse_too_large

Lines = tuple[str, ...]  # of a formula; see `actwise.persistence.expressions`
_TEXTS = ("name", "aliases", "definition", "summary", "source")


@dataclass(frozen=True)
class _FromCatalogue:
    catalogue: str
    values: Mapping[str, float]
    formula: str  # for people, here and below


@dataclass(frozen=True)
class _Own:
    """What every activation that is not from the catalogue says of itself."""

    name: str
    f: Lines
    formula: str
    aliases: tuple[str, ...]
    definition: str
    summary: str
    source: str


@dataclass(frozen=True)
class _DerivativeFromOutput:
    f: Lines
    when: Lines


@dataclass(frozen=True)
class _Claims:
    range: tuple[float, float]
    kinks: tuple[float, ...]
    monotonic: bool
    odd: bool
    lipschitz: float


@dataclass(frozen=True)
class _Scalar(_Own):
    kind: ClassVar[str] = "scalar"
    df_x: Lines
    df_y: _DerivativeFromOutput | None
    params: Mapping[str, Param]
    values: Mapping[str, float]
    claims: _Claims | None


@dataclass(frozen=True)
class _Row(_Own):
    kind: ClassVar[str] = "row"
    vjp: Lines
    range: tuple[float, float]


@dataclass(frozen=True)
class _Gated(_Own):
    kind: ClassVar[str] = "gated"
    partials: tuple[Lines, ...]
    range: tuple[float, float]


def activation_to_document(what: AnyActivation) -> dict[str, Any]:
    """Describe an activation as JSON holds it.

    >>> from actwise.activations import activation
    >>> activation_to_document(activation("leaky_relu"))
    {'catalogue': 'leaky_relu', 'values': {'slope': 0.01}, 'formula': 'where(x > 0, x, slope * x)'}
    """
    if is_from_catalogue(what):
        found: dict[str, Any] = records.to_plain(_FromCatalogue(what.name, what.values, what.formula))
        return found
    _refuse_unprintable(what)
    own: dict[str, Any] = {name: getattr(what, name) for name in ("formula", *_TEXTS)}
    own["f"] = expression_to_lines(what.expression)
    if isinstance(what, Activation):
        df_x, df_y = expression_to_lines(what.derivative_expression), _derivative_from_output(what)
        claims = _claims(what.claims)
        record: Any = _Scalar(**own, df_x=df_x, df_y=df_y, params=what.params, values=what.values, claims=claims)
    elif isinstance(what, RowActivation):
        record = _Row(**own, vjp=expression_to_lines(what.vjp_expression), range=what.range)
    else:
        partials = tuple(map(expression_to_lines, what.partial_expressions))
        record = _Gated(**own, partials=partials, range=what.range)
    described: dict[str, Any] = records.to_plain(record, _Scalar | _Row | _Gated)
    return described


def activation_from_document(document: object, where: str) -> AnyActivation:
    """Rebuild an activation that `activation_to_document` described."""
    if isinstance(document, dict) and "catalogue" in document:
        known = records.from_plain(_FromCatalogue, document, where, finite=False)
        found = entry(known.catalogue)
        if found is None:
            hint = suggest(known.catalogue[:60], [each.name for each in ENTRIES], noun="activations")
            raise ModelError(f"{where} is the unknown activation {known.catalogue!r:.60}; {hint}")
        if strange := known.values.keys() - found.params.keys():
            raise ModelError(f"{where}.values has the unknown field {min(strange)!r:.60}")
        with_values: Callable[..., AnyActivation] = found.with_values
        return records.build(with_values, where, **known.values)
    record: _Scalar | _Row | _Gated = records.from_plain(_Scalar | _Row | _Gated, document, where, finite=False)
    return records.build(_rebuilt, where, record)


def _rebuilt(record: _Scalar | _Row | _Gated) -> AnyActivation:
    common: dict[str, Any] = {name: getattr(record, name) for name in _TEXTS}

    def formula(lines: Lines, place: str, known: Collection[str], *, is_row: bool = False) -> Expression:
        return expression_from_lines(lines, known, place, is_row=is_row)

    found: AnyActivation
    if isinstance(record, _Row):
        f, vjp = formula(record.f, "f", "x", is_row=True), formula(record.vjp, "vjp", "xyg", is_row=True)
        found = RowActivation(f=f, vjp=vjp, range=record.range, **common)
    elif isinstance(record, _Gated):
        names = {f"x{k}" for k in range(len(record.partials))}
        f = formula(record.f, "f", names)
        if symbols(f) != names:
            raise ModelError("it does not depend on each of the pre-activations it has partials for")
        partials = tuple(formula(lines, f"partials[{k}]", names) for k, lines in enumerate(record.partials))
        found = GatedActivation(f=f, partials=partials, range=record.range, **common)
    else:
        params, output = record.params, None
        if record.df_y is not None:
            f = formula(record.df_y.f, "df_y.f", {"y", *params})
            output = FromOutput(f, _Condition(formula(record.df_y.when, "df_y.when", params)))
        found = Activation(
            f=formula(record.f, "f", {"x", *params}),
            df_x=formula(record.df_x, "df_x", {"x", *params}),
            df_y=output,
            params=params,
            claims=None if record.claims is None else Claims(**vars(record.claims)),
            values=record.values,
            **common,
        )
    _refuse_unprintable(found)
    return found


def _refuse_unprintable(what: AnyActivation) -> None:
    if not what.definition:
        refuse_too_large(what.expression)
    if isinstance(what, Activation):
        refuse_too_large(what.derivative_expression)


def _claims(claims: Claims | None) -> _Claims | None:
    if claims is None or any(callable(getattr(claims, each.name)) for each in fields(Claims)):
        return None
    range_, kinks = tuple(map(float, claims.range)), tuple(map(float, claims.kinks))
    return _Claims(range_, kinks, bool(claims.monotonic), bool(claims.odd), float(claims.lipschitz))  # type: ignore[arg-type]  # reading finds a range that is none


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


def _derivative_from_output(what: Activation) -> _DerivativeFromOutput | None:
    condition = None if what.df_y is None else _condition(what.df_y, what.params)
    if what.df_y is None or condition is None:
        return None
    formula = replace(what, df_y=FromOutput(what.df_y.f)).derivative_from_output_expression
    assert formula is not None
    return _DerivativeFromOutput(expression_to_lines(formula), expression_to_lines(condition.expression))
