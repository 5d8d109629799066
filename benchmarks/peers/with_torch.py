"""PyTorch: eager with its fused optimisers, and with forward pass, loss and backward pass compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from works import ADAM, Given, Work

ACTIVATIONS = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU, "gelu": nn.GELU}


def _model(work: Work, weights: Any) -> nn.Sequential:
    parts: list[nn.Module] = []
    for i, (W, b) in enumerate(weights):
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        name = work.hidden if i < len(weights) - 1 else work.output
        parts += [linear, *([ACTIVATIONS[name]()] if name in ACTIVATIONS else [])]
    return nn.Sequential(*parts)  # softmax is part of the loss


def _trainer(work: Work, given: Given, threads: int, compiled: bool) -> Callable[[int, int], Any]:
    torch.set_num_threads(threads)
    if work.kind == "predict":
        return _predictor(work, given)
    X, y = torch.from_numpy(given.X), torch.from_numpy(given.y)
    half_squares = lambda out, t: 0.5 * (out - t).square().sum(1).mean()  # noqa: E731 - beside its alternative
    criterion = nn.CrossEntropyLoss() if work.output == "softmax" else half_squares
    shared = _model(work, given.weights[0])
    first = {name: value.clone() for name, value in shared.state_dict().items()}

    def loss_of(xs: torch.Tensor, ts: torch.Tensor) -> torch.Tensor:
        return criterion(shared(xs), ts)

    loss_function = torch.compile(loss_of, dynamic=False) if compiled else loss_of

    def run(repeats: int, _networks: int) -> list[Any]:
        shared.load_state_dict(first)
        optimizer: torch.optim.Optimizer
        if work.adam:
            betas = (ADAM["beta1"], ADAM["beta2"])
            optimizer = torch.optim.Adam(shared.parameters(), work.rate, betas, ADAM["epsilon"], fused=True)
        else:
            optimizer = torch.optim.SGD(shared.parameters(), work.rate, fused=True)
        for order in given.orders[0, :repeats]:
            rows = torch.from_numpy(order).long()
            total = torch.zeros(())
            for xs, ts in zip(X[rows].split(work.batch), y[rows].split(work.batch), strict=True):
                optimizer.zero_grad()
                loss = loss_function(xs, ts)
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(xs)
        linear = [part for part in shared if isinstance(part, nn.Linear)]
        return [[(part.weight.detach().numpy().T.copy(), part.bias.detach().numpy().copy()) for part in linear]]

    return run


def eager(work: Work, given: Given, threads: int) -> Callable[[int, int], Any]:
    """Train with eager calls, or predict."""
    return _trainer(work, given, threads, False)


def compiled(work: Work, given: Given, threads: int) -> Callable[[int, int], Any]:
    """Train with ``torch.compile``."""
    return _trainer(work, given, threads, True)


def _predictor(work: Work, given: Given) -> Callable[[int, int], np.ndarray]:
    model = nn.Sequential(*_model(work, given.weights[0]), nn.Softmax(1))

    def run(repeats: int, _networks: int) -> np.ndarray:
        with torch.inference_mode():
            for _ in range(repeats):
                told = model(torch.from_numpy(given.X)).numpy()
        return told

    return run
