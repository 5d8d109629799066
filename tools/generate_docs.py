"""Makes the pages about activations under docs/ out of the declarations, with a picture of each.

Run ``python tools/generate_docs.py`` after a change to the catalogue, and with ``--check`` to see whether the
committed pages are still what it would write (``--check --text`` leaves the pictures out, whose bytes depend
on the version of matplotlib).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import actwise as aw
from actwise.export.page import export_page
from actwise.report.pages import activations_page, gallery_page
from actwise.report.plots import PlotSize, plot_activations

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURES = "gallery"
SIZE = PlotSize(width=8.0, height=3.4)


def entries() -> list[aw.activations.AnyActivation]:
    """Return every activation of the catalogue, sorted by name."""
    return [aw.activation(name) for name in aw.activations.names()]


def texts() -> dict[str, str]:
    """Make the pages.

    Returns
    -------
    dict of str to str
        The content of each file, by its path under docs/.
    """
    return {
        "activations.md": activations_page(entries()),
        "gallery.md": gallery_page(entries(), PICTURES),
        "export.md": export_page(entries()),
    }


def pictures(folder: Path) -> dict[str, str]:
    """Draw every activation.

    Parameters
    ----------
    folder : Path
        Where drawings are made.

    Returns
    -------
    dict of str to str
        The SVG of each, by its path under docs/.
    """
    drawn = {}
    for each in entries():
        file = plot_activations([each], folder / f"{each.name}.svg", size=SIZE)
        drawn[f"{PICTURES}/{file.name}"] = file.read_text("utf-8")
    return drawn


def differing(files: dict[str, str], docs: Path = DOCS) -> list[str]:
    """Return the files that are missing under `docs` or differ from what they should be."""
    return [
        name for name, content in files.items()
        if not (docs / name).is_file() or (docs / name).read_text("utf-8") != content
    ]  # fmt: skip


def main() -> int:
    """Write the files, or compare them; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--text", action="store_true", help="the pages only, without the pictures")
    options = parser.parse_args()
    files = texts()
    if not options.text:
        with tempfile.TemporaryDirectory() as folder:
            files |= pictures(Path(folder))
    stale = differing(files)
    left_over = (
        []
        if options.text
        else [each for each in (DOCS / PICTURES).glob("*.svg") if f"{PICTURES}/{each.name}" not in files]
    )
    if options.check:
        for name in [*stale, *(f"{PICTURES}/{each.name}" for each in left_over)]:
            sys.stderr.write(f"docs/{name} is out of date: run python tools/generate_docs.py\n")
        return 1 if stale or left_over else 0
    for name in stale:
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(files[name], "utf-8")
    for each in left_over:
        each.unlink()
    sys.stderr.write(f"{len(stale)} of {len(files)} files were written, {len(left_over)} removed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
