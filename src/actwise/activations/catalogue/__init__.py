"""The declarations: every activation that Actwise knows, one block each.

An entry states its function in a form that neither overflows nor cancels, its derivative from the
pre-activation, where possible the derivative from the output, and claims that the proof tries to refute.
Its definition is the textbook's formula, which `f` and `df_x` are held against. Adding an activation means
adding a block to one of the files here; nothing else.
"""

from __future__ import annotations

from actwise.activations.catalogue import gated, piecewise, rows, saturating, smooth
from actwise.activations.families import AnyActivation

ENTRIES: tuple[AnyActivation, ...] = (
    *saturating.ENTRIES,
    *piecewise.ENTRIES,
    *smooth.ENTRIES,
    *rows.ENTRIES,
    *gated.ENTRIES,
)
