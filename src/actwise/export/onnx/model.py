"""A whole model as an ONNX file: columns, scaling, layers, answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from actwise import __version__
from actwise.activations import AnyActivation, is_from_catalogue, maxout
from actwise.errors import InputError
from actwise.export.onnx.activations import add_activation
from actwise.export.onnx.columns import add_columns
from actwise.export.onnx.graph import DOUBLE, FLOAT, INT64, ML_DOMAIN, STRING, GraphBuilder
from actwise.export.requirements import require
from actwise.formula.expression import sigmoid, symbol
from actwise.model.network import Network
from actwise.persistence.files import written
from actwise.tasks.scaling import Scaling
from actwise.tasks.task import LARGEST_LOGARITHM
from actwise.training.descriptions import ModelDescription

# The lowest versions that have every operator used: Gelu came with opset 20, and with it these two.
OPSET = 20
ML_OPSET = 4
IR_VERSION = 9
LARGEST_FILE = 2**31 - 1  # bytes, the limit of protobuf
BOOL = 9  # onnx.TensorProto.BOOL
_LABEL_TYPES = {str: STRING, bool: BOOL, int: INT64, float: DOUBLE}


def write_onnx(description: ModelDescription, path: str | Path) -> None:
    """Write a model as an ONNX file, whole or not at all; see `actwise.to_onnx`."""
    model = build_model(description)
    if model.ByteSize() > LARGEST_FILE:
        raise InputError(
            f"the model has {model.ByteSize():,} bytes and an ONNX file at most {LARGEST_FILE:,}; "
            "export it with aw.to_torch, or train fewer units"
        )
    with written(path) as place:
        place.write_bytes(model.SerializeToString())


def build_model(description: ModelDescription) -> Any:
    """Build the ONNX model of what a trained model is made of.

    Result: the model, found right by ONNX's checker with full shape inference.
    """
    onnx = require("onnx")
    helper = onnx.helper
    builder = GraphBuilder()
    if description.columns:
        value, names = add_columns(builder, description.columns)
        inputs = [(name, kind, 1) for name, kind in names]
    else:
        inputs = [(builder.name("X"), _type_of(description.network), description.network.n_inputs)]
        value = "X"
    if description.inputs is not None:
        value = _scaled(builder, description.inputs, value, _type_of(description.network))
    outputs = _answers(builder, description, *_layers(builder, description.network, value))
    graph = helper.make_graph(
        builder.nodes,
        "actwise",
        [helper.make_tensor_value_info(name, kind, ["batch", width]) for name, kind, width in inputs],
        [
            helper.make_tensor_value_info(name, kind, ["batch", width] if width else ["batch"])
            for name, kind, width in outputs
        ],
        initializer=builder.initializers,
        doc_string=_describe(description),
    )
    model = helper.make_model(
        graph,
        producer_name="actwise",
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)],
        doc_string=_describe(description),
    )
    helper.set_model_props(model, _metadata(description))
    onnx.checker.check_model(model, full_check=True)
    return model


def _type_of(network: Network) -> int:
    """Return the type of a network's linear maps: its own. Activations are in float32 in any case."""
    return DOUBLE if network.dtype == "float64" else FLOAT


def _scaled(builder: GraphBuilder, scaling: Scaling, value: str, to: int) -> str:
    # In float64: a centre that is large beside its scale would take the digits of the difference.
    centres, scales = scaling.centres, scaling.scales
    wide = builder.cast(value, DOUBLE)
    centred = builder.add("Sub", wide, builder.array(centres, "input_centres"))
    standard = builder.add("Div", centred, builder.array(scales, "input_scales"))
    return builder.add("Cast", standard, output="scaled", to=to)


def _layers(builder: GraphBuilder, network: Network, value: str) -> tuple[str, str]:
    """Add all layers; returns the last pre-activations and the outputs."""
    linear = value
    for index, shape in enumerate(network.structure):
        linear = _map(builder, network, index, value)
        what, values = layer_activation(network, index), network.activation_values(index)
        if what.name == "identity" and is_from_catalogue(what):
            value = linear
            continue
        wide = _type_of(network) == DOUBLE
        given = builder.cast(linear, FLOAT) if wide else linear
        value = add_activation(builder, what, values, given, shape.n_units, f"layer_{index}_outputs")
        value = builder.cast(value, DOUBLE) if wide else value
    return linear, value


def layer_activation(network: Network, index: int) -> AnyActivation:
    """Return the activation of a layer; that of a maxout layer is maxout."""
    layer = network.computed_layers[index]
    return layer.activation if layer.activation is not None else maxout(network.structure[index].formula.pieces)


def _map(builder: GraphBuilder, network: Network, index: int, value: str) -> str:
    """Add what stands before a layer's activation: a linear map, a normalisation, or nothing."""
    shape, values = network.structure[index], network.values
    output = f"layer_{index}_linear"

    def stored(name: str, start: int, width: int) -> str:
        return builder.array(values[start : start + width], f"layer_{index}_{name}")

    if shape.map == "identity":
        return builder.add("Identity", value, output=output)
    if shape.map == "normalising":
        n, means = shape.n_units, shape.statistics_at
        arrays = [
            stored(name, start, n)
            for name, start in (
                ("scale", shape.scale_at), ("shift", shape.biases_at), ("means", means), ("variances", means + n)
            )
        ]  # fmt: skip
        return builder.add("BatchNormalization", value, *arrays, output=output, epsilon=shape.constants[1])
    matrix = values[shape.weights_at : shape.weights_at + shape.n_weights].reshape(shape.n_inputs, shape.n_linear)
    weights = builder.array(matrix, f"layer_{index}_weights")
    if shape.biases_at < 0:
        return builder.add("MatMul", value, weights, output=output)
    return builder.add("Gemm", value, weights, stored("biases", shape.biases_at, shape.n_linear), output=output)


def _answers(
    builder: GraphBuilder, description: ModelDescription, linear: str, value: str
) -> list[tuple[str, int, int]]:
    """Add what turns outputs into answers; returns the graph's outputs by name, type and width (0 for none)."""
    height = description.network.n_outputs
    if description.outputs is not None:
        spread = builder.add(
            "Mul", builder.cast(value, DOUBLE), builder.array(description.outputs.scales, "output_scales")
        )
        shift = builder.array(description.outputs.centres, "output_centres")
        name = "logarithms" if description.exponential else "predictions"
        predicted = builder.add("Add", spread, shift, output=name)
        if description.exponential:
            bounded = builder.add("Min", predicted, builder.constant(LARGEST_LOGARITHM, np.float64))
            predicted = builder.add("Exp", bounded, output="predictions")
        return [(predicted, DOUBLE, height)]
    if not description.classes:
        return [(builder.add("Identity", value, output="outputs"), _type_of(description.network), height)]
    if _type_of(description.network) == DOUBLE:
        linear, value = builder.cast(linear, FLOAT), builder.cast(value, FLOAT)
    what = "margins" if description.margins else "probabilities"
    if description.multilabel:
        edge = builder.constant(0.0 if description.margins else 0.5, np.float32)
        labels = builder.add("Cast", builder.add("Greater", value, edge), output="labels", to=INT64)
        return [(labels, INT64, height), (builder.add("Identity", value, output=what), FLOAT, height)]
    if description.has_one_probability:
        value = _both(builder, description, linear, value)
    if len(description.classes) == 1 and not description.margins:
        value = builder.add("Expand", builder.constant(1.0, np.float32), builder.add("Shape", value))
    scores = builder.add("Identity", value, output=what)
    best = builder.add("ArgMax", value, output="best", axis=1, keepdims=0)
    kind = _LABEL_TYPES.get(type(description.classes[0]), 0)
    if not kind or len({type(each) for each in description.classes}) > 1:
        raise InputError(
            "an ONNX file can name classes by text, numbers or truth values, all of one type; use such labels"
        )
    dtype = {STRING: object, BOOL: np.bool_, INT64: np.int64, DOUBLE: np.float64}[kind]
    names = builder.array(np.asarray(description.classes, dtype=dtype), "classes")
    labels = builder.add("Gather", names, best, output="labels", axis=0)
    return [(labels, kind, 0), (scores, FLOAT, len(description.classes))]


def _both(builder: GraphBuilder, description: ModelDescription, linear: str, value: str) -> str:
    """Put what speaks for the first of two classes beside what speaks for the second."""
    if description.margins:
        return builder.add("Concat", builder.add("Neg", value), value, output="both", axis=1)
    last = layer_activation(description.network, len(description.network.structure) - 1)
    if last.name == "sigmoid" and is_from_catalogue(last):
        # From the pre-activation: 1 - p has no digits left where p is near 1, and onnxruntime's own Sigmoid
        # none where it is near 0.
        both = builder.add("Concat", builder.add("Neg", linear), linear, output="both_linear", axis=1)
        return builder.formula(sigmoid(symbol("x")), {"x": both}, output="both")
    other = builder.add("Sub", builder.constant(1.0, np.float32), value, output="first_probability")
    return builder.add("Concat", other, value, output="both", axis=1)


def _describe(description: ModelDescription) -> str:
    network = description.network
    layers = " > ".join(f"{s.n_units} {layer_activation(network, k).name}" for k, s in enumerate(network.structure))
    return f"A network that Actwise {__version__} exported: {network.n_inputs} inputs > {layers}"


def _metadata(description: ModelDescription) -> dict[str, str]:
    network = description.network
    layers: list[dict[str, Any]] = []
    for index, shape in enumerate(network.structure):
        what = layer_activation(network, index)
        layers.append(
            {
                "units": int(shape.n_units),
                "activation": what.name,
                "formula": what.formula,
                "parameters": network.activation_values(index),
            }
        )
    described = {"actwise.version": __version__, "actwise.model.layers": json.dumps(layers)}
    if description.classes:
        described["actwise.classes"] = json.dumps(list(description.classes))
    if description.names:
        described["actwise.outputs"] = json.dumps(list(description.names))
    return described
