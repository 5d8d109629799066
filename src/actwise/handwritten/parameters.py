"""Parameters of a hand-written network, in whatever lists and dictionaries they are kept, as a row of arrays."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actwise.errors import InputError
from actwise.handwritten.numeric import FloatArray

_MARKS = re.compile(r"^(?:d[lj]?_?d?_?|grads?_?|nabla_?|g_)|(?:_?grads?)$", re.IGNORECASE)


def as_array(value: object) -> NDArray[Any]:
    """An array of NumPy, JAX or PyTorch, or a number, as an array of NumPy."""
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


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
    array = as_array(structure)
    if array.dtype.kind not in "fiub":
        array = _low_precision(array)
    if array.dtype.kind not in "fiub":
        what = f"an array of {array.dtype}" if isinstance(structure, np.ndarray) else type(structure).__name__
        raise InputError(f"{name} is {what}, not an array of real numbers")
    return [(name, array)]


def _low_precision(array: NDArray[Any]) -> NDArray[Any]:
    """Widen the formats that NumPy does not know as numbers, such as bfloat16."""
    return array.astype(np.float32) if "float" in str(array.dtype) else array


def rebuilt(structure: Any, arrays: Iterator[FloatArray]) -> Any:
    """Put arrays into lists and dictionaries of the same form."""
    if isinstance(structure, dict):
        return {key: rebuilt(each, arrays) for key, each in structure.items()}
    if isinstance(structure, list | tuple):
        parts = [rebuilt(each, arrays) for each in structure]
        # A named tuple takes its fields one by one.
        return type(structure)(*parts) if hasattr(structure, "_fields") else type(structure)(parts)
    following = next(arrays)
    if hasattr(structure, "detach"):
        tensor = sys.modules["torch"].tensor(following, dtype=structure.dtype, device=structure.device)
        return tensor.requires_grad_(structure.requires_grad)
    if isinstance(structure, np.ndarray):
        return following
    if hasattr(structure, "at") and "jax" in sys.modules:
        return sys.modules["jax"].numpy.asarray(following, dtype=structure.dtype)
    return float(following)


def in_form_of(structure: object, parameters: object) -> object:
    """Bring gradients into the order of the parameters: by the names in dictionaries, ``dW1`` for ``W1``.

    >>> in_form_of({"dW2": 2.0, "dW1": 1.0}, {"W1": 0.0, "W2": 0.0})
    {'W1': 1.0, 'W2': 2.0}
    """
    if isinstance(parameters, dict) and isinstance(structure, dict):
        known = {_MARKS.sub("", str(key)).lower(): key for key in structure}
        found = {}
        for key, each in parameters.items():
            place = key if key in structure else known.get(str(key).lower())
            if place is None:
                raise InputError(
                    f"the gradient has no entry {str(key)!r}; it must have the keys of the parameters, "
                    f"but it has {', '.join(map(repr, structure))}"
                )
            found[key] = in_form_of(structure[place], each)
        return found
    alike = isinstance(parameters, list | tuple) and isinstance(structure, list | tuple)
    if alike and len(structure) == len(parameters):  # type: ignore[arg-type]  # both are lists here
        return [in_form_of(each, other) for each, other in zip(structure, parameters, strict=True)]  # type: ignore[call-overload]
    return structure
