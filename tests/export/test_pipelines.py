"""Scalers before an estimator leave with it."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler

import actwise as aw
from actwise.errors import InputError
from actwise.export.pipelines import exported_parts

Run = Callable[..., dict[str, Any]]
X = (np.random.default_rng(0).normal(size=(60, 3)) * [100, 1, 0.01] + [1000, 0, 5]).astype(np.float32)
Y = np.digitize(X[:, 1] + X[:, 2] - 5, [-0.5, 0.5])
SCALERS = [
    [StandardScaler()],
    [StandardScaler(with_mean=False)],
    [StandardScaler(with_std=False)],
    [StandardScaler(with_mean=False, with_std=False)],
    [MinMaxScaler()],
    [MinMaxScaler((-2, 3))],
    [MaxAbsScaler()],
    [RobustScaler()],
    [RobustScaler(with_centering=False)],
    [RobustScaler(with_scaling=False)],
    ["passthrough"],
    [],
    [MinMaxScaler(), "passthrough", StandardScaler(), RobustScaler()],
]


@pytest.mark.parametrize("scalers", SCALERS, ids=str)
def test_a_pipeline_is_its_scalers_and_its_network(scalers: list[Any]) -> None:
    model = make_pipeline(*scalers, aw.MLPClassifier(4, "tanh", max_iter=20, random_state=0))
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, Y)
    parts = exported_parts(model)
    scaled = X if parts.inputs is None else parts.inputs.apply(X)
    np.testing.assert_allclose(parts.network.predict(scaled), model.predict_proba(X), rtol=2e-4, atol=2e-5)
    assert parts.classes == (0, 1, 2)


def test_a_pipeline_in_onnxruntime(onnx_run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model = make_pipeline(MinMaxScaler(), StandardScaler(), aw.MLPClassifier(4, random_state=0)).fit(X, Y)
    aw.to_onnx(model, tmp_path / "model.onnx")
    found = onnx_run(str(tmp_path / "model.onnx"), X)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(found["labels"], model.predict(X))


def test_a_pipeline_in_pytorch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    numbers = X.astype(np.float64)
    model = make_pipeline(RobustScaler(), aw.MLPRegressor(hidden_layer_sizes=4, random_state=0)).fit(numbers, X[:, 0])
    np.testing.assert_allclose(
        aw.to_torch(model)(torch.tensor(numbers)).detach().numpy()[:, 0], model.predict(numbers), rtol=1e-10
    )
    aw.to_torch_code(model, tmp_path / "written.py")
    specification = importlib.util.spec_from_file_location("written", tmp_path / "written.py")
    assert specification is not None
    assert specification.loader is not None
    written = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(written)
    np.testing.assert_allclose(
        written.build()(torch.tensor(numbers)).detach().numpy()[:, 0], model.predict(numbers), rtol=1e-10
    )


@pytest.mark.parametrize("step", [PolynomialFeatures(1), MinMaxScaler(clip=True)], ids=str)
def test_other_steps_stay_behind(step: Any) -> None:
    model = Pipeline([("before", step), ("network", aw.MLPClassifier(4, random_state=0))]).fit(X, Y)
    with pytest.raises(InputError, match=r"'before'.*pipeline\[-1\]"):
        exported_parts(model)


def test_a_scaler_must_be_fitted() -> None:
    fitted = aw.MLPClassifier(4, random_state=0).fit(X, Y)
    with pytest.raises(NotFittedError):
        exported_parts(make_pipeline(StandardScaler(), fitted))
