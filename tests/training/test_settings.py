"""The table of settings, and that every door reads it."""

import inspect
import subprocess
import sys
from math import inf

import numpy as np
import pytest

import actwise as aw
from actwise.errors import InputError
from actwise.model import optimizers
from actwise.training.settings import TABLE, Number, Size, Truth, Whole, rows, setting

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]
NETWORK = aw.Network([aw.Dense(4, "tanh"), aw.Dense(1)], 3)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_row_is_whole(row):
    assert row.help.endswith(".")
    assert "\n" not in row.help
    if row.default is not None:
        assert row.checked(row.default) is not None
    assert row.checked(None) is None if row.default is None else True


def test_names_are_names_of_one_setting():
    names = [name for row in TABLE for name in (row.name, *row.former)]
    assert len(names) == len(set(names))
    found = [row.sklearn for row in TABLE if row.sklearn]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (Whole(), [1, np.int64(3), 10**12], [0, -1, 2.5, True, "3", None]),
        (Whole(0), [0, 4], [-1, 0.0]),
        (Number(), [1e-300, 2, np.float32(0.5)], [0, -1.0, inf, np.nan, "a", True]),
        (Number(zero=True, below=1), [0, 0.999], [1, 1.0, -0.1, inf]),
        (Number(infinite=True), [inf, 1.0], [0.0, -inf, np.nan]),
        (Truth(), [True, False, np.True_], [0, 1, "no", None]),
        (Size(zero=False), [0.2, 30], [0, -1, np.nan]),
        (Size(zero=True), [0, 0.5], [-0.1]),
    ],
)
def test_checks(check, good, bad):
    for value in good:
        assert check("it", value) == value
    for value in bad:
        with pytest.raises(InputError, match=r"^it must be") as caught:
            check("it", value)
        assert caught.value.parameter == "it"
        assert caught.value.told(str.upper) == str(caught.value).replace("it", "IT", 1)


def test_an_error_about_no_parameter_is_told_as_it_is():
    assert InputError("nothing fits").told(str.upper) == "nothing fits"


def test_doors_have_what_the_table_says():
    arguments = inspect.signature(aw.MLPRegressor).parameters
    assert {row.sklearn for row in rows("estimator")} <= set(arguments)
    assert {row.name for row in rows("fit")} <= set(inspect.signature(aw.FitSettings).parameters)
    from actwise.cli.diagnose import diagnose
    from actwise.cli.fit import fit

    for command in (fit, diagnose):
        options = {option.name: option.help or "" for option in command.params}
        assert all(options[row.name].startswith(row.help) for row in rows("fit"))
    for row in rows("train"):
        assert f"{row.name} : {row.check.kind}" in aw.train.__doc__
    for row in rows("fit"):
        assert f"{row.name} : {row.check.kind}" in aw.FitSettings.__doc__


def test_it_is_written_as_each_door_writes_it():
    row = setting("learning_rate")
    assert row.written(0.01, "train") == "learning_rate=0.01"
    assert row.written(0.01, "estimator") == "learning_rate_init=0.01"
    assert row.written(0.01, "command") == "--learning-rate 0.01"
    assert setting("optimizer").written("adam", "estimator") == "solver='adam'"
    assert setting("restarts").called("command") is None


@pytest.mark.parametrize(
    ("old", "value", "new", "present"),
    [
        ("largest_gradient_norm", 0.1, "max_gradient_norm", 0.1),
        ("watch", lambda progress: len(progress.latest) > 3, "callback", lambda progress: len(progress.latest) > 3),
        ("starts", 3, "restarts", 2),
    ],
)
def test_former_names_work_with_a_warning(old, value, new, present):
    others = {} if old == "starts" else {"optimizer": "adam", "epochs": 5}
    with pytest.warns(DeprecationWarning, match=f"{old} is called {new} now") as caught:
        before = aw.train(NETWORK, X, Y, **{old: value}, **others)
    assert [each.filename for each in caught] == [__file__]
    after = aw.train(NETWORK, X, Y, **{new: present}, **others)
    np.testing.assert_array_equal(before.network.values, after.network.values)
    assert before.stopped_because == after.stopped_because


def test_a_former_name_is_read_from_a_run():
    run = aw.train(NETWORK, X, Y, max_gradient_norm=0.5, optimizer="adam", epochs=1)
    with pytest.warns(DeprecationWarning, match="max_gradient_norm"):
        assert run.settings.largest_gradient_norm == 0.5
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        run.settings.nonsense  # noqa: B018  # looking it up is what must fail


def test_zero_former_starts_are_refused_by_their_name():
    with (
        pytest.warns(DeprecationWarning, match="restarts"),
        pytest.raises(InputError, match="starts must be a positive whole number"),
    ):
        aw.train(NETWORK, X, Y, starts=0)


@pytest.mark.parametrize("call", [aw.train, aw.train_many])
def test_an_unknown_setting_is_refused(call):
    with pytest.raises(InputError, match=f"{call.__name__} has no setting 'epoch'; did you mean 'epochs'"):
        call(NETWORK, X, Y, epoch=3)


def test_an_unknown_parameter_of_an_estimator_is_refused():
    with pytest.raises(TypeError, match=r"MLPClassifier\(\) got an unexpected keyword argument 'alhpa'"):
        aw.MLPClassifier(alhpa=1)


@pytest.mark.parametrize("name", optimizers.names())
def test_every_optimizer_is_reachable_through_every_door(name):
    found = aw.train(NETWORK, X, Y, optimizer=name, epochs=2).settings.optimizer
    kind = type(found)
    model = aw.MLPRegressor(hidden_layer_sizes=3, solver=name, max_iter=2, random_state=0)
    with pytest.warns(Warning, match="Maximum iterations"):
        model.fit(X, Y)
    assert type(model.choices_.optimizer) is kind
    if name not in ("adam", "sgd", "lbfgs"):  # those come with scikit-learn's numbers
        assert model.choices_.optimizer == found
    assert type(aw.MLPRegressor(hidden_layer_sizes=3, solver=kind()).get_params()["solver"]) is kind
    assert type(aw.FitSettings(optimizer=name).rule) is kind


def test_it_is_read_without_any_engine():
    code = "import sys, actwise.training.settings; print([m for m in ('numpy', 'numba') if m in sys.modules])"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
