"""A network that was saved and loaded is the same one, bit for bit, and a forged description is refused."""

from __future__ import annotations

import copy
import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actwise.activations import (
    ENTRIES,
    Activation,
    AnyActivation,
    Claims,
    FromOutput,
    GatedActivation,
    Param,
    RowActivation,
    activation,
    maxout,
)
from actwise.errors import InputError, ModelError
from actwise.formula.expression import cosh, exp, expm1, row_max, row_sum, tanh, where
from actwise.model.initializers import Constant, Normal, Orthogonal, Scaled, TruncatedNormal, Uniform
from actwise.model.layers import ActivationLayer, BatchNorm, Dense, Dropout, Layer, Maxout
from actwise.model.network import Network
from actwise.persistence import load, load_as, read_model, save, write_model
from actwise.persistence.networks import NETWORK, network_arrays, network_from_document, network_to_document

LEAKY_WITH_CONDITION = Activation(
    name="own leaky",
    f=lambda x, slope: where(x > 0, x, slope * x),
    df_x=lambda x, slope: where(x > 0, 1, where(x <= 0, slope, x)),
    df_y=FromOutput(lambda y, slope: where(y > 0, 1, slope), when=lambda slope: slope >= 0),
    params={"slope": Param(0.25, trained=True, low=-2, high=3, meaning="slope below 0")},
    claims=Claims(range=lambda slope: (-math.inf, math.inf)),
    aliases=("mine", "ours"),
    summary="Grüße",
    source="a test",
)
SHADOWS_THE_CATALOGUE = Activation(
    name="tanh",
    f=lambda x: 2 * tanh(x),
    df_x=lambda x: 2 / cosh(x) ** 2,
    df_y=FromOutput(lambda y: 2 - y * y / 2),
    claims=Claims(range=(-2, 2), kinks=(0.0,), monotonic=True, odd=True, lipschitz=2),
)
WITH_INFINITIES = Activation(
    name="clipped at infinity", f=lambda x: where(x < math.inf, expm1(x), -0.0), df_x=lambda x: exp(x)
)
OWN_SOFTMAX = RowActivation(
    name="own softmax",
    f=lambda x: exp(x - row_max(x)) / row_sum(exp(x - row_max(x))),
    vjp=lambda y, g: y * (g - row_sum(y * g)),
    range=(0, 1),
)
OWN_GATE = GatedActivation(
    name="own gate",
    f=lambda value, gate: value * tanh(gate),
    range=(-math.inf, math.inf),
    definition="value * tanh(gate)",
)
DECLARED: tuple[AnyActivation, ...] = (
    LEAKY_WITH_CONDITION, SHADOWS_THE_CATALOGUE, WITH_INFINITIES, OWN_SOFTMAX, OWN_GATE, maxout(12),
)  # fmt: skip
FORMULAS: tuple[AnyActivation, ...] = (
    activation("x * sigmoid(beta * x)", beta=1.5),
    activation("x * tanh(log1p(exp(k * x)))", k=Param(0.1, trained=True, low=1e-3, meaning="steepness")),
    activation("x if x > 0 else a * (exp(x) - 1) + b", a=Param(0.1 + 0.2), b=Param(-0.0, trained=True)),
    activation("1e-300 * x^2 + 0.1"),
)
POINTS = np.array([-math.inf, -750.0, -3.3, -1e-300, -0.0, 0.0, 1e-5, 0.7, 36.0, 710.0, math.inf, math.nan])

initializers = st.one_of(
    st.sampled_from(["auto", "zeros", "he_normal", "glorot_uniform"]),
    st.builds(Uniform, st.floats(-2, 0), st.floats(0, 2)),
    st.builds(Normal, st.floats(0, 2)),
    st.builds(TruncatedNormal, st.floats(0, 2)),
    st.builds(Orthogonal, st.floats(0, 2)),
    st.builds(Constant, st.floats(-2, 2)),
    st.builds(Scaled, st.floats(0, 4), st.sampled_from(["in", "average"]), st.booleans()),
)


@st.composite
def activations(draw: st.DrawFn) -> AnyActivation:
    found = draw(st.sampled_from([*ENTRIES, *FORMULAS, *DECLARED]))
    values = {
        name: draw(st.floats(max(param.low, -10), min(param.high, 10)))
        for name, param in found.params.items()
        if draw(st.booleans())
    }
    return found.with_values(**values)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    linear = st.one_of(
        st.builds(Dense, st.integers(1, 4), activations(), st.booleans(), initializers, initializers),
        st.builds(Maxout, st.integers(1, 3), st.integers(2, 3), st.booleans(), initializers, initializers),
    )
    others = st.one_of(
        st.builds(Dropout, st.floats(0, 0.99)),
        st.builds(BatchNorm, st.floats(0, 0.99), st.floats(1e-9, 1)),
        st.builds(ActivationLayer, activations().filter(lambda each: not isinstance(each, GatedActivation))),
    )
    layers: list[Layer] = [*draw(st.lists(st.one_of(linear, others), max_size=4)), draw(linear)]
    network = Network(layers, draw(st.integers(1, 4)), dtype=draw(st.sampled_from(["float32", "float64"])))
    drawn = np.random.default_rng(draw(st.integers(0, 9))).standard_normal(network.n_parameters)
    drawn[:: draw(st.integers(1, 9))] = draw(st.sampled_from([0.0, -0.0, math.nan, math.inf, 5e-324]))
    return network.with_parameters(drawn)


def same_bits(one: Any, other: Any) -> bool:
    left, right = np.asarray(one), np.asarray(other)
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def assert_same_activation(one: AnyActivation | None, other: AnyActivation | None) -> None:
    assert type(one) is type(other)
    if one is None or other is None:
        return
    assert one.name == other.name
    assert one.aliases == other.aliases
    assert one.definition == other.definition
    assert one.summary == other.summary
    assert one.source == other.source
    assert dict(one.params) == dict(other.params)
    assert repr(dict(one.values)) == repr(dict(other.values))
    assert one.expression == other.expression
    assert same_bits(one(POINTS), other(POINTS))
    if isinstance(one, Activation) and isinstance(other, Activation):
        assert one.derivative_expression == other.derivative_expression
        assert one.derivative_from_output_expression == other.derivative_from_output_expression
        assert same_bits(one.derivative(POINTS), other.derivative(POINTS))
        return
    upstream = POINTS
    if isinstance(one, GatedActivation) and isinstance(other, GatedActivation):
        assert one.partial_expressions == other.partial_expressions
        upstream = POINTS[:: one.pieces]
    assert one.range == other.range
    assert same_bits(one.vector_jacobian_product(POINTS, upstream), other.vector_jacobian_product(POINTS, upstream))


def assert_same_network(one: Network, other: Network) -> None:
    assert one.dtype == other.dtype
    assert one.n_inputs == other.n_inputs
    assert same_bits(one.values, other.values)
    assert len(one.layers) == len(other.layers)
    for mine, yours in zip(one.layers, other.layers, strict=True):
        assert type(mine) is type(yours)
        if isinstance(mine, Dropout | BatchNorm):
            assert mine == yours
            continue
        if isinstance(mine, ActivationLayer):
            assert isinstance(yours, ActivationLayer)
            assert_same_activation(mine.activation, yours.activation)
            continue
        assert isinstance(yours, Dense | Maxout)
        assert (mine.units, mine.bias) == (yours.units, yours.bias)
        assert repr((mine.init, mine.bias_init)) == repr((yours.init, yours.bias_init))
        assert mine.formula == yours.formula
        assert_same_activation(mine.activation, yours.activation)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_document_and_arrays_rebuild_the_same_network(network: Network) -> None:
    document = json.loads(json.dumps(network_to_document(network), allow_nan=False))
    again = network_from_document(document, network_arrays(network))
    assert_same_network(network, again)
    assert network_to_document(again) == document


@pytest.mark.parametrize("what", [*ENTRIES, *FORMULAS, *DECLARED], ids=lambda what: what.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_activation_survives_the_disk(what: AnyActivation, dtype: str, tmp_path: Path) -> None:
    network = Network([Dense(2, what), Dropout(0.1), Dense(2, what, bias=False)], n_inputs=3, dtype=dtype)
    save(network, tmp_path / "model")
    assert_same_network(network, load(tmp_path / "model"))


def test_predictions_after_loading_have_the_same_bits(tmp_path: Path) -> None:
    layers = [Dense(3, LEAKY_WITH_CONDITION), Maxout(2), Dense(2, "softmax")]
    network = Network(layers, n_inputs=2, dtype="float64")
    X = np.random.default_rng(1).standard_normal((50, 2)) * 3
    save(network, tmp_path / "model")
    assert same_bits(network.predict(X), load(tmp_path / "model").predict(X))


def test_arrays_have_readable_names_and_the_parameters_bytes(tmp_path: Path) -> None:
    """The weights file is read here by its published layout, without the library that wrote it."""
    network = Network([Dense(2, LEAKY_WITH_CONDITION), Dropout(0.5), Maxout(1, 2, bias=False)], 3, dtype="float64")
    network = network.with_parameters(np.arange(network.n_parameters) / 7)
    save(network, tmp_path / "model")
    content = (tmp_path / "model" / "weights.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    found = {}
    for name, entry in header.items():
        start, end = (8 + length + each for each in entry["data_offsets"])
        assert entry["dtype"] == "F64"
        found[name] = np.frombuffer(content[start:end]).reshape(entry["shape"])
    assert set(found) == {"layers.0.weights", "layers.0.biases", "layers.0.activation.slope", "layers.2.weights"}
    assert same_bits(found["layers.0.weights"], network.weights[0])
    assert same_bits(found["layers.0.biases"], network.biases[0])
    assert same_bits(found["layers.2.weights"], network.weights[1])
    assert float(found["layers.0.activation.slope"]) == network.activation_values(0)["slope"] == 8 / 7


def test_catalogue_activations_are_the_catalogues_own_again(tmp_path: Path) -> None:
    network = Network([Dense(1, activation("leaky_relu", slope=0.3))], n_inputs=1)
    save(network, tmp_path / "model")
    loaded = load(tmp_path / "model").layers[0]
    assert isinstance(loaded, Dense)
    assert loaded.activation.f is activation("leaky_relu").f
    assert loaded.activation.values == {"slope": 0.3}


def test_condition_of_a_derivative_from_the_output_still_holds_for_other_values() -> None:
    network = Network([Dense(1, LEAKY_WITH_CONDITION)], n_inputs=1)
    layer = network_from_document(network_to_document(network), network_arrays(network)).layers[0]
    assert isinstance(layer, Dense)
    assert isinstance(layer.activation, Activation)
    assert layer.activation.derivative_from_output(-1.0) == 0.25
    with pytest.raises(InputError, match="not a function of its output"):
        layer.activation.with_values(slope=-1.0).derivative_from_output(-1.0)
    with pytest.raises(InputError, match="between -2 and 3"):
        layer.activation.with_values(slope=4.0)


@pytest.mark.parametrize("when", [lambda a: a != 0, lambda a: a == 2, lambda a: bool(a), lambda a: a in (1, 2)])
def test_what_is_no_formula_stays_behind(when: Any) -> None:
    own = Activation(
        name="own",
        f=lambda x, a: a * tanh(x),
        df_x=lambda x, a: a / cosh(x) ** 2,
        df_y=FromOutput(lambda y, a: a - y * y / a, when=when),
        params={"a": Param(2.0)},
        claims=Claims(range=lambda a: (-a, a)),
    )
    network = Network([Dense(1, own)], n_inputs=1)
    layer = network_from_document(network_to_document(network), network_arrays(network)).layers[0]
    assert isinstance(layer, Dense)
    assert isinstance(layer.activation, Activation)
    assert layer.activation.df_y is None
    assert layer.activation.claims is None
    assert layer.activation.range == pytest.approx((-2, 2))  # estimated
    assert same_bits(own(POINTS), layer.activation(POINTS))


def test_a_network_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    cases = {
        "fan is the unknown 'outer'": Dense(1, init=Scaled(1.0, "outer")),
        "cannot be saved": Dense(1, Activation("odd", f=lambda x: x, df_x=lambda x: x, claims=Claims(range=None))),
    }
    for message, layer in cases.items():
        with pytest.raises(InputError, match=message):
            save(Network([layer], n_inputs=1), tmp_path / "model")
    assert not list(tmp_path.iterdir())
    gate = GatedActivation("half a gate", f=lambda value, gate: value)
    with pytest.raises(InputError, match="does not depend on each"):
        network_to_document(Network([Dense(1, gate)], n_inputs=1))
    with pytest.raises(InputError, match="only models can be saved"):
        save("network", tmp_path / "model")


def test_a_formula_too_large_to_write_out_is_refused_at_once() -> None:
    def squared_again_and_again(x: Any) -> Any:
        for _ in range(60):
            x = x * x
        return x

    own = Activation("huge", f=squared_again_and_again, df_x=lambda x: x)
    with pytest.raises(InputError, match="more than 1,000,000 parts"):
        network_to_document(Network([Dense(1, own)], n_inputs=1))


def test_an_initial_value_for_each_unit_is_kept() -> None:
    network = Network([Dense(2, "sigmoid", bias_init=Constant((0.5, -1.0)))], n_inputs=3)
    layer = network_from_document(network_to_document(network), network_arrays(network)).layers[0]
    assert isinstance(layer, Dense)
    assert layer.bias_init == Constant((0.5, -1.0))
    np.testing.assert_array_equal(network.initialised(0).biases[0], [0.5, -1.0])


# Forgeries: the checksums are right, the content is not.

FORGED_FROM = Network(
    [
        Dense(2, LEAKY_WITH_CONDITION, init=Uniform(-1, 1)),
        Dropout(0.2),
        Maxout(2, bias_init=Scaled(1.0)),
        Dense(2, SHADOWS_THE_CATALOGUE, bias=False, init=Normal(1.0), bias_init=Constant(0.0)),
        Dense(1, activation("elu", alpha=0.5)),
        Dense(2, OWN_GATE),
        Dense(2, OWN_SOFTMAX),
    ],
    n_inputs=2,
)
DEEP: list[Any] = []
for _ in range(5000):
    DEEP = [DEEP]
JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 2.5, "", "x", "inf", "nan", "-inf", [], {}, [1], ["symbol x"], {"type": "Dense"},
    "number __import__('os').abort()", "symbol __import__('os').abort()", "row_sum 0", "where 0 0 0", "exp 9",
    "\udc80" * 50, DEEP,
)  # fmt: skip


def places(document: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every field and item of a document."""
    steps = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in steps:
        yield (key,)
        if isinstance(value, dict | list):
            yield from ((key, *rest) for rest in places(value))


def test_forged_fields_are_refused_or_harmless() -> None:
    document, arrays = network_to_document(FORGED_FROM), network_arrays(FORGED_FROM)
    refusals, accepted = [], 0
    for *path, last in places(document):
        for junk in (*JUNK, "delete", "add"):
            forged = copy.deepcopy(document)
            at = forged
            for step in path:
                at = at[step]
            if junk == "delete":
                del at[last]
            elif junk == "add" and isinstance(at, dict):
                at["more"] = 1
            else:
                at[last] = junk
            try:
                network = network_from_document(forged, arrays)
            except ModelError as error:
                refusals.append(str(error))
            else:
                accepted += 1
                assert same_bits(network.values, FORGED_FROM.values)
    assert len(refusals) > 10 * accepted > 0
    assert all(each.strip() and "\n" not in each and len(each) < 700 for each in refusals)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("layers", 4, "activation", "catalogue"), "elv", "unknown activation 'elv'; did you mean 'elu'"),
        (("layers", 4, "activation", "values", "alpha"), "nan", "must be a finite number"),
        (("layers", 4, "activation", "values"), {"self": 1.0}, "unknown field 'self'"),
        (("layers", 0, "activation", "values", "slope"), 9.0, "must lie between -2 and 3"),
        (("layers", 0, "activation", "f"), ["symbol os"], "unknown symbol 'os'"),
        (("layers", 0, "activation", "f"), ["symbol x", "row_max 0"], "reduces over a row"),
        (("layers", 0, "activation", "f"), ["symbol x", "less 0 0"], "is a condition"),
        (("layers", 0, "activation", "f"), ["symbol x", "eval 0"], "unknown operation 'eval'"),
        (("layers", 0, "activation", "f"), ["symbol x", "exp 1"], "earlier lines"),
        (("layers", 0, "activation", "f"), ["symbol x", "exp 0 0"], "1 earlier"),
        (("layers", 0, "activation", "f"), ["number 1_0"], "shortest form"),
        (("layers", 0, "activation", "f"), ["symbol x", *[f"add {i} {i}" for i in range(40)]], "written out"),
        (("layers", 5, "activation", "f"), ["symbol x0"], "does not depend on each"),
        (("layers", 5, "activation", "kind"), "gate", "unknown 'gate'; did you mean 'gated'"),
        (("layers", 0, "activation", "params"), {"import": {}}, "lacks the field|cannot be the name"),
        (("layers", 0, "units"), 10**12, "must be of dtype float32 and shape"),
        (("layers", 0, "units"), True, "a whole number, not True"),
        (("layers", 1, "rate"), 1.0, "below 1"),
        (("layers", 2, "type"), "MaxOut", "unknown 'MaxOut'; did you mean 'Maxout'"),
        (("layers", 2, "bias"), False, "belongs to no layer"),
        (("dtype",), "float64", "must be of dtype float64"),
        (("dtype",), "float16", "unknown 'float16'"),
        (("layers",), [], "belongs to no layer"),
    ],
)  # fmt: skip
def test_forged_field_is_named(path: tuple[Any, ...], value: Any, message: str, tmp_path: Path) -> None:
    document = network_to_document(FORGED_FROM)
    at: Any = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    write_model(tmp_path / "forged", {"kind": "network", "network": document}, network_arrays(FORGED_FROM))
    with pytest.raises(ModelError, match=message) as caught:
        load(tmp_path / "forged")
    assert str(caught.value).startswith(f"{tmp_path / 'forged'}: ")


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    document = {"kind": "network", "network": network_to_document(FORGED_FROM)}
    arrays = network_arrays(FORGED_FROM)
    name = "layers.0.weights"
    cases = {
        "is missing": {each: array for each, array in arrays.items() if each != name},
        "belongs to no layer": arrays | {"layers.1.weights": np.zeros(1, np.float32)},
        "unknown array 'scaler'": arrays | {"scaler": np.zeros(1)},
        "not float64": arrays | {name: arrays[name].astype(np.float64)},
        r"not float32 and \(4,\)": arrays | {name: arrays[name].reshape(-1)},
    }
    for message, forged in cases.items():
        write_model(tmp_path / "forged", document, forged)
        with pytest.raises(ModelError, match=message):
            load(tmp_path / "forged")


def test_other_kinds_and_fields_are_refused_by_load(tmp_path: Path) -> None:
    network = network_to_document(FORGED_FROM)
    arrays = network_arrays(FORGED_FROM)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"kind": "table_model", "network": network}, "table_model.*load it with actwise.load"),
        ({"kind": 3, "network": network}, "kind 3"),
        ({"network": network}, "kind None"),
        ({"kind": "network"}, "'network'"),
        ({"kind": "network", "network": network, "more": 1}, "'more'"),
        ({"kind": "network", "network": None}, "must be an object, not None"),
    ]
    for document, message in cases:
        write_model(tmp_path / "model", document, arrays)
        with pytest.raises(ModelError, match=message):
            load_as(NETWORK, tmp_path / "model")
        assert read_model(tmp_path / "model")[0] == document


@settings(max_examples=50, deadline=None)
@given(st.floats(allow_nan=False) | st.just(math.nan))
def test_every_number_travels(value: float) -> None:
    own = Activation("own", f=lambda x: where(x > value, x, value), df_x=lambda x: x)
    network = Network([Dense(1, own)], n_inputs=1)
    document = json.loads(json.dumps(network_to_document(network), allow_nan=False))
    layer = network_from_document(document, network_arrays(network)).layers[0]
    assert isinstance(layer, Dense)
    assert layer.activation.expression == own.expression
    assert same_bits(layer.activation(POINTS), own(POINTS))
