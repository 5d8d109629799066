"""The pages about activations in the documentation, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actwise.activations import AnyActivation
from actwise.report.explanation import readable_formula
from actwise.report.summary import summarise
from actwise.report.wording import describe_kinks, describe_range, describe_saturation, describe_trust

_MADE_BY = "This page is made by `tools/generate_docs.py` out of the declarations; do not edit it."

_INTRODUCTION = f"""# Activations

{_MADE_BY} Pictures are in the [gallery](gallery.md).

- **Range**: the smallest and the largest output.
- **Zero-centred**: whether the mean output is 0 for standard normal input.
- **Steepest slope**: the Lipschitz constant.
- **Gain**: the factor on initial weights that keeps gradients from vanishing or exploding,
  `1 / sqrt(E[f'(Z)^2])` for standard normal Z.
- **Saturates**: where the slope stays below a thousandth of the steepest one (or of 1, where there is none).
"""

_DERIVATIVES = """## Derivatives

A derivative from the output `y` saves work, but an output that was rounded to float32 near its limit has
forgotten how near it is. *Trusted* says between which inputs half of its digits are right.
"""

_GALLERY = f"""# Gallery of activations

{_MADE_BY} Facts are in the [tables](activations.md).

Filled circles mark kinks, and on the right the slope that is taken there; hollow ones are the limits from
either side. Dashes are asymptotes, shaded parts are where the function saturates. Functions that couple the
entries of a row are shown for a row of two, `(x, 0)`; gated ones along each of their inputs, with the
others at 1.
"""


def activations_page(activations: Sequence[AnyActivation]) -> str:
    """Write the tables of all facts.

    >>> import actwise as aw
    >>> "| [relu](gallery.md#relu) | `max(x, 0)` |" in activations_page([aw.activation("relu")])
    True
    """
    facts = [summarise(each) for each in activations]
    overview = _table(
        ("name", "f(x)", "parameters", "range", "monotonic", "zero-centred", "steepest slope", "gain", "saturates"),
        (
            (
                _link(each),
                _code(each["formula"]),
                _parameters(each),
                describe_range(each["range"]),
                _yes_or_no(each["monotonic"]),
                _yes_or_no(each["zero_centred"]),
                _number(each["lipschitz"]),
                _number(each["gain"]),
                describe_saturation(each["saturates_below"], each["saturates_above"]),
            )
            for each in facts
        ),
    )
    derivatives = _table(
        ("name", "f'(x)", "from the output y = f(x)", "trusted", "kinks"),
        (
            (
                _link(each),
                _code(each["derivative"]),
                _code(each["from_output"]),
                describe_trust(each["trusted_between"]) if each["trusted_between"] else "",
                describe_kinks(each["kinks"], each["jumps"]),
            )
            for each in facts
            if each["derivative"]
        ),
    )
    use = _table(
        ("name", "when to use it, and when not", "also called", "source"),
        ((_link(each), each["advice"], ", ".join(map(_code, each["aliases"])), each["source"]) for each in facts),
    )
    return f"{_INTRODUCTION}\n{overview}\n{_DERIVATIVES}\n{derivatives}\n## Use\n\n{use}"


def gallery_page(activations: Sequence[AnyActivation], folder: str = "gallery") -> str:
    """Write the page of pictures."""
    parts = [_GALLERY]
    for each in activations:
        parts.append(
            f"## {each.name}\n\n{_code(readable_formula(each.formula))}\n\n"
            f"![value and derivative of {each.name}]({folder}/{each.name}.svg)\n\n{each.summary}\n"
        )
    return "\n".join(parts)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _link(facts: Mapping[str, Any]) -> str:
    return f"[{facts['name']}](gallery.md#{facts['name']})"


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _parameters(facts: Mapping[str, Any]) -> str:
    return ", ".join(
        f"`{name}` = {value:.4g}" + (" (trained)" if name in facts["trained"] else "")
        for name, value in facts["values"].items()
    )


def _yes_or_no(fact: bool | None) -> str:
    return "" if fact is None else "yes" if fact else "no"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
