"""Proves what activations promise: exact to half a unit in the last place, and as their claims say."""

from __future__ import annotations

from actwise.proof.exhaustive import ExhaustiveProof, prove_exhaustively
from actwise.proof.prove import prove
from actwise.proof.records import FloatProof, FromOutputProof, Largest, Proof

__all__ = [
    "ExhaustiveProof",
    "FloatProof",
    "FromOutputProof",
    "Largest",
    "Proof",
    "prove",
    "prove_exhaustively",
]
