"""What there is to say of a fit that is over: why it ended, and whether it is better than a constant answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from actwise.errors import ActwiseWarning
from actwise.recipes.fitting import Fitted, Fitting, Rows

# An improvement on the best constant by less than this share of its loss is none.
SMALLEST_GAIN = 1e-3
NOTHING_TO_LEARN = 1e-9  # a constant's loss below this: the target is the same for all rows
FAR_FROM_STANDARD = 30.0  # inputs of this size saturate units and slow down any step
LARGE_ALPHA = 1.0  # ten thousand times scikit-learn's default


def fit_warnings(
    fitting: Fitting, fitted: Fitted, *, limited: bool, unheard: bool
) -> Iterator[tuple[str, type[Warning]]]:
    """List what to warn of, with the class of each warning."""
    run, chosen = fitted.run, fitting.plan
    if unheard and fitting.held is None and not chosen.stochastic:
        yield (
            "early_stopping=True changes nothing with L-BFGS, which uses all rows, as in scikit-learn: give rows to "
            "judge by as X_val and y_val, or use solver='adam' or 'sgd'",
            ActwiseWarning,
        )
    if run.stopped_because == "interrupted":
        yield "Training interrupted by user.", UserWarning
    if run.stopped_because == "all epochs done" and limited:
        which = "Stochastic Optimizer: Maximum iterations" if chosen.stochastic else "lbfgs: Maximum iterations"
        yield f"{which} ({len(run.history)}) reached and the optimization hasn't converged yet.", ConvergenceWarning
    if run.stopped_because == "loss is not finite":
        yield (
            f"the loss became infinite or NaN in epoch {len(run.history)}; the weights of epoch {run.best_epoch} "
            "were kept: try a learning rate ten times smaller, or scale_inputs=True",
            ActwiseWarning,
        )
    reason = why_constant(fitting, fitted)
    if reason:
        yield reason, ActwiseWarning


def why_constant(fitting: Fitting, fitted: Fitted) -> str | None:
    """Compare what was reached with the loss of the best constant.

    Where rows are held out, the weights that are kept are judged by those; elsewhere it is the training loss of the
    last epoch.

    Result: what to tell the user; None where the network is better than a constant.
    """
    if fitting.held is not None and _of_constant(fitting, fitting.held) >= NOTHING_TO_LEARN:
        rows, where = fitting.held, "on the rows held out"
        reached = -fitting.negative_loss(None)(fitted.parameters)
    else:
        rows, where = fitting.rows, "for every row"
        reached = _last_training_loss(fitted)
    constant = _of_constant(fitting, rows)
    # A target that is the same for all rows is learned by a constant; scikit-learn's tests demand silence there.
    if constant < NOTHING_TO_LEARN or _is_better(reached, constant):
        return None
    return (
        f"this fit ended no better than one constant answer {where} (loss {reached:.4g} against {constant:.4g}): "
        f"{_reason(fitting, fitted)}; call aw.diagnose(model, X, y) for the cause"
    )


def _of_constant(fitting: Fitting, rows: Rows) -> float:
    _, targets = fitting.scaled(rows)
    return fitting.loss.of_best_constant(targets, fitting.network.n_outputs, rows.weights)


def _last_training_loss(fitted: Fitted) -> float:
    """Return the last loss that is finite; 0 where none is, of which other warnings tell."""
    losses = fitted.run.history.training_losses
    finite = losses[np.isfinite(losses)]
    return float(finite[-1]) if len(finite) else 0.0


def _is_better(reached: float, constant: float) -> bool:
    return reached < (1 - SMALLEST_GAIN) * constant


def _reason(fitting: Fitting, fitted: Fitted) -> str:
    X, _ = fitting.scaled(fitting.rows)
    epochs, chosen = len(fitted.run.history), fitting.plan
    largest = float(np.abs(X).max(initial=0.0))
    if largest > FAR_FROM_STANDARD:
        return f"the columns are not scaled (largest value {largest:.3g}): set scale_inputs=True"
    if fitting.held is not None and _is_better(_last_training_loss(fitted), _of_constant(fitting, fitting.rows)):
        return (
            "it learned the rows of training and nothing that holds for others: the columns may tell nothing about the "
            "target, or a smaller network or a larger alpha is needed"
        )
    if fitted.run.stopped_because == "all epochs done":
        return f"max_iter={chosen.epochs} ended it: allow more"
    if fitted.run.stopped_because == "no improvement" and chosen.tolerance > 0:
        return f"it was ended after {epochs} epochs, as no epoch improved by tol={chosen.tolerance:g}: set tol=0"
    if chosen.alpha > LARGE_ALPHA and not chosen.alphas:  # one that was chosen by trial was the best of those tried
        return f"alpha={chosen.alpha:g} holds the weights at 0: try a smaller one"
    return "the columns may tell nothing about the target, or the network or its learning rate does not suit it"
