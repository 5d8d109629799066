"""A whole model as a PyTorch module. Importing this file imports PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from actwise.export.torch.modules import ActivationModule, ScaleModule
from actwise.export.torch.stages import (
    Composed,
    DroppedOut,
    Linear,
    Native,
    Normalised,
    Scaled,
    Stage,
    TrainedSlope,
    stages,
)
from actwise.export.torch.table import arguments
from actwise.persistence.files import written
from actwise.training.descriptions import ModelDescription


def build_module(description: ModelDescription, *, native: bool = True) -> nn.Sequential:
    """Build the module; see `actwise.to_torch`."""
    module = nn.Sequential(*(_module(stage) for stage in stages(description, native=native)))
    return module.eval()


def write_program(description: ModelDescription, path: str | Path) -> None:
    """Write a program of ``torch.export``; see `actwise.to_torch_program`."""
    module = build_module(description)
    dtype = getattr(torch, description.network.dtype)
    # Two rows: with one, the number of rows would be taken for a constant.
    example = torch.zeros((2, description.network.n_inputs), dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own making, about its own insides
        program = torch.export.export(module, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        with written(path) as place, place.open("wb") as file:
            torch.export.save(program, file)


def _module(stage: Stage) -> nn.Module:
    match stage:
        case Linear(weights, biases):
            linear = nn.Linear(weights.shape[1], weights.shape[0], bias=biases is not None)
            linear.weight = nn.Parameter(torch.from_numpy(weights.copy()))
            if biases is not None:
                linear.bias = nn.Parameter(torch.from_numpy(biases.copy()))
            return linear
        case Normalised():
            return _normalisation(stage)
        case Native(row, values):
            made: nn.Module = getattr(nn, row.module)(**arguments(row, values))
            return made
        case TrainedSlope(slope):
            rectifier = nn.PReLU(1)
            rectifier.weight = nn.Parameter(torch.from_numpy(slope.copy()))
            return rectifier
        case DroppedOut(rate):
            return nn.Dropout(rate)
        case Scaled():
            return ScaleModule(stage)
        case Composed():
            return ActivationModule(stage)


def _normalisation(stage: Normalised) -> nn.Module:
    # PyTorch's momentum is the share of the new batch, ours that of what was there before.
    made = nn.BatchNorm1d(len(stage.factors), eps=stage.epsilon, momentum=1 - stage.momentum)
    made.weight = nn.Parameter(torch.from_numpy(stage.factors.copy()))
    made.bias = nn.Parameter(torch.from_numpy(stage.shifts.copy()))
    made.running_mean = torch.from_numpy(stage.means.copy())
    made.running_var = torch.from_numpy(stage.variances.copy())
    return made
