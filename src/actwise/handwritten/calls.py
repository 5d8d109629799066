"""Calls functions that users wrote: with arrays, rows, tensors or number by number, whatever they take."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from actwise.errors import InputError

FloatingArray = NDArray[np.floating]
Mode = Literal["array", "row", "scalar"]

CALL_ERRORS = (
    ArithmeticError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    AssertionError,
)
"""What users' code raises on an input that it cannot take; other errors are bugs that they should see."""


@dataclass(frozen=True)
class UserFunction:
    """A user's function of one argument, callable with a one-dimensional array.

    Attributes
    ----------
    function : callable
        What the user wrote.
    name : str
        Its name in messages.
    mode : {"array", "row", "scalar"}
        Called with an array (n,), with a matrix (1, n), or with one number after the other.
    """

    function: Callable[[Any], Any]
    name: str
    mode: Mode

    def __call__(self, x: FloatingArray) -> FloatingArray:
        """Values at `x`, shape (n,), with NaN where the function raises; the dtype is the function's own."""
        if self.mode != "scalar":
            try:
                result = self.raw(x)
                values = self._shaped(result, x)
                if result.dtype.kind in "iu":
                    self._refuse_cut_off(x)
                return values
            except CALL_ERRORS as error:
                if isinstance(error, InputError):
                    raise
        return self._one_by_one(x)

    def raw(self, x: FloatingArray) -> NDArray[Any]:
        """What the function returns for all of `x` at once, as an array without the row axis of mode "row"."""
        with quietly():
            returned = self.function(x[None].copy() if self.mode == "row" else x.copy())
        result = _as_numbers(returned, self.name)
        return result[0] if self.mode == "row" and result.ndim > 1 and len(result) == 1 else result

    def _one_by_one(self, x: FloatingArray) -> FloatingArray:
        arguments = list(x) if self.mode == "scalar" else list(x.reshape(-1, *[1] * (2 if self.mode == "row" else 1)))
        with quietly():
            results = [_as_numbers(_attempt(self.function, each), self.name) for each in arguments]
        shape = next((each.shape for each in results if each.size != 1), None)
        if shape is not None:
            raise InputError(f"{self.name} returned an array of shape {shape} for a single number; return one number")
        return self._shaped(np.concatenate([each.reshape(1) for each in results]), x)

    def _refuse_cut_off(self, x: FloatingArray) -> None:
        """Refuse whole numbers for an array where the function has fractions for some of its numbers alone."""
        apart = self._one_by_one(x)
        if np.any(apart[np.isfinite(apart)] % 1):
            raise InputError(
                f"{self.name} returns whole numbers for an array, but fractions number by number: np.vectorize takes "
                "the type of its first result; give it otypes=[float], or return 0.0 and 1.0 instead of 0 and 1"
            )

    def _shaped(self, result: NDArray[Any], x: FloatingArray) -> FloatingArray:
        if result.shape not in ((), x.shape):
            raise InputError(
                f"{self.name} returned an array of shape {result.shape} for an input of shape {x.shape}; "
                "return one number for each input, in the same shape"
            )
        floating = result if result.dtype.kind == "f" else result.astype(np.float64)
        return np.broadcast_to(floating, x.shape)


def user_function(function: object, role: str, sample: FloatingArray, like: UserFunction | None = None) -> UserFunction:
    """Find the first way in which a user's function can be called: with an array, a row, a tensor, number by number.

    `role`: its name in messages where it has none of its own.
    `sample` of shape (n,): inputs to try it on; a function that raises on all of them is refused.

    >>> import math
    >>> sigmoid = user_function(lambda x: 1 / (1 + math.exp(-x)), "f", np.array([0.5, 1.0]))
    >>> sigmoid.mode, sigmoid(np.array([0.0, 1.0])).round(3)
    ('scalar', array([0.5  , 0.731]))
    """
    if not callable(function):
        raise InputError(f"{role} must be a function of one array, but it is {type(function).__name__}")
    name = name_of(function, role)
    problem: BaseException | None = None
    modes: tuple[Mode, ...] = ("row", "array") if like is not None and like.mode == "row" else ("array", "row")
    single = list(sample[:, None])
    attempts: list[tuple[Callable[[Any], Any], Mode, Sequence[Any]]] = [
        *((function, mode, [sample]) for mode in modes),
        *((adapted, mode, [sample]) for adapted in _for_libraries(function) for mode in modes),
        (function, "scalar", list(sample)),
        # Code that loops over an array may raise for some of its numbers, as math.log does.
        *((function, mode, single) for mode in modes),
    ]
    for called, mode, inputs in attempts:
        adapted = UserFunction(called, name, mode)
        for each in inputs:
            try:
                adapted.raw(each)
            except CALL_ERRORS as error:
                if isinstance(error, InputError):
                    raise
                problem = problem if inputs is single or called is not function else error
            else:
                return adapted
    raise InputError(
        f"{name} raised {type(problem).__name__} on every input{f' ({problem})' if str(problem) else ''}; "
        "it must take one argument, a NumPy array or a number"
    ) from problem


def name_of(function: object, role: str) -> str:
    """What a function is called in messages."""
    own = getattr(function, "__name__", role)
    return role if own == "<lambda>" else str(own)


def overwrites(function: UserFunction, sample: FloatingArray) -> bool:
    """Whether the function changes the array that it is given."""
    given = (sample[None] if function.mode == "row" else sample).copy()
    before = given.copy()
    with quietly():
        _attempt(function.function, given)
    return function.mode != "scalar" and not np.array_equal(given, before, equal_nan=True)


def _for_libraries(function: Callable[[Any], Any]) -> list[Callable[[Any], Any]]:
    """The function as it takes what PyTorch and JAX hand over, if the program has loaded them."""
    ways: list[Callable[[Any], Any]] = []
    if "torch" in sys.modules:
        import torch

        ways.append(lambda x: function(torch.tensor(x)))
        ways.append(lambda x: function(torch.tensor(x, dtype=torch.float32)))
    if "jax" in sys.modules:
        import jax  # type: ignore[import-not-found, unused-ignore]

        ways.append(lambda x: jax.vmap(function)(x.ravel()).reshape(x.shape))
    return ways


@contextmanager
def quietly() -> Iterator[None]:
    """Silence what user code prints at each of many calls, and the warnings that its overflow gives."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _attempt(function: Callable[[Any], Any], argument: object) -> object:
    """Call the function; NaN where it raises."""
    try:
        return function(argument)
    except CALL_ERRORS:
        return np.nan


def plain_array(result: Any) -> Any:
    """A tensor of PyTorch as a NumPy array; anything else as it is."""
    if not hasattr(result, "detach"):
        return result
    tensor = result.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _as_numbers(result: object, name: str) -> NDArray[Any]:
    if result is None:
        raise InputError(f"{name} returned None; its last line must be `return ...`")
    result = plain_array(result)
    try:
        array = np.asarray(result)
    except ValueError as error:
        raise InputError(f"{name} returned a ragged list; return one number for each input") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} returned values of type {array.dtype}; it must return real numbers")
    return array
