"""``python -m actwise`` is the command ``actwise``."""

from __future__ import annotations

from actwise.cli import main

main(prog_name="actwise")
