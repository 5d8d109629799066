"""Figures: their data are the activation's values, their marks stand at the right places, their files are files."""

import sys

import numpy as np
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg

import actwise as aw
from actwise.errors import ActwiseError, InputError
from actwise.report.plots import COLOURS, PlotSize, draw, plot_activations


def _lines(panel, kind):
    return [line for line in panel.lines if line.get_gid() == kind]


def _figure(*names, **options):
    figure = draw([aw.activation(name) for name in names], **options)
    FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize(
    "name", ["relu", "sigmoid", "hardtanh", "gelu", "sine", "leaky_relu", "threshold", "hardshrink"]
)
def test_curves_are_the_values_and_derivatives(name):
    each = aw.activation(name)
    left, right = _figure(name).axes
    for panel, kind, function in ((left, "value", each), (right, "derivative", each.derivative)):
        (line,) = _lines(panel, kind)
        x, y = map(np.asarray, line.get_data())
        drawn = np.isfinite(y)
        np.testing.assert_array_equal(y[drawn], function(x[drawn]))
        assert (~drawn).sum() == (len(each.kinks) if kind == "derivative" or name in ("threshold", "hardshrink") else 0)
        assert (x.min(), x.max()) == panel.get_xlim()


def test_kinks_are_marked_where_they_are_declared_with_the_slope_that_is_taken():
    left, right = _figure("hardswish").axes
    each = aw.activation("hardswish")
    for panel, function in ((left, each), (right, each.derivative)):
        marks = [line.get_xydata()[0].tolist() for line in _lines(panel, "kink")]
        assert marks == [[at, function(at)] for at in each.kinks]


def test_saturation_zones_and_asymptotes_are_marked():
    left, right = _figure("tanh", domain=(-6, 6)).axes
    for panel in (left, right):
        zones = [patch.get_extents().transformed(panel.transData.inverted()) for patch in panel.patches]
        assert [(round(zone.x0, 2), round(zone.x1, 2)) for zone in zones] == [(-6, -4.15), (4.15, 6)]
    lines = [line.get_xydata().tolist() for line in _lines(left, "asymptote")]
    assert lines == [[[-6, -1], [0, -1]], [[0, 1], [6, 1]]]


def test_several_curves_have_their_own_colours_and_strips():
    names = ["relu", "sigmoid", "sine", "tanh"]
    figure = _figure(*names)
    upper, strips = figure.axes[:2], figure.axes[2:]
    for panel, kind in zip(upper, ("value", "derivative"), strict=True):
        assert [line.get_color() for line in _lines(panel, kind)] == list(COLOURS[:4])
        assert len({str(line._unscaled_dash_pattern) for line in _lines(panel, kind)}) == 4
    for panel in strips:  # sine never saturates
        assert {bar.get_facecolor() for bar in panel.patches} == {_rgba(COLOURS[k]) for k in (0, 1, 3)}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names


def test_zones_outside_of_the_range_of_x_are_not_drawn():
    left, _ = _figure("softsign").axes  # its slope falls below a thousandth at 30.6
    assert not left.patches
    figure = _figure("softsign", "tanh")
    assert {bar.get_facecolor() for bar in figure.axes[2].patches} == {_rgba(COLOURS[1])}
    assert len(figure.axes[2].patches) == 2


def _rgba(colour):
    return (*(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)), 1.0)


@pytest.mark.parametrize("names", [["relu"], ["relu", "gelu"], ["relu", "sigmoid", "hardtanh", "gelu", "leaky_relu"]])
def test_no_text_overlaps_another_or_leaves_the_figure(names):
    figure = _figure(*names)
    texts = [text for legend in figure.legends for text in legend.get_texts()]
    for panel in figure.axes:
        texts += [panel._left_title, panel.xaxis.label]
        for axis, limits in ((panel.xaxis, panel.get_xlim()), (panel.yaxis, panel.get_ylim())):
            ticks = axis.get_major_ticks()
            texts += [tick.label1 for tick in ticks if limits[0] <= tick.get_loc() <= limits[1]]
    boxes = [text.get_window_extent() for text in texts if text.get_visible() and text.get_text()]
    for k, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1
        for other in boxes[k + 1 :]:
            assert not box.overlaps(other)


def test_a_curve_that_grows_out_of_proportion_leaves_the_panel():
    left, _ = _figure("exponential").axes
    assert left.get_ylim()[1] < 20


def test_png_is_an_image_of_the_size_asked_for(tmp_path):
    path = plot_activations([aw.activation("relu")], tmp_path / "a.png", size=PlotSize(5, 3, 80))
    pixels = image.imread(path)
    assert pixels.shape[:2] == (240, 400)
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20


def test_svg_is_small_the_same_each_time_and_has_its_words_as_text(tmp_path):
    what = [aw.activation("sigmoid"), aw.activation("x * tanh(x)")]
    first = plot_activations(what, tmp_path / "a.svg").read_bytes()
    assert first == plot_activations(what, tmp_path / "b.SVG").read_bytes()
    assert first.startswith(b"<?xml")
    assert b">sigmoid<" in first
    assert b">x * tanh(x)<" in first
    assert b"<dc:date>" not in first
    assert len(first) < 40_000


def test_what_cannot_be_drawn_is_refused_with_a_sentence(tmp_path):
    relu = [aw.activation("relu")]
    with pytest.raises(InputError, match=r"end .* in \.svg or \.png"):
        plot_activations(relu, tmp_path / "a.pdf")
    with pytest.raises(InputError, match=r"there is no folder .*: make it first"):
        plot_activations(relu, tmp_path / "no" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        plot_activations(relu, tmp_path / "folder.png")
    with pytest.raises(InputError, match="nothing to plot"):
        plot_activations([], tmp_path / "a.png")
    with pytest.raises(InputError, match=r"9 curves .* at most 8"):
        plot_activations(relu * 9, tmp_path / "a.png")
    assert [each.name for each in tmp_path.iterdir()] == ["folder.png"]


def test_without_matplotlib_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ActwiseError, match=r'plots need matplotlib.*pip install "\.\[plot\]"'):
        plot_activations([aw.activation("relu")], tmp_path / "a.png")
