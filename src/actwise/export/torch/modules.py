"""The modules of an exported network that PyTorch lacks. Importing this file imports PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from actwise.export.torch.dialect import torch_table
from actwise.export.torch.names import attributes
from actwise.export.torch.stages import Composed, Scaled
from actwise.formula.dialects import evaluate
from actwise.formula.expression import SYMBOL, Expression
from actwise.model.program import Formula


class ActivationModule(nn.Module):
    """An activation with its declared derivative.

    Parameters
    ----------
    stage : Composed
        The activation; its trained parameters are parameters of this module.

    Notes
    -----
    The arithmetic is done in float64 whatever the tensors hold, as in Actwise's own kernels, except on Apple's
    GPUs, which have none.
    """

    def __init__(self, stage: Composed) -> None:
        super().__init__()
        self.activation = stage.what
        self.values = dict(stage.values)
        self.formula = stage.formula
        self._names = attributes(self.formula.parameters)
        for name, value in stage.trained.items():
            self.register_parameter(self._names[name], nn.Parameter(torch.from_numpy(value.copy())))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs; the last axis is that of the units."""
        trained = [self.get_parameter(self._names[name]) for name in self.formula.parameters]
        apply: Any = _Applied.apply  # which has no annotations
        found: Tensor = apply(self.formula, x, *trained)
        return found

    def extra_repr(self) -> str:
        """Name the activation and its parameters."""
        return repr(self.activation)


class _Applied(torch.autograd.Function):
    """A formula with the gradient that it declares, at kinks and in the tails too."""

    generate_vmap_rule = True

    @staticmethod
    def forward(formula: Formula, x: Tensor, *trained: Tensor) -> Tensor:
        pieces = _pieces(formula, _wide(x))
        return _computed(formula.value, pieces | _named(formula, trained), next(iter(pieces.values()))).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.formula, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        formula = ctx.formula
        x, *trained = ctx.saved_tensors
        pieces = _pieces(formula, _wide(x))
        like = next(iter(pieces.values()))
        known = pieces | _named(formula, trained) | {"g": upstream[0].to(like.dtype)}
        known["y"] = _computed(formula.value, known, like)
        parts = [_computed(each, known, like) for each in formula.gradients]
        whole = (parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)).to(x.dtype)
        sums = [
            torch.sum(_computed(each, known, like)).to(value.dtype).reshape(value.shape)
            for each, value in zip(formula.parameter_gradients, trained, strict=True)
        ]
        return (None, whole, *sums)


def _wide(x: Tensor) -> Tensor:
    return x if x.device.type == "mps" else x.double()


def _pieces(formula: Formula, x: Tensor) -> dict[str, Tensor]:
    if formula.pieces == 1:
        return {"x": x}
    return {f"x{k}": piece for k, piece in enumerate(torch.chunk(x, formula.pieces, dim=-1))}


def _named(formula: Formula, trained: Any) -> dict[str, Tensor]:
    return {name: _wide(value) for name, value in zip(formula.parameters, trained, strict=True)}


def _computed(expression: Expression, known: dict[str, Tensor], like: Tensor) -> Tensor:
    found = evaluate(expression, known, torch_table())
    if not torch.is_tensor(found):
        return torch.full_like(like, found)
    # Autograd does not take an input for an output.
    shaped = found.expand(like.shape)
    return shaped.clone() if expression.operation == SYMBOL else shaped


class ScaleModule(nn.Module):
    """Standardises columns, or puts standardised ones back into their own units.

    Parameters
    ----------
    stage : Scaled
        Centres and scales, and which of the two.
    """

    centres: Tensor
    scales: Tensor

    def __init__(self, stage: Scaled) -> None:
        super().__init__()
        centres, scales = stage.scaling.centres, stage.scaling.scales
        self.undone, self.exponential = stage.undone, stage.exponential
        self.register_buffer("centres", torch.from_numpy(centres.copy()))
        self.register_buffer("scales", torch.from_numpy(scales.copy()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled columns, computed in float64, in the dtype of `x`."""
        wide = _wide(x)
        scaled = wide * self.scales + self.centres if self.undone else (wide - self.centres) / self.scales
        return (torch.exp(scaled) if self.exponential else scaled).to(x.dtype)

    def extra_repr(self) -> str:
        """Say what is done."""
        if not self.undone:
            return "(x - centres) / scales"
        return "exp(x * scales + centres)" if self.exponential else "x * scales + centres"
