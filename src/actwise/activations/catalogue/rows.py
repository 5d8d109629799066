"""Activations that couple the entries of a row, for outputs that are shares or probabilities."""

from __future__ import annotations

from actwise.activations.catalogue.shared import INFINITY
from actwise.activations.families import RowActivation
from actwise.formula.expression import Expression, exp, log1p, row_max, row_sum, where

SPARSEMAX_ROUNDS = 12  # a round at least drops the entries below the mean of those that are left


def _softmax(x: Expression) -> Expression:
    powers = exp(x - row_max(x))
    return powers / row_sum(powers)


SOFTMAX = RowActivation(
    name="softmax",
    f=_softmax,
    vjp=lambda y, g: y * (g - row_sum(y * g)),
    range=(0, 1),
    definition="exp(x) / row_sum(exp(x))",
    summary="For one-of-k outputs: probabilities that sum to 1. Not for a single unit: it would always give 1.",
    source="Bridle 1990",
)

SOFTMIN = RowActivation(
    name="softmin",
    f=lambda x: _softmax(-x),
    vjp=lambda y, g: -y * (g - row_sum(y * g)),
    range=(0, 1),
    definition="exp(-x) / row_sum(exp(-x))",
    summary="Probabilities that are large for small inputs, such as distances or energies.",
    source="PyTorch; softmax of the negative input",
)


def _log_softmax(x: Expression) -> Expression:
    # The largest entry adds exp(0) = 1 to the sum; left out, the rest keeps its digits in log1p.
    z = x - row_max(x)
    others = row_sum(where(z < 0, exp(z), z))
    ties = row_sum(where(z < 0, 0, 1)) - 1
    return z - log1p(others + ties)


LOG_SOFTMAX = RowActivation(
    name="log_softmax",
    f=_log_softmax,
    vjp=lambda y, g: g - exp(y) * row_sum(g),
    range=(-INFINITY, 0),
    aliases=("logsoftmax",),
    definition="x - log(row_sum(exp(x)))",
    summary="Logarithms of probabilities, for losses that take them. With a cross-entropy loss use softmax.",
    source="textbook",
)


def _sparsemax(x: Expression) -> Expression:
    z = x - row_max(x)
    threshold: Expression | float = -1.0
    for _ in range(SPARSEMAX_ROUNDS):
        # Newton's method for the threshold above which the entries sum to 1; it rises and then stays.
        above = z > threshold
        threshold = (row_sum(where(above, z, 0)) - 1) / row_sum(where(above, 1, 0))
    return where(z <= threshold, 0, z - threshold)


def _sparsemax_product(y: Expression, g: Expression) -> Expression:
    chosen = y > 0
    mean = row_sum(where(chosen, g, 0)) / row_sum(where(chosen, 1, 0))
    return where(chosen, g - mean, 0)


SPARSEMAX = RowActivation(
    name="sparsemax",
    f=_sparsemax,
    vjp=_sparsemax_product,
    range=(0, 1),
    definition="the point nearest to x whose entries are at least 0 and sum to 1",
    summary="For one-of-k outputs and attention: probabilities of which many are exactly 0, with no gradient there.",
    source="Martins and Astudillo 2016, arXiv:1602.02068; the threshold after Michelot 1986",
)

ENTRIES = (SOFTMAX, SOFTMIN, LOG_SOFTMAX, SPARSEMAX)
