"""A picture of a training: losses, gradients, and the outputs of each layer; matplotlib is loaded when it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.report.plots import check_picture, new_figure, save_figure

Numbers: TypeAlias = npt.NDArray[np.floating[Any]]
BINS = 40
FEWEST_JOINED = 3  # epochs; fewer are drawn as points, since a line through them would not be seen


@dataclass(frozen=True, eq=False)
class LayerShown:
    """A layer's title, the root mean square of its weights' gradient, and its outputs."""

    title: str
    gradient: float
    outputs: Numbers


def draw_training(
    title: str, losses_by_label: Mapping[str, Numbers], layers: Sequence[LayerShown], path: str | None
) -> Any:
    """Draw a training, and save the figure where a path is given."""
    if path is not None:
        check_picture(path)
    n = len(layers)
    figure = new_figure(figsize=(11, 3 + 1.6 * -(-n // 4)), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, max(1, -(-n // 4)) * 0.7])
    losses, gradients = upper.subplots(1, 2)
    for label, values in losses_by_label.items():
        marker = "." if len(values) < FEWEST_JOINED else ""
        losses.plot(np.arange(1, len(values) + 1), values, label=label, marker=marker)
    losses.set(xlabel="epoch", ylabel="training loss", title=title)
    losses.legend()
    places = np.arange(1, n + 1)
    sizes = [max(each.gradient, 1e-30) if np.isfinite(each.gradient) else 1 for each in layers]
    gradients.bar(places, sizes)
    gradients.set(
        yscale="log",
        ylim=(min(sizes) / 10, max(sizes) * 3),  # a bar of one decade at least
        xlabel="layer with weights",
        ylabel="root mean square",
        title="Gradients of the weights",
        xticks=places,
    )
    axes = np.atleast_1d(lower.subplots(-(-n // 4), min(n, 4), squeeze=False).ravel())
    for axis, layer in zip(axes, layers, strict=False):
        axis.hist(layer.outputs[np.isfinite(layer.outputs)].ravel(), bins=BINS)
        axis.set_title(layer.title, fontsize=8)
        axis.set_yticks([])
    for axis in axes[n:]:
        axis.set_visible(False)
    if path is not None:
        save_figure(figure, path)
    return figure
