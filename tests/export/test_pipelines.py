"""Scalers before an estimator leave with it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler

import actwise as aw
from actwise.errors import InputError
from actwise.export.pipelines import exported_description
from actwise.tasks.scaling import Scaling
from actwise.training.descriptions import ModelDescription

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
    [MinMaxScaler(), make_pipeline(StandardScaler(), make_pipeline(RobustScaler()))],
]


@pytest.mark.parametrize("scalers", SCALERS, ids=str)
def test_a_pipeline_is_its_scalers_and_its_network(scalers: list[Any]) -> None:
    columns = X.astype(np.float64)
    model = make_pipeline(*scalers, aw.MLPClassifier(4, "tanh", max_iter=20, random_state=0))
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(columns, Y)
    parts = exported_description(model)
    scaled = columns if parts.inputs is None else parts.inputs.apply(columns)
    # The scalers put together round in another order; what is left is some 4e-13.
    np.testing.assert_allclose(parts.network.predict(scaled), model.predict_proba(columns), rtol=1e-10)
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
        exported_description(model)


def test_a_scaler_must_be_fitted() -> None:
    fitted = aw.MLPClassifier(4, random_state=0).fit(X, Y)
    with pytest.raises(NotFittedError):
        exported_description(make_pipeline(StandardScaler(), fitted))


def test_a_pipeline_inside_is_its_last_step_too() -> None:
    columns = X.astype(np.float64)
    inside = make_pipeline(StandardScaler(), aw.MLPClassifier(4, random_state=0))
    model = make_pipeline(MinMaxScaler(), inside).fit(columns, Y)
    parts = exported_description(model)
    assert parts.inputs is not None
    scaled = parts.inputs.apply(columns)
    np.testing.assert_allclose(parts.network.predict(scaled), model.predict_proba(columns), rtol=1e-10)


@dataclass
class Holds:
    """Any model that says what it is made of."""

    parts: ModelDescription

    def model_description(self) -> ModelDescription:
        return self.parts


def test_a_last_step_that_scales_by_itself_does_so_after_the_others() -> None:
    network = aw.Network([aw.Dense(1)], n_inputs=3)
    own = Scaling([1.0, 2.0, 3.0], [2.0, 4.0, 8.0])
    scaler = StandardScaler().fit(X)
    parts = exported_description(make_pipeline(scaler, Holds(ModelDescription(network, inputs=own))))
    assert parts.inputs is not None
    np.testing.assert_allclose(parts.inputs.apply(X), own.apply(scaler.transform(X)), rtol=1e-4, atol=1e-4)


def test_columns_of_a_table_take_no_scalers() -> None:
    columns = (SimpleNamespace(feature_names=("a", "b", "c")),)
    model = Holds(ModelDescription(aw.Network([aw.Dense(1)], n_inputs=3), columns=columns))
    assert exported_description(make_pipeline(model)).columns == columns
    with pytest.raises(InputError, match="a table model prepares its columns itself"):
        exported_description(make_pipeline(StandardScaler().fit(X), model))


@pytest.mark.parametrize("kind", [SklearnClassifier, SklearnRegressor])
def test_a_perceptron_of_scikit_learn_is_named_as_such(kind: Any) -> None:
    fitted = kind(hidden_layer_sizes=2, max_iter=1000, tol=1.0).fit(X[:, 1:2], Y)
    said = rf"sklearn's {kind.__name__}.*aw\.from_sklearn"
    with pytest.raises(InputError, match=said):
        aw.to_torch_code(fitted, "unused.py")
    with pytest.raises(InputError, match="the last step of the pipeline must be an Actwise estimator, not " + said):
        exported_description(make_pipeline(StandardScaler(), fitted))
    taken_over = make_pipeline("passthrough", aw.from_sklearn(fitted))
    np.testing.assert_array_equal(exported_description(taken_over).network.values, aw.from_sklearn(fitted).values)


def test_a_pipeline_is_not_saved_and_what_to_do_is_said(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), aw.MLPClassifier(4, random_state=0)).fit(X, Y)
    with pytest.raises(InputError, match=r"not Pipeline; save its last step, pipeline\[-1\], .*aw\.to_onnx"):
        aw.save(model, tmp_path / "model")
