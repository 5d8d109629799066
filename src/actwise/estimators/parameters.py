"""The estimators' parameters: those of scikit-learn, and the settings of a training under scikit-learn's names.

scikit-learn's checks give scikit-learn's errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter as Argument
from inspect import Signature
from numbers import Integral, Real
from typing import Any, TypeVar, get_args

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from actwise.activations import Activation, GatedActivation, RowActivation
from actwise.model import optimizers
from actwise.model.losses import Loss
from actwise.model.optimizers import LBFGS, SteppingOptimizer
from actwise.training.settings import Check, Number, Setting, Truth, Whole, document, rows, with_present_names

AUTO = "auto"
_Estimator = TypeVar("_Estimator", bound=type[Any])


@dataclass(frozen=True)
class Parameter:
    """A parameter's default, and what it may be, as scikit-learn writes it."""

    default: Any
    constraints: list[Any]


_ACTIVATIONS = [str, Activation, GatedActivation, RowActivation]
_SHARE = [Interval(Real, 0, 1, closed="left")]
_AUTO_OR_BOOLEAN = [StrOptions({AUTO}), "boolean"]
# What scikit-learn has, and settings that may be more here than in `actwise.train`.
PARAMETERS: dict[str, Parameter] = {
    "hidden_layer_sizes": Parameter((100,), ["array-like", Interval(Integral, 1, None, closed="left")]),
    "activation": Parameter("relu", [*_ACTIVATIONS, list, tuple]),
    "solver": Parameter(AUTO, [StrOptions({AUTO, *optimizers.names()}), *get_args(SteppingOptimizer), LBFGS]),
    "learning_rate": Parameter(
        "constant", [StrOptions({"constant", "invscaling", "adaptive"}), HasMethods("rates")]
    ),
    "learning_rate_init": Parameter(AUTO, [StrOptions({AUTO, "find"}), Interval(Real, 0, None, closed="neither")]),
    "power_t": Parameter(0.5, [Interval(Real, 0, None, closed="left")]),
    "random_state": Parameter(None, ["random_state"]),
    "verbose": Parameter(False, ["verbose"]),
    "warm_start": Parameter(False, ["boolean"]),
    "momentum": Parameter(0.9, [Interval(Real, 0, 1, closed="both")]),
    "nesterovs_momentum": Parameter(True, ["boolean"]),
    "early_stopping": Parameter(AUTO, _AUTO_OR_BOOLEAN),
    "validation_fraction": Parameter(0.1, _SHARE),
    "beta_1": Parameter(0.9, _SHARE),
    "beta_2": Parameter(0.999, _SHARE),
    "epsilon": Parameter(1e-8, [Interval(Real, 0, None, closed="neither")]),
    "n_iter_no_change": Parameter(
        AUTO, [StrOptions({AUTO}), Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})]
    ),
    "max_fun": Parameter(15000, [Interval(Integral, 1, None, closed="left")]),
    "output_activation": Parameter(AUTO, _ACTIVATIONS),
    "dropout": Parameter(0.0, [*_SHARE, list, tuple]),
    "scoring": Parameter(None, [None, str, callable]),
    "max_gradient_norm": Parameter(None, [None, Interval(Real, 0, None, closed="neither")]),
    "weight_averaging": Parameter(0.0, _SHARE),
    "scale_inputs": Parameter(AUTO, _AUTO_OR_BOOLEAN),
    "dtype": Parameter(AUTO, [StrOptions({AUTO, "float32", "float64"})]),
    "n_jobs": Parameter(
        None, [None, Interval(Integral, 1, None, closed="left"), Interval(Integral, None, -1, closed="right")]
    ),
    "loss": Parameter("squared_error", [str, Loss]),
}  # fmt: skip


def plain_settings() -> dict[str, Setting]:
    """Return the settings that need no words here but those of the table, by scikit-learn's names."""
    return {row.sklearn: row for row in rows("estimator") if row.sklearn and row.sklearn not in PARAMETERS}


def takes(own: Mapping[str, Parameter], positional: tuple[str, ...]) -> Callable[[_Estimator], _Estimator]:
    """Give an estimator its ``__init__``, which sets attributes and nothing else, and its constraints."""
    settings = {
        name: Parameter(AUTO, [StrOptions({AUTO}), _constraint(row.check)])
        if row.by_size
        else Parameter(row.default, [_constraint(row.check)])
        for name, row in plain_settings().items()
    }
    known = {**PARAMETERS, **settings, **own}
    ordered = [*positional, *(name for name in known if name not in positional)]
    signature = Signature(
        [
            Argument("self", Argument.POSITIONAL_OR_KEYWORD),
            *(
                Argument(
                    name,
                    Argument.POSITIONAL_OR_KEYWORD if name in positional else Argument.KEYWORD_ONLY,
                    default=known[name].default,
                )
                for name in ordered
            ),
        ]
    )

    def completed(cls: _Estimator) -> _Estimator:
        def initialise(self: Any, *arguments: Any, **named: Any) -> None:
            try:
                bound = signature.bind(self, *arguments, **with_present_names(named, "estimator"))
            except TypeError as error:
                raise TypeError(f"{cls.__name__}() {error}") from None
            bound.apply_defaults()
            for name in ordered:
                setattr(self, name, bound.arguments[name])

        initialise.__name__ = "__init__"
        initialise.__signature__ = signature  # type: ignore[attr-defined]  # `inspect.signature` looks for it there
        cls.__init__ = initialise
        cls._parameter_constraints = {name: each.constraints for name, each in known.items()}
        return document("estimator")(cls)

    return completed


def _constraint(check: Check) -> Any:
    match check:
        case Whole():
            return Interval(Integral, check.least, None, closed="left")
        case Number():
            below = None if np.isinf(check.below) else check.below
            return Interval(Real, 0, below, closed="left" if check.zero else "neither")
        case Truth():
            return "boolean"
    return object
