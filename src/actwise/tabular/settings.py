"""How to fit: what a user may choose, and what follows from the number of rows where nothing was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from actwise.activations import AnyActivation, activation
from actwise.errors import InputError
from actwise.model import losses, optimizers
from actwise.model.layers import Dense, Dropout, Layer, Maxout
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS, Optimizer
from actwise.tables import Target
from actwise.tables.options import DEFAULT, ReadOptions
from actwise.training.settings import add_fields, document, recorded, rows

# Weights are held back as if by the same prior whatever the number of rows: the penalty on the mean loss is
# this over the number of training rows. Chosen with the width, the activation, the dropout and the patience
# by accuracy and R2 over 24 splits of bundled data sets.
L2_TIMES_ROWS = 2.0
DROPOUT = 0.1
ENOUGH_ROWS = 10_000  # from so many training rows on nothing is dropped
MOST_EPOCHS = 1000
FEWEST_EPOCHS = 20
UPDATES_AIMED_AT = 100_000  # bounds the time on large tables: epochs are fewer where they are long
# Epochs without improvement: a validation loss is noisy, but on large tables each epoch is many updates.
MOST_PATIENCE = 40
FEWEST_PATIENCE = 5
UPDATES_OF_PATIENCE = 5_000
SMALLEST_BATCH, LARGEST_BATCH = 32, 256
ROWS_PER_BATCH_ROW = 400  # a batch is about this share of the training rows, between those bounds
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


def build_network(settings: FitSettings, target: Target, n_inputs: int, n_rows: int) -> tuple[Network, str]:
    """Make the network and choose its loss."""
    # An output layer that starts at 0 starts from the same answer for every row, the mean, instead of noise
    # that has to be unlearned first; on small tables this decides.
    task = target.task
    output = Dense(task.n_outputs, activation(task.output_activation), init="zeros")
    dropout = settings.dropout
    if dropout is None:
        dropout = 0.0 if n_rows >= ENOUGH_ROWS or isinstance(settings.rule, LBFGS) else DROPOUT
    layers = hidden_layers(settings.hidden, settings.activation, dropout)
    return Network([*layers, output], n_inputs), task.loss


def training_options(settings: FitSettings, loss: str, n_rows: int) -> dict[str, Any]:
    """Choose by the number of training rows what was left open."""
    batch_size = settings.batch_size or int(np.clip(n_rows // ROWS_PER_BATCH_ROW, SMALLEST_BATCH, LARGEST_BATCH))
    steps = -(-n_rows // batch_size)
    patience = int(np.clip(UPDATES_OF_PATIENCE // steps, FEWEST_PATIENCE, MOST_PATIENCE))
    whole = isinstance(settings.rule, LBFGS)
    given = {row.name: getattr(settings, row.name) for row in recorded() if row.called("fit")}
    return {name: value for name, value in given.items() if value is not None} | {
        "loss": losses.loss(loss),
        "optimizer": settings.rule,
        "batch_size": n_rows if whole else min(batch_size, n_rows),
        "epochs": settings.epochs or int(np.clip(UPDATES_AIMED_AT // steps, FEWEST_EPOCHS, MOST_EPOCHS)),
        "patience": patience if settings.patience is None else settings.patience,
        "l2": L2_TIMES_ROWS / n_rows if settings.l2 is None else settings.l2,
    }
