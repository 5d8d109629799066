"""Every cause that the doctor knows, what it means, and the suspicion that it may be the one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from actwise.handwritten.causes import Cause

Code: TypeAlias = Cause | Literal[
    "output_activation_mismatch", "loss_mismatch", "hidden_activation", "missing_nonlinearity",
    "learning_rate_too_high", "learning_rate_too_low", "undertrained", "optimizer", "init", "unscaled_inputs",
    "unscaled_targets", "batch_size", "missing_bias", "capacity", "dead_units", "vanishing_gradient",
    "exploding_gradient", "saturation", "label_encoding", "no_signal", "not_finite", "unlucky_fit",
    "regularization",
]  # fmt: skip
EXPLANATIONS: Mapping[Code, str] = {
    "output_activation_mismatch": "The output activation cannot produce these targets, or does not go with the loss.",
    "loss_mismatch": "The loss is meant for another kind of target.",
    "hidden_activation": "The hidden activation does not suit this network: it saturates, overflows or is flat.",
    "missing_nonlinearity": "Without a nonlinear hidden layer the network can only learn a linear function.",
    "learning_rate_too_high": "The steps are too large: the loss jumps around or diverges.",
    "learning_rate_too_low": "The steps are too small: the weights hardly move during training.",
    "undertrained": "Training ends too early: there are too few updates.",
    "optimizer": "The optimizer does not get there with these settings; another one does.",
    "init": "The initial weights are too small, too large or all equal.",
    "unscaled_inputs": "The scale of the inputs does not suit the initial weights and the learning rate.",
    "unscaled_targets": "The scale of the targets does not suit the initial weights and the learning rate.",
    "batch_size": "The batch size makes for too few updates, or for updates that are too noisy.",
    "missing_bias": "Without a bias the output for inputs of 0 is fixed, whatever the weights.",
    "capacity": "The network has too few or too many units or layers for this task.",
    "dead_units": "Many units are dead: their slope is 0 for every row, so no gradient reaches their weights.",
    "vanishing_gradient": "The gradient vanishes on its way back to the first layers, so they do not learn.",
    "exploding_gradient": "Values or gradients grow until they overflow.",
    "saturation": "Many units sit where their activation is flat, so hardly any gradient gets through.",
    "label_encoding": "The labels are not encoded the way the output layer and the loss expect them.",
    "no_signal": "The inputs may carry no signal: no model that was tried can predict the targets from them.",
    "unlucky_fit": "The settings are fine, but these weights are not: an unlucky start, or a fit to other rows.",
    "regularization": "Weight decay or dropout is so strong that the network cannot learn.",
    "not_finite": "The data contains NaN or infinity, which makes every result NaN.",
    **dict.fromkeys(
        get_args(Cause),
        "An activation's derivative does not match the activation, so the gradient is not that of the loss.",
    ),
}  # fmt: skip
CERTAIN = 1.0  # weight of a suspicion that needs no experiment


@dataclass(frozen=True)
class Suspicion:
    """Something that may keep a network from learning."""

    code: Code
    weight: float  # how plausible, from 0 to 1
    evidence: str  # what was seen, with its numbers
    layer: int | None = None  # counted from 1


def plausible(suspected: list[Suspicion]) -> dict[Code, float]:
    """Return the weight of each suspected cause."""
    return {each.code: each.weight for each in sorted(suspected, key=lambda each: each.weight)}
