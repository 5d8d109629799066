"""Says in words what is wrong with a derivative, and the line of code that is right."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from actwise.handwritten.causes import Diagnosis
from actwise.handwritten.forms import Form
from actwise.handwritten.known import OtherFunction
from actwise.handwritten.numeric import FloatArray
from actwise.handwritten.regions import Interval

if TYPE_CHECKING:
    from actwise.handwritten.vector import VectorFinding

NAMED_NUMBERS = {
    "np.pi": math.pi,
    "np.sqrt(2)": math.sqrt(2),
    "np.sqrt(np.pi)": math.sqrt(math.pi),
    "np.sqrt(2 * np.pi)": math.sqrt(2 * math.pi),
    "np.sqrt(2 / np.pi)": math.sqrt(2 / math.pi),
    "np.log(2)": math.log(2),
}
SAFE = "Subtract the largest argument of exp from all of them before, and take no logarithm of what may be 0"
SAME = 1e-6
ZERO = 1e-12
"""What a numerical derivative gives for 0."""


@dataclass(frozen=True)
class Evidence:
    """The names and numbers of which the words are made.

    Attributes
    ----------
    f, df : str
        Names of the user's functions.
    called_with : {"x", "y"}
        What `df` is given.
    at, expected, got : float or None
        The first wrong pre-activation, the derivative there, and what `df` returned.
    n_points : int
        How many points were judged.
    from_output : str
        The derivative as a formula in y, or empty if none was found.
    slope_inside : float or None
        The derivative in the wrong intervals, where it is one constant there.
    output_finite : bool
        Whether f itself is finite there in float32.
    is_step_back : bool
        Whether `df` multiplies an upstream gradient.
    changed : str
        The function that overwrites its argument.
    reach : float
        The largest pre-activation that was tried.
    """

    f: str
    df: str
    called_with: str
    at: float | None
    expected: float | None
    got: float | None
    n_points: int
    from_output: str
    slope_inside: float | None
    output_finite: bool
    is_step_back: bool = False
    changed: str = ""
    reach: float = 100.0


def explain(diagnosis: Diagnosis, evidence: Evidence) -> str:
    """Three sentences at most: what is wrong, the numbers that show it, and what to write instead."""
    if diagnosis.cause == "correct":
        call = evidence.df if evidence.is_step_back else f"{evidence.df}({evidence.called_with})"
        what = "multiplies the upstream gradient by" if evidence.is_step_back else "is"
        where = f"at {evidence.n_points} points from -{evidence.reach:g} to {evidence.reach:g}"
        return f"Right: {call} {what} the derivative of {evidence.f} {where}."
    if diagnosis.cause == "changes_argument":
        return _overwritten(evidence.changed, "x" if evidence.changed == evidence.f else evidence.called_with)
    return "\n".join(
        each
        for each in (_what(diagnosis, evidence), _numbers(diagnosis, evidence), _repair(diagnosis, evidence))
        if each
    )


def explain_vector(finding: VectorFinding, f: str, df: str, form: Form, changed: str = "") -> str:
    """The same for a function of a whole vector."""
    if finding.cause == "changes_argument":
        return _overwritten(changed, "x" if changed == f else form.called_with)
    step_back = form.step_back is not None
    what = (
        "gives the product of the upstream gradient and the Jacobian matrix" if step_back else "is the Jacobian matrix"
    )
    if finding.point is None:
        return f"Right: {df} {what} of {f}."
    factor = number(finding.factor or 0.0)
    shaped = "returns only one number for each entry" if not step_back else "multiplies entry by entry"
    coupled = f"each output of {f} depends on all its inputs, so its derivative is a matrix; {df} {shaped}."
    mistake = {
        "elementwise_softmax": coupled,
        "not_elementwise": coupled,
        "wrong_convention_expects_x_given_y": f"{df} expects the pre-activation x, but it is called with the output "
        f"y = {f}(x).",
        "wrong_convention_expects_y_given_x": f"{df} expects the output y = {f}(x), but it is called with x.",
        "wrong_sign": f"{df} has the wrong sign.",
        "missing_factor": f"{df} lacks the factor {factor}.",
        "overflow": f"what {df} computes is not always finite, or loses its meaning.",
    }.get(finding.cause, f"{df} {finding.what}." if finding.what else f"{df} is not the derivative of {f}.")
    repair = {
        "wrong_convention_expects_x_given_y": "Keep x and hand it over instead of y.",
        "wrong_convention_expects_y_given_x": "Hand y over instead of x.",
        "wrong_sign": f"Return the negative of what {df} returns.",
        "missing_factor": f"Multiply what {df} returns by {factor}.",
        "overflow": f"{f} itself is not finite there. {SAFE}." if finding.f_overflows else f"{SAFE}.",
    }.get(finding.cause, "")
    if not repair and finding.line:
        meaning = {"g": "the gradient with respect to y", "n": "the number of entries",
                   "s": "what x - np.mean(x) is divided by"}  # fmt: skip
        used = [f"{key} {text}" for key, text in meaning.items() if re.search(rf"\b{key}\b", finding.line)]
        repair = f"{f} is {finding.row_function}; write `{finding.line}`, with {', '.join([f'y = {f}(x)', *used])}."
    elif not repair:
        repair = "Entry (i, j) of the matrix must be the derivative of output i with respect to input j."
    precision = " in float32" if finding.cause == "overflow" else ""
    return (
        f"Wrong: {mistake}\n"
        f"At x = {vector(finding.point)} and with the upstream gradient (1, -0.5, 0.3) the gradient is "
        f"{vector(finding.expected)}; {df} gives {vector(finding.got)}{precision}.\n{repair}"
    )


def _overwritten(name: str, argument: str) -> str:
    return (
        f"Wrong: {name} overwrites the array that it is given: {argument} holds other numbers afterwards, and whatever "
        f"needs {argument} later is wrong.\nCompute a new array, or work on a copy: `{name}({argument}.copy())`."
    )


def number(value: float) -> str:
    """A number as a person would type it.

    >>> number(2.0000000001), number(-1 / 3), number(0.7978845608), number(0.0123456789)
    ('2', '-1/3', 'np.sqrt(2 / np.pi)', '0.0123457')
    """
    if abs(value) < ZERO:
        return "0"
    simple = Fraction(value).limit_denominator(12)
    if abs(float(simple) - value) <= SAME * abs(value):
        return str(simple)
    for text, named in NAMED_NUMBERS.items():
        for ratio, shown in ((value / named, text), (value * named, f"1 / {text}")):
            if abs(abs(ratio) - 1) <= SAME:
                return shown if ratio > 0 else f"-({shown})"
    return f"{value:.6g}"


def polynomial(coefficients: FloatArray) -> str:
    """The formula of a polynomial of degree two in y, from the coefficients of 1, y and y**2.

    >>> polynomial(np.array([0.0, 1.0, -1.0])), polynomial(np.array([0.5, 0.0, -0.5]))
    ('y * (1 - y)', '1/2 - 1/2 * y**2')
    """
    rounded = np.where(np.abs(coefficients) < SAME * np.max(np.abs(coefficients)), 0.0, coefficients)
    if not rounded[0] and rounded[1] and rounded[2]:
        return f"y * ({polynomial(np.append(rounded[1:], 0.0))})"
    text = ""
    for coefficient, power in zip(rounded.tolist(), ("", "y", "y**2"), strict=True):
        if not coefficient:
            continue
        size = number(abs(coefficient))
        term = size if not power else power if size == "1" else f"{size} * {power}"
        sign = "-" if coefficient < 0 else "+"
        text += f" {sign} {term}" if text else term if coefficient > 0 else f"-{term}"
    return text


def interval(bounds: Interval) -> str:
    """An interval in words that are code.

    >>> interval((6.0, math.inf)), interval((-math.inf, 0.0)), interval((0.0, 1.0))
    ('x > 6', 'x < 0', '0 < x < 1')
    """
    low, high = bounds
    if math.isinf(low):
        return f"x < {high:g}"
    return f"x > {low:g}" if math.isinf(high) else f"{low:g} < x < {high:g}"


def _what(diagnosis: Diagnosis, evidence: Evidence) -> str:
    f, df, factor = evidence.f, evidence.df, _factor(diagnosis, evidence)
    where = f" where {_intervals(diagnosis)}" if diagnosis.intervals else ""
    of_term = {
        "": "",
        "product": " in its second term",
    }.get(diagnosis.term, f" in the term with {diagnosis.term}")
    if diagnosis.term.startswith("constant"):
        of_term = f" beside the {diagnosis.term}"
    if diagnosis.other is not None:
        return _whose(diagnosis.other, f, df)
    return {
        "wrong_convention_expects_x_given_y": f"Wrong: {df} expects the pre-activation x, but it is called with the "
        f"output y = {f}(x).",
        "wrong_convention_expects_y_given_x": f"Wrong: {df} expects the output y = {f}(x), but it is called with the "
        "pre-activation x.",
        "wrong_sign": f"Wrong: {df} has the wrong sign{of_term or ' everywhere'}.",
        "missing_factor": f"Wrong: {df} lacks the factor {factor}{of_term}{where}.",
        "missing_constant": f"Wrong: {df} lacks the constant term {number(diagnosis.constant or 0.0)}{where}.",
        "wrong_region": f"Wrong: {df} is not the derivative of {f}{where}; elsewhere it is right.",
        "overflow": f"Wrong: {df} is the derivative of {f} on paper, but what it computes is not always "
        + ("finite." if evidence.got is None or not math.isfinite(evidence.got) else "right."),
        "surrogate_gradient": f"Not the derivative: {f} is flat between its steps, so its derivative is 0 there. "
        f"{df} is a surrogate gradient, as straight-through estimators and spiking networks use on purpose; if that is "
        "meant, nothing is wrong.",
        "upstream_forgotten": f"Wrong: {df} forgets the upstream gradient: it returns the same for every gradient that "
        "it is given.",
        "wrong_upstream": f"Wrong: {df} does not multiply the upstream gradient by the derivative of {f}"
        + (": it takes its mask from the upstream gradient." if diagnosis.term else " at the same place."),
    }.get(diagnosis.cause, f"Wrong: {df} is not the derivative of {f}, and no single change makes it right.")


def _whose(other: OtherFunction, f: str, df: str) -> str:
    own = "" if other.own_name in ("", f) else f"; {f} is {other.own_name}"
    way = " from its output" if other.from_output else ""
    return (
        f"Wrong: {df} is the derivative of another function, {other.name}{way}{own}. "
        f"Between -5 and 5 the two derivatives differ by at most {other.slopes_apart:.2g}."
    )


def _same_function(other: OtherFunction, f: str, df: str) -> str:
    return (
        f"Use the same function in both passes: `aw.activation({other.name!r})` for {f}, from which it differs by at "
        f"most {other.values_apart:.2g}, or "
        + (
            f"`aw.activation({other.own_name!r}).derivative` for {df}."
            if other.own_name
            else f"the derivative of {f} for {df}."
        )
    )


def _numbers(diagnosis: Diagnosis, evidence: Evidence) -> str:
    if evidence.at is None or evidence.expected is None or evidence.got is None:
        return ""
    call = f"{evidence.df}({evidence.at:g})"
    if evidence.called_with == "y":
        call = f"{evidence.df}({evidence.f}({evidence.at:g}))"
    if evidence.is_step_back:
        call = f"for an upstream gradient of 1, {evidence.df}"
    finite = math.isfinite(evidence.got)
    got = f"gives {evidence.got:.6g}" if finite else f"is not a finite number, but {evidence.got}"
    precision = " in float32" if diagnosis.cause == "overflow" and finite else ""
    if not math.isfinite(evidence.expected):
        return f"At x = {evidence.at:g} {call} {got}."
    return f"At x = {evidence.at:g} the derivative is {evidence.expected:.6g}; {call} {got}{precision}."


def _repair(diagnosis: Diagnosis, evidence: Evidence) -> str:
    f, df, given = evidence.f, evidence.df, evidence.called_with
    call = f"{df}({given})"
    alternative = (
        f", or compute the derivative from the output: `{evidence.from_output}`" if evidence.from_output else ""
    )
    match diagnosis.cause:
        case "wrong_convention_expects_x_given_y" if evidence.is_step_back:
            return f"Hand x over instead of y{alternative}."
        case "wrong_convention_expects_y_given_x" if evidence.is_step_back:
            return f"Keep the output y = {f}(x) in the forward pass, and use it where x is used."
        case "upstream_forgotten" | "wrong_upstream":
            return "Return the upstream gradient times the derivative, both at the same place."
        case "surrogate_gradient":
            return ""
        case "wrong_formula" if diagnosis.other is not None:
            return _same_function(diagnosis.other, f, df)
        case "wrong_convention_expects_x_given_y":
            return f"Keep x and write `{df}(x)`{alternative}."
        case "wrong_convention_expects_y_given_x":
            return f"Write `y = {f}(x)` and `{df}(y)`."
        case "wrong_sign" if not diagnosis.term:
            return f"Write `-{call}`."
        case "missing_factor" if diagnosis.term.startswith("constant"):
            constant = diagnosis.term.removeprefix("constant ")
            return f"Write `{constant} + {_factor(diagnosis, evidence)} * ({call} - {constant})`.".replace("- -", "+ ")
        case "wrong_sign" | "missing_factor" if diagnosis.term == "product":
            return (
                f"{f}(x) is x times h, with h = {f}(x) / x, and its derivative h plus x times the derivative of h. "
                f"Write `h + {_factor(diagnosis, evidence)} * ({call} - h)`."
            )
        case "missing_factor" if diagnosis.term:
            return f"Multiply the term with {diagnosis.term} by {_factor(diagnosis, evidence)}."
        case "missing_factor" if diagnosis.intervals:
            return f"There, write `{_factor(diagnosis, evidence)} * {call}`."
        case "missing_factor":
            return f"Write `{_factor(diagnosis, evidence)} * {call}`."
        case "missing_constant":
            where = "There, write" if diagnosis.intervals else "Write"
            return f"{where} `{call} + {number(diagnosis.constant or 0.0)}`.".replace("+ -", "- ")
        case "wrong_region" if evidence.slope_inside is not None:
            value = number(evidence.slope_inside)
            return f"There the derivative is {value}: write `np.where({_condition(diagnosis)}, {value}, {call})`."
        case "overflow" if not evidence.output_finite:
            return f"{f} itself is not finite there: rewrite it first, so that exp is given no large number."
        case "overflow" if evidence.at == 0:
            return "Give x = 0 a value of its own, with np.where, and let no division by 0 happen before it."
        case "overflow":
            return "Rewrite it so that exp is given no large number, for instance with np.exp(-np.abs(x))."
        case _ if evidence.from_output:
            return f"The derivative from the output is `{evidence.from_output}`, with y = {f}(x)."
    return ""


def _factor(diagnosis: Diagnosis, evidence: Evidence) -> str:
    constant = number(diagnosis.factor) if diagnosis.factor is not None else ""
    y = "y" if evidence.called_with == "y" else f"{evidence.f}(x)"
    text = diagnosis.factor_text.format(y=y, h="h")
    if not text or not constant:
        return text or constant
    return text if constant == "1" else f"-{text}" if constant == "-1" else f"{constant} * {text}"


def _intervals(diagnosis: Diagnosis) -> str:
    return " or ".join(interval(each) for each in diagnosis.intervals)


def _condition(diagnosis: Diagnosis) -> str:
    """The wrong intervals as a NumPy condition."""
    single = [
        f"(x > {low:g}) & (x < {high:g})" if math.isfinite(low) and math.isfinite(high) else interval((low, high))
        for low, high in diagnosis.intervals
    ]
    return single[0] if len(single) == 1 else " | ".join(f"({each})" for each in single)


def vector(values: Iterable[float]) -> str:
    """A vector as a person would write it."""
    return "(" + ", ".join(f"{each:.4g}" for each in values) + ")"
