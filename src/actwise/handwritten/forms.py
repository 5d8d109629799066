"""The forms in which people have a function and its derivative, brought to one.

A derivative is a function of one argument (x or the output y), or a step back that multiplies an upstream gradient g:
``df(y, g)``, ``backward(dout)`` of a layer that remembers its input, ``backward(dout, cache)``, the backward of a
``torch.autograd.Function``, or whatever PyTorch and JAX make of a function.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from actwise.errors import InputError
from actwise.handwritten.calls import (
    CALL_ERRORS,
    FloatingArray,
    UserFunction,
    name_of,
    plain_array,
    quietly,
    user_function,
)

CalledWith = Literal["x", "y"]
StepBack = Callable[[Any, Any], Any]

BACKWARD = re.compile(r"back|grad|vjp|pull|bprop", re.IGNORECASE)
UPSTREAM = re.compile(r"g|d[a-z]?|d_?out|d[ayz]\w*|grad\w*|delta\w*|err\w*|upstream\w*|dl_?d\w*", re.IGNORECASE)
"""What people call the gradient that comes from above."""
FLAG = re.compile(r"d|deriv|derivative|derive|prime|grad|gradient", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """A function and its derivative, both of one argument.

    Attributes
    ----------
    f : callable
        The function of x.
    slope : callable
        The derivative as a function of x or y; of a step back, what it makes of a gradient of ones.
    step_back : callable or None
        (argument, g) -> gradient with respect to x, where the derivative is written so.
    called_with : {"x", "y"}
        What `slope` is given.
    f_name, df_name : str
        In messages.
    """

    f: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    step_back: StepBack | None
    called_with: CalledWith
    f_name: str
    df_name: str

    def pull(self, like: UserFunction, x: FloatingArray, g: FloatingArray) -> FloatingArray:
        """What the step back makes of an upstream gradient, both of shape (n,), called as `like` is."""
        assert self.step_back is not None
        back = self.step_back
        if like.mode == "scalar":
            one_by_one = (UserFunction(partial(_of_one, back, each), self.df_name, "scalar") for each in g)
            return np.array([called(x[i : i + 1])[0] for i, called in enumerate(one_by_one)])
        called = UserFunction(
            lambda given: back(given, g.astype(x.dtype).reshape(given.shape)), self.df_name, like.mode
        )
        return called.raw(x)


def find_form(f: Any, df: Any, called_with: CalledWith, sample: FloatingArray) -> Form:
    """Find out what was handed over; see the module's text."""
    f, df, same = _objects(f, df)
    f_name, df_name = name_of(f, "f"), name_of(df, "df")
    if same and (back := _automatic(f)) is not None:
        return _with_step_back(_first(_called(f)), back, "x", f_name, f"the gradient of {f_name}")
    if same and (flag := _flag(f)):
        df, df_name = partial(f, **{flag: True}), f"{f_name}({called_with}, {flag}=True)"
    forward = _first(f)
    if _remembers(f, df, sample):
        return _with_step_back(forward, _after_forward(f, df), "x", f_name, df_name)
    if _required(df) == 2:
        back = _two_arguments(f, forward, df, called_with, sample)
        return _with_step_back(forward, back, called_with, f_name, df_name)
    return Form(forward, df, None, called_with, f_name, df_name)


def _with_step_back(
    forward: Callable[[Any], Any], back: StepBack, called_with: CalledWith, f_name: str, df_name: str
) -> Form:
    def slope(argument: Any) -> Any:
        return back(argument, np.ones_like(argument)[()])

    slope.__name__ = df_name
    return Form(forward, slope, back, called_with, f_name, df_name)


def _of_one(back: StepBack, g: float, argument: Any) -> Any:
    return back(argument, g)


def _objects(f: Any, df: Any) -> tuple[Any, Any, bool]:
    """Turn layers into their two methods; say whether function and derivative are the same object."""
    torch = sys.modules.get("torch")
    is_function = torch is not None and inspect.isclass(f) and issubclass(f, torch.autograd.Function)
    if is_function:
        return f, df, df is f or getattr(df, "__self__", df) is f or df is f.backward
    modules = torch is not None and isinstance(f, torch.nn.Module) and type(df) is type(f)
    same = df is f or modules
    if inspect.isclass(f) and hasattr(f, "forward") and hasattr(f, "backward"):
        try:
            f = f()
        except TypeError as error:
            raise InputError(
                f"{f.__name__} is a class that wants arguments ({error}): hand over a layer, {f.__name__}(...)"
            ) from error
    is_layer = hasattr(f, "forward") and hasattr(f, "backward")
    if is_layer and (same or inspect.isclass(df) or hasattr(df, "backward")):
        return f.forward, f.backward, False
    return f, df, same


def _automatic(f: Any) -> StepBack | None:
    """The gradient that PyTorch or JAX computes of the function, if it is one of theirs."""
    probe = np.array([1.0, 2.0, -1.0])
    called = _called(f)
    if (torch := sys.modules.get("torch")) is not None:

        def by_autograd(kind: Any, x: Any, g: Any) -> Any:
            given = torch.tensor(np.asarray(x), dtype=kind, requires_grad=True)
            out = _output(called(given))
            return torch.autograd.grad(out, given, torch.as_tensor(np.asarray(g), dtype=out.dtype))[0]

        # A module with weights wants their type.
        for kind in (torch.float64, torch.float32):
            if _works(back := partial(by_autograd, kind), probe):
                return back
    if (jax := sys.modules.get("jax")) is not None:

        def by_vjp(x: Any, g: Any) -> Any:
            out, back = jax.vjp(called, jax.numpy.asarray(x))
            return back(jax.numpy.asarray(g, out.dtype))[0]

        if _works(by_vjp, probe):
            return by_vjp
    return None


def _called(f: Any) -> Callable[..., Any]:
    """An ``autograd.Function`` is called by its `apply`."""
    return getattr(f, "apply", f) if inspect.isclass(f) else f


def _works(back: StepBack, probe: FloatingArray) -> bool:
    try:
        with quietly():
            back(probe, np.ones_like(probe))
    except CALL_ERRORS:
        return False
    return True


def _output(returned: Any) -> Any:
    """The output of a forward pass that may return a cache beside it."""
    return returned[0] if isinstance(returned, tuple) and returned else returned


def _first(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def forward(x: Any) -> Any:
        return _output(f(x))

    forward.__name__ = name_of(f, "<lambda>")
    return forward if callable(f) else f


def _required(function: Any) -> int:
    """How many arguments a function wants."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is each.empty for each in parameters)


def _flag(f: Any) -> str:
    """The argument by which one function is asked for its derivative, as in ``sigmoid(x, deriv=False)``."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return ""
    return next((each.name for each in parameters if each.default is False and FLAG.fullmatch(each.name)), "")


def _after_forward(f: Callable[[Any], Any], df: Callable[[Any], Any]) -> StepBack:
    def back(x: Any, g: Any) -> Any:
        f(x)
        return df(g)

    return back


def _remembers(f: Any, df: Any, sample: FloatingArray) -> bool:
    """Whether `df` is the way back of a layer: what it returns depends on what `f` was given before."""
    owner = getattr(f, "__self__", None)
    if owner is None or getattr(df, "__self__", None) is not owner or _required(df) != 1:
        return False
    g = np.ones_like(sample)
    try:
        with quietly():
            f(sample.copy())
            before, twice = (np.asarray(df(factor * g)) for factor in (1.0, 2.0))
            f(-2 * sample)
            remembers = not np.array_equal(before, np.asarray(df(g.copy())), equal_nan=True)
    except CALL_ERRORS:
        return bool(BACKWARD.search(name_of(df, "")))
    # What is proportional to its argument takes a gradient, whatever it forgets of the input.
    return remembers or (bool(BACKWARD.search(name_of(df, ""))) and np.array_equal(twice, 2 * before))


def _two_arguments(
    f: Callable[[Any], Any], forward: Callable[[Any], Any], df: Callable[[Any, Any], Any], called_with: str,
    sample: FloatingArray,
) -> StepBack:  # fmt: skip
    """Find out which of two arguments is the gradient: by its name, and by what the result is proportional to."""

    def beside(argument: Any) -> Any:
        """What stands beside the gradient: the cache where f returns one."""
        if called_with == "x" and isinstance(returned := f(argument), tuple) and len(returned) > 1:
            return returned[1] if len(returned) == 2 else returned[1:]
        return argument

    def way(order: int) -> StepBack:
        return (lambda a, g: df(beside(a), g)) if order == 0 else (lambda a, g: df(g, beside(a)))

    adapted = user_function(forward, "f", sample)
    x = sample[None] if adapted.mode == "row" else sample
    scores = []
    for order in (0, 1):
        back = way(order)
        try:
            with quietly():
                argument = x.copy() if called_with == "x" else np.asarray(forward(x.copy()))
                one = np.asarray(plain_array(back(argument.copy(), np.ones_like(argument))))
                two = np.asarray(plain_array(back(argument.copy(), 2 * np.ones_like(argument))))
            proportional = bool(np.allclose(two, 2 * one) and not np.allclose(two, one))
            scores.append(2.0 * proportional)
        except CALL_ERRORS:
            scores.append(0.0 if adapted.mode == "scalar" else -4.0)
    names = list(inspect.signature(df).parameters)[:2]
    for order, name in enumerate(reversed(names)):
        scores[order] += 3.0 * bool(UPSTREAM.fullmatch(name))
    return way(int(scores[1] > scores[0]))
