"""A peer's process: reads the work, gets ready, then trains whenever the measuring process says so.

    python -m peers.worker FOLDER PEER THREADS

Each line of standard input is ``REPEATS NETWORKS KEEP``; each answer is a line of JSON with the seconds it took.
With KEEP the result is written to FOLDER/PEER.npz, to be compared with the others'.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path

# A peer is "module:function"; function(work, given, threads) returns run(repeats, networks) -> result: a list of
# trained networks (each a list of weights and biases), or an array of outputs.
PEERS = {
    "actwise": "ours:trainer",
    "estimator": "ours:estimator",
    "jax": "with_jax:trainer",
    "torch": "with_torch:eager",
    "torch.compile": "with_torch:compiled",
    "scikit-learn": "with_sklearn:trainer",
    "numpy": "numpy_loop:trainer",
    "limit": "products:multiplier",
}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def environment(threads: int) -> dict[str, str]:
    """Return the environment that holds every library to so many threads (affinity holds the others)."""
    several = str(threads > 1).lower()
    flags = f"--xla_cpu_multi_thread_eigen={several} intra_op_parallelism_threads={threads}"
    return {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


def main(folder: Path, peer: str, threads: int) -> None:
    """Serve until standard input ends."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints must not look like an answer
    started = time.perf_counter()
    import numpy as np
    from works import read

    work, given = read(folder)
    module, function = PEERS[peer].split(":")
    run = getattr(import_module(f"peers.{module}"), function)(work, given, threads)
    print(json.dumps({"seconds": time.perf_counter() - started}), file=answers, flush=True)
    for line in sys.stdin:
        repeats, networks, keep = map(int, line.split())
        before = time.perf_counter()
        result = run(repeats, networks)
        seconds = time.perf_counter() - before
        if keep and isinstance(result, list):
            pairs = [(np.stack([net[i][p] for net in result])) for i in range(len(result[0])) for p in (0, 1)]
            np.savez(folder / f"{peer}.npz", *pairs)
        elif keep and result is not None:
            np.savez(folder / f"{peer}.npz", result)
        print(json.dumps({"seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
