"""Fixtures for tests of the contents manager, on any file system.

A conftest that imports them defines `fs`, `root`, which is an empty directory, and `make_manager`.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import MakeManager, Names, Read, Write


@pytest.fixture
def manager(make_manager: MakeManager) -> HDFSContentsManager:
    return make_manager()


@pytest.fixture
def write(fs: FileSystem, root: str) -> Write:
    """`write(path, content, mode)`: write a file below the root; returns its path in HDFS."""

    def put(path: str, content: bytes | str = b"", mode: int = 0o644) -> str:
        hdfs_path = f"{root}/{path}"
        fs.mkdirs(hdfs_path.rpartition("/")[0])
        with suppress(FileNotFoundError):
            fs.delete(hdfs_path)
        with fs.open_write(hdfs_path, mode) as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return hdfs_path

    return put


@pytest.fixture
def read(fs: FileSystem, root: str) -> Read:
    """`read(path)`: the bytes of a file below the root."""

    def get(path: str) -> bytes:
        with fs.open_read(f"{root}/{path}") as file:
            return bytes(file.read())

    return get


@pytest.fixture
def names(fs: FileSystem, root: str) -> Names:
    """`names(path)`: all names in a directory below the root, hidden ones too."""

    def list_names(path: str = "") -> list[str]:
        return [status.name for status in fs.list_dir(f"{root}/{path}".rstrip("/"))]

    return list_names
