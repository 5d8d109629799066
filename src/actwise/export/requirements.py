"""Loads what only an export needs, in one place, and says what to install where it is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from actwise.errors import ActwiseError

_EXTRAS = {"onnx": "onnx", "onnxruntime": "onnx", "torch": "torch"}


class MissingPackageError(ActwiseError, ImportError):
    """A package that only this export needs is not installed."""


def require(package: str) -> Any:
    """Import a package that Actwise can do without.

    >>> require("onnx").__name__
    'onnx'
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"this export needs the package {package!r}, which cannot be imported ({error}): "
            f"pip install '.[{_EXTRAS[package]}]' in the checkout"
        ) from error
