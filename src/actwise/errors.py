"""Exceptions, and the one helper that suggests a near name.

Every error a user can cause derives from `ActwiseError`; its message is one sentence that says
what is wrong and what to do next. The command line prints that sentence and exits with status 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches


class ActwiseError(Exception):
    """Base class of all errors that Actwise raises on purpose."""


class ActwiseWarning(UserWarning):
    """Something went on, but its result should not be trusted without a look."""


class InputError(ActwiseError, ValueError):
    """A value handed in by the user cannot be used; the message names it and the next step.

    Parameters
    ----------
    problem : str
        What is wrong and what to do next.
    parameter : str, optional
        The parameter that it is about, with which the message then begins. Whoever has another name for it, as
        the command line has, asks `told` for the message.

    Examples
    --------
    >>> error = InputError("must be a positive whole number, not 0", parameter="batch_size")
    >>> print(error)
    batch_size must be a positive whole number, not 0
    >>> error.told(lambda name: "--" + name.replace("_", "-"))
    '--batch-size must be a positive whole number, not 0'
    """

    def __init__(self, problem: str, parameter: str | None = None) -> None:
        super().__init__(problem if parameter is None else f"{parameter} {problem}")
        self.problem = problem
        self.parameter = parameter

    def told(self, called: Callable[[str], str]) -> str:
        """Return the message with another name for the parameter."""
        return str(self) if self.parameter is None else f"{called(self.parameter)} {self.problem}"


class FormulaError(InputError):
    """A formula does not parse or uses something that is not allowed.

    Parameters
    ----------
    problem : str
        What is wrong, one sentence.
    text : str, optional
        The formula as the user wrote it.
    position : int, optional
        Zero-based column in `text` at which the problem lies; the message then points at it.
    missing : tuple of str
        Parameters of the formula for which no value was given.
    """

    def __init__(
        self, problem: str, text: str = "", position: int | None = None, missing: tuple[str, ...] = ()
    ) -> None:
        pointer = f"\n    {text}\n    {' ' * position}^" if text and position is not None else ""
        super().__init__(problem + pointer)
        self.problem = problem
        self.text = text
        self.position = position
        self.missing = missing


class TableError(InputError):
    """A data file, a column or a target cannot be used."""


class ModelError(InputError):
    """A saved model is missing, damaged, tampered with or too new."""


def suggest(name: str, known: Iterable[str], *, noun: str = "known names") -> str:
    """Say which of the known names come near a wrong one.

    >>> suggest("sigmiod", ["relu", "sigmoid", "tanh"])
    "did you mean 'sigmoid'?"
    >>> suggest("q", ["relu", "tanh"], noun="activations")
    "activations are 'relu', 'tanh'"
    """
    names = sorted(known)
    by_lower = {each.lower(): each for each in names}
    near = [by_lower[each] for each in get_close_matches(name.lower(), by_lower, n=2, cutoff=0.6)]
    if near:
        return "did you mean " + " or ".join(repr(each) for each in near) + "?"
    shown = names if len(names) <= 40 else [*names[:40]]
    rest = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"{noun} are " + ", ".join(repr(each) for each in shown) + rest
