"""Facts about activations in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from actwise.activations.estimates import Gap

MOST_SHOWN = 6  # of kinks and gaps, which periodic functions have without end


def describe_range(interval: Sequence[float]) -> str:
    """Write the range of outputs.

    >>> describe_range((0.0, math.inf))
    '0 to inf'
    """
    low, high = interval
    return f"{low + 0.0:.4g} to {high:.4g}"


def describe_saturation(below: float | None, above: float | None) -> str:
    """Write beyond which arguments a function saturates; nothing if it does not.

    >>> describe_saturation(-3.0, 3.0), describe_saturation(None, None)
    ('x < -3 and x > 3', '')
    """
    zones = [f"x < {below:.3g}"] if below is not None else []
    return " and ".join([*zones, f"x > {above:.3g}"] if above is not None else zones)


def describe_kinks(kinks: Sequence[Mapping[str, float]], jumps: Sequence[float] = ()) -> str:
    """Write where the slope jumps, and which slope is taken there.

    >>> describe_kinks([{"at": 0.0, "left": 0.0, "slope": 0.0, "right": 1.0}])
    'at 0 the slope jumps from 0 to 1; 0 is taken'
    """
    parts = []
    for kink in kinks:
        what = (
            "the function itself jumps"
            if kink["at"] in jumps
            else f"the slope jumps from {kink['left']:.4g} to {kink['right']:.4g}"
        )
        parts.append(f"at {kink['at']:.4g} {what}; {kink['slope']:.4g} is taken")
    return _first_of(parts)


def describe_gaps(gaps: Sequence[Mapping[str, Any]]) -> str:
    """Write where a function has no finite value.

    >>> describe_gaps([{"low": 0.0, "high": 0.0, "limit": 1.0}, {"low": 2.0, "high": math.inf, "limit": None}])
    'at x = 0 (where its limit is 1), for x > 2'
    """
    limits = ["" if each["limit"] is None else f" (where its limit is {each['limit']:.4g})" for each in gaps]
    return _first_of([f"{Gap(**each)}{limit}" for each, limit in zip(gaps, limits, strict=True)])


def _first_of(parts: list[str]) -> str:
    more = len(parts) - MOST_SHOWN
    return ", ".join(parts[:MOST_SHOWN]) + (f", and {more} more" if more > 0 else "")


def describe_trust(trusted: Sequence[float]) -> str:
    """Write how far a derivative from the output can be trusted.

    >>> describe_trust((-math.inf, math.inf))
    'everywhere'
    >>> describe_trust((-math.inf, 9.153))
    'up to x = 9.2'
    """
    low, high = trusted
    if math.isinf(low) and math.isinf(high):
        return "everywhere"
    first, last = (f"{end:.2g}" if abs(end) < 100 else f"{end:.0f}" for end in trusted)
    if math.isinf(low):
        return f"up to x = {last}"
    return f"from x = {first} on" if math.isinf(high) else f"from x = {first} to {last}"


def fact_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what an activation is, a label and a text for each fact that applies.

    >>> import actwise as aw
    >>> from actwise.report.summary import summarise
    >>> for label, text in fact_lines(summarise(aw.activation("tanh")))[:4]:
    ...     print(f"{label}: {text}")
    f(x): tanh(x)
    f'(x): (1 / cosh(x))**2
    from y = f(x): 1 - y * y; in float32 to be trusted from x = -4.9 to 4.9
    range: -1 to 1
    """
    lines = [("f(x)", facts["formula"])]
    if facts["derivative"]:
        lines.append(("f'(x)", facts["derivative"]))
    if facts["from_output"]:
        trust = describe_trust(facts["trusted_between"])
        lines.append(("from y = f(x)", f"{facts['from_output']}; in float32 to be trusted {trust}"))
    for name, value in facts["values"].items():
        trained = ", trained" if name in facts["trained"] else ""
        meaning = f": {facts['meanings'][name]}" if facts["meanings"][name] else ""
        lines.append((name, f"{value:.6g}{trained}{meaning}"))
    if facts["gaps"]:
        lines.append(("no number", describe_gaps(facts["gaps"])))
    if facts["range"] is not None:
        lines.append(("range", describe_range(facts["range"])))
    if facts["kinks"]:
        lines.append(("kinks", describe_kinks(facts["kinks"], facts["jumps"])))
    if facts["asymptotes"]:
        lines.append(("asymptotes", ", ".join(facts["asymptotes"])))
    if saturation := describe_saturation(facts["saturates_below"], facts["saturates_above"]):
        lines.append(("saturates", saturation))
    if facts["monotonic"] is not None:
        rising = "never falls" if facts["monotonic"] else "never rises" if facts["falling"] else "rises and falls"
        odd = ", odd" if facts["odd"] else ""
        centred = "zero-centred" if facts["zero_centred"] else "not zero-centred"
        lines.append(("shape", f"{rising}{odd}, {centred}, steepest slope {facts['lipschitz']:.4g}"))
    if facts["gain"] is not None:
        lines.append(("gain", f"{facts['gain']:.4g} (the factor on initial weights)"))
    if facts["aliases"]:
        lines.append(("also called", ", ".join(facts["aliases"])))
    if facts["advice"]:
        lines.append(("use", facts["advice"]))
    if facts["source"]:
        lines.append(("source", facts["source"]))
    return lines
