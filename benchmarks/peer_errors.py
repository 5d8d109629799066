"""How exact are PyTorch's and JAX's activations in float32? Largest errors beside Actwise's.

    python benchmarks/peer_errors.py [--points N] [--markdown FILE] [--json FILE]

Every function that a peer has is evaluated, with its derivative, at the declared hard points and at random
float32 numbers of all sizes, on the CPU. The truth is the float64 evaluation of the declaration, which
`actwise check --all` holds within 2 ulp of mpmath. An error is given in units in the last place of the true
result; where no digit is right at all, as in 0 for something that is not 0, the table says "all digits" and
where that happens nearest to 0. Points at a kink are left out of derivatives: there conventions differ.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers.functions import jax_functions, torch_functions

from actwise.activations import ENTRIES, Activation
from actwise.proof.compiled import compiled
from actwise.proof.points import hard_points, random_points
from actwise.proof.ulp import error_against_float64

Both = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
ALL_DIGITS = 0.5  # relative error from which a result says nothing about the true one


def torch_both(function: Callable[[Any], Any]) -> Both:
    """Value and derivative by PyTorch."""
    import torch

    def both(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        value = function(leaf)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach().numpy(), slope.numpy()

    return both


def jax_both(function: Callable[[Any], Any]) -> Both:
    """Value and derivative by JAX."""
    import jax
    import jax.numpy as jnp

    call = jax.jit(lambda x: (function(x), jax.vjp(function, x)[1](jnp.ones_like(x))[0]))
    return lambda x: tuple(np.asarray(each) for each in call(x))


def judged(computed: np.ndarray, true: np.ndarray, x: np.ndarray, use: np.ndarray) -> dict[str, Any]:
    """Largest error, where it is, and the largest true result of which no digit is right."""
    errors = np.where(use, error_against_float64(computed.astype(np.float32), true), 0.0)
    at = int(np.argmax(errors))
    with np.errstate(all="ignore"):
        relative = np.abs(computed.astype(np.float64) - true) / np.abs(true)
        # Results that float32 cannot hold apart from 0 are no error of the function.
        lost = use & ~(relative < ALL_DIGITS) & (np.abs(true) > np.finfo(np.float32).tiny)
        lost &= np.abs(true) <= np.finfo(np.float32).max
        lost |= use & np.isnan(computed) & ~np.isnan(true)
    worst = x[lost][np.argmax(np.nan_to_num(np.abs(true[lost])))] if lost.any() else None
    return {
        "ulp": float(errors[at]),
        "at": float(x[at]),
        "all digits at": None if worst is None else float(worst),
    }


def run(n_points: int) -> list[dict[str, Any]]:
    """Judge every function; return a row each."""
    rng = np.random.default_rng(0)
    rows = []
    for each in ENTRIES:
        if not isinstance(each, Activation):
            continue
        x = np.concatenate([hard_points(each, np.float32), random_points(n_points, np.float32, rng)])
        x = x[~np.isnan(x)]
        true = (each(x.astype(np.float64)), each.derivative(x.astype(np.float64)))
        off_kinks = ~np.isin(x, np.array(each.kinks, np.float32))
        tools: dict[str, Both] = {"actwise": compiled(each, np.float32)}
        if each.name in torch_functions():
            tools["torch"] = torch_both(torch_functions()[each.name])
        if each.name in jax_functions():
            tools["jax"] = jax_both(jax_functions()[each.name])
        row: dict[str, Any] = {"name": each.name}
        for tool, both in tools.items():
            found = both(x)
            row[tool] = {
                "value": judged(found[0], true[0], x, np.ones_like(off_kinks)),
                "derivative": judged(found[1], true[1], x, off_kinks),
            }
        rows.append(row)
        print(
            f"{each.name}: "
            + ", ".join(f"{t} {row[t]['value']['ulp']:.3g} {row[t]['derivative']['ulp']:.3g}" for t in tools)
        )
    return rows


def cell(found: dict[str, Any] | None) -> str:
    """One cell of the table."""
    if found is None:
        return ""
    if found["all digits at"] is not None:
        return f"all digits, x = {found['all digits at']:.4g}"
    return f"{found['ulp']:.2f}" if found["ulp"] < 1000 else f"{found['ulp']:.1e}"


def markdown(rows: list[dict[str, Any]], n_points: int) -> str:
    """The table as a page."""
    import jax
    import torch

    lines = [
        "# Errors in float32: Actwise, PyTorch, JAX",
        "",
        f"Largest error in ulp over the hard points and {n_points:,} random float32 numbers, on the CPU; PyTorch "
        f'{torch.__version__}, JAX {jax.__version__}. "all digits" means that no digit is right there '
        "(0 for a number that is not 0, or NaN). An empty cell: the tool has no such function.",
        "",
        "Made by `python benchmarks/peer_errors.py --markdown benchmarks/results/peer_errors.md`.",
        "",
        "| function | Actwise f | PyTorch f | JAX f | Actwise f' | PyTorch f' | JAX f' |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            cell(row.get(tool, {}).get(kind))
            for kind in ("value", "derivative")
            for tool in ("actwise", "torch", "jax")
        ]
        lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=500_000)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = run(options.points)
    if options.markdown:
        options.markdown.write_text(markdown(rows, options.points), "utf-8")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
