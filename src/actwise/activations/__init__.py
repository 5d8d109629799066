"""Activation functions: what they are, which ones exist, and how to get one."""

from __future__ import annotations

from actwise.activations import pickling as _pickling
from actwise.activations.catalogue import ENTRIES
from actwise.activations.facts import Facts, Kink, facts
from actwise.activations.families import AnyActivation, GatedActivation, RowActivation, maxout
from actwise.activations.lookup import activation, entry, is_from_catalogue, names
from actwise.activations.spec import Activation, Claims, FromOutput, Param

_pickling.register()
__all__ = [
    "ENTRIES",
    "Activation",
    "AnyActivation",
    "Claims",
    "Facts",
    "FromOutput",
    "GatedActivation",
    "Kink",
    "Param",
    "RowActivation",
    "activation",
    "entry",
    "facts",
    "is_from_catalogue",
    "maxout",
    "names",
]
