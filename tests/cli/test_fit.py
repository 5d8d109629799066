"""``actwise fit``: what it says, what it writes, and its exit status."""

import io
import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from rich.progress import ProgressSample, Task, TaskID

from actwise.cli.display import Display, TrainingBar, _TimeLeft
from actwise.cli.fit import fit
from actwise.engines.numba import build
from actwise.tabular import EpochsDone, TableModel
from actwise.tasks import baselines
from actwise.training import History

QUICK = ["--hidden", "8", "--epochs", "30", "--learning-rate", "0.01"]
# Noise learned by heart.
USELESS = [
    "fit", "noise.csv", "--target", "y", "--hidden", "64", "--epochs", "300", "--learning-rate", "0.03",
    "--l2", "0", "--dropout", "0", "--test-size", "0.2", "--validation-size", "0", "--no-baselines",
]  # fmt: skip


@pytest.fixture
def noise(tmp_path):
    random = np.random.default_rng(0)
    table = pl.DataFrame({"x": random.normal(size=80), "y": random.choice(["a", "b"], 80)})
    table.write_csv(tmp_path / "noise.csv")


def test_the_main_job_on_a_bundled_table(aw, tmp_path):
    result = aw("fit", "sample:breast_cancer")
    assert result.exit_code == 0
    assert result.stderr == ""
    for part in (
        "target 'diagnosis' holds 2 different texts: classification",
        "2 classes: benign, malignant",
        "455 for training, 114 for the test",
        "mean radius: number",
        "30 of 30 are used",
        "30 inputs > 100 relu > 1 sigmoid",
        "(auto: the problem is large)",
        "linear model",
        "gradient boosting",
        "balanced accuracy",
        "saved in breast_cancer-model",
        "actwise predict breast_cancer-model NEW_DATA -o answers.csv",
    ):
        assert part in result.stdout
    scores = json.loads((tmp_path / "breast_cancer-model/metrics.json").read_text())["scores"]
    assert scores["network"]["accuracy"] >= 0.95
    assert set(scores) == {"network", "constant", "linear", "boosting"}


def test_few_rows_are_judged_by_those_left_out(aw):
    result = aw("fit", "sample:linnerud", "--no-baselines")
    assert "20 for training, all there are" in result.stdout
    assert "so few test rows would say little: the figures are of rows left out in turn" in result.stdout
    assert "on 20 rows, each by a network that had not seen it" in result.stdout


def test_numbers_come_near_the_linear_model(aw):
    document = json.loads(aw("fit", "sample:diabetes", "--json").stdout)
    assert document["target"]["task"] == "regression"
    assert document["scores"]["network"]["r2"] >= document["scores"]["linear"]["r2"] - 0.03


def test_many_classes(aw):
    document = json.loads(aw("fit", "sample:digits", "--json", "--no-baselines").stdout)
    assert document["scores"]["network"]["accuracy"] >= 0.97
    assert set(document["scores"]) == {"network", "constant"}


def test_the_json_document_is_all_that_is_printed(aw, tmp_path):
    result = aw("fit", "sample:iris", "--json", *QUICK, "--no-baselines", "--out", "there")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["model"] == "there"
    assert document["failure"] is None
    assert document["layers"][0] == {
        "type": "Dense",
        "units": 8,
        "activation": "relu",
        "formula": document["layers"][0]["formula"],
        "activation_parameters": document["layers"][0]["activation_parameters"],
        "derivative": document["layers"][0]["derivative"],
    }
    assert document["scores"] == TableModel.load(tmp_path / "there").report.scores


def test_quiet_prints_nothing(aw):
    result = aw("fit", "sample:iris", "--quiet", *QUICK, "--no-baselines")
    assert (result.exit_code, result.output) == (0, "")


def test_options_reach_the_training(aw):
    result = aw(
        "fit", "sample:iris", "--json", "--no-baselines", "--hidden", "6,5", "--activation", "max(x, 0.1 * x), maxout",
        "--dropout", "0.1", "--l2", "0.25", "--optimizer", "rmsprop", "--learning-rate", "0.02", "--batch-size", "11",
        "--epochs", "7", "--patience", "6", "--seed", "5", "--test-size", "20", "--validation-size", "0.2",
        "--threads", "1", "--time-limit", "60", "--task", "classification",
    )  # fmt: skip
    document = json.loads(result.stdout)
    names = [layer.get("activation", layer["type"]) for layer in document["layers"]]
    assert names == ["max(x, 0.1 * x)", "Dropout", "Maxout", "Dropout", "softmax"]
    training = document["training"]
    expected = {
        "l2": 0.25, "dropout": 0.1, "optimizer": "rmsprop", "learning_rate": 0.02, "batch_size": 11,
        "epochs_allowed": 7, "seed": 5,
    }  # fmt: skip
    assert {name: training[name] for name in expected} == expected
    assert document["rows"] == {
        "train": 100,
        "validation": 30,
        "test": 20,
        "baselines": 100,
        "judged_by": "test rows",
    }


def test_several_targets_of_a_file(aw, houses):
    houses.with_columns(tax=pl.col("price") / 7).write_parquet("houses.parquet")
    document = json.loads(aw("fit", "houses.parquet", "--target", "price", "--target", "tax", "--json", *QUICK).stdout)
    assert document["target"]["task"] == "multi_output_regression"
    assert [column["name"] for column in document["columns"]] == ["size", "district"]


def test_samples_are_listed(aw):
    result = aw("fit", "sample:")
    assert result.exit_code == 0
    assert "sample:iris" in result.stdout
    assert "target Weight, Waist, Pulse" in result.stdout


@pytest.mark.usefixtures("noise")
def test_a_useless_network_has_failed(aw, tmp_path):
    result = aw(*USELESS, "--out", "bad")
    assert result.exit_code == 3, result.output
    assert result.stderr.startswith("Failed: ")
    assert (tmp_path / "bad/model.json").exists(), "it is kept for whoever wants to look"


def test_a_loss_that_becomes_nan_stops_and_says_so(aw, tmp_path, houses):
    houses.write_csv("houses.csv")
    result = aw("fit", "houses.csv", "--target", "price", "--optimizer", "sgd", "--learning-rate", "1e25",
                "--activation", "relu", "--no-baselines", "--quiet")  # fmt: skip
    assert result.exit_code == 3
    assert "Failed: the loss became infinite or NaN in epoch 1" in result.stderr
    assert "learning rate ten times smaller" in result.stderr
    TableModel.load(tmp_path / "houses-model")


@pytest.mark.usefixtures("noise")
def test_a_failure_is_red_on_a_terminal(aw):
    result = aw(*USELESS, "--quiet", "--no-doctor", color=True)
    assert result.exit_code == 3
    assert result.stderr.startswith("\x1b[31m\x1b[1mFailed: ")


def test_a_model_takes_the_place_of_an_older_one(aw, tmp_path):
    for seed in (0, 1):
        assert aw("fit", "sample:iris", "--quiet", *QUICK, "--no-baselines", "--seed", seed).exit_code == 0
    assert TableModel.load(tmp_path / "iris-model").report.training.seed == 1
    assert [each.name for each in tmp_path.iterdir()] == ["iris-model"]


def test_large_tables_say_that_baselines_got_a_sample(aw, monkeypatch):
    monkeypatch.setattr(baselines, "MOST_ROWS", 50)
    result = aw("fit", "sample:iris", *QUICK)
    assert "learned from a sample of 50 of the 120 training rows" in " ".join(result.stdout.split())


def test_the_first_compilation_is_announced(aw, monkeypatch):
    for compiled in (False, True):
        monkeypatch.setattr(build, "is_compiled", lambda element, answer=compiled: answer)
        result = aw("fit", "sample:iris", *QUICK, "--no-baselines")
        assert ("for the first time on this machine" in result.stdout) is not compiled


def test_the_best_of_each_row_is_bold(saved):
    shown = io.StringIO()
    Display(Console(file=shown, force_terminal=True, width=100)).scores(TableModel.load(saved / "model").report)
    (row,) = [line for line in shown.getvalue().splitlines() if "log-loss" in line]
    network, constant = row.split("│")[2:4]
    assert "\x1b[1m" in network
    assert "\x1b[1m" not in constant


def test_text_from_data_is_never_markup(aw, houses):
    houses.rename({"size": "[red]size[/red]"}).write_csv("houses.csv")
    assert "[red]size[/red]: number" in aw("fit", "houses.csv", "--target", "price", *QUICK, "--no-baselines").stdout


def test_the_bar_shows_epoch_losses_and_time():
    shown = io.StringIO()
    bar = TrainingBar(Console(file=shown, force_terminal=True, width=100), 40)
    bar.show(EpochsDone(12, History(np.array([[0.5, 0.25, 0.001, 0.0]]), np.array([1.0]), False)))
    bar.close()
    assert "epoch 12/40" in shown.getvalue()
    assert "training 0.5  validation 0.25" in shown.getvalue()


@pytest.mark.parametrize(("limit", "expected"), [(None, "at most 4:0"), (90.0, "at most 1:26")])
def test_the_time_left_is_that_of_the_epochs_or_of_the_limit(limit, expected):
    task = Task(TaskID(0), "", total=1000, completed=0, _get_time=lambda: 4.0)
    task.start_time = 0.0
    task._progress.extend([ProgressSample(0.0, 0), ProgressSample(4.0, 16)])
    task.completed = 16
    assert _TimeLeft(limit).render(task).plain.startswith(expected)


def test_help_starts_fast_because_nothing_heavy_is_loaded():
    code = (
        "import sys\nfrom actwise.cli import main\nmain(['fit', '--help'], standalone_mode=False)\n"
        "heavy = ['numba', 'sklearn', 'polars', 'numpy', 'rich']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.splitlines()[-1] == "[]"


def test_each_option_has_a_help():
    assert all(option.help for option in fit.params if option.name != "data")


@pytest.mark.parametrize("arguments", [["--version"], ["fit", "--help"], ["predict", "--help"], ["describe", "--help"]])
def test_module_runs(arguments):
    command = [sys.executable, "-m", "actwise", *arguments]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "actwise" in printed.stdout


def test_a_failed_network_is_not_offered_for_predicting(aw, noise):
    result = aw(*USELESS, "--no-doctor")
    assert "kept in noise-model, for a look at what failed" in result.stdout
    assert "actwise predict" not in result.stdout
    assert "the validation loss" not in result.stdout


def test_the_training_loss_ends_a_training_without_validation_rows(aw):
    result = aw("fit", "sample:iris", "--validation-size", "0", "--patience", "1", "--learning-rate", "0.3",
                "--no-baselines")  # fmt: skip
    assert "ended because the training loss no longer improves" in result.stdout


def test_lbfgs_says_that_it_takes_all_rows(aw):
    result = aw("fit", "sample:iris", "--optimizer", "lbfgs", "--epochs", "5", "--no-baselines")
    assert "all rows at every step" in result.stdout
    assert "batches of" not in result.stdout


def test_what_still_improves_is_told_and_one_is_singular(aw):
    result = aw("fit", "sample:diabetes", "--epochs", "1", "--no-baselines")
    assert "at most 1 epoch " in result.stdout
    assert "trained   1 epoch, " in result.stdout
    assert "(of the standardised target); it was still improving: allow more with --epochs" in result.stdout


def test_each_target_has_its_row(aw):
    shown = aw("fit", "sample:linnerud", "--epochs", "3", "--no-baselines").stdout
    assert all(f"R2 of {name}" in shown for name in ("Weight", "Waist", "Pulse"))


def test_parameters_of_activations(aw):
    both = "leaky_relu(slope=0.3), x * sigmoid(beta * x) (beta=1.5)"
    result = aw("fit", "sample:iris", "--hidden", "5,4", "--epochs", "3", "--no-baselines", "--json", "--activation",
                both)  # fmt: skip
    values = [layer.get("activation_parameters") for layer in json.loads(result.stdout)["layers"]]
    assert [each for each in values if each] == [{"slope": 0.3}, {"beta": 1.5}]
    assert (
        "--activation 'tanh(beta * x) (beta=1.0)'" in aw("fit", "sample:iris", "--activation", "tanh(beta * x)").stderr
    )


def test_columns_and_words_can_be_left_out(aw, houses, tmp_path):
    words = pl.when(pl.int_range(pl.len()) % 10 == 3).then(pl.lit("nix")).otherwise(pl.col("size").cast(pl.String))
    houses.with_columns(size=words, extra=1.5 * houses["price"]).write_csv("houses.csv")
    result = aw("fit", "houses.csv", "--target", "price", "--ignore", "extra", "--missing", "nix", "--json", *QUICK,
                "--no-baselines")  # fmt: skip
    columns = {column["name"]: column["kind"] for column in json.loads(result.stdout)["columns"]}
    assert columns == {"size": "number", "district": "category", "extra": "dropped"}


def test_a_class_without_test_rows_is_told(aw, tmp_path):
    rows = [f"{i},{'ab'[i % 2]}" for i in range(60)] + ["3,c", "5,c"]
    (tmp_path / "rare.csv").write_text("x,k\n" + "\n".join(rows))
    result = aw("fit", "rare.csv", "--target", "k", "--epochs", "2", "--test-size", "0.2", "--no-baselines")
    assert "no test row is of the class c: " in result.stdout


@pytest.mark.filterwarnings("always::actwise.errors.ActwiseWarning")
def test_a_warning_is_told_once(aw):
    result = aw("fit", "sample:iris", "--activation", "x - sin(x)", *QUICK, "--out", "model")
    assert result.exit_code in (0, 3), result.output
    assert result.stderr.count("no form of 'x - sin(x)' was found that keeps all digits") == 1
