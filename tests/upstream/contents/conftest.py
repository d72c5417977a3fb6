"""jupyter_server's own contents tests, on HDFS.

They come from jupyter_server's source distribution, whose package is called `tests`, and bring an
event loop of their own: so `tests/hadoop/contents/test_contents_upstream.py` runs them in a process
of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from on_hdfs import HDFSPath

from hadoop_client.hdfs.filesystem import open_filesystem
from tests.conftest import contents, folders  # noqa: F401 (upstream's fixtures)

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture
def hdfs_root() -> Iterator[HDFSPath]:
    """An empty directory in HDFS, in one of its own."""
    fs = open_filesystem()
    around = HDFSPath(fs, f"/user/{fs.user}/upstream-{uuid.uuid4().hex}")
    root = around / "root"
    root.mkdir()
    yield root
    fs.delete(str(around), recursive=True)
