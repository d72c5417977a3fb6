"""A folder of this machine is a tree of files and folders, whatever a kernel puts into it."""

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


def test_what_is_neither_a_file_nor_a_folder_is_not_there_and_nobody_waits_for_it(
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


def test_what_is_deleted_while_its_folder_is_listed_is_not_in_the_list(folder: Path) -> None:
    class Deleting(LocalFileSystem):
        def stat(self, path: str):
            if path == "/home/gone":
                (folder / "gone").unlink(missing_ok=True)
            return super().stat(path)

    for name in ("a", "gone", "z"):
        (folder / name).touch()
    assert names(Deleting("/home", folder, "alice")) == ["a", "z"]


def test_a_folder_that_a_kernel_has_deleted_hides_nothing_else(
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


def test_links_count_as_long_as_they_stay_in_the_folder(fs: LocalFileSystem, folder: Path) -> None:
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


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (folder / "a").touch()
    assert names(LocalFileSystem("/home", tmp_path / "link", "alice")) == ["a"]


def test_a_folder_is_copied_as_large_as_it_was_said_to_be_also_with_links_in_a_circle(
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
    said = fs.usage("/home/d")
    copy_tree(fs, fs.stat("/home/d"), "/home/copy")
    copied = [each for each in (folder / "copy").rglob("*") if each.is_file()]
    assert (said.files, said.size_bytes) == (len(copied), 5 * len(copied))
    assert not any(each.is_symlink() for each in copied)


def test_a_link_is_renamed_and_not_what_it_leads_to(fs: LocalFileSystem, folder: Path) -> None:
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
