"""What an estimator's training is made of, and the same training with some settings changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier

from actwise.model.optimizers import LBFGS
from actwise.model.schedules import CosineDecay
from actwise.recipes.fitting import Fitting
from actwise.recipes.plan import AUTO, FINAL_SHARE, WARMUP, AdaptiveRate
from actwise.training.descriptions import NOTE_ON_ADAPTIVE, TrainingDescription

PLAIN = ("loss", "optimizer", "batch_size", "epochs", "shuffle", "l2", "max_gradient_norm", "tolerance")
_NAMES = {
    "activation": "activation", "optimizer": "solver", "epochs": "max_iter", "batch_size": "batch_size",
    "scale_inputs": "scale_inputs", "scale_targets": "scale_targets", "l2": "alpha", "dropout": "dropout",
}  # fmt: skip


class DescribedTraining:
    """Gives estimators ``training_description`` and ``changed``, which the doctor asks for."""

    def training_description(self, X: Any, y: Any) -> TrainingDescription:
        """Say how this estimator is trained on some rows.

        Parameters
        ----------
        X, y
            As for `fit`.
        """
        twin, fitting = _prepared(self, X, y)
        plan, rows = fitting.plan, fitting.rows
        patience, optimizer, note = plan.patience if plan.stochastic else 0, plan.optimizer, ""
        if not isinstance(optimizer, LBFGS) and isinstance(optimizer.learning_rate, AdaptiveRate):
            # It is divided where others stop; to the doctor it is the rate that it begins with.
            optimizer, patience = replace(optimizer, learning_rate=optimizer.learning_rate.rate), 0
            note = NOTE_ON_ADAPTIVE
        settings = {name: value for name, value in fitting.arguments(0).items() if name in PLAIN}
        fitted: Any = self
        return TrainingDescription(
            fitting.network, rows.X, rows.targets, twin._task.kind if is_classifier(twin) else "regression",
            settings | {"optimizer": optimizer, "patience": patience, "restarts": plan.restarts},
            scales_inputs=twin._inputs is not None, scales_targets=twin._outputs is not None, weights=rows.weights,
            validation_share=twin.validation_fraction if plan.early_stopping and plan.stochastic else 0.0,
            outputs=fitted._predict_outputs(X) if hasattr(self, "coefs_") else None, note=note,
        )  # fmt: skip

    def changed(self, settings: Mapping[str, Any], X: Any, y: Any, seed: int) -> Any:
        """Return an unfitted copy with some settings changed.

        Parameters
        ----------
        settings : mapping
            Of the settings' names in `actwise.train` to their values. ``hidden`` are the units of the hidden
            layers; a ``patience`` of 0 is no early stop; with ``loss`` come loss and output of the default.
        X, y
            What it is going to be fitted to: some choices depend on it.
        seed : int
            Its `random_state`.
        """
        estimator: Any = self
        given = estimator.get_params(deep=False)
        new: dict[str, Any] = {"random_state": seed}
        if "optimizer" in settings and given["solver"] == AUTO:
            new |= _pinned(self, X, y, given)
        new |= {_NAMES[name]: value for name, value in settings.items() if name in _NAMES}
        if "hidden" in settings:
            new["hidden_layer_sizes"] = tuple(settings["hidden"])
            if isinstance(given["activation"], list | tuple):
                new.setdefault("activation", given["activation"][0])
        if "loss" in settings:
            new |= {"loss": type(estimator)().loss, "output_activation": AUTO}
        if "patience" in settings:
            new |= {"n_iter_no_change": np.inf, "early_stopping": False}
        if "learning_rate" in settings:
            rate, solver = settings["learning_rate"], given["solver"]
            if "solver" not in new and not isinstance(solver, str):
                new["solver"] = replace(solver, learning_rate=rate)
            elif not isinstance(given["learning_rate"], str):
                new["learning_rate"] = replace(given["learning_rate"], rate=rate)
            elif given["learning_rate_init"] == AUTO and "solver" not in new and solver == AUTO:
                new["learning_rate"] = CosineDecay(rate, WARMUP, FINAL_SHARE)
            else:
                new["learning_rate_init"] = rate
        return clone(estimator).set_params(**new)


def _prepared(estimator: Any, X: Any, y: Any) -> tuple[Any, Fitting]:
    """Return an unfitted copy and the fit that it is about to run on all rows."""
    twin = clone(estimator)
    return twin, twin._ready(X, y, as_given=True)[2]


def _pinned(estimator: Any, X: Any, y: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the choices that ``solver="auto"`` makes and another solver would not make."""
    # Penalties are tried once more here, as these rows may be others than those of `training_description`.
    plan = _prepared(estimator, X, y)[1].plan
    pinned = {
        "scale_inputs": plan.scale_inputs, "scale_targets": plan.scale_inputs, "alpha": plan.alpha,
        "batch_size": plan.batch_size, "max_iter": plan.epochs, "tol": plan.tolerance,
        "n_iter_no_change": plan.patience or np.inf,
    }  # fmt: skip
    return {name: value for name, value in pinned.items() if given.get(name) == AUTO}
