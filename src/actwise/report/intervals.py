"""A figure of estimates with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from actwise.report.plots import check_picture, new_figure, save_figure

LONGEST_NAME = 40


def draw_intervals(
    names: Sequence[str],
    estimates: Sequence[tuple[float, float, float]],
    *,
    zone: float,
    title: str,
    path: str | None = None,
) -> Any:
    """Draw a line per name: the estimate and its interval; a band marks `zone` on both sides of 0.

    `estimates`: (value, low, high) of each name.
    """
    if path is not None:
        check_picture(path)
    figure = new_figure(figsize=(8, 1.4 + 0.36 * len(names)), layout="constrained")
    axes = figure.subplots()
    values, lows, highs = np.array(estimates, np.float64).T
    finite = np.isfinite(lows) & np.isfinite(highs)
    lows, highs = np.where(finite, lows, values), np.where(finite, highs, values)
    places = np.arange(len(names))
    axes.axvspan(-zone, zone, color="tab:green", alpha=0.15, lw=0, label="practically equivalent")
    axes.axvline(0, color="0.4", lw=0.8)
    axes.errorbar(values, places, xerr=[values - lows, highs - values], fmt="o", color="tab:blue", capsize=3, ms=5)
    axes.set_yticks(places, [each if len(each) <= LONGEST_NAME else each[: LONGEST_NAME - 1] + "…" for each in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("difference; left of 0 is worse (95 % intervals)")
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    if path is not None:
        save_figure(figure, path)
    return figure
