"""Writes docs/exhaustive.md: the largest errors over all 2**32 float32 arguments.

    actwise check --all --exhaustive --state actwise-proof     # hours; goes on where it stopped
    python tools/exhaustive_page.py actwise-proof

Only entries whose proof is complete, and of the declaration as it stands, get figures.
"""

from __future__ import annotations

import sys
from pathlib import Path

from actwise.activations import ENTRIES, Activation
from actwise.errors import InputError
from actwise.proof import prove_exhaustively
from actwise.proof.exhaustive import BLOCKS, fingerprint

PAGE = Path(__file__).parent.parent / "docs" / "exhaustive.md"
HEAD = """# Every float32 there is

This page is made by `tools/exhaustive_page.py` from the state of `actwise check --all --exhaustive`; do not edit it.
Largest errors of the compiled float32 kernels in units in the last place, over all 2**32 arguments: subnormal numbers,
infinities and NaN included. The bound is 0.51; the best that rounding allows is 0.5.

The fingerprint is of the kernels' source with all code in it, and a test compares it with what they are now.

| name | f(x) | f'(x) | decided in high precision | thread-seconds | fingerprint |
| --- | --- | --- | --- | --- | --- |
"""


def row(activation: Activation, state: Path) -> str | None:
    """Return the table row of an entry, or None where its proof is not complete or not of this declaration."""
    path = state / f"{activation.name}.jsonl"
    # The first line says what the file belongs to, the others hold a block each.
    if not path.exists() or len(path.read_text("utf-8").splitlines()) <= len(BLOCKS):
        return None
    try:
        proof = prove_exhaustively(activation, path)
    except InputError:
        return None
    return (
        f"| {proof.name} | {proof.value.error:.9f} | {proof.derivative.error:.9f} | {proof.n_suspects:,} | "
        f"{proof.seconds:.0f} | {fingerprint(activation)} |"
    )


def main(state: Path) -> None:
    """Write the page."""
    scalar = [each for each in ENTRIES if isinstance(each, Activation)]
    rows = {each.name: row(each, state) for each in scalar}
    done = [text for text in rows.values() if text]
    missing = sorted(name for name, text in rows.items() if not text)
    rest = f"\n{len(done)} of {len(scalar)} entries were run to the end."
    rest += f" Not yet: {', '.join(missing)}.\n" if missing else "\n"
    PAGE.write_text(HEAD + "\n".join(sorted(done)) + "\n" + rest, "utf-8")
    print(f"{len(done)} of {len(scalar)} entries")  # noqa: T201  # a tool talks to its caller


if __name__ == "__main__":
    main(Path(sys.argv[1]))
