"""Activations of more than one number: those that couple the entries of a row, and gated ones.

They are records of the same family as `Activation`; in place of a derivative they have a product with the
Jacobian, since one output depends on several pre-activations.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations.spec import (
    Activation,
    FloatArray,
    FormulaLike,
    Param,
    complete_values,
    real_array,
    result_dtype,
    traced,
)
from actwise.errors import InputError
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.differentiate import differentiate
from actwise.formula.expression import Expression, not_equal, substitute, symbol, symbols, where
from actwise.formula.render import to_text

GAIN_POINTS = 2**14  # quasi-random points; the gain's error is a few parts in ten thousand


@dataclass(frozen=True, eq=False)
class RowActivation:
    """An activation that couples the entries of a row, such as softmax.

    Parameters
    ----------
    name : str
        The name in the catalogue.
    f : callable or Expression
        The function of ``x``; `row_sum` and `row_max` reduce over the row.
    vjp : callable or Expression
        The gradient with respect to ``x``, in terms of ``x``, the output ``y`` and the gradient ``g``
        with respect to it: the product of g with the Jacobian.
    range : tuple of float
        Infimum and supremum of one entry.
    aliases, definition, summary, source
        As for `Activation`.

    Examples
    --------
    >>> import actwise as aw
    >>> aw.activation("softmax")(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """

    name: str
    f: FormulaLike
    vjp: FormulaLike
    range: tuple[float, float] = (-np.inf, np.inf)
    aliases: tuple[str, ...] = ()
    definition: str = ""
    summary: str = ""
    source: str = ""

    kind: Literal["row"] = field(default="row", init=False)
    params: Mapping[str, Param] = field(default_factory=dict, init=False)
    values: Mapping[str, float] = field(default_factory=dict, init=False)
    gain: float = field(default=1.0, init=False)

    def __repr__(self) -> str:
        return f"activation({self.name!r})"

    @cached_property
    def expression(self) -> Expression:
        """The function as an expression in ``x``."""
        return traced(self.f, ("x",))

    @cached_property
    def vjp_expression(self) -> Expression:
        """The vector-Jacobian product as an expression in ``x``, ``y`` and ``g``."""
        return traced(self.vjp, ("x", "y", "g"))

    def with_values(self, **values: float) -> RowActivation:
        """Return itself; raise `InputError` if any parameter is given, since there is none."""
        complete_values(self.name, self.params, values)
        return self

    def __call__(self, x: npt.ArrayLike) -> Any:
        """Apply the function to the last axis of `x`; shape and dtype are kept."""
        given = self._rows(x)
        with np.errstate(all="ignore"):
            result = evaluate(self.expression, {"x": given.astype(np.float64)}, numpy_table())
            return np.asarray(result).astype(result_dtype(given))

    def vector_jacobian_product(self, x: npt.ArrayLike, upstream: npt.ArrayLike) -> Any:
        """Multiply an upstream gradient with the Jacobian at `x`, along the last axis.

        Parameters
        ----------
        x : array_like of shape (..., n)
            Pre-activations.
        upstream : array_like of shape (..., n)
            The gradient with respect to the outputs.

        Returns
        -------
        ndarray of shape (..., n)
            The gradient with respect to `x`, in its dtype.
        """
        given = self._rows(x)
        wide = given.astype(np.float64)
        with np.errstate(all="ignore"):
            y = evaluate(self.expression, {"x": wide}, numpy_table())
            values = {"x": wide, "y": y, "g": np.asarray(upstream, np.float64)}
            return np.asarray(evaluate(self.vjp_expression, values, numpy_table())).astype(result_dtype(given))

    def _rows(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        given = real_array(self.name, x)
        if given.ndim == 0 or given.shape[-1] == 0:
            raise InputError(f"{self.name} acts on rows: give it an array with at least one entry in its last axis")
        return given

    @property
    def formula(self) -> str:
        """The function as text."""
        return self.definition or to_text(self.expression)


@dataclass(frozen=True, eq=False)
class GatedActivation:
    """An activation with several pre-activations per unit, such as GLU and maxout.

    A layer of n units has ``pieces * n`` linear maps; the first n of them are the first pre-activations of
    the units, the next n the second ones, and so on, as PyTorch splits for its GLU.

    Parameters
    ----------
    name : str
        The name in the catalogue.
    f : callable or Expression
        The output of one unit: a function of its pre-activations by position, or an expression in ``x0``,
        ``x1`` and so on.
    partials : tuple of callable or Expression, optional
        The derivative with respect to each pre-activation, functions of the same arguments; derived from
        `f` where not given.
    range : tuple of float
        Infimum and supremum of the outputs.
    aliases, definition, summary, source
        As for `Activation`; in the definition the pre-activations are called as in `f`.

    Examples
    --------
    >>> import actwise as aw
    >>> aw.activation("glu")(np.array([[3.0, 0.0]]))
    array([[1.5]])
    """

    name: str
    f: FormulaLike
    partials: tuple[FormulaLike, ...] | None = None
    range: tuple[float, float] = (-np.inf, np.inf)
    aliases: tuple[str, ...] = ()
    definition: str = ""
    summary: str = ""
    source: str = ""

    kind: Literal["gated"] = field(default="gated", init=False)
    params: Mapping[str, Param] = field(default_factory=dict, init=False)
    values: Mapping[str, float] = field(default_factory=dict, init=False)

    def __repr__(self) -> str:
        return f"activation({self.name!r})"

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """What the pre-activations of a unit are called."""
        if isinstance(self.f, Expression):
            return tuple(f"x{k}" for k in range(len(symbols(self.f))))
        return tuple(inspect.signature(self.f).parameters)

    @property
    def pieces(self) -> int:
        """How many pre-activations each unit has."""
        return len(self.arguments)

    @cached_property
    def expression(self) -> Expression:
        """The output as an expression in ``x0``, ``x1``..."""
        return self._in_pieces(self.f)

    @cached_property
    def partial_expressions(self) -> tuple[Expression, ...]:
        """The derivative with respect to each pre-activation, in ``x0``, ``x1``..."""
        if self.partials is None:
            return tuple(differentiate(self.expression, f"x{k}") for k in range(self.pieces))
        return tuple(self._in_pieces(each) for each in self.partials)

    def _in_pieces(self, function: FormulaLike) -> Expression:
        numbered = {name: symbol(f"x{k}") for k, name in enumerate(self.arguments)}
        return substitute(traced(function, self.arguments), numbered)

    def with_values(self, **values: float) -> GatedActivation:
        """Return itself; raise `InputError` if any parameter is given, since there is none."""
        complete_values(self.name, self.params, values)
        return self

    def __call__(self, x: npt.ArrayLike) -> Any:
        """Combine the blocks of the last axis.

        Shapes: `x` (..., pieces * n), the result (..., n).
        """
        given, pieces = self._split(x)
        with np.errstate(all="ignore"):
            result = evaluate(self.expression, pieces, numpy_table())
            return np.broadcast_to(result, pieces["x0"].shape).astype(result_dtype(given))

    def vector_jacobian_product(self, x: npt.ArrayLike, upstream: npt.ArrayLike) -> Any:
        """Return the gradient with respect to `x`, shape (..., pieces * n), for one with respect to the outputs.

        Parameters
        ----------
        x : array_like of shape (..., pieces * n)
            Pre-activations.
        upstream : array_like of shape (..., n)
            The gradient with respect to the outputs.
        """
        given, pieces = self._split(x)
        gradient = np.asarray(upstream, np.float64)
        with np.errstate(all="ignore"):
            parts = [evaluate(each, pieces, numpy_table()) * gradient for each in self.partial_expressions]
            shaped = [np.broadcast_to(each, pieces["x0"].shape) for each in parts]
            return np.concatenate(shaped, axis=-1).astype(result_dtype(given))

    def _split(self, x: npt.ArrayLike) -> tuple[npt.NDArray[Any], dict[str, FloatArray]]:
        given = real_array(self.name, x)
        if given.ndim == 0 or given.shape[-1] % self.pieces:
            raise InputError(
                f"{self.name} splits the last axis into {self.pieces} equal blocks, which the shape {given.shape} "
                f"does not allow; give it {self.pieces} pre-activations for each unit"
            )
        blocks = np.split(given.astype(np.float64), self.pieces, axis=-1)
        return given, {f"x{k}": block for k, block in enumerate(blocks)}

    @cached_property
    def gain(self) -> float:
        """The factor on initial weights, as for `Activation`: all of a unit's maps pass gradient back."""
        points = {f"x{k}": column for k, column in enumerate(_normal_points(self.pieces))}
        with np.errstate(all="ignore"):
            squares = [np.mean(np.square(evaluate(e, points, numpy_table()))) for e in self.partial_expressions]
        mean_square = float(sum(squares))
        return 1.0 / float(np.sqrt(mean_square)) if mean_square > 0 else 1.0

    @property
    def formula(self) -> str:
        """The function as text."""
        return self.definition or to_text(self.expression)


def maxout(pieces: int) -> GatedActivation:
    """Make the largest of several pre-activations; at a tie the first one gets the gradient.

    Examples
    --------
    >>> maxout(3)(np.array([1.0, 5.0, 2.0]))
    array([5.])
    """
    names = [f"x{k}" for k in range(pieces)]
    largest = symbol(names[0])
    for name in names[1:]:
        # False for NaN on either side, so the second condition keeps a NaN on the left.
        keeps = (largest >= symbol(name)) | not_equal(largest, largest)
        largest = where(keeps, largest, symbol(name))
    return GatedActivation(
        name="maxout",
        f=largest,
        definition=f"max({', '.join(names)})",
        summary="For hidden layers: piecewise linear, cannot die, at the price of several linear maps per unit.",
        source="Goodfellow et al. 2013, arXiv:1302.4389; the first of equal pieces gets the gradient",
    )


def _normal_points(dimensions: int) -> list[FloatArray]:
    """Return evenly spread standard normal points (Roberts 2018, the R sequence), a column per dimension."""
    from scipy.special import ndtri

    root = 2.0
    for _ in range(60):  # the positive root of r**(d + 1) = r + 1; the iteration contracts
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = np.arange(1, GAIN_POINTS + 1)
    return [ndtri((0.5 + steps / root**k) % 1.0) for k in range(1, dimensions + 1)]


AnyActivation: TypeAlias = Activation | RowActivation | GatedActivation
