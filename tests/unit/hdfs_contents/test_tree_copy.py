"""A move by a copy deletes the original only if it is as it was compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.operations.tree_copy import copy_tree, move_tree
from tests.unit.hdfs_contents.manager.interrupted import InterruptedFileSystem


@pytest.fixture
def fs(tmp_path: Path) -> LocalFileSystem:
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "sub" / "a").write_text("a")
    (tmp_path / "d" / "b").write_text("b")
    return LocalFileSystem("/home", tmp_path, "alice")


def move(fs: FileSystem) -> None:
    move_tree(fs, fs.stat("/home/d"), "/home/moved")


def files(directory: Path) -> dict[str, str]:
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_text() for path in paths}


def test_a_directory_moves_with_its_contents(fs: LocalFileSystem, tmp_path: Path) -> None:
    move(fs)
    assert files(tmp_path) == {"moved/sub/a": "a", "moved/b": "b"}


def test_a_copy_that_lost_bytes_is_deleted(fs: LocalFileSystem, tmp_path: Path) -> None:
    def lose() -> None:
        (temporary,) = tmp_path.glob(".saving-*")
        (temporary / "b").write_text("")

    losing = InterruptedFileSystem(fs, "close", lose, after=True)
    with pytest.raises(OSError, match="HDFS kept only 0 of 1 bytes: copy it again"):
        copy_tree(losing, fs.stat("/home/d"), "/home/copy")
    assert files(tmp_path) == {"d/sub/a": "a", "d/b": "b"}


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file comes in": lambda directory: (directory / "new").write_text("new"),
    "a file is replaced": lambda directory: (directory / "sub" / "a").write_text("saved meanwhile"),
    "a file goes": lambda directory: (directory / "b").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_after_the_comparison_aborts_the_move(
    change: str, fs: LocalFileSystem, tmp_path: Path
) -> None:
    directory = tmp_path / "d"

    def change_once() -> None:
        if not changed:
            CHANGES[change](directory)
            changed.update(files(directory))

    changed: dict[str, str] = {}
    with pytest.raises(OSError, match="it changed while it was being moved and was left in place"):
        # The first rename follows the comparison.
        move(InterruptedFileSystem(fs, "rename", change_once, after=False))
    assert files(tmp_path) == {f"d/{name}": content for name, content in changed.items()}


def test_a_file_saved_during_the_deletion_is_kept(fs: LocalFileSystem, tmp_path: Path) -> None:
    def save() -> None:
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "b").write_text("saved meanwhile")

    move(InterruptedFileSystem(fs, "delete", save, after=False))
    assert files(tmp_path) == {"moved/sub/a": "a", "moved/b": "b", "d/b": "saved meanwhile"}


def test_a_read_only_directory_is_copied(fs: LocalFileSystem, tmp_path: Path) -> None:
    fs.set_permission("/home/d/sub", 0o555)
    fs.set_permission("/home/d/b", 0o640)
    modes: list[int] = []

    def look() -> None:
        modes.extend(path.stat().st_mode & 0o077 for path in tmp_path.glob(".saving-*/**/*"))

    copy_tree(
        InterruptedFileSystem(fs, "close", look, after=True), fs.stat("/home/d"), "/home/copy"
    )
    assert modes
    assert not any(modes), "an unfinished copy is private"
    assert (fs.stat("/home/copy/sub").mode, fs.stat("/home/copy/b").mode) == (0o555, 0o640)
    for name in ("d", "copy"):
        fs.set_permission(f"/home/{name}/sub", 0o755)


def test_a_failed_copy_is_deleted_with_its_contents(fs: LocalFileSystem, tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("the quota is exceeded")

    with pytest.raises(OSError, match="the quota is exceeded"):
        copy_tree(
            InterruptedFileSystem(fs, "rename", fail, after=False), fs.stat("/home/d"), "/home/e"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_directory_put_in_place_of_a_copy_is_not_deleted_when_that_fails(
    fs: LocalFileSystem, tmp_path: Path
) -> None:
    """A user who may write into a shared directory can rename both."""
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "results.csv").write_text("years of work")
    os.utime(thesis / "results.csv", (1, 1))

    def swap() -> None:
        (temporary,) = tmp_path.glob(".saving-*")
        temporary.rename(tmp_path / "elsewhere")
        thesis.rename(temporary)
        raise OSError("the quota is exceeded")

    with pytest.raises(OSError, match="the quota is exceeded"):
        copy_tree(
            InterruptedFileSystem(fs, "rename", swap, after=False), fs.stat("/home/d"), "/home/e"
        )
    (kept,) = tmp_path.glob(".saving-*/results.csv")
    assert kept.read_text() == "years of work"
