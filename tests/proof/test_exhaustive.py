from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import actwise as aw
from actwise.engines.numba import build
from actwise.errors import InputError
from actwise.formula.expression import sigmoid
from actwise.proof import exhaustive, prove_exhaustively

PAGE = Path(__file__).parents[2] / "docs" / "exhaustive.md"


@pytest.fixture
def few_blocks(monkeypatch):
    """Four blocks of numbers around 1 in place of all 256."""
    monkeypatch.setattr(exhaustive, "BLOCK", 2**12)
    monkeypatch.setattr(exhaustive, "PIECE", 2**10)
    first = int(np.float32(8.0).view(np.uint32))
    monkeypatch.setattr(exhaustive, "BLOCKS", range(first >> 12, (first >> 12) + 4))


def test_all_blocks_are_done_and_kept(few_blocks, tmp_path):
    steps = []
    state = tmp_path / "state"
    proof = prove_exhaustively(aw.activation("sigmoid"), state, lambda done, total: steps.append((done, total)), 2)
    assert proof.holds
    assert 0.49 < proof.value.error <= 0.5000001
    assert 0.49 < proof.derivative.error <= 0.5000001
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(state.read_text("utf-8").splitlines()) == 5
    again = prove_exhaustively(aw.activation("sigmoid"), state, lambda done, total: steps.append((done, total)))
    assert again == proof
    assert steps[5:] == [(4, 4)]


def test_an_interrupted_run_goes_on(few_blocks, tmp_path):
    state, whole = tmp_path / "state", tmp_path / "whole"
    expected = prove_exhaustively(aw.activation("tanh"), whole)
    lines = whole.read_text("utf-8").splitlines()
    state.write_text("\n".join([*lines[:3], lines[3][:20]]), "utf-8")
    steps = []
    found = prove_exhaustively(aw.activation("tanh"), state, lambda done, _: steps.append(done))
    assert steps == [2, 3, 4]
    assert (found.value, found.derivative) == (expected.value, expected.derivative)
    assert json.loads(state.read_text("utf-8").splitlines()[0])["block"] == -1


def test_a_wrong_kernel_is_found_and_decided_exactly(few_blocks, tmp_path):
    wrong = replace(aw.activation("sigmoid"), df_x=lambda x: sigmoid(x) * (1 - sigmoid(x)))
    proof = prove_exhaustively(replace(wrong, definition="1 / (1 + exp(-x)) + 1e-7"), tmp_path / "state")
    assert not proof.holds
    assert proof.value.error > 1


@pytest.mark.parametrize("text", ['{"activation": "relu"}\n', "not a state file\n{}\n"])
def test_a_foreign_state_file_is_refused(few_blocks, tmp_path, text):
    state = tmp_path / "state"
    state.write_text(text, "utf-8")
    with pytest.raises(InputError, match="delete it or name another"):
        prove_exhaustively(aw.activation("relu"), state)
    assert state.read_text("utf-8") == text


def test_the_fingerprint_covers_the_kernels_and_what_they_call(monkeypatch):
    tanh = aw.activation("tanh")
    before = exhaustive.fingerprint(tanh)
    assert exhaustive.fingerprint(replace(tanh, f=lambda x: 2 * sigmoid(2 * x) - 1)) != before
    assert exhaustive.fingerprint(replace(tanh, definition="tanh(1.0000001 * x)")) != before
    assert exhaustive.fingerprint(aw.activation("elu")) != exhaustive.fingerprint(aw.activation("elu", alpha=2.0))
    texts = build._texts("float32")
    for name in ("elementary.py", "instructions.py", "circular.py"):
        changed = texts | {name: texts[name] + "\n"}
        monkeypatch.setattr(build, "_texts", lambda _, changed=changed: changed)
        assert exhaustive.fingerprint(tanh) != before
    monkeypatch.setattr(build, "_texts", lambda _: texts | {"loop.py": ""})
    assert exhaustive.fingerprint(tanh) == before


def test_the_table_in_the_docs_is_of_these_kernels():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| ")
    ][2:]
    for name, *_, found in rows:
        assert found == exhaustive.fingerprint(aw.activation(name)), f"run tools/exhaustive_page.py: {name} is stale"
