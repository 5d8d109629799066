"""Texts of options to values."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from actwise.errors import FormulaError, InputError
from actwise.training.settings import option_name, rows

if TYPE_CHECKING:
    from actwise.activations import AnyActivation
    from actwise.tables.options import ReadOptions

_Command = TypeVar("_Command", bound=Callable[..., Any])

# Settings that the command line reads from text: what stands for it in the help, and how it is written.
TEXTS = {
    "hidden": ("SIZES", " Between commas, such as 64,32."),
    "activation": ("LIST", ' Between commas; parameters as in "leaky_relu(slope=0.3)".'),
    "time_limit": ("SECONDS", ""),
    "split_by": ("COLUMN", ""),
    "time": ("COLUMN", ""),
}
# A name or a formula, and after it values of parameters in parentheses.
_WITH_PARAMETERS = re.compile(r"(?P<activation>.+?)\((?P<values>\s*[A-Za-z_]\w*\s*=(?!=)[^()]*)\)\s*", re.DOTALL)


def setting_options(command: _Command) -> _Command:
    """Give a command an option for each setting that a fit of a table has; those not given are None."""
    for row in reversed(rows("command")):
        name, kind = option_name(row.name), row.check.kind.split()[0]
        metavar, how = TEXTS.get(row.name, (None, ""))
        text = row.help + how
        if row.by_size or row.default not in (None, inf):
            text += f"  [default: {'by rows' if row.by_size else _shown(row.default)}]"
        if kind == "bool":
            option = click.option(f"{name}/--no-{name[2:]}", default=None, help=text)
        else:
            option = click.option(name, type={"int": int, "float": float}.get(kind, str), metavar=metavar, help=text)
        command = option(command)
    return command


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return (
        ",".join(map(str, default))
        if isinstance(default, tuple)
        else f"{default:g}"
        if isinstance(default, float)
        else str(default)
    )


def read_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that were given, texts turned into values."""
    found = {name: value for name, value in given.items() if value is not None}
    if "hidden" in found:
        found["hidden"] = split_sizes(found["hidden"])
    if "activation" in found:
        found["activation"] = tuple(read_activation(each) for each in split_activations(found["activation"]))
    return found


# What `ReadOptions` calls an option, and the command line does.
_READ_OPTIONS = {
    "encoding": "--encoding",
    "skip_rows": "--skip-rows",
    "comment": "--comment",
    "decimal": "--decimal",
    "date_order": "--date-order",
    "missing": "--na",
    "present": "--no-na",
    "types": "--type",
}


def file_options(command: _Command) -> _Command:
    """Give a command the options that say how a file is written; it takes them as ``given``, a dict of those given."""

    @functools.wraps(command)
    def with_given(**values: Any) -> Any:
        given = {name: values.pop(name) for name in _READ_OPTIONS if name in values}
        return command(**values, given={name: value for name, value in given.items() if value not in (None, ())})

    options = (
        click.option("--encoding", metavar="NAME", help="Of text that is not UTF-8, such as cp1251 or shift_jis."),
        click.option("--skip-rows", type=int, metavar="N", help="Lines above the one with the column names."),
        click.option("--comment", metavar="TEXT", help="What starts lines that are no rows, such as #."),
        click.option("--decimal", type=click.Choice(["point", "comma"]), help="Where the cells do not tell."),
    )
    return _with_options(with_given, options)  # type: ignore[return-value]


def reading_options(command: _Command) -> _Command:
    """Give a command the options that say how a table is read and what is predicted from it.

    It takes ``targets``, ``ignore``, ``task`` and ``reading``, a `ReadOptions`.
    """

    @functools.wraps(command)
    def with_reading(given: dict[str, Any], **values: Any) -> Any:
        return command(**values, reading=read_options(given))

    options = (
        click.option("--target", "targets", multiple=True, metavar="COLUMN", help="What to predict; may be repeated."),
        click.option("--ignore", multiple=True, metavar="COLUMN", help="What to leave out; may be repeated."),
        click.option(
            "--na",
            "--missing",
            "missing",
            multiple=True,
            metavar="WORD",
            help="What stands for a missing value, such as -999; may be repeated.",
        ),
        click.option(
            "--no-na",
            "present",
            multiple=True,
            metavar="WORD",
            help="What is a label although it usually means missing, such as None; may be repeated.",
        ),
        click.option(
            "--type",
            "types",
            multiple=True,
            metavar="COLUMN=TYPE",
            help="What a column holds: number, category, date or ignore; may be repeated.",
        ),
        click.option(
            "--date-order", type=click.Choice(["day", "month", "year"]), help="What stands first in 01/02/03."
        ),
        click.option(
            "--task",
            type=click.Choice(["auto", "classification", "regression"]),
            default="auto",
            show_default=True,
            help="What the target is; found out from its values if auto.",
        ),
    )
    return _with_options(file_options(with_reading), options)  # type: ignore[return-value]


def read_options(given: dict[str, Any], known: ReadOptions | None = None) -> ReadOptions:
    """Make reading options of those given on the command line, and of known ones for the others."""
    from actwise.tables.options import ReadOptions

    try:
        return replace(known or ReadOptions(), **given)
    except InputError as error:
        raise InputError(error.told(lambda name: _READ_OPTIONS.get(name, "--type"))) from error


def _with_options(command: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def read_activation(text: str) -> str | AnyActivation:
    """Read an activation with values for its parameters, such as ``leaky_relu(slope=0.3)``.

    Parameters
    ----------
    text : str
        A name or a formula, with ``(parameter=number, ...)`` after it where it should not have its default
        values.

    Returns
    -------
    str or Activation
        The activation; the text itself where no parameter was given.

    Raises
    ------
    InputError
        If a value is no number, or the activation has no such parameter.

    Examples
    --------
    >>> read_activation("leaky_relu(slope=0.3)").values
    {'slope': 0.3}
    >>> read_activation("x * sigmoid(beta * x) (beta=1.5)").values
    {'beta': 1.5}
    >>> read_activation("relu")
    'relu'
    """
    from actwise.activations import activation

    found = _WITH_PARAMETERS.fullmatch(text)
    if found is None:
        try:
            with warnings.catch_warnings(action="ignore"):  # they come when it is looked up for the network
                activation(text)
        except FormulaError as error:
            if error.missing:
                values = ", ".join(f"{name}=1.0" for name in error.missing)
                raise InputError(f"{error}, behind the formula: --activation '{text} ({values})'") from error
        except InputError:
            pass  # maxout, which is a layer, and names that the settings refuse
        return text
    numbers = {}
    for part in found["values"].split(","):
        name, _, value = part.partition("=")
        try:
            numbers[name.strip()] = float(value)
        except ValueError as error:
            raise InputError(
                f"--activation {text!r}: {part.strip()!r} should be a parameter and a number, such as slope=0.3"
            ) from error
    return activation(found["activation"].strip(), **numbers)


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
