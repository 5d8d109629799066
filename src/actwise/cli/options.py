"""Texts of options to values."""

from __future__ import annotations

from pathlib import Path

from actwise.errors import InputError


def split_activations(text: str) -> tuple[str, ...]:
    """Cut a list of activations at its commas, except for those inside parentheses.

    Parameters
    ----------
    text : str
        Names or formulas.

    Returns
    -------
    tuple of str
        One text per activation.

    Raises
    ------
    InputError
        If one of them is empty.

    Examples
    --------
    >>> split_activations("relu, where(x > 0, x, 0.1 * x)")
    ('relu', 'where(x > 0, x, 0.1 * x)')
    """
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    found = tuple(part.strip() for part in parts)
    if "" in found:
        raise InputError(f"--activation {text!r} holds an empty place: write names or formulas between commas")
    return found


def split_sizes(text: str) -> tuple[int, ...]:
    """Read sizes of hidden layers.

    Parameters
    ----------
    text : str
        Whole numbers between commas.

    Returns
    -------
    tuple of int
        The sizes.

    Raises
    ------
    InputError
        If one of them is no positive whole number.

    Examples
    --------
    >>> split_sizes("64,32")
    (64, 32)
    """
    sizes = []
    for part in text.split(","):
        if not part.strip().isdecimal() or int(part) < 1:
            raise InputError(
                f"--hidden {text!r} should be positive whole numbers between commas, such as 64,32, not {part!r}"
            )
        sizes.append(int(part))
    return tuple(sizes)


def default_directory(data: str) -> Path:
    """Choose where a model goes whose place was not named.

    Parameters
    ----------
    data : str
        The data source.

    Returns
    -------
    Path
        A directory in the current one.

    Examples
    --------
    >>> default_directory("data/houses.csv.gz").name, default_directory("sample:iris").name
    ('houses-model', 'iris-model')
    """
    name = Path(data.removeprefix("sample:")).name
    return Path(f"{name.split('.')[0] or 'table'}-model")
