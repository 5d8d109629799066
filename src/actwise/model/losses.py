"""Losses: each declared once, with its gradient, from logits where that avoids overflow.

A loss is a sum over the outputs of a row; training minimises its weighted mean over rows. Where a loss
belongs to an output activation (cross-entropies), its formula takes the pre-activation (logits) and the
activation is left out of the backward pass: nothing overflows and no digit is lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from actwise.activations import AnyActivation
from actwise.errors import InputError, suggest
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import (
    Expression,
    absolute,
    exp,
    log,
    log1p,
    maximum,
    minimum,
    row_max,
    row_sum,
    sigmoid,
    sign,
    sinh,
    tanh,
    where,
)
from actwise.formula.parse import trace
from actwise.model.program import LossFormula, ProgramLoss


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss function.

    Parameters
    ----------
    name : str
        The name in the catalogue.
    f : callable
        What one output adds to the loss of a row: a formula in the output ``x``, the target ``t`` and the
        parameters.
    df : callable
        Its derivative with respect to ``x``.
    output : str or None
        The output activation that the loss includes: then ``x`` is the pre-activation. None where ``x`` is
        the output itself and any activation may stand before it.
    target : {"value", "class"}
        Whether the target is one number per output, or the index of the row's class.
    target_range : tuple of float
        The smallest and the largest target allowed.
    params : mapping of str to float
        Parameters and their values.
    aliases : tuple of str
        Other names.
    source : str
        Paper or textbook.

    Examples
    --------
    >>> loss("huber", delta=2.0)
    loss('huber', delta=2)
    """

    name: str
    f: Callable[..., Expression]
    df: Callable[..., Expression]
    output: str | None = None
    target: Literal["value", "class"] = "value"
    target_range: tuple[float, float] = (-np.inf, np.inf)
    params: Mapping[str, float] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    source: str = ""

    def __repr__(self) -> str:
        return f"loss({self.name!r}{''.join(f', {name}={value:g}' for name, value in self.params.items())})"

    @cached_property
    def formula(self) -> LossFormula:
        """The loss for the compiled passes."""
        names = ("x", "t", *self.params)
        return LossFormula(trace(self.f, names), trace(self.df, names), tuple(self.params), self.target)

    def n_targets(self, n_outputs: int) -> int:
        """How many target columns a network with so many outputs needs."""
        return 1 if self.target == "class" else n_outputs

    def for_engine(self, n_outputs: int) -> ProgramLoss:
        """Describe the loss for the compiled passes."""
        values = tuple(float(each) for each in self.params.values())
        return ProgramLoss(self.formula, values, self.output is not None, self.n_targets(n_outputs))

    def check_output(self, activation: AnyActivation, n_outputs: int) -> None:
        """Refuse an output activation that the loss is not made for."""
        if self.output is not None and activation.name != self.output:
            raise InputError(
                f"{self.name} is computed from logits and needs {self.output!r} as output activation, not "
                f"{activation.name!r}; change the last layer's activation or use loss='squared_error'"
            )
        if activation.name == "softmax" and n_outputs == 1:
            raise InputError(
                "softmax on a single output unit is always 1 and cannot learn; use a 'sigmoid' unit with "
                "binary_cross_entropy, or one unit per class"
            )

    def of_best_constant(
        self, targets: npt.ArrayLike, n_outputs: int, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Return the smallest mean loss that outputs can reach which are the same for every row.

        Shapes: `targets` (n_rows, n_targets), `sample_weight` (n_rows,).

        >>> round(loss("binary_cross_entropy").of_best_constant([[0.0], [1.0], [1.0], [0.0]], 1), 4)
        0.6931
        """
        from scipy.optimize import minimize

        t = np.asarray(targets, np.float64).reshape(-1, self.n_targets(n_outputs))
        weights = np.ones(len(t)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        t, weights = t[weights > 0], weights[weights > 0] / weights.sum()
        coded = self._coded(t, n_outputs)

        def mean_loss(constant: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            rows = np.broadcast_to(constant, (len(t), n_outputs))
            values = {"x": rows, "t": coded, **self.params}
            with np.errstate(all="ignore"):
                slopes = np.broadcast_to(evaluate(self.formula.gradient, values, numpy_table()), rows.shape)
            return float(weights @ self.rows(rows, t)), weights @ slopes

        # At the mean where the loss belongs to a distribution; elsewhere at the median, where kinks may be.
        starts = [np.median(coded, axis=0), LINKS[self.output or "identity"](weights @ coded)]
        best = min(starts, key=lambda start: mean_loss(start)[0])
        return min(mean_loss(best)[0], float(minimize(mean_loss, best, jac=True, method="L-BFGS-B").fun))

    def mean_target(
        self, targets: npt.ArrayLike, n_outputs: int, sample_weight: npt.ArrayLike | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the mean of the targets, shape (n_outputs,): where they are class indices, the share of each class.

        >>> loss("categorical_cross_entropy").mean_target([[0], [2], [2], [1]], 3)
        array([0.25, 0.25, 0.5 ])
        """
        t = np.asarray(targets, np.float64).reshape(-1, self.n_targets(n_outputs))
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        return np.asarray(np.average(self._coded(t, n_outputs), axis=0, weights=weights))

    def _coded(self, targets: npt.NDArray[np.float64], n_outputs: int) -> npt.NDArray[np.float64]:
        return (targets == np.arange(n_outputs)).astype(np.float64) if self.target == "class" else targets

    def rows(self, x: npt.ArrayLike, targets: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the loss of each row with NumPy in float64.

        Shapes: `targets` (n_rows, n_targets), the result (n_rows,).
        `x` of shape (n_rows, n_outputs): outputs, or pre-activations where `output` is not None.
        """
        wide = np.asarray(x, np.float64)
        t = self._coded(np.asarray(targets, np.float64).reshape(len(wide), -1), wide.shape[1])
        with np.errstate(all="ignore"):
            each = evaluate(self.formula.value, {"x": wide, "t": t, **self.params}, numpy_table())
        return np.asarray(np.broadcast_to(each, wide.shape).sum(axis=1))


_SMALLEST_SHARE = 1e-12  # of a class without rows: its logarithm is finite
# By the output activation: from the mean target to the pre-activation whose output it is.
LINKS: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "identity": lambda mean: mean,
    "sigmoid": lambda mean: np.log(np.maximum(mean, _SMALLEST_SHARE)) - np.log(np.maximum(1 - mean, _SMALLEST_SHARE)),
    "softmax": lambda mean: np.log(np.maximum(mean, _SMALLEST_SHARE)),
    "exponential": lambda mean: np.log(np.maximum(mean, _SMALLEST_SHARE)),
}
SMALLEST_PROBABILITY = 1e-7  # outputs are kept so far from 0 and 1 before their logarithm is taken, as in Keras


def _clipped(p: Expression) -> Expression:
    return minimum(maximum(p, SMALLEST_PROBABILITY), 1 - SMALLEST_PROBABILITY)


def _inside(p: Expression) -> Expression:
    """Return 1 where clipping changes nothing and lets the gradient through, 0 elsewhere."""
    return where((p >= SMALLEST_PROBABILITY) & (p <= 1 - SMALLEST_PROBABILITY), 1, 0)


def _log_sum_exp(x: Expression) -> Expression:
    return row_max(x) + log(row_sum(exp(x - row_max(x))))


CATALOGUE: tuple[Loss, ...] = (
    Loss(
        name="squared_error",
        f=lambda x, t: (x - t) * (x - t) / 2,
        df=lambda x, t: x - t,
        aliases=("mse", "mean_squared_error"),
        source="half the squared error, summed over outputs: its gradient is the textbook's output - target",
    ),
    Loss(
        name="absolute_error",
        f=lambda x, t: absolute(x - t),
        df=lambda x, t: sign(x - t),
        aliases=("mae", "mean_absolute_error"),
        source="Laplace 1774; slope 0 at 0",
    ),
    Loss(
        name="huber",
        f=lambda x, t, delta: where(
            absolute(x - t) <= delta, (x - t) * (x - t) / 2, delta * (absolute(x - t) - delta / 2)
        ),
        df=lambda x, t, delta: where(absolute(x - t) <= delta, x - t, delta * sign(x - t)),
        params={"delta": 1.0},
        source="Huber 1964",
    ),
    Loss(
        name="log_cosh",
        f=lambda x, t: where(
            absolute(x - t) < 1,
            log1p(2 * sinh((x - t) / 2) * sinh((x - t) / 2)),
            absolute(x - t) + log1p(exp(-2 * absolute(x - t))) - math.log(2),
        ),
        df=lambda x, t: tanh(x - t),
        source="log(cosh(x - t)): half the square near 0, the absolute error less log(2) far away",
    ),
    Loss(
        name="quantile",
        f=lambda x, t, quantile: where(x < t, quantile * (t - x), (1 - quantile) * (x - t)),
        df=lambda x, t, quantile: where(x < t, -quantile, where(x > t, 1 - quantile, 0)),
        params={"quantile": 0.5},
        aliases=("pinball",),
        source="Koenker and Bassett 1978, Econometrica 46(1); slope 0 at 0",
    ),
    Loss(
        name="poisson",
        f=lambda x, t: exp(x) - t * x + where(t > 0, t * log(where(t > 0, t, 1)), 0) - t,
        df=lambda x, t: exp(x) - t,
        output="exponential",
        target_range=(0.0, np.inf),
        aliases=("poisson_deviance",),
        source="half the deviance of a Poisson variable, from the logarithm of its mean",
    ),
    Loss(
        name="hinge",
        f=lambda x, t: maximum(0, 1 - t * x),
        df=lambda x, t: where(t * x < 1, -t, 0),
        target_range=(-1.0, 1.0),
        source="Cortes and Vapnik 1995, Machine Learning 20; the target is -1 or 1; slope 0 at the kink",
    ),
    Loss(
        name="binary_cross_entropy",
        f=lambda x, t: maximum(x, 0) - x * t + log1p(exp(-absolute(x))),
        df=lambda x, t: sigmoid(x) - t,
        output="sigmoid",
        target_range=(0.0, 1.0),
        aliases=("binary_crossentropy", "bce"),
        source="minus the log-likelihood of a Bernoulli variable, from logits",
    ),
    Loss(
        name="categorical_cross_entropy",
        f=lambda x, t: where(t > 0, t * (_log_sum_exp(x) - x), 0),
        df=lambda x, t: exp(x - row_max(x)) / row_sum(exp(x - row_max(x))) - t,
        output="softmax",
        target="class",
        aliases=("cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy"),
        source="minus the log-likelihood of a categorical variable, from logits",
    ),
    Loss(
        name="soft_cross_entropy",
        f=lambda x, t: where(t > 0, t * (_log_sum_exp(x) - x), 0),
        df=lambda x, t: row_sum(t) * exp(x - row_max(x)) / row_sum(exp(x - row_max(x))) - t,
        output="softmax",
        target_range=(0.0, 1.0),
        source="categorical cross-entropy with a share for each class as target, as label smoothing makes them "
        "(Szegedy et al. 2016, arXiv:1512.00567, section 7)",
    ),
    Loss(
        name="clipped_binary_cross_entropy",
        f=lambda x, t: -t * log(_clipped(x)) - (1 - t) * log1p(-_clipped(x)),
        df=lambda x, t: _inside(x) * (x - t) / (_clipped(x) * (1 - _clipped(x))),
        source="of the outputs themselves, whatever their activation, as Keras computes it; where an output "
        "leaves the interval from 1e-7 to 1 - 1e-7 nothing is learned from it",
    ),
    Loss(
        name="clipped_categorical_cross_entropy",
        f=lambda x, t: -t * log(_clipped(x / row_sum(x))),
        df=lambda x, t: (
            (row_sum(t * _inside(x / row_sum(x))) - t * _inside(x / row_sum(x)) / _clipped(x / row_sum(x))) / row_sum(x)
        ),
        source="of the outputs themselves as shares of their sum, as Keras computes it; a target for each output",
    ),
    Loss(
        name="kullback_leibler",
        f=lambda x, t: _clipped(t) * log(_clipped(t) / _clipped(x)),
        df=lambda x, t: -_inside(x) * _clipped(t) / _clipped(x),
        aliases=("kld", "kl_divergence", "kullback_leibler_divergence"),
        source="Kullback and Leibler 1951, of a row of probabilities that are clipped as in Keras",
    ),
    Loss(
        name="absolute_percentage_error",
        f=lambda x, t: 100 * absolute(x - t) / maximum(absolute(t), SMALLEST_PROBABILITY),
        df=lambda x, t: 100 * sign(x - t) / maximum(absolute(t), SMALLEST_PROBABILITY),
        aliases=("mape", "mean_absolute_percentage_error"),
        source="100 |output - target| / |target|; useless where targets are near 0",
    ),
    Loss(
        name="squared_logarithmic_error",
        f=lambda x, t: (log1p(maximum(x, 0)) - log1p(maximum(t, 0))) ** 2,
        df=lambda x, t: where(x > 0, 2 * (log1p(maximum(x, 0)) - log1p(maximum(t, 0))) / (1 + maximum(x, 0)), 0),
        aliases=("msle", "mean_squared_logarithmic_error"),
        source="(log(1 + output) - log(1 + target))^2; nothing is learned from a negative output",
    ),
)
# Values that a parameter must stay below, where being positive is not enough.
_BELOW = {"quantile": 1.0}


def loss(what: str | Loss, **params: float) -> Loss:
    """Get a loss by name.

    Parameters
    ----------
    what : str or Loss
        ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"log_cosh"``, ``"quantile"``,
        ``"poisson"``, ``"hinge"``, ``"binary_cross_entropy"``, ``"categorical_cross_entropy"``,
        ``"soft_cross_entropy"``, an alias, or a loss.
    **params : float
        Parameters, such as ``delta`` of the Huber loss or ``quantile`` of the quantile loss.

    Returns
    -------
    Loss
        The loss.

    Raises
    ------
    InputError
        If the name or a parameter is unknown.
    """
    if isinstance(what, Loss):
        found = what
    else:
        by_name = {name: each for each in CATALOGUE for name in (each.name, *each.aliases)}
        if not isinstance(what, str) or what not in by_name:
            raise InputError(f"unknown loss {what!r}; {suggest(str(what), by_name, noun='losses')}")
        found = by_name[what]
    for name, value in params.items():
        if name not in found.params:
            raise InputError(f"loss {found.name!r} has no parameter {name!r}")
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"parameter {name!r} of loss {found.name!r} must be positive, not {value!r}")
        if not value < _BELOW.get(name, np.inf):
            raise InputError(f"parameter {name!r} of loss {found.name!r} must be below {_BELOW[name]:g}, not {value!r}")
    return replace(found, params={**found.params, **params}) if params else found
