"""Made the models beside it, with version 0.1.0; a later version has to load them and predict the same bits.

Run it with the version whose models are to be kept: ``python make.py FOLDER``. For every model it writes a directory
that `actwise.save` made and a file ``NAME.npz`` with inputs and what the model answered to them; table models answer
to ``rows.csv``.
"""

import math
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import actwise as aw
from actwise.activations import Activation, Claims, FromOutput, GatedActivation, Param, RowActivation, maxout
from actwise.formula.expression import exp, expm1, row_max, row_sum, tanh, where

OWN = Activation(
    name="own leaky",
    f=lambda x, slope: where(x > 0, x, slope * x),
    df_x=lambda x, slope: where(x > 0, 1, slope),
    df_y=FromOutput(lambda y, slope: where(y > 0, 1, slope), when=lambda slope: slope >= 0),
    params={"slope": Param(0.25, trained=True, low=-2, high=3, meaning="slope below 0")},
    claims=Claims(range=(-math.inf, math.inf), kinks=(0.0,), monotonic=True, odd=False, lipschitz=1.0),
    aliases=("mine",),
    summary="Grüße",
    source="a test",
)
WITH_INFINITIES = Activation(
    name="infinite", f=lambda x: where(x < math.inf, expm1(x), -0.0), df_x=lambda x: where(x < math.inf, exp(x), 0)
)
OWN_SOFTMAX = RowActivation(
    name="own softmax",
    f=lambda x: exp(x - row_max(x)) / row_sum(exp(x - row_max(x))),
    vjp=lambda y, g: y * (g - row_sum(y * g)),
    range=(0, 1),
)
OWN_GATE = GatedActivation(
    name="own gate", f=lambda value, gate: value * tanh(gate), range=(-math.inf, math.inf),
    definition="value * tanh(gate)",
)  # fmt: skip


def networks() -> Iterator[tuple[str, aw.Network]]:
    everything = [
        aw.Dense(5, aw.activation("leaky_relu", slope=0.3), init="he_normal", bias_init=aw.Constant(0.1)),
        aw.BatchNorm(0.9, 1e-3),
        aw.ActivationLayer("prelu"),
        aw.Dropout(0.25),
        aw.Maxout(4, 3, init=aw.Uniform(-0.5, 0.5)),
        aw.Dense(4, "x * sigmoid(1.5 * x) + 0.1", bias=False, init=aw.Normal(0.7)),
        aw.Dense(4, aw.activation("x * tanh(k * x)", k=Param(0.5, trained=True, low=0.1)), init=aw.Orthogonal(1.5)),
        aw.Dense(3, OWN, init=aw.Scaled(2.0, "average", True)),
        aw.Dense(3, WITH_INFINITIES, init=aw.TruncatedNormal(0.5)),
        aw.Dense(4, "swiglu"),
        aw.Dense(2, OWN_GATE),
        aw.Dense(2, maxout(3)),
        aw.Dense(3, OWN_SOFTMAX),
        aw.Dense(3, "swish"),
        aw.Dense(3, "softmax"),
    ]
    for dtype in ("float32", "float64"):
        network = aw.Network(everything, n_inputs=3, dtype=dtype)
        drawn = np.random.default_rng(1).normal(0, 0.3, network.n_parameters)
        yield f"network_layers_{dtype}", network.with_parameters(np.abs(drawn) + 0.05)
    names = [each for each in aw.activations.names() if each not in ("exponential", "cosine")]
    for start in range(0, len(names), 20):
        layers = [aw.Dense(3, each) for each in names[start : start + 20]]
        network = aw.Network([*layers, aw.Dense(2, "cosine")], n_inputs=2, dtype="float64")
        drawn = np.random.default_rng(start).normal(0, 1, network.n_parameters)
        yield f"network_catalogue_{start // 20}", network.with_parameters(drawn)
    xor = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    trained = aw.train(
        aw.Network([aw.Dense(4, "tanh"), aw.Dense(1, "sigmoid")], n_inputs=2), xor, xor[:, :1] != xor[:, 1:],
        epochs=50, seed=0,
    )  # fmt: skip
    yield "network_of_a_run", trained.network


def estimators() -> Iterator[tuple[str, Any, np.ndarray]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    kind = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
    names = np.array(["blue", "green", "😀"])[kind]
    several = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 0.5], axis=1).astype(int)
    small: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 8, "random_state": 0}
    yield "classifier_binary", aw.MLPClassifier(**small).fit(X, kind > 0), X
    yield "classifier_names", aw.MLPClassifier(**small, class_weight={"blue": 2.0}).fit(X, names), X
    floats = aw.MLPClassifier(**small, activation=["tanh"], solver="lbfgs", dtype="float64").fit(X, kind.astype(float))
    yield "classifier_floats", floats, X
    yield "classifier_multilabel", aw.MLPClassifier(**small, solver="adam").fit(X, several), X
    yield "classifier_hinge", aw.MLPClassifier(**small, loss="hinge", solver="sgd").fit(X, names == "blue"), X
    smooth = aw.MLPClassifier(**small, label_smoothing=0.1, loss="squared_error", output_activation="sigmoid")
    yield "classifier_smoothed", smooth.fit(X, kind > 0), X
    frame = pl.DataFrame(X.astype(np.float32), schema=["a", "b", "c"]).to_pandas()
    single = aw.MLPClassifier(
        (3, 2), ["x * sigmoid(x)", aw.activations.maxout(2)], dropout=(0.1, 0.0), dtype="float32",
        solver=aw.AdamW(aw.ExponentialDecay(0.01, 0.9, 5), weight_decay=0.01), max_iter=8, random_state=0,
    )  # fmt: skip
    yield "classifier_formula_columns", single.fit(frame, kind), X.astype(np.float32)
    y = 100 + 20 * X[:, 0] * X[:, 1]
    yield "regressor_one", aw.MLPRegressor(**small).fit(X * 1000, y), X * 1000
    yield "regressor_several", aw.MLPRegressor(**small, solver="adam", early_stopping=True).fit(X, X[:, :2] * 3), X
    huber = aw.MLPRegressor(
        **small, solver=aw.SGD(aw.CosineDecay(0.1, 0.2), 0.5), loss=aw.loss("huber", delta=0.7), scale_inputs=True,
        activation=OWN,
    )  # fmt: skip
    yield "regressor_huber", huber.fit(X, y), X


def table() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    n = 60
    size = np.round(rng.normal(10, 3, n), 3)
    return pl.DataFrame(
        {
            "size": [None if k % 11 == 5 else float(each) for k, each in enumerate(size)],
            "income": np.round(np.exp(rng.normal(8, 2, n)), 2),
            "smoker": [None if k % 13 == 4 else bool(each) for k, each in enumerate(rng.random(n) > 0.5)],
            "town": rng.choice(["Bern", "Köln", "Łódź", "東京", 'lost, and "found"'], n),
            "since": pl.Series(np.datetime64("2020-01-01") + rng.integers(0, 900, n)),
            "constant": ["same"] * n,
            "bought": rng.choice(["yes", "no"], n),
            "grade": rng.choice(["low", "mid", "high"], n),
            "price": size * 2.5 + rng.normal(0, 1, n),
            "amount": np.exp(size + rng.normal(0, 1, n)),
        }
    )


def tables(rows: Path) -> Iterator[tuple[str, aw.TableModel]]:
    plain: dict[str, Any] = {"hidden": (5,), "epochs": 4, "baselines": False}
    features = ["size", "income", "smoker", "town", "since", "constant"]
    kinds: dict[str, tuple[str | list[str], dict[str, Any]]] = {
        "table_binary": ("bought", plain),
        "table_multiclass": ("grade", plain | {"hidden": (4, 3), "activation": ("x * tanh(x)", "maxout")}),
        "table_regression": ("price", plain | {"baselines": True, "dropout": 0.1, "ignore": ("town",)}),
        "table_logarithm": ("amount", plain),
        "table_several": (["price", "amount"], plain),
    }
    for name, (targets, settings) in kinds.items():
        names = [targets] if isinstance(targets, str) else targets
        frame = pl.read_csv(rows, try_parse_dates=True).select(*features, *names)
        yield name, aw.fit_table(frame, names, aw.FitSettings(**settings)).model


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    folder.mkdir(exist_ok=True)
    for name, network in networks():
        X = np.random.default_rng(7).normal(0, 1.5, (9, network.n_inputs))
        aw.save(network, folder / name)
        said = network.predict(X)
        assert np.isfinite(said).all()
        np.savez_compressed(folder / f"{name}.npz", inputs=X, predict=said)
    for name, model, X in estimators():
        aw.save(model, folder / name)
        said = {
            method: getattr(model, method)(X)
            for method in ("predict", "predict_proba", "decision_function")
            if hasattr(model, method)
        }
        assert all(each.dtype != object for each in said.values())
        np.savez_compressed(folder / f"{name}.npz", inputs=X, **said)
    rows = folder / "rows.csv"
    table().write_csv(rows)
    for name, model in tables(rows):
        aw.save(model, folder / name)
        said = {"predict": model.predict(rows)}
        if model.target.is_classification:
            said["predict_proba"] = model.predict_proba(rows)
        np.savez_compressed(folder / f"{name}.npz", **said)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
