"""The record that declares an activation, and what follows from it by computation.

A declaration holds what a test can refute; everything that can be computed is computed. The two forms of
a derivative are of different kinds: ``df_x`` is a formula in the pre-activation ``x`` and ``df_y`` a
`FromOutput`, a formula in the output ``y``. Nothing that takes one accepts the other.
"""

from __future__ import annotations

import inspect
import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from actwise.activations.estimates import Estimates, estimate
from actwise.errors import InputError, suggest
from actwise.formula import stabilise
from actwise.formula.compensate import compensated
from actwise.formula.dialects import evaluate, numpy_table
from actwise.formula.expression import Expression
from actwise.formula.parse import parse, trace
from actwise.formula.readable import without_nan_guards
from actwise.formula.render import to_text
from actwise.formula.simplify import simplify

RESERVED_NAMES = re.compile(r"[xygt]|x\d+")  # symbols that formulas use for other things
FormulaLike: TypeAlias = "Callable[..., Any] | Expression"
FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
ZERO_CENTRED_BELOW = 1e-3  # mean output for standard normal input that counts as zero


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of an activation.

    Parameters
    ----------
    default : float
        The value when none is given.
    trained : bool
        Whether training changes it.
    low, high : float
        The values allowed, ends included.
    meaning : str
        What it does, in a few words.
    aliases : tuple of str
        Other names that frameworks use.
    """

    default: float
    trained: bool = False
    low: float = -np.inf
    high: float = np.inf
    meaning: str = ""
    # Spellings for those who make an activation; a saved one is made already.
    aliases: tuple[str, ...] = field(default=(), metadata={"saved": False})


@dataclass(frozen=True, slots=True)
class FromOutput:
    """A derivative that is computed from the output ``y`` instead of the pre-activation.

    Parameters
    ----------
    f : callable or Expression
        The formula, a function of ``y`` and the parameters.
    when : callable
        For which parameter values it holds.
    """

    f: FormulaLike
    when: Callable[..., bool] = lambda **_: True


@dataclass(frozen=True, slots=True)
class Claims:
    """What a declaration says about its function; the proof tries to refute each.

    A claim that depends on parameters is a function of them.

    Parameters
    ----------
    range : tuple of float, or callable
        Infimum and supremum of the outputs.
    kinks : tuple of float, or callable
        Where the derivative jumps.
    monotonic : bool or callable
        Whether the function never decreases.
    odd : bool or callable
        Whether ``f(-x) == -f(x)``.
    lipschitz : float or callable
        The largest absolute slope.
    """

    range: Any = (-np.inf, np.inf)
    kinks: Any = ()
    monotonic: Any = True
    odd: Any = False
    lipschitz: Any = 1.0


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation function of one number: declared once, used everywhere.

    Parameters
    ----------
    name : str
        The name in the catalogue, or the text of a user's formula.
    f : callable or Expression
        The function of ``x`` and the parameters, in its numerically stable form.
    df_x : callable or Expression
        Its derivative, from the pre-activation.
    df_y : FromOutput or None
        The derivative from the output, where one exists.
    params : mapping of str to Param
        The parameters.
    claims : Claims or None
        What the function is said to be; None for a user's formula, for which it is estimated.
    aliases : tuple of str
        Other names that frameworks use.
    definition : str
        The function as a textbook writes it, in the parser's notation: what people are shown, and what the
        proof holds `f` and `df_x` against. Empty for a user's formula.
    summary : str
        When to use it and when not, one or two sentences.
    source : str
        Paper or textbook.
    values : mapping of str to float
        Parameter values; missing ones take their default.

    Examples
    --------
    >>> import actwise as aw
    >>> relu = aw.activation("relu")
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    >>> relu.derivative(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """

    name: str
    f: FormulaLike
    df_x: FormulaLike
    df_y: FromOutput | None = None
    params: Mapping[str, Param] = field(default_factory=dict)
    claims: Claims | None = None
    aliases: tuple[str, ...] = ()
    definition: str = ""
    summary: str = ""
    source: str = ""
    values: Mapping[str, float] = field(default_factory=dict)

    kind: Literal["scalar"] = field(default="scalar", init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", complete_values(self.name, self.params, self.values))

    def __repr__(self) -> str:
        return self.shown(self.values)

    def shown(self, values: Mapping[str, float]) -> str:
        """Write the activation with such parameter values, as `repr` does with its own."""
        given = "".join(f", {name}={value:g}" for name, value in values.items())
        return f"activation({self.name!r}{given})"

    @cached_property
    def expression(self) -> Expression:
        """The function as an expression in ``x`` and the parameters."""
        return traced(self.f, ("x", *self.params))

    @cached_property
    def derivative_expression(self) -> Expression:
        """The derivative as an expression in ``x`` and the parameters."""
        return traced(self.df_x, ("x", *self.params))

    @cached_property
    def derivative_from_output_expression(self) -> Expression | None:
        """The derivative as an expression in ``y``, or None where these parameters do not allow it."""
        if self.df_y is None or not self.df_y.when(**self.values):
            return None
        return traced(self.df_y.f, ("y", *self.params))

    def with_values(self, **values: float) -> Activation:
        """Return the same activation with other parameter values.

        Raises
        ------
        InputError
            If a parameter does not exist or its value is not allowed.
        """
        return replace(self, values={**self.values, **own_names(self.name, self.params, values)}) if values else self

    def __call__(self, x: npt.ArrayLike) -> Any:
        """Apply the function elementwise.

        Result: outputs, of the same shape and (for float32 and float64) the same dtype. The arithmetic is
        done in float64.
        """
        return self._apply(self.expression, "x", x)

    def derivative(self, x: npt.ArrayLike) -> Any:
        """Return the derivative at pre-activations `x`; see `__call__` for shapes and dtypes."""
        return self._apply(self.derivative_expression, "x", x)

    def derivative_from_output(self, y: npt.ArrayLike) -> Any:
        """Return the derivative at the pre-activations whose outputs are `y`.

        Raises
        ------
        InputError
            If the derivative is not a function of the output.
        """
        expression = self.derivative_from_output_expression
        if expression is None:
            raise InputError(
                f"the derivative of {self.name} is not a function of its output (with these parameters); "
                f"call .derivative(x) with the pre-activation instead"
            )
        return self._apply(expression, "y", y)

    def _apply(self, expression: Expression, variable: str, array: npt.ArrayLike) -> Any:
        given = real_array(self.name, array)
        values = {variable: given.astype(np.float64), **self.values}
        wanted = result_dtype(given)
        exact = compensated(expression) if wanted == np.float64 else expression
        with np.errstate(all="ignore"):
            result = evaluate(exact, values, numpy_table())
            return np.broadcast_to(result, given.shape).astype(wanted)[()]

    @property
    def range(self) -> tuple[float, float]:
        """Infimum and supremum of the outputs."""
        low, high = self._claim("range")
        return float(low), float(high)

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where the derivative jumps."""
        return tuple(float(each) for each in self._claim("kinks"))

    @property
    def monotonic(self) -> bool:
        """Whether the function never decreases."""
        return bool(self._claim("monotonic"))

    @property
    def odd(self) -> bool:
        """Whether ``f(-x) == -f(x)``."""
        return bool(self._claim("odd"))

    @property
    def lipschitz(self) -> float:
        """The largest absolute slope."""
        return float(self._claim("lipschitz"))

    @cached_property
    def estimates(self) -> Estimates:
        """What is found about the function by trying, whatever is claimed."""
        return estimate(self)

    def _claim(self, name: str) -> Any:
        if self.claims is None:
            return getattr(self.estimates, name)
        claimed = getattr(self.claims, name)
        return claimed(**self.values) if callable(claimed) else claimed

    @cached_property
    def zero_centred(self) -> bool:
        """Whether the mean output for standard normal input is 0."""
        return abs(_normal_mean(self(_NODES))) < ZERO_CENTRED_BELOW

    @cached_property
    def gain(self) -> float:
        """The factor on initial weights that keeps gradients from vanishing or exploding.

        It is ``1 / sqrt(E[f'(Z)**2])`` for standard normal Z: the square root of 2 for ReLU (He et al. 2015,
        arXiv:1502.01852), 1 for the identity (Glorot and Bengio 2010), and the edge between vanishing and
        exploding gradients for any other function (Schoenholz et al. 2017, arXiv:1611.01232).
        """
        if self.claims is None and not self.estimates.is_defined(_NODES[-1]):
            return 1.0  # beside a pole the mean depends on where the points happen to lie
        with np.errstate(over="ignore"):
            mean_square = _normal_mean(np.square(self.derivative(_NODES)))
        return 1.0 / float(np.sqrt(mean_square)) if mean_square > 0 else 1.0

    @property
    def formula(self) -> str:
        """The function as text, as a textbook writes it."""
        return self.definition or to_text(self.expression)

    @cached_property
    def defining_expression(self) -> Expression:
        """The definition as an expression; `f` itself where there is none."""
        return parse(self.definition, parameters=[*self.params]) if self.definition else self.expression

    @cached_property
    def derivative_formula(self) -> str:
        """The derivative as text: that of the definition, or as it is declared where that is shorter.

        With kinks it is always the declared one, since the definition does not say what the slope is there.
        """
        declared = to_text(simplify(without_nan_guards(self.derivative_expression)))
        if not self.definition or self.kinks:
            return declared
        return min(to_text(stabilise.derivative(self.defining_expression)), declared, key=len)

    @property
    def derivative_from_output_formula(self) -> str | None:
        """The derivative in terms of the output as text, or None where there is none."""
        expression = self.derivative_from_output_expression
        return None if expression is None else to_text(simplify(without_nan_guards(expression)))


def _midpoint_rule() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    # Points at equal steps of probability mass converge for kinked functions too, unlike Gauss-Hermite.
    grid = (np.arange(36_000) + 0.5) / 2_000 - 9.0  # midpoints: no point lies on a kink at 0
    density = np.exp(-(grid**2) / 2)
    return grid, density / density.sum()


_NODES, _WEIGHTS = _midpoint_rule()


def _normal_mean(values: FloatArray) -> float:
    with np.errstate(all="ignore"):  # infinities of both signs
        return float(np.sum(values * _WEIGHTS))


def real_array(name: str, array: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return what was given as an array of real numbers."""
    given = np.asarray(array)
    if given.dtype.kind not in "fiub":
        raise InputError(f"{name} takes real numbers, not {given.dtype}; convert the array to float first")
    return given


def result_dtype(given: npt.NDArray[Any]) -> npt.DTypeLike:
    """Return the dtype of results: that of small floats is kept, all others give float64."""
    return given.dtype if given.dtype in (np.float32, np.float16) else np.float64


def own_names(name: str, params: Mapping[str, Param], given: Mapping[str, float]) -> dict[str, float]:
    """Call parameters that are given by a framework's name by their own."""
    meant = {alias: key for key, param in params.items() for alias in param.aliases}
    called: dict[str, float] = {}
    for key, value in given.items():
        own = meant.get(key, key)
        if own in called:
            raise InputError(f"activation {name!r} is given its parameter {own!r} under two names: give one of them")
        called[own] = value
    return called


def complete_values(name: str, params: Mapping[str, Param], given: Mapping[str, float]) -> dict[str, float]:
    """Check parameter values and fill in the defaults."""
    for key in params:
        # Python reads ﬁ and fi as one name, and the source texts of kernels and exports are made of these names.
        plain = key.isidentifier() and unicodedata.normalize("NFKC", key) == key
        if not plain or keyword.iskeyword(key) or RESERVED_NAMES.fullmatch(key):
            raise InputError(
                f"a parameter of {name!r} cannot be called {key!r}: x is the pre-activation, y the output, g a "
                f"gradient and t a target; call it 'alpha' or another word"
            )
    for key, value in given.items():
        if key not in params:
            hint = suggest(key, params, noun="its parameters") if params else "it has no parameters"
            raise InputError(f"activation {name!r} has no parameter {key!r}; {hint}")
        if not isinstance(value, int | float | np.floating | np.integer) or not np.isfinite(value):
            raise InputError(f"parameter {key!r} of activation {name!r} must be a finite number, not {value!r}")
        low, high = params[key].low, params[key].high
        if not low <= value <= high:
            raise InputError(
                f"parameter {key!r} of activation {name!r} must lie between {low:g} and {high:g}, not {value!r}"
            )
    return {key: float(given.get(key, param.default)) for key, param in params.items()}


def traced(function: FormulaLike, names: tuple[str, ...]) -> Expression:
    """Read a declaration's formula; it may leave out names that it does not need."""
    if isinstance(function, Expression):
        return function
    wanted = inspect.signature(function).parameters
    return trace(function, tuple(each for each in names if each in wanted), require_variable=False)
