"""jupyter_server's tests of checkpoints."""

from __future__ import annotations

import pytest
from on_hdfs import HDFSPath, adopted, keys_without_size
from tests.services.contents import test_checkpoints as upstream

from hdfs_contents import HDFSContentsManager

upstream.set = keys_without_size

globals().update(adopted(upstream, without={}))


@pytest.fixture
def contents_dir(hdfs_root: HDFSPath) -> HDFSPath:
    return hdfs_root


@pytest.fixture
def contents_manager(contents: dict[str, HDFSPath]) -> HDFSContentsManager:
    return HDFSContentsManager(root_dir=str(contents["contents_dir"]))
