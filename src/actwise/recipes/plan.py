"""From what is asked for and the size of the data to a resolved plan of the training.

There are two recipes. With "auto" everything that is left open is chosen by the size of the problem, in one of three
regimes: tiny, small and large. With "sklearn", the recipe of the estimators for a solver that is given by name, what is
left open takes scikit-learn's value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.model import optimizers
from actwise.model.optimizers import LBFGS, SGD, Adam, Optimizer
from actwise.model.schedules import CosineDecay, InverseScaling, Rates, Schedule, as_schedule
from actwise.training.regimes import Regime, regime_of

AUTO: Literal["auto"] = "auto"
SKLEARN: Literal["sklearn"] = "sklearn"
# scikit-learn's defaults, which a solver given by name brings with it.
SKLEARN_ALPHA = 1e-4
SKLEARN_RATE = 1e-3
SKLEARN_EPOCHS = 200
SKLEARN_TOLERANCE = 1e-4
SKLEARN_PATIENCE = 10
SKLEARN_BATCH = 200
SKLEARN_SMALLEST_RATE = 1e-6  # of "adaptive": below it training ends
SKLEARN_RATE_DIVISOR = 5.0
# Ours.
ITERATIONS = 1000  # of L-BFGS
SMALLEST_BATCH, LARGEST_BATCH = 32, 256
ROWS_PER_BATCH_ROW = 100
FEWEST_EPOCHS = 20
CLASSIFIER_EPOCHS, REGRESSOR_EPOCHS = 100, 140  # at most
FEWEST_UPDATES, UPDATES_AIMED_AT = 1_500, 20_000  # about: epochs are whole ones
PATIENCE, PATIENT_SHARE = 20, 0.25  # epochs, but at least this share of all of them
OUTPUT_GAIN = 0.1  # an output layer that starts small starts near the same answer for every row, not from noise
FIRST_STEP_GAIN = 0.03  # of partial_fit, whose first answers may be asked for
# The highest learning rate of Adam, and what it rises and falls by.
CLASSIFIER_RATE, REGRESSOR_RATE = 3e-3, 1e-2
FINAL_SHARE = 0.02
WARMUP = 0.05
# The penalty on the mean loss is this over the number of rows, or one of those tried, from weak to strong: columns that
# tell much about the target want a weak one, noise wants a strong one.
L2_TIMES_ROWS = 1.0
CLASSIFIER_TRIED, REGRESSOR_TRIED = (0.3, 3.0), (0.1, 2.0, 20.0)
FEWEST_FOR_TRIALS, MOST_FOR_TRIALS = 50, 20_000  # rows
SECOND_ORDER_ALPHA = 1e-2  # L-BFGS goes to the very minimum, where only the penalty keeps weights finite
ENOUGH_FOR_VALIDATION = 10_000  # rows from which a tenth of them is held out to stop by


@dataclass(frozen=True)
class Plan:
    """How a network is trained, every choice made.

    Parameters
    ----------
    optimizer : optimiser
        The rule and its constants, the learning rate among them.
    alpha : float
        Strength of the L2 penalty, in scikit-learn's sense: divided by the rows of a step.
    batch_size, epochs : int
        Rows of a step; epochs, or iterations of L-BFGS, at most.
    tolerance : float
        An improvement smaller than this is none.
    patience : int
        Epochs without improvement after which training ends, less one; 0: never.
    early_stopping : bool
        Whether rows are held out to stop by.
    scoring : object
        What held-out rows are judged by: ``"loss"``, None for the estimator's own score, a scorer or its name.
    scale_inputs : bool
        Whether columns are standardised.
    dtype : str or None
        Of the arithmetic of training; None: that of X.
    restarts : int or None
        How often training begins anew from other initial values; None: as `aw.train`, often where the problem is tiny.
    output_gain : float
        Size of the output layer's initial weights, as a share of the usual one.
    starts_at_mean : bool
        Whether the output layer's biases start where its answer is the mean target: steps of a small rate take long to
        get to that of a rare class, and meanwhile all units learn to say no.
    alphas : tuple of float
        Strengths of the penalty to choose from by a trial; none: `alpha` it is.
    dropout : float or sequence of float
        Share of each hidden layer's outputs that is dropped.
    recipe : {"auto", "sklearn"}
        What chose what was left open.
    regime : {"tiny", "small", "large"} or None
        The size of the problem, by which the recipe "auto" chose.
    """

    optimizer: Optimizer
    alpha: float
    batch_size: int
    epochs: int
    tolerance: float
    patience: int
    early_stopping: bool
    scoring: Any
    scale_inputs: bool
    dtype: str | None
    restarts: int | None
    output_gain: float = 1.0
    starts_at_mean: bool = False
    alphas: tuple[float, ...] = ()
    dropout: float | Sequence[float] = 0.0
    recipe: Literal["auto", "sklearn"] = "sklearn"
    regime: Regime | None = None

    def __str__(self) -> str:
        """Write it with the names of the settings, as `actwise describe` does."""
        optimizer = type(self.optimizer).__name__
        rate = getattr(self.optimizer, "learning_rate", None)
        said = {
            "recipe": self.recipe if self.regime is None else f"{self.recipe} ({self.regime})",
            "optimizer": optimizer if rate is None else f"{optimizer} with learning rate {rate}",
            "batch_size": self.batch_size, "epochs": self.epochs, "patience": self.patience,
            "tolerance": self.tolerance, "alpha": self.alpha, "dropout": self.dropout,
            "scale_inputs": self.scale_inputs, "early_stopping": self.early_stopping, "restarts": self.restarts,
        }  # fmt: skip
        return "\n".join(f"{name}: {value}" for name, value in said.items())

    @property
    def stochastic(self) -> bool:
        """Whether the optimiser takes steps on parts of the rows."""
        return not isinstance(self.optimizer, LBFGS)

    def with_rate(self, rate: float | Schedule) -> Plan:
        """Return the same with another learning rate."""
        assert not isinstance(self.optimizer, LBFGS)
        return replace(self, optimizer=replace(self.optimizer, learning_rate=rate))


class AdaptiveRate:
    """A learning rate that is divided when training stalls (scikit-learn's ``"adaptive"``)."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def rates(self, steps: npt.NDArray[np.int64], total_steps: int) -> Rates:
        """Return the learning rate of each step."""
        return np.full(steps.shape, self.rate)

    def lower(self) -> bool:
        """Divide the rate; false where it is too small already."""
        if self.rate <= SKLEARN_SMALLEST_RATE:
            return False
        self.rate /= SKLEARN_RATE_DIVISOR
        return True


def choose(
    given: Mapping[str, Any], n_rows: int, n_distinct: int, n_parameters: int, *, classifies: bool, validated: bool,
    partial: bool,
) -> Plan:  # fmt: skip
    """Decide what a fit uses, the learning rate's schedule apart.

    `given`: the estimators' parameters, whatever the door; beside them ``recipe`` and ``l2``, the penalty on the mean
    loss in place of ``alpha``.
    `n_rows`, `n_distinct`, `n_parameters`: size of the problem; the rows that differ are what there is
    to do with all rows at once.
    """
    if given["batch_size"] != AUTO and given["batch_size"] < 1:
        raise InputError(f"batch_size must be a positive whole number or 'auto', not {given['batch_size']!r}")
    if given.get("recipe", AUTO if given["solver"] == AUTO else SKLEARN) == AUTO:
        regime = regime_of(n_distinct, n_parameters)
        chosen = replace(_auto(given, n_rows, regime, classifies, validated, partial), recipe=AUTO, regime=regime)
    else:
        chosen = _like_sklearn(given, n_rows, validated)
    if not chosen.stochastic:
        for name in _asked_of_steps(given):
            raise InputError(
                f"{name}={given[name]!r} is for solvers that take many small steps, and L-BFGS does not: leave it out, "
                "or use solver='adam' or 'sgd'"
            )
    if given.get("l2") is not None:
        rows_of_step = chosen.batch_size if chosen.stochastic else n_rows
        chosen = replace(chosen, alpha=given["l2"] * rows_of_step, alphas=())
    return replace(chosen, epochs=1, early_stopping=False) if partial else chosen


def _like_sklearn(given: Mapping[str, Any], n_rows: int, validated: bool) -> Plan:
    tolerance = _or(given["tol"], SKLEARN_TOLERANCE)
    return Plan(
        optimizer=_optimizer(given, given["solver"], tolerance),
        alpha=_or(given["alpha"], SKLEARN_ALPHA),
        batch_size=min(_or(given["batch_size"], SKLEARN_BATCH), n_rows),
        epochs=_or(given["max_iter"], SKLEARN_EPOCHS),
        tolerance=tolerance,
        patience=_patience(_or(given["n_iter_no_change"], SKLEARN_PATIENCE)),
        early_stopping=_or(given["early_stopping"], validated),
        scoring=given["scoring"],
        scale_inputs=False,
        dtype=None,
        restarts=0,
        dropout=given["dropout"],
    )


def _auto(
    given: Mapping[str, Any], n_rows: int, regime: Regime, classifies: bool, validated: bool, partial: bool
) -> Plan:
    if (
        given["solver"] == "lbfgs"
        or isinstance(given["solver"], LBFGS)
        or _suits_second_order(given, regime, validated, partial)
    ):
        tolerance = _or(given["tol"], LBFGS.gradient_tolerance)
        return Plan(
            optimizer=_optimizer(given, given["solver"] if given["solver"] != AUTO else "lbfgs", tolerance),
            alpha=_or(given["alpha"], SECOND_ORDER_ALPHA),
            batch_size=n_rows,
            epochs=_or(given["max_iter"], ITERATIONS),
            tolerance=tolerance,
            patience=0,
            early_stopping=False,
            scoring=None,
            scale_inputs=True,
            dtype=None,
            restarts=None,
            starts_at_mean=True,
        )
    batch_size = int(np.clip(n_rows // ROWS_PER_BATCH_ROW, SMALLEST_BATCH, LARGEST_BATCH))
    batch_size = min(_or(given["batch_size"], batch_size), n_rows)
    steps = -(-n_rows // batch_size)
    stops_early = _or(given["early_stopping"], validated or n_rows >= ENOUGH_FOR_VALIDATION)
    asked = given["early_stopping"] is True or given["scoring"] is not None
    optimizer = _optimizer(given, given["solver"] if given["solver"] != AUTO else "adam", 0.0)
    if given["solver"] == AUTO and given["learning_rate_init"] == AUTO and not partial:
        optimizer = Adam(
            CosineDecay(CLASSIFIER_RATE if classifies else REGRESSOR_RATE, WARMUP, FINAL_SHARE),
            given["beta_1"],
            given["beta_2"],
            given["epsilon"],
        )
    most_epochs = max(CLASSIFIER_EPOCHS if classifies else REGRESSOR_EPOCHS, FEWEST_UPDATES // steps)
    tries = given["alpha"] == AUTO and not partial and FEWEST_FOR_TRIALS <= n_rows <= MOST_FOR_TRIALS
    tried = CLASSIFIER_TRIED if classifies else REGRESSOR_TRIED
    epochs = _or(given["max_iter"], int(np.clip(UPDATES_AIMED_AT // steps, FEWEST_EPOCHS, most_epochs)))
    patience = max(PATIENCE, round(PATIENT_SHARE * epochs)) if stops_early else np.inf
    return Plan(
        optimizer=optimizer,
        # How many rows there will be is not known at a step of partial_fit.
        alpha=_or(given["alpha"], SKLEARN_ALPHA if partial else L2_TIMES_ROWS * batch_size / n_rows),
        alphas=tuple(each * batch_size / n_rows for each in tried) if tries else (),
        batch_size=batch_size,
        epochs=epochs,
        tolerance=_or(given["tol"], 0.0),
        # Under a rate that falls to the end, epochs without progress at its height are no sign of an end.
        patience=_patience(_or(given["n_iter_no_change"], patience)),
        early_stopping=stops_early,
        scoring=given["scoring"] if asked else "loss",
        scale_inputs=True,
        dtype="float32",
        restarts=0,
        dropout=given["dropout"],
        output_gain=FIRST_STEP_GAIN if partial else OUTPUT_GAIN,
        starts_at_mean=not partial,  # a first step of partial_fit need not have seen every class
    )


def _suits_second_order(given: Mapping[str, Any], regime: Regime, validated: bool, partial: bool) -> bool:
    """Whether all rows at once are the better way, and nothing was asked for that needs steps."""
    by_steps = (
        given["batch_size"] != AUTO or given["learning_rate"] != "constant" or given["learning_rate_init"] != AUTO
    )
    asked = by_steps or bool(_asked_of_steps(given)) or given["early_stopping"] is True or given["solver"] != AUTO
    return regime != "large" and not (asked or validated or partial)


def _asked_of_steps(given: Mapping[str, Any]) -> list[str]:
    """Name the parameters that L-BFGS cannot hear and scikit-learn's perceptrons do not have."""
    asked = {
        "dropout": bool(np.any(given["dropout"])),
        "scoring": given["scoring"] is not None,
        "max_gradient_norm": given["max_gradient_norm"] is not None,
        "weight_averaging": given["weight_averaging"] > 0,
        "learning_rate": not isinstance(given["learning_rate"], str),
        "learning_rate_init": given["learning_rate_init"] == "find",
    }
    return [name for name, is_asked in asked.items() if is_asked]


def _optimizer(given: Mapping[str, Any], solver: str | Optimizer, tolerance: float) -> Optimizer:
    if not isinstance(solver, str):
        return solver
    if solver == "lbfgs":
        return LBFGS(gradient_tolerance=tolerance, most_evaluations=given["max_fun"])
    asked = given["learning_rate_init"]
    if solver not in ("adam", "sgd"):  # scikit-learn has no rate for it
        return optimizers.optimizer(solver, None if asked in (AUTO, "find") else asked)
    rate = SKLEARN_RATE if asked in (AUTO, "find") else asked
    if solver == "adam":
        return Adam(rate, given["beta_1"], given["beta_2"], given["epsilon"])
    return SGD(rate, given["momentum"], given["nesterovs_momentum"])


def schedule(
    given: Mapping[str, Any], plan: Plan, n_rows: int, rows_before: int, steps_before: int
) -> float | Schedule:
    """Return the learning rate as the parameter ``learning_rate`` says."""
    assert not isinstance(plan.optimizer, LBFGS)
    base = plan.optimizer.learning_rate
    wanted = given["learning_rate"]
    if not isinstance(wanted, str):
        return as_schedule(wanted)
    if not isinstance(plan.optimizer, SGD) or not isinstance(base, int | float):
        return base  # as in scikit-learn, the names act on plain gradient descent only
    if wanted == "adaptive":
        return AdaptiveRate(float(base))
    if wanted == "invscaling":
        steps = -(-n_rows // plan.batch_size)
        return InverseScaling(float(base), given["power_t"], n_rows, steps, rows_before, steps_before)
    return base


def _or(given: Any, otherwise: Any) -> Any:
    return otherwise if isinstance(given, str) and given == AUTO else given


def _patience(epochs: float) -> int:
    """Count as scikit-learn does: one more than `epochs` without improvement end the training."""
    return 0 if np.isinf(epochs) else int(epochs) + 1
