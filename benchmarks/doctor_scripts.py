"""Tiny hand-written networks with one planted bug: the functions that such a script holds, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import actwise as aw
from actwise.handwritten import FunctionsDiagnosis

GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0], "NAND": [1, 1, 1, 0], "XNOR": [1, 0, 0, 1]}
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
NAMES = {name: getattr(np, name) for name in ("exp", "log", "log1p", "expm1", "tanh", "sqrt", "abs", "where", "maximum",
                                              "minimum", "cosh", "sinh", "arctan", "sin", "cos", "sign")}  # fmt: skip


def function_of(text: str, variable: str = "x") -> Callable[[Any], Any]:
    """Make a NumPy function of a formula in the file."""
    code = compile(text, "formula", "eval")
    names = {**NAMES, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "relu": lambda x: np.maximum(x, 0)}

    def f(x: Any) -> Any:
        with np.errstate(all="ignore"):
            made = eval(code, {"__builtins__": {}}, {**names, variable: x, "x": x, "y": x})  # the benchmark's own file
        return np.broadcast_to(np.asarray(made, float), np.shape(x)) * 1.0

    return f


class Script:
    """The functions of one script."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.f = function_of(case["activation"])
        self.g = function_of(case["output_activation"])
        self.df = function_of(case["derivative"]["text"])
        self.dg = function_of(case["output_derivative"]["text"])
        self.y = np.array(GATES[case["gate"]], float).reshape(-1, 1)
        if isinstance(case.get("targets"), list):
            self.y = np.array(case["targets"], float).reshape(4, -1)

    def start(self, seed: int = 0) -> list[np.ndarray[Any, Any]]:
        """Draw the initial weights as the script does."""
        rng, init = np.random.default_rng(seed), self.case["init"]
        found = []
        for n_in, n_out in zip(self.case["layers"][:-1], self.case["layers"][1:], strict=True):
            shapes = [(n_in, n_out), (n_out,)] if self.case["bias"] else [(n_in, n_out)]
            for shape in shapes:
                arguments = init.get("args", [])
                if init["kind"] == "constant":
                    found.append(np.full(shape, float(arguments[0])))
                elif init["kind"] == "uniform":
                    found.append(rng.uniform(arguments[0], arguments[1], shape))
                elif init["kind"] == "zeros":
                    found.append(np.zeros(shape))
                else:
                    found.append(rng.normal(0, arguments[0], shape))
        return found

    def passes(self, p: list[Any], rows: Any) -> list[tuple[Any, Any, Any]]:
        """Return input, pre-activation and output of each layer."""
        step = 2 if self.case["bias"] else 1
        n = len(self.case["layers"]) - 1
        found = []
        for k in range(n):
            z = rows @ p[k * step] + (p[k * step + 1] if self.case["bias"] else 0.0)
            out = (self.g if k == n - 1 else self.f)(z)
            found.append((rows, z, out))
            rows = out
        return found

    def forward(self, p: list[Any], rows: Any) -> Any:
        """Compute the outputs."""
        return self.passes(p, rows)[-1][2]

    def gradient(self, p: list[Any], rows: Any, targets: Any) -> list[Any]:
        """Compute what the script subtracts, times its rate: with its bugs."""
        case, step = self.case, 2 if self.case["bias"] else 1
        passed = self.passes(p, rows)
        made: list[Any] = [None] * len(p)
        error = passed[-1][2] - targets
        upstream = error
        for k in range(len(passed) - 1, -1, -1):
            inputs, z, out = passed[k]
            last = k == len(passed) - 1
            slope, what = (self.dg, case["output_derivative"]) if last else (self.df, case["derivative"])
            factor = slope(out if what["called_with"] == "y" else z)
            delta = upstream if last and case["output_delta"] == "error" else upstream * factor
            made[k * step] = inputs.T @ delta
            if case["bias"]:
                made[k * step + 1] = delta.sum(axis=0)
            upstream = delta @ p[k * step].T
            if case["hidden_error"] == "output_error":
                upstream = np.broadcast_to(error.sum(axis=1, keepdims=True), upstream.shape)
        sign = -1.0 if case["direction"] == "ascend" else 1.0
        return [sign * each for each in made]


def diagnose(case: dict[str, Any]) -> FunctionsDiagnosis:
    """Hand the functions of a script to the doctor."""
    script = Script(case)
    if case["loss"] != "half squared error, summed over the rows of the batch":
        raise ValueError(f"no loss is known as {case['loss']!r}")
    return aw.diagnose_functions(
        script.forward, script.gradient, script.start(), X, script.y, learning_rate=case["learning_rate"],
        epochs=min(int(case["epochs"]), 3000), loss="squared_error",
        derivatives=[
            (script.f, script.df, case["derivative"]["called_with"]),
            (script.g, script.dg, case["output_derivative"]["called_with"]),
        ],
    )  # fmt: skip


def run_all(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Diagnose all scripts and print a table."""
    rows = []
    for case in cases:
        found = diagnose(case)
        right = found.cause in case["accepted_causes"]
        rows.append({"id": case["id"], "said": found.cause, "all": [each.code for each in found.findings],
                     "accepted": case["accepted_causes"], "right": right})  # fmt: skip
        accepted = ", ".join(case["accepted_causes"])
        print(f"{'+' if right else '!'} {case['id']:42} said {found.cause:38} accepted {accepted}")
    print(f"\n{sum(row['right'] for row in rows)} of {len(rows)} scripts right")
    return rows
