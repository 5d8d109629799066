"""A network that somebody wrote, in one form: arrays by name, outputs, gradients, however it wants to be called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.handwritten.calling import Call, Holders, arguments_of, holders_of
from actwise.handwritten.numeric import resolution_of
from actwise.handwritten.parameters import as_array, in_form_of, named_arrays, rebuilt
from actwise.handwritten.state import containers, put_back

Array: TypeAlias = npt.NDArray[np.float64]
Layout: TypeAlias = Literal["rows", "columns", "one row", "one column"]
LAYOUTS: tuple[Layout, ...] = ("rows", "columns", "one row", "one column")
_TOLD = {
    "rows": "all rows at once",
    "columns": "all rows at once, a column for each",
    "one row": "one row at a time",
    "one column": "one row at a time, as a column",
}


@dataclass(frozen=True, eq=False)
class Program:
    """The functions and the data.

    Parameters
    ----------
    names : tuple of str
        Where the arrays of the parameters are.
    arrays : list of ndarray
        The parameters to start with.
    X : ndarray of shape (n_rows, n_inputs)
        Inputs, in the user's precision.
    targets : Any
        As the user's functions get them.
    y : ndarray of shape (n_rows, n_outputs)
        The targets of each output, to compare with.
    shape : tuple of int
        Of what `forward` returns for all rows.
    layout : str
        How rows are handed over.
    steps : bool
        Whether the "gradient" is what an update took off.
    told : str
        How the functions are called, in words.
    structure : Any
        The parameters in the user's form.
    loss_targets : Any
        The targets as the user's loss gets them.
    """

    names: tuple[str, ...]
    arrays: list[Array]
    X: npt.NDArray[Any]
    targets: Any
    y: Array
    shape: tuple[int, ...]
    layout: Layout
    steps: bool
    told: str
    structure: Any
    loss_targets: Any
    _forward: Callable[[Sequence[Array], npt.NDArray[Any]], npt.NDArray[Any]]
    _gradient: Callable[..., list[Array]]
    _after: Callable[[Sequence[Array], npt.NDArray[Any], Any], list[Array]] | None = None

    def raw_outputs(self, arrays: Sequence[Array], X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The outputs in their own precision, shape (n_rows, n_outputs)."""
        return self._forward(arrays, X)

    def outputs(self, arrays: Sequence[Array], X: npt.NDArray[Any]) -> Array:
        """The outputs, shape (n_rows, n_outputs)."""
        return self._forward(arrays, X).astype(np.float64)

    def gradients(self, arrays: Sequence[Array], X: npt.NDArray[Any] | None = None, targets: Any = None) -> list[Array]:
        """The user's gradients on all rows, or on others; of a program that steps, what a step takes off."""
        return self._gradient(arrays, self.X if X is None else X, self.targets if targets is None else targets)

    def step(self, arrays: Sequence[Array], rate: float, *, own: bool = False) -> list[Array]:
        """Update the parameters once, by the user's own step or by a rate times what the functions give."""
        if own and self._after is not None:
            return self._after(arrays, self.X, self.targets)
        given = self._gradient(arrays, self.X, self.targets, restore=False)
        return [a - rate * g.reshape(a.shape) for a, g in zip(arrays, given, strict=True)]

    def as_returned(self, outputs: Array) -> Array:
        """Outputs (n_rows, n_outputs) in the shape in which `forward` returned them."""
        return outputs.T.reshape(self.shape) if self.layout == "columns" else outputs.reshape(self.shape)

    @cached_property
    def resolution(self) -> float:
        """Relative spacing of the outputs' numbers: that of the precision in which the program computes."""
        generator = np.random.default_rng(0)  # at the start all outputs may be 0.5, which tells nothing
        return resolution_of(self.raw_outputs([generator.normal(size=each.shape) for each in self.arrays], self.X))


def program_of(
    forward: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    parameters: Any,
    X: Any,
    y: Any,
    step: Callable[..., Any] | None,
) -> Program:
    """Find out how the functions want to be called: the first way in which outputs and gradients come out right."""
    if (gradient is None) == (step is None):
        raise InputError("give either gradient, which returns gradients, or step, which returns updated parameters")
    named = named_arrays(parameters, "parameters")
    if not named:
        raise InputError("parameters holds no arrays; hand over the weights and biases of the network")
    rows, targets = _numbers(X, "X"), _numbers(y, "y")
    X = rows if isinstance(X, list | tuple) else X
    problems: list[str] = []
    holders = holders_of((forward, gradient if gradient is not None else step), parameters)
    either = all(_by_rows(rows, targets, each) is not None for each in ("rows", "columns"))
    best: Program | None = None
    for layout in LAYOUTS:
        data = _by_rows(rows, targets, layout)
        if data is None:
            continue
        program = _attempt(forward, gradient, step, parameters, named, X, y, data, layout, holders, problems)
        if isinstance(program, Program) and not (either and layout == "rows" and not _takes_fewer(program)):
            if _fits(program):
                return program
            best = best or program
    if best is not None:
        return best
    if not problems:
        raise InputError(
            f"X must have the shape (rows, inputs) and y as many rows, not {rows.shape} and {targets.shape}"
        )
    raise InputError(problems[0])


def _takes_fewer(program: Program) -> bool:
    """Whether half of the rows will do: shapes alone may leave open what is a row and what is a column."""
    try:
        return len(program.raw_outputs(program.arrays, program.X[: len(program.X) // 2])) == len(program.X) // 2
    except InputError:
        return False


def _fits(program: Program) -> bool:
    try:
        given = program.gradients(program.arrays)
    except InputError:
        return False
    return all(g.shape == a.shape for g, a in zip(given, program.arrays, strict=True))


def _numbers(value: Any, name: str) -> npt.NDArray[Any]:
    array = as_array(value)
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2) or not len(array):
        raise InputError(f"{name} is an array of {array.dtype} of shape {array.shape}; it must hold numbers, in rows")
    if not np.isfinite(array).all():
        raise InputError("X or y holds NaN or infinity; drop those rows first")
    return array


def _by_rows(
    X: npt.NDArray[Any], y: npt.NDArray[Any], layout: Layout
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """The data with a row for each example; None where the shapes say that it does not lie so."""
    if layout == "columns":
        if X.ndim != 2 or y.shape[-1] != X.shape[1] or (y.ndim == 2 and len(y) == len(X) == X.shape[1]):
            return None
        return X.T, (y.T if y.ndim == 2 else y)
    return (X.reshape(len(X), -1), y) if len(X) == len(y) else None


def _attempt(
    forward: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    step: Callable[..., Any] | None,
    parameters: Any,
    named: list[tuple[str, npt.NDArray[Any]]],
    X: Any,
    y: Any,
    data: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    layout: Layout,
    holders: Holders | None,
    problems: list[str],
) -> Program | None:
    """Call the functions in one way; None, with the problem noted, where that does not work."""
    rows, targets = data
    functions = (forward, gradient if gradient is not None else step)
    calls = _Calls(forward, functions[1], step is not None, parameters, named, layout, holders, X, y, rows)
    start = [np.array(array, np.float64) for _, array in named]
    try:
        made = calls.picked(start, rows, targets)
        calls.check(made, rows, targets)
        program = Program(
            tuple(name for name, _ in named), start, rows, y, _by_output(targets, calls.width(made), made[0].shape),
            made[0].shape if layout in ("rows", "columns") else (len(rows), calls.width(made)), layout,
            step is not None, _TOLD[layout], parameters, y, calls.outputs, calls.gradients,
            calls.after if step is not None else None,
        )  # fmt: skip
    except InputError as error:
        problems.append(str(error))
        return None
    try:
        program.gradients(program.arrays)
    except InputError as error:
        try:  # targets of another shape than the outputs may be all that is in the way
            program.gradients(program.arrays, targets=program.as_returned(program.y))
        except InputError:
            problems.append(str(error))
            return None
    return program


def _by_output(targets: npt.NDArray[Any], n_outputs: int, shape: tuple[int, ...]) -> Array:
    """The targets of each output; class indices become columns of 0 and 1."""
    if targets.size == targets.shape[0] * n_outputs:
        return np.asarray(targets.reshape(len(targets), -1), np.float64)
    classes = np.arange(n_outputs)
    if targets.size == len(targets) and np.isin(targets, classes).all():
        return np.asarray(targets.reshape(-1, 1) == classes, np.float64)
    raise InputError(f"forward returned outputs of shape {shape} for targets of shape {targets.shape}")


class _Calls:
    """The user's functions, called in one layout; remembers which of the values returned are the outputs."""

    def __init__(
        self,
        forward: Callable[..., Any],
        gradient: Any,
        steps: bool,
        parameters: Any,
        named: list[tuple[str, npt.NDArray[Any]]],
        layout: Layout,
        holders: Any,
        X: Any,
        y: Any,
        rows: npt.NDArray[Any],
    ) -> None:
        self.parameters, self.named, self.layout, self.holders = parameters, named, layout, holders
        self.given, self.given_y, self.rows = X, y, rows
        self.steps = steps
        self.functions = (forward, gradient)
        within = holders is not None
        n_top = len(parameters) if isinstance(parameters, list | tuple | dict) else 1
        self.forward = Call(forward, arguments_of(forward, ("p", "X"), n_top, within))
        self.gradient = Call(gradient, arguments_of(gradient, ("p", "X", "y"), n_top, within))
        self.place: int | None = None
        self.random = False
        self.kept = tuple(id(each) for each in containers((parameters,)))

    def _inside(self, arrays: Sequence[Array]) -> Any:
        """The parameters in the user's form, or placed where the user's object keeps them."""
        copies = [np.array(a, np.float64) for a in arrays]
        if self.holders is not None:
            self.holders.write(copies)
            return self.parameters
        return rebuilt(self.parameters, iter(copies))

    def _examples(self, X: npt.NDArray[Any], y: Any) -> list[tuple[Any, Any]]:
        """What the functions get: everything at once, or one row after the other."""
        if self.layout in ("rows", "columns"):
            whole = X is self.rows
            return [(self.given if whole else self._turned(X), y)]
        upright = (-1, 1) if self.layout == "one column" else (-1,)
        targets: list[Any] = [None] * len(X) if y is None else [np.asarray(each) for each in as_array(y)]
        if self.layout == "one column":
            targets = [each if each is None or not each.ndim else each.reshape(upright) for each in targets]
        return [(x.reshape(upright), t if t is None or t.ndim else t[()]) for x, t in zip(X, targets, strict=True)]

    def _turned(self, X: npt.NDArray[Any]) -> Any:
        turned = X.T if self.layout == "columns" else X
        turned = turned.reshape(-1) if np.ndim(as_array(self.given)) == 1 else turned
        return rebuilt(self.given, iter([turned]))

    def picked(self, arrays: Sequence[Array], X: npt.NDArray[Any], y: Any) -> list[npt.NDArray[Any]]:
        """What `forward` returns, its outputs picked out where it returns more."""
        examples = self._examples(X, None)
        made = [self.forward(p=self._inside(arrays), X=x) for x, _ in examples]
        if any(each is None for each in made):
            raise InputError("forward returned None; its last line must be `return ...`")
        if self.place is None and isinstance(made[0], tuple | list):
            self.place = _outputs_among(made[0], len(X) if len(made) == 1 else 1, as_array(y), self.layout)
        found = [as_array(each if self.place is None else each[self.place]) for each in made]
        if any(each.dtype.kind not in "fiub" for each in found):
            raise InputError(f"forward returned {type(made[0]).__name__}; it must return the outputs as an array")
        return found

    def width(self, made: list[npt.NDArray[Any]]) -> int:
        size = made[0].size
        return size if len(made) > 1 or self.layout.startswith("one") else size // max(len(self.rows), 1)

    def check(self, made: list[npt.NDArray[Any]], X: npt.NDArray[Any], y: npt.NDArray[Any]) -> None:
        """Refuse outputs that are not one row, or one column, for each example."""
        first, n = made[0], len(X)
        if self.layout.startswith("one"):
            if first.size > max(first.shape, default=1) or {each.size for each in made} != {first.size}:
                raise InputError(f"forward returned outputs of shape {first.shape} for one row")
            return
        along = first.shape[-1] if self.layout == "columns" and first.ndim == 2 else first.shape[0] if first.ndim else 0
        if first.ndim not in (1, 2) or along != n:
            turned = "; write `.T` behind what it returns" if first.ndim == 2 and first.shape[1] == n else ""
            raise InputError(
                f"forward returned outputs of shape {first.shape} for {n} rows: it must return one row for each "
                f"row of X, of shape ({n}, n_outputs) or ({n},){turned}"
            )

    def outputs(self, arrays: Sequence[Array], X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        made = self.picked(arrays, X, None)
        if self.layout.startswith("one"):
            return np.stack([each.reshape(-1) for each in made])
        return made[0].T.reshape(len(X), -1) if self.layout == "columns" else made[0].reshape(len(X), -1)

    def gradients(self, arrays: Sequence[Array], X: npt.NDArray[Any], y: Any, *, restore: bool = True) -> list[Array]:
        total: list[Array] | None = None
        for x, t in self._examples(X, y):
            with put_back(self.functions, self.kept) if restore else nullcontext():
                found = self._one_gradient(arrays, x, t)
            total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
        assert total is not None
        return total

    def after(self, arrays: Sequence[Array], X: npt.NDArray[Any], y: Any) -> list[Array]:
        """The parameters after one update with each example."""
        for x, t in self._examples(X, y):
            arrays = self._stepped(arrays, x, t)
        return list(arrays)

    def _one_gradient(self, arrays: Sequence[Array], x: Any, t: Any) -> list[Array]:
        if self.steps:
            return [old - new for old, new in zip(arrays, self._stepped(arrays, x, t), strict=True)]
        inside = self._inside(arrays)
        cache = None
        if "cache" in self.gradient.roles:
            cache = self.forward(p=inside, X=x)
            rest = [each for k, each in enumerate(cache) if k != self.place] if isinstance(cache, tuple) else [cache]
            cache = rest[0] if len(rest) == 1 else tuple(rest)
        made = self.gradient(p=inside, X=x, y=t, cache=cache)
        if isinstance(made, tuple) and len(made) == 2 and not isinstance(made[0], list | tuple | dict):
            first = as_array(made[0])
            value_first = first.ndim == 0 and len(self.named) != 2
            made = made[1] if value_first or isinstance(made[1], dict) else made
        if made is None:
            made = None if self.holders is None else self.holders.gradients()
            if made is None:
                raise InputError("gradient returned None; it must return the gradients, in the form of the parameters")
        return self._matched(made)

    def _matched(self, made: Any) -> list[Array]:
        found = [
            np.asarray(each, np.float64) for _, each in named_arrays(in_form_of(made, self.parameters), "gradient")
        ]
        sizes = [each.size for _, each in self.named]
        if len(found) == 1 and len(sizes) > 1 and found[0].size == sum(sizes):  # one flat vector
            cut = np.split(found[0].reshape(-1), np.cumsum(sizes)[:-1])
            return [each.reshape(old.shape) for each, (_, old) in zip(cut, self.named, strict=True)]
        if len(found) != len(sizes):
            raise InputError(
                f"the gradient has {len(found)} arrays for {len(sizes)} parameters; return one for each, in their order"
            )
        return [
            each.reshape(old.shape) if each.squeeze().shape == old.squeeze().shape else each
            for each, (_, old) in zip(found, self.named, strict=True)
        ]

    def _stepped(self, arrays: Sequence[Array], x: Any, t: Any) -> list[Array]:
        inside = self._inside(arrays)
        made = self.gradient(p=inside, X=x, y=t)
        if self.holders is not None:
            made = self.holders.read()
        elif isinstance(made, tuple) and len(made) == 2 and _is_number(made[0]) and len(self.named) != 2:
            made = made[1]  # the loss beside the parameters
        elif made is None or _is_number(made):
            made = inside
        found = [np.array(each, np.float64) for _, each in named_arrays(made, "the result of step")]
        if made is inside and all(np.array_equal(a, b) for a, b in zip(arrays, found, strict=True)):
            raise InputError("step returned None and changed no array in place: return the parameters after the update")
        if [each.shape for each in found] != [each.shape for each in arrays]:
            raise InputError(
                f"step returned arrays of shapes {', '.join(str(each.shape) for each in found)}: it must return the "
                f"parameters after the update, of shapes {', '.join(str(each.shape) for each in arrays)}"
            )
        return found


def _is_number(value: Any) -> bool:
    return not isinstance(value, dict | list | tuple) and value is not None and np.ndim(as_array(value)) == 0


def _outputs_among(made: Sequence[Any], n: int, y: npt.NDArray[Any], layout: Layout) -> int | None:
    """Which of several values returned are the outputs: the last that fits the targets."""
    wanted = y.size // max(len(y), 1) if layout != "columns" else (len(y) if y.ndim == 2 else 1)
    fitting: list[int] = []
    others: list[int] = []
    for k, each in enumerate(made):
        if isinstance(each, dict | list | tuple) or each is None:
            continue
        array = as_array(each)
        if (array.dtype.kind == "f" and array.ndim and n in array.shape) or layout.startswith("one"):
            (fitting if array.size == n * wanted else others).append(k)
    found = fitting or others
    if not found:
        if isinstance(made, list) and all(np.ndim(each) == np.ndim(made[0]) for each in made):
            return None  # a list of numbers or rows: the outputs themselves
        raise InputError(f"forward returned {len(made)} values, none of which is an array with a row for each row of X")
    inside = [k for k in found if np.all((as_array(made[k]) >= 0) & (as_array(made[k]) <= 1))]
    return (inside or found)[-1]
