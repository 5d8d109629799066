"""Names and labels of foreign tables and models are shown and never obeyed by a terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from actwise.cli.consoles import Console
from actwise.cli.status import harmless

HOSTILE = "a\x1b]0;TITLE\x07b\x9b2Jc\r\u202ed"


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert harmless(HOSTILE) == r"a\x1b]0;TITLE\x07b\x9b2Jc\x0d\u202ed"
    plain = "Größe\t東京 10\u00a0000 👩\u200d🔬\n"
    assert harmless(plain) == plain


def test_a_console_colours_and_obeys_no_text() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=200, color_system="standard")
    table = Table("name")
    table.add_row(HOSTILE)
    for what in (HOSTILE, Text(HOSTILE, "bold red"), table):
        console.print(what, markup=False, highlight=False)
    found = written.getvalue()
    assert "\x1b[1;31m" in found  # rich's own
    assert not any(each in found for each in ("\x1b]", "\x07", "\x9b", "\r", "\u202e"))
    assert found.count(r"\x1b]0;TITLE") == 3


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_commands_send_nothing_of_a_table_to_a_terminal(tmp_path: Path) -> None:
    """As in a terminal, where predictions are written to it too."""
    import pty

    lines = [f"{i},{i % 7},lab\x1b[31m{i % 2}" for i in range(60)]
    (tmp_path / "table.csv").write_text("a\x1b]0;TITLE\x07b,c\x1b[2Jd,y\n" + "\n".join(lines) + "\n")
    options = ["--target", "y", "--out", "model", "--epochs", "2", "--no-baselines", "--no-doctor"]
    for words in (["fit", "table.csv", *options], ["describe", "model"], ["predict", "model", "table.csv"]):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "actwise", *words]
        process = subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 4096):
                seen += piece
        except OSError:
            pass  # so Linux says that nobody writes any more
        os.close(ours)
        # A network that learned nothing, as from these labels, is no failure here.
        assert process.wait() in ({0, 3} if words[0] == "fit" else {0}), seen
        assert b"lab" in seen or b"TITLE" in seen
        assert not any(each in seen for each in (b"\x1b]0;", b"\x1b[2J", b"lab\x1b")), words
