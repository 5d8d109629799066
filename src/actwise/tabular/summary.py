"""What a model is, as plain data for people and programs to read."""

from __future__ import annotations

from typing import Any

from actwise.activations import Activation
from actwise.model.layers import ActivationLayer, Dense, Dropout, LinearLayer, Maxout
from actwise.model.network import Network
from actwise.tables import TableEncoding, Target
from actwise.tabular.model import TableModel


def summarise(model: TableModel) -> dict[str, Any]:
    """Say what a model is."""
    return {
        "target": summarise_target(model.target),
        "columns": summarise_columns(model.encoding),
        "inputs": model.network.n_inputs,
        "parameters": model.network.n_parameters,
        "layers": summarise_layers(model.network),
        **model.report.to_dict(),
    }


def summarise_target(target: Target) -> dict[str, Any]:
    """Say what is predicted.

    Result: its names, the task and why it is that, the classes, and how many rows lack it.
    """
    return {
        "names": list(target.names),
        "task": target.kind,
        "reason": target.task.reason,
        "classes": list(target.labels),
        "rows_without": target.n_missing,
    }


def summarise_columns(encoding: TableEncoding) -> list[dict[str, Any]]:
    """Say what is done with each column.

    Result: for each column its name, its kind, the number of inputs it becomes, and a sentence.
    """
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "inputs": len(column.feature_names),
            "description": column.describe(),
        }
        for column in encoding.columns
    ]


def summarise_layers(network: Network) -> list[dict[str, Any]]:
    """Say what a network consists of.

    Result: for each layer its type, its units or rate, and its activation with parameters and formulas.
    """
    found: list[dict[str, Any]] = []
    index = 0
    for layer in network.layers:
        if isinstance(layer, Dropout):
            found.append({"type": "Dropout", "rate": layer.rate})
            continue
        plain: dict[str, Any] = {"type": type(layer).__name__}
        if isinstance(layer, LinearLayer):
            plain["units"] = layer.units
        if isinstance(layer, Maxout):
            plain["pieces"] = layer.pieces
        if isinstance(layer, Dense | ActivationLayer):
            plain["activation"] = layer.activation.name
            plain["formula"] = layer.activation.formula
            plain["activation_parameters"] = network.activation_values(index)
            if isinstance(layer.activation, Activation):
                plain["derivative"] = layer.activation.derivative_formula
        found.append(plain)
        index += 1
    return found
