"""Speed of every scalar activation: value, and derivative times upstream, on 4 million float32.

    python benchmarks/activations.py [--elements N] [--rounds N] [--names A,B] [--threads N] [--json FILE]

Actwise's compiled kernels, PyTorch, JAX (jitted) and NumPy (the textbook formula in float32) take turns in
one process (one for each number of threads, held to as many processors), in one order per round; the median
of the rounds counts. Every result is written into memory that exists already, except JAX's, which cannot.
Each timed call follows an untimed one of the same tool: threads of PyTorch and JAX go on turning for a while after
their work and would take the processors from the next tool, and a processor that rested takes milliseconds to wake.
The gradient is ``upstream * f'(x)``: in PyTorch the backward pass of a graph that is built outside the
clock, in JAX the pulled-back upstream, jitted, which computes what it needs of the forward pass itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers.functions import jax_functions, torch_functions

from actwise.activations import ENTRIES, Activation
from actwise.engines.numba import elementwise
from actwise.formula.dialects import evaluate, numpy_table
from actwise.model.layers import activation_formula
from training import machine

RNG = np.random.default_rng(0)


def contenders(each: Activation, x: np.ndarray, upstream: np.ndarray, threads: int) -> dict[str, dict[str, Callable]]:
    """Return for each tool the calls to time."""
    formula, constants, out = activation_formula(each), tuple(each.values.values()), np.empty_like(x)
    found: dict[str, dict[str, Callable[[], Any]]] = {
        "actwise": {
            "value": lambda: elementwise.value(formula, x, constants, threads=threads, out=out),
            "gradient": lambda: elementwise.gradient(formula, x, upstream, constants, threads=threads, out=out),
        }
    }
    if threads == 1:
        values = {name: np.float32(value) for name, value in each.values.items()}
        table = {**numpy_table(), "number": np.float32}

        def numpy_call(expression: Any, factor: Any = None) -> Any:
            with np.errstate(all="ignore"):
                result = evaluate(expression, {"x": x, **values}, table)
            return result if factor is None else result * factor

        found["numpy"] = {
            "value": lambda: numpy_call(each.expression),
            "gradient": lambda: numpy_call(each.derivative_expression, upstream),
        }
    torch_function = torch_functions().get(each.name)
    if torch_function is not None:
        import torch

        torch.set_num_threads(threads)
        leaf = torch.from_numpy(x).requires_grad_()
        plain, pulled = torch.from_numpy(x), torch.from_numpy(upstream)
        graph = torch_function(leaf)

        def torch_value() -> None:
            with torch.no_grad():
                torch_function(plain)

        found["torch"] = {
            "value": torch_value,
            "gradient": lambda: torch.autograd.grad(graph, leaf, pulled, retain_graph=True),
        }
    jax_function = jax_functions().get(each.name)
    if jax_function is not None:
        import jax

        jitted = jax.jit(jax_function)
        pull = jax.jit(lambda a, u: jax.vjp(jax_function, a)[1](u)[0])
        a, u = jax.device_put(x), jax.device_put(upstream)
        found["jax"] = {
            "value": lambda: jitted(a).block_until_ready(),
            "gradient": lambda: pull(a, u).block_until_ready(),
        }
    return found


def measure(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Let the tools take turns; return each one's median seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            call()
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def run(names: list[str], elements: int, rounds: int, threads: int) -> list[dict[str, Any]]:
    """Measure every entry; return a row each."""
    x = (RNG.normal(size=elements) * 3).astype(np.float32)
    upstream = RNG.normal(size=elements).astype(np.float32)
    target = np.empty_like(x)
    rows = []
    for each in ENTRIES:
        if not isinstance(each, Activation) or (names and each.name not in names):
            continue
        tools = contenders(each, x, upstream, threads)
        for kind in ("value", "gradient"):
            calls = {tool: both[kind] for tool, both in tools.items()} | {"copy": lambda: np.copyto(target, x)}
            medians = measure(calls, rounds)
            row = {"name": each.name, "kind": kind, "threads": threads}
            row |= {tool: taken / elements * 1e9 for tool, taken in medians.items()}
            rows.append(row)
            shown = "  ".join(f"{tool} {row[tool]:6.2f}" for tool in calls)
            print(
                f"{each.name:18s} {kind:8s} {threads} thread{'s' * (threads > 1)}  ns per element: {shown}", flush=True
            )
    return rows


def hold_to(threads: int) -> None:
    """Keep every tool to so many processors; JAX, which is not imported yet, takes no number of threads."""
    if threads == 1:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def run_apart(threads: int) -> list[dict[str, Any]]:
    """Run this script for one number of threads, with the options it was given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        command = [sys.executable, __file__, *sys.argv[1:], "--threads", str(threads), "--json", str(path)]
        subprocess.run(command, check=True)
        return list(json.loads(path.read_text("utf-8"))["rows"])


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Hold the rows against the aims of the issue."""
    found: dict[str, Any] = {}
    for threads in sorted({row["threads"] for row in rows}):
        mine = [row for row in rows if row["threads"] == threads]
        rivals = [
            (row, min(row[t] for t in ("torch", "jax") if t in row)) for row in mine if {"torch", "jax"} & row.keys()
        ]
        ratios = [rival / row["actwise"] for row, rival in rivals]
        found[f"{threads} thread(s)"] = {
            "median of (faster of PyTorch and JAX) / Actwise": statistics.median(ratios) if ratios else None,
            "slower than twice the faster peer": [
                f"{r['name']} {r['kind']}" for r, v in rivals if r["actwise"] > 2 * v
            ],
            "median of Actwise / copy": statistics.median(row["actwise"] / row["copy"] for row in mine),
            "beyond 3 copies": [f"{r['name']} {r['kind']}" for r in mine if r["actwise"] > 3 * r["copy"]],
        }
    return found


AIMS = {  # of the summary's figures: the aim, and whether a figure reaches it
    "median of (faster of PyTorch and JAX) / Actwise": ("at least 1", lambda figure: figure >= 1),
    "slower than twice the faster peer": ("none", lambda figure: not figure),
    "median of Actwise / copy": ("at most 3", lambda figure: figure <= 3),
}


def page(result: dict[str, Any]) -> str:
    """Return the results as a Markdown page: the aims, then nanoseconds an element."""
    lines = [
        "# Speed of activations",
        "",
        "Made by `python benchmarks/activations.py --json benchmarks/results/activations.json`: the value, and the",
        "derivative times an upstream gradient, of 4 million float32, medians of rounds in turn",
        f"({result['machine']}, {result['cpus']} processors). Actwise is within 0.51 ulp; how far off the others",
        "are is told by [peer_errors.md](peer_errors.md).",
        "",
    ]
    for threads, figures in result["summary"].items():
        for name, (aim, reaches) in AIMS.items():
            figure = figures[name]
            if figure is None:
                continue
            shown = (", ".join(figure) or "none") if isinstance(figure, list) else f"{figure:.2f}"
            verdict = "reached" if reaches(figure) else "missed"
            lines.append(f"- {threads}, {name}: {shown} (aim: {aim}; **{verdict}**)")
    tools = ("actwise", "torch", "jax", "numpy", "copy")
    for threads in sorted({row["threads"] for row in result["rows"]}):
        lines += ["", f"## Nanoseconds an element, {threads} thread{'s' * (threads > 1)}", ""]
        lines += ["| activation | | " + " | ".join(tools) + " |", "|---" * (2 + len(tools)) + "|"]
        for row in result["rows"]:
            if row["threads"] == threads:
                times = (f"{row[tool]:.2f}" if tool in row else "" for tool in tools)
                lines.append(f"| {row['name']} | {row['kind']} | " + " | ".join(times) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--elements", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--names", default="")
    parser.add_argument("--json", type=Path, help="where results go, and a page of Markdown beside it")
    parser.add_argument("--threads", type=int, help="so many only; not given: one, then all, in a process each")
    options = parser.parse_args()
    names = [name for name in options.names.split(",") if name]
    if options.threads:
        hold_to(options.threads)
        rows = run(names, options.elements, options.rounds, options.threads)
    else:
        rows = [row for threads in dict.fromkeys((1, os.cpu_count() or 1)) for row in run_apart(threads)]
    result = {"machine": machine()["cpu"], "cpus": os.cpu_count(), "summary": summary(rows)}
    print(json.dumps(result["summary"], indent=2))
    if options.json:
        result["rows"] = rows
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        options.json.with_suffix(".md").write_text(page(result), "utf-8")


if __name__ == "__main__":
    main()
