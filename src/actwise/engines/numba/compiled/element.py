"""The type of the arrays' elements: these sources are compiled twice, and this line is what differs."""

import numba

ELEMENT = numba.float64
