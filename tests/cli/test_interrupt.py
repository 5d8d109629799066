"""Ctrl-C keeps the best weights; a kill leaves what was there."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from actwise.cli.status import stop_on_interrupt
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


def test_the_first_ctrl_c_asks_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt() as pressed:
        assert not pressed()
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_cannot_be_interrupted_and_do_not_try():
    def enter():
        with stop_on_interrupt() as pressed:
            return pressed()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result() is False
