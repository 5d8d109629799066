"""Activation functions: what they are, which ones exist, and how to get one."""

from __future__ import annotations

from actwise.activations.catalogue import ENTRIES
from actwise.activations.lookup import activation, entry, names
from actwise.activations.spec import Activation, AnyActivation, Claims, FromOutput, Param, RowActivation

__all__ = [
    "ENTRIES",
    "Activation",
    "AnyActivation",
    "Claims",
    "FromOutput",
    "Param",
    "RowActivation",
    "activation",
    "entry",
    "names",
]
