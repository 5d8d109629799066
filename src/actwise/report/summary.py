"""All that can be said about an activation, as plain data: for JSON, for the terminal and for the docs."""

from __future__ import annotations

from typing import Any

import numpy as np

from actwise.activations import Activation, AnyActivation
from actwise.formula.readable import readable
from actwise.formula.render import to_text
from actwise.report.curves import Interval, curves
from actwise.report.explanation import readable_formula, textbook_expression

HALF_OF_THE_DIGITS = 2.0**-12  # float32 has 24 bits


def summarise(activation: AnyActivation) -> dict[str, Any]:
    """Say what an activation is.

    Parameters
    ----------
    activation : Activation, RowActivation or GatedActivation
        The activation, with its parameter values.

    Returns
    -------
    dict
        Strings, numbers, lists and None for what does not apply: ``name``, ``kind``, ``aliases``, ``formula``,
        ``derivative``, ``derivative_from_output``, ``trusted_between``, ``parameters``, ``range``, ``kinks``,
        ``monotonic``, ``zero_centred``, ``lipschitz``, ``gain``, ``asymptotes``, ``saturated``, ``summary`` and
        ``source``.

    Examples
    --------
    >>> import actwise as aw
    >>> facts = summarise(aw.activation("relu"))
    >>> facts["formula"], facts["range"], [kink["slopes"][1] for kink in facts["kinks"]]
    ('max(x, 0)', [0.0, inf], [0.0])
    """
    facts: dict[str, Any] = {
        "name": activation.name,
        "kind": activation.kind,
        "aliases": list(activation.aliases),
        "formula": readable_formula(activation.formula),
        "derivative": None,
        "derivative_from_output": None,
        "trusted_between": None,
        "parameters": {
            name: {
                "value": activation.values[name],
                "trained": parameter.trained,
                "meaning": parameter.meaning,
            }
            for name, parameter in activation.params.items()
        },
        "range": list(map(float, activation.range)),
        "kinks": [],
        "monotonic": None,
        "zero_centred": None,
        "lipschitz": None,
        "gain": activation.gain,
        "asymptotes": [],
        "saturated": [],
        "summary": activation.summary,
        "source": activation.source,
    }
    if isinstance(activation, Activation):
        facts |= _of_one_number(activation)
    return facts


def _of_one_number(activation: Activation) -> dict[str, Any]:
    from_output = activation.derivative_from_output_expression
    (curve,) = curves(activation)
    return {
        "formula": to_text(readable(textbook_expression(activation))),
        "kinks": [{"at": kink.at, "slopes": list(kink.slopes), "function_jumps": kink.is_jump} for kink in curve.kinks],
        "asymptotes": [each.label for each in curve.asymptotes],
        "saturated": [list(zone) for zone in curve.saturated],
        "derivative": readable_formula(activation.derivative_formula),
        "derivative_from_output": None if from_output is None else to_text(readable(from_output)),
        "trusted_between": None if from_output is None else list(trusted_between(activation)),
        "monotonic": activation.monotonic,
        "zero_centred": activation.zero_centred,
        "lipschitz": activation.lipschitz,
    }


def trusted_between(activation: Activation) -> Interval:
    """Find how far a derivative from the output can be trusted in float32.

    An output that is rounded to float32 forgets how near it is to its limit, and with it the derivative.

    Parameters
    ----------
    activation : Activation
        One with a derivative from the output.

    Returns
    -------
    tuple of float
        The interval about 0 in which the derivative from the rounded output keeps half of its digits;
        infinite where it always does.

    Examples
    --------
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
