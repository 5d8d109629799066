"""Parameters of a hand-written network, in whatever lists and dictionaries they are kept, as a row of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actwise.errors import InputError
from actwise.handwritten.numeric import FloatArray


def named_arrays(structure: object, name: str) -> list[tuple[str, NDArray[Any]]]:
    """List the arrays of a structure with names that say where they are.

    >>> [name for name, _ in named_arrays({"W": np.ones((2, 2)), "b": [np.ones(2), 0.5]}, "parameters")]
    ['W', 'b[0]', 'b[1]']
    """
    if isinstance(structure, dict):
        parts = [named_arrays(each, str(key)) for key, each in structure.items()]
        return [named for part in parts for named in part]
    if isinstance(structure, list | tuple):
        parts = [named_arrays(each, f"{name}[{i}]") for i, each in enumerate(structure)]
        return [named for part in parts for named in part]
    array = np.asarray(structure)
    if array.dtype.kind not in "fiub":
        what = f"an array of {array.dtype}" if isinstance(structure, np.ndarray) else type(structure).__name__
        raise InputError(f"{name} is {what}, not an array of real numbers")
    return [(name, array)]


def rebuilt(structure: object, arrays: Iterator[FloatArray]) -> Any:
    """Put arrays into lists and dictionaries of the same form."""
    if isinstance(structure, dict):
        return {key: rebuilt(each, arrays) for key, each in structure.items()}
    if isinstance(structure, list | tuple):
        parts = [rebuilt(each, arrays) for each in structure]
        # A named tuple takes its fields one by one.
        return type(structure)(*parts) if hasattr(structure, "_fields") else type(structure)(parts)
    following = next(arrays)
    return following if isinstance(structure, np.ndarray) else float(following)
