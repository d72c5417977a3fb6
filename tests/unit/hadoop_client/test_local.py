"""A local directory is a tree of files and directories, whatever a kernel creates in it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from hadoop_client.hdfs.combined import CombinedFileSystem
from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.operations.tree_copy import copy_tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def fs(folder: Path) -> LocalFileSystem:
    return LocalFileSystem("/home", folder, "alice")


def names(fs: FileSystem, path: str = "/home") -> list[str]:
    return [entry.name for entry in fs.list_dir(path)]


def test_anything_but_a_file_or_directory_is_hidden_and_blocks_no_call(
    fs: LocalFileSystem, folder: Path
) -> None:
    (folder / "file").touch()
    os.mkfifo(folder / "pipe")
    (folder / "to-pipe").symlink_to("pipe")
    assert names(fs) == ["file"]
    for path in ("/home/pipe", "/home/to-pipe"):
        assert not fs.exists(path)
        for call in (fs.stat, fs.open_read):
            with pytest.raises(FileNotFoundError):
                call(path)


def test_a_file_deleted_while_its_directory_is_listed_is_not_in_the_list(folder: Path) -> None:
    class Deleting(LocalFileSystem):
        def stat(self, path: str):
            if path == "/home/gone":
                (folder / "gone").unlink(missing_ok=True)
            return super().stat(path)

    for name in ("a", "gone", "z"):
        (folder / name).touch()
    assert names(Deleting("/home", folder, "alice")) == ["a", "z"]


def test_a_mounted_directory_that_was_deleted_hides_nothing_else(
    fs: LocalFileSystem, folder: Path, tmp_path: Path
) -> None:
    (folder / "a").touch()
    (tmp_path / "local").mkdir()
    mounted = CombinedFileSystem(
        fs, {"/home/local": LocalFileSystem("/home/local", tmp_path / "local", "alice")}
    )
    assert names(mounted) == ["a", "local"]
    (tmp_path / "local").rmdir()
    assert names(mounted) == ["a"]


def test_links_are_shown_if_they_stay_in_the_directory(fs: LocalFileSystem, folder: Path) -> None:
    (folder / "run-1").mkdir()
    (folder / "run-1/log").write_text("1")
    (folder / "latest").symlink_to("run-1")
    (folder / "log").symlink_to(folder / "latest/log")
    (folder.parent / "secret").write_text("2")
    for name, to in (("up", ".."), ("out", "../secret"), ("nothing", "x"), ("itself", "itself")):
        (folder / name).symlink_to(to)
    assert names(fs) == ["latest", "log", "run-1"]
    assert names(fs, "/home/latest") == ["log"]
    for path in ("/home/latest/log", "/home/log"):
        assert fs.open_read(path).read() == b"1"
    for path in ("/home/up/secret", "/home/out", "/home/up"):
        with pytest.raises(FileNotFoundError) as raised:
            fs.open_read(path)
        assert raised.value.filename == path


def test_the_directory_itself_may_be_a_link(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (folder / "a").touch()
    assert names(LocalFileSystem("/home", tmp_path / "link", "alice")) == ["a"]


def test_a_copy_of_a_directory_has_the_reported_size_even_with_circular_links(
    fs: LocalFileSystem, folder: Path
) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (folder / "d" / name).mkdir(parents=True)
        (folder / "d" / name / "file").write_text("12345")
        (folder / "d" / name / "other").symlink_to(f"../{other}")
        (folder / "d" / name / "around").symlink_to("..")
    (folder.parent / "outside").mkdir()
    (folder.parent / "outside/file").write_text("another's")
    (folder / "d" / "outside").symlink_to(folder.parent / "outside")
    usage = fs.usage("/home/d")
    copy_tree(fs, fs.stat("/home/d"), "/home/copy")
    copied = [path for path in (folder / "copy").rglob("*") if path.is_file()]
    assert (usage.files, usage.size_bytes) == (len(copied), 5 * len(copied))
    assert not any(path.is_symlink() for path in copied)


def test_a_rename_of_a_link_leaves_its_target(fs: LocalFileSystem, folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "file").touch()
    for name, to in (("one", "run"), ("two", "file")):
        (folder / name).symlink_to(to)
        fs.rename(f"/home/{name}", f"/home/new-{name}")
        assert (folder / f"new-{name}").readlink() == Path(to)
    assert names(fs) == ["file", "new-one", "new-two", "run"]


def test_a_rename_that_fails_leaves_nothing_behind(fs: LocalFileSystem, folder: Path) -> None:
    (folder / "d").mkdir()
    (folder / "taken").mkdir()
    for target, expected in (("/home/d/e", errno.EINVAL), ("/home/taken", errno.EEXIST)):
        with pytest.raises(OSError, match=target) as raised:
            fs.rename("/home/d", target)
        assert raised.value.errno == expected
    with pytest.raises(FileNotFoundError) as missing:
        fs.rename("/home/x", "/home/y")
    assert missing.value.filename == "/home/x"
    assert names(fs) == ["d", "taken"]
    assert names(fs, "/home/d") == []
