"""The limit: the matrix products of a step's shapes and nothing else, each with the fastest BLAS call found.

For a step these are, for every layer, the forward product, the gradient of the weights and (but for the first layer)
the gradient of the inputs. Each is called in a compiled loop through Numba's ``np.dot``, that is SciPy's OpenBLAS
``sgemm``, with either operand stored plain or transposed and with one thread up to those allowed; the fastest of
these combinations counts. Operands stay in the cache, and nobody waits for Python: a hard limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import numba
import numpy as np
from threadpoolctl import threadpool_limits
from works import Given, Work

TRIAL_SECONDS = 0.02
ROWS_AT_ONCE = 256  # of a prediction of many rows: a product of a million rows at once is slower


@numba.njit(cache=True)
def _repeat(a: np.ndarray, b: np.ndarray, out: np.ndarray, times: int) -> None:
    for _ in range(times):
        np.dot(a, b, out)


def shapes(work: Work) -> list[tuple[int, int, int]]:
    """Return (m, k, n) of each product (m, k) @ (k, n) of a step."""
    rows = min(work.batch, ROWS_AT_ONCE) if work.kind == "predict" else min(work.batch, work.rows)
    layers = list(pairwise(work.sizes))
    found = [(rows, before, after) for before, after in layers]
    if work.kind == "train":
        found += [(before, rows, after) for before, after in layers]
        found += [(rows, after, before) for before, after in layers[1:]]
    return found


def _clock(a: np.ndarray, b: np.ndarray, out: np.ndarray, times: int) -> float:
    before = time.perf_counter()
    _repeat(a, b, out, times)
    return (time.perf_counter() - before) / times


def multiplier(work: Work, given: Given, threads: int) -> Callable[[int, int], None]:
    """Find the best call for each product; running it takes as long as all of an epoch's products."""
    rng = np.random.default_rng(0)
    chosen = []
    for m, k, n in shapes(work):
        a, b, out = (rng.standard_normal(size, np.float32) for size in ((m, k), (k, n), (m, n)))
        tried = []
        for left in (a, np.asfortranarray(a)):
            for right in (b, np.asfortranarray(b)):
                for count in range(1, 2 if work.networks > 1 else threads + 1):
                    with threadpool_limits(count, user_api="blas"):
                        _clock(left, right, out, 1)
                        times = max(1, int(TRIAL_SECONDS / _clock(left, right, out, 10)))
                        tried.append((_clock(left, right, out, times), count, left, right, out))
        chosen.append(min(tried, key=lambda each: each[0])[1:])
    # The networks of a population are independent: their products can use all threads at once.
    share = threads if work.networks > 1 else 1
    calls = work.rows // ROWS_AT_ONCE if work.kind == "predict" and work.rows > ROWS_AT_ONCE else work.steps

    def run(repeats: int, networks: int) -> None:
        for count, left, right, out in chosen:
            with threadpool_limits(count, user_api="blas"):
                _repeat(left, right, out, max(1, repeats * calls * networks // share))

    return run
