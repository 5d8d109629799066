"""scikit-learn's pipelines: scalers before a perceptron become a part of what leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from actwise.errors import InputError
from actwise.model.network import Network
from actwise.tasks.scaling import Scaling
from actwise.training.descriptions import DescribesModel, Floats, ModelDescription, described, description_of


def exported_description(model: object) -> ModelDescription:
    """Say what a model is made of; see `actwise.training.descriptions.description_of`."""
    if not hasattr(model, "steps"):
        return description_of(model)
    *before, (_, last) = _steps(model)
    if not isinstance(last, DescribesModel | Network):
        raise InputError(
            f"the last step of the pipeline must be an Actwise estimator, not {described(last)}; aw.from_sklearn makes "
            "a network of scikit-learn's perceptrons"
        )
    description = description_of(last)
    if not before:
        return description
    if description.columns:
        raise InputError("a table model prepares its columns itself: export the last step, pipeline[-1], alone")
    width = description.network.n_inputs
    scalings = [_centre_and_scale(name, step, width) for name, step in before]
    if description.inputs is not None:
        scalings.append((description.inputs.centres, description.inputs.scales))
    centres, scales = np.zeros(width), np.ones(width)
    for centre, scale in scalings:
        centres, scales = centres + centre * scales, scales * scale
    return replace(description, inputs=Scaling(centres, scales))


def _steps(pipeline: Any) -> Iterator[tuple[str, Any]]:
    """List the steps, and those of pipelines among them."""
    for name, step in pipeline.steps:
        if hasattr(step, "steps"):
            yield from _steps(step)
        else:
            yield name, step


def _centre_and_scale(name: str, step: Any, width: int) -> tuple[Floats, Floats]:
    """Return what a fitted step takes away from each column, and what it divides the rest by."""
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
    from sklearn.utils.validation import check_is_fitted

    nothing, one = np.zeros(width), np.ones(width)
    if step is None or step == "passthrough":
        return nothing, one
    if isinstance(step, MinMaxScaler) and not step.clip:
        check_is_fitted(step)
        return -step.min_ / step.scale_, 1 / step.scale_
    if isinstance(step, StandardScaler | MaxAbsScaler | RobustScaler) and not getattr(step, "clip", False):
        check_is_fitted(step)
        # What was switched off is None, or there all the same.
        shifts = getattr(step, "with_mean", getattr(step, "with_centering", False))
        centre: Any = (step.mean_ if isinstance(step, StandardScaler) else step.center_) if shifts else nothing
        scale: Any = one if step.scale_ is None else step.scale_
        return centre, scale
    raise InputError(
        f"the step {name!r} ({type(step).__name__}) of the pipeline cannot be exported: only steps that shift and "
        "scale columns can, such as StandardScaler; export the last step, pipeline[-1], and give it what the steps "
        "before make"
    )
