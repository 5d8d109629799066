"""How to fit: what a user may choose, and what follows from the number of rows where nothing was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from actwise.activations import AnyActivation, activation
from actwise.errors import InputError
from actwise.model import losses, optimizers
from actwise.model.layers import Dense, Dropout, Layer, Maxout
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.tables import Target
from actwise.tables.options import DEFAULT, ReadOptions

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


@dataclass(frozen=True)
class FitSettings:
    """How to fit a network to a table; None leaves a choice to the number of training rows.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
        What the target poses.
    hidden : tuple of int
        Units of each hidden layer.
    activation : tuple of str or Activation
        One for all hidden layers, or one per layer: names, formulas in ``x``, or ``"maxout"``.
    dropout : float, optional
        Share of each hidden layer's outputs that is dropped in training.
    l2 : float, optional
        Adds ``l2 / 2 * sum(weights ** 2)``.
    optimizer : str
        Its name.
    learning_rate : float, optional
        In place of the optimiser's own.
    batch_size : int, optional
        Rows per step.
    epochs : int, optional
        At most so many; without improvement on the validation rows it stops earlier.
    patience : int, optional
        After so many epochs without an improvement.
    seed : int
        Of the split, the initial weights and the order of rows.
    test_size, validation_size : float or int
        A fraction of the rows, or a number of rows. Without validation rows there is no early stopping.
    time_limit : float, optional
        Seconds for the training.
    threads : int, optional
        At most so many.
    baselines : bool
        Whether the linear model and the boosted trees are trained too.
    ignore : tuple of str
        Columns to leave out.
    missing : tuple of str
        Words that stand for a missing value, beside the usual ones; numbers among them too.
    reading : ReadOptions
        How the table was read, and its columns are to be.
    split_by : str, optional
        A column whose equal values stay together, all in training or all in the test: persons, places.
    time : str, optional
        A column that says when each row was: the last ones are for the test.

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
    hidden: tuple[int, ...] = (128,)
    activation: tuple[str | AnyActivation, ...] = ("silu",)
    dropout: float | None = None
    l2: float | None = None
    optimizer: str = "adam"
    learning_rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    seed: int = 0
    test_size: float = 0.2
    validation_size: float = 0.15
    time_limit: float | None = None
    threads: int | None = None
    baselines: bool = True
    ignore: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reading: ReadOptions = DEFAULT
    split_by: str | None = None
    time: str | None = None

    def __post_init__(self) -> None:
        if self.task not in ("auto", "classification", "regression"):
            raise InputError(f"task must be 'auto', 'classification' or 'regression', not {self.task!r}")
        if self.split_by is not None and self.time is not None:
            raise InputError("rows are split by groups or by time: leave out split_by or time")
        for name in ("batch_size", "epochs", "patience", "threads"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int | np.integer) or value < 1):
                raise InputError(f"{name} must be a positive whole number, not {value!r}")
        if self.time_limit is not None and not self.time_limit > 0:
            raise InputError(f"time_limit must be a positive number of seconds, not {self.time_limit!r}")
        if self.l2 is not None and not (np.isfinite(self.l2) and self.l2 >= 0):
            raise InputError(f"l2 must be 0 or a positive number, not {self.l2!r}")
        if not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise InputError(f"seed must be a whole number, 0 or larger, not {self.seed!r}")
        if not self.test_size > 0:
            raise InputError(
                f"test_size must be a fraction below 1 or a number of rows, not {self.test_size!r}: without test "
                "rows nothing can be said about the network"
            )
        if not self.validation_size >= 0:
            raise InputError(
                f"validation_size must be 0, a fraction below 1 or a number of rows, not {self.validation_size!r}"
            )
        found = optimizers.optimizer(self.optimizer, self.learning_rate)
        if isinstance(found, LBFGS) and self.dropout:
            raise InputError("lbfgs needs the same loss at every call, which dropout prevents: leave one of them out")
        if isinstance(found, LBFGS) and self.batch_size is not None:
            raise InputError("lbfgs takes all rows at every step: leave batch_size out, or choose another optimizer")
        given: object = self.activation
        if isinstance(given, str | AnyActivation):
            raise InputError(f"activation must be a tuple with one entry or one per layer: ({given!r},)")
        hidden_layers(self.hidden, self.activation, self.dropout or 0.0)


def hidden_layers(hidden: Sequence[int], activations: Sequence[str | AnyActivation], dropout: float) -> list[Layer]:
    """Make the hidden layers."""
    if not hidden:
        raise InputError("hidden must name the units of at least one layer, such as 64,64")
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
        dropout = 0.0 if n_rows >= ENOUGH_ROWS or settings.optimizer.lower() == "lbfgs" else DROPOUT
    layers = hidden_layers(settings.hidden, settings.activation, dropout)
    return Network([*layers, output], n_inputs), task.loss


def training_options(settings: FitSettings, loss: str, n_rows: int) -> dict[str, Any]:
    """Choose by the number of training rows what was left open."""
    batch_size = settings.batch_size or int(np.clip(n_rows // ROWS_PER_BATCH_ROW, SMALLEST_BATCH, LARGEST_BATCH))
    steps = -(-n_rows // batch_size)
    epochs = settings.epochs or int(np.clip(UPDATES_AIMED_AT // steps, FEWEST_EPOCHS, MOST_EPOCHS))
    optimizer = optimizers.optimizer(settings.optimizer, settings.learning_rate)
    return {
        "loss": losses.loss(loss),
        "optimizer": optimizer,
        "batch_size": n_rows if isinstance(optimizer, LBFGS) else min(batch_size, n_rows),
        "epochs": epochs,
        "patience": settings.patience or int(np.clip(UPDATES_OF_PATIENCE // steps, FEWEST_PATIENCE, MOST_PATIENCE)),
        "l2": L2_TIMES_ROWS / n_rows if settings.l2 is None else settings.l2,
        "seed": settings.seed,
        "time_limit": settings.time_limit,
        "threads": settings.threads,
    }
