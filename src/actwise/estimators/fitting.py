"""One fit: rows that are checked and encoded in, trained parameters and their history out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from actwise.estimators import architecture
from actwise.estimators.watching import Watcher
from actwise.estimators.weights import Weights
from actwise.model.losses import Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.model.schedules import ExponentialDecay
from actwise.recipes.choices import Choices
from actwise.tasks.scaling import Scaling
from actwise.training import History, OptimizerState, Run, start
from actwise.training.api import train_in_silence

FloatArray = npt.NDArray[np.floating[Any]]
# While penalties are compared: the share of the rows held out, how many others there are at most, and the share of
# the epochs.
TRIAL_SHARE = 0.2
TRIAL_ROWS = 1500
TRIAL_EPOCHS = 0.5
# The range test for a learning rate: from the lowest to the highest in so many steps on so many rows.
LOWEST_RATE, HIGHEST_RATE = 1e-6, 1.0
RANGE_STEPS = 120
RANGE_ROWS = 1024
SMOOTHING = 0.7  # of the loss over the steps: the share that the mean so far keeps


@dataclass(frozen=True)
class Rows:
    """Some rows: columns as they are, labels or numbers as given, targets as the network learns them, weights."""

    X: FloatArray
    y: npt.NDArray[Any]
    targets: FloatArray
    weights: FloatArray | None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, which: npt.NDArray[np.int64]) -> Rows:
        """Return some of them."""
        weights = None if self.weights is None else self.weights[which]
        return Rows(self.X[which], self.y[which], self.targets[which], weights)

    def distinct(self) -> Rows:
        """Return every row that counts once, with the sum of its weights, in an order of their own.

        To a loss over all rows at once they are the same rows, and it learns the same bits from them however they are
        ordered, repeated or weighted.
        """
        weights = np.ones(len(self)) if self.weights is None else np.asarray(self.weights, np.float64)
        counting = np.flatnonzero(weights)
        columns = np.hstack([self.X, self.targets])[counting]
        order = np.lexsort(columns.T)
        differs = np.any(np.diff(columns[order], axis=0), axis=1)
        firsts = np.concatenate([[True], differs])
        sums = np.bincount(np.cumsum(firsts) - 1, weights[counting[order]]).astype(np.float64)
        once = self.take(counting[order[firsts]])
        return replace(once, weights=None if np.all(sums == 1) else sums)


@dataclass(frozen=True)
class Fitted:
    """What a fit comes to.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,)
        That are kept; for columns and targets as the network learns them.
    run : Run
        The training.
    state : OptimizerState or None
        To go on from in the next step of `partial_fit`.
    """

    parameters: FloatArray
    run: Run
    state: OptimizerState | None


def hold_out(
    rows: Rows, share: float, rng: np.random.RandomState, strata: npt.NDArray[Any] | None, *, insist: bool
) -> tuple[Rows, Rows]:
    """Split off rows to judge by.

    Shapes: `strata` (n_rows,).
    """
    indices = np.arange(len(rows))
    try:
        kept, held = train_test_split(indices, test_size=share, random_state=rng, stratify=strata)
    except ValueError:
        if insist or strata is None:
            raise
        kept, held = train_test_split(indices, test_size=share, random_state=rng)
    if len(held) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return rows.take(kept), rows.take(held)


@dataclass(frozen=True)
class Fitting:
    """A fit that is ready to run.

    Parameters
    ----------
    network : Network
        For scaled columns, in the dtype of training, with the parameters to go on from.
    loss : Loss
        What is minimised, in the units of the scaled targets.
    choices : Choices
        How.
    rows, held : Rows
        To learn from and, perhaps, to judge by.
    inputs, outputs : Scaling
        Of the columns and of the targets.
    options : dict
        Further arguments of `actwise.training.train`.
    """

    network: Network
    loss: Loss
    choices: Choices
    rows: Rows
    held: Rows | None
    inputs: Scaling
    outputs: Scaling
    options: dict[str, Any]

    def scaled(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        """Return columns and targets as the network learns them."""
        dtype = self.network.dtype
        return self.inputs.scaled(rows.X, dtype), self.outputs.scaled(rows.targets, dtype)

    def arguments(self, seed: int) -> dict[str, Any]:
        """Return what `actwise.training.start` needs beside network, columns and targets."""
        choices = self.choices
        judged: dict[str, Any] = {}
        if self.held is not None:
            weights = () if self.held.weights is None else (self.held.weights,)
            judged["validation"] = (*self.scaled(self.held), *weights)
        return {
            **self.options,
            **judged,
            "loss": self.loss,
            "optimizer": choices.optimizer,
            "batch_size": min(choices.batch_size, len(self.rows)),
            "epochs": choices.epochs,
            "tolerance": choices.tolerance,
            "l2": self.l2,
            "sample_weight": self.rows.weights,
            "seed": seed,
        }

    def negative_loss(self, threads: int | None) -> Callable[[FloatArray], float]:
        """Return what judges parameters by their loss on the rows held out."""
        assert self.held is not None
        X, targets = self.scaled(self.held)
        weights = self.held.weights
        network = self.network if self.loss.output is None else architecture.up_to_logits(self.network)
        scratch = Weights(network, network.values)

        def score(parameters: FloatArray) -> float:
            scratch.parameters[:] = parameters
            return -float(np.average(self.loss.rows(scratch.outputs(X, threads), targets), weights=weights))

        return score

    def history(self, seed: int) -> History:
        """Train from new initial weights to the last epoch, and return the records only."""
        progress = start(self.network, *self.scaled(self.rows), **self.arguments(seed))
        for _ in progress:
            pass
        return progress.run().history

    def run(self, watcher: Watcher, seed: int, *, goes_on: bool, resumed: OptimizerState | None) -> Fitted:
        """Train."""
        choices = self.choices
        X, targets = self.scaled(self.rows)
        options = self.arguments(seed) | {
            "patience": 0 if watcher.judges or not choices.stochastic else choices.patience,
            "callback": watcher if watcher.needed else None,
            "keep_parameters": goes_on,
        }
        if choices.starts is None and not goes_on:
            run = train_in_silence(self.network, X, targets, **options)
            return Fitted(run.network.values, run, None)
        progress = start(self.network, X, targets, resumed=resumed, **options)
        try:
            for _ in progress:
                pass
        except KeyboardInterrupt:
            progress.stopped_because = "interrupted"
        run = progress.run()
        keeps_last = not choices.early_stopping and run.stopped_because != "loss is not finite"
        parameters = progress.parameters if keeps_last else run.network.values
        if watcher.best_parameters is not None:
            parameters = watcher.best_parameters
        elif watcher.average is not None:
            parameters = watcher.average
        state = None if isinstance(choices.optimizer, LBFGS) else progress.state
        return Fitted(parameters.copy(), run, state)

    @property
    def l2(self) -> float:
        """The penalty on the mean loss: `alpha` over the weight of the rows of a step, as in scikit-learn."""
        weights = self.rows.weights
        mean = 1.0 if weights is None else float(np.mean(weights, dtype=np.float64))
        n_rows = self.choices.batch_size if self.choices.stochastic else len(self.rows)
        return float(self.choices.alpha / (n_rows * mean)) if self.choices.alpha else 0.0


def choose_alpha(fitting: Fitting, seed: int, strata: npt.NDArray[Any] | None) -> float:
    """Train with stronger and stronger penalties until the loss on rows held out rises, and return the one before.

    Shapes: `strata` (n_rows,).
    `fitting`: what is to be trained; its choices name the penalties.
    """
    rows, held = fitting.rows, fitting.held
    if held is None:
        rows, held = hold_out(rows, TRIAL_SHARE, np.random.RandomState(seed), strata, insist=False)
    if len(rows) > TRIAL_ROWS:
        rows = rows.take(np.random.default_rng(seed).permutation(len(rows))[:TRIAL_ROWS])
    if any(each.weights is not None and not np.any(each.weights) for each in (rows, held)):
        return fitting.choices.alpha
    best, lowest = fitting.choices.alpha, np.inf
    epochs = max(1, round(TRIAL_EPOCHS * fitting.choices.epochs))
    for alpha in fitting.choices.alphas:
        # The penalty is over the number of rows: on fewer of them it weighs more.
        choices = replace(fitting.choices, alpha=alpha * len(fitting.rows) / len(rows), epochs=epochs)
        curve = replace(fitting, rows=rows, held=held, choices=choices).history(seed).validation_losses
        loss = float(curve[-1]) if len(curve) and np.isfinite(curve[-1]) else np.inf
        if loss > lowest:
            break
        if loss < lowest:
            best, lowest = alpha, loss
    return best


def find_rate(fitting: Fitting, seed: int) -> float:
    """Try learning rates from small to large on some rows and return the one at which the loss falls fastest.

    Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3, arXiv:1506.01186; the
    place of the steepest fall, as in Howard's fastai.
    """
    order = np.random.default_rng(seed).permutation(len(fitting.rows))[:RANGE_ROWS]
    rows = fitting.rows.take(order)
    X, targets = fitting.scaled(rows)
    factor = (HIGHEST_RATE / LOWEST_RATE) ** (1 / (RANGE_STEPS - 1))
    rising = ExponentialDecay(LOWEST_RATE, factor=factor, every=1)
    trial = start(
        fitting.network, X, targets, loss=fitting.loss, batch_size=len(X), epochs=RANGE_STEPS, seed=seed,
        optimizer=fitting.choices.with_rate(rising).optimizer, l2=fitting.l2,
        sample_weight=rows.weights if rows.weights is not None and np.any(rows.weights) else None,
    )  # fmt: skip
    losses: list[float] = []
    for records in trial:
        losses += list(records.training_losses)
    smooth = _smoothed(np.array([each for each in losses if np.isfinite(each)]))
    lowest = int(np.argmin(smooth))
    if lowest < 2:
        return LOWEST_RATE
    steepest = int(np.argmin(np.gradient(smooth[: lowest + 1])))
    return float(LOWEST_RATE * factor**steepest)


def _smoothed(losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    mean, smooth = losses[0], np.empty_like(losses)
    for index, loss in enumerate(losses):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth[index] = mean
    return smooth
