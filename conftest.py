"""Leaves out what cannot be tried where PyTorch, which the tests do without, is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

NEED_TORCH = [f"src/actwise/export/torch/{name}.py" for name in ("modules", "model", "incoming")]
# A program that a test runs in a process of its own: imported here, its declarations would reach all tests.
PROGRAMS = ["tests/new_declarations.py"]
collect_ignore = PROGRAMS if find_spec("torch") else [*PROGRAMS, *NEED_TORCH]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip examples in docstrings that use PyTorch."""
    if find_spec("torch"):
        return
    for item in items:
        if isinstance(item, pytest.DoctestItem) and item.name.endswith((".to_torch", ".from_torch")):
            item.add_marker(pytest.mark.skip(reason="needs PyTorch"))
    assert all((Path(__file__).parent / each).exists() for each in NEED_TORCH)
