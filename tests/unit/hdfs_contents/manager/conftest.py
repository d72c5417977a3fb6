"""The contents manager on a local directory: tests of its rules that need no HDFS.

The fixtures have the names of those in `tests/hadoop/contents`, where some of these tests run on
HDFS, and all of them in `scripts/test full`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.fixtures import (  # noqa: F401 - pytest finds them by name
    manager,
    names,
    read,
    write,
)
from tests.unit.hdfs_contents.manager.models import MakeManager

HOME = "/user/alice"


@pytest.fixture
def fs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileSystem]:
    """A local directory instead of alice's home in HDFS."""
    umask = os.umask(0)  # HDFS gives a new file the requested mode
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(tmp_path / kind))
    (tmp_path / "alice").mkdir()
    yield LocalFileSystem(HOME, tmp_path / "alice", "alice")
    os.umask(umask)


@pytest.fixture
def root(fs: FileSystem) -> str:
    """An empty directory of alice's."""
    path = f"{HOME}/test"
    fs.mkdirs(path, 0o700)
    return path


@pytest.fixture
def make_manager(fs: FileSystem, root: str) -> MakeManager:
    class LocalContentsManager(HDFSContentsManager):
        def _open_filesystem(self) -> FileSystem:
            return fs

    return lambda **options: LocalContentsManager(**{"root_dir": root} | options)
