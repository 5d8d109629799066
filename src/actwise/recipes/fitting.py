"""One fit: rows that are checked and encoded in, trained parameters and their history out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from actwise.errors import InputError
from actwise.model.initializers import Constant, Scaled
from actwise.model.layers import Dense, Dropout, Layer
from actwise.model.losses import LINKS, Loss
from actwise.model.network import Network
from actwise.model.optimizers import LBFGS
from actwise.model.schedules import ExponentialDecay
from actwise.recipes.epochs import EpochEnd
from actwise.recipes.plan import Plan
from actwise.recipes.weights import Weights
from actwise.tasks.scaling import Scaling
from actwise.training import History, OptimizerState, Run, start
from actwise.training.api import train_in_silence

FloatArray = npt.NDArray[np.floating[Any]]
MOST_COMPARED = 10_000  # rows of which equal ones are looked for: more are too many for all at once, and take time
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
    plan : Plan
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
    plan: Plan
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
        plan = self.plan
        judged: dict[str, Any] = {}
        if self.held is not None:
            weights = () if self.held.weights is None else (self.held.weights,)
            judged["validation"] = (*self.scaled(self.held), *weights)
        return {
            **self.options,
            **judged,
            "loss": self.loss,
            "optimizer": plan.optimizer,
            "batch_size": min(plan.batch_size, len(self.rows)),
            "epochs": plan.epochs,
            "tolerance": plan.tolerance,
            "l2": self.l2,
            "sample_weight": self.rows.weights,
            "seed": seed,
        }

    def negative_loss(self, threads: int | None) -> Callable[[FloatArray], float]:
        """Return what judges parameters by their loss on the rows held out."""
        assert self.held is not None
        X, targets = self.scaled(self.held)
        weights = self.held.weights
        network = self.network if self.loss.output is None else up_to_logits(self.network)
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

    def run(
        self,
        seed: int,
        at_epoch_end: EpochEnd | None = None,
        *,
        goes_on: bool = False,
        resumed: OptimizerState | None = None,
        on_epochs: Callable[[History], object] = lambda _: None,
    ) -> Fitted:
        """Train; a `KeyboardInterrupt`, of `on_epochs` too, ends it with the best that was reached."""
        plan = self.plan
        X, targets = self.scaled(self.rows)
        watches = at_epoch_end is not None and at_epoch_end.needed
        stops = at_epoch_end is not None and at_epoch_end.stops_training
        options = self.arguments(seed) | {
            "patience": 0 if stops or not plan.stochastic else plan.patience,
            "callback": at_epoch_end if watches else None,
            "keep_parameters": goes_on,
        }
        if plan.restarts is None and not goes_on:
            run = train_in_silence(self.network, X, targets, on_epochs, **options)
            return Fitted(run.network.values, run, None)
        progress = start(self.network, X, targets, resumed=resumed, **options)
        try:
            for records in progress:
                on_epochs(records)
        except KeyboardInterrupt:
            progress.stopped_because = "interrupted"
        run = progress.run()
        keeps_last = not plan.early_stopping and run.stopped_because != "loss is not finite"
        parameters = progress.parameters if keeps_last else run.network.values
        if at_epoch_end is not None and at_epoch_end.best_parameters is not None:
            parameters = at_epoch_end.best_parameters
        elif at_epoch_end is not None and at_epoch_end.average is not None:
            parameters = at_epoch_end.average
        state = None if isinstance(plan.optimizer, LBFGS) else progress.state
        return Fitted(parameters.copy(), run, state)

    @property
    def l2(self) -> float:
        """The penalty on the mean loss: `alpha` over the weight of the rows of a step, as in scikit-learn."""
        weights = self.rows.weights
        mean = 1.0 if weights is None else float(np.mean(weights, dtype=np.float64))
        n_rows = self.plan.batch_size if self.plan.stochastic else len(self.rows)
        return float(self.plan.alpha / (n_rows * mean)) if self.plan.alpha else 0.0


def prepare(
    network: Network,
    loss: Loss,
    plan: Plan,
    rows: Rows,
    held: Rows | None,
    inputs: Scaling,
    outputs: Scaling,
    *,
    dtype: str,
    begins: bool = True,
    options: dict[str, Any],
) -> Fitting:
    """Lay out a network as the plan trains it, in a dtype; `begins`: from new parameters."""
    biases = None
    if begins and plan.starts_at_mean and outputs.changes_nothing:  # that of standardised targets is 0
        biases = _biases_of_mean(network, loss, rows)
    laid_out = for_training(network, dtype, plan.output_gain, biases, plan.dropout)
    return Fitting(laid_out, loss, plan, rows, held, inputs, outputs, options)


def _biases_of_mean(network: Network, loss: Loss, rows: Rows) -> list[float] | None:
    """Return the biases with which the output layer alone answers the mean target, where that is known."""
    output = network.output_activation
    name = getattr(output, "name", None)
    if output is None or name not in LINKS:
        return None
    mean, (low, high) = loss.mean_target(rows.targets, network.n_outputs, rows.weights), output.range
    # No finite bias answers a mean at an end of the range, and units there would learn no more.
    biases: list[float] = np.where((mean > low) & (mean < high), LINKS[name](mean), 0.0).tolist()
    return biases


def with_chosen_penalty(fitting: Fitting, strata: npt.NDArray[Any] | None) -> Fitting:
    """Return the fit with the penalty that a trial chose, where its plan names several."""
    if not fitting.plan.alphas:
        return fitting
    return replace(fitting, plan=replace(fitting.plan, alpha=choose_alpha(fitting, 0, strata)))


def choose_alpha(fitting: Fitting, seed: int, strata: npt.NDArray[Any] | None) -> float:
    """Train with stronger and stronger penalties until the loss on rows held out rises, and return the one before.

    Shapes: `strata` (n_rows,).
    `fitting`: what is to be trained; its plan names the penalties.
    """
    rows, held = fitting.rows, fitting.held
    if held is None:
        rows, held = hold_out(rows, TRIAL_SHARE, np.random.RandomState(seed), strata, insist=False)
    if len(rows) > TRIAL_ROWS:
        rows = rows.take(np.random.default_rng(seed).permutation(len(rows))[:TRIAL_ROWS])
    if any(each.weights is not None and not np.any(each.weights) for each in (rows, held)):
        return fitting.plan.alpha
    best, lowest = fitting.plan.alpha, np.inf
    epochs = max(1, round(TRIAL_EPOCHS * fitting.plan.epochs))
    for alpha in fitting.plan.alphas:
        # The penalty is over the number of rows: on fewer of them it weighs more.
        plan = replace(fitting.plan, alpha=alpha * len(fitting.rows) / len(rows), epochs=epochs)
        curve = replace(fitting, rows=rows, held=held, plan=plan).history(seed).validation_losses
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
        optimizer=fitting.plan.with_rate(rising).optimizer, l2=fitting.l2,
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


def for_training(
    network: Network,
    dtype: str,
    output_gain: float,
    output_biases: Sequence[float] | None,
    dropout: float | Sequence[float],
) -> Network:
    """Return the network as it is trained; its parameters lie as before.

    `output_biases`: its initial biases; None: 0.
    """
    *hidden, last = network.layers
    rates = for_each("dropout", dropout, len(hidden))
    layers: list[Layer] = []
    for layer, rate in zip(hidden, rates, strict=True):
        layers += [layer, Dropout(rate)] if rate else [layer]
    if isinstance(last, Dense):
        init = last.init if output_gain == 1.0 else Scaled(output_gain**2)
        biases = last.bias_init if output_biases is None else Constant(tuple(output_biases))
        last = Dense(last.units, last.activation, init=init, bias_init=biases)
    return Network([*layers, last], network.n_inputs, dtype=dtype)


def up_to_logits(network: Network) -> Network:
    """Return the network without its output activation; its parameters lie as before."""
    *before, _ = network.layers
    return Network([*before, Dense(network.n_outputs)], network.n_inputs, dtype=network.dtype)


def for_each(name: str, given: Any, n_layers: int) -> list[Any]:
    """Return a value for each hidden layer."""
    if not isinstance(given, list | tuple | np.ndarray):
        return [given] * n_layers
    if len(given) != n_layers:
        raise InputError(f"{name} has {len(given)} entries for {n_layers} hidden layers: give one, or one per layer")
    return list(given)
