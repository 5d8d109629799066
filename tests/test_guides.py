"""Every file and every name that the guides mention exists."""

import ast
import re
from pathlib import Path

import pytest

import actwise

PACKAGE = Path(actwise.__file__).parent
ROOT = Path(__file__).resolve().parents[1]
GUIDES = ["ARCHITECTURE.md", "CONTRIBUTING.md"]
ROOMS = {path.stem for path in PACKAGE.iterdir()}
CODE = re.compile(r"`([^`\n]+)`")


def mentioned(guide):
    return sorted(set(CODE.findall((ROOT / guide).read_text("utf-8"))))


def is_path(text):
    return bool(re.fullmatch(r"[\w./]+(/|\.py|\.md)", text))


def is_name(text):
    return bool(re.fullmatch(r"\w+(\.\w+)+", text)) and not is_path(text) and text.split(".")[0] in ROOMS


def source_of(name):
    """The lines of a module, or of a class, function or constant in one; None where there is none."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        place = PACKAGE.joinpath(*parts[:n])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return _within(file.read_text("utf-8"), parts[n:])
    return None


def _within(text, names):
    lines, body = text.splitlines(), ast.parse(text).body
    for name in names:
        for node in body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if getattr(node, "name", None) == name or any(getattr(each, "id", None) == name for each in targets):
                lines, body = text.splitlines()[node.lineno - 1 : node.end_lineno], getattr(node, "body", [])
                break
        else:
            return None
    return lines


@pytest.mark.parametrize("guide", GUIDES)
def test_files_exist(guide):
    paths = [each for each in mentioned(guide) if is_path(each)]
    assert len(paths) > 5
    missing = [each for each in paths if not (ROOT / each).exists() and not (PACKAGE / each).exists()]
    assert missing == []


@pytest.mark.parametrize("guide", GUIDES)
def test_names_exist(guide):
    names = [each for each in mentioned(guide) if is_name(each)]
    assert len(names) > 3
    assert [each for each in names if source_of(each) is None] == []


def test_a_name_that_is_not_there_is_found_out():
    assert source_of("training.settings.TABLE")
    assert source_of("training.settings.Setting.called")
    assert source_of("training.settings.NOTHING") is None
    assert source_of("nowhere.settings") is None


def test_every_room_is_described():
    described = mentioned("ARCHITECTURE.md")
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert {f"{room}/" for room in rooms} <= set(described)


def test_the_core_is_read_in_an_hour():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("## Where to begin reading")[1]
    names = [each for each in CODE.findall(text) if is_name(each)]
    assert len(names) >= 8
    assert 600 <= sum(len(source_of(each)) for each in names) <= 900
