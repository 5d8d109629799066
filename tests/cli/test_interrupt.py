"""Ctrl-C keeps the best weights; a kill leaves what was there."""

import os
import signal
import subprocess
import sys

import pytest

from actwise.tabular import TableModel

ENDLESS = ["fit", "sample:iris", "--hidden", "8", "--epochs", "100000000", "--patience", "100000000"]


@pytest.fixture
def training(tmp_path):
    """A training without end, that has begun."""
    command = [sys.executable, "-m", "actwise", *ENDLESS]
    process = subprocess.Popen(
        command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    )
    said = ""
    while not said.startswith("training"):
        said = process.stdout.readline()
        assert said or process.poll() is None, process.stderr.read()
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_keeps_the_best_weights_and_says_so(training, tmp_path):
    training.send_signal(signal.SIGINT)
    shown, errors = training.communicate(timeout=60)
    assert errors == ""
    assert training.returncode == 0
    assert "stopped by Ctrl-C after" in shown
    assert "the best weights so far are kept" in shown
    report = TableModel.load(tmp_path / "iris-model").report
    assert report.training.stopped_because == "interrupted"
    assert 0 < report.training.best_epoch <= report.training.epochs_done
    assert set(report.scores) == {"network", "constant"}


def test_a_kill_leaves_nothing_half_written(training, tmp_path):
    training.kill()
    training.communicate(timeout=60)
    assert list(tmp_path.iterdir()) == []
