"""jupyter_server's tests of the contents API over HTTP."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from on_hdfs import HDFSPath, adopted, keys_without_size
from tests.services.contents import test_api as upstream

upstream.set = keys_without_size

globals().update(
    adopted(
        upstream,
        without={"test_regression_is_hidden": "patches what looks at names on the local disk"},
    )
)


@pytest.fixture
def jp_argv(hdfs_root: HDFSPath) -> list[str]:
    return [
        "--ServerApp.contents_manager_class=hdfs_contents.HDFSContentsManager",
        f"--HDFSContentsManager.root_dir={hdfs_root}",
    ]


@pytest.fixture
def contents_dir(hdfs_root: HDFSPath, jp_serverapp: Any) -> HDFSPath:
    return hdfs_root


@pytest.fixture(autouse=True)
def paths_are_in_hdfs(hdfs_root: HDFSPath, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests look up on the local disk is looked up in HDFS."""
    in_hdfs = SimpleNamespace(Path=lambda path: HDFSPath(hdfs_root.fs, path))
    monkeypatch.setattr(upstream, "pathlib", in_hdfs)
