"""Times are set of files that are open, new or read-only.

That of a read-only file is set through a moment in which its owner may write it.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hadoop_client.hdfs.local import LocalFile, LocalFileSystem
from hdfs_contents.mount import messages
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.inodes import Node
from hdfs_contents.mount.operations import Operations
from hdfs_contents.mount.overlay import Budget
from hdfs_contents.mount.protocol import ROOT
from hdfs_contents.mount.tables import Recorder, Tables

TIME = messages.SetAttr(None, None, None, None, None, None, 1_000_000_000_000_000_000)


class NewFile(LocalFile):
    """Has the time when it is closed, as in HDFS."""

    def close(self) -> None:
        os.utime(self._file.fileno())
        super().close()


class Hdfs(LocalFileSystem):
    """Sets times only of files that their owner may write, as HDFS does. `meanwhile` runs then."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def set_times(
        self, path: str, *, modified_ms: int | None = None, accessed_ms: int | None = None
    ) -> None:
        if not self.stat(path).mode & 0o200:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        super().set_times(path, modified_ms=modified_ms, accessed_ms=accessed_ms)
        self.meanwhile()

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> LocalFile:
        super().open_write(path, mode, umask=umask).close()
        return NewFile(path, self._local(path).open("ab"))


class Mounted:
    """A mount of a file system."""

    def __init__(self, fs: Hdfs, staging: Path) -> None:
        self.tables = Tables("/home", Recorder())
        self.files = OpenFiles(fs, self.tables, staging, Budget(1000))
        self.operations = Operations(fs, self.tables, self.files, "/home", 3)

    def node(self, name: str) -> Node:
        with self.tables:
            return self.tables.inodes.look_up(self.tables.inodes.get(ROOT), name)

    def set_time(self, node: Node) -> None:
        self.operations(messages.Request(0, node.id, TIME))


@pytest.fixture
def fs(tmp_path: Path) -> Hdfs:
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored/a").touch(0o440)
    return Hdfs("/home", tmp_path / "stored", "alice")


def set_time(fs: Hdfs, staging: Path) -> None:
    mounted = Mounted(fs, staging)
    mounted.set_time(mounted.node("a"))


def replace(tmp_path: Path, mode: int) -> None:
    (tmp_path / "new").touch()
    (tmp_path / "new").chmod(mode)
    (tmp_path / "new").replace(tmp_path / "stored/a")


def test_a_read_only_file_is_read_only_afterwards(fs: Hdfs, tmp_path: Path) -> None:
    set_time(fs, tmp_path)
    status = fs.stat("/home/a")
    assert (status.mode, status.modified_ms) == (0o440, 1_000_000_000_000)


def test_a_file_that_replaces_it_meanwhile_keeps_its_mode(fs: Hdfs, tmp_path: Path) -> None:
    fs.meanwhile = lambda: replace(tmp_path, 0o600)
    set_time(fs, tmp_path)
    assert fs.stat("/home/a").mode == 0o600


def test_a_copy_that_replaces_it_meanwhile_is_read_only_too(fs: Hdfs, tmp_path: Path) -> None:
    fs.meanwhile = lambda: replace(tmp_path, fs.stat("/home/a").mode)
    set_time(fs, tmp_path)
    assert fs.stat("/home/a").mode == 0o440


def test_it_is_read_only_after_a_failure(fs: Hdfs, tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, "HDFS failed")

    fs.meanwhile = fail
    with pytest.raises(OSError, match="HDFS failed"):
        set_time(fs, tmp_path)
    assert fs.stat("/home/a").mode == 0o440


def test_what_is_written_meanwhile_is_saved(fs: Hdfs, tmp_path: Path) -> None:
    (tmp_path / "stored/b").write_text("old")
    mounted = Mounted(fs, tmp_path)
    node = mounted.node("b")
    handle = mounted.files.open(node, os.O_WRONLY)
    written = (handle.id, 3, memoryview(b" and new"), 0)
    writing = threading.Thread(target=mounted.files.write, args=written)

    def write() -> None:
        writing.start()
        writing.join(0.5)  # it waits, or ends

    fs.meanwhile = write
    mounted.set_time(node)
    writing.join()
    mounted.files.flush(handle.id)
    assert (tmp_path / "stored/b").read_text() == "old and new"


def test_an_empty_new_file_keeps_the_time_when_it_is_closed(fs: Hdfs, tmp_path: Path) -> None:
    mounted = Mounted(fs, tmp_path)
    create = messages.Create("new", os.O_WRONLY | os.O_CREAT, 0o644, 0)
    mounted.operations(messages.Request(0, ROOT, create))
    node = mounted.node("new")
    (handle,) = mounted.tables.of(node)
    mounted.set_time(node)
    assert mounted.files.draft(node).status.modified_ms == 1_000_000_000_000
    mounted.files.flush(handle.id)
    mounted.files.release(handle.id)
    assert fs.stat("/home/new").modified_ms == 1_000_000_000_000
