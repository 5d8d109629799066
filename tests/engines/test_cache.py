"""Compiled code is loaded only from where nobody else can have put it."""

import os
from pathlib import Path

import pytest

from actwise.engines import cache

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="ownership is a POSIX notion")


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """A cache in a folder of ours, and the next place, a temporary folder that all share."""
    root, shared = tmp_path / "cache", tmp_path / "tmp"
    root.mkdir(mode=0o755)
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(root))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(shared))
    monkeypatch.setattr(cache.tempfile, "tempdir", str(shared))
    for function in (cache.cache_folder, cache.folder_of):
        function.cache_clear()
    yield root, shared
    for function in (cache.cache_folder, cache.folder_of):
        function.cache_clear()


def _folder() -> Path:
    cache.folder_of.cache_clear()
    return cache.folder_of("package")


def test_a_folder_of_ours_is_used(places):
    root, _ = places
    assert _folder() == root / "package"
    assert (root / "package").stat().st_mode & 0o777 == 0o700
    (root / "package" / "__pycache__").mkdir()
    (root / "package" / "__pycache__" / "file.nbi").touch()
    assert _folder() == root / "package"


def test_what_a_lax_umask_opens_lies_in_a_closed_folder(places):
    root, _ = places
    _folder()
    inner = root / "package" / "__pycache__"
    inner.mkdir()
    inner.chmod(0o777)
    assert _folder() == root / "package"


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o1777])
def test_a_cache_that_others_can_write_is_not_used(places, mode):
    root, shared = places
    root.chmod(mode)
    assert _folder().is_relative_to(shared)
    assert cache.cache_folder().is_relative_to(shared)
    assert cache.cache_folder().stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o775, 0o777])
@pytest.mark.parametrize("place", ["package", "package/__pycache__", "package/__pycache__/file.nbi"])
def test_no_part_may_have_been_written_by_others(places, place, mode):
    root, shared = places
    inner = root / "package" / "__pycache__"
    inner.mkdir(parents=True)
    (inner / "file.nbi").touch()
    (root / "package").chmod(0o755)
    assert _folder() == root / "package"
    (root / place).chmod(mode)
    assert _folder().is_relative_to(shared)


def test_a_folder_above_that_others_can_write_could_be_replaced(places):
    root, shared = places
    root.parent.chmod(0o777)
    assert not _folder().is_relative_to(root)
    root.parent.chmod(0o1777)  # where everybody can only move what is theirs
    cache.cache_folder.cache_clear()
    assert _folder() == root / "package"
    assert shared.is_dir()


def test_a_link_is_not_followed(places):
    root, shared = places
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (root / "package").symlink_to(elsewhere)
    assert _folder().is_relative_to(shared)
    (root / "package").unlink()
    (_folder() / "file.nbi").symlink_to(elsewhere / "file.nbi")
    assert _folder().is_relative_to(shared)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("place", ["", "package", "package/file.nbi"])
def test_what_belongs_to_somebody_else_is_not_used(places, place):
    root, shared = places
    (_folder() / "file.nbi").touch()
    os.chown(root / place, 2002, 2002)
    assert _folder().is_relative_to(shared)


def test_sums_tell_what_has_changed(tmp_path):
    file, other = tmp_path / "a.nbc", tmp_path / "b.nbc"
    file.write_bytes(b"machine code")
    other.write_bytes(b"not noted")
    cache.note_sums(tmp_path, "a.*")
    cache.remove_damaged(tmp_path, "*.nbc")
    assert (file.exists(), other.exists()) == (True, False)
    file.write_bytes(b"machine c0de")
    cache.remove_damaged(tmp_path, "*.nbc")
    assert not list(tmp_path.glob("a.*"))
