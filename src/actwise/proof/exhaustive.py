"""Tries every float32 number there is: 2**32 arguments, in blocks, with a file that keeps what is done.

The compiled float32 kernels are held against the compiled float64 kernels of the same activation, which use
other elementary functions. Wherever the two differ by more than rounding explains, and wherever the error is
largest, high-precision arithmetic decides.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.activations.reference import Reference
from actwise.errors import InputError
from actwise.proof.compiled import ValueAndDerivative, compiled, kernel_digest
from actwise.proof.records import FLOAT32_BOUND, Largest
from actwise.proof.ulp import error_against_exact

BLOCK = 2**24  # arguments between two lines of the state file
PIECE = 2**15  # arguments at once: all arrays stay in the processor's cache
BLOCKS = range(2**32 // BLOCK)
SUSPICIOUS = 0.5025  # ulp; larger errors against float64 are decided exactly
MOST_SUSPECTS = 64  # per block and result; beyond, the largest ones


@dataclass(frozen=True, slots=True)
class ExhaustiveProof:
    """The largest errors over all float32 arguments.

    Parameters
    ----------
    name : str
        The activation.
    value, derivative : Largest
        The largest errors.
    n_suspects : int
        How many results were decided by high-precision arithmetic.
    seconds : float
        Time taken by all blocks together, on one thread.
    """

    name: str
    value: Largest
    derivative: Largest
    n_suspects: int
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether both errors are within 0.51 ulp."""
        return max(self.value.error, self.derivative.error) <= FLOAT32_BOUND


def prove_exhaustively(
    activation: Activation,
    state_path: str | os.PathLike[str],
    on_progress: Callable[[int, int], None] | None = None,
    n_threads: int | None = None,
) -> ExhaustiveProof:
    """Find the largest errors over all 2**32 float32 arguments.

    `state_path`: A file that gets a line for every finished block; a run that was interrupted goes on
    from there.
    `n_threads`: threads; as many as there are processors where not given.
    """
    path = Path(state_path)
    done = _read_state(path, activation)
    single, double = compiled(activation, np.float32), compiled(activation, np.float64, plain=True)
    _compare()  # compiled before threads want it
    reference = Reference(activation)
    if on_progress is not None:
        on_progress(len(done), len(BLOCKS))
    with ThreadPoolExecutor(n_threads or os.cpu_count() or 1) as pool, path.open("a", encoding="utf-8") as file:
        tasks = [pool.submit(_block, single, double, each) for each in BLOCKS if each not in done]
        try:
            for task in as_completed(tasks):
                record = _decided(task.result(), reference)
                file.write(json.dumps(record) + "\n")
                file.flush()
                done[record["block"]] = record
                if on_progress is not None:
                    on_progress(len(done), len(BLOCKS))
        finally:
            for task in tasks:
                task.cancel()
    value, derivative = (
        max((Largest(*record[which]) for record in done.values()), key=lambda each: each.error)
        for which in ("value", "derivative")
    )
    return ExhaustiveProof(
        activation.name,
        value,
        derivative,
        sum(record["n_suspects"] for record in done.values()),
        sum(record["seconds"] for record in done.values()),
    )


def fingerprint(activation: Activation) -> str:
    """Hash what was proven: the float32 kernels with all code in them, the truth and the parameters.

    The float64 kernels are left out, since they only point at the results that high-precision arithmetic decides.
    """
    texts = [
        kernel_digest(activation, np.float32),
        repr(activation.defining_expression),
        repr(sorted(activation.values.items())),
    ]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _read_state(path: Path, activation: Activation) -> dict[int, dict[str, Any]]:
    header = {"activation": activation.name, "fingerprint": fingerprint(activation), "block": -1}
    if not path.exists() or not path.stat().st_size:
        path.write_text(json.dumps(header) + "\n", "utf-8")
        return {}
    lines = path.read_text("utf-8").splitlines()
    try:
        records = [json.loads(line) for line in lines]
    except json.JSONDecodeError:
        records = _complete_lines(path, lines)
    if not records or records[0] != header:
        raise InputError(f"{path} was made for another activation or an older version of it; delete it or name another")
    return {record["block"]: record for record in records[1:]}


def _complete_lines(path: Path, lines: list[str]) -> list[Any]:
    """Drop a last line that an interruption cut off."""
    try:
        records = [json.loads(line) for line in lines[:-1]]
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not a state file of this check; delete it or name another") from error
    path.write_text("".join(line + "\n" for line in lines[:-1]), "utf-8")
    return records


def _block(single: ValueAndDerivative, double: ValueAndDerivative, index: int) -> dict[str, Any]:
    started = time.perf_counter()
    suspects: tuple[list[tuple[float, float, float]], ...] = ([], [])
    compare, inverse_ulp = _compare(), _inverse_ulp()
    for first in range(index * BLOCK, (index + 1) * BLOCK, PIECE):
        x = np.arange(first, first + PIECE, dtype=np.uint64).astype(np.uint32).view(np.float32)
        with np.errstate(invalid="ignore"):  # signalling NaN
            wide = x.astype(np.float64)
        for found, computed, true in zip(suspects, single(x), double(wide), strict=True):
            errors = np.empty(PIECE)
            worst = compare(computed, true, true.view(np.int64), inverse_ulp, errors)
            least = found[0][0] if found else 0.0
            if worst > min(SUSPICIOUS, max(least, 0.0)) or not found:
                _keep_largest(found, x, computed, errors)
    return {"block": index, "suspects": suspects, "seconds": time.perf_counter() - started}


def _keep_largest(
    found: list[tuple[float, float, float]], x: Any, computed: Any, errors: npt.NDArray[np.float64]
) -> None:
    """Keep the suspicious results, at most so many, and always the largest error."""
    candidates = np.flatnonzero(errors > SUSPICIOUS)
    if not candidates.size:
        candidates = np.array([np.argmax(errors)])
    found += [(float(errors[k]), float(x[k]), float(computed[k])) for k in candidates]
    found.sort(reverse=True)
    del found[MOST_SUSPECTS:]
    while len(found) > 1 and found[-1][0] <= SUSPICIOUS:
        found.pop()


def _decided(record: dict[str, Any], reference: Reference) -> dict[str, Any]:
    """Replace the errors of suspects by exact ones and keep the largest."""
    result = {"block": record["block"], "seconds": round(record["seconds"], 3), "n_suspects": 0}
    for which, name in enumerate(("value", "derivative")):
        suspects = record["suspects"][which]
        points = [x for _, x, _ in suspects]
        true = reference.at(points)[which]
        computed = np.array([each for _, _, each in suspects], np.float64).astype(np.float32)
        errors = error_against_exact(computed, true)
        at = int(np.argmax(errors))
        wanted = float("nan") if true[at] is None else float(true[at])
        result[name] = [float(errors[at]), points[at], float(computed[at]), wanted]
        result["n_suspects"] += sum(1 for error, _, _ in suspects if error > SUSPICIOUS)
    return result


@cache
def _inverse_ulp() -> npt.NDArray[np.float64]:
    """Return 1 / ulp in float32 for every biased exponent of a float64."""
    exponents = np.clip(np.arange(2048) - 1023, -126, 127)
    return np.ldexp(1.0, 23 - exponents)


@cache
def _compare() -> Callable[..., float]:
    from numba import njit

    @njit(nogil=True, error_model="numpy")
    def compare(computed: Any, true: Any, true_bits: Any, inverse_ulp: Any, errors: Any) -> float:
        worst = 0.0
        top = 2.0**128
        for i in range(computed.size):
            found, wanted = float(computed[i]), true[i]
            found = min(max(found, -top), top) if found == found else found
            wanted = min(max(wanted, -top), top) if wanted == wanted else wanted
            error = abs(found - wanted) * inverse_ulp[(true_bits[i] >> 52) & 0x7FF]
            if error != error:
                error = 0.0 if (found != found) & (wanted != wanted) else np.inf
            errors[i] = error
            worst = max(worst, error)
        return worst

    compare(np.ones(1, np.float32), np.ones(1), np.ones(1, np.int64), _inverse_ulp(), np.ones(1))
    result: Callable[..., float] = compare
    return result
