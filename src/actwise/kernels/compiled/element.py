"""The type of the arrays' elements: these sources are compiled twice, and this line is what differs."""

from numba import float64 as ELEMENT  # noqa: F401, N812
