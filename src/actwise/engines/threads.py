"""Work that threads share: compiled code releases the GIL, so that they run at the same time."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise

# So that a thread whose processor other programs take keeps the others waiting for a small piece only.
PIECES_PER_THREAD = 4


@cache
def processors() -> int:
    """Count the processors that this process may use; asked once, since the answer takes some microseconds."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(processors(), thread_name_prefix="actwise")


if hasattr(os, "register_at_fork"):
    # Threads do not survive in a forked process: the child makes a pool of its own.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def share(run: Callable[[int, int], None], size: int, threads: int, smallest: int) -> None:
    """Split a number of items over threads, the caller's among them: whoever is free takes the next piece."""
    threads = max(1, min(threads, processors(), size // smallest))
    if threads == 1:
        run(0, size)
        return
    pieces = min(PIECES_PER_THREAD * threads, size // smallest)
    left = list(pairwise(size * k // pieces for k in range(pieces + 1)))

    def work() -> None:
        while True:
            try:
                start, end = left.pop()
            except IndexError:  # nothing is left
                return
            run(start, end - start)

    others = [_pool().submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        left.clear()
        wait(others)  # they write into the caller's memory
    for each in others:
        each.result()
