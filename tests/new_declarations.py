"""Declares a setting, an optimizer and a loss, and prints what each door makes of them, for `test_one_place.py`.

It runs in a process of its own, since the doors read the table when they are imported.
"""

import json
import sys
import warnings

from actwise.model import losses, optimizers
from actwise.training import settings

optimizers._BY_NAME["calm"] = optimizers.SGD(0.0625)
losses.CATALOGUE += (
    losses.Loss(
        "fourth_power", lambda x, t: (x - t) ** 4 / 4, lambda x, t: (x - t) ** 3, source="made up for this test"
    ),
)
settings.TABLE += (
    settings.Setting(
        "wobble",
        settings.Number(zero=True),
        0.25,
        "How much the steps wobble.",
        sklearn="wobble_size",
        fit=True,
        former={"shake": lambda value: value},
    ),
)

import numpy as np  # noqa: E402  # the doors are imported after the row was added
import polars as pl  # noqa: E402  # the doors are imported after the row was added
from click.testing import CliRunner  # noqa: E402  # the doors are imported after the row was added

import actwise as aw  # noqa: E402  # the doors are imported after the row was added
from actwise.cli import main  # noqa: E402  # the doors are imported after the row was added
from actwise.training import api, records  # noqa: E402  # the doors are imported after the row was added

trained = []


class Recorded(records.TrainingSettings):
    def __init__(self, **given):
        super().__init__(**given)
        trained.append(self.wobble)


api.TrainingSettings = Recorded


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except ValueError as error:
        return str(error)
    return "not refused"


X = np.random.default_rng(0).normal(size=(40, 2))
y = X[:, 0]
net = aw.Network([aw.Dense(3, "tanh"), aw.Dense(1)], 2)
quick = {"optimizer": "adam", "epochs": 1}


def reached(call, *arguments, **named):
    trained.clear()
    call(*arguments, **named)
    return sorted(set(trained))


def command(*arguments):
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


warnings.simplefilter("ignore")
found = {
    "train": reached(aw.train, net, X, y, wobble=0.5, **quick),
    "train, left out": reached(aw.train, net, X, y, **quick),
    "train, former name": reached(aw.train, net, X, y, shake=0.125, **quick),
    "train, wrong": refusal(aw.train, net, X, y, wobble=-1),
    "train_many": reached(aw.train_many, net, X, y, seeds=2, wobble=0.5, **quick),
    "run": aw.train(net, X, y, wobble=0.5, **quick).settings.wobble,
    "estimator": reached(aw.MLPRegressor(hidden_layer_sizes=3, solver="adam", max_iter=1, wobble_size=0.5).fit, X, y),
    "estimator, left out": reached(aw.MLPClassifier(3, solver="adam", max_iter=1).fit, X, y > 0),
    "estimator, wrong": refusal(aw.MLPRegressor(wobble_size=-1).fit, X, y),
}
aw.save(aw.MLPRegressor(hidden_layer_sizes=3, max_iter=1, wobble_size=0.5).fit(X, y), "model")
found["estimator, saved"] = aw.load("model").wobble_size
frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y})
frame.write_csv("table.csv")
found["fit_table"] = reached(aw.fit_table, frame, "y", aw.FitSettings(wobble=0.5, epochs=1, baselines=False))
found["fit_table, wrong"] = refusal(aw.FitSettings, wobble=-1)
arguments = ["table.csv", "--target", "y", "--epochs", "1"]
found["fit"] = reached(command, "fit", *arguments, "--wobble", "0.5", "--no-baselines", "--no-doctor", "--quiet")
found["fit, wrong"] = command("fit", *arguments, "--wobble", "-1")
found["diagnose, wrong"] = command("diagnose", *arguments, "--wobble", "-1")
found["as code"] = [settings.setting("wobble").written(0.5, door) for door in ("train", "estimator", "command")]
found["told"] = [
    " ".join(each.split())
    for each in (
        aw.train.__doc__,
        aw.train_many.__doc__,
        aw.MLPClassifier.__doc__,
        aw.MLPRegressor.__doc__,
        aw.FitSettings.__doc__,
        command("fit", "--help")[1],
        command("diagnose", "--help")[1],
    )
]
found["calm"] = [
    aw.train(net, X, y, optimizer="calm", epochs=1).settings.optimizer.learning_rate,
    aw.train_many(net, X, y, seeds=1, optimizer="calm", epochs=1)[0].settings.optimizer.learning_rate,
    aw.MLPRegressor(hidden_layer_sizes=3, solver="calm", max_iter=1).fit(X, y).choices_.optimizer.learning_rate,
]
calm = ["--optimizer", "calm", "--no-baselines", "--no-doctor"]
found["calm, fit"] = "learning rate 0.0625" in command("fit", *arguments, *calm)[1]
one_step = {"optimizer": aw.SGD(0.5), "epochs": 1, "batch_size": 40, "keep_parameters": True}
linear = aw.Network([aw.Dense(1)], 2, dtype="float64").initialised(1)
after = aw.train(linear, X, y, loss="fourth_power", **one_step).network
error = linear.predict(X).ravel() - y
found["loss"] = float(
    np.abs(after.weights[0].ravel() - (linear.weights[0].ravel() - 0.5 * (X.T @ error**3) / 40)).max()
)
sys.stdout.write(json.dumps(found))
