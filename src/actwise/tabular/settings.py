"""How to fit: what a user may choose, and what follows from the number of rows where nothing was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from actwise.activations import AnyActivation, activation
from actwise.errors import InputError
from actwise.model import optimizers
from actwise.model.layers import Dense, Dropout, Layer, Maxout
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Adam, Optimizer
from actwise.recipes.plan import AUTO
from actwise.tables import Target
from actwise.tables.options import DEFAULT, ReadOptions
from actwise.training.settings import add_fields, document, recorded, rows

MAXOUT = "maxout"


def _with_settings(cls: type) -> type:
    """Declare the settings of the table; None leaves one to the number of training rows."""
    return add_fields(cls, ((row.name, None if row.by_size else row.default) for row in rows("fit")))


@document("fit")
@dataclass(frozen=True)
@_with_settings
class FitSettings:
    """How to fit a network to a table.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
        What the target poses.
    baselines : bool
        Whether the linear model and the boosted trees are trained too.
    ignore : tuple of str
        Columns to leave out.
    missing : tuple of str
        Words that stand for a missing value, beside the usual ones; numbers among them too.
    reading : ReadOptions
        How the table was read, and its columns are to be.
    {settings}

    Raises
    ------
    InputError
        If a value cannot be used; the message names it.

    Examples
    --------
    >>> FitSettings(hidden=(8, 4), activation=("tanh", "x * sigmoid(x)")).hidden
    (8, 4)
    """

    task: str = "auto"
    baselines: bool = field(default=True, kw_only=True)
    ignore: tuple[str, ...] = field(default=(), kw_only=True)
    missing: tuple[str, ...] = field(default=(), kw_only=True)
    reading: ReadOptions = field(default=DEFAULT, kw_only=True)

    if TYPE_CHECKING:

        def __init__(self, task: str = "auto", **settings: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    def __post_init__(self) -> None:
        if self.task not in ("auto", "classification", "regression"):
            raise InputError(f"must be 'auto', 'classification' or 'regression', not {self.task!r}", "task")
        if self.split_by is not None and self.time is not None:
            raise InputError("rows are split by groups or by time: leave out split_by or time")
        for row in rows("fit"):
            value = getattr(self, row.name)
            if not (row.by_size and value is None):
                row.checked(value)
        if isinstance(self.rule, LBFGS) and self.dropout:
            raise InputError("lbfgs needs the same loss at every call, which dropout prevents: leave one of them out")
        if isinstance(self.rule, LBFGS) and self.batch_size is not None:
            raise InputError(
                "is of no use to lbfgs, which takes all rows at every step: leave it out, or choose another optimizer",
                "batch_size",
            )
        if isinstance(self.activation, str | AnyActivation):
            raise InputError(f"must be a tuple with one entry or one per layer: ({self.activation!r},)", "activation")
        hidden_layers(self.hidden, self.activation, self.dropout or 0.0)

    def changed(self, **settings: Any) -> FitSettings:
        """Return the same with some settings changed."""
        return replace(self, **settings)

    @property
    def rule(self) -> Optimizer:
        """The optimizer with its learning rate."""
        return optimizers.optimizer("adam" if self.optimizer == "auto" else self.optimizer, self.learning_rate)


def hidden_layers(hidden: Sequence[int], activations: Sequence[str | AnyActivation], dropout: float) -> list[Layer]:
    """Make the hidden layers."""
    if not hidden:
        raise InputError("must name the units of at least one layer, such as 64,64", "hidden")
    if len(activations) not in (1, len(hidden)):
        layers_given = f"{len(hidden)} hidden {'layer' if len(hidden) == 1 else 'layers'}"
        raise InputError(
            f"{len(activations)} activations were given for {layers_given}: give one for all of them, or one per layer"
        )
    if len(activations) == 1:
        activations = [activations[0]] * len(hidden)
    layers: list[Layer] = []
    for units, each in zip(hidden, activations, strict=True):
        if not isinstance(units, int | np.integer) or units < 1:
            raise InputError(f"hidden layers must have a positive whole number of units, not {units!r}")
        layers.append(Maxout(units) if each == MAXOUT else Dense(units, activation(each)))
        if dropout:
            layers.append(Dropout(dropout))
    return layers


def build_network(settings: FitSettings, target: Target, n_inputs: int) -> Network:
    """Make the network."""
    task = target.task
    output = Dense(task.n_outputs, activation(task.output_activation))
    return Network([*hidden_layers(settings.hidden, settings.activation, 0.0), output], n_inputs)


def asked(settings: FitSettings) -> dict[str, Any]:
    """Return what was asked for as recipes take it."""
    patience: Any = AUTO
    if settings.patience is not None:
        patience = settings.patience - 1 if settings.patience else np.inf
    solver = AUTO if settings.optimizer == AUTO else settings.rule
    return {
        "recipe": AUTO, "solver": solver, "alpha": AUTO, "l2": settings.l2, "batch_size": settings.batch_size or AUTO,
        "learning_rate": "constant", "learning_rate_init": settings.learning_rate or AUTO,
        "max_iter": settings.epochs or AUTO, "tol": AUTO,
        "n_iter_no_change": patience,
        "early_stopping": AUTO, "scoring": None, "dropout": settings.dropout or 0.0, "max_gradient_norm": None,
        "weight_averaging": 0.0, "beta_1": Adam.beta1, "beta_2": Adam.beta2, "epsilon": Adam.epsilon,
        "max_fun": LBFGS.most_evaluations,
    }  # fmt: skip


def plain_options(settings: FitSettings) -> dict[str, Any]:
    """Return what training takes as it is: no recipe has a say in it."""
    of_recipe = ("optimizer", "seed", "loss")
    given = {row.name: getattr(settings, row.name) for row in recorded() if row.called("fit") and not row.by_size}
    return {name: value for name, value in given.items() if value is not None and name not in of_recipe}
