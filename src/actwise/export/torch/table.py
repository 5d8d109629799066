"""Which of PyTorch's activation modules is which activation: one table, read in both directions.

Tests hold every row against the declaration: outputs and gradients, at kinks too. In the tails PyTorch's own
modules keep fewer digits of a gradient than Actwise (``benchmarks/results/peer_errors.md``); relative to the
function's steepest slope they agree to float rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TorchModule:
    """A module of ``torch.nn`` that is an activation of the catalogue.

    Parameters
    ----------
    activation : str
        Its name in the catalogue.
    module : str
        Its name in ``torch.nn``.
    parameters : mapping of str to str
        The module's arguments (and attributes) that are parameters of the activation.
    fixed : mapping of str to object
        The arguments that have to have one value.
    when : callable
        For which parameters of the activation the module can be made.
    both_ways : bool
        Whether the module is read as this activation too; another row does it where not.
    float32_only : bool
        Whether PyTorch keeps its constants in float32, so that in float64 it is off by 1e-8.
    """

    activation: str
    module: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    when: Callable[..., bool] = lambda **_: True
    both_ways: bool = True
    float32_only: bool = False


# PyTorch's Softplus turns into the identity beyond a threshold; at this one nothing is lost in float64.
SOFTPLUS_THRESHOLD = 50.0

TORCH_MODULES: tuple[TorchModule, ...] = (
    TorchModule("identity", "Identity"),
    TorchModule("sigmoid", "Sigmoid"),
    TorchModule("tanh", "Tanh"),
    TorchModule("relu", "ReLU"),
    TorchModule("leaky_relu", "LeakyReLU", {"negative_slope": "slope"}),
    TorchModule("elu", "ELU", {"alpha": "alpha"}),
    TorchModule("celu", "CELU", {"alpha": "alpha"}, float32_only=True),
    TorchModule("selu", "SELU"),
    TorchModule("gelu", "GELU", fixed={"approximate": "none"}),
    TorchModule("gelu_tanh", "GELU", fixed={"approximate": "tanh"}),
    TorchModule("silu", "SiLU"),
    TorchModule("mish", "Mish"),
    TorchModule("softplus", "Softplus", {"beta": "beta"}, {"threshold": SOFTPLUS_THRESHOLD}),
    TorchModule("softsign", "Softsign"),
    TorchModule("logsigmoid", "LogSigmoid"),
    TorchModule("tanhshrink", "Tanhshrink"),
    TorchModule("relu6", "ReLU6"),
    TorchModule("hardtanh", "Hardtanh", {"min_val": "low", "max_val": "high"}, when=lambda low, high: low < high),
    TorchModule("clipped_relu", "Hardtanh", {"max_val": "ceiling"}, {"min_val": 0.0}, both_ways=False),
    TorchModule("hardsigmoid", "Hardsigmoid", float32_only=True),
    TorchModule("hardswish", "Hardswish"),
    TorchModule("hardshrink", "Hardshrink", {"lambd": "threshold"}),
    TorchModule("softshrink", "Softshrink", {"lambd": "threshold"}),
    TorchModule("threshold", "Threshold", {"threshold": "threshold", "value": "value"}),
    TorchModule("softmax", "Softmax", fixed={"dim": -1}),
    TorchModule("softmin", "Softmin", fixed={"dim": -1}),
    TorchModule("log_softmax", "LogSoftmax", fixed={"dim": -1}),
    TorchModule("glu", "GLU", fixed={"dim": -1}),
)


def torch_module(activation: str, values: Mapping[str, float], dtype: str = "float32") -> TorchModule | None:
    """Find PyTorch's module for an activation of the catalogue, if it has one that agrees in this dtype.

    >>> torch_module("clipped_relu", {"ceiling": 20.0}).module
    'Hardtanh'
    """
    for row in TORCH_MODULES:
        if row.activation == activation and row.when(**values):
            return None if row.float32_only and dtype != "float32" else row
    return None


def arguments(row: TorchModule, values: Mapping[str, float]) -> dict[str, Any]:
    """Return the arguments with which a module is made.

    >>> arguments(torch_module("elu", {"alpha": 2.0}), {"alpha": 2.0})
    {'alpha': 2.0}
    """
    return {name: values[parameter] for name, parameter in row.parameters.items()} | dict(row.fixed)
