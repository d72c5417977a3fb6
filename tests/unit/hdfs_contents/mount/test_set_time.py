"""The time of a read-only file is set through a moment in which its owner may write it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.mount import messages
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.operations import Operations
from hdfs_contents.mount.overlay import Budget
from hdfs_contents.mount.tables import Recorder, Tables

TIME = messages.SetAttr(None, None, None, None, None, None, 1_000_000_000_000_000_000)


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


@pytest.fixture
def fs(tmp_path: Path) -> Hdfs:
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored/a").touch(0o440)
    return Hdfs("/home", tmp_path / "stored", "alice")


def set_time(fs: Hdfs, staging: Path) -> None:
    tables = Tables("/home", Recorder())
    operations = Operations(fs, tables, OpenFiles(fs, tables, staging, Budget(0)), "/home", 3)
    with tables:
        node = tables.inodes.look_up(tables.inodes.get(1), "a")
    operations(messages.Request(0, node.id, TIME))


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
