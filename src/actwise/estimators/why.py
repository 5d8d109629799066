"""Whether a fit ended no better than a constant answer, and what is likely to be the reason."""

from __future__ import annotations

import numpy as np

from actwise.estimators.fitting import Fitted, Fitting

# An improvement on the best constant by less than this share of its loss is none.
SMALLEST_GAIN = 1e-3
NOTHING_TO_LEARN = 1e-9  # a constant's loss below this: the target is the same for all rows
FAR_FROM_STANDARD = 30.0  # inputs of this size saturate units and slow down any step


def why_constant(fitting: Fitting, fitted: Fitted) -> str | None:
    """Compare the loss of the last epoch with that of the best constant.

    Returns
    -------
    str or None
        What to tell the user; None where the network is better than a constant.
    """
    losses = fitted.run.history.training_losses
    losses = losses[np.isfinite(losses)]
    if not len(losses):
        return None
    _, targets = fitting.scaled(fitting.rows)
    constant = fitting.loss.of_best_constant(targets, fitting.network.n_outputs, fitting.rows.weights)
    reached = float(losses[-1])
    if constant < NOTHING_TO_LEARN or reached < (1 - SMALLEST_GAIN) * constant:
        return None
    return (
        f"this fit ended no better than one constant answer for every row (loss {reached:.4g} against {constant:.4g}): "
        f"{_reason(fitting, fitted)}; call aw.diagnose(model, X, y) for the cause"
    )


def _reason(fitting: Fitting, fitted: Fitted) -> str:
    X, _ = fitting.scaled(fitting.rows)
    epochs, chosen = len(fitted.run.history), fitting.choices
    largest = float(np.abs(X).max(initial=0.0))
    if largest > FAR_FROM_STANDARD:
        return f"the columns are not scaled (largest value {largest:.3g}): set scale_inputs=True"
    if fitted.run.stopped_because == "all epochs done":
        return f"max_iter={chosen.epochs} ended it: allow more"
    if fitted.run.stopped_because == "no improvement" and chosen.tolerance > 0:
        return f"it was ended after {epochs} epochs, as no epoch improved by tol={chosen.tolerance:g}: set tol=0"
    if chosen.alpha > 1:
        return f"alpha={chosen.alpha:g} holds the weights at 0: try a smaller one"
    return "the columns may tell nothing about the target, or the network or its learning rate does not suit it"
