"""Each catalogue entry as PyTorch and JAX have it; names without a row exist in neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def torch_functions() -> dict[str, Callable[[Any], Any]]:
    """PyTorch's function for each name."""
    import torch
    from torch.nn import functional as f

    return {
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "logsigmoid": f.logsigmoid, "softsign": f.softsign,
        "arctan": torch.arctan, "erf": torch.erf, "exponential": torch.exp, "sine": torch.sin, "cosine": torch.cos,
        "tanhshrink": f.tanhshrink, "relu": f.relu, "leaky_relu": lambda x: f.leaky_relu(x, 0.01),
        "rrelu": lambda x: f.rrelu(x, 0.125, 1 / 3, training=False), "elu": f.elu, "celu": f.celu, "selu": f.selu,
        "hardtanh": f.hardtanh, "relu6": f.relu6, "hardsigmoid": f.hardsigmoid, "hardswish": f.hardswish,
        "hardshrink": lambda x: f.hardshrink(x, 0.5), "softshrink": lambda x: f.softshrink(x, 0.5),
        "threshold": lambda x: f.threshold(x, 1.0, 0.0), "softplus": f.softplus, "silu": f.silu, "mish": f.mish,
        "gelu": f.gelu, "gelu_tanh": lambda x: f.gelu(x, approximate="tanh"),
    }  # fmt: skip


def jax_functions() -> dict[str, Callable[[Any], Any]]:
    """JAX's function for each name."""
    import jax
    import jax.numpy as jnp

    nn = jax.nn
    return {
        "sigmoid": nn.sigmoid, "tanh": jnp.tanh, "logsigmoid": nn.log_sigmoid, "softsign": nn.soft_sign,
        "arctan": jnp.arctan, "erf": jax.scipy.special.erf, "exponential": jnp.exp, "sine": jnp.sin,
        "cosine": jnp.cos, "relu": nn.relu, "leaky_relu": nn.leaky_relu, "elu": nn.elu, "celu": nn.celu,
        "selu": nn.selu, "hardtanh": nn.hard_tanh, "relu6": nn.relu6, "hardsigmoid": nn.hard_sigmoid,
        "hardswish": nn.hard_silu, "softplus": nn.softplus, "squareplus": nn.squareplus, "silu": nn.silu,
        "mish": nn.mish, "gelu": lambda x: nn.gelu(x, approximate=False),
        "gelu_tanh": lambda x: nn.gelu(x, approximate=True), "sparse_plus": nn.sparse_plus,
        "sparse_sigmoid": nn.sparse_sigmoid,
    }  # fmt: skip
