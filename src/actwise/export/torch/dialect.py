"""PyTorch as a dialect of formulas: what each operation is on tensors."""

from __future__ import annotations

from functools import cache
from typing import Any

from actwise.export.requirements import require
from actwise.formula.dialects import Table

ROOT_TWO = 2**0.5


@cache
def torch_table() -> Table:
    """Return the dialect for tensors of float64; literals stay Python's numbers.

    A formula's constant parts have to be folded before, so that no function gets numbers alone.
    """
    torch = require("torch")

    def where(condition: Any, chosen: Any, otherwise: Any) -> Any:
        # Two numbers would make a tensor of the default type, which is float32.
        if not torch.is_tensor(chosen) and not torch.is_tensor(otherwise):
            chosen = torch.tensor(chosen, dtype=torch.float64, device=condition.device)
        return torch.where(condition, chosen, otherwise)

    def largest(u: Any, v: Any) -> Any:
        if torch.is_tensor(u) and torch.is_tensor(v):
            return torch.maximum(u, v)
        return torch.clamp(u, min=v) if torch.is_tensor(u) else torch.clamp(v, min=u)

    def smallest(u: Any, v: Any) -> Any:
        if torch.is_tensor(u) and torch.is_tensor(v):
            return torch.minimum(u, v)
        return torch.clamp(u, max=v) if torch.is_tensor(u) else torch.clamp(v, max=u)

    return {
        "number": float,
        "negate": torch.neg, "add": lambda u, v: u + v, "subtract": lambda u, v: u - v,
        "multiply": lambda u, v: u * v, "divide": lambda u, v: u / v, "power": lambda u, v: u**v,
        "absolute": torch.abs, "sign": torch.sign, "floor": torch.floor, "sqrt": torch.sqrt,
        "exp": torch.exp, "expm1": torch.expm1, "log": torch.log, "log1p": torch.log1p,
        "sin": torch.sin, "cos": torch.cos, "sinh": torch.sinh, "cosh": torch.cosh, "tanh": torch.tanh,
        "arctan": torch.atan, "asinh": torch.asinh, "sigmoid": torch.sigmoid,
        # torch.nn.functional.softplus drops what is below 2e-9, and torch.special.ndtr what is below 1e-17.
        "softplus": lambda u: torch.logaddexp(u, torch.zeros_like(u)),
        "erf": torch.erf, "erfc": torch.erfc, "normal_cdf": lambda u: torch.erfc(u / -ROOT_TWO) / 2,
        "maximum": largest, "minimum": smallest, "where": where,
        "row_sum": lambda u: torch.sum(u, dim=-1, keepdim=True),
        "row_max": lambda u: torch.amax(u, dim=-1, keepdim=True),
        "less": lambda u, v: u < v, "less_equal": lambda u, v: u <= v,
        "greater": lambda u, v: u > v, "greater_equal": lambda u, v: u >= v,
        "equal": lambda u, v: u == v, "not_equal": lambda u, v: u != v,
        "logical_and": lambda u, v: u & v, "logical_or": lambda u, v: u | v, "logical_not": lambda u: ~u,
    }  # fmt: skip
