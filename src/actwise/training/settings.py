"""The settings of a training, one row each: what a setting is called at every door, what it may be, what it means.

`actwise.train`, the estimators, `fit_table`, the command line, the doctor and the documentation read this table.
A new setting is a new row; what it does is then in ``run.settings`` for the code that acts on it.

NumPy and the rooms that know names are imported by the checks alone, so that the command line starts at once.
"""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from actwise.errors import InputError, suggest

Door: TypeAlias = Literal["train", "estimator", "fit", "command"]
Part: TypeAlias = Literal["network", "training", "run", "table"]
_Class = TypeVar("_Class", bound=type)
_Documented = TypeVar("_Documented", bound=Callable[..., Any])


class Check(Protocol):
    """Returns a value as it is used, or raises an `InputError` that names the parameter."""

    @property
    def kind(self) -> str:
        """What a value is, for the documentation."""
        ...

    def __call__(self, name: str, value: Any) -> Any:
        """Check a value."""
        ...


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    least: int = 1
    kind: str = "int"

    def __call__(self, name: str, value: Any) -> int:
        """Return it as an int."""
        from actwise.arrays import check_whole

        return check_whole(name, value, self.least)


@dataclass(frozen=True)
class Number:
    """A positive number, or 0 or infinity where that is allowed."""

    zero: bool = False
    infinite: bool = False
    below: float = inf
    kind: str = "float"

    def __call__(self, name: str, value: Any) -> float:
        """Return it as a float."""
        from actwise.arrays import check_number

        return check_number(name, value, zero=self.zero, infinite=self.infinite, below=self.below)


@dataclass(frozen=True)
class Truth:
    """True or False."""

    kind: str = "bool"

    def __call__(self, name: str, value: Any) -> bool:
        """Return it as a bool."""
        import numpy as np

        if not isinstance(value, bool | np.bool_):
            raise InputError(f"must be True or False, not {value!r}", name)
        return bool(value)


@dataclass(frozen=True)
class Size:
    """A share of the rows, or a number of them."""

    zero: bool
    kind: str = "float or int"

    def __call__(self, name: str, value: Any) -> float:
        """Return it as it is."""
        if not (value > 0 or (self.zero and value == 0)):
            least, why = ("0, ", "") if self.zero else ("", ": without such rows nothing can be said about the network")
            raise InputError(f"must be {least}a fraction below 1 or a number of rows, not {value!r}{why}", name)
        number: float = value
        return number


@dataclass(frozen=True)
class Other:
    """Something that is looked up or called; `find` raises an `InputError` for what it does not know."""

    kind: str
    find: Callable[[Any], Any] = lambda value: value

    def __call__(self, name: str, value: Any) -> Any:
        """Return what was found."""
        return self.find(value)


def _loss(value: Any) -> Any:
    from actwise.model import losses

    return losses.loss(value)


def _optimizer(value: Any) -> Any:
    from actwise.model import optimizers

    return value if value == "auto" else optimizers.optimizer(value)


def _rate(value: Any) -> Any:
    from actwise.model.schedules import as_schedule

    as_schedule(value)
    return value


def _restarts(starts: Any) -> int | None:
    return None if starts is None else Whole()("starts", starts) - 1


@dataclass(frozen=True)
class Setting:
    """A row of the table.

    Parameters
    ----------
    name : str
        What it is called in Python, in `FitSettings` and, with dashes, on the command line.
    check : Check
        What it may be.
    default : object
        Of `actwise.train`. None: it is chosen when training begins.
    help : str
        What it does, in a line.
    sklearn : str, optional
        What the estimators call it; None: they do not have it.
    part : {"network", "training", "run", "table"}
        What it is about: the network; the training, which records it; a single run of it; the rows of a table. Those of
        training and run are keyword arguments of `actwise.train`.
    fit : bool
        Whether `fit_table` and the command line have it.
    by_size : bool
        Whether the estimators' ``"auto"`` and the None of `FitSettings` leave it to the size of the data.
    former : mapping of str to callable
        Names that it had, each with what turns a value from then into one of today.
    """

    name: str
    check: Check
    default: Any
    help: str
    sklearn: str | None = None
    part: Part = "training"
    fit: bool = False
    by_size: bool = False
    former: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def called(self, door: Door) -> str | None:
        """Return its name at a door; None where it is not known there."""
        if door == "train":
            return self.name if self.part in ("training", "run") else None
        if door == "estimator":
            return self.sklearn
        return (option_name(self.name) if door == "command" else self.name) if self.fit else None

    def documented(self, door: Door) -> list[str]:
        """Return its lines in a docstring of NumPy's style."""
        text = self.help
        if self.by_size and door in ("fit", "estimator"):
            text += " By default chosen by the size of the data."
        elif self.default not in (None, inf):
            text += f" Default {self.default!r}."
        return [
            f"{self.called(door)} : {self.check.kind}",
            *textwrap.wrap(text, 100, initial_indent="    ", subsequent_indent="    "),
        ]

    def written(self, value: Any, door: Door) -> str:
        """Write it with a value as a person would at a door.

        >>> setting("epochs").written(30, "estimator"), setting("l2").written(1e-3, "command")
        ('max_iter=30', '--l2 0.001')
        """
        short = f"{value:g}" if isinstance(value, float) else str(value) if door == "command" else repr(value)
        return f"{self.called(door)}{' ' if door == 'command' else '='}{short}"

    def checked(self, value: Any) -> Any:
        """Return a value as it is used; None stands for a default of None."""
        return None if value is None and self.default is None else self.check(self.name, value)


TABLE: tuple[Setting, ...] = (
    # The network
    Setting("hidden", Other("tuple of int"), (100,), "Units of each hidden layer.",
            sklearn="hidden_layer_sizes", part="network", fit=True),
    Setting("activation", Other("str or Activation"), ("relu",),
            "Of the hidden layers: a name, a formula in x or maxout, one for all of them or one per layer.",
            sklearn="activation", part="network", fit=True),
    Setting("dropout", Number(zero=True, below=1), 0.0,
            "Share of each hidden layer's outputs that is dropped in training.",
            sklearn="dropout", part="network", fit=True, by_size=True),
    # The loss and how it is minimised
    Setting("loss", Other("str or Loss", _loss), "squared_error", "What is minimised.", sklearn="loss"),
    Setting("optimizer", Other("str or optimizer", _optimizer), "auto",
            "A name such as adam, sgd or lbfgs, in Python also a record such as aw.Adam(0.01); auto: on small data "
            "L-BFGS, which uses all rows at once, Adam elsewhere.", sklearn="solver", fit=True),
    Setting("learning_rate", Other("float or schedule", _rate), None, "In place of the optimizer's own.",
            sklearn="learning_rate_init", fit=True),
    Setting("batch_size", Whole(), 32, "Rows per step.", sklearn="batch_size", fit=True, by_size=True),
    Setting("epochs", Whole(), None, "At most so many; of L-BFGS, iterations.",
            sklearn="max_iter", fit=True, by_size=True),
    Setting("l2", Number(zero=True), 0.0, "Adds l2 / 2 times the sum of the squared weights, biases left out.",
            sklearn="alpha", fit=True, by_size=True),
    Setting("max_gradient_norm", Number(infinite=True), inf,
            "Gradient clipping: longer gradients are scaled down to it.", sklearn="max_gradient_norm", fit=True,
            former={"largest_gradient_norm": lambda value: value}),
    Setting("shuffle", Truth(), True, "Whether the rows come in a new order in each epoch.", sklearn="shuffle",
            fit=True),
    Setting("seed", Whole(0), 0, "Of everything random: the same seed on the same machine gives the same result.",
            sklearn="random_state", fit=True),
    # When it ends
    Setting("patience", Whole(0), 0, "Ends after so many epochs without an improvement; 0: never.",
            sklearn="n_iter_no_change", fit=True, by_size=True),
    Setting("tolerance", Number(zero=True), 0.0, "A smaller improvement of the loss is none.", sklearn="tol",
            fit=True, by_size=True),
    Setting("time_limit", Number(infinite=True), None, "Seconds that training may take.", fit=True),
    Setting("threads", Whole(), None, "At most so many for matrix products; the bits are the same.",
            sklearn="n_jobs", fit=True),
    Setting("restarts", Whole(0), None,
            "How often training begins anew from other initial values while the problem is not solved; the best "
            "network is kept. By default 19 on tiny problems, 0 elsewhere.", part="run", former={"starts": _restarts}),
    # Rows, and what goes on around the training
    Setting("validation", Other("(X, y) or (X, y, sample_weight)"), None,
            "Rows on which the loss is computed after every epoch; the best parameters are kept.", part="run"),
    Setting("sample_weight", Other("array_like of shape (n_rows,)"), None, "Weight of each row.", part="run"),
    Setting("keep_parameters", Truth(), False, "Whether training goes on from the network's own parameters.",
            part="run"),
    Setting("callback", Other("callable"), None,
            "Called with the `Progress` after every epoch; training ends where it returns true.", part="run",
            former={"watch": lambda value: value}),
    Setting("resumed", Other("OptimizerState"), None, "What `Progress.state` gave, to go on with `keep_parameters`.",
            part="run"),
    # Rows of a table
    Setting("test_size", Size(zero=False), None, "Share of the rows to test with, or their number.",
            part="table", fit=True, by_size=True),
    Setting("validation_size", Size(zero=True), None,
            "Share of the rows to stop training by, or their number; 0: no early stopping.",
            part="table", fit=True, by_size=True),
    Setting("split_by", Other("str"), None,
            "A column whose equal values stay together, all in training or all in the test: persons, places.",
            part="table", fit=True),
    Setting("time", Other("str"), None, "A column that says when each row was: the last ones are for the test.",
            part="table", fit=True),
)  # fmt: skip


def rows(door: Door) -> list[Setting]:
    """Return the settings that a door has."""
    return [row for row in TABLE if row.called(door) is not None]


def setting(name: str) -> Setting:
    """Return a row by its name."""
    return next(row for row in TABLE if row.name == name)


def option_name(name: str) -> str:
    """Return how the command line writes a name.

    >>> option_name("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")


def with_present_names(given: Mapping[str, Any], door: Door = "train", stacklevel: int = 3) -> dict[str, Any]:
    """Give settings that bear a former name their present one, and warn of it."""
    former = {name: row for row in rows(door) for name in row.former}
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in former:
            present = former[name].called(door) or name
            said = f"{name} is called {present} now, and the old name goes with the next release"
            warnings.warn(said, DeprecationWarning, stacklevel=stacklevel)
            found[present] = former[name].former[name](value)
        else:
            found[name] = value
    return found


def refuse_unknown(given: Iterable[str], known: Sequence[str], whose: str) -> None:
    """Refuse a setting that is not known, with the nearest one that is."""
    for name in given:
        if name not in known:
            raise InputError(f"{whose} has no setting {name!r}; {suggest(name, known, noun='its settings')}")


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check settings of `actwise.train` and add the defaults of the others."""
    return {row.name: row.checked(given.get(row.name, row.default)) for row in rows("train")}


def recorded() -> list[Setting]:
    """Return the settings that a record of a training holds; a learning rate is in its optimizer."""
    return [row for row in TABLE if row.part == "training" and row.name != "learning_rate"]


def add_fields(cls: _Class, fields: Iterable[tuple[str, Any]]) -> _Class:
    """Give a class that is going to be a dataclass fields with defaults, unless it declares them itself."""
    declared = cls.__annotations__
    for name, default in fields:
        if name not in declared:
            declared[name] = Any
            setattr(cls, name, default)
    return cls


def document(door: Door, without: Sequence[str] = ()) -> Callable[[_Documented], _Documented]:
    """Put a door's settings in the place of ``{settings}`` in a docstring, except for those that it explains itself."""

    def filled(what: _Documented) -> _Documented:
        if what.__doc__ and (found := re.search(r"^( *)\{settings\}\n", what.__doc__, re.MULTILINE)):
            told = re.findall(rf"^{found[1]}(\w.*)\n{found[1]} ", what.__doc__, re.MULTILINE)
            lines = [
                line
                for row in rows(door)
                if row.name not in without and not any(re.search(rf"\b{row.called(door)}\b", each) for each in told)
                for line in row.documented(door)
            ]
            what.__doc__ = what.__doc__.replace(
                found[0], textwrap.indent("".join(f"{line}\n" for line in lines), found[1])
            )
        return what

    return filled
