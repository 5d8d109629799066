"""The pages of the documentation: complete, true, and those that are committed are up to date."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import actwise as aw
from actwise.activations import ENTRIES, Activation
from actwise.export.page import export_page
from actwise.report.pages import activations_page, gallery_page
from actwise.report.summary import summarise, trusted_between

ROOT = Path(__file__).resolve().parents[2]


def _generator():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "tools" / "generate_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_pages_are_up_to_date():
    generator = _generator()
    assert generator.differing(generator.texts()) == [], "run python tools/generate_docs.py"
    pictures = {file.stem for file in (ROOT / "docs" / "gallery").glob("*.svg")}
    assert pictures == set(aw.activations.names())


def test_every_entry_has_its_row_in_the_page_on_exports():
    page = export_page(ENTRIES)
    for each in ENTRIES:
        assert f"| [{each.name}](gallery.md#{each.name}) | " in page
    assert "| [squareplus](gallery.md#squareplus) | composed: `Abs`, `Add`, `Div`, " in page


def test_a_page_that_differs_is_found(tmp_path):
    generator = _generator()
    (tmp_path / "a.md").write_text("old")
    (tmp_path / "b.md").write_text("same")
    assert generator.differing({"a.md": "new", "b.md": "same", "c.md": "missing"}, tmp_path) == ["a.md", "c.md"]


def test_every_entry_has_its_rows_and_its_picture():
    page, gallery = activations_page(ENTRIES), gallery_page(ENTRIES)
    for each in ENTRIES:
        rows = [line for line in page.splitlines() if line.startswith(f"| [{each.name}](gallery.md#{each.name}) |")]
        assert len(rows) == (3 if isinstance(each, Activation) else 2)
        assert f"(gallery/{each.name}.svg)" in gallery
        assert each.summary in page
        assert each.source in page
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.count("|") in (6, 10, 5)


def test_an_activation_that_nobody_has_seen_gets_its_rows():
    hump = Activation(name="hump", f=lambda x: x / (1 + x * x), df_x=lambda x: (1 - x * x) / (1 + x * x) ** 2)
    page = activations_page([hump])
    assert "| [hump](gallery.md#hump) | `x / (1 + x * x)` |  | -0.5 to 0.5 | no | yes | 1 |" in page


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "elu", "softplus", "isru"])
def test_beyond_the_trusted_interval_half_of_the_digits_are_lost(name):
    each = aw.activation(name)
    for end in trusted_between(each):
        if not np.isfinite(end):
            continue
        for at, is_trusted in ((0.9 * end, True), (1.2 * end, False)):
            y = np.float32(each(np.float32(at)))
            true = each.derivative(float(np.float32(at)))
            error = abs(float(each.derivative_from_output(y)) - true) / abs(true)
            assert (error < 2**-12) == is_trusted


def test_facts_are_plain_data_without_what_does_not_apply():
    softmax = summarise(aw.activation("softmax"))
    assert (softmax["monotonic"], softmax["derivative"], softmax["kinks"]) == (None, None, ())
    relu = summarise(aw.activation("relu"))
    assert relu["kinks"] == ({"at": 0.0, "left": 0.0, "slope": 0.0, "right": 1.0},)
    assert relu["from_output"] == "where(y > 0, 1, 0)"
    assert (relu["jumps"], summarise(aw.activation("threshold"))["jumps"]) == ([], [1.0])
