"""A picture of a diagnosis; matplotlib is loaded when it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from actwise.errors import InputError
from actwise.model import oracle as reference

if TYPE_CHECKING:
    from actwise.doctor.findings import Diagnosis

MOST_ROWS = 500
BINS = 40


def draw(diagnosis: Diagnosis, path: str | None) -> Any:
    """Draw losses, outputs of each layer and gradients; see `Diagnosis.plot`."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise InputError('plots need matplotlib: pip install ".[plot]" in the checkout') from error
    subject, data, trained, measures = diagnosis.subject, diagnosis.data, diagnosis.trained, diagnosis.measures
    if subject is None or data is None or trained is None or measures is None:
        raise InputError("nothing was trained, so that there is nothing to draw")
    n = len(measures.layers)
    figure: Any = matplotlib.figure.Figure(figsize=(11, 3 + 1.6 * -(-n // 4)), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, max(1, -(-n // 4)) * 0.7])
    losses, gradients = upper.subplots(1, 2)
    for values, label in zip(diagnosis.losses, ("as it is", "with the fix"), strict=False):
        losses.plot(np.arange(1, len(values) + 1), values, label=label, marker="." if len(values) < 3 else "")
    losses.set(xlabel="epoch", ylabel="training loss", title=f"Loss: {diagnosis.verdict}")
    losses.legend()
    places = np.arange(1, n + 1)
    sizes = [max(each.gradient, 1e-30) if np.isfinite(each.gradient) else 1 for each in measures.layers]
    gradients.bar(places, sizes)
    gradients.set(
        yscale="log",
        ylim=(min(sizes) / 10, max(sizes) * 3),  # a bar of one decade at least
        xlabel="layer with weights",
        ylabel="root mean square",
        title="Gradients of the weights",
        xticks=places,
    )
    rows = data.train[:MOST_ROWS]
    with np.errstate(all="ignore"):
        passed = reference.forward(
            trained.structure, trained.values.astype(float), subject.inputs(data)[rows].astype(float)
        )
    outputs = [y for shape, (_, _, y) in zip(trained.structure, passed, strict=True) if shape.n_weights]
    axes = np.atleast_1d(lower.subplots(-(-n // 4), min(n, 4), squeeze=False).ravel())
    for axis, layer, values in zip(axes, measures.layers, outputs, strict=False):
        finite = values[np.isfinite(values)]
        axis.hist(finite.ravel(), bins=BINS)
        axis.set_title(
            f"{layer.layer}: {layer.activation}\ndead {layer.dead:.0%}, saturated {layer.saturated:.0%}", fontsize=8
        )
        axis.set_yticks([])
    for axis in axes[n:]:
        axis.set_visible(False)
    if path is not None:
        figure.savefig(path)
    return figure
