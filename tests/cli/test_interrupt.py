"""Ctrl-C keeps the best weights; a kill leaves what was there."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from actwise.cli.display import Display
from actwise.cli.status import INTERRUPTED, stop_on_interrupt
from actwise.tabular import TableModel

LONGEST_WAIT = 300  # seconds; with an empty cache on a busy machine it compiles for more than one minute
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
    shown, errors = training.communicate(timeout=LONGEST_WAIT)
    assert errors == ""
    assert training.returncode == 0
    assert "stopped by Ctrl-C after" in shown
    assert "the best weights so far are kept" in shown
    assert "Skipped because of Ctrl-C: linear model and gradient boosting." in shown
    report = TableModel.load(tmp_path / "iris-model").report
    assert report.training.stopped_because == "interrupted"
    assert 0 < report.training.best_epoch <= report.training.epochs_done
    assert set(report.scores) == {"network", "constant"}


def test_a_kill_leaves_nothing_half_written(training, tmp_path):
    training.kill()
    training.communicate(timeout=LONGEST_WAIT)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_asks_twice_and_then_interrupts():
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt() as pressed:
        assert not pressed()
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
            assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_interrupts_while_it_is_held_off():
    with stop_on_interrupt() as pressed:
        pressed.hold_off()
        for _ in range(5):
            signal.raise_signal(signal.SIGINT)
        assert pressed()


def test_many_ctrl_c_while_saving_still_save(aw, monkeypatch, tmp_path):
    save = TableModel.save

    def impatient(*arguments):
        for _ in range(4):
            signal.raise_signal(signal.SIGINT)
        save(*arguments)

    monkeypatch.setattr(TableModel, "save", impatient)
    result = aw("fit", "sample:iris", "--quiet", "--hidden", "8", "--epochs", "30", "--no-baselines")
    assert (result.exit_code, result.output) == (0, "")
    TableModel.load(tmp_path / "iris-model")


def test_an_interruption_after_saving_names_what_was_written(aw, monkeypatch, tmp_path):
    monkeypatch.setattr(Display, "scores", lambda *_: signal.raise_signal(signal.SIGINT))
    result = aw("fit", "sample:iris", "--hidden", "8", "--epochs", "30", "--no-baselines")
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "Interrupted: what was done before is kept in iris-model.\n"
    TableModel.load(tmp_path / "iris-model")


def test_other_threads_cannot_be_interrupted_and_do_not_try():
    def enter():
        with stop_on_interrupt() as pressed:
            return pressed()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result() is False


def test_an_interrupted_proof_names_where_its_progress_is(aw, monkeypatch):
    monkeypatch.setattr(sys.modules["actwise.cli.check"], "_exhausted", lambda *_: signal.raise_signal(signal.SIGINT))
    result = aw("check", "--all", "relu", "--exhaustive", "--state", "progress")
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "Interrupted: what was done before is kept in progress.\n"
