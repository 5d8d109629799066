"""Figures of activations: value and derivative side by side, several curves in one figure."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from actwise.activations import AnyActivation
from actwise.errors import InputError
from actwise.persistence.files import check_output, written
from actwise.report.curves import Asymptote, Curve, FloatArray, Interval, KinkMark, checked_domain, curves, sampled
from actwise.report.wording import describe_saturation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
MOST_CURVES = 8  # colours that can be told apart
POINTS = 400  # per curve
# Okabe and Ito 2008, told apart by colour-blind people too; black and yellow are left out for legibility.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F5539", "#555555")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (1, 1.2)))
GREY = "#6b6b6b"
LETTERS_IN_A_ROW = 100  # of the legend, at the standard width
LETTERS_OF_A_KEY = 9  # room for a line and the gap after it
STRIP_INCHES = 0.14  # height of the strip that shows where one curve is saturated
STEEPEST_SHOWN = 1.5  # a curve's panel is at most this many times as high as half its range of x
_STYLE = {
    "svg.hashsalt": "actwise",  # ids in the file would be random otherwise
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "path.simplify_threshold": 0.2,
}


@dataclass(frozen=True, slots=True)
class PlotSize:
    """How large a figure is.

    Parameters
    ----------
    width, height : float
        In inches.
    dots_per_inch : int
        Of a PNG.
    """

    width: float = 9.0
    height: float = 4.0
    dots_per_inch: int = 150


def plot_activations(
    activations: Sequence[AnyActivation],
    path: str | Path,
    *,
    domain: Interval | None = None,
    size: PlotSize | None = None,
) -> Path:
    """Draw the values and derivatives of activations into a file.

    Kinks, saturation zones and asymptotes are marked.

    `path`: A file that ends in ``.svg`` or ``.png``; the same activations give the same bytes.
    `domain`: the smallest and the largest x; chosen to show what is remarkable if left out.

    >>> import tempfile
    >>> import actwise as aw
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     plot_activations([aw.activation("relu"), aw.activation("gelu")], f"{directory}/two.svg").name
    'two.svg'
    """
    target = Path(path)
    check_picture(target, SUFFIXES)
    size = size or PlotSize()
    with _matplotlib().rc_context(_STYLE):
        figure = draw(activations, domain=domain, size=size)
        drawn = io.BytesIO()
        ending = target.suffix.lower()[1:]
        metadata = {"Date": None, "Creator": "actwise"} if ending == "svg" else {"Software": "actwise"}
        figure.savefig(drawn, format=ending, dpi=size.dots_per_inch, metadata=metadata)
    content = drawn.getvalue()
    with written(target) as place:
        place.write_bytes(_compact(content.decode()).encode() if ending == "svg" else content)
    return target


def save_figure(figure: Figure, path: str | Path) -> None:
    """Save a figure in the format that the ending names, whole or not at all."""
    with written(path) as place:
        figure.savefig(place, format=Path(path).suffix.lower()[1:])


def _compact(svg: str) -> str:
    """Write the coordinates of an SVG's paths with two decimals, a hundredth of a point, and without indents."""

    def shorter(path: re.Match[str]) -> str:
        return _LONG_DECIMAL.sub(lambda found: f"{float(found[0]):.2f}", " ".join(path[0].split()))

    return _BETWEEN_TAGS.sub(">\n<", _PATH.sub(shorter, svg))


_PATH = re.compile(r'\bd="[^"]*"')
_BETWEEN_TAGS = re.compile(r">\s+<")
_LONG_DECIMAL = re.compile(r"-?\d+\.\d{3,}")


def check_picture(path: str | Path, endings: Collection[str] | None = None) -> None:
    """Refuse a file that no picture can be written to, before anything is computed.

    `endings`: those of the formats there are; matplotlib's if left out.
    """
    known = endings or [f".{each}" for each in new_figure().canvas.get_supported_filetypes()]
    if Path(path).suffix.lower() not in known:
        shown = "SVG or PNG: end" if endings else f"{', '.join(known)}: end"
        raise InputError(f"a plot is written as {shown} {str(path)!r} in .svg or .png")
    check_output(path)


def new_figure(**options: Any) -> Any:
    """Make an empty figure of matplotlib."""
    _matplotlib()
    from matplotlib.figure import Figure

    return Figure(**options)


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise InputError('plots need matplotlib: pip install ".[plot]" in the checkout') from error
    return matplotlib


def draw(
    activations: Sequence[AnyActivation], *, domain: Interval | None = None, size: PlotSize | None = None
) -> Figure:
    """Draw the values and derivatives of activations into a figure.

    Result: A figure with two axes, values on the left and derivatives on the right.
    """
    _matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    shown = [curve for each in activations for curve in curves(each)]
    if not shown:
        raise InputError("there is nothing to plot: name at least one activation")
    if len(shown) > MOST_CURVES:
        raise InputError(f"{len(shown)} curves in one figure cannot be told apart: plot at most {MOST_CURVES} together")
    size = size or PlotSize()
    domain = checked_domain(domain, shown)
    figure = Figure(figsize=(size.width, size.height), layout=ConstrainedLayoutEngine(w_pad=0.1, wspace=0.03))
    upper, strips = _panels(figure, shown, domain, size)
    for panel, title in zip(upper, ("value f(x)", "derivative f′(x)"), strict=True):
        _prepare(panel, title, domain)
    styles = [_style(index) for index in range(len(shown))]
    for curve, style in zip(shown, styles, strict=True):
        _draw_value(upper[0], curve, domain, style)
        _draw_derivative(upper[1], curve, domain, style)
    for panel in upper:
        _limit_height(panel, domain)
    if strips:
        _draw_strips(strips, shown, domain)
    elif len(shown) == 1:
        _shade_saturated(upper, shown[0], domain)
    _add_legend(figure, shown, styles, domain)
    return figure


def _style(index: int) -> dict[str, Any]:
    # Later curves are thinner, so that one that is covered can still be seen.
    width = max(1.6, 2.8 - 0.3 * index)
    return {"color": COLOURS[index], "linestyle": DASHES[index % len(DASHES)], "linewidth": width}


def _panels(figure: Figure, shown: Sequence[Curve], domain: Interval, size: PlotSize) -> tuple[list[Axes], list[Axes]]:
    """Make a panel for values and one for derivatives, above strips that show where curves saturate."""
    n_strips = sum(bool(_visible(curve.saturated, domain)) for curve in shown)
    if len(shown) == 1 or not n_strips:
        return list(figure.subplots(1, 2)), []
    strip = STRIP_INCHES * n_strips / size.height
    upper, lower = figure.subplots(2, 2, sharex="col", height_ratios=(1 - strip, strip))
    for panel in upper:
        panel.tick_params(labelbottom=True)
    return list(upper), list(lower)


def _prepare(panel: Axes, title: str, domain: Interval) -> None:
    from matplotlib.ticker import MaxNLocator

    panel.set_title(title, loc="left", fontsize=10, color="#333333")
    panel.set_xlim(domain)
    panel.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    panel.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color("#b0b0b0")
    panel.tick_params(left=False, bottom=False, labelcolor="#333333", labelsize=9)
    panel.grid(color="#ececec", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.axhline(0, color="#b0b0b0", linewidth=0.8, zorder=1)
    panel.axvline(0, color="#b0b0b0", linewidth=0.8, zorder=1)


def _draw_value(panel: Axes, curve: Curve, domain: Interval, style: dict[str, Any]) -> None:
    for each in curve.asymptotes:
        ends = _side(each, domain)
        panel.plot(ends, each.slope * ends + each.intercept, **_ASYMPTOTE)
    x, y = _broken(curve, curve.value, domain, {kink.at for kink in curve.kinks if kink.is_jump})
    panel.plot(x, y, gid="value", **style)
    for kink in _inside(curve, domain):
        if kink.is_jump:
            _mark_limits(panel, kink.at, kink.values, style)
        panel.plot([kink.at], [kink.values[1]], gid="kink", **_marker(style, filled=True))


def _draw_derivative(panel: Axes, curve: Curve, domain: Interval, style: dict[str, Any]) -> None:
    for each in curve.asymptotes:
        if each.slope != 0:  # the axis is already there
            panel.plot(_side(each, domain), [each.slope, each.slope], **_ASYMPTOTE)
    x, y = _broken(curve, curve.derivative, domain, {kink.at for kink in curve.kinks})
    panel.plot(x, y, gid="derivative", **style)
    for kink in _inside(curve, domain):
        _mark_limits(panel, kink.at, kink.slopes, style)
        panel.plot([kink.at], [kink.slopes[1]], gid="kink", **_marker(style, filled=True))


def _inside(curve: Curve, domain: Interval) -> list[KinkMark]:
    return [kink for kink in curve.kinks if domain[0] < kink.at < domain[1]]


def _mark_limits(panel: Axes, at: float, around: tuple[float, float, float], style: dict[str, Any]) -> None:
    """Draw hollow circles at the limits from the left and from the right, joined by a dotted line."""
    ends = [around[0], around[2]]
    panel.plot([at, at], ends, color=style["color"], linewidth=0.9, linestyle=":")
    panel.plot([at, at], ends, **_marker(style, filled=False))


_ASYMPTOTE: dict[str, Any] = {
    "color": "#8a8a8a",
    "linewidth": 1.1,
    "linestyle": (0, (5, 4)),
    "zorder": 1.5,
    "gid": "asymptote",
}


def _marker(style: dict[str, Any], *, filled: bool) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": 5.5,
        "markeredgewidth": 1.4,
        "markeredgecolor": style["color"],
        "markerfacecolor": style["color"] if filled else "white",
        "zorder": 4 if filled else 3.5,
    }


def _side(asymptote: Asymptote, domain: Interval) -> FloatArray:
    """Return the ends of the part of an asymptote that is drawn: the side on which it is one."""
    low, high = domain
    middle = min(max(0.0, low), high)
    return np.array([low if asymptote.left else middle, high if asymptote.right else middle])


def _broken(curve: Curve, function: Any, domain: Interval, breaks: set[float]) -> tuple[FloatArray, FloatArray]:
    """Evaluate a function along x, with a gap at each break."""
    xs: list[FloatArray] = []
    ys: list[FloatArray] = []
    for piece in sampled(curve, domain, POINTS):
        xs.append(piece)
        with np.errstate(all="ignore"):
            ys.append(np.asarray(function(piece), float))
        if any(math.isclose(piece[-1], each, abs_tol=1e-12) for each in breaks):
            xs.append(piece[-1:])
            ys.append(np.array([np.nan]))
    return np.concatenate(xs), np.concatenate(ys)


def _limit_height(panel: Axes, domain: Interval) -> None:
    """Show all of what is drawn, unless it grows out of proportion to x."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in panel.lines if line.get_gid()])
    bound = STEEPEST_SHOWN * max(abs(end) for end in domain)
    drawn = np.clip(drawn[np.isfinite(drawn)], -bound, bound)
    low, high = float(drawn.min(initial=0.0)), float(drawn.max(initial=0.0))
    margin = 0.07 * ((high - low) or 1.0)
    panel.set_ylim(low - margin, high + margin)


def _visible(zones: Sequence[Interval], domain: Interval) -> list[Interval]:
    """Cut saturation zones to the range of x that is shown."""
    cut = [(max(low, domain[0]), min(high, domain[1])) for low, high in zones]
    return [(low, high) for low, high in cut if low < high]


def _shade_saturated(panels: Sequence[Axes], curve: Curve, domain: Interval) -> None:
    for low, high in _visible(curve.saturated, domain):
        for panel in panels:
            panel.axvspan(low, high, gid="saturated", **_SHADE)


_SHADE: dict[str, Any] = {"facecolor": "#f6eedd", "edgecolor": "none", "zorder": 0}


def _draw_strips(panels: Sequence[Axes], shown: Sequence[Curve], domain: Interval) -> None:
    zones = [(COLOURS[index], _visible(curve.saturated, domain)) for index, curve in enumerate(shown)]
    rows = [(colour, intervals) for colour, intervals in zones if intervals]
    for panel in panels:
        for row, (colour, intervals) in enumerate(rows):
            for low, high in intervals:
                panel.barh(-row, high - low, left=low, height=0.55, color=colour, gid="saturated")
        panel.set_ylim(0.6 - len(rows), 0.6)
        panel.set_yticks([])
        panel.spines[["top", "right", "left", "bottom"]].set_visible(False)
        panel.tick_params(bottom=False, labelbottom=False)
        panel.set_xlabel("where each is saturated", fontsize=8.5, color=GREY)


def _add_legend(figure: Figure, shown: Sequence[Curve], styles: Sequence[dict[str, Any]], domain: Interval) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    keys: list[Any] = [Line2D([], [], label=curve.label, **style) for curve, style in zip(shown, styles, strict=True)]
    letters = sum(len(curve.label) + LETTERS_OF_A_KEY for curve in shown)
    columns = math.ceil(len(keys) / math.ceil(letters / LETTERS_IN_A_ROW))
    figure.legend(handles=keys, loc="outside upper left", ncols=columns, frameon=False, handlelength=3.2)
    alone = shown[0] if len(shown) == 1 else None
    marks: list[Any] = []
    if any(curve.asymptotes for curve in shown):
        lines = ": " + ", ".join(_describe(each) for each in alone.asymptotes) if alone else ""
        marks.append(Line2D([], [], label=f"asymptote{lines}", **{**_ASYMPTOTE, "gid": None}))
    kinks = [kink for curve in shown for kink in _inside(curve, domain)]
    if kinks:
        places = " at " + ", ".join(f"{kink.at:.4g}" for kink in kinks) if alone else ""
        marks.append(
            Line2D([], [], label=f"kink{places}", **_marker({"color": COLOURS[0] if alone else GREY}, filled=True))
        )
    if alone and _visible(alone.saturated, domain):
        low, *_, high = (end for zone in alone.saturated for end in zone)
        below = alone.saturated[0][1] if math.isinf(low) else None
        above = alone.saturated[-1][0] if math.isinf(high) else None
        marks.append(Patch(label=f"saturated, slope near 0: {describe_saturation(below, above)}", **_SHADE))
    if marks:
        figure.legend(handles=marks, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5, labelcolor=GREY)


def _describe(asymptote: Asymptote) -> str:
    if asymptote.left and asymptote.right:
        return asymptote.label
    return f"{asymptote.label} ({'left' if asymptote.left else 'right'})"
