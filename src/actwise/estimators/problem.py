"""What a classifier's network is to learn: the loss and the last activation, or why two do not go together."""

from __future__ import annotations

from actwise.activations import AnyActivation, RowActivation, activation
from actwise.errors import InputError
from actwise.estimators.base import Problem
from actwise.model import losses
from actwise.model.losses import Loss
from actwise.tasks import Task

LOG_LOSS, HINGE = "log_loss", "hinge"
_LOSSES = (LOG_LOSS, HINGE, "squared_error")


def gives_margins(loss: str | Loss) -> bool:
    """Whether outputs are margins, of which a positive one says yes, instead of probabilities."""
    return (loss.name if isinstance(loss, Loss) else loss) == HINGE


def classification_problem(
    task: Task, given: str | Loss, output_activation: str | AnyActivation, *, smooths: bool
) -> Problem:
    """Say what is to be learned.

    Result: with a loss and an output activation that give probabilities of these labels, or margins.
    """
    margins = gives_margins(given)
    several = task.kind == "multiclass"
    output: str | AnyActivation = "softmax" if several else "sigmoid"
    if margins:
        loss, output = losses.loss(given), "identity"
    elif isinstance(given, Loss):
        loss = given
    elif given == LOG_LOSS and not several:
        loss = losses.loss("binary_cross_entropy")
    elif given == LOG_LOSS:
        loss = losses.loss("soft_cross_entropy" if smooths else "categorical_cross_entropy")
    elif given == "squared_error":
        loss = losses.loss("squared_error")
    else:
        raise InputError(f"loss of a classifier is one of {', '.join(map(repr, _LOSSES))}, not {given!r}")
    if loss.output not in (None, output) and not margins:
        raise InputError(
            f"{loss.name} needs {loss.output!r} as output activation, and the probabilities of these labels need "
            f"{output!r}: use loss='log_loss', which takes the cross-entropy that fits"
        )
    if smooths and loss.target == "class":
        raise InputError(
            f"label_smoothing needs a loss with a target for each output, and {loss.name} takes one class: "
            "use loss='log_loss' or aw.loss('soft_cross_entropy')"
        )
    if output_activation != "auto":
        output = output_activation
        low, high = activation(output).range
        if (low < 0 or high > 1) and loss.output is None and not margins:
            raise InputError(
                f"outputs of {output!r} lie between {low:g} and {high:g} and are no probabilities: take an "
                "output_activation from 0 to 1, or loss='hinge'"
            )
        by_row = isinstance(activation(output), RowActivation)
        if by_row != several and loss.output is None and not margins:
            raise InputError(
                f"outputs of {output!r} are no probabilities of {'three classes or more' if several else 'labels'}"
                f", {'which sum to 1' if several else 'each of which has one output'}: take "
                f"{'softmax' if several else 'sigmoid'!r}"
            )
    return Problem(loss, output, task.n_outputs)
