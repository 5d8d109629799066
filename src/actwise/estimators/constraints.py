"""What each parameter of the estimators may be; scikit-learn's checks give scikit-learn's errors."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from actwise.activations import Activation, GatedActivation, RowActivation
from actwise.model.losses import Loss
from actwise.model.optimizers import LBFGS, SGD, Adagrad, Adam, AdamW, RMSprop

_AUTO = "auto"
_ACTIVATIONS = [str, Activation, GatedActivation, RowActivation]
CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [*_ACTIVATIONS, list, tuple],
    "solver": [
        StrOptions({_AUTO, "lbfgs", "sgd", "adam", "adamw", "rmsprop", "adagrad"}),
        SGD,
        Adam,
        AdamW,
        RMSprop,
        Adagrad,
        LBFGS,
    ],
    "alpha": [StrOptions({_AUTO}), Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({_AUTO}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), HasMethods("rates")],
    "learning_rate_init": [StrOptions({_AUTO, "find"}), Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [StrOptions({_AUTO}), Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [StrOptions({_AUTO}), Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": [StrOptions({_AUTO}), "boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [StrOptions({_AUTO}), Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "loss": [str, Loss],
    "output_activation": _ACTIVATIONS,
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
    "scoring": [None, str, callable],
    "max_gradient_norm": [None, Interval(Real, 0, None, closed="neither")],
    "weight_averaging": [Interval(Real, 0, 1, closed="left")],
    "scale_inputs": [StrOptions({_AUTO}), "boolean"],
    "dtype": [StrOptions({_AUTO, "float32", "float64"})],
    "n_jobs": [None, Interval(Integral, 1, None, closed="left"), Interval(Integral, None, -1, closed="right")],
}
