"""Large batches in two halves, which two threads can share; see `compiled/halves.py`."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np

from actwise.engines.numba import build, engine
from actwise.engines.numba.engine import Context, prepare, set_parameters
from actwise.model.program import ProgramLayer, ProgramLoss

HALVES_WORK = 2**20  # rows times weights of a batch from which two threads pay: about 40 microseconds of work


def is_worked_in_halves(layers: Sequence[ProgramLayer], batch_size: int) -> bool:
    """Whether a batch is large enough for two threads, and its rows do not depend on each other."""
    independent = all(layer.map != "normalising" and not layer.dropout for layer in layers)
    return independent and batch_size * sum(layer.n_weights for layer in layers) >= HALVES_WORK


def halves_of(context: Context, layers: Sequence[ProgramLayer], loss: ProgramLoss) -> dict[str, Context]:
    """Make the two contexts in which halves of a context's batches are worked on, by their names in it."""
    halves = {}
    for name in ("FIRST_HALF", "SECOND_HALF"):
        half = halves[name] = prepare(layers, context.dtype, -(-context.get("BATCH_SIZE") // 2), loss)
        set_parameters(half, context["PARAMETERS"])
        half.hold("GRADIENTS", np.zeros(half.get("N_PARAMETERS"), context.dtype))
    return halves


@contextmanager
def second_thread(context: Context) -> Iterator[None]:
    """Let a second thread take the second halves of batches as long as this lasts."""
    names = build.compiled("halves", context.dtype.name)
    shared = context.hold("TEAM", np.zeros(names.TEAM_SIZE, np.int64))
    context.set(YIELD=_yield_address())
    dtype = context.dtype.name
    serve = engine.training_stage(build.stage("halves", "serve", dtype).address, dtype)
    thread = threading.Thread(target=serve, args=(context.integers.ctypes.data, 0, 0, 0), daemon=True)
    thread.start()
    try:
        yield
    finally:
        shared[names.ASKED] = names.STOP
        thread.join()
        context.set(TEAM=0)


@cache
def _yield_address() -> int:
    """Return the address of the system's function that lets other threads run."""
    windows = sys.platform == "win32"
    function = ctypes.CDLL("kernel32").SwitchToThread if windows else ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
