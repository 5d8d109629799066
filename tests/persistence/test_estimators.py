"""One pair of functions saves and loads every kind of model, and no file makes it do anything else."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import actwise as aw
from actwise.errors import InputError, ModelError
from actwise.persistence import KINDS, Saved, SavedKind, kind_of, read_model
from actwise.tables import read_table

FILES = ("model.json", "weights.safetensors")


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    table = read_table("sample:iris")
    chosen = aw.FitSettings(hidden=(4,), activation=("x * sigmoid(x) + 0.1 * x",), epochs=3, baselines=False)
    model = aw.fit_table(table, "species", chosen).model
    rows = table.drop("species").to_pandas()
    options = {"hidden_layer_sizes": (3, 2), "activation": ["tanh", "x * sigmoid(x)"], "random_state": 0, "max_iter": 9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = aw.MLPClassifier(class_weight={"setosa": 2.0}, **options).fit(rows, table["species"].to_numpy())
        regressor = aw.MLPRegressor(
            solver=aw.SGD(aw.CosineDecay(0.1), 0.5), loss=aw.loss("huber", delta=0.7), **options
        ).fit(rows.to_numpy(), rows.to_numpy()[:, :2])
    found = {"network": model.network, "table_model": model}
    return found | {"mlp_classifier": classifier, "mlp_regressor": regressor}


@pytest.fixture(scope="module")
def saved(models: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("saved")
    for kind, model in models.items():
        aw.save(model, folder / kind)
    return {kind: folder / kind for kind in models}


def answers(model: Any) -> Any:
    """What a model says, as bytes."""
    if isinstance(model, aw.TableModel):
        return model.predict_proba("sample:iris").tobytes()
    if isinstance(model, aw.MLPClassifier):
        rows = read_table("sample:iris").drop("species").to_pandas()
        return model.predict_proba(rows).tobytes() + repr(model.predict(rows).tolist()).encode()
    if isinstance(model, aw.MLPRegressor):
        return model.predict(np.linspace(-2, 2, 7 * 4).reshape(7, 4)).tobytes()
    return model.predict(np.linspace(-2, 2, 7 * model.n_inputs).reshape(7, -1)).tobytes()


def test_every_kind_is_tried_here(models: dict[str, Any]) -> None:
    assert models.keys() == KINDS.keys()
    assert all(kind_of(name).name == name for name in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_as_what_it_was(kind: str, models: dict[str, Any], saved: dict[str, Path]) -> None:
    again = aw.load(saved[kind])
    assert type(again) is type(models[kind])
    assert answers(again) == answers(models[kind])
    assert {each.name for each in saved[kind].iterdir()} >= set(FILES)


def test_estimators_keep_parameters_and_records(models: dict[str, Any], saved: dict[str, Path]) -> None:
    for kind in ("mlp_classifier", "mlp_regressor"):
        model, again = models[kind], aw.load(saved[kind])
        assert repr(again.get_params()) == repr(model.get_params())
        for name in ("n_iter_", "t_", "loss_curve_", "best_loss_", "n_features_in_", "n_layers_", "out_activation_"):
            assert getattr(again, name) == getattr(model, name), name
        assert [each.tolist() for each in again.coefs_] == [each.tolist() for each in model.coefs_]
        clone(again)
    classifier = aw.load(saved["mlp_classifier"])
    assert list(classifier.feature_names_in_) == list(models["mlp_classifier"].feature_names_in_)
    assert classifier.classes_.dtype == models["mlp_classifier"].classes_.dtype


def test_a_loaded_estimator_can_be_trained_on(saved: dict[str, Path]) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 4))
    again = aw.load(saved["mlp_regressor"])
    before = again.coefs_[0].copy()
    again.partial_fit(rows, rows[:, :2])
    assert not np.array_equal(again.coefs_[0], before)
    assert again.score(rows, rows[:, :2]) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scoring": lambda *_: 0.0}, "'scoring' is a function, which cannot be saved without pickle"),
        ({"random_state": np.random.RandomState(0)}, "'random_state' is of the type RandomState"),
        ({"max_iter": 3}, None),
    ],
    ids=["function", "random state", "plain"],
)
def test_parameters_that_are_no_data(options: dict[str, Any], message: str | None, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(30, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = aw.MLPClassifier(**options).fit(rows, rows[:, 0] > 0)
    if message is None:
        aw.save(model, tmp_path / "model")
        assert aw.load(tmp_path / "model").classes_.tolist() == [False, True]
        return
    with pytest.raises(InputError, match=message):
        aw.save(model, tmp_path / "model")
    with pytest.raises(InputError, match="has not been fitted yet"):
        aw.save(aw.MLPClassifier(), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_labels_of_every_type(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(30, 2))
    codes = np.digitize(rows[:, 0], [-0.4, 0.4])
    for classes in ([1, 5, 9], [-1.0, 0.0, 2.0], ["a", "b", "ç"], np.array([1, 2, 3], np.uint8)):
        labels = np.asarray(classes)
        for y in (labels[codes], labels[codes].astype(object) if labels.dtype.kind == "U" else labels[codes]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = aw.MLPClassifier(max_iter=3).fit(rows, y)
            aw.save(model, tmp_path / "model")
            again = aw.load(tmp_path / "model")
            assert again.classes_.dtype == model.classes_.dtype
            assert again.predict(rows).tolist() == model.predict(rows).tolist()


def test_anything_else_is_refused(models: dict[str, Any], tmp_path: Path) -> None:
    for what in ({"weights": 1}, None, aw.Network, b"x"):
        with pytest.raises(InputError, match="only models can be saved"):
            aw.save(what, tmp_path / "model")
    run = aw.train(aw.Network([aw.Dense(1)], 1), [[0.0], [1.0]], [0.0, 1.0], epochs=1)
    with pytest.raises(InputError, match=r"not Run; save its .network instead"):
        aw.save(run, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_new_kind_is_one_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Mean:
        def __init__(self, value: float) -> None:
            self.value = value

    kind = SavedKind(
        "mean",
        Mean,
        lambda model: Saved({"unit": "m"}, {"value": np.array(model.value)}),
        lambda found: Mean(float(found.arrays["value"])),
    )
    monkeypatch.setattr("actwise.errors.MEAN", kind, raising=False)
    monkeypatch.setitem(KINDS, "mean", ("actwise.errors", "MEAN"))
    aw.save(Mean(2.5), tmp_path / "model")
    assert aw.load(tmp_path / "model").value == 2.5


def test_an_unknown_kind_is_refused(tmp_path: Path, saved: dict[str, Path]) -> None:
    for kind in ("table model", "os.system", 3, None, ["network"]):
        forge(saved["network"], tmp_path / "model", {"kind": kind})
        with pytest.raises(ModelError, match=r"unknown kind .*; upgrade Actwise$"):
            aw.load(tmp_path / "model")


# Damage: whatever happens to the bytes, a model is refused or it is the one that was saved.

edits = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "insert", "delete", "cut", "copy"]),
        st.floats(0, 1),
        st.integers(0, 255),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, changes: list[tuple[str, float, int, int]]) -> bytes:
    for how, place, value, length in changes:
        at = int(place * len(content))
        if how == "flip":
            content = content[:at] + bytes(each ^ (1 << value % 8) for each in content[at : at + 1]) + content[at + 1 :]
        elif how == "set":
            content = content[:at] + bytes([value]) * length + content[at + length :]
        elif how == "insert":
            content = content[:at] + bytes([value]) * length + content[at:]
        elif how == "delete":
            content = content[:at] + content[at + length :]
        elif how == "cut":
            content = content[:at]
        else:
            content = content[:at] + content[at : at + length] * 2 + content[at + length :]
    return content


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(changes=edits)
def test_damaged_bytes(
    kind: str, name: str, changes: Any, models: Any, saved: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = (saved[kind] / name).read_bytes()
    damaged = edited(content, changes)
    folder = copied(saved[kind], tmp_path_factory.mktemp("damaged"))
    (folder / name).write_bytes(damaged)
    again = loaded(folder)
    assert again is None or answers(again) == answers(models[kind])


def loaded(folder: Path) -> Any:
    """Load a model; None where it was refused with a decent sentence."""
    try:
        return aw.load(folder)
    except ModelError as error:
        said = str(error)
    assert str(folder) in said
    assert len(said) < 900
    assert "\n" not in said
    return None


# Forgery: the checksums are made right again, so that it is the content that has to be found wrong.


def copied(source: Path, target: Path) -> Path:
    for each in source.iterdir():
        (target / each.name).write_bytes(each.read_bytes())
    return target


def forge(source: Path, target: Path, changes: dict[str, Any], weights: bytes | None = None) -> None:
    target.mkdir(exist_ok=True)
    copied(source, target)
    payload = json.loads((source / "model.json").read_text("utf-8")) | changes
    if weights is not None:
        (target / "weights.safetensors").write_bytes(weights)
        payload["weights"] = {"bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}
    del payload["checksum"]
    payload["checksum"] = hashlib.sha256(json.dumps(payload, separators=(",", ":")).encode()).hexdigest()
    (target / "model.json").write_text(json.dumps(payload), "utf-8")


def places(document: Any) -> Iterator[tuple[Any, ...]]:
    steps = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in steps:
        yield (key,)
        if isinstance(value, dict | list):
            yield from ((key, *rest) for rest in places(value))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_forged_documents(kind: str, data: st.DataObject, saved: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    document, _ = read_model(saved[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(list(places(document))))
        forged = copy.deepcopy(document)
        at = forged
        for step in path:
            at = at[step]
        others = [other for other in places(document) if len(other) == 1 + len(path)]
        swapped = data.draw(st.sampled_from(others))
        found: Any = document
        for step in swapped:
            found = found[step]
        at[last] = data.draw(json_values | st.just(found))
        document = forged
        if not all(isinstance(each, dict | list) and each for each in (document, *document.values())):
            break
    folder = tmp_path_factory.mktemp("forged")
    forge(saved[kind], folder, document)
    refused_or_works(folder)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(changes=edits)
def test_forged_weights(kind: str, changes: Any, saved: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("forged")
    weights = edited((saved[kind] / "weights.safetensors").read_bytes(), changes)
    forge(saved[kind], folder, {}, weights)
    refused_or_works(folder)


def refused_or_works(folder: Path) -> None:
    again = loaded(folder)
    if again is not None:
        aw.save(again, folder / "again")  # what was accepted is a whole model, which can be saved again


def test_a_pickle_is_never_opened(saved: dict[str, Path], tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "exploded"),)

    for name in FILES:
        (tmp_path / "model").mkdir(exist_ok=True)
        folder = copied(saved["network"], tmp_path / "model")
        (folder / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ModelError):
            aw.load(folder)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("what", [3, None, b"model"])
def test_what_is_no_path_is_refused_in_a_sentence(what):
    with pytest.raises(ModelError, match="from the path of its directory"):
        aw.load(what)
