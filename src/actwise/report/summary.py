"""All that can be said about an activation, as plain data: for JSON, for the terminal and for the docs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from actwise.activations import Activation, AnyActivation, facts
from actwise.formula.readable import readable
from actwise.formula.render import to_text
from actwise.report.curves import Interval, curves
from actwise.report.explanation import readable_formula, textbook_expression

HALF_OF_THE_DIGITS = 2.0**-12  # float32 has 24 bits


def summarise(activation: AnyActivation) -> dict[str, Any]:
    """Say what an activation is.

    Result: the fields of `actwise.activations.Facts` with formulas as a reader writes them, and
    besides: ``meanings`` of the parameters, ``asymptotes`` as texts, ``jumps`` (where the function
    itself jumps) and ``trusted_between``, the arguments between which `from_output` keeps half of its
    digits in float32.

    >>> import actwise as aw
    >>> about = summarise(aw.activation("relu"))
    >>> about["formula"], about["range"], about["kinks"][0]["slope"], about["asymptotes"]
    ('max(x, 0)', (0.0, inf), 0.0, ['y = 0'])
    """
    about = asdict(facts(activation))
    about["formula"] = readable_formula(activation.formula)
    about["meanings"] = {name: parameter.meaning for name, parameter in activation.params.items()}
    about |= {"asymptotes": [], "jumps": [], "trusted_between": None}
    if isinstance(activation, Activation):
        (curve,) = curves(activation)
        about["formula"] = to_text(readable(textbook_expression(activation)))
        about["derivative"] = readable_formula(about["derivative"])
        about["asymptotes"] = [each.label for each in curve.asymptotes]
        about["jumps"] = [kink.at for kink in curve.kinks if kink.is_jump]
        if about["from_output"] is not None:
            about["from_output"] = readable_formula(about["from_output"])
            about["trusted_between"] = trusted_between(activation)
    return about


def trusted_between(activation: Activation) -> Interval:
    """Find how far a derivative from the output can be trusted in float32.

    An output that is rounded to float32 forgets how near it is to its limit, and with it the derivative.

    Result: the interval about 0 in which the derivative from the rounded output keeps half of its
    digits; infinite where it always does.

    >>> import actwise as aw
    >>> low, high = trusted_between(aw.activation("sigmoid"))
    >>> low, 8 < high < 10
    (-inf, True)
    """
    sizes = np.concatenate([np.geomspace(1e-6, 1e6, 1500), np.linspace(0.01, 30.0, 1500)]).astype(np.float32)
    x = np.unique(np.concatenate([-sizes, sizes, np.zeros(1, np.float32)]))
    true = activation.derivative(x.astype(np.float64))
    found = activation.derivative_from_output(activation(x)).astype(np.float64)
    single = np.finfo(np.float32)
    beyond = (np.abs(true) < single.tiny) | (np.abs(true) > single.max)  # no float32 has all of their digits
    with np.errstate(all="ignore"):
        holds = beyond | (np.abs(found - true) <= HALF_OF_THE_DIGITS * np.abs(true))
    below, above = x[(x <= 0) & ~holds], x[(x >= 0) & ~holds]
    return float(below.max(initial=-np.inf)), float(above.min(initial=np.inf))
