"""jupyter_server's tests of uploads in parts."""

from __future__ import annotations

import pytest
from on_hdfs import HDFSPath, adopted
from tests.services.contents import test_largefilemanager as upstream

from hdfs_contents import HDFSContentsManager

globals().update(
    adopted(
        upstream,
        without={
            "test_saving_different_chunks": "sends parts twice, which would be in the file twice"
        },
    )
)


@pytest.fixture
def tmp_path(hdfs_root: HDFSPath) -> HDFSPath:
    return hdfs_root


@pytest.fixture
def jp_large_contents_manager(tmp_path: HDFSPath) -> HDFSContentsManager:
    return HDFSContentsManager(root_dir=str(tmp_path))
