"""What a proof found, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

FLOAT32_BOUND = 0.51  # ulp: half a unit is the best that rounding can do
FLOAT64_BOUND = 2.0


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest error that was found, and where.

    Parameters
    ----------
    error : float
        In units in the last place of the true result; infinite where one of the two is NaN.
    at : float
        The argument.
    computed, true : float
        The result and what it should be, both as float64.
    """

    error: float = 0.0
    at: float = math.nan
    computed: float = math.nan
    true: float = math.nan


@dataclass(frozen=True, slots=True)
class FloatProof:
    """The errors of compiled kernels in one type.

    Parameters
    ----------
    value, derivative : Largest
        The largest errors.
    n_points : int
        How many arguments were tried.
    n_exact : int
        How many of them were held against high-precision arithmetic; the others were held against float64
        arithmetic that was itself held against high-precision arithmetic there.
    reference_error : float
        The largest error found in that float64 arithmetic, in ulp of this type.
    """

    value: Largest
    derivative: Largest
    n_points: int
    n_exact: int
    reference_error: float = 0.0

    @property
    def largest(self) -> float:
        """The larger one of the two errors."""
        return max(self.value.error, self.derivative.error)


@dataclass(frozen=True, slots=True)
class FromOutputProof:
    """How far a derivative from the output can be trusted in float32, when the output was rounded to float32.

    Parameters
    ----------
    agrees : bool
        Whether it equals the derivative in exact arithmetic.
    exact_between : tuple of float
        Largest interval around 0 (or around its nearest end) in which it is off by at most 1 ulp.
    half_lost_beyond : tuple of float
        Below the first and above the second argument half of the digits are wrong; infinite where they never are.
    """

    agrees: bool
    exact_between: tuple[float, float]
    half_lost_beyond: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found about one activation.

    Parameters
    ----------
    name : str
        The activation.
    values : dict of str to float
        Its parameters.
    single, double : FloatProof
        The errors in float32 and float64.
    refuted : tuple of str
        The claims that turned out wrong, a sentence each.
    from_output : FromOutputProof or None
        About the derivative from the output, where there is one.
    """

    name: str
    values: dict[str, float]
    single: FloatProof
    double: FloatProof
    refuted: tuple[str, ...] = ()
    from_output: FromOutputProof | None = None

    @property
    def holds(self) -> bool:
        """Whether every promise is kept."""
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """What is not kept, a sentence each."""
        found = []
        for kind, proof, bound in (("float32", self.single, FLOAT32_BOUND), ("float64", self.double, FLOAT64_BOUND)):
            for what, largest in (("value", proof.value), ("derivative", proof.derivative)):
                if not largest.error <= bound:
                    found.append(
                        f"the {what} in {kind} is {largest.error:.4g} ulp off at x = {largest.at!r}: "
                        f"{largest.computed!r} instead of {largest.true!r}"
                    )
        if self.from_output is not None and not self.from_output.agrees:
            found.append("the derivative from the output is not the derivative")
        return (*found, *self.refuted)

    def __str__(self) -> str:
        numbers = ", ".join(
            f"{each.error:.4g}"
            for each in (self.single.value, self.single.derivative, self.double.value, self.double.derivative)
        )
        return f"{self.name}: {numbers} ulp; " + ("; ".join(self.failures) or "holds")
